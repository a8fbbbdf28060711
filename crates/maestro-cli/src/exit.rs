//! Exit statuses.

use std::process::ExitCode;

/// What the exit status of every command means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// The command did what it was asked for; a run that it waited for SUCCEEDED.
    Done = 0,
    /// The request failed, the server did not start, or a run that was waited for did not succeed.
    Failed = 1,
    /// The arguments, the configuration or a file named by them are wrong.
    Usage = 2,
    /// The server cannot be reached.
    Unreachable = 3,
    /// A fault of maestro itself, or its store broke.
    Internal = 70,
    /// Interrupted by SIGINT (Ctrl-C) or SIGTERM.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// The statuses, as the long help shows them.
pub const HELP: &str = "\
Exit status:
    0  done; a run that was waited for SUCCEEDED
    1  the request failed, or a run that was waited for did not succeed
    2  wrong arguments, configuration or file
    3  the server cannot be reached
   70  a fault of maestro itself
  130  interrupted by Ctrl-C or SIGTERM";
