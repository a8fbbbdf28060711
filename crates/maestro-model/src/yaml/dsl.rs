//! The workflow DSL as the JSON of a create request (spec 01 sections 12.2, 12.3, 12.5).

use super::node::Node;
use super::{Templates, YamlError, param, scalar, transition};
use crate::definition::StepType;
use crate::json::{Json, Object};

/// Converts a document.
///
/// # Errors
/// The first fault of the DSL.
pub(super) fn request(root: &Node, templates: Templates<'_>) -> Result<Json, YamlError> {
    let only = "the text must be a map with the one key `workflow`";
    let members = match &root.kind {
        super::node::Kind::Map(members) => &members[..],
        _ => return Err(root.fault(only)),
    };
    let [(key, workflow)] = members else {
        return Err(root.fault(only));
    };
    if !matches!(key.text(), Some("workflow" | "Workflow")) {
        return Err(key.fault(format!("{only}, found {}", key.shown())));
    }
    Dsl { templates }.workflow(workflow)
}

struct Dsl<'a> {
    templates: Templates<'a>,
}

/// The params of a map that is being read: open keys, and a key that replaces those before it.
#[derive(Default)]
struct Open<'a> {
    members: Vec<(&'a str, &'a Node)>,
    is_absent: bool,
}

impl<'a> Open<'a> {
    fn add(&mut self, key: &'a str, value: &'a Node) {
        self.is_absent = false;
        match self.members.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.members.push((key, value)),
        }
    }

    fn replace(&mut self, value: &'a Node, what: &str) -> Result<(), YamlError> {
        self.is_absent = scalar::is_null(value);
        self.members = if self.is_absent {
            Vec::new()
        } else {
            value.map(what)?
        };
        Ok(())
    }

    fn params(&self) -> Result<Option<Object>, YamlError> {
        if self.is_absent {
            Ok(None)
        } else {
            param::params(&self.members).map(Some)
        }
    }
}

/// A text field: as it is written, whatever its type (D-2).
fn text(object: &mut Object, field: &str, key: &str, node: &Node) -> Result<(), YamlError> {
    if !scalar::is_null(node) {
        let text = node
            .text()
            .ok_or_else(|| node.fault(format!("`{key}` must be a text, found {}", node.shown())))?;
        object.insert(field, Json::from(text));
    }
    Ok(())
}

/// A field of another type: the reader of the request converts it.
fn typed(object: &mut Object, field: &str, key: &str, node: &Node) -> Result<(), YamlError> {
    if !scalar::is_null(node) {
        if node.text().is_none() {
            return Err(node.fault(format!("`{key}` must be a scalar, found {}", node.shown())));
        }
        object.insert(field, scalar::to_json(node)?);
    }
    Ok(())
}

/// A list of tag names.
fn tags(object: &mut Object, node: &Node) -> Result<(), YamlError> {
    if scalar::is_null(node) {
        return Ok(());
    }
    let name = |tag: &Node| {
        tag.text()
            .map(Json::from)
            .ok_or_else(|| tag.fault(format!("a tag must be a text, found {}", tag.shown())))
    };
    let names = node
        .list("`tags`")?
        .iter()
        .map(name)
        .collect::<Result<_, _>>()?;
    object.insert("tags", Json::Array(names));
    Ok(())
}

impl<'a> Dsl<'a> {
    fn workflow(&self, node: &Node) -> Result<Json, YamlError> {
        let mut workflow = Object::new();
        let mut properties = Object::new();
        let mut strategy = Object::new();
        let mut open = Open::default();
        let (mut jobs, mut dag) = (None, None);
        for (key, value) in node.map("the workflow")? {
            match key {
                "id" | "name" | "description" | "timeout" | "criticality" => {
                    text(&mut workflow, key, key, value)?;
                }
                "owner" => text(&mut properties, "owner", key, value)?,
                "run_strategy" => text(&mut strategy, "rule", key, value)?,
                "workflow_concurrency" => typed(&mut strategy, "workflow_concurrency", key, value)?,
                "tags" => tags(&mut workflow, value)?,
                "jobs" => jobs = Some(value),
                "dag" => dag = Some(value),
                "workflow_params" => open.replace(value, "`workflow_params`")?,
                _ => open.add(key, value),
            }
        }
        if strategy.get("rule").is_none() {
            // Without a rule the concurrency has no meaning (12.2).
            strategy = Object::new();
            strategy.insert("rule", Json::from("SEQUENTIAL"));
        }
        properties.insert("run_strategy", Json::Object(strategy));
        properties.insert("step_concurrency", Json::from(20));
        if let Some(params) = open.params()? {
            workflow.insert("params", Json::Object(params));
        }
        if let Some(steps) = self.jobs(jobs, dag)? {
            workflow.insert("steps", steps);
        }
        let mut request = Object::new();
        request.insert("properties", Json::Object(properties));
        request.insert("workflow", Json::Object(workflow));
        request.insert("is_active", Json::Bool(true));
        Ok(Json::Object(request))
    }

    /// The steps of a list of jobs, with the transitions of a `dag` beside it.
    fn jobs(&self, jobs: Option<&Node>, dag: Option<&Node>) -> Result<Option<Json>, YamlError> {
        let Some(node) = jobs.filter(|jobs| !scalar::is_null(jobs)) else {
            return Ok(None);
        };
        let jobs = node
            .list("`jobs`")?
            .iter()
            .map(|job| self.job(job))
            .collect::<Result<Vec<_>, _>>()?;
        let dag = Dag::parse(dag.filter(|dag| !scalar::is_null(dag)), &jobs)?;
        let mut steps = Vec::with_capacity(jobs.len());
        for (at, mut job) in jobs.iter().cloned().enumerate() {
            let successors = match job.transition {
                Some(own) => transition::successors(own)?,
                None => dag.successors(at, &jobs)?,
            };
            if !successors.is_empty() {
                let mut transition = Object::new();
                transition.insert("successors", Json::Object(successors));
                job.body.insert("transition", Json::Object(transition));
            }
            let mut step = Object::new();
            step.insert(job.kind, Json::Object(job.body));
            steps.push(Json::Object(step));
        }
        Ok(Some(Json::Array(steps)))
    }

    fn job<'n>(&self, node: &'n Node) -> Result<Job<'n>, YamlError> {
        let members = node.map("a job")?;
        let &[(kind, body)] = members.as_slice() else {
            return Err(
                node.fault("a job is a map with one key: job, subworkflow, foreach or while")
            );
        };
        let kind = match kind.to_lowercase().as_str() {
            "job" => "step",
            "subworkflow" => "subworkflow",
            "foreach" => "foreach",
            "while" => "while",
            _ => {
                return Err(node.fault(format!(
                    "unknown kind of job `{kind}`; known: job, subworkflow, foreach, while"
                )));
            }
        };
        let mut job = Job {
            kind,
            body: Object::new(),
            transition: None,
            node: body,
        };
        let mut open = Open::default();
        let mut own = Own::default();
        for (key, value) in body.map("a job")? {
            match key {
                "id" | "name" | "description" | "failure_mode" | "timeout" => {
                    text(&mut job.body, key, key, value)?;
                }
                "tags" => tags(&mut job.body, value)?,
                "transition" if scalar::is_null(value) => {}
                "transition" => {
                    job.transition =
                        Some(value.list("`transition`")?).filter(|list| !list.is_empty());
                }
                "job_params" => open.replace(value, "`job_params`")?,
                _ if own.take(kind, key, value) => {}
                _ => open.add(key, value),
            }
        }
        let mut params = open.params()?;
        self.finish(&mut job, &own, &mut params)?;
        if let Some(params) = params {
            job.body.insert("params", Json::Object(params));
        }
        Ok(job)
    }

    /// The fields of a job's kind.
    fn finish(
        &self,
        job: &mut Job<'_>,
        own: &Own<'_>,
        params: &mut Option<Object>,
    ) -> Result<(), YamlError> {
        let body = &mut job.body;
        match job.kind {
            "step" => self.leaf(body, own, job.node),
            "subworkflow" => {
                let params = params.get_or_insert_default();
                let id = own
                    .get("workflow_id")
                    .and_then(Node::text)
                    .or_else(|| body.get("id").and_then(Json::as_str));
                if let Some(id) = id {
                    params.insert("subworkflow_id", string_param(id));
                }
                if let Some(version) = own.get("version").and_then(Node::text) {
                    params.insert("subworkflow_version", string_param(version));
                }
                own.typed(body, "sync")?;
                own.typed(body, "explicit_params")
            }
            "foreach" => {
                own.typed(body, "concurrency")?;
                let mut entries = own.loop_params()?.unwrap_or_default();
                for (name, range) in own
                    .get("ranges")
                    .map(|node| node.map("`ranges`"))
                    .transpose()?
                    .unwrap_or_default()
                {
                    entries.insert(name, ranged(range)?);
                }
                params
                    .get_or_insert_default()
                    .insert("loop_params", map_param(entries));
                self.loop_steps(body, own)
            }
            _ => {
                if let Some(condition) = own.get("condition") {
                    text(body, "condition", "condition", condition)?;
                }
                if let Some(entries) = own.loop_params()? {
                    params
                        .get_or_insert_default()
                        .insert("loop_params", map_param(entries));
                }
                self.loop_steps(body, own)
            }
        }
    }

    fn loop_steps(&self, body: &mut Object, own: &Own<'_>) -> Result<(), YamlError> {
        if let Some(steps) = self.jobs(own.get("jobs"), own.get("dag"))? {
            body.insert("steps", steps);
        }
        Ok(())
    }

    /// D-20: a step type, or else a job template.
    fn leaf(&self, body: &mut Object, own: &Own<'_>, node: &Node) -> Result<(), YamlError> {
        let given = own.get("type");
        let at = given.unwrap_or(node);
        let ty = given.and_then(Node::text).filter(|ty| !ty.is_empty());
        let ty =
            ty.ok_or_else(|| at.fault("a job needs a `type`: a step type or a job template"))?;
        if let Some(known) = StepType::from_text(ty) {
            body.insert("type", Json::from(known.as_str()));
            return Ok(());
        }
        let version = own
            .get("type_version")
            .and_then(Node::text)
            .unwrap_or("default");
        let Some(of_template) = (self.templates)(ty, version) else {
            return Err(at.fault(format!(
                "`{ty}` is no step type, and there is no job template [{ty}][{version}]"
            )));
        };
        body.insert("type", Json::from(of_template.as_str()));
        body.insert("sub_type", Json::from(ty));
        Ok(())
    }
}

/// A job with its transition still to be settled.
#[derive(Clone)]
struct Job<'n> {
    kind: &'static str,
    body: Object,
    transition: Option<&'n [Node]>,
    node: &'n Node,
}

impl Job<'_> {
    fn id(&self) -> Option<&str> {
        self.body.get("id").and_then(Json::as_str)
    }
}

/// The keys of a job's kind; of a key and its alias the last one counts.
#[derive(Default)]
struct Own<'n>(Vec<(&'static str, &'n Node)>);

impl<'n> Own<'n> {
    /// Takes a key if it belongs to the kind.
    fn take(&mut self, kind: &str, key: &str, value: &'n Node) -> bool {
        let name = match (kind, key) {
            ("step", "type") => "type",
            ("step", "type_version") => "type_version",
            ("subworkflow", "workflow_id" | "subworkflow_id") => "workflow_id",
            ("subworkflow", "version" | "subworkflow_version") => "version",
            ("subworkflow", "sync") => "sync",
            ("subworkflow", "explicit_params") => "explicit_params",
            ("foreach", "concurrency" | "job_concurrency") => "concurrency",
            ("foreach" | "while", "loop_params" | "params") => "loop_params",
            ("foreach", "ranges") => "ranges",
            ("while", "condition") => "condition",
            ("foreach" | "while", "jobs") => "jobs",
            ("foreach" | "while", "dag") => "dag",
            _ => return false,
        };
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value));
        true
    }

    /// A value that is not null.
    fn get(&self, name: &str) -> Option<&'n Node> {
        self.0
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, node)| *node)
            .filter(|node| !scalar::is_null(node))
    }

    fn typed(&self, body: &mut Object, name: &str) -> Result<(), YamlError> {
        self.get(name)
            .map_or(Ok(()), |node| typed(body, name, name, node))
    }

    fn loop_params(&self) -> Result<Option<Object>, YamlError> {
        self.get("loop_params")
            .map(|node| param::params(&node.map("`loop_params`")?))
            .transpose()
    }
}

fn string_param(value: &str) -> Json {
    let mut param = Object::new();
    param.insert("value", Json::from(value));
    param.insert("type", Json::from("STRING"));
    Json::Object(param)
}

fn map_param(entries: Object) -> Json {
    let mut param = Object::new();
    param.insert("value", Json::Object(entries));
    param.insert("type", Json::from("MAP"));
    Json::Object(param)
}

/// D-21: an expression for `{from?, to, increment?}`.
fn ranged(node: &Node) -> Result<Json, YamlError> {
    use crate::codec::{At, FromJson};
    let (mut from, mut to, mut increment) = (None, None, None);
    for (key, value) in node.map("a range")? {
        let slot = match key {
            "from" => &mut from,
            "to" => &mut to,
            "increment" => &mut increment,
            _ => {
                return Err(value.fault(format!(
                    "unknown key `{key}` of a range; known: from, to, increment"
                )));
            }
        };
        *slot = i64::from_nullable(scalar::to_json(value)?, &At::ROOT)
            .map_err(|fault| value.fault(fault.reason))?;
    }
    let to = to.ok_or_else(|| node.fault("a range needs `to`"))?;
    let mut param = Object::new();
    let text = format!(
        "Util.intsBetween({}, {to}, {});",
        from.unwrap_or(0),
        increment.unwrap_or(1)
    );
    param.insert("expression", Json::from(text.as_str()));
    param.insert("type", Json::from("LONG_ARRAY"));
    Ok(Json::Object(param))
}

/// The transitions beside a list of jobs (D-40 to D-43).
enum Dag<'n> {
    Parallel,
    Sequential,
    Map(Vec<(&'n str, &'n Node)>),
}

impl<'n> Dag<'n> {
    fn parse(dag: Option<&'n Node>, jobs: &[Job<'_>]) -> Result<Self, YamlError> {
        let Some(node) = dag else {
            return Ok(Self::Parallel);
        };
        let Some(members) = node.members()? else {
            return match scalar::of(node)? {
                Some(scalar::Scalar::Text(text)) if text.eq_ignore_ascii_case("sequential") => {
                    Ok(Self::Sequential)
                }
                Some(scalar::Scalar::Text(text)) if text.eq_ignore_ascii_case("parallel") => {
                    Ok(Self::Parallel)
                }
                _ => Err(node.fault(format!(
                    "`dag` must be sequential, parallel, or a map of transitions, found {}",
                    node.shown()
                ))),
            };
        };
        for (id, value) in &members {
            match jobs.iter().filter(|job| job.id() == Some(*id)).count() {
                1 => {}
                0 => {
                    return Err(value.fault(format!(
                        "`dag` names the job `{id}`, which is not among the jobs beside it"
                    )));
                }
                _ => return Err(value.fault(format!("the job id `{id}` is given more than once"))),
            }
        }
        Ok(Self::Map(members))
    }

    /// The successors of a job without own transition.
    fn successors(&self, at: usize, jobs: &[Job<'_>]) -> Result<Object, YamlError> {
        match self {
            Dag::Parallel => Ok(Object::new()),
            Dag::Sequential => {
                let mut successors = Object::new();
                if let Some(next) = jobs.get(at + 1).and_then(Job::id) {
                    successors.insert(next, Json::from("true"));
                }
                Ok(successors)
            }
            Dag::Map(members) => {
                let own = members
                    .iter()
                    .find(|(id, _)| jobs.get(at).and_then(Job::id) == Some(*id));
                match own
                    .map(|(_, node)| *node)
                    .filter(|node| !scalar::is_null(node))
                {
                    None => Ok(Object::new()),
                    // A plain text is a list of one (D-41).
                    Some(node) if node.text().is_some() => {
                        transition::successors(std::slice::from_ref(node))
                    }
                    Some(node) => transition::successors(node.list("the transitions of a job")?),
                }
            }
        }
    }
}
