//! The front door.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use maestro_core::Keys;
use maestro_core::message::{Command, Event, Fetch, Push, Refusal, Reply, StartOutcome};
use maestro_core::params::{ParamError, StepEvaluation};
use maestro_core::plan::Plan;
use maestro_model::Str;
use maestro_model::codec::to_text;
use maestro_model::definition::{Properties, User, WorkflowCreateRequest};
use maestro_model::state::{ActionKind, InstanceRef, WorkflowKey, WorkflowRow};
use maestro_model::validate::{self, Invalid};
use maestro_steps::local::{LogChunk, LogFollow};
use maestro_steps::runtimes::Runtimes;
use maestro_store::{CommitError, DocumentChange, ReadError, Readers, ShardSet, Snapshot, sqlite};
use prometheus_client::registry::Registry;
use uuid::Uuid;

use crate::clock::Clock;
use crate::committer::{Chore, Committer, Pipeline, Release};
use crate::crowd::Crowd;
use crate::definitions::{Definitions, Head, LoadError};
use crate::ended::EndedViews;
use crate::jobs::{Jobs, key_of};
use crate::loader;
use crate::metrics::Metrics;
use crate::partition::{Input, Released, shard_of};
use crate::recovery;
use crate::settings::{EngineSettings, OpenError};
use crate::worker::{Inbox, Worker};

/// Threads that read the store for the engine itself.
const READERS: usize = 2;

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The core refused it; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A definition or request breaks rules.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The request cannot be fulfilled as it is.
    #[error("{0}")]
    BadRequest(String),
    /// A text that selects no version (spec 01 section 10.2).
    #[error("invalid workflow version [{version}] for workflow [{workflow}]")]
    InvalidVersion {
        /// The workflow.
        workflow: Box<str>,
        /// The text.
        version: Box<str>,
    },
    /// Params cannot be merged or evaluated.
    #[error(transparent)]
    Params(#[from] ParamError),
    /// A definition cannot be started as it is (spec 02 DR-4).
    #[error("workflow [{workflow}] fails the dry run: {cause}")]
    DryRun {
        /// The workflow.
        workflow: Str,
        /// Why.
        cause: ParamError,
    },
    /// There is no such version.
    #[error("{0}")]
    NoVersion(String),
    /// Too many commands wait: try again soon.
    #[error("the server has too much to do at the moment; try again")]
    Busy,
    /// The store takes no commits at present, or the engine is stopping: try again later.
    #[error("the server cannot store anything at the moment; try again")]
    Unavailable,
    /// The store cannot be read.
    #[error("cannot read the store: {0}")]
    Read(#[from] ReadError),
    /// What the store holds cannot be understood.
    #[error("{0}")]
    Damaged(String),
}

impl From<LoadError> for EngineError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read(error) => Self::Read(error),
            LoadError::Damaged(text) => Self::Damaged(text),
        }
    }
}

/// The answer to a push.
#[derive(Debug)]
pub struct Pushed {
    /// The workflow as it is now.
    pub row: WorkflowRow,
    /// The version that was made.
    pub version: i64,
}

/// The answer to a start.
#[derive(Debug)]
pub struct Started {
    /// The version that runs.
    pub version: i64,
    /// Instance and run; zeros for a duplicate.
    pub id: InstanceRef,
    /// The run's uuid.
    pub uuid: Uuid,
    /// What became of the request.
    pub outcome: StartOutcome,
}

/// How the engine is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// It works.
    Up,
    /// The store takes no commits at present; commands are refused, reads go on.
    StoreAway,
    /// It is being stopped, or the store is broken.
    Down,
}

pub(crate) struct Shared {
    pub(crate) settings: EngineSettings,
    readers: Arc<dyn Readers>,
    pub(crate) definitions: Definitions,
    pub(crate) ended_views: EndedViews,
    inboxes: Vec<Arc<Inbox>>,
    pub(crate) pipeline: Arc<Pipeline>,
    clock: Arc<Clock>,
    metrics: Metrics,
    pub(crate) jobs: OnceLock<Jobs>,
    down: AtomicBool,
    /// Commands that wait for their answers.
    crowd: Crowd,
    /// Held while documents are read, changed and stored.
    documents: Mutex<()>,
}

impl Shared {
    fn inbox(&self, workflow: &str) -> &Inbox {
        &self.inboxes[usize::from(shard_of(workflow)) % self.inboxes.len()]
    }

    fn event(&self, workflow: &Str, event: Event) {
        self.inbox(workflow).internal(Input::Event {
            workflow: workflow.clone(),
            event,
            answer: None,
        });
    }
}

/// A durable workflow engine on one data folder. Cheap to clone; the last clone's [`Engine::shutdown`] stops it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("data", &self.shared.settings.data)
            .finish_non_exhaustive()
    }
}

/// Work for the engine's own reading threads.
enum Read {
    Fetch(Str, u64, Fetch),
    Load(Str),
    Evaluate(Str, Box<StepEvaluation>),
}

impl Engine {
    /// Opens the store, takes up what was at work, and starts the threads. Waits for the disk. Metrics are registered in
    /// `registry`. `fatal` is called if the store breaks while the engine runs: the process has to end then.
    ///
    /// # Errors
    /// See [`OpenError`]; each is one sentence.
    pub fn open(
        settings: EngineSettings,
        registry: &mut Registry,
        fatal: impl Fn(&CommitError) + Send + 'static,
    ) -> Result<Self, OpenError> {
        let store = sqlite::open(&settings.data, &settings.store)?;
        let count = match settings.workers {
            0 => std::thread::available_parallelism()
                .map_or(1, |n| n.get() / 2)
                .max(1),
            n => n.min(usize::from(Keys::SHARDS)),
        };
        let metrics = Metrics::new(registry);
        let shared = Arc::new(Shared {
            definitions: Definitions::new(settings.plan_cache_bytes, settings.params.clone()),
            ended_views: EndedViews::new(settings.view_cache_bytes),
            readers: store.readers,
            inboxes: (0..count)
                .map(|_| Arc::new(Inbox::new(settings.inbox)))
                .collect(),
            pipeline: Arc::new(Pipeline::new(count)),
            clock: Arc::new(Clock::new()),
            metrics: metrics.clone(),
            jobs: OnceLock::new(),
            down: AtomicBool::new(false),
            crowd: Crowd::new(settings.inbox),
            documents: Mutex::new(()),
            settings,
        });
        let to = Arc::downgrade(&shared);
        let report = Arc::new(move |workflow: &Str, report| {
            if let Some(shared) = to.upgrade() {
                shared.event(workflow, Event::Report(report));
            }
        });
        let jobs = Jobs::new(
            |news| {
                let Some(local) = shared.settings.local.clone() else {
                    return Ok(None);
                };
                Runtimes::open(&shared.settings.data.join("jobs"), local, news).map(Some)
            },
            shared.clock.clone(),
            report,
        )?;
        let _ = shared.jobs.set(jobs);
        let snapshot = shared.readers.snapshot()?;
        let recovered = recovery::recover(
            &*snapshot,
            &shared.definitions,
            shared.settings.core,
            count,
            shared.clock.now(),
        )?;
        drop(snapshot);
        if let Some(jobs) = shared.jobs.get() {
            jobs.sweep(recovered.jobs.iter().filter_map(key_of).collect());
        }
        let partitions = recovered.partitions;

        let (read, requests) = channel();
        let requests = Arc::new(Mutex::new(requests));
        let mut threads = Vec::new();
        for i in 0..READERS {
            let (shared, requests) = (shared.clone(), requests.clone());
            threads.push(spawn(format!("read-{i}"), move || {
                serve_reads(&shared, &requests);
            })?);
        }
        let committer = Committer {
            writer: store.writer,
            pipeline: shared.pipeline.clone(),
            inboxes: shared.inboxes.clone(),
            release: Dispatch {
                shared: shared.clone(),
                read,
                fatal: Box::new(fatal),
            },
            metrics: metrics.clone(),
        };
        threads.push(spawn("commit".to_owned(), move || committer.run())?);
        for (index, partition) in partitions.into_iter().enumerate() {
            let worker = Worker {
                index,
                partition,
                inbox: shared.inboxes[index].clone(),
                pipeline: shared.pipeline.clone(),
                clock: shared.clock.clone(),
                metrics: metrics.clone(),
                batch_bytes: shared.settings.batch_bytes,
                idle_workflows: shared.settings.idle_workflows,
            };
            threads.push(spawn(format!("shard-{index}"), move || worker.run())?);
        }
        let snapshot = shared.readers.snapshot()?;
        for deleted in snapshot.purging(ShardSet::ALL)? {
            crate::purge::purge(&shared, (&*deleted.id).into(), deleted.key);
        }
        Ok(Self {
            shared,
            threads: Arc::new(Mutex::new(threads)),
        })
    }

    /// Stops taking commands, commits what is decided, and ends the threads. Jobs go on under their supervisors. A store
    /// that takes no commits is given two seconds more; then what nobody was told of is dropped.
    pub fn shutdown(&self) {
        self.shared.down.store(true, Ordering::Relaxed);
        self.shared.pipeline.stop();
        for inbox in &self.shared.inboxes {
            inbox.stop();
        }
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the engine had panicked");
            }
        }
    }

    /// How the engine is.
    #[must_use]
    pub fn health(&self) -> Health {
        if self.shared.down.load(Ordering::Relaxed) {
            Health::Down
        } else if self.shared.pipeline.is_stuck() {
            Health::StoreAway
        } else {
            Health::Up
        }
    }

    /// The limits of definitions and requests.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.shared.settings
    }

    /// The engine's time, in epoch milliseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.shared.clock.now()
    }

    /// What was counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// One moment of the store, for reading.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn snapshot(&self) -> Result<Box<dyn Snapshot>, ReadError> {
        self.shared.readers.snapshot()
    }

    /// The workflow with its version pointers; `None` if there is none of this id. May wait for the disk.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn head(&self, workflow: &str) -> Result<Option<Arc<Head>>, EngineError> {
        Ok(self
            .shared
            .definitions
            .head(workflow, || self.shared.readers.snapshot())?)
    }

    /// A compiled version. May wait for the disk.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn plan(
        &self,
        workflow: WorkflowKey,
        version: i64,
        snapshot: &dyn Snapshot,
    ) -> Result<Option<Arc<Plan>>, EngineError> {
        Ok(self.shared.definitions.plan(workflow, version, snapshot)?)
    }

    /// A properties snapshot, by its time. May wait for the disk.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn properties(
        &self,
        workflow: WorkflowKey,
        create_time: i64,
        snapshot: &dyn Snapshot,
    ) -> Result<Arc<Properties>, EngineError> {
        Ok(self
            .shared
            .definitions
            .properties(workflow, create_time, snapshot)?)
    }

    /// Changes documents: `decide` says how, from what the store holds. Nobody else changes them meanwhile. Waits for
    /// the disk.
    pub(crate) fn change_documents<T>(
        &self,
        decide: impl FnOnce(&dyn Snapshot) -> Result<(Vec<DocumentChange>, T), EngineError>,
    ) -> Result<(T, u64), EngineError> {
        if self.health() != Health::Up {
            return Err(EngineError::Unavailable);
        }
        let shared = &self.shared;
        let _alone = shared
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (changes, value) = decide(&*shared.readers.snapshot()?)?;
        let (done, stored) = channel();
        let answer = Box::new(move |removed| {
            // The caller may have gone.
            let _ = done.send(removed);
        });
        shared.pipeline.chore(Chore::Documents(changes, answer));
        // The committer is gone, or could not store it.
        let removed = stored.recv().ok().flatten();
        Ok((value, removed.ok_or(EngineError::Unavailable)?))
    }

    /// Sends a command and waits until what it did is durable.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn command(&self, workflow: &str, command: Command) -> Result<Reply, EngineError> {
        if self.health() != Health::Up {
            return Err(EngineError::Unavailable);
        }
        let Some(_place) = self.shared.crowd.enter() else {
            self.shared.metrics.refused.inc();
            return Err(EngineError::Busy);
        };
        let (send, answer) = tokio::sync::oneshot::channel();
        let input = Input::Event {
            workflow: workflow.into(),
            event: Event::Command {
                token: None,
                command,
            },
            answer: Some(Box::new(move |result| drop(send.send(result)))),
        };
        if self.shared.inbox(workflow).command(input).is_err() {
            self.shared.metrics.refused.inc();
            return Err(if self.health() == Health::Up {
                EngineError::Busy
            } else {
                EngineError::Unavailable
            });
        }
        Ok(answer.await.map_err(|_| EngineError::Unavailable)??)
    }

    /// Makes a new version.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn push(
        &self,
        request: WorkflowCreateRequest,
        author: User,
    ) -> Result<Pushed, EngineError> {
        self.check(&request, &author)?;
        // Whether it is the first one, only the core knows.
        if let Some(fault) = validate::push_fault(&request, false) {
            return Err(EngineError::BadRequest(fault.to_string()));
        }
        let workflow = request.workflow;
        let id = workflow.id.clone();
        let push = Push {
            definition: to_text(&*workflow).into(),
            workflow,
            properties: request.properties,
            activate: request.is_active.unwrap_or(true),
            author,
            git_info: request.git_info,
            extra_info: request.extra_info,
        };
        match self.command(&id, Command::Push(Box::new(push))).await? {
            Reply::Pushed { row, version } => Ok(Pushed { row, version }),
            other => Err(unexpected(&other)),
        }
    }

    /// Stops or kills the latest run of an instance.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn end(
        &self,
        workflow: &str,
        instance: i64,
        run: Option<i64>,
        action: ActionKind,
        user: &User,
    ) -> Result<Reply, EngineError> {
        let user = (&**user.name()).into();
        self.command(
            workflow,
            Command::End {
                instance,
                run,
                action,
                user,
            },
        )
        .await
    }

    /// Stops or kills every run of a workflow; queued and running ones are counted.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn end_all(
        &self,
        workflow: &str,
        action: ActionKind,
        user: &User,
    ) -> Result<(u64, u64), EngineError> {
        let user = (&**user.name()).into();
        match self
            .command(workflow, Command::EndAll { action, user })
            .await?
        {
            Reply::EndedAll { queued, running } => Ok((queued, running)),
            other => Err(unexpected(&other)),
        }
    }

    /// Unblocks the latest run of an instance (spec 05 AC-28): the run, and whether it held its workflow up until now.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn unblock(
        &self,
        workflow: &str,
        instance: i64,
        run: Option<i64>,
        user: &User,
    ) -> Result<(InstanceRef, bool), EngineError> {
        let command = Command::Unblock {
            instance,
            run,
            user: (&**user.name()).into(),
        };
        match self.command(workflow, command).await? {
            Reply::Unblocked { id, changed } => Ok((id, changed)),
            other => Err(unexpected(&other)),
        }
    }

    /// Unblocks all failed runs of a workflow (spec 05 AC-29), and counts them.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn unblock_all(&self, workflow: &str, user: &User) -> Result<u64, EngineError> {
        let user = (&**user.name()).into();
        match self.command(workflow, Command::UnblockAll { user }).await? {
            Reply::UnblockedAll { count } => Ok(count),
            other => Err(unexpected(&other)),
        }
    }

    /// Deletes a workflow; its data goes in the background.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn delete(&self, workflow: &str, author: &User) -> Result<(), EngineError> {
        let author = to_text(author).into();
        self.command(workflow, Command::Delete { author })
            .await
            .map(drop)
    }

    /// A piece of the log of an attempt; `None` if local jobs are off. Waits for the disk.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn read_log(
        &self,
        attempt: &Uuid,
        offset: u64,
        limit: usize,
    ) -> std::io::Result<Option<LogChunk>> {
        let (Some(local), Some(key)) = (
            self.shared.jobs.get().and_then(Jobs::local),
            key_of(attempt),
        ) else {
            return Ok(None);
        };
        local.read_log(&key, offset, limit).map(Some)
    }

    /// Tells when the log of an attempt grows; `None` if local jobs are off.
    ///
    /// # Errors
    /// The log cannot be watched.
    pub fn follow_log(&self, attempt: &Uuid) -> std::io::Result<Option<LogFollow>> {
        let (Some(local), Some(key)) = (
            self.shared.jobs.get().and_then(Jobs::local),
            key_of(attempt),
        ) else {
            return Ok(None);
        };
        local.follow_log(&key).map(Some)
    }
}

pub(crate) fn unexpected(reply: &Reply) -> EngineError {
    EngineError::Damaged(format!(
        "the engine gave another answer than was asked for: {reply:?}"
    ))
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    Ok(std::thread::Builder::new().name(name).spawn(work)?)
}

/// What becomes of effects once their batch is durable.
struct Dispatch {
    shared: Arc<Shared>,
    read: Sender<Read>,
    fatal: Box<dyn Fn(&CommitError) + Send>,
}

impl Release for Dispatch {
    fn release(&mut self, effect: Released) {
        let shared = &self.shared;
        match effect {
            Released::Reply(answer, result) => answer(result),
            Released::Launch(workflow, launch) => {
                if let Some(jobs) = shared.jobs.get() {
                    shared.metrics.jobs.inc();
                    jobs.launch(&workflow, &launch);
                }
            }
            Released::Cancel(_, uuid, ty) => with_jobs(shared, |jobs| jobs.cancel(&uuid, ty)),
            Released::Release(_, uuid, ty) => with_jobs(shared, |jobs| jobs.release(&uuid, ty)),
            Released::Fetch(workflow, request, what) => {
                drop(self.read.send(Read::Fetch(workflow, request, what)));
            }
            Released::Load(workflow) => drop(self.read.send(Read::Load(workflow))),
            Released::Evaluate(workflow, work) => {
                drop(self.read.send(Read::Evaluate(workflow, work)));
            }
            Released::NotifyDurable(workflow, number) => {
                shared.event(&workflow, Event::Durable(number));
            }
            Released::DefinitionChanged(workflow) => shared.definitions.changed(&workflow),
            Released::Purge(workflow, key) => crate::purge::purge(shared, workflow, key),
            // Nobody waits for single changes yet.
            Released::Changed(..) => {}
        }
    }

    fn fatal(&mut self, error: &CommitError) {
        self.shared.down.store(true, Ordering::Relaxed);
        tracing::error!(%error, "the store is broken");
        (self.fatal)(error);
    }
}

fn with_jobs(shared: &Shared, act: impl FnOnce(&Jobs)) {
    if let Some(jobs) = shared.jobs.get() {
        act(jobs);
    }
}

/// Answers the engine's own questions to the store.
fn serve_reads(shared: &Arc<Shared>, requests: &Mutex<Receiver<Read>>) {
    loop {
        let request = requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(request) = request else { return };
        match request {
            Read::Load(workflow) => {
                let loaded = retry(shared, |snapshot| loader::workflow(&workflow, snapshot));
                let loaded = loaded.map(Box::new).map_err(|e| e.to_string());
                shared
                    .inbox(&workflow)
                    .internal(Input::Loaded { workflow, loaded });
            }
            Read::Fetch(workflow, request, what) => {
                match retry(shared, |snapshot| {
                    recovery::fetch(&shared.definitions, &workflow, &what, snapshot)
                }) {
                    Ok(answer) => shared.event(&workflow, Event::Fetched { request, answer }),
                    Err(error) => {
                        tracing::error!(%workflow, %error, "cannot read what the engine needs");
                    }
                }
            }
            Read::Evaluate(workflow, work) => {
                let (at, outcome) = (work.at, work.make());
                shared.event(&workflow, Event::Evaluated { at, outcome });
            }
        }
    }
}

/// Reads, and again while the store cannot be read; gives up when the engine goes down.
pub(crate) fn retry<T>(
    shared: &Shared,
    mut read: impl FnMut(&dyn Snapshot) -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    loop {
        match shared
            .readers
            .snapshot()
            .map_err(LoadError::Read)
            .and_then(|snapshot| read(&*snapshot))
        {
            Err(LoadError::Read(error)) if !shared.down.load(Ordering::Relaxed) => {
                tracing::warn!(%error, "reading the store again");
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            other => return other,
        }
    }
}
