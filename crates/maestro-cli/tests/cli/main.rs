//! The program as people meet it: arguments, both outputs, exit statuses, signals, crashes.

#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    reason = "a test that cannot go on has failed"
)]

mod bed;
mod client;
mod crash;
mod disk;
mod examples;
mod files;
mod mistakes;
mod params;
mod run;
mod sdk;
mod sel;
mod start_up;
