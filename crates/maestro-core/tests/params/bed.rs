//! Definitions in, evaluated params out.

use std::sync::Arc;

use maestro_core::Results;
use maestro_core::params::{
    DefaultOverrides, Defaults, Facts, FindTemplate, Finished, Moment, Nothing, Outside,
    ParamError, ParamErrorKind, Rules, RunParams, Stage, StartedBy, StepFacts, StepInput, Steps,
    dry_run, evaluate_start, evaluate_step, merge, run_set, start_stage,
};
use maestro_core::plan::Plan;
use maestro_model::Str;
use maestro_model::codec::{read, to_text};
use maestro_model::json::Json;
use maestro_model::param::{EvaluatedValue, ParamMap, ParamSource, Params};
use maestro_model::run::Initiator;
use maestro_model::state::{InstanceRef, RunPolicy, StepStatus};
use uuid::Uuid;

pub(crate) const NOW: i64 = 1_640_998_800_000; // 2022-01-01T01:00:00Z

/// A workflow that is being tried.
pub(crate) struct Bed {
    pub(crate) plan: Arc<Plan>,
    pub(crate) initiator: Initiator,
    pub(crate) run: Arc<Results>,
    steps: Vec<(Str, StepStatus, bool, Results)>,
}

pub(crate) fn params(text: &str) -> ParamMap {
    read(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

impl Bed {
    /// Of workflow params and steps (`id` or `id:type` or `id:type:sub type`, and params).
    pub(crate) fn new(workflow_params: &str, steps: &[(&str, &str)]) -> Self {
        Self::with_rules(workflow_params, steps, Rules::default())
    }

    pub(crate) fn with_rules(workflow_params: &str, steps: &[(&str, &str)], rules: Rules) -> Self {
        let steps: Vec<String> = steps
            .iter()
            .map(|(id, params)| {
                let mut id_and_type = id.split(':');
                let id = id_and_type.next().unwrap();
                let ty = id_and_type.next().unwrap_or("NoOp");
                let sub_type = id_and_type
                    .next()
                    .map(|ty| format!(r#","sub_type":"{ty}""#))
                    .unwrap_or_default();
                format!(r#"{{"step":{{"id":"{id}","type":"{ty}"{sub_type},"params":{params}}}}}"#)
            })
            .collect();
        let text = format!(
            r#"{{"id":"wf","params":{workflow_params},"steps":[{}]}}"#,
            steps.join(",")
        );
        Self::of(&text, rules)
    }

    /// Of a whole definition.
    pub(crate) fn of(text: &str, rules: Rules) -> Self {
        let workflow = read(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        let plan = Plan::compile(Arc::new(workflow), 1, Arc::new(rules)).unwrap();
        Self {
            run: plan.no_results(),
            plan: Arc::new(plan),
            initiator: Initiator::manual("ana".into()),
            steps: Vec::new(),
        }
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            workflow: &self.plan.workflow,
            id: Some(InstanceRef {
                instance: 7,
                run: 2,
            }),
            policy: RunPolicy::StartFreshNewRun,
            started_by: StartedBy::Initiator(&self.initiator),
            owner: "ada",
            created: NOW,
            uuid: Uuid::from_u128(5),
        }
    }

    /// Starts it; its params.
    pub(crate) fn start(&mut self, run_params: &str) -> Result<Params, ParamError> {
        self.start_with(run_params, &Nothing)
    }

    pub(crate) fn start_with(
        &mut self,
        run_params: &str,
        outside: &dyn Outside,
    ) -> Result<Params, ParamError> {
        let given = params(run_params);
        let facts = Facts {
            id: None,
            ..self.facts()
        };
        let mut moment = Moment::new(NOW, &Uuid::from_u128(5));
        let results = evaluate_start(&self.plan, &given, facts, outside, &mut moment)?;
        // What is stored must be enough.
        let results = Results::from_json(&results.to_json()).unwrap();
        let stage = start_stage(Some(&self.initiator), true);
        let all = {
            let set = run_set(&self.plan, &given, stage)?;
            RunParams::with_set(&self.plan, &set, &results, self.facts()).all()
        };
        // And so must the plan's own set be, for single values.
        let single = RunParams::new(&self.plan, &results, self.facts());
        for (name, param) in &all {
            assert_eq!(single.get(name).as_ref(), param.result(), "{name}");
        }
        self.run = Arc::new(results);
        Ok(all)
    }

    pub(crate) fn finish(&mut self, step: &str, status: StepStatus) {
        let results = match status {
            StepStatus::Succeeded => self.evaluate(step, &Nothing).expect("step params"),
            _ => Results::default(),
        };
        let evaluated = status == StepStatus::Succeeded;
        self.steps.push((step.into(), status, evaluated, results));
    }

    fn evaluate(&self, step: &str, outside: &dyn Outside) -> Result<Results, ParamError> {
        self.with_input(step, outside, |input| {
            evaluate_step(input, &mut Moment::new(NOW, &input.step.uuid))
        })
    }

    pub(crate) fn with_input<T>(
        &self,
        step: &str,
        outside: &dyn Outside,
        act: impl FnOnce(StepInput<'_>) -> Result<T, ParamError>,
    ) -> Result<T, ParamError> {
        let ord = self.plan.index[step];
        let plan_step = self.plan.step(ord);
        let set = plan_step.params.as_ref().map_err(Clone::clone)?;
        act(StepInput {
            plan: &self.plan,
            set,
            run: RunParams::new(&self.plan, &self.run, self.facts()),
            step: StepFacts {
                id: &plan_step.id,
                uuid: Uuid::from_u128(99),
                attempt: 3,
                seq: 12,
                type_info: plan_step.type_info(),
                error_retries: 2,
                now: NOW,
            },
            steps: self,
            outside,
        })
    }

    /// Evaluates the params of a step; their results.
    pub(crate) fn step(&self, step: &str) -> Result<Values, ParamError> {
        self.step_with(step, &Nothing)
    }

    pub(crate) fn step_with(
        &self,
        step: &str,
        outside: &dyn Outside,
    ) -> Result<Values, ParamError> {
        self.with_input(step, outside, |input| {
            let results = evaluate_step(input, &mut Moment::new(NOW, &input.step.uuid))?;
            Ok(Values(
                input
                    .all(&results)
                    .into_iter()
                    .map(|(n, p)| (n, p.result().cloned()))
                    .collect(),
            ))
        })
    }

    pub(crate) fn dry_run(&self) -> Result<(), ParamError> {
        self.dry_run_with(&|_, _| None)
    }

    pub(crate) fn dry_run_with(&self, find: FindTemplate<'_>) -> Result<(), ParamError> {
        dry_run(&self.plan, &"ana".into(), NOW, Uuid::from_u128(1), find)
    }
}

/// Results by name.
#[derive(Debug)]
pub(crate) struct Values(pub(crate) maestro_model::Map<Option<EvaluatedValue>>);

impl Values {
    pub(crate) fn json(&self, name: &str) -> String {
        let value = self.0.get(name).and_then(Option::as_ref);
        value.map_or_else(|| "nothing".to_owned(), to_text)
    }
}

impl Steps for Bed {
    fn finished(&self, step: &str) -> Option<Finished<'_>> {
        let (_, status, evaluated, results) = self.steps.iter().find(|(id, ..)| **id == *step)?;
        Some(Finished {
            step: self.plan.index[step],
            attempt: 1,
            status: *status,
            end: Some(NOW + 5),
            evaluated: *evaluated,
            results,
        })
    }
}

/// The evaluated result of a param as JSON.
pub(crate) fn result(params: &Params, name: &str) -> String {
    params[name]
        .result()
        .map_or_else(|| "nothing".to_owned(), to_text)
}

/// A param as JSON.
pub(crate) fn shown(params: &Params, name: &str) -> String {
    to_text(&params[name])
}

/// Evaluates one workflow param; its result or the kind of its error.
pub(crate) fn one(param: &str) -> Result<String, ParamErrorKind> {
    let mut bed = Bed::new(&format!(r#"{{"it":{param}}}"#), &[]);
    bed.start("{}")
        .map(|p| result(&p, "it"))
        .map_err(|e| e.kind)
}

pub(crate) fn expression(ty: &str, text: &str) -> String {
    format!(
        r#"{{"type":"{ty}","expression":{}}}"#,
        to_text(&Json::from(text))
    )
}

pub(crate) fn stage(source: ParamSource, upstream: bool, restart: bool) -> Stage {
    Stage {
        source,
        upstream,
        restart,
    }
}

pub(crate) fn merged(base: &str, incoming: &str, stage: Stage) -> Result<ParamMap, ParamError> {
    let system = Stage::fresh(ParamSource::SystemDefault);
    let base = merge(ParamMap::default(), &params(base), system)?;
    merge(base, &params(incoming), stage)
}

pub(crate) fn rules(overrides: &DefaultOverrides) -> Rules {
    Rules::new(Defaults::new(overrides).unwrap())
}
