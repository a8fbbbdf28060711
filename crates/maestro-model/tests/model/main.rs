//! Tests of the crate from outside: one binary, one module per area.

mod conformance;
mod definitions;
mod support;
mod values;
mod yaml;
