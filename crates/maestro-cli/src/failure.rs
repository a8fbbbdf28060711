//! What a failed command says, and its exit status.

use std::error::Error;
use std::fmt::Display;
use std::io;

use crate::exit::Exit;
use crate::ui;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One sentence without a full stop; `None` says nothing at all.
    message: Option<String>,
    details: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self {
            exit,
            message: Some(message.to_string()),
            details: Vec::new(),
            hint: None,
        }
    }

    /// The error with all that caused it in one sentence.
    pub(crate) fn chain(exit: Exit, error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut last = message.clone();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Causes often repeat each other.
            if !message.ends_with(&text) && !text.ends_with(&last) {
                message.push_str(": ");
                message.push_str(&text);
            }
            last = text;
            cause = error.source();
        }
        Self::new(exit, message)
    }

    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Says it on standard error.
    pub(crate) fn print(&self) {
        let Some(message) = &self.message else { return };
        ui::error("error", message);
        for detail in &self.details {
            ui::note(&format!("  - {detail}"));
        }
        if let Some(hint) = &self.hint {
            ui::hint(hint);
        }
    }
}

/// Writing to standard output failed: a reader that has seen enough is no reason for words.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                exit: Exit::Done,
                message: None,
                details: Vec::new(),
                hint: None,
            };
        }
        Self::new(
            Exit::Failed,
            format!("cannot write to standard output: {error}"),
        )
    }
}
