//! The seeded simulator: random workflows over the real core, the engine's real partitions and the real store, in
//! virtual time, with faults; checkers outside of what they check.
//!
//! A seed decides everything: the definitions, who does what when, the faults. A failing seed is replayed with
//! `maestro-sim --from SEED --seeds 1`. After a phase with faults they stop, and everything must finish.

mod check;
mod jobs;
mod swarm;
mod world;

pub use check::Edges;
pub use swarm::{Bug, Swarm};
pub use world::{Ground, Outcome, play};
