//! Tests of the crate through its public door.

mod cases;
mod cases_dates;
mod cases_language;
mod cases_library;
mod corpus;
mod properties;
mod reference;
mod rules;
