//! JSON of steps: a wrapper with one key, and the fields of that kind (spec 01 sections 6.1-6.4).

use super::{
    Foreach, LeafStep, LeafType, Step, StepKind, Subworkflow, Template, Transition, While,
};
use crate::codec::{At, FromJson, JsonError, Members};
use crate::json::{Json, ObjectWriter, ToJson, Writer};
use crate::param::exactly_one_body;
use crate::text_enum::text_enum;
use crate::{Map, Str};
use std::collections::HashSet;

text_enum! {
    /// The key of the object around a step.
    pub(super) enum Wrapper as "step kind" {
        /// A typed step.
        Step = "step",
        /// Another workflow.
        Subworkflow = "subworkflow",
        /// A loop over elements.
        Foreach = "foreach",
        /// A loop with a condition.
        While = "while",
        /// A placeholder.
        Template = "template",
    }
}

impl Wrapper {
    /// All fields of the kind in output order (spec 01 section 6.3); `type` is accepted and dropped but for typed steps.
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Wrapper::Step => &[
                "id",
                "name",
                "description",
                "transition",
                "type",
                "sub_type",
                "sub_type_version",
                "failure_mode",
                "retry_policy",
                "tags",
                "timeout",
                "signal_dependencies",
                "signal_outputs",
                "params",
            ],
            Wrapper::Subworkflow => &[
                "id",
                "name",
                "description",
                "transition",
                "sync",
                "explicit_params",
                "failure_mode",
                "tags",
                "timeout",
                "signal_dependencies",
                "signal_outputs",
                "params",
            ],
            Wrapper::Foreach => &[
                "id",
                "name",
                "description",
                "transition",
                "failure_mode",
                "tags",
                "timeout",
                "concurrency",
                "strict_ordering",
                "signal_dependencies",
                "signal_outputs",
                "params",
                "steps",
            ],
            Wrapper::While => &[
                "id",
                "name",
                "description",
                "transition",
                "failure_mode",
                "tags",
                "timeout",
                "condition",
                "signal_dependencies",
                "signal_outputs",
                "params",
                "steps",
            ],
            Wrapper::Template => &[
                "description",
                "failure_mode",
                "id",
                "name",
                "params",
                "signal_dependencies",
                "signal_outputs",
                "sub_type",
                "tags",
                "timeout",
                "transition",
            ],
        }
    }
}

impl FromJson for Step {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        at.check_depth()?;
        let words = || {
            Wrapper::ALL
                .iter()
                .map(|w| w.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let wrapper = Members::open(json, at)?.rest();
        let keys = wrapper.len();
        let (Some((key, body)), 1) = (wrapper.into_iter().next(), keys) else {
            return Err(at
                .fault(format!(
                    "a step is an object with exactly one key, this one has {keys}"
                ))
                .hint(format!("the key is the kind of the step: {}", words())));
        };
        let kind = Wrapper::from_text(&key).ok_or_else(|| {
            at.fault(format!("unknown step kind `{key}`"))
                .hint(format!("known: {}", words()))
        })?;
        body_of(kind, body, &at.name(&key))
    }
}

fn body_of(wrapper: Wrapper, json: Json, at: &At<'_>) -> Result<Step, JsonError> {
    let mut members = Members::open(json, at)?;
    let kind = match wrapper {
        Wrapper::Step => StepKind::Leaf(LeafStep {
            ty: leaf_type(&mut members, at)?,
            sub_type: members.field("sub_type")?,
            sub_type_version: members.field("sub_type_version")?,
            retry_policy: members.field("retry_policy")?,
        }),
        Wrapper::Subworkflow => StepKind::Subworkflow(Subworkflow {
            sync: members.field("sync")?,
            explicit_params: members.field("explicit_params")?,
        }),
        Wrapper::Foreach => StepKind::Foreach(Foreach {
            concurrency: members.field("concurrency")?,
            strict_ordering: members.field("strict_ordering")?,
            steps: members.field("steps")?,
        }),
        Wrapper::While => StepKind::While(While {
            condition: members.required("condition")?,
            steps: members.field("steps")?,
        }),
        Wrapper::Template => StepKind::Template(Template {
            sub_type: members.field("sub_type")?,
        }),
    };
    if wrapper != Wrapper::Step {
        // Clients send the type of a loop, too; it says nothing new (spec 01 ST-8).
        members.raw("type");
    }
    let transition: Option<Transition> = members.field("transition")?;
    let step = Step {
        id: members.required("id")?,
        name: members.field("name")?,
        description: members.field("description")?,
        transition: transition.unwrap_or_default(),
        failure_mode: members.field("failure_mode")?,
        tags: members.field("tags")?,
        timeout: members.field("timeout")?,
        signal_dependencies: members.field("signal_dependencies")?,
        signal_outputs: members.field("signal_outputs")?,
        params: members.field("params")?,
        kind,
    };
    members.close(wrapper.fields())?;
    exactly_one_body(step.params.as_ref(), &at.name("params"))?;
    Ok(step)
}

/// The type of a typed step; kinds with a wrapper of their own are refused (spec 01 ST-2).
fn leaf_type(members: &mut Members<'_>, at: &At<'_>) -> Result<LeafType, JsonError> {
    let json = members.raw("type");
    if let Some(own) = json
        .as_ref()
        .and_then(Json::as_str)
        .and_then(Wrapper::from_text)
        .filter(|w| *w != Wrapper::Step)
    {
        return Err(at
            .name("type")
            .fault(format!("`{own}` is no type of a typed step"))
            .hint(format!("write the step as `{{\"{own}\": {{...}}}}`")));
    }
    match json.filter(|json| *json != Json::Null) {
        Some(json) => LeafType::from_json(json, &at.name("type")),
        None => Err(JsonError {
            is_violation: true,
            ..at.name("type").fault("may not be null")
        }),
    }
}

impl ToJson for Step {
    fn write(&self, out: &mut Writer) {
        let wrapper = match &self.kind {
            StepKind::Leaf(_) => Wrapper::Step,
            StepKind::Subworkflow(_) => Wrapper::Subworkflow,
            StepKind::Foreach(_) => Wrapper::Foreach,
            StepKind::While(_) => Wrapper::While,
            StepKind::Template(_) => Wrapper::Template,
        };
        out.object(|outer| {
            outer.always(
                wrapper.as_str(),
                &Body {
                    step: self,
                    wrapper,
                },
            );
        });
    }
}

struct Body<'a> {
    step: &'a Step,
    wrapper: Wrapper,
}

impl ToJson for Body<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            self.wrapper
                .fields()
                .iter()
                .for_each(|field| self.step.put(field, members));
        });
    }
}

impl Step {
    /// Writes one field by its name.
    fn put(&self, field: &str, out: &mut ObjectWriter<'_>) {
        match field {
            "id" => out.always(field, &self.id),
            "name" => out.member(field, &self.name),
            "description" => out.member(field, &self.description),
            "transition" => out.always(field, &self.transition),
            "failure_mode" => out.member(field, &self.failure_mode),
            "tags" => out.member(field, &self.tags),
            "timeout" => out.member(field, &self.timeout),
            "signal_dependencies" => out.member(field, &self.signal_dependencies),
            "signal_outputs" => out.member(field, &self.signal_outputs),
            "params" => out.member(field, &self.params),
            _ => self.kind.put(field, out),
        }
    }
}

impl StepKind {
    fn put(&self, field: &str, out: &mut ObjectWriter<'_>) {
        match (self, field) {
            (StepKind::Leaf(leaf), "type") => out.always(field, &leaf.ty),
            (StepKind::Leaf(leaf), "sub_type") => out.member(field, &leaf.sub_type),
            (StepKind::Leaf(leaf), "sub_type_version") => out.member(field, &leaf.sub_type_version),
            (StepKind::Leaf(leaf), "retry_policy") => out.member(field, &leaf.retry_policy),
            (StepKind::Subworkflow(sub), "sync") => out.member(field, &sub.sync),
            (StepKind::Subworkflow(sub), "explicit_params") => {
                out.member(field, &sub.explicit_params);
            }
            (StepKind::Foreach(foreach), "concurrency") => out.member(field, &foreach.concurrency),
            (StepKind::Foreach(foreach), "strict_ordering") => {
                out.member(field, &foreach.strict_ordering);
            }
            (
                StepKind::Foreach(Foreach { steps, .. }) | StepKind::While(While { steps, .. }),
                "steps",
            ) => {
                out.always(field, steps);
            }
            (StepKind::While(while_), "condition") => out.always(field, &while_.condition),
            (StepKind::Template(template), "sub_type") => out.member(field, &template.sub_type),
            _ => debug_assert!(false, "`{field}` is in the table of another kind"),
        }
    }
}

impl FromJson for Transition {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let predecessors: Option<Vec<Str>> = members.field("predecessors")?;
        let predecessors = predecessors.unwrap_or_default();
        let mut seen = HashSet::new();
        if let Some(double) = predecessors.iter().find(|id| !seen.insert(*id)) {
            return Err(at
                .name("predecessors")
                .fault(format!("the step `{double}` is listed more than once")));
        }
        let successors = members.raw("successors").unwrap_or_default();
        members.close(&["predecessors", "successors"])?;
        Ok(Self {
            predecessors,
            successors: conditions(successors, &at.name("successors"))?,
        })
    }
}

fn conditions(json: Json, at: &At<'_>) -> Result<Map<Option<Str>>, JsonError> {
    if json == Json::Null {
        return Ok(Map::default());
    }
    let condition = |(id, json): (Box<str>, Json)| {
        let condition = Str::from_nullable(json, &at.name(&id))?;
        Ok((Str::from(id), condition))
    };
    Members::open(json, at)?
        .rest()
        .into_iter()
        .map(condition)
        .collect()
}

impl ToJson for Transition {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.filled("predecessors", &self.predecessors);
            members.filled("successors", &self.successors);
        });
    }
}
