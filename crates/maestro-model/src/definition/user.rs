//! Users: who owns, pushed, acted (spec 01 section 2.4).

use crate::Str;
use crate::codec::{At, FromJson, JsonError, Members, free_members};
use crate::json::{Json, Object, ToJson, Writer};

/// A user, printed in the form in which it came (spec 01 US-2).
#[derive(Debug, Clone, PartialEq)]
pub enum User {
    /// A bare name; the caller of a request is always one (spec 01 US-3).
    Name(Str),
    /// An object with a name.
    Object {
        /// The name.
        name: Str,
        /// Whatever else was given; nulls of the first level are dropped.
        extras: Object,
    },
}

impl User {
    /// The name.
    pub fn name(&self) -> &Str {
        match self {
            User::Name(name) | User::Object { name, .. } => name,
        }
    }
}

impl From<&str> for User {
    fn from(name: &str) -> Self {
        User::Name(name.into())
    }
}

impl FromJson for User {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        if let Json::String(name) = json {
            return Ok(User::Name(name.into()));
        }
        if !matches!(json, Json::Object(_)) {
            return Err(at.wrong(&json, "a user: a name, or an object with a `name`"));
        }
        let mut members = Members::open(json, at)?;
        let name = match members.raw("name") {
            Some(Json::String(name)) => Str::from(name),
            None => {
                return Err(at
                    .fault("a user needs a `name`")
                    .hint("add `name`, a string"));
            }
            Some(other) => {
                return Err(at
                    .name("name")
                    .wrong(&other, "the name of the user as a string"));
            }
        };
        let extras = members
            .rest()
            .into_iter()
            .filter(|(_, value)| *value != Json::Null)
            .collect();
        Ok(User::Object {
            name,
            extras: free_members(Object::from_members(extras), at)?,
        })
    }
}

impl ToJson for User {
    fn write(&self, out: &mut Writer) {
        match self {
            User::Name(name) => out.string(name),
            User::Object { name, extras } => out.object(|members| {
                members.always("name", name);
                members.members(extras);
            }),
        }
    }
}
