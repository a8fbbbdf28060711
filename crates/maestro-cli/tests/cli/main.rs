//! The program as people meet it: arguments, both outputs, exit statuses, signals, crashes.

mod bed;
mod client;
mod crash;
mod run;
mod start_up;
