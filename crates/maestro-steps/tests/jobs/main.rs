//! Real shells, real processes, real kills.

#[path = "../support/mod.rs"]
mod support;

mod bed;
mod crash;
mod environment;
mod logs;
mod outcome;
mod queue;
mod stop;
