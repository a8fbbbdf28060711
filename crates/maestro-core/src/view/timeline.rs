//! Timelines on the wire: stored events, and those that are added on read (spec 05 RD-2, 06 section 15.4).

use maestro_model::Str;
use maestro_model::definition::User;
use maestro_model::error::ErrorCode;
use maestro_model::run::{LogLevel, TimelineEvent as WireEvent, TimelineEventKind};
use maestro_model::state::{Level, Millis, Timeline, TimelineEvent};

/// A stored event in its wire form.
#[must_use]
pub fn wire_event(event: &TimelineEvent) -> WireEvent {
    let kind = match event {
        TimelineEvent::Log { level, text, .. } => TimelineEventKind::Log {
            level: match level {
                Level::Trace => LogLevel::Trace,
                Level::Debug => LogLevel::Debug,
                Level::Info => LogLevel::Info,
                Level::Warn => LogLevel::Warn,
                Level::Error => LogLevel::Error,
            },
            message: text.to_string().into(),
        },
        TimelineEvent::Details {
            status,
            message,
            errors,
            retryable,
            ..
        } => TimelineEventKind::Details {
            status: ErrorCode::from_text(status).unwrap_or(ErrorCode::InternalError),
            message: (&**message).into(),
            errors: (!errors.is_empty()).then(|| errors.iter().map(|e| (&**e).into()).collect()),
            retryable: *retryable,
        },
        TimelineEvent::Action {
            action,
            author,
            message,
            reason,
            ..
        } => TimelineEventKind::Action {
            action: (&**action).into(),
            author: Some(User::Name((&**author).into())),
            message: message.as_deref().map(Str::from),
            reason: reason.as_deref().map(Str::from),
            info: None,
        },
    };
    WireEvent {
        timestamp: event.at(),
        kind,
    }
}

/// The stored events, with a STATUS event for each of these moments, in the order of time. Among equals the stored ones
/// come first, then the others in the given order.
pub(super) fn events(
    stored: &Timeline,
    statuses: impl IntoIterator<Item = (&'static str, Option<Millis>)>,
) -> Vec<WireEvent> {
    let mut events: Vec<WireEvent> = stored.events().iter().map(wire_event).collect();
    events.extend(statuses.into_iter().filter_map(|(status, at)| {
        Some(WireEvent {
            timestamp: at?,
            kind: TimelineEventKind::Status {
                status: status.into(),
            },
        })
    }));
    events.sort_by_key(|event| event.timestamp);
    events
}
