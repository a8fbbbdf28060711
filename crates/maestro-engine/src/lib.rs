//! Shards, committer, timers and recovery: the shell around the pure core.
