//! Tests of the store through its public API. `suite` runs on every backend.

mod build;
mod crash;
mod model;
mod sqlite;
mod suite;
