//! The async shell around the pure core: shards, committer, timers, recovery.
//!
//! A command goes to the worker that runs the shard of its workflow ([`partition`]); the worker lets the core decide and
//! fills its open batch; the [`committer`] writes the batches of all workers as one transaction, and only then releases
//! the effects (output commit). Readers take snapshots of the store and never look into a worker.
//!
//! Owns: threads, channels, the clock, caches of definitions, the way to the runtimes. Absent on purpose: rules (the
//! core has them), SQL (the store), HTTP.
//!
//! Start reading at [`Engine`]; then [`partition::Partition`], which has no threads and no clock, so that the simulator
//! runs the very same code.

mod administration;
mod clock;
mod committer;
mod crowd;
mod definitions;
mod documents;
mod ended;
mod engine;
mod enrichment;
mod jobs;
mod loader;
pub mod metrics;
pub mod partition;
mod purge;
pub mod recovery;
mod settings;
mod starting;
mod worker;

pub use definitions::{Definitions, Head, LoadError};
pub use documents::Announced;
pub use ended::ViewForm;
pub use engine::{Engine, EngineError, Health, Pushed, Started};
pub use maestro_core::message::VersionSelector;
pub use settings::{EngineSettings, OpenError};
