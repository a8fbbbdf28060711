//! Announced signals (spec 04 section 13.3).

use super::open_members;
use crate::codec::{At, FromJson, JsonError, Members, to_text};
use crate::definition::uuid_of;
use crate::json::{Json, Object, ToJson, Writer};
use crate::{Map, Str};
use std::collections::BTreeMap;

/// The value of a signal's param.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalScalar {
    /// A text.
    Text(Str),
    /// A number.
    Long(i64),
}

/// The body of an announcement.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalRequest {
    /// The signal.
    pub name: Str,
    /// What it is matched by.
    pub params: Option<Map<SignalScalar>>,
    /// Makes the call idempotent.
    pub request_id: Option<Str>,
    /// Epoch milliseconds; now when not given.
    pub request_time: Option<i64>,
    /// Whatever else was sent.
    pub payload: Object,
}

/// One announcement of a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalInstance {
    /// The signal.
    pub name: Str,
    /// Its number, from 1 for each name.
    pub seq_id: i64,
    /// What tells it from others of its name.
    pub instance_id: Str,
    /// What it is matched by.
    pub params: Option<Map<SignalScalar>>,
    /// Whatever else was sent.
    pub payload: Object,
    /// When it happened, in epoch milliseconds.
    pub request_time: i64,
    /// When it was stored, in epoch milliseconds.
    pub create_time: i64,
}

impl SignalRequest {
    /// The given id, else one that follows from name and params alone.
    pub fn instance_id(&self) -> Str {
        match &self.request_id {
            Some(id) => id.clone(),
            None => uuid_of(&to_text(&Identity(self))).to_string().into(),
        }
    }
}

/// What the id is made from.
struct Identity<'a>(&'a SignalRequest);

impl ToJson for Identity<'_> {
    fn write(&self, out: &mut Writer) {
        let params = self.0.params.iter().flatten();
        let sorted: BTreeMap<&str, &SignalScalar> =
            params.map(|(key, value)| (&**key, value)).collect();
        out.object(|members| {
            members.always("name", &self.0.name);
            if !sorted.is_empty() {
                members.always("params", &Sorted(&sorted));
            }
            members.always("request_time", &0_i64);
        });
    }
}

struct Sorted<'a>(&'a BTreeMap<&'a str, &'a SignalScalar>);

impl ToJson for Sorted<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            for (key, value) in self.0 {
                members.always(key, *value);
            }
        });
    }
}

impl FromJson for SignalScalar {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        match &json {
            Json::String(text) => Ok(Self::Text((&**text).into())),
            Json::Number(number) => Ok(Self::Long(number.as_i64().unwrap_or_else(|| {
                let decimal = number.to_decimal().and_then(|decimal| decimal.truncate());
                // Beyond 64 bits it stays at the end of the range.
                decimal.unwrap_or(if number.as_str().starts_with('-') {
                    i64::MIN
                } else {
                    i64::MAX
                })
            }))),
            _ => Err(at.wrong(&json, "a string or a number")),
        }
    }
}

impl ToJson for SignalScalar {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::Text(text) => out.string(text),
            Self::Long(value) => value.write(out),
        }
    }
}

impl FromJson for SignalRequest {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let has_time = members.has("request_time");
        let time: Option<i64> = members.field("request_time")?;
        Ok(Self {
            name: members.required("name")?,
            params: members.field("params")?,
            request_id: members.field("request_id")?,
            request_time: has_time.then(|| time.unwrap_or(0)),
            payload: open_members(members.rest(), "payload", at)?,
        })
    }
}

impl FromJson for SignalInstance {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let payload: Option<Object> = members.field("payload")?;
        // A request may give an empty id, which is not written.
        let instance_id: Option<Str> = members.field("instance_id")?;
        Ok(Self {
            name: members.required("name")?,
            seq_id: members.field("seq_id")?,
            instance_id: instance_id.unwrap_or_default(),
            params: members.field("params")?,
            payload: payload.unwrap_or_default(),
            request_time: members.field("request_time")?,
            create_time: members.field("create_time")?,
        })
    }
}

impl ToJson for SignalInstance {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("name", &self.name);
            members.always("seq_id", &self.seq_id);
            members.filled("instance_id", &self.instance_id);
            members.filled("params", &self.params);
            if !self.payload.is_empty() {
                members.always("payload", &Json::Object(self.payload.clone()));
            }
            members.always("request_time", &self.request_time);
            members.always("create_time", &self.create_time);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read;

    fn request(json: &str) -> SignalRequest {
        read(json.as_bytes()).expect("a request")
    }

    #[test]
    fn an_instance_with_an_empty_id_reads_back() {
        let id = request(r#"{"name":"s","request_id":""}"#).instance_id();
        let written = to_text(&SignalInstance {
            name: "s".into(),
            seq_id: 1,
            instance_id: id,
            params: None,
            payload: Object::default(),
            request_time: 2,
            create_time: 3,
        });
        let back: SignalInstance = read(written.as_bytes()).expect("an instance");
        assert_eq!(to_text(&back), written);
    }

    // [04:50]
    #[test]
    fn the_id_follows_from_name_and_params_alone() {
        let id = |json: &str| request(json).instance_id();
        let one = id(r#"{"name":"t/r","params":{"b":1,"a":"x"},"src":"job"}"#);
        assert_eq!(
            one,
            id(r#"{"name":"t/r","params":{"a":"x","b":1.9},"request_time":9}"#)
        );
        assert_ne!(one, id(r#"{"name":"t/r","params":{"a":"x"}}"#));
        assert_eq!(
            id(r#"{"name":"n"}"#),
            Str::from(uuid_of(r#"{"name":"n","request_time":0}"#).to_string())
        );
        assert_eq!(&*id(r#"{"name":"n","request_id":5}"#), "5");
        assert!(read::<SignalRequest>(br#"{"name":"n","params":{"x":true}}"#).is_err());
    }

    #[test]
    fn a_payload_replaces_what_came_before_it() {
        let sent = request(r#"{"name":"n","a":1,"payload":{"b":null},"seq_id":2}"#);
        let instance = SignalInstance {
            name: sent.name.clone(),
            seq_id: 1,
            instance_id: sent.instance_id(),
            params: sent.params,
            payload: sent.payload,
            request_time: 5,
            create_time: 6,
        };
        let text = to_text(&instance);
        assert!(
            text.contains(r#""payload":{"b":null,"seq_id":2}"#),
            "{text}"
        );
        assert_eq!(read::<SignalInstance>(text.as_bytes()), Ok(instance));
    }
}
