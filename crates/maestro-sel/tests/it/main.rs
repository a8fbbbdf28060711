//! Tests of the crate through its public door.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests, which read the recorded programs"
)]

mod cases;
mod cases_dates;
mod cases_language;
mod cases_library;
mod corpus;
mod fuzz;
mod messages;
mod properties;
mod reference;
mod rules;
