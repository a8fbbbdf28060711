//! Step runtimes and the supervisor of local processes.

pub mod local;
pub mod outputs;
pub mod supervisor;
