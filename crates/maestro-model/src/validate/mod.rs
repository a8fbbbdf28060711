//! Whether a request is well formed: the rules of spec 01 section 8.2, each violation with its path.
//!
//! Rules that need params evaluated or job templates (the dry run) are not here.

mod dag;
mod ids;
mod jobs;
mod properties;
mod run;
mod step;
mod trigger;
mod workflow;

pub use dag::{cycle, predecessors};
pub use ids::{is_inline_workflow_id, name_fault, reference_fault, workflow_id_fault};
pub use properties::{PushFault, push_fault};
pub use run::{repeated_runtime_tag, restart, start, step_restart};

use crate::codec::{At, to_text};
use crate::definition::{PropertiesUpdate, RetryLimits, Tag, WorkflowCreateRequest};
use crate::resource::JobTemplateDefinition;
use std::fmt;

/// The sizes and ranges that requests must keep to (spec 01 section 13); all of them are settings (decision 11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest id, in UTF-16 units.
    pub id_length: usize,
    /// Longest name, in UTF-16 units.
    pub name_length: usize,
    /// Longest description, in UTF-16 units.
    pub description_length: usize,
    /// What separates step and param in a reference, so that no name may hold it.
    pub step_param_separator: String,
    /// Largest request, in bytes of our own compact JSON (decision 21).
    pub request_bytes: usize,
    /// Most steps of a workflow, nested ones included.
    pub steps: usize,
    /// Most runs at once.
    pub workflow_concurrency: i64,
    /// Most steps at once.
    pub step_concurrency: i64,
    /// Most leaf steps of a run at once.
    pub instance_step_concurrency: i64,
    /// Most iterations at once.
    pub foreach_concurrency: i64,
    /// Most signal names in a trigger.
    pub signal_names: usize,
    /// Least time between two starts by a time trigger, in milliseconds.
    pub trigger_spacing_ms: i64,
    /// Longest time-out, in days.
    pub timeout_days: i64,
    /// Ranges of retry policies.
    pub retry: RetryLimits,
    /// Most params of a start request.
    pub run_params: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            id_length: 128,
            name_length: 256,
            description_length: 16_384,
            step_param_separator: "__".to_owned(),
            request_bytes: 262_144,
            steps: 300,
            workflow_concurrency: 1000,
            step_concurrency: 1000,
            instance_step_concurrency: 999,
            foreach_concurrency: 500,
            signal_names: 8,
            trigger_spacing_ms: 120_000,
            timeout_days: 120,
            retry: RetryLimits::default(),
            run_params: 128,
        }
    }
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path in camel case with list indexes, such as `workflow.steps[0].id`; empty for the body itself.
    pub path: String,
    /// What is wrong, with the offending value and the limit.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.text)
    }
}

/// A request that breaks rules; holds at least one violation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", joined(.violations))]
pub struct Invalid {
    /// All broken rules.
    pub violations: Vec<Violation>,
}

fn joined(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Checks a push or a validation (spec 01 section 8.1, step 2). `now` is in epoch milliseconds; the spacing of time
/// triggers is looked at from there (spec 01 TT-3).
///
/// # Errors
/// All violations.
pub fn request(request: &WorkflowCreateRequest, limits: &Limits, now: i64) -> Result<(), Invalid> {
    let mut checker = Checker::new(limits);
    checker.size(to_text(request).len());
    if let Some(properties) = &request.properties {
        properties::check(&mut checker, properties, &At::ROOT.name("properties"));
    }
    workflow::check(
        &mut checker,
        &request.workflow,
        now,
        &At::ROOT.name("workflow"),
    );
    checker.into_result()
}

/// Checks a change of properties (spec 01 section 4.5).
///
/// # Errors
/// All violations.
pub fn properties_update(update: &PropertiesUpdate, limits: &Limits) -> Result<(), Invalid> {
    let mut checker = Checker::new(limits);
    properties::check(
        &mut checker,
        &update.properties,
        &At::ROOT.name("properties"),
    );
    checker.into_result()
}

/// Checks a tag for the tag endpoints (spec 01 section 4.5).
///
/// # Errors
/// The violation of the name.
pub fn tag(tag: &Tag, limits: &Limits) -> Result<(), Invalid> {
    let mut checker = Checker::new(limits);
    checker.found(&At::ROOT.name("name"), name_fault(&tag.name, limits));
    checker.into_result()
}

/// Checks a job template (spec 04 section 13.1).
///
/// # Errors
/// All violations.
pub fn job_template(definition: &JobTemplateDefinition, limits: &Limits) -> Result<(), Invalid> {
    let mut checker = Checker::new(limits);
    let at = At::ROOT.name("definition");
    for (name, id) in [
        ("jobType", &definition.job_type),
        ("version", &definition.version),
    ] {
        checker.found(&at.name(name), ids::reference_fault(id, limits));
    }
    checker.length(
        &at.name("description"),
        definition.description.as_deref(),
        limits.description_length,
    );
    checker.tags(&at.name("tags"), definition.tags.as_deref());
    step::params(&mut checker, definition.params.as_ref(), &at.name("params"));
    checker.into_result()
}

/// Checks the name of a signal that is announced (spec 04 section 13.3).
///
/// # Errors
/// The violation of the name.
pub fn signal_name(name: &str, limits: &Limits) -> Result<(), Invalid> {
    let mut checker = Checker::new(limits);
    checker.found(&At::ROOT.name("name"), name_fault(name, limits));
    checker.into_result()
}

/// Collects violations.
struct Checker<'a> {
    limits: &'a Limits,
    violations: Vec<Violation>,
}

impl<'a> Checker<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            violations: Vec::new(),
        }
    }

    fn add(&mut self, at: &At<'_>, text: impl Into<String>) {
        self.violations.push(Violation {
            path: at.to_string(),
            text: text.into(),
        });
    }

    /// Adds the outcome of a rule.
    fn found(&mut self, at: &At<'_>, fault: Option<String>) {
        if let Some(text) = fault {
            self.add(at, text);
        }
    }

    /// V-10; a body that is too large has no path.
    fn size(&mut self, bytes: usize) {
        let limit = self.limits.request_bytes;
        if bytes > limit {
            self.add(
                &At::ROOT,
                format!(
                    "the request has {bytes} bytes as compact JSON, the limit is {limit} bytes"
                ),
            );
        }
    }

    fn into_result(self) -> Result<(), Invalid> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(Invalid {
                violations: self.violations,
            })
        }
    }

    /// ID-4, ID-5: the length of free text.
    fn length(&mut self, at: &At<'_>, text: Option<&str>, limit: usize) {
        if text.is_some_and(|text| ids::utf16_len(text) > limit) {
            self.add(at, format!("size must be between 0 and {limit}"));
        }
    }

    /// TG-4, TG-5: names of tags; their uniqueness only where reading has not refused it.
    fn tags(&mut self, at: &At<'_>, tags: Option<&[Tag]>) {
        let tags = tags.unwrap_or_default();
        for (index, tag) in tags.iter().enumerate() {
            let element = at.index(index);
            self.found(&element.name("name"), name_fault(&tag.name, self.limits));
        }
        if let Some(name) = crate::definition::repeated_name(tags) {
            self.add(
                at,
                format!("[tag list definition] the tag name [{name}] is given more than once"),
            );
        }
    }
}
