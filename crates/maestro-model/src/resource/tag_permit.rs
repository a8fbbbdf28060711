//! Tag permits: how many steps with a tag may run at once (spec 04 section 13.2).

use super::{open_members, refuse_reserved};
use crate::Str;
use crate::codec::{At, FromJson, JsonError, Members};
use crate::definition::User;
use crate::json::{Json, Object, ToJson, Writer};
use crate::run::{Timeline, TimelineEvent};

const RESERVED: [&str; 3] = ["tag", "max_allowed", "timeline"];

/// The body of an upsert.
#[derive(Debug, Clone, PartialEq)]
pub struct TagPermitRequest {
    /// The tag; any text.
    pub tag: Str,
    /// How many; 0 or more.
    pub max_allowed: i32,
    /// Whatever else was sent.
    pub extra_info: Object,
}

/// A stored permit.
#[derive(Debug, Clone, PartialEq)]
pub struct TagPermit {
    /// As sent last.
    pub request: TagPermitRequest,
    /// Who set it, oldest first.
    pub timeline: Timeline,
}

impl TagPermit {
    /// After an upsert (spec 04 section 13.2); `now` in epoch milliseconds.
    #[must_use]
    pub fn after(current: Option<Self>, request: TagPermitRequest, user: &User, now: i64) -> Self {
        let what = if current.is_some() {
            "updated"
        } else {
            "created"
        };
        let text = format!(
            "Tag permit [{}] is {what} by [{}] with the limit [{}]",
            request.tag,
            user.name(),
            request.max_allowed
        );
        let mut timeline = current.map(|permit| permit.timeline).unwrap_or_default();
        timeline.push(TimelineEvent::log(now, text));
        Self { request, timeline }
    }
}

impl FromJson for TagPermitRequest {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let tag = members.required("tag")?;
        let max_allowed: Option<i32> = members.field("max_allowed")?;
        let max_allowed = max_allowed.unwrap_or(0);
        if max_allowed < 0 {
            return Err(JsonError {
                is_violation: true,
                ..at.name("max_allowed")
                    .fault("must be greater than or equal to 0")
            });
        }
        let extra_info = open_members(members.rest(), "extra_info", at)?;
        refuse_reserved(&extra_info, &RESERVED, at)?;
        Ok(Self {
            tag,
            max_allowed,
            extra_info,
        })
    }
}

impl FromJson for TagPermit {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let timeline = members.field("timeline")?;
        Ok(Self {
            timeline,
            request: TagPermitRequest::from_json(Json::Object(members.rest()), at)?,
        })
    }
}

impl ToJson for TagPermit {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("tag", &self.request.tag);
            members.always("max_allowed", &i64::from(self.request.max_allowed));
            members.always("timeline", &self.timeline);
            members.members(&self.request.extra_info);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{read, to_text};

    // [04:49]
    #[test]
    fn a_line_for_each_change_but_not_for_a_repetition() {
        let mut permit = None;
        let mut after = |json: &str| {
            let request: TagPermitRequest = read(json.as_bytes()).expect("a request");
            let new = TagPermit::after(permit.take(), request, &"ana".into(), 5);
            permit = Some(new.clone());
            let text = to_text(&new);
            assert_eq!(read::<TagPermit>(text.as_bytes()), Ok(new));
            text.matches("LOG").count()
        };
        let two = r#"{"tag":"gpu","max_allowed":2,"team":"x"}"#;
        let three = r#"{"tag":"gpu","max_allowed":3}"#;
        assert_eq!(
            [after(two), after(two), after(three), after(three)],
            [1, 2, 3, 3]
        );
    }

    #[test]
    fn what_is_refused() {
        for json in [
            "{}",
            r#"{"max_allowed":1}"#,
            r#"{"tag":null}"#,
            r#"{"tag":"t","max_allowed":-1}"#,
            r#"{"tag":["x"]}"#,
            r#"{"tag":"t","extra_info":{"tag":"y"}}"#,
            r#"{"tag":"t","timeline":[]}"#,
            // [04:66]
            r#"{"tag":"t","max_allowed":2147483648}"#,
        ] {
            assert!(read::<TagPermitRequest>(json.as_bytes()).is_err(), "{json}");
        }
        let zero: TagPermitRequest = read(br#"{"tag":"","max_allowed":null}"#).expect("read");
        assert_eq!((&*zero.tag, zero.max_allowed), ("", 0));
    }
}
