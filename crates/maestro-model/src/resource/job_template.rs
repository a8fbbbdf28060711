//! Job templates: params that steps of a sub type get (spec 04 section 13.1).

use super::{open_members, refuse_reserved};
use crate::codec::{At, FromJson, JsonError, Members, object};
use crate::definition::{GitInfo, StepType, TagList, User};
use crate::json::{Json, Object, ToJson, Writer};
use crate::param::{ParamMap, exactly_one_body};
use crate::{Map, Str};

/// A stored job template.
#[derive(Debug, Clone, PartialEq)]
pub struct JobTemplate {
    /// What was sent, apart from the definition.
    pub request: JobTemplateRequest,
    /// Who sent it.
    pub version_author: User,
    /// When, in epoch milliseconds.
    pub create_time: i64,
}

/// The body of an upsert.
#[derive(Debug, Clone, PartialEq)]
pub struct JobTemplateRequest {
    /// Who owns it.
    pub owner: User,
    /// Its state, in the words of its owner.
    pub status: Str,
    /// Where help is to be had.
    pub support: Str,
    /// Workflows that test it.
    pub test_workflows: Option<Vec<Str>>,
    /// Where it comes from.
    pub git_info: Option<GitInfo>,
    /// The template.
    pub definition: JobTemplateDefinition,
    /// Whatever else was sent.
    pub extra_info: Object,
}

/// The template itself.
#[derive(Debug, Clone, PartialEq)]
pub struct JobTemplateDefinition {
    /// The sub type of steps that it is for.
    pub job_type: Str,
    /// The type that such steps must have.
    pub step_type: StepType,
    /// Its version, a word.
    pub version: Str,
    /// Free text.
    pub description: Option<Str>,
    /// Tags.
    pub tags: Option<TagList>,
    /// Versions of other templates by their job types, whose params it takes over.
    pub inherit_from: Option<Map<Str>>,
    /// Params.
    pub params: Option<ParamMap>,
}

object!(JobTemplateDefinition, skip null { job_type, step_type, version, description, tags, inherit_from, params });

impl JobTemplateRequest {
    fn take(members: &mut Members<'_>, at: &At<'_>) -> Result<Self, JsonError> {
        let request = Self {
            owner: members.required("owner")?,
            status: members.required("status")?,
            support: members.required("support")?,
            test_workflows: members.field("test_workflows")?,
            git_info: members.field("git_info")?,
            definition: members.required("definition")?,
            extra_info: Object::new(),
        };
        let at = at.name("definition");
        exactly_one_body(request.definition.params.as_ref(), &at.name("params"))?;
        Ok(request)
    }
}

impl FromJson for JobTemplateRequest {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let mut request = Self::take(&mut members, at)?;
        request.extra_info = open_members(members.rest(), "extra_info", at)?;
        let reserved = [
            "owner",
            "status",
            "support",
            "test_workflows",
            "git_info",
            "definition",
            "version_author",
            "create_time",
        ];
        refuse_reserved(&request.extra_info, &reserved, at)?;
        Ok(request)
    }
}

impl FromJson for JobTemplate {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let definition = members.raw("definition").unwrap_or(Json::Null);
        let metadata = members.raw("metadata").unwrap_or(Json::Null);
        let at = at.name("metadata");
        let mut members = Members::open(metadata, &at)?;
        let version_author = members.required("version_author")?;
        let create_time = members.field("create_time")?;
        let mut whole = members.rest();
        whole.insert("definition", definition);
        Ok(Self {
            version_author,
            create_time,
            request: JobTemplateRequest::from_json(Json::Object(whole), &at)?,
        })
    }
}

impl ToJson for JobTemplate {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("metadata", &Metadata(self));
            members.always("definition", &self.request.definition);
        });
    }
}

struct Metadata<'a>(&'a JobTemplate);

impl ToJson for Metadata<'_> {
    fn write(&self, out: &mut Writer) {
        let (template, request) = (self.0, &self.0.request);
        out.object(|members| {
            members.always("owner", &request.owner);
            members.always("version_author", &template.version_author);
            members.always("status", &request.status);
            members.always("support", &request.support);
            members.member("test_workflows", &request.test_workflows);
            members.member("git_info", &request.git_info);
            members.always("create_time", &template.create_time);
            members.members(&request.extra_info);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{read, to_text};

    // [04:48]
    #[test]
    fn a_template_comes_back_as_it_was_sent() {
        let request: JobTemplateRequest = read(
            br#"{"owner":"ana","status":"live","support":"me","lane":2,"git_info":{"sha":"1"},"definition":
               {"job_type":"etl","step_type":"http","version":"v1","params":{"u":{"type":"string","value":"x"}}}}"#,
        )
        .expect("a template");
        let template = JobTemplate {
            request,
            version_author: "bob".into(),
            create_time: 7,
        };
        let text = to_text(&template);
        assert_eq!(
            text,
            r#"{"metadata":{"owner":"ana","version_author":"bob","status":"live","support":"me","git_info":{"sha":"1"},"create_time":7,"lane":2},"definition":{"job_type":"etl","step_type":"Http","version":"v1","params":{"u":{"value":"x","type":"STRING"}}}}"#
        );
        assert_eq!(read::<JobTemplate>(text.as_bytes()), Ok(template));
    }

    #[test]
    fn reserved_extras_and_open_definitions_are_refused() {
        let fault = |more: &str, inner: &str| {
            let text = format!(
                r#"{{"owner":"ana","status":"live","support":"me"{more},"definition":
                    {{"job_type":"etl","step_type":"http","version":"v1"{inner}}}}}"#
            );
            read::<JobTemplateRequest>(text.as_bytes()).err()
        };
        assert_eq!(fault("", ""), None);
        assert_eq!(fault(r#","extra_info":{"x":1}"#, ""), None);
        for (more, inner) in [
            (r#","create_time":1"#, ""),
            (r#","extra_info":{"version_author":"x"}"#, ""),
            (r#","extra_info":5"#, ""),
            ("", r#","colour":1"#),
            ("", r#","params":{"p":{"type":"LONG"}}"#),
        ] {
            assert!(fault(more, inner).is_some(), "{more} {inner}");
        }
    }
}
