//! What the end of a process means for its step (`spec 07 BX-5`).

use std::sync::Arc;

use nix::sys::signal::Signal;

use super::job::{Ended, Job, Outcome};
use super::record::{End, ExitRecord};
use crate::outputs::Outputs;

/// The verdict over a recorded end, before the outputs are looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) message: String,
}

impl Verdict {
    fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
        }
    }
}

/// Judges a recorded end. `stopping`: whether a stop of this attempt was asked for; then the end is `Stopped` however
/// the job ended (`spec 06 RT-5`).
pub(crate) fn judge(job: &Job, exit: &ExitRecord, stopping: bool) -> Verdict {
    if stopping {
        return Verdict::new(
            Outcome::Stopped,
            format!("stopped: {}", description(&exit.end)),
        );
    }
    let what = description(&exit.end);
    match &exit.end {
        End::NotStarted(failure) if failure.node => {
            Verdict::new(Outcome::PlatformError, failure.message.clone())
        }
        End::NotStarted(failure) => Verdict::new(Outcome::FatalError, failure.message.clone()),
        End::StoppedBefore => ended_from_outside(&what),
        // Whatever the job made of it, it was told to end by somebody who is not us.
        End::Exited(_) | End::Signalled(_) if exit.stop_asked => ended_from_outside(&what),
        End::Exited(0) => Verdict::new(Outcome::Done, log_note(exit)),
        End::Exited(code) if job.fatal_exit_codes.contains(&i64::from(*code)) => Verdict::new(
            Outcome::FatalError,
            format!("{what}, which is one of `fatal_exit_codes`"),
        ),
        End::Exited(code) => Verdict::new(
            Outcome::UserError,
            format!("{what}{}", exit_hint(*code, job)),
        ),
        End::Signalled(signal) => Verdict::new(
            Outcome::UserError,
            format!("{what}{}", signal_hint(*signal, job)),
        ),
    }
}

fn ended_from_outside(what: &str) -> Verdict {
    Verdict::new(
        Outcome::PlatformError,
        format!("the job's supervisor was told to end from outside of maestro: {what}"),
    )
}

fn log_note(exit: &ExitRecord) -> String {
    match &exit.log_error {
        Some(error) => format!("the log is incomplete: {error}"),
        None => String::new(),
    }
}

fn description(end: &End) -> String {
    match end {
        End::Exited(code) => format!("the process ended with exit code {code}"),
        End::Signalled(signal) => format!("the process was ended by {}", signal_name(*signal)),
        End::NotStarted(failure) => failure.message.clone(),
        End::StoppedBefore => "the process was never started".into(),
    }
}

/// Shells report the death of their last command by a signal as 128 and the signal's number.
fn exit_hint(code: i32, job: &Job) -> String {
    let signal = match code {
        129..=192 => Signal::try_from(code - 128).ok(),
        _ => None,
    };
    match signal {
        Some(signal) => format!(
            ", which is how a shell reports that a command was ended by {signal}{}",
            signal_hint(signal as i32, job)
        ),
        None => String::new(),
    }
}

/// The kernel ends a process that takes too much memory with the signal that nobody else needs to send.
fn signal_hint(signal: i32, job: &Job) -> String {
    if signal != Signal::SIGKILL as i32 {
        return String::new();
    }
    match job.memory_bytes {
        Some(bytes) => format!(", possibly since it was out of memory (limit: {bytes} bytes)"),
        None => ", possibly since the machine was out of memory".into(),
    }
}

/// `SIGSEGV` for 11. Signals without a name, the real-time ones, are called by their number.
pub(crate) fn signal_name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {signal}"),
    }
}

/// What programs print when an allocation fails under the limit.
const OUT_OF_MEMORY: [&str; 4] = [
    "MemoryError",
    "Cannot allocate memory",
    "std::bad_alloc",
    "OutOfMemoryError",
];

/// Says that a failure was the step's own limit of memory, as far as the log shows it (pitfall R-19).
pub(crate) fn name_memory_limit(job: &Job, ended: &mut Ended) {
    let Some(bytes) = job.memory_bytes else {
        return;
    };
    let failed = matches!(ended.outcome, Outcome::UserError | Outcome::FatalError);
    let shown = ended.execution_output.as_deref().unwrap_or_default();
    if failed && OUT_OF_MEMORY.iter().any(|text| shown.contains(text)) {
        ended.message = format!(
            "{}: out of memory, the limit `memory` is {bytes} bytes",
            ended.message
        );
    }
}

/// An end without a record: there is nothing but a verdict.
pub(crate) fn without_record(
    job: &Arc<Job>,
    outcome: Outcome,
    message: impl Into<String>,
) -> Ended {
    Ended {
        key: job.key().clone(),
        job: job.clone(),
        started: None,
        outcome,
        message: message.into(),
        outputs: Outputs::default(),
        exit_code: None,
        signal: None,
        start_time: None,
        end_time: None,
        execution_output: None,
    }
}
