//! Tests of the store through its public API. `suite` runs on every backend.
#![expect(clippy::unwrap_used, reason = "a test panics where it fails")]

mod build;
mod crash;
mod model;
mod sqlite;
mod suite;
