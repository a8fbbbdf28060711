//! Views compared with recorded answers: rows that the real core made are rendered, normalised like
//! `conformance/conformance.py` does it, and compared with `conformance/golden`.

mod failures;
mod golden;
mod instances;
mod pages;
mod stage;
mod steps;
mod workflows;
#[expect(dead_code, reason = "shared with the scenarios of the core")]
#[path = "../core/world.rs"]
mod world;
