//! The executor's calls.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use super::folder::{OpenError, Root};
use super::follow::{Followers, LogFollow};
use super::job::{Ended, Event, Job, JobKey, Started};
use super::jobs::{Attempt, Errand, Shared, unknown_job};
use super::log::{LogChunk, LogReader, tail_path};

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
            lock: Mutex::new(Some(lock)),
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
    /// looked for and ended all the same. An attempt that shares its job with others leaves it to them. The end of one
    /// that is over is reported again.
    pub fn cancel(&self, key: &JobKey) {
        let mut guard = self.shared.state();
        let state = &mut *guard;
        let folder = match state.attempts.get_mut(key) {
            Some(Attempt::Resolving { stop }) => {
                *stop = true;
                return;
            }
            // Whoever still wants it ended has not heard of its end.
            Some(Attempt::Over(_, end)) => {
                let end = Box::new(Ended::clone(end));
                self.shared
                    .later(move |shared| (shared.on_event)(Event::Ended(end)));
                return;
            }
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

    /// Removes the folders that jobs of a workflow shared, when the workflow goes (`spec 07 BX-15`). Waits for the disk.
    pub fn remove_workflow(&self, workflow_id: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.shared.root.workflow(workflow_id)) {
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
        self.shared.unlock();
    }
}
