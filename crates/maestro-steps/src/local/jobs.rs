//! The executor's memory: which jobs wait, which run, who takes part in them.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};

use super::executor::LocalSettings;
use super::folder::{Found, Lock, Root, make_dir, write_private};
use super::follow::Followers;
use super::job::{CommandLine, Ended, Event, Job, JobIdentity, JobKey, Label, Outcome, Started};
use super::log::tail_path;
use super::outcome::without_record;
use super::run;
use super::spawn::Spare;
use crate::outputs::Declared;

/// In the folder of an attempt that takes part in the job of another one: the name of that job's folder.
const SAME_AS: &str = "same_as";

/// Something that waits for the disk, done in order by one thread.
pub(super) type Errand = Box<dyn FnOnce(&Arc<Shared>) + Send>;

pub(super) struct Shared {
    pub(super) root: Root,
    /// Given back when the executor is dropped, although threads that watch jobs may live on for a moment.
    pub(super) lock: Mutex<Option<Lock>>,
    pub(super) settings: LocalSettings,
    pub(super) on_event: Box<dyn Fn(Event) + Send + Sync>,
    pub(super) state: Mutex<State>,
    pub(super) errands: mpsc::Sender<Option<Errand>>,
    pub(super) followers: Followers,
    pub(super) spare: Mutex<Option<Spare>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) attempts: HashMap<JobKey, Attempt>,
    /// By the name of the folder: the key of the attempt that launched the job.
    pub(super) runs: HashMap<String, Run>,
    /// Runs that wait for their turn.
    pub(super) queue: VecDeque<String>,
    /// Threads at work.
    running: usize,
    /// The runs that can be shared.
    shareable: HashMap<(String, String), String>,
    /// How many known attempts need a folder.
    pub(super) users: HashMap<String, usize>,
}

#[derive(Debug)]
pub(super) enum Attempt {
    /// Its folder is being looked for.
    Resolving { stop: bool },
    /// It takes part in this run.
    On(String),
    /// Its end was reported; this was its run, and this its end.
    Over(String, Arc<Ended>),
}

#[derive(Debug)]
pub(super) struct Run {
    job: Arc<Job>,
    /// Whose job it is, those excepted that are over.
    takers: Vec<JobKey>,
    stop: bool,
    /// Whether it has left the queue.
    at_work: bool,
    /// The supervisor, once there is one.
    handle: Option<Arc<OwnedFd>>,
    pub(super) started: Option<Started>,
    /// Held while the start is told to one who has joined: his end must not be told before.
    telling: Arc<Mutex<()>>,
}

impl State {
    /// The attempt is known, its run is not.
    pub(super) fn resolve(&mut self, job: &Job) {
        let stop = false;
        self.attempts
            .insert(job.key().clone(), Attempt::Resolving { stop });
    }

    pub(super) fn take_part(&mut self, key: &JobKey, folder: &str) {
        *self.users.entry(folder.to_owned()).or_default() += 1;
        self.attempts
            .insert(key.clone(), Attempt::On(folder.to_owned()));
    }

    /// The attempt needs the folder no more.
    pub(super) fn leave(&mut self, key: &JobKey, folder: &str) {
        self.attempts.remove(key);
        if let Some(count) = self.users.get_mut(folder) {
            *count -= 1;
            if *count == 0 {
                self.users.remove(folder);
            }
        }
    }

    pub(super) fn add_run(&mut self, folder: String, job: Arc<Job>) {
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
pub(super) fn unknown_job(key: &JobKey) -> Job {
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
    /// Lets another executor open the folder.
    pub(super) fn unlock(&self) {
        drop(lock(&self.lock).take());
    }

    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    pub(super) fn settings(&self) -> &LocalSettings {
        &self.settings
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn spare(&self) -> MutexGuard<'_, Option<Spare>> {
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
    pub(super) fn pump(self: &Arc<Self>, state: &mut State) {
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
    pub(super) fn stop(self: &Arc<Self>, state: &mut State, key: &JobKey, folder: &str) {
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
    pub(super) fn find_again(self: &Arc<Self>, job: Arc<Job>) {
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

    pub(super) fn folder_of(&self, key: &JobKey) -> String {
        match self.state().attempts.get(key) {
            Some(Attempt::On(folder) | Attempt::Over(folder, _)) => folder.clone(),
            Some(Attempt::Resolving { .. }) | None => key.as_str().to_owned(),
        }
    }

    pub(super) fn is_live(&self, key: &JobKey) -> bool {
        matches!(
            self.state().attempts.get(key),
            Some(Attempt::Resolving { .. } | Attempt::On(_))
        )
    }

    /// Removes the folder of an attempt, and that of its job unless others still need it.
    pub(super) fn remove(&self, key: &JobKey, run: Option<String>) {
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
