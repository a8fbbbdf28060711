//! Reads of instances and runs.

use maestro_core::view::{
    Aggregation, IdRange, InstanceView, OriginsView, Page, WorkflowActionMap, run_origins,
};
use maestro_engine::ViewForm;
use maestro_model::codec::to_text;
use maestro_model::state::{InstanceRef, RunRow, WorkflowKey};
use maestro_store::RunRange;

use super::paging::{Asked, JsonText};
use crate::answer::{Answer, Fault, JSON};
use crate::call::{Call, Moment};
use crate::number;

/// E20.
pub(crate) fn action_map(_: &Call) -> Result<Answer, Fault> {
    Ok(Answer::json(&WorkflowActionMap))
}

/// E21.
pub(crate) fn run(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let enriched = call.query.flag("enriched", true)?;
    let aggregation = if call.query.flag("aggregated", false)? {
        Aggregation::Live
    } else {
        Aggregation::None
    };
    let run = run_number(call.text("run"))?;
    one(call, moment, run, enriched, aggregation)
}

/// The params of a run and of its steps, with where they come from (ours).
pub(crate) fn params(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let (workflow, instance) = (call.workflow(), call.number("i"));
    let run = run_number(call.text("run"))?;
    let missing = || {
        Fault::not_found(format!(
            "no such workflow instance: [{workflow}][{instance}]"
        ))
    };
    let key = moment.key(workflow)?.ok_or_else(missing)?;
    let row = match run {
        Some(run) => moment.snapshot.run(key, InstanceRef { instance, run })?,
        None => moment.snapshot.latest_run(key, instance)?,
    };
    let run = moment.load(row.ok_or_else(missing)?)?.ok_or_else(missing)?;
    let steps = moment.snapshot.steps(run.row.key)?;
    let origins = run_origins(run.source(), &steps)?;
    Ok(Answer::json(&OriginsView {
        workflow_id: workflow,
        version: run.row.body.version,
        run: Some((run.row.id.instance, run.row.id.run)),
        workflow: &origins.workflow,
        steps: &origins.steps,
    }))
}

/// E22.
pub(crate) fn latest(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let enriched = call.query.flag("enriched", true)?;
    one(call, moment, None, enriched, Aggregation::Live)
}

/// `latest` and 0 are the latest run: `None`.
fn run_number(text: &str) -> Result<Option<i64>, Fault> {
    if text.eq_ignore_ascii_case("latest") {
        return Ok(None);
    }
    let number = number::strict(text).ok_or_else(|| {
        Fault::bad_request(format!(
            "[{text}] is neither `latest` nor the number of a run"
        ))
    })?;
    Ok(Some(number).filter(|number| *number != 0))
}

fn one(
    call: &Call,
    moment: &Moment<'_>,
    run: Option<i64>,
    enriched: bool,
    aggregation: Aggregation,
) -> Result<Answer, Fault> {
    let (workflow, instance) = (call.workflow(), call.number("i"));
    let missing = || {
        let run = run.map_or_else(|| "latest".to_owned(), |run| run.to_string());
        Fault::not_found(format!(
            "no such workflow instance: [{workflow}][{instance}][{run}]"
        ))
    };
    let key = moment.key(workflow)?.ok_or_else(missing)?;
    let row = match run {
        Some(run) => moment.snapshot.run(key, InstanceRef { instance, run })?,
        None => moment.snapshot.latest_run(key, instance)?,
    };
    let row = row.ok_or_else(missing)?;
    let form = ViewForm {
        enriched,
        aggregation,
    };
    let text = moment
        .engine
        .view_of_run(row, form, |row| text(moment, row, form))?;
    Ok(Answer::text(JSON, text.ok_or_else(missing)?))
}

/// The JSON of a run; `None` if what it ran is purged already.
fn text(moment: &Moment<'_>, row: RunRow, form: ViewForm) -> Result<Option<String>, Fault> {
    let Some(run) = moment.load(row)? else {
        return Ok(None);
    };
    let steps = moment.snapshot.steps(run.row.key)?;
    let view = InstanceView::new(run.source(), &steps, form.enriched, form.aggregation)?;
    Ok(Some(to_text(&view)))
}

/// E23.
pub(crate) fn runs(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let asked = Asked::of_instances(call)?;
    let instance = call.number("i");
    let snapshot = &*moment.snapshot;
    let list = match moment.key(call.workflow())? {
        Some(key) => List::new(key, snapshot.run_bounds(key, instance)?),
        None => None,
    };
    let rows = |key, range| Ok(snapshot.runs(key, instance, range)?);
    let id = |row: &RunRow| row.id.run;
    page(moment, &asked, list.as_ref(), Aggregation::Stored, rows, id)
}

/// E24.
pub(crate) fn instances(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let aggregation = if call.query.flag("aggregated", true)? {
        Aggregation::Live
    } else {
        Aggregation::Stored
    };
    let asked = Asked::of_instances(call)?;
    // Even where there is nothing (spec 05 RD-1).
    asked.request()?;
    let snapshot = &*moment.snapshot;
    let list = match moment.key(call.workflow())? {
        Some(key) => List::new(key, snapshot.instance_bounds(key)?),
        None => None,
    };
    let rows = |key, range| Ok(snapshot.instances(key, range)?);
    let id = |row: &RunRow| row.id.instance;
    page(moment, &asked, list.as_ref(), aggregation, rows, id)
}

/// What there is to page through.
struct List {
    workflow: WorkflowKey,
    all: IdRange,
}

impl List {
    fn new(workflow: WorkflowKey, bounds: Option<RunRange>) -> Option<Self> {
        let RunRange { low, high } = bounds?;
        let all = IdRange { low, high };
        Some(Self { workflow, all })
    }
}

fn page(
    moment: &Moment<'_>,
    asked: &Asked,
    list: Option<&List>,
    aggregation: Aggregation,
    rows: impl Fn(WorkflowKey, RunRange) -> Result<Vec<RunRow>, Fault>,
    id: impl Fn(&RunRow) -> i64,
) -> Result<Answer, Fault> {
    let Some(&List { workflow, all }) = list else {
        return Ok(Answer::json(&Page::<JsonText>::new(None, None, Vec::new())));
    };
    let form = ViewForm {
        enriched: false,
        aggregation,
    };
    let mut shown: Option<IdRange> = None;
    let mut elements = Vec::new();
    if let Some(IdRange { low, high }) = asked.request()?.ids(all) {
        for row in rows(workflow, RunRange { low, high })? {
            let id = id(&row);
            if let Some(text) = text(moment, row, form)? {
                elements.push(JsonText(text));
                let (low, high) = shown.map_or((id, id), |s| (s.low.min(id), s.high.max(id)));
                shown = Some(IdRange { low, high });
            }
        }
    }
    Ok(Answer::json(&Page::new(Some(all), shown, elements)))
}
