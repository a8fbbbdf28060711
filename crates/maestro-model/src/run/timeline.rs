//! Timelines: what happened to an instance, a step, a permit (spec 04 section 4.3).

use crate::Str;
use crate::codec::{At, FromJson, JsonError, Members};
use crate::definition::User;
use crate::error::ErrorCode;
use crate::json::{Json, ToJson, Writer};
use crate::text_enum::text_enum;
use std::collections::VecDeque;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEvent {
    /// Epoch milliseconds.
    pub timestamp: i64,
    /// What.
    pub kind: TimelineEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum TimelineEventKind {
    /// A sentence.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// The sentence.
        message: Str,
    },
    /// A fault.
    Details {
        /// Its kind.
        status: ErrorCode,
        /// What is wrong.
        message: Str,
        /// Causes.
        errors: Option<Vec<Str>>,
        /// Whether the system tries again.
        retryable: bool,
    },
    /// A new status.
    Status {
        /// The status.
        status: Str,
    },
    /// Something that a user did.
    Action {
        /// What.
        action: Str,
        /// Who.
        author: Option<User>,
        /// What came of it.
        message: Option<Str>,
        /// Why.
        reason: Option<Str>,
        /// A number that belongs to it.
        info: Option<i64>,
    },
    /// Progress of a job elsewhere.
    Milestone {
        /// Status there.
        status: Option<Str>,
        /// What it is.
        milestone_type: Option<MilestoneType>,
        /// Its id there.
        source_id: Option<Str>,
        /// More about it, at most 1000 characters.
        info: Option<Str>,
    },
}

text_enum! {
    /// How much an event matters.
    pub enum LogLevel as "log level" {
        /// Least.
        Trace = "TRACE",
        /// Little.
        Debug = "DEBUG",
        /// The default.
        Info = "INFO",
        /// Much.
        Warn = "WARN",
        /// Most.
        Error = "ERROR",
    }
}

text_enum! {
    /// What a milestone is about.
    pub enum MilestoneType as "milestone type" {
        /// A job.
        CmbJob = "CMB_JOB",
        /// A task.
        CmbTask = "CMB_TASK",
    }
}

text_enum! {
    enum EventType as "timeline event type" {
        Log = "LOG",
        Details = "DETAILS",
        Status = "STATUS",
        Action = "ACTION",
        Milestone = "MILESTONE",
    }
}

impl TimelineEvent {
    /// A sentence at the usual level.
    pub fn log(timestamp: i64, message: impl Into<Str>) -> Self {
        Self {
            timestamp,
            kind: TimelineEventKind::Log {
                level: LogLevel::Info,
                message: message.into(),
            },
        }
    }
}

impl FromJson for TimelineEvent {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let ty = members.field("type")?;
        let timestamp: Option<i64> = members.field("timestamp")?;
        let (kind, known): (_, &[&str]) = match ty {
            EventType::Log => {
                let level: Option<LogLevel> = members.field("level")?;
                let message = members.field("message")?;
                (
                    TimelineEventKind::Log {
                        level: level.unwrap_or(LogLevel::Info),
                        message,
                    },
                    &["level", "message"],
                )
            }
            EventType::Details => {
                let status: Option<ErrorCode> = members.field("status")?;
                let retryable: Option<bool> = members.field("retryable")?;
                // Stored details of the reference may carry a cause (spec 04 section 5.1); it is not kept.
                members.raw("cause");
                let kind = TimelineEventKind::Details {
                    status: status.unwrap_or(ErrorCode::InternalError),
                    message: members.field("message")?,
                    errors: members.field("errors")?,
                    retryable: retryable.unwrap_or(false),
                };
                (kind, &["status", "message", "errors", "retryable"])
            }
            EventType::Status => (
                TimelineEventKind::Status {
                    status: members.field("status")?,
                },
                &["status"],
            ),
            EventType::Action => {
                let kind = TimelineEventKind::Action {
                    action: members.field("action")?,
                    author: members.field("author")?,
                    message: members.field("message")?,
                    reason: members.field("reason")?,
                    info: members.field("info")?,
                };
                (kind, &["action", "author", "message", "reason", "info"])
            }
            EventType::Milestone => {
                let kind = TimelineEventKind::Milestone {
                    status: members.field("status")?,
                    milestone_type: members.field("milestone_type")?,
                    source_id: members.field("source_id")?,
                    info: members.field("info")?,
                };
                (kind, &["status", "milestone_type", "source_id", "info"])
            }
        };
        members.close(known)?;
        Ok(Self {
            timestamp: timestamp.unwrap_or(0),
            kind,
        })
    }
}

impl ToJson for TimelineEvent {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("timestamp", &self.timestamp);
            match &self.kind {
                TimelineEventKind::Log { level, message } => {
                    members.always("type", &EventType::Log);
                    members.always("level", level);
                    members.always("message", message);
                }
                TimelineEventKind::Details {
                    status,
                    message,
                    errors,
                    retryable,
                } => {
                    members.always("type", &EventType::Details);
                    members.always("status", status);
                    members.always("message", message);
                    members.member("errors", errors);
                    members.always("retryable", retryable);
                }
                TimelineEventKind::Status { status } => {
                    members.always("type", &EventType::Status);
                    members.always("status", status);
                }
                TimelineEventKind::Action {
                    action,
                    author,
                    message,
                    reason,
                    info,
                } => {
                    members.always("type", &EventType::Action);
                    members.always("action", action);
                    members.member("author", author);
                    members.member("message", message);
                    members.member("reason", reason);
                    members.member("info", info);
                }
                TimelineEventKind::Milestone {
                    status,
                    milestone_type,
                    source_id,
                    info,
                } => {
                    members.always("type", &EventType::Milestone);
                    members.member("status", status);
                    members.member("milestone_type", milestone_type);
                    members.member("source_id", source_id);
                    members.member("info", info);
                }
            }
        });
    }
}

/// A stored timeline: the newest 32 events, none equal to the one before it but for its time (spec 04 T-1).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline(VecDeque<TimelineEvent>);

impl Timeline {
    /// Most events that are kept.
    pub const MAX: usize = 32;

    /// Adds an event; returns whether it was added.
    pub fn push(&mut self, event: TimelineEvent) -> bool {
        if self.0.back().is_some_and(|last| last.kind == event.kind) {
            return false;
        }
        if self.0.len() == Self::MAX {
            self.0.pop_front();
        }
        self.0.push_back(event);
        true
    }

    /// The events, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &TimelineEvent> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<TimelineEvent> for Timeline {
    fn from_iter<I: IntoIterator<Item = TimelineEvent>>(events: I) -> Self {
        let mut timeline = Self::default();
        for event in events {
            timeline.push(event);
        }
        timeline
    }
}

impl FromJson for Timeline {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        Vec::from_json(json, at).map(Self::from_iter)
    }
}

impl ToJson for Timeline {
    fn write(&self, out: &mut Writer) {
        out.array(&self.0);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn equal_neighbours_fall_together_and_the_oldest_goes() {
        let mut timeline = Timeline::default();
        assert!(timeline.push(TimelineEvent::log(1, "a")));
        assert!(!timeline.push(TimelineEvent::log(2, "a")));
        for n in 0..40 {
            assert!(timeline.push(TimelineEvent::log(n, n.to_string())));
        }
        assert_eq!(timeline.iter().count(), 32);
        assert_eq!(timeline.iter().next(), Some(&TimelineEvent::log(8, "8")));
    }

    #[test]
    fn events_come_back_as_they_are_written() {
        for json in [
            r#"{"timestamp":1,"type":"LOG","level":"WARN","message":"m"}"#,
            r#"{"timestamp":1,"type":"DETAILS","status":"NOT_FOUND","message":"m","errors":["e"],"retryable":true}"#,
            r#"{"timestamp":1,"type":"STATUS","status":"CREATED"}"#,
            r#"{"timestamp":1735689600123,"type":"ACTION","action":"STOP","author":"ana","message":"m","info":3}"#,
            r#"{"timestamp":1,"type":"MILESTONE","status":"s","milestone_type":"CMB_JOB","source_id":"i","info":"x"}"#,
        ] {
            let event: TimelineEvent = codec::read(json.as_bytes()).expect("an event");
            assert_eq!(codec::to_text(&event), json);
        }
        let lenient: TimelineEvent =
            codec::read(br#"{"type":"log","message":"m"}"#).expect("an event");
        assert_eq!(lenient, TimelineEvent::log(0, "m"));
    }
}
