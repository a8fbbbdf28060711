//! What a definition says when it is read with `enriched=true` (spec 01 section 10.6).

use maestro_model::Str;
use maestro_model::codec::to_text;
use maestro_model::definition::{Step, Workflow};
use maestro_model::json::{Json, ToJson, Writer};
use maestro_model::param::{ParamMap, ParamSource};
use maestro_model::schedule::Schedule;
use maestro_model::state::Millis;

use super::Written;
use crate::params::{FindTemplate, ParamError, Stage, merge, template_params};
use crate::plan::Plan;

/// Params as the system defaults, job templates and the definition make them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MergedParams {
    /// Of the workflow.
    pub workflow: ParamMap,
    /// Of each top-level step, by its id.
    pub steps: Vec<(Str, ParamMap)>,
}

impl MergedParams {
    /// Of a version.
    ///
    /// # Errors
    /// The definition may not say what it says.
    pub fn of(plan: &Plan, find: FindTemplate<'_>) -> Result<Self, ParamError> {
        let defaults = &plan.rules.defaults;
        let step = |step: &Step| {
            let of_system = Stage::fresh(ParamSource::SystemDefault);
            let mut layers = vec![(defaults.step.clone(), of_system)];
            let template = template_params(step, None, None, find);
            if let Some(template) = template.map_err(|e| e.in_step(&step.id))? {
                layers.push((template, Stage::fresh(ParamSource::TemplateSchema)));
            }
            if let Some(of_type) = defaults.of_type(step.ty()) {
                layers.push((of_type.clone(), of_system));
            }
            if let Some(own) = &step.params {
                layers.push((own.clone(), Stage::fresh(ParamSource::Definition)));
            }
            let merged = layers
                .iter()
                .try_fold(ParamMap::default(), |merged, (layer, stage)| {
                    merge(merged, layer, *stage)
                });
            Ok((step.id.clone(), merged.map_err(|e| e.in_step(&step.id))?))
        };
        let params = plan.params.as_ref().map_err(Clone::clone)?;
        Ok(Self {
            workflow: params.merged.clone(),
            steps: plan
                .workflow
                .steps
                .iter()
                .map(step)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The member `enriched_extras`; the times are those after `now`.
#[must_use]
pub fn enriched_extras(workflow: &Workflow, merged: Option<&MergedParams>, now: Millis) -> Json {
    let times: Option<Vec<Option<Millis>>> = workflow.time_triggers.as_ref().map(|triggers| {
        let next = |trigger| {
            let schedule = Schedule::of(trigger, &workflow.id).ok()?;
            schedule.next(now)
        };
        triggers.iter().map(next).collect()
    });
    let extras = Written(|out: &mut Writer| {
        out.object(|o| {
            if let Some(merged) = merged {
                o.always("workflow_params", &merged.workflow);
                o.always("step_params", &Steps(&merged.steps));
            }
            if let Some(times) = &times {
                o.member("next_execution_time", &times.iter().flatten().min());
                o.always("next_execution_times", &Times(times));
            }
        });
    });
    // What was just written can be read.
    Json::parse(to_text(&extras).as_bytes()).unwrap_or(Json::Null)
}

struct Steps<'a>(&'a [(Str, ParamMap)]);

impl ToJson for Steps<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| {
            for (id, params) in self.0 {
                o.always(id, params);
            }
        });
    }
}

struct Times<'a>(&'a [Option<Millis>]);

impl ToJson for Times<'_> {
    fn write(&self, out: &mut Writer) {
        out.array(self.0.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maestro_model::codec::read;

    fn extras(triggers: &str) -> Json {
        let text =
            format!(r#"{{"id":"w","steps":[{{"step":{{"id":"a","type":"NoOp"}}}}]{triggers}}}"#);
        let workflow: Workflow = read(text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        enriched_extras(&workflow, None, 1_000_000)
    }

    // [04:7]
    #[test]
    fn times_are_only_there_with_time_triggers() {
        assert_eq!(extras("").to_text(), "{}");
        assert_eq!(
            extras(r#","time_triggers":[]"#).to_text(),
            r#"{"next_execution_times":[]}"#
        );
        let two = r#","time_triggers":[{"type":"cron","cron":"0 0 1 1 ? 1999"},{"type":"cron","cron":"0 1 * * *"},
            {"type":"predefined","expression":"@hourly"}]"#;
        assert_eq!(
            extras(two).to_text(),
            r#"{"next_execution_time":3600000,"next_execution_times":[null,3600000,3600000]}"#
        );
    }
}
