//! One job from wherever it is to its end, in a thread of its own.
//!
//! Launching and finding again are the same thing: look at what the folder says, do the next step, look again. So a
//! launch that is repeated after a crash cannot do anything else than the launch would have done.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::folder::{Found, JobFolder};
use super::job::{Ended, Job, Outcome, Started};
use super::jobs::Shared;
use super::log;
use super::outcome::{judge, name_memory_limit, signal_name, without_record};
use super::prepare::{command, mark, prepare};
use super::process::{ProcessIdentity, with_environment_entry};
use super::record::{Claim, End, ExitRecord, MainRecord, Report};
use super::spawn::{Spare, Supervisor};
use crate::outputs;

/// Beside the output file: what our own part of a job writes if it failed for no fault of the job's.
const PLATFORM_ERROR: &str = "platform_error";

/// Runs or re-attaches the job; returns when it is over and none of its processes is left. The supervisor that is given
/// back is at its end as well, and is to be waited for.
pub(super) fn to_end(
    shared: &Shared,
    folder: &JobFolder,
    job: &Arc<Job>,
) -> (Ended, Option<Supervisor>) {
    let mut run = Run {
        shared,
        folder,
        job,
        started_supervisor: false,
        ending: None,
    };
    let ended = run.drive().unwrap_or_else(|error| {
        let message = format!(
            "the job's folder `{}` cannot be used: {error}",
            folder.path().display()
        );
        without_record(job, Outcome::PlatformError, message)
    });
    (ended, run.ending)
}

struct Run<'a> {
    shared: &'a Shared,
    folder: &'a JobFolder,
    job: &'a Arc<Job>,
    started_supervisor: bool,
    /// A supervisor that has reported the end.
    ending: Option<Supervisor>,
}

impl Run<'_> {
    fn drive(&mut self) -> io::Result<Ended> {
        loop {
            match self.folder.inspect()? {
                Found::Ended(exit) => return Ok(self.conclude(&exit)),
                Found::Claimed(Claim::Cancelled) => {
                    return Ok(self.without_record(Outcome::Stopped, "stopped before it started"));
                }
                Found::Claimed(Claim::Lost(why)) => return Ok(self.lost(&why)),
                Found::Claimed(Claim::Supervisor(supervisor)) => match supervisor.open() {
                    Some(handle) => self.attach(handle)?,
                    // It may have recorded the end since we looked.
                    None => match self.folder.exit()? {
                        Some(exit) => return Ok(self.conclude(&exit)),
                        None => {
                            self.end_what_is_left();
                            return Ok(
                                self.lost("its supervisor is gone and has left no exit status")
                            );
                        }
                    },
                },
                Found::Unclaimed if self.stopping() => {
                    self.folder.claim(&Claim::Cancelled)?;
                }
                Found::Unclaimed if self.started_supervisor => {
                    let why = "its supervisor ended before it could start the job";
                    self.folder.claim(&Claim::Lost(why.into()))?;
                }
                Found::Unclaimed => {
                    self.started_supervisor = true;
                    if let Some(ended) = self.launch()? {
                        return Ok(ended);
                    }
                }
            }
        }
    }

    fn stopping(&self) -> bool {
        self.shared.is_stopping(self.folder.key())
    }

    /// Starts a supervisor and listens to it, to the end of the job if all goes well; otherwise the folder tells.
    fn launch(&mut self) -> io::Result<Option<Ended>> {
        if let Some(refusal) = self.missing_file() {
            return Ok(Some(self.without_record(Outcome::FatalError, &refusal)));
        }
        prepare(
            self.shared.root(),
            self.folder,
            self.job,
            self.shared.settings(),
        )?;
        let spare = match self.shared.take_spare() {
            Some(spare) => spare,
            None => Spare::start(&self.shared.settings().supervisor)?,
        };
        let (mut supervisor, handle) = spare.give(self.folder.path());
        self.shared.set_handle(self.folder.key(), handle);
        self.shared.make_spare();
        let mut ended = None;
        while let Some(report) = supervisor.report() {
            match report {
                Report::Started(main) => self.announce(&main),
                Report::Ended(exit) => {
                    ended = Some(self.conclude(&exit));
                    break;
                }
                Report::Refused => break,
                Report::Failed(why) => {
                    self.folder.claim(&Claim::Lost(why))?;
                    break;
                }
            }
        }
        match ended {
            Some(_) => self.ending = Some(supervisor),
            None => supervisor.wait(),
        }
        Ok(ended)
    }

    /// What is wrong with a file that the job is made of (decision 27), as long as it can be told without running it.
    fn missing_file(&self) -> Option<String> {
        let file = self.job.needs_file.as_ref()?;
        let path = match &self.job.workdir {
            Some(workdir) => workdir.join(file),
            None => self.folder.work().join(file),
        };
        (!path.is_file()).then(|| format!("`script_path`: there is no file `{}`", path.display()))
    }

    /// Waits for the end of a supervisor that an earlier server started.
    fn attach(&self, handle: OwnedFd) -> io::Result<()> {
        if let Some(main) = self.folder.main() {
            self.announce(&main);
        }
        let handle = self.shared.set_handle(self.folder.key(), handle);
        if let Some(handle) = handle {
            wait_for_end(&*handle, None)?;
        }
        Ok(())
    }

    fn announce(&self, main: &MainRecord) {
        self.shared.announce(
            self.folder.key(),
            &Started {
                key: self.job.key().clone(),
                job: self.job.clone(),
                node: self.shared.settings().node.clone(),
                pid: main.process.pid,
                pid_start_ticks: main.process.start_ticks,
                command: command(self.folder, self.job),
                start_time: main.started_at,
                log_location: self.log(),
            },
        );
    }

    fn log(&self) -> std::path::PathBuf {
        self.shared.root().log(self.folder.key())
    }

    fn conclude(&self, exit: &ExitRecord) -> Ended {
        let log = self.log();
        let verdict = judge(self.job, exit, self.stopping());
        let mut ended = Ended {
            exit_code: match exit.end {
                End::Exited(code) => Some(code),
                _ => None,
            },
            signal: match exit.end {
                End::Signalled(signal) => Some(signal_name(signal)),
                _ => None,
            },
            end_time: Some(exit.ended_at),
            ..self.without_record(verdict.outcome, &verdict.message)
        };
        if matches!(exit.end, End::Exited(_) | End::Signalled(_)) {
            ended.start_time = Some(exit.started_at);
            self.add_outputs(&mut ended, &log, exit.ended_at);
        }
        name_memory_limit(self.job, &mut ended);
        if ended.outcome == Outcome::UserError
            && let Ok(why) = std::fs::read_to_string(self.folder.file(PLATFORM_ERROR))
        {
            ended.outcome = Outcome::PlatformError;
            ended.message = format!("{}: {why}", ended.message);
        }
        ended
    }

    fn add_outputs(&self, ended: &mut Ended, log: &Path, now: i64) {
        let file = self.folder.output();
        let succeeded = ended.outcome == Outcome::Done;
        match outputs::collect(log, &file, &self.job.declared, succeeded, now) {
            Ok(outputs) => ended.outputs = outputs,
            Err(error) if succeeded => {
                ended.outcome = Outcome::UserError;
                ended.message = error.to_string();
            }
            // A job that failed is not asked for its outputs.
            Err(_) => {}
        }
    }

    fn without_record(&self, outcome: Outcome, message: &str) -> Ended {
        let log = self.log();
        Ended {
            execution_output: log.exists().then(|| log::execution_output(&log)),
            ..without_record(self.job, outcome, message)
        }
    }

    fn lost(&self, why: &str) -> Ended {
        let mut ended = if self.stopping() {
            let message = format!("stopped; there was nothing to stop: job lost: {why}");
            self.without_record(Outcome::Stopped, &message)
        } else {
            self.without_record(Outcome::PlatformError, &format!("job lost: {why}"))
        };
        ended.start_time = self.folder.main().map(|main| main.started_at);
        // It may have said that it must not be retried (`spec 07 C-18`).
        self.add_outputs(&mut ended, &self.log(), 0);
        ended
    }

    /// Ends the processes of a job whose supervisor was killed: nobody is their parent, but they carry the job's mark.
    /// The main process is known by its record as well, in case it hides its environment.
    fn end_what_is_left(&self) {
        let entry = mark(self.folder);
        let left = || -> Vec<ProcessIdentity> {
            let main = self.folder.main().map(|main| main.process);
            let mut left = with_environment_entry(&entry);
            left.extend(main.filter(|main| !left.contains(main)));
            left
        };
        let kill_at = Instant::now() + self.job.grace;
        let mut signal = Signal::TERM;
        loop {
            let handles: Vec<OwnedFd> = left()
                .iter()
                .filter_map(|process| {
                    let handle = process.open()?;
                    // Also from the list that is looked at again: who was born since has not had it yet.
                    process.signal(signal).then_some(handle)
                })
                .collect();
            if handles.is_empty() {
                return;
            }
            for handle in handles {
                let rest = match signal {
                    Signal::KILL => Duration::from_secs(1),
                    _ => kill_at.saturating_duration_since(Instant::now()),
                };
                let _ = wait_for_end(handle, Some(rest));
            }
            if kill_at <= Instant::now() {
                signal = Signal::KILL;
            }
        }
    }
}

/// Waits until the process has ended or the time is over.
fn wait_for_end(handle: impl AsFd, timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|rest| Timespec {
        tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(rest.subsec_nanos()),
    });
    let mut fds = [PollFd::new(&handle, PollFlags::IN)];
    loop {
        match poll(&mut fds, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            other => return other.map(drop).map_err(Into::into),
        }
    }
}
