//! Scenarios on the real core, and the views of their rows.

use std::sync::Arc;

use maestro_core::message::{Command, Reply, Start};
use maestro_core::plan::Timeout;
use maestro_core::view::{Aggregation, EndAnswer, InstanceView, RunSource, StartAnswer, StepView};
use maestro_model::codec::{read, to_text};
use maestro_model::definition::Properties;
use maestro_model::json::Json;
use maestro_model::run::Initiator;
use maestro_model::state::{ActionKind, Origin, RunPolicy, RunRow, StepRow, TimelineEvent};
use uuid::Uuid;

use crate::golden::PREFIX;
use crate::world::World;

pub(crate) const OWNER: &str = r#"{"owner":"ada"}"#;
pub(crate) const TESTER: &str = r#"{"owner":"tester"}"#;

/// A request to start.
#[derive(Default)]
pub(crate) struct Request<'a> {
    pub(crate) user: &'a str,
    pub(crate) uuid: Option<Uuid>,
    pub(crate) origin: Origin,
    pub(crate) request_time: Option<i64>,
    pub(crate) failed: Option<Vec<TimelineEvent>>,
}

/// A workflow, with `{p}` filled in.
pub(crate) fn world(workflow: &str, properties: &str) -> World {
    World::new(&workflow.replace("{p}", PREFIX), properties)
}

/// Starts an instance; the answer.
pub(crate) fn start(w: &mut World, request: Request<'_>) -> String {
    let uuid = request
        .uuid
        .unwrap_or_else(|| Uuid::from_u128(w.now.unsigned_abs().into()));
    let user = format!("\"{}\"", request.user);
    let run_params = request.origin.run_params.as_deref();
    let run_params = run_params.map_or_else(Default::default, |text| {
        read(text.as_bytes()).expect("run params")
    });
    let results = match request.failed {
        None => w.evaluate(&run_params, uuid).expect("params"),
        Some(_) => Arc::default(),
    };
    let start = Start {
        plan: Arc::clone(&w.plan),
        uuid,
        named: request.uuid.is_some(),
        policy: RunPolicy::StartFreshNewRun,
        request_time: request.request_time.unwrap_or(w.now),
        origin: Origin {
            user: Some(user.into()),
            ..request.origin
        },
        results,
        timeout: match w.plan.timeout {
            Timeout::Millis(ms) => Some(ms),
            _ => None,
        },
        instance_step_concurrency: w.plan.workflow.instance_step_concurrency,
        failed: request.failed,
    };
    w.command(Command::Start(Box::new(start)));
    let initiator = Initiator::Manual {
        depth: 0,
        user: Some(request.user.into()),
    };
    match w.replies.pop() {
        Some(Ok(Reply::Started {
            version,
            id,
            uuid,
            outcome,
        })) => to_text(&StartAnswer {
            workflow_id: &w.plan.workflow.id,
            version,
            id,
            uuid,
            outcome,
            initiator: &initiator,
            at: w.now,
        }),
        other => panic!("not started: {other:?}"),
    }
}

/// Starts an instance like a scenario that says nothing more.
pub(crate) fn plain(w: &mut World) -> String {
    start(
        w,
        Request {
            user: "tester",
            ..Request::default()
        },
    )
}

/// Stops or kills an instance; the answer, or the refusal.
pub(crate) fn end(w: &mut World, instance: i64, action: ActionKind) -> Result<String, String> {
    w.command(Command::End {
        instance,
        run: None,
        action,
        user: "tester".into(),
    });
    match w.replies.pop().expect("a reply") {
        Ok(Reply::Ended {
            id,
            status,
            completed,
            reason,
        }) => Ok(to_text(&EndAnswer {
            workflow_id: &w.plan.workflow.id,
            id,
            status,
            completed,
            reason: &reason,
            at: w.now,
        })),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal.to_string()),
    }
}

fn properties(w: &World, run: &RunRow) -> Properties {
    read(w.rows.properties[&run.body.properties].as_bytes()).expect("properties")
}

/// All attempts of a run, the way the store has them.
pub(crate) fn rows(w: &World, run: &RunRow) -> Vec<StepRow> {
    let of_run = w.rows.steps.iter().filter(|((key, ..), _)| *key == run.key);
    of_run
        .map(|((_, step, attempt), (state, params))| StepRow {
            step: *step,
            attempt: *attempt,
            state: state.clone(),
            params: params.as_deref().map(Into::into),
        })
        .collect()
}

/// The latest run of an instance.
pub(crate) fn instance(w: &World, id: i64, enriched: bool, aggregation: Aggregation) -> String {
    let run = w.run(id);
    let properties = properties(w, run);
    let source = RunSource {
        plan: &w.plan,
        run,
        properties: &properties,
    };
    let rows = rows(w, run);
    to_text(&InstanceView::new(source, &rows, enriched, aggregation).expect("sound rows"))
}

/// `GET .../runs/1?enriched=false&aggregated=true`.
pub(crate) fn aggregated(w: &World, id: i64) -> String {
    instance(w, id, false, Aggregation::Live)
}

/// A row as a step is shown.
pub(crate) fn shown(w: &World, id: i64, row: &StepRow, enriched: bool) -> String {
    let run = w.run(id);
    let properties = properties(w, run);
    let source = RunSource {
        plan: &w.plan,
        run,
        properties: &properties,
    };
    to_text(&StepView::new(source, row, enriched).expect("a sound row"))
}

/// An attempt of a step; 0 for the latest one.
pub(crate) fn step(w: &World, id: i64, step: &str, attempt: u32, enriched: bool) -> String {
    let ord = w.plan.index[step];
    let rows = rows(w, w.run(id));
    let row = rows
        .iter()
        .rev()
        .find(|row| row.step == ord && (attempt == 0 || row.attempt == attempt))
        .expect("an attempt");
    shown(w, id, row, enriched)
}

/// The value at a path of an answer.
pub(crate) fn at(answer: &str, path: &str) -> Option<Json> {
    let json = Json::parse(answer.as_bytes()).expect("JSON");
    crate::golden::pointer(&json, path).cloned()
}

/// The value at a path as text; `-` if there is none.
pub(crate) fn text_at(answer: &str, path: &str) -> String {
    at(answer, path).map_or("-".to_owned(), |json| json.to_text())
}
