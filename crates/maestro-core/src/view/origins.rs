//! Where values come from: the JSON of params with their origins.

use std::collections::BTreeMap;

use maestro_model::codec::to_text;
use maestro_model::json::{ObjectWriter, ToJson, Writer};
use maestro_model::param::{ParamBody, ParamDefinition, ParamMap, ParamMode, ParamSource};
use maestro_model::state::{StepOrd, StepRow};
use maestro_model::{Map, Str};

use super::{Damaged, RunSource, Written, stored};
use crate::params::{Explained, Facts, Layer, ParamError, origins, start_stage};

/// The params of a start or of a run, each with its value, its source and what it overrode.
#[derive(Debug)]
pub struct OriginsView<'a> {
    /// The workflow.
    pub workflow_id: &'a str,
    /// The version.
    pub version: i64,
    /// Instance and run, for those that were made.
    pub run: Option<(i64, i64)>,
    /// Params of the workflow.
    pub workflow: &'a Map<Explained>,
    /// Params of each step, or why they cannot be merged.
    pub steps: &'a Map<Result<Map<Explained>, ParamError>>,
}

impl ToJson for OriginsView<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.always("workflow_id", &self.workflow_id);
            o.always("workflow_version_id", &self.version);
            o.member(
                "workflow_instance_id",
                &self.run.map(|(instance, _)| instance),
            );
            o.member("workflow_run_id", &self.run.map(|(_, run)| run));
            o.always("workflow_params", &All(self.workflow));
            let steps = |out: &mut Writer| {
                out.object(|o| {
                    for (step, params) in self.steps {
                        if let Ok(params) = params {
                            o.always(step, &All(params));
                        }
                    }
                });
            };
            o.always("step_params", &Written(steps));
            let errors: Vec<Fault<'_>> = self.faults().collect();
            o.always("errors", &errors);
        });
    }
}

impl OriginsView<'_> {
    fn faults(&self) -> impl Iterator<Item = Fault<'_>> {
        fn of<'a>(
            step: Option<&'a Str>,
            params: &'a Map<Explained>,
        ) -> impl Iterator<Item = Fault<'a>> {
            params.iter().filter_map(move |(name, explained)| {
                Some(Fault {
                    step,
                    param: Some(name),
                    error: explained.error.as_ref()?,
                })
            })
        }
        let steps = self.steps.iter().flat_map(|(step, params)| {
            let unmerged = params.as_ref().err().map(|error| Fault {
                step: Some(step),
                param: None,
                error,
            });
            let merged = params.as_ref().ok().map(|params| of(Some(step), params));
            unmerged.into_iter().chain(merged.into_iter().flatten())
        });
        of(None, self.workflow).chain(steps)
    }
}

struct Fault<'a> {
    step: Option<&'a Str>,
    param: Option<&'a Str>,
    error: &'a ParamError,
}

impl ToJson for Fault<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            o.member("step", &self.step);
            o.member("param", &self.param);
            o.always("message", self.error.message.as_str());
            o.member("excerpt", &self.error.excerpt.as_deref());
        });
    }
}

/// The params of a run that was made, and of the latest attempts of its steps.
///
/// # Errors
/// A row is damaged.
pub fn run_origins(source: RunSource<'_>, steps: &[StepRow]) -> Result<RunOrigins, Damaged> {
    let run_params = match &source.run.body.origin.run_params {
        Some(text) => stored(text, "run_params", || source.workflow_id().to_owned())?,
        None => ParamMap::default(),
    };
    let facts = Facts::of_run(source.run, &source.plan.workflow, source.properties);
    let stage = start_stage(facts.initiator().as_deref(), facts.policy.is_fresh());
    let of = |step, params| origins(source.plan, &run_params, stage.source, step, params);
    let workflow = of(None, super::params::of_run(&source, &run_params)?);
    let mut latest: BTreeMap<StepOrd, &StepRow> = BTreeMap::new();
    for row in steps {
        let kept = latest.entry(row.step).or_insert(row);
        if kept.attempt < row.attempt {
            *kept = row;
        }
    }
    let steps = latest
        .into_iter()
        .map(|(ord, row)| {
            let params = super::params::of_step(&source, row)?;
            let id = source.plan.step(ord).id.clone();
            Ok((id, Ok(of(Some(ord), params))))
        })
        .collect::<Result<_, Damaged>>()?;
    Ok(RunOrigins { workflow, steps })
}

/// The params of a run with their origins.
#[derive(Debug)]
pub struct RunOrigins {
    /// Of the workflow.
    pub workflow: Map<Explained>,
    /// Of the latest attempt of each step.
    pub steps: Map<Result<Map<Explained>, ParamError>>,
}

struct All<'a>(&'a Map<Explained>);

impl ToJson for All<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            for (name, explained) in self.0 {
                o.always(name, &One(explained));
            }
        });
    }
}

struct One<'a>(&'a Explained);

impl ToJson for One<'_> {
    fn write(&self, out: &mut Writer) {
        let Explained {
            param,
            overridden,
            error,
        } = self.0;
        let definition = &param.definition;
        out.object(|o| {
            o.member("value", &param.result());
            o.always("type", definition.ty().as_str());
            let source = definition.meta.source().ok().flatten();
            o.member("source", &source.map(ParamSource::as_str));
            write_body(o, definition);
            if !overridden.is_empty() {
                let layers: Vec<Said<'_>> = overridden.iter().map(Said).collect();
                o.always("overrides", &layers);
            }
            o.member("error", &error.as_ref().map(|e| e.message.as_str()));
        });
    }
}

/// The mode and what was written: an expression, or a literal that is not what it comes to.
fn write_body(o: &mut ObjectWriter<'_>, definition: &ParamDefinition) {
    o.member("mode", &definition.mode.map(ParamMode::as_str));
    match &definition.body {
        ParamBody::Expression { text, .. } => o.always("expression", text),
        ParamBody::Literal { value, .. } if to_text(value).contains('$') => {
            o.always("literal", value);
        }
        _ => {}
    }
}

struct Said<'a>(&'a Layer);

impl ToJson for Said<'_> {
    fn write(&self, out: &mut Writer) {
        let Layer { source, definition } = self.0;
        out.object(|o| {
            o.always("source", source.as_str());
            o.member("mode", &definition.mode.map(ParamMode::as_str));
            match &definition.body {
                ParamBody::Expression { text, .. } => o.always("expression", text),
                ParamBody::Literal { value, .. } => o.always("value", value),
                ParamBody::Unset(_) => {}
            }
        });
    }
}
