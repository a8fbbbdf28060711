//! Starting supervisors and listening to those that we started.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::record::Report;

/// A supervisor that was started and does not know its job yet.
#[derive(Debug)]
pub(crate) struct Spare {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pidfd: OwnedFd,
}

/// A supervisor that has been given a job by this server.
#[derive(Debug)]
pub(crate) struct Supervisor {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Spare {
    /// Starts one. It waits on its standard input, and ends by itself if this process ends before it gets a job.
    pub(crate) fn start(command: &[OsString]) -> io::Result<Self> {
        let (program, args) = command.split_first().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "no command for the supervisor is set",
            )
        })?;
        let mut child = Command::new(program)
            // What a list of processes shows.
            .arg0("maestro")
            .args(args)
            // Nothing of the server's environment may be found in a process beside the job.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pid = Pid::from_child(&child);
        // The number is ours until the child is reaped, so the handle is of the right process.
        let (Some(input), Some(output), Ok(pidfd)) = (
            child.stdin.take(),
            child.stdout.take(),
            pidfd_open(pid, PidfdFlags::empty()),
        ) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::Error::other("cannot get hold of the supervisor"));
        };
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
            pidfd,
        })
    }

    /// It gets no job and ends.
    pub(crate) fn dismiss(self) {
        drop(self.input);
        let mut child = self.child;
        let _ = child.wait();
    }

    /// Gives it its job. From here on it goes its own way.
    pub(crate) fn give(mut self, folder: &Path) -> (Supervisor, OwnedFd) {
        let mut line = folder.as_os_str().as_bytes().to_vec();
        line.push(b'\n');
        // If it is gone already, its silence says so.
        let _ = self.input.write_all(&line);
        let supervisor = Supervisor {
            child: self.child,
            output: self.output,
        };
        (supervisor, self.pidfd)
    }
}

impl Supervisor {
    /// The next thing it says; `None` when it has ended or will say nothing more.
    pub(crate) fn report(&mut self) -> Option<Report> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(count) if count > 0 => serde_json::from_str(&line).ok(),
            _ => None,
        }
    }

    /// Waits for its end, so that no zombie stays.
    pub(crate) fn wait(mut self) {
        let _ = self.child.wait();
    }
}
