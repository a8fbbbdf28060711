//! Jobs as processes of this machine.

mod executor;
pub(crate) mod folder;
mod follow;
mod job;
mod jobs;
pub(crate) mod log;
mod outcome;
mod prepare;
pub(crate) mod process;
pub(crate) mod record;
mod run;
mod spawn;

pub use executor::{LocalExecutor, LocalSettings};
pub use folder::OpenError;
pub(crate) use folder::write_if_different;
pub use follow::LogFollow;
pub use job::{
    CommandLine, Ended, Event, InvalidJobKey, Job, JobIdentity, JobKey, Label, Outcome, Started,
};
pub use log::LogChunk;
pub(crate) use log::{LogReader, first_chars};
