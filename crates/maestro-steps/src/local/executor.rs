//! The executor's memory: which jobs wait, which run, who takes part in them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};

use super::folder::{Found, Lock, OpenError, Root, make_dir, write_private};
use super::follow::{Followers, LogFollow};
use super::job::{CommandLine, Ended, Event, Job, JobIdentity, JobKey, Label, Outcome, Started};
use super::log::{LogChunk, LogReader, tail_path};
use super::outcome::without_record;
use super::run;
use super::spawn::Spare;
use crate::outputs::Declared;

/// In the folder of an attempt that takes part in the job of another one: the name of that job's folder.
const SAME_AS: &str = "same_as";

/// What the server sets.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// The most jobs at once; others wait in order. Default: 4 for each core.
    pub max_jobs: usize,
    /// How much of a log is kept. Default: 64 MiB.
    pub max_log_bytes: u64,
    /// The name of this machine in artifacts.
    pub node: String,
    /// What every job finds in its environment, beside `HOME` and the variables of ours. Default: `PATH`, `LANG` and
    /// `TZ` as this process has them.
    pub base_env: Vec<(String, String)>,
    /// The command of the supervisor. Default: this program with [`crate::supervisor::SUBCOMMAND`].
    pub supervisor: Vec<OsString>,
    /// Whether a supervisor is kept started for the next job, which saves its start-up time. Default: true.
    pub spare_supervisor: bool,
}

impl Default for LocalSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let node = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let base_env = [
            ("PATH", Some("/usr/local/bin:/usr/bin:/bin")),
            ("LANG", None),
            ("TZ", None),
        ];
        Self {
            max_jobs: 4 * cores,
            max_log_bytes: 64 << 20,
            node,
            base_env: base_env
                .into_iter()
                .filter_map(|(name, default)| {
                    let value = std::env::var(name).ok().or(default.map(str::to_owned))?;
                    Some((name.to_owned(), value))
                })
                .collect(),
            // Also right when the program's file has been replaced by a newer one.
            supervisor: vec![
                "/proc/self/exe".into(),
                crate::supervisor::SUBCOMMAND.into(),
            ],
            spare_supervisor: true,
        }
    }
}

/// Runs jobs as processes of this machine, each under a supervisor that outlives the server.
///
/// No call waits for the disk or for a process, but for those that say so. Events come from threads of the executor.
/// Dropping it leaves the jobs running: the next executor on the folder adopts them.
#[derive(Debug)]
pub struct LocalExecutor {
    shared: Arc<Shared>,
    errand_boy: Option<JoinHandle<()>>,
}

impl LocalExecutor {
    /// Opens the folder, which is made if need be. Waits for the disk.
    pub fn open(
        folder: &Path,
        settings: LocalSettings,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let (root, lock) = Root::open(folder)?;
        let (errands, list) = mpsc::channel::<Option<Errand>>();
        let shared = Arc::new(Shared {
            root,
            _lock: lock,
            settings: LocalSettings {
                max_jobs: settings.max_jobs.max(1),
                ..settings
            },
            on_event: Box::new(on_event),
            state: Mutex::default(),
            errands,
            followers: Followers::default(),
            spare: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        let errand_boy = std::thread::Builder::new().name("job-errands".into());
        let spawned = errand_boy.spawn(move || {
            while let Ok(Some(errand)) = list.recv() {
                match weak.upgrade() {
                    Some(shared) => errand(&shared),
                    None => return,
                }
            }
        });
        let errand_boy = spawned.map_err(|source| OpenError::Io {
            path: folder.to_owned(),
            source,
        })?;
        shared.make_spare();
        Ok(Self {
            shared,
            errand_boy: Some(errand_boy),
        })
    }

    /// Starts the job when its turn has come. A job that is known already, in this process or from an earlier one, is
    /// not started again (`spec 07 BX-2`).
    pub fn launch(&self, job: Job) {
        let job = Arc::new(job);
        let mut state = self.shared.state();
        if state.attempts.contains_key(job.key()) {
            return;
        }
        if job.dedup_key.is_none() {
            let folder = job.key().as_str().to_owned();
            state.add_run(folder.clone(), job);
            state.queue.push_back(folder);
            self.shared.pump(&mut state);
        } else {
            state.resolve(&job);
            drop(state);
            self.shared.later(move |shared| shared.find_again(job));
        }
    }

    /// Takes up jobs that the store knows as launched and not over: those that run go on, those that have ended are
    /// reported, those that never started are started now, and those that are gone are reported as lost
    /// (`spec 07 BX-8`). What is known of them already in this process is reported again.
    pub fn adopt(&self, jobs: Vec<Job>) {
        let mut guard = self.shared.state();
        let state = &mut *guard;
        for job in jobs {
            let event = match state.attempts.get(job.key()) {
                None => {
                    let job = Arc::new(job);
                    state.resolve(&job);
                    self.shared.later(move |shared| shared.find_again(job));
                    continue;
                }
                Some(Attempt::Resolving { .. }) => continue,
                Some(Attempt::Over(_, end)) => Event::Ended(Box::new(Ended::clone(end))),
                Some(Attempt::On(folder)) => {
                    let started = state.runs.get(folder).and_then(|run| run.started.clone());
                    let Some(started) = started else { continue };
                    Event::Started(Started {
                        key: job.key().clone(),
                        ..started
                    })
                }
            };
            self.shared.later(move |shared| (shared.on_event)(event));
        }
    }

    /// Ends the job: `TERM` to its process group, its grace, `KILL` (`spec 07 BX-6`). It is over when its `Ended` comes.
    ///
    /// A job that has not started never will. An attempt that is not known, since an earlier server launched it, is
    /// looked for and ended all the same. An attempt that shares its job with others leaves it to them.
    pub fn cancel(&self, key: &JobKey) {
        let mut guard = self.shared.state();
        let state = &mut *guard;
        let folder = match state.attempts.get_mut(key) {
            Some(Attempt::Resolving { stop }) => {
                *stop = true;
                return;
            }
            Some(Attempt::Over(..)) => return,
            Some(Attempt::On(folder)) => folder.clone(),
            None => {
                let stop = true;
                state
                    .attempts
                    .insert(key.clone(), Attempt::Resolving { stop });
                let job = Arc::new(unknown_job(key));
                drop(guard);
                self.shared.later(move |shared| shared.find_again(job));
                return;
            }
        };
        self.shared.stop(state, key, &folder);
    }

    /// Forgets an attempt whose `Ended` is durable, and removes its folder. The log stays.
    pub fn release(&self, key: &JobKey) {
        let mut state = self.shared.state();
        let folder = match state.attempts.get(key) {
            Some(Attempt::Over(folder, _)) => Some(folder.clone()),
            // Not over: the caller is mistaken, and the folder is still needed.
            Some(_) => return,
            None => None,
        };
        if let Some(folder) = &folder {
            state.leave(key, folder);
        }
        let key = key.clone();
        drop(state);
        self.shared.later(move |shared| shared.remove(&key, folder));
    }

    /// Removes all that belongs to attempts that are not `known` and not live here: what a server left that ended
    /// between the commit of a terminal status and its [`release`](Self::release). To be called once, after `adopt`.
    pub fn sweep(&self, known: HashSet<JobKey>) {
        self.shared.later(move |shared| {
            for name in shared.root.keys().unwrap_or_default() {
                let Ok(key) = JobKey::new(name) else { continue };
                let state = shared.state();
                let needed = known.contains(&key)
                    || state.attempts.contains_key(&key)
                    || state.users.contains_key(key.as_str());
                drop(state);
                if !needed {
                    shared.remove(&key, None);
                }
            }
        });
    }

    /// Reads a piece of an attempt's log, also long after its end; empty where nothing is. Waits for the disk.
    pub fn read_log(&self, key: &JobKey, offset: u64, limit: usize) -> io::Result<LogChunk> {
        let path = self.shared.root.log(&self.shared.folder_of(key));
        match LogReader::open(&path) {
            Ok(log) => log.read(offset, limit),
            // It waits for its turn.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.shared.is_live(key) => {
                Ok(LogChunk {
                    bytes: Vec::new(),
                    next_offset: offset,
                    end: 0,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Follows the log of an attempt, also of one that waits for its turn (`spec 07 BX-19`).
    pub fn follow_log(&self, key: &JobKey) -> io::Result<LogFollow> {
        let path = self.shared.root.log(&self.shared.folder_of(key));
        let follow = self.shared.followers.follow(&path)?;
        // Asked last, since an end in between would not be noticed.
        if self.shared.is_live(key) {
            Ok(follow)
        } else {
            self.shared.followers.end(&path);
            Ok(Followers::over())
        }
    }

    /// Removes the log of an attempt that is over. Waits for the disk.
    pub fn remove_log(&self, key: &JobKey) -> io::Result<()> {
        let path = self.shared.root.log(key.as_str());
        for path in [tail_path(&path), path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the folder that the jobs of an instance shared, when the instance goes (`spec 07 BX-15`). Waits for the
    /// disk.
    pub fn remove_instance(&self, workflow_id: &str, instance_id: i64) -> io::Result<()> {
        match fs::remove_dir_all(self.shared.root.instance(workflow_id, instance_id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Does something in another thread.
    pub(crate) fn later(&self, errand: impl FnOnce() + Send + 'static) {
        self.shared.later(move |_| errand());
    }

    /// A folder for modules that jobs find on their path.
    pub(crate) fn lib(&self) -> PathBuf {
        self.shared.root.lib()
    }
}

impl Drop for LocalExecutor {
    fn drop(&mut self) {
        let _ = self.shared.errands.send(None);
        if let Some(errand_boy) = self.errand_boy.take() {
            let _ = errand_boy.join();
        }
        if let Some(spare) = self.shared.spare().take() {
            spare.dismiss();
        }
    }
}

/// Something that waits for the disk, done in order by one thread.
type Errand = Box<dyn FnOnce(&Arc<Shared>) + Send>;

pub(super) struct Shared {
    root: Root,
    _lock: Lock,
    settings: LocalSettings,
    on_event: Box<dyn Fn(Event) + Send + Sync>,
    state: Mutex<State>,
    errands: mpsc::Sender<Option<Errand>>,
    followers: Followers,
    spare: Mutex<Option<Spare>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    attempts: HashMap<JobKey, Attempt>,
    /// By the name of the folder: the key of the attempt that launched the job.
    runs: HashMap<String, Run>,
    /// Runs that wait for their turn.
    queue: VecDeque<String>,
    /// Threads at work.
    running: usize,
    /// The runs that can be shared.
    shareable: HashMap<(String, String), String>,
    /// How many known attempts need a folder.
    users: HashMap<String, usize>,
}

#[derive(Debug)]
enum Attempt {
    /// Its folder is being looked for.
    Resolving { stop: bool },
    /// It takes part in this run.
    On(String),
    /// Its end was reported; this was its run, and this its end.
    Over(String, Arc<Ended>),
}

#[derive(Debug)]
struct Run {
    job: Arc<Job>,
    /// Whose job it is, those excepted that are over.
    takers: Vec<JobKey>,
    stop: bool,
    /// Whether it has left the queue.
    at_work: bool,
    /// The supervisor, once there is one.
    handle: Option<Arc<OwnedFd>>,
    started: Option<Started>,
    /// Held while the start is told to one who has joined: his end must not be told before.
    telling: Arc<Mutex<()>>,
}

impl State {
    /// The attempt is known, its run is not.
    fn resolve(&mut self, job: &Job) {
        let stop = false;
        self.attempts
            .insert(job.key().clone(), Attempt::Resolving { stop });
    }

    fn take_part(&mut self, key: &JobKey, folder: &str) {
        *self.users.entry(folder.to_owned()).or_default() += 1;
        self.attempts
            .insert(key.clone(), Attempt::On(folder.to_owned()));
    }

    /// The attempt needs the folder no more.
    fn leave(&mut self, key: &JobKey, folder: &str) {
        self.attempts.remove(key);
        if let Some(count) = self.users.get_mut(folder) {
            *count -= 1;
            if *count == 0 {
                self.users.remove(folder);
            }
        }
    }

    fn add_run(&mut self, folder: String, job: Arc<Job>) {
        if let Some(name) = shared_name(&job) {
            self.shareable.insert(name, folder.clone());
        }
        self.take_part(job.key(), &folder);
        let run = Run {
            takers: vec![job.key().clone()],
            job,
            stop: false,
            at_work: false,
            handle: None,
            started: None,
            telling: Arc::default(),
        };
        self.runs.insert(folder, run);
    }
}

/// The name by which attempts of a workflow share a job (`spec 07 BX-17`).
fn shared_name(job: &Job) -> Option<(String, String)> {
    Some((job.identity.workflow_id.clone(), job.dedup_key.clone()?))
}

/// Stands for the job of an attempt that is only to be ended: nothing but its name is needed for that.
fn unknown_job(key: &JobKey) -> Job {
    Job {
        identity: JobIdentity {
            workflow_id: String::new(),
            instance_id: 0,
            run_id: 0,
            step_id: String::new(),
            attempt_id: 0,
            key: key.clone(),
            root: (String::new(), 0),
        },
        dedup_key: None,
        command: CommandLine::default(),
        env: std::collections::BTreeMap::new(),
        params: Vec::new(),
        workdir: None,
        grace: Duration::from_secs(30),
        fatal_exit_codes: Vec::new(),
        keep_background: false,
        memory_bytes: None,
        first_log_line: None,
        declared: Declared::default(),
        needs_file: None,
        label: Label::default(),
    }
}

impl Shared {
    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    pub(super) fn settings(&self) -> &LocalSettings {
        &self.settings
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn spare(&self) -> MutexGuard<'_, Option<Spare>> {
        lock(&self.spare)
    }

    /// Does something that waits for the disk in another thread.
    pub(super) fn later(&self, errand: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let _ = self.errands.send(Some(Box::new(errand)));
    }

    pub(super) fn take_spare(&self) -> Option<Spare> {
        self.spare().take()
    }

    /// Starts the supervisor of the next job, off the path of this one.
    pub(super) fn make_spare(&self) {
        if self.settings.spare_supervisor {
            // Only this thread makes them, so there is never one too many; and nobody waits for it: a job that finds
            // none starts its own.
            self.later(|shared| {
                if shared.spare().is_none()
                    && let Ok(made) = Spare::start(&shared.settings.supervisor)
                {
                    *shared.spare() = Some(made);
                }
            });
        }
    }

    pub(super) fn is_stopping(&self, folder: &str) -> bool {
        self.state().runs.get(folder).is_some_and(|run| run.stop)
    }

    /// Notes the supervisor of a run; a stop that came before reaches it now.
    pub(super) fn set_handle(&self, folder: &str, handle: OwnedFd) -> Option<Arc<OwnedFd>> {
        let mut state = self.state();
        let run = state.runs.get_mut(folder)?;
        let handle = Arc::new(handle);
        run.handle = Some(handle.clone());
        if run.stop {
            let _ = pidfd_send_signal(&*handle, Signal::TERM);
        }
        Some(handle)
    }

    /// Reports the start to all who take part.
    pub(super) fn announce(&self, folder: &str, started: &Started) {
        let mut state = self.state();
        let Some(run) = state.runs.get_mut(folder) else {
            return;
        };
        run.started = Some(started.clone());
        let takers = run.takers.clone();
        drop(state);
        for key in takers {
            let started = Started {
                key,
                ..started.clone()
            };
            (self.on_event)(Event::Started(started));
        }
    }

    /// Starts waiting jobs as long as there is room.
    fn pump(self: &Arc<Self>, state: &mut State) {
        while state.running < self.settings.max_jobs
            && let Some(folder) = state.queue.pop_front()
        {
            self.work_on(state, &folder);
        }
    }

    /// Gives the run a thread.
    fn work_on(self: &Arc<Self>, state: &mut State, folder: &str) {
        let Some(run) = state.runs.get_mut(folder).filter(|run| !run.at_work) else {
            return;
        };
        run.at_work = true;
        let (shared, job, name) = (self.clone(), run.job.clone(), folder.to_owned());
        let work = move || {
            let (ended, supervisor) = run::to_end(&shared, &shared.root.job(&name), &job);
            shared.finish(&name, &ended);
            // It has only to make its record durable yet; nobody waits for that.
            if let Some(supervisor) = supervisor {
                supervisor.wait();
            }
        };
        let thread = std::thread::Builder::new()
            .name("job".into())
            .stack_size(256 * 1024)
            .spawn(work);
        state.running += 1;
        if let Err(error) = thread {
            let ended = without_record(
                &state.runs[folder].job,
                Outcome::PlatformError,
                format!("the machine has no thread for the job: {error}"),
            );
            let folder = folder.to_owned();
            self.later(move |shared| shared.finish(&folder, &ended));
        }
    }

    /// Ends an attempt's part in its run.
    fn stop(self: &Arc<Self>, state: &mut State, key: &JobKey, folder: &str) {
        let Some(run) = state.runs.get_mut(folder) else {
            return;
        };
        if run.takers.len() > 1 {
            run.takers.retain(|taker| taker != key);
            let message = "stopped; the job goes on for others that share it";
            let mut ended = without_record(&run.job, Outcome::Stopped, message);
            ended.key = key.clone();
            let over = Attempt::Over(folder.to_owned(), Arc::new(ended.clone()));
            state.attempts.insert(key.clone(), over);
            self.later(move |shared| (shared.on_event)(Event::Ended(Box::new(ended))));
            return;
        }
        run.stop = true;
        if let Some(handle) = &run.handle {
            let _ = pidfd_send_signal(&**handle, Signal::TERM);
        }
        if !run.at_work {
            run.at_work = true;
            let folder = folder.to_owned();
            self.later(move |shared| shared.stop_waiting(&folder));
        }
    }

    /// Ends a run that waits for its turn, without one. It stays in the queue, where it is passed over.
    fn stop_waiting(self: &Arc<Self>, folder: &str) {
        let mut state = self.state();
        let Some(run) = state.runs.get_mut(folder) else {
            return;
        };
        if self.root.job(folder).path().exists() {
            // An earlier server had begun with it: its supervisor may be on the way to the claim.
            run.at_work = false;
            self.work_on(&mut state, folder);
            return;
        }
        let message = "stopped before it started";
        let ended = without_record(&run.job, Outcome::Stopped, message);
        state.running += 1;
        drop(state);
        self.finish(folder, &ended);
    }

    /// Looks on the disk for the run of an attempt, and goes on with it.
    fn find_again(self: &Arc<Self>, job: Arc<Job>) {
        let own = self.root.job(job.key().as_str());
        let noted = fs::read_to_string(own.file(SAME_AS)).ok();
        let known_on_disk = noted.is_some() || !matches!(own.inspect(), Ok(Found::Unclaimed));
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(Attempt::Resolving { stop }) = state.attempts.get(job.key()) else {
            return;
        };
        let stop = *stop;
        let key = job.key().clone();
        let shared_with = match noted {
            Some(folder) => Some(folder),
            None if known_on_disk => None,
            None => shared_name(&job).and_then(|name| state.shareable.get(&name).cloned()),
        };
        let folder = shared_with.unwrap_or_else(|| key.as_str().to_owned());
        if let Some(run) = state.runs.get_mut(&folder) {
            run.takers.push(key.clone());
            let started = run.started.clone();
            let telling = run.telling.clone();
            // Free but for another join, and those are made by this thread.
            let _telling = lock(&telling);
            state.take_part(&key, &folder);
            drop(guard);
            // Over a crash, it must still be known that this attempt has a job.
            let _ = make_dir(own.path())
                .and_then(|()| write_private(&own.file(SAME_AS), folder.as_bytes()));
            if let Some(started) = started {
                (self.on_event)(Event::Started(Started {
                    key: key.clone(),
                    ..started
                }));
            }
        } else {
            state.add_run(folder.clone(), job);
            if known_on_disk {
                // It runs already or is over: it takes no room that could be refused.
                self.work_on(state, &folder);
            } else {
                state.queue.push_back(folder.clone());
                self.pump(state);
            }
            drop(guard);
        }
        if stop {
            self.stop(&mut self.state(), &key, &folder);
        }
    }

    /// The run is over: tells everybody, and lets the next one start.
    fn finish(self: &Arc<Self>, folder: &str, ended: &Ended) {
        let mut guard = self.state();
        let state = &mut *guard;
        state.running -= 1;
        let Some(run) = state.runs.remove(folder) else {
            return;
        };
        if let Some(name) = shared_name(&run.job)
            && state.shareable.get(&name).is_some_and(|at| at == folder)
        {
            state.shareable.remove(&name);
        }
        let ends: Vec<Arc<Ended>> = run
            .takers
            .iter()
            .map(|key| {
                let started = run.started.clone();
                let end = Arc::new(Ended {
                    key: key.clone(),
                    started: started.map(|started| Started {
                        key: key.clone(),
                        ..started
                    }),
                    ..ended.clone()
                });
                let over = Attempt::Over(folder.to_owned(), end.clone());
                state.attempts.insert(key.clone(), over);
                end
            })
            .collect();
        self.pump(state);
        drop(guard);
        let log = self.root.log(folder);
        self.followers.end(&log);
        let _told = lock(&run.telling);
        for end in ends {
            if end.key.as_str() != folder {
                self.link_log(&log, end.key.as_str());
            }
            (self.on_event)(Event::Ended(Box::new(Ended::clone(&end))));
        }
    }

    /// Gives an attempt that shared a job the log under its own name.
    fn link_log(&self, log: &Path, key: &str) {
        let own = self.root.log(key);
        if let Some(parent) = own.parent() {
            let _ = make_dir(parent);
        }
        let _ = fs::hard_link(log, &own);
        let _ = fs::hard_link(tail_path(log), tail_path(&own));
    }

    fn folder_of(&self, key: &JobKey) -> String {
        match self.state().attempts.get(key) {
            Some(Attempt::On(folder) | Attempt::Over(folder, _)) => folder.clone(),
            Some(Attempt::Resolving { .. }) | None => key.as_str().to_owned(),
        }
    }

    fn is_live(&self, key: &JobKey) -> bool {
        matches!(
            self.state().attempts.get(key),
            Some(Attempt::Resolving { .. } | Attempt::On(_))
        )
    }

    /// Removes the folder of an attempt, and that of its job unless others still need it.
    fn remove(&self, key: &JobKey, run: Option<String>) {
        let own = self.root.job(key.as_str());
        let run = run.or_else(|| fs::read_to_string(own.file(SAME_AS)).ok());
        let needed = |folder: &str| self.state().users.contains_key(folder);
        let shared = run.as_deref().is_some_and(|run| run != key.as_str());
        if let Some(run) = run.filter(|_| shared)
            && !needed(&run)
        {
            let _ = self.root.job(&run).remove();
        }
        if !needed(key.as_str()) {
            let _ = own.remove();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
