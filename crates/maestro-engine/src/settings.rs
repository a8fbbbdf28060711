//! What can be chosen about the engine, and why it may not open.

use std::path::PathBuf;
use std::sync::Arc;

use maestro_core::Settings as CoreSettings;
use maestro_core::params::Rules;
use maestro_model::validate::Limits;
use maestro_steps::local::LocalSettings;
use maestro_store::sqlite;

/// What can be chosen about an engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Folder of the database and of local jobs; made if it is not there.
    pub data: PathBuf,
    /// Threads that run shards; 0 for half of the cores.
    pub workers: usize,
    /// Commands that may wait for their answers at once; more are refused as busy. Of a crowd that stays, half as many.
    pub inbox: usize,
    /// Bytes of a worker's open batch from which it takes no more events until a commit is done.
    pub batch_bytes: usize,
    /// Workflows without work that are kept in memory per worker.
    pub idle_workflows: usize,
    /// Bytes of compiled definitions that are kept in memory.
    pub plan_cache_bytes: u64,
    /// Bytes of answers about runs that have ended that are kept in memory.
    pub view_cache_bytes: u64,
    /// Limits of definitions.
    pub limits: Limits,
    /// Limits of the core.
    pub core: CoreSettings,
    /// How params are merged and evaluated.
    pub params: Arc<Rules>,
    /// The store.
    pub store: sqlite::Options,
    /// Local jobs, if this server runs them (decision 6).
    pub local: Option<LocalSettings>,
}

impl EngineSettings {
    /// Defaults for a data folder.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            workers: 0,
            inbox: 512,
            batch_bytes: 8 << 20,
            idle_workflows: 10_000,
            plan_cache_bytes: 64 << 20,
            view_cache_bytes: 16 << 20,
            limits: Limits::default(),
            core: CoreSettings::default(),
            params: Arc::default(),
            store: sqlite::Options::default(),
            local: Some(LocalSettings::default()),
        }
    }
}

/// Why an engine cannot be opened: one sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] maestro_store::OpenError),
    /// Reading what was at work.
    #[error("cannot read the store: {0}")]
    Read(#[from] maestro_store::ReadError),
    /// The local executor.
    #[error(transparent)]
    Jobs(#[from] maestro_steps::local::OpenError),
    /// A stored definition or run that cannot be understood.
    #[error("the store holds something that this version cannot read: {0}")]
    Damaged(String),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<crate::LoadError> for OpenError {
    fn from(error: crate::LoadError) -> Self {
        match error {
            crate::LoadError::Read(error) => Self::Read(error),
            crate::LoadError::Damaged(text) => Self::Damaged(text),
        }
    }
}
