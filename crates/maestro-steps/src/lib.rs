//! Step runtimes and the supervisor of local processes.
