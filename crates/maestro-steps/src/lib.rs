//! Runs the jobs of steps and says how they ended.
//!
//! Owns step runtimes and the processes of local jobs: launching, finding again after a crash, ending, logs, outputs.
//! Absent on purpose: workflows, retries, statuses, the store. What an end means for a step is the core's affair; this
//! crate reports it in the runtime's words ([`local::Outcome`]).
//!
//! - [`runtimes::Runtimes`] is the front door: `start`, `adopt`, `cancel`, `release`, and a callback for reports.
//! - [`local::LocalExecutor`] runs jobs as processes of this machine; its log reader is [`local::LocalExecutor::read_log`].
//! - [`supervisor::main`] is the process that stands between the server and each local job. A program that opens a
//!   `LocalExecutor` must call it first thing when its first argument is [`supervisor::SUBCOMMAND`].
//! - [`outputs`] reads what jobs put out.
//!
//! How a job lives, and what guards which promise, is told in `docs/design/local-jobs.md`.

pub mod local;
pub mod outputs;
pub mod runtimes;
pub mod supervisor;
