//! The functions of `params` (spec 02 section 15).

use maestro_model::definition::Workflow;
use maestro_model::param::EvaluatedValue as V;
use maestro_model::run::Initiator;
use maestro_sel::{Environment, HostError, Value};

use super::facts::{Facts, Outside, StartedBy, StepFacts, Steps};
use super::scope::to_sel;

/// What a dry run answers for params of signals (spec 02 X-14).
const DRY_SIGNAL: i64 = 20_220_101;

/// What functions may look at.
pub(crate) struct Context<'a> {
    pub(crate) facts: Facts<'a>,
    pub(crate) environment: &'a str,
    pub(crate) outside: &'a dyn Outside,
    pub(crate) step: Option<StepFacts<'a>>,
}

/// Looks up a param of a finished step: `Ok(None)` if there is no such step.
pub(crate) type StepParam<'a> = &'a mut dyn FnMut(&str, &str) -> Result<V, String>;

impl Context<'_> {
    /// Carries a function out. All arguments are texts (spec 02 X-2).
    pub(crate) fn call(
        &self,
        name: &str,
        args: &[Value],
        steps: &dyn Steps,
        step_param: StepParam<'_>,
        environment: &mut dyn Environment,
    ) -> Result<Value, HostError> {
        let texts: Vec<&str> = args
            .iter()
            .map(|arg| match arg {
                Value::String(text) => Ok(text.as_str()),
                _ => Err(unsupported(name, args.len())),
            })
            .collect::<Result<_, _>>()?;
        let done = match (name, &*texts) {
            ("nextUniqueId", []) => {
                return Ok(Value::Long(unique_id(environment.random_bits())));
            }
            ("getExecutionEnvironment", []) => {
                return Ok(Value::String(self.environment.to_owned()));
            }
            ("getFromSignal", [param]) => self.trigger_param(param),
            ("getFromSignal", [signal, param]) => self.signal(signal, param),
            ("getFromSignalOrDefault", [signal, param, default]) => Ok(self
                .signal(signal, param)
                .unwrap_or_else(|_| V::String((*default).into()))),
            ("getFromSignalDependency", [index, param]) => match index.parse() {
                Ok(index) if self.step.is_some() => self.outside.dependency(index, param),
                _ => Err(format!(
                    "`{index}` is no number of a signal dependency of a step"
                )),
            },
            ("getFromForeach", [step, inner, param]) => self.outside.foreach(step, inner, param),
            ("getFromSubworkflow", [step, inner, param]) => {
                self.outside.subworkflow(step, inner, param)
            }
            ("getFromInstance", [field]) => self.instance_field(field),
            ("getFromStep", [field]) => self.step_field(field),
            ("getFromStep", [step, param]) => step_value(step, param, steps, step_param),
            _ => return Err(unsupported(name, args.len())),
        };
        match done {
            Ok(value) => Ok(to_sel(&value)),
            Err(reason) => {
                let args = texts.join("', '");
                Err(HostError::Failed(format!(
                    "params.{name}('{args}') failed: {reason}"
                )))
            }
        }
    }

    /// A param of the trigger that started the run (spec 02 X-5).
    fn trigger_param(&self, param: &str) -> Result<V, String> {
        if let StartedBy::DryRun(_) = self.facts.started_by {
            let known = triggers(self.facts.workflow)
                .any(|t| t.params.as_ref().is_some_and(|p| p.contains_key(param)));
            return dry(known, || format!("no signal trigger has a param `{param}`"));
        }
        let initiator = self.facts.initiator();
        let Some(Initiator::Signal { params, .. }) = initiator.as_deref() else {
            return Err("the run was not started by a signal".to_owned());
        };
        params
            .as_ref()
            .and_then(|params| params.get(param)?.result().cloned())
            .ok_or_else(|| format!("the signal trigger has no param `{param}`"))
    }

    pub(crate) fn signal(&self, signal: &str, param: &str) -> Result<V, String> {
        if let StartedBy::DryRun(_) = self.facts.started_by {
            let known = triggers(self.facts.workflow).any(|t| {
                t.definitions
                    .as_ref()
                    .is_some_and(|d| d.contains_key(signal))
            });
            return dry(known, || {
                format!("no signal trigger waits for signal [{signal}]")
            });
        }
        self.outside.signal(signal, param)
    }

    /// A field of the run (spec 02 X-11a).
    fn instance_field(&self, field: &str) -> Result<V, String> {
        let facts = &self.facts;
        let text = |text: &str| Ok(V::String(text.into()));
        let number = |number: Option<i64>| Ok(number.map_or_else(|| V::String("".into()), V::Long));
        let initiator = facts.initiator();
        match field {
            "INITIATOR_TIMEZONE" => match initiator.as_deref() {
                Some(Initiator::Time { timezone, .. }) => text(timezone),
                _ => text(""),
            },
            "INITIATOR_TYPE" => text(
                initiator
                    .as_deref()
                    .map_or("VALIDATION", Initiator::type_name),
            ),
            "INITIATOR_RUNNER_NAME" => match (facts.started_by, initiator.as_deref()) {
                (StartedBy::DryRun(user), _) => text(user.name()),
                (
                    _,
                    Some(Initiator::Manual {
                        user: Some(user), ..
                    }),
                ) => text(user.name()),
                _ => Err("the run was not started by a user".to_owned()),
            },
            "RUN_POLICY" => text(facts.policy.as_str()),
            "workflow_id" => text(&facts.workflow.id),
            "workflow_instance_id" => number(
                facts
                    .id
                    .filter(|_| self.step.is_some())
                    .map(|id| id.instance),
            ),
            "workflow_run_id" => number(facts.id.filter(|_| self.step.is_some()).map(|id| id.run)),
            "owner" if self.step.is_none() => text(facts.owner),
            "FIRST_TIME_TRIGGER_TIMEZONE" if self.step.is_none() => {
                let first = facts
                    .workflow
                    .time_triggers
                    .as_ref()
                    .and_then(|t| t.first());
                text(
                    first
                        .and_then(|trigger| trigger.timezone())
                        .map_or("", |zone| zone),
                )
            }
            _ => Err(format!("a run has no field `{field}` here")),
        }
    }

    /// A field of the attempt (spec 02 X-12a).
    fn step_field(&self, field: &str) -> Result<V, String> {
        let Some(step) = &self.step else {
            return Err("workflow params are evaluated outside of any step".to_owned());
        };
        Ok(match field {
            "step_id" => V::String(step.id.clone()),
            "step_instance_id" => V::Long(step.seq.into()),
            "step_instance_uuid" => V::String(step.uuid.to_string().into()),
            "step_attempt_id" => V::Long(step.attempt.into()),
            "step_type_info" => V::String(step.type_info.into()),
            "MAESTRO_STEP_ERROR_RETRIES" => V::Long(step.error_retries.into()),
            _ => return Err(format!("a step has no field `{field}`")),
        })
    }
}

fn triggers(
    workflow: &Workflow,
) -> impl Iterator<Item = &maestro_model::definition::SignalTrigger> {
    workflow.signal_triggers.iter().flatten()
}

fn dry(known: bool, otherwise: impl FnOnce() -> String) -> Result<V, String> {
    if known {
        Ok(V::Long(DRY_SIGNAL))
    } else {
        Err(otherwise())
    }
}

/// Status, end or a param of a finished step (spec 02 X-13a).
fn step_value(
    step: &str,
    param: &str,
    steps: &dyn Steps,
    step_param: StepParam<'_>,
) -> Result<V, String> {
    let finished = steps
        .finished(step)
        .ok_or_else(|| format!("step [{step}] has not finished"))?;
    match param {
        "MAESTRO_STEP_STATUS" => Ok(V::String(finished.status.as_str().into())),
        "MAESTRO_STEP_END_TIME" => finished
            .end
            .map(V::Long)
            .ok_or_else(|| format!("step [{step}] has no end time")),
        _ => step_param(step, param),
    }
}

/// A positive 63-bit number.
fn unique_id(bits: u64) -> i64 {
    (bits >> 1).cast_signed().max(1)
}

fn unsupported(name: &str, arguments: usize) -> HostError {
    HostError::Unsupported(format!(
        "there is no function `params.{name}` for {arguments} texts"
    ))
}
