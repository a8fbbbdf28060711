//! The pure engine: `(state, event, now) -> (state', rows and effects)`.
//!
//! Everything that the engine decides is decided here, and nothing else happens here: no clock, no randomness, no I/O,
//! no threads (guarded by this crate's `clippy.toml`). The unit that decides is one workflow with all its runs
//! ([`WorkflowState`]): queue, ids, permits and runs of one id belong together, so that starting, ending and dequeueing
//! are one transition (design, rule 6).
//!
//! Start reading at [`WorkflowState::on`]; then `run` (the DAG of one run), then `run::attempt` (the state machine of
//! one attempt, spec 06 section 3.3).
//!
//! Every effect can be derived again from the rows: whoever loses effects in a crash reloads the state
//! ([`WorkflowState::resume`]) and gets them again.

pub mod condition;
pub mod initiation;
pub mod message;
pub mod params;
pub mod permits;
pub mod plan;
pub mod retry;
mod run;
mod settings;
pub mod view;
mod workflow;

pub use params::{Results, Values};
pub use run::{RunSnapshot, StepSnapshot};
pub use settings::Settings;
pub use workflow::{Keys, Resumed, Turn, WorkflowState};
