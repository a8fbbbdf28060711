//! Tags (spec 01 section 2.5).

use crate::codec::{At, FromJson, JsonError, Members, free_form};
use crate::json::{Json, ToJson, Writer};
use crate::text_enum::text_enum;
use crate::{Map, Str};

/// Tags in order.
pub type TagList = Vec<Tag>;

/// A tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// The name.
    pub name: Str,
    /// Who speaks.
    pub namespace: Option<TagNamespace>,
    /// How many may run at once; set by the system at run time, never read from input (spec 04 T-Tag).
    pub permit: Option<i32>,
    /// Further members, flattened on output.
    pub attributes: Map<Json>,
}

impl Tag {
    /// A tag that is only a name.
    pub fn new(name: impl Into<Str>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            permit: None,
            attributes: Map::default(),
        }
    }
}

text_enum! {
    /// Who speaks in a tag (spec 01 TG-3).
    pub enum TagNamespace as "tag namespace" {
        /// The system.
        System = "SYSTEM",
        /// The run time.
        Runtime = "RUNTIME",
        /// A job template.
        JobTemplate = "JOB_TEMPLATE",
        /// A notebook template.
        NotebookTemplate = "NOTEBOOK_TEMPLATE",
        /// A user.
        UserDefined = "USER_DEFINED",
        /// The tag endpoints.
        Platform = "PLATFORM",
    }
}

impl FromJson for Tag {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        if let Json::String(name) = json {
            return Ok(Tag::new(name));
        }
        if !matches!(json, Json::Object(_)) {
            return Err(at.wrong(&json, "a tag: a name, or an object with a `name`"));
        }
        let mut members = Members::open(json, at)?;
        let mut tag = Tag::new(members.field::<Str>("name")?);
        tag.namespace = members.field("namespace")?;
        for (key, value) in members.rest() {
            if &*key != "attributes" {
                let value = free_form(value, &at.name(&key))?;
                tag.attributes.insert(key.into(), value);
                continue;
            }
            // Replaces what came before it; later members are added (spec 01 TG-2).
            tag.attributes = match value {
                Json::Null => Map::default(),
                value => Map::from_json(value, &at.name(&key))?,
            };
        }
        Ok(tag)
    }
}

impl ToJson for Tag {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("name", &self.name);
            members.member("namespace", &self.namespace);
            members.member("permit", &self.permit);
            for (key, value) in &self.attributes {
                if self.permit.is_none() || &**key != "permit" {
                    members.always(key, value);
                }
            }
        });
    }
}

/// A name that more than one of the tags has, whatever their namespaces (spec 01 TG-4).
pub(crate) fn repeated_name(tags: &[Tag]) -> Option<&Str> {
    let mut seen = std::collections::HashSet::new();
    tags.iter()
        .map(|tag| &tag.name)
        .find(|name| !seen.insert(*name))
}
