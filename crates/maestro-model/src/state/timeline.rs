//! Timelines (spec 05 section 1.2, 06 section 15): what happened, for people.

use std::fmt;

use minicbor::{Decode, Encode};

use super::Millis;

/// Level of a log event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
#[expect(missing_docs, reason = "the usual levels")]
pub enum Level {
    #[n(0)]
    Trace,
    #[n(1)]
    Debug,
    #[n(2)]
    Info,
    #[n(3)]
    Warn,
    #[n(4)]
    Error,
}

impl Level {
    /// The wire name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// The text of a log event. The frequent ones take a byte in the store instead of a sentence.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Text {
    /// The permits of an attempt are asked for (spec 06 TP-8).
    #[n(0)]
    PermitsWaiting,
    /// All permits of an attempt are held.
    #[n(1)]
    PermitsAcquired,
    /// The attempt needs no permit.
    #[n(2)]
    PermitsNotNeeded,
    /// No predecessor's condition leads to the step (spec 05 DG-9).
    #[n(3)]
    Unsatisfied,
    /// The step was skipped by the restart that made it.
    #[n(4)]
    SkippedByUser,
    /// The run left the queue (spec 05 DG-20).
    #[n(5)]
    Dequeued,
    /// The attempt ran longer than its time-out, in milliseconds.
    #[n(6)]
    TimedOut(#[n(0)] i64),
    /// The next attempt comes after this many milliseconds (spec 06 CY-5).
    #[n(7)]
    RetryIn(#[n(0)] i64),
    /// A fatal failure that the failure mode lets pass (spec 05 section 9.4).
    #[n(8)]
    FailureIgnored,
    /// Anything else.
    #[n(9)]
    Free(#[n(0)] Box<str>),
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PermitsWaiting => f.write_str("Step is waiting for its tag permits."),
            Self::PermitsAcquired => f.write_str("Step acquired its tag permits."),
            Self::PermitsNotNeeded => f.write_str("Step needs no tag permits."),
            Self::Unsatisfied => f.write_str("Step condition is unsatisfied because no predecessors can reach it."),
            Self::SkippedByUser => f.write_str("Step is skipped because of a user skip action."),
            Self::Dequeued => f.write_str("Workflow instance is dequeued."),
            Self::TimedOut(ms) => write!(f, "Step is timed out: it ran longer than {}.", Duration(*ms)),
            Self::RetryIn(ms) => write!(f, "Task will be retried after {}.", Duration(*ms)),
            Self::FailureIgnored => f.write_str(
                "Step is failed but marked as COMPLETED_WITH_ERROR because its failure mode is IGNORE_FAILURE.",
            ),
            Self::Free(text) => f.write_str(text),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Free(text.into())
    }
}

/// Milliseconds in the compact form of spec 06 CY-5: `24h`, `1h 1m 20s`, `0s`; a rest below a second as `0.25s`.
struct Duration(i64);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, millis) = (self.0.max(0) / 1000, self.0.max(0) % 1000);
        let mut sep = "";
        for (amount, unit) in [(secs / 3600, "h"), (secs / 60 % 60, "m")] {
            if amount > 0 {
                write!(f, "{sep}{amount}{unit}")?;
                sep = " ";
            }
        }
        match (secs % 60, millis) {
            (0, 0) if sep.is_empty() => f.write_str("0s"),
            (0, 0) => Ok(()),
            (s, 0) => write!(f, "{sep}{s}s"),
            (s, ms) => write!(f, "{sep}{s}.{ms:03}s"),
        }
    }
}

/// One event of a timeline.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum TimelineEvent {
    /// A line of text.
    #[n(0)]
    Log {
        /// When.
        #[n(0)]
        at: Millis,
        /// How important.
        #[n(1)]
        level: Level,
        /// What.
        #[n(2)]
        text: Text,
    },
    /// An error with its causes.
    #[n(1)]
    Details {
        /// When.
        #[n(0)]
        at: Millis,
        /// Name of the error kind, `INTERNAL_ERROR` unless a rule says otherwise.
        #[n(1)]
        status: Box<str>,
        /// What.
        #[n(2)]
        message: Box<str>,
        /// Causes, outermost first.
        #[n(3)]
        errors: Vec<Box<str>>,
        /// Whether trying again may help.
        #[n(4)]
        retryable: bool,
    },
    /// Something a user or the system did on purpose.
    #[n(2)]
    Action {
        /// When.
        #[n(0)]
        at: Millis,
        /// Name of the action.
        #[n(1)]
        action: Box<str>,
        /// Who.
        #[n(2)]
        author: Box<str>,
        /// What.
        #[n(3)]
        message: Option<Box<str>>,
        /// Why.
        #[n(4)]
        reason: Option<Box<str>>,
    },
}

impl TimelineEvent {
    /// A log event of level INFO.
    #[must_use]
    pub fn info(at: Millis, text: impl Into<Text>) -> Self {
        Self::Log {
            at,
            level: Level::Info,
            text: text.into(),
        }
    }

    /// A log event of level WARN.
    #[must_use]
    pub fn warn(at: Millis, text: impl Into<Text>) -> Self {
        Self::Log {
            at,
            level: Level::Warn,
            text: text.into(),
        }
    }

    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Millis {
        match self {
            Self::Log { at, .. } | Self::Details { at, .. } | Self::Action { at, .. } => *at,
        }
    }

    fn same_but_for_time(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Log {
                    level: a, text: b, ..
                },
                Self::Log {
                    level: c, text: d, ..
                },
            ) => a == c && b == d,
            (
                Self::Details {
                    status: a,
                    message: b,
                    errors: c,
                    retryable: d,
                    ..
                },
                Self::Details {
                    status: e,
                    message: f,
                    errors: g,
                    retryable: h,
                    ..
                },
            ) => a == e && b == f && c == g && d == h,
            (
                Self::Action {
                    action: a,
                    author: b,
                    message: c,
                    reason: d,
                    ..
                },
                Self::Action {
                    action: e,
                    author: f,
                    message: g,
                    reason: h,
                    ..
                },
            ) => a == e && b == f && c == g && d == h,
            _ => false,
        }
    }
}

/// A list of events with the rules of spec 05 G-5 and 06 TL-1, TL-2.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Timeline(#[n(0)] Vec<TimelineEvent>);

impl Timeline {
    /// The most events that are kept.
    pub const MAX: usize = 32;

    /// Appends an event unless it equals the last one, and drops the oldest beyond the limit. True if it was added.
    pub fn push(&mut self, event: TimelineEvent) -> bool {
        if self
            .0
            .last()
            .is_some_and(|last| last.same_but_for_time(&event))
        {
            return false;
        }
        if self.0.len() == Self::MAX {
            self.0.remove(0);
        }
        if self.0.len() == self.0.capacity() {
            // Most have one or two, and many of them wait in memory.
            self.0.reserve_exact(2);
        }
        self.0.push(event);
        true
    }

    /// The events, oldest first.
    #[must_use]
    pub fn events(&self) -> &[TimelineEvent] {
        &self.0
    }

    /// True if nothing was ever added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> TimelineEvent {
        TimelineEvent::info(0, text.to_owned())
    }

    #[test]
    fn repeats_are_dropped_and_the_oldest_go_first() {
        // [06:64]
        let mut line = Timeline::default();
        for i in 0..40 {
            assert!(line.push(log(&i.to_string())));
        }
        assert_eq!(line.events().len(), 32);
        assert_eq!(line.events()[0], log("8"));
        assert!(!line.push(TimelineEvent::info(99, "39".to_owned())));
        let mut line = Timeline::default();
        for text in ["a", "b", "a"] {
            assert!(line.push(log(text)));
        }
        assert_eq!(line.events().len(), 3);
    }

    #[test]
    fn durations_have_the_compact_form() {
        // [06:14]
        for (secs, text) in [
            (86_400, "24h"),
            (3_680, "1h 1m 20s"),
            (100, "1m 40s"),
            (600, "10m"),
            (0, "0s"),
        ] {
            assert_eq!(Duration(secs * 1000).to_string(), text);
        }
        assert_eq!(Duration(1_250).to_string(), "1.250s");
    }
}
