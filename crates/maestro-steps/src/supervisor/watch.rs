//! One `poll` over a job's output and the signals that concern it.

use std::io::{self, PipeReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal as NixSignal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio, ioctl_fionread};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, wait as wait_any,
};
use signal_hook::low_level::pipe::register;

use crate::local::log::LogWriter;
use crate::local::process::descendants;
use crate::local::record::End;

/// Enough for a pipe's content at once; the supervisor's memory stays this small whatever the job prints.
const BUFFER_BYTES: usize = 64 * 1024;

/// How often what ignores a `KILL` is looked for again: new processes may have appeared while the list was read.
const KILL_AGAIN: Duration = Duration::from_millis(50);

/// Signals as files to wait on.
///
/// They have handlers rather than being blocked: a program that is started gets handled signals in their default form,
/// while a mask would be inherited by the job, and could not be lifted for its start without a gap.
pub(super) struct Signals {
    stop: PipeReader,
    children: PipeReader,
}

impl Signals {
    /// From here on no signal but `KILL` ends the supervisor.
    pub(super) fn handle() -> io::Result<Self> {
        // Whatever the server's thread had blocked.
        SigSet::empty().thread_set_mask()?;
        let (stop, on_stop) = io::pipe()?;
        let (children, on_child) = io::pipe()?;
        for reader in [&stop, &children] {
            ioctl_fionbio(reader, true)?;
        }
        register(NixSignal::SIGTERM as i32, on_stop)?;
        // Nobody sends these two to a process without a terminal but by mistake.
        for harmless in [NixSignal::SIGINT, NixSignal::SIGHUP] {
            register(harmless as i32, on_child.try_clone()?)?;
        }
        register(NixSignal::SIGCHLD as i32, on_child)?;
        Ok(Self { stop, children })
    }

    /// Whether somebody has asked to end the job since this was asked last.
    pub(super) fn take_stop(&mut self) -> bool {
        Self::drain(&mut self.stop)
    }

    fn drain(pipe: &mut PipeReader) -> bool {
        let mut any = false;
        while matches!(pipe.read(&mut [0; 64]), Ok(count) if count > 0) {
            any = true;
        }
        any
    }
}

/// How far the end of the job has gone.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// Nobody asked.
    No,
    /// `TERM` is sent; `KILL` follows at this time.
    Term(Instant),
    /// `KILL` is sent.
    Killed,
}

pub(super) struct Watch {
    main: i32,
    end: Option<End>,
    output: Option<PipeReader>,
    log: LogWriter,
    log_error: Option<String>,
    signals: Signals,
    grace: Duration,
    ending: Ending,
    stop_asked: bool,
    buffer: Vec<u8>,
}

impl Watch {
    pub(super) fn new(
        main: i32,
        output: PipeReader,
        log: LogWriter,
        signals: Signals,
        grace: Duration,
    ) -> Self {
        // Without it the last read would wait for whoever still holds the output open.
        let _ = ioctl_fionbio(&output, true);
        Self {
            main,
            end: None,
            output: Some(output),
            log,
            log_error: None,
            signals,
            grace,
            ending: Ending::No,
            stop_asked: false,
            buffer: vec![0; BUFFER_BYTES],
        }
    }

    pub(super) fn stop_asked(&self) -> bool {
        self.stop_asked
    }

    pub(super) fn log_error(&self) -> Option<String> {
        self.log_error.clone()
    }

    /// Waits for the end of the main process, whoever still holds its output open (`spec 07 BX-16`).
    pub(super) fn main_process(&mut self) -> End {
        loop {
            if let Some(end) = self.end.take() {
                return end;
            }
            let timeout = match self.ending {
                Ending::Term(kill_at) => Some(kill_at.saturating_duration_since(Instant::now())),
                Ending::No | Ending::Killed => None,
            };
            self.wait(timeout);
            if self.stop_asked && matches!(self.ending, Ending::No) {
                self.ending = Ending::Term(Instant::now() + self.grace);
                self.signal_group(Signal::TERM);
                // A process that is halted would never see it.
                self.signal_group(Signal::CONT);
            }
            if matches!(self.ending, Ending::Term(kill_at) if kill_at <= Instant::now()) {
                self.ending = Ending::Killed;
                self.signal_group(Signal::KILL);
            }
        }
    }

    /// Ends what the job has left behind, in whatever group or session it is: all of it are our children by now, or
    /// children of those (`spec 07 BX-16`).
    pub(super) fn left_overs(&mut self) {
        if !self.has_children() {
            return;
        }
        signal_descendants(Signal::TERM);
        signal_descendants(Signal::CONT);
        let kill_at = match self.ending {
            Ending::No => Instant::now() + self.grace,
            Ending::Term(kill_at) => kill_at,
            Ending::Killed => Instant::now(),
        };
        while self.has_children() {
            let rest = kill_at.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                signal_descendants(Signal::KILL);
                self.wait(Some(KILL_AGAIN));
            } else if self.stop_asked && matches!(self.ending, Ending::No) {
                // Asked while only left-overs run: their grace is already running.
                self.ending = Ending::Term(kill_at);
            } else {
                self.wait(Some(rest));
            }
        }
    }

    /// Copies what is in the pipe, and no more than that: somebody else may go on writing.
    pub(super) fn rest_of_output(&mut self) {
        let Some(output) = &self.output else { return };
        let mut rest = ioctl_fionread(output).unwrap_or(0);
        while rest > 0 {
            let copied = self.copy() as u64;
            if copied == 0 {
                return;
            }
            rest = rest.saturating_sub(copied);
        }
    }

    /// Leaves the output of processes that are to live on to a process that reads and forgets it, so that they do not
    /// die of a broken pipe.
    pub(super) fn hand_over_output(&mut self) {
        self.copy();
        let Some(output) = self.output.take() else {
            return;
        };
        let _ = ioctl_fionbio(&output, false);
        let _ = Command::new("/bin/sh")
            .args(["-c", "exec cat >/dev/null"])
            .env_clear()
            .current_dir("/")
            .stdin(output)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
    }

    /// Waits for output, a signal or the time, and takes in what there is.
    fn wait(&mut self, timeout: Option<Duration>) {
        let timeout = timeout.map(|rest| Timespec {
            tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX),
            // Rounded up, so that a wait never ends just before its time.
            tv_nsec: i64::from((rest.subsec_nanos() + 1).min(999_999_999)),
        });
        let mut fds = Vec::with_capacity(3);
        fds.push(PollFd::new(&self.signals.stop, PollFlags::IN));
        fds.push(PollFd::new(&self.signals.children, PollFlags::IN));
        if let Some(output) = &self.output {
            fds.push(PollFd::new(output, PollFlags::IN));
        }
        if poll(&mut fds, timeout.as_ref()).is_err() {
            return;
        }
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let (stop, children) = (is_ready(&fds[0]), is_ready(&fds[1]));
        let output = fds.get(2).is_some_and(is_ready);
        drop(fds);
        if output {
            self.copy();
        }
        self.stop_asked |= stop && self.signals.take_stop();
        if children {
            Signals::drain(&mut self.signals.children);
            self.reap();
        }
    }

    /// Copies one buffer to the log; says how much it was.
    fn copy(&mut self) -> usize {
        let Some(output) = &mut self.output else {
            return 0;
        };
        match output.read(&mut self.buffer) {
            Ok(0) => {
                self.output = None;
                0
            }
            Ok(count) => {
                // A log that cannot be written must not end the job: its output is read on and the end says it.
                if self.log_error.is_none()
                    && let Err(error) = self.log.append(&self.buffer[..count])
                {
                    self.log_error = Some(error.to_string());
                }
                count
            }
            Err(_) => 0,
        }
    }

    /// Takes in all children that have ended, and notes how the main process did.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait_any(WaitOptions::NOHANG) {
            if pid.as_raw_pid() == self.main {
                self.end = match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Some(End::Exited(code)),
                    (None, Some(signal)) => Some(End::Signalled(signal)),
                    (None, None) => None,
                };
            }
        }
    }

    /// Whether anything is left; only asked after the main process has been taken in.
    fn has_children(&mut self) -> bool {
        loop {
            match wait_any(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(Errno::CHILD) => return false,
                Err(_) => return true,
            }
        }
    }

    /// The group's number is the main process's: nobody else can have it before that is reaped, which is what
    /// `main_process` ends with.
    fn signal_group(&self, signal: Signal) {
        if self.end.is_none()
            && let Some(group) = Pid::from_raw(self.main)
        {
            let _ = kill_process_group(group, signal);
            // It may have moved to another group.
            if signal == Signal::KILL {
                let _ = kill_process(group, signal);
            }
        }
    }
}

fn signal_descendants(signal: Signal) {
    for process in descendants(getpid().as_raw_pid()) {
        process.signal(signal);
    }
}
