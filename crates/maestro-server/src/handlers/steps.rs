//! Reads of step attempts.

use std::collections::HashSet;

use maestro_core::view::{StepActionMap, StepView};
use maestro_model::Str;
use maestro_model::codec::to_text;
use maestro_model::state::{InstanceRef, StepRow};

use super::paging::JsonText;
use crate::answer::{Answer, Fault};
use crate::call::{Call, Moment, Run};
use crate::number;

/// E34.
pub(crate) fn action_map(_: &Call) -> Result<Answer, Fault> {
    Ok(Answer::json(&StepActionMap))
}

/// E35: the newest attempt over all runs.
pub(crate) fn latest(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let enriched = call.query.flag("enriched", true)?;
    let step = call.text("s");
    for (run, rows) in over_runs(call, moment)? {
        let Some(ord) = run.plan.index.get(step) else {
            continue;
        };
        if let Some(row) = rows.iter().find(|row| row.step == *ord) {
            return Ok(Answer::json(&StepView::new(run.source(), row, enriched)?));
        }
    }
    Err(missing(call, "latest", "latest"))
}

/// E36.
pub(crate) fn attempt(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let enriched = call.query.flag("enriched", true)?;
    let wanted = call.text("a");
    let attempt = attempt_number(wanted)?;
    let missing = || missing(call, call.number("r"), wanted);
    // A number that no attempt can have is not found.
    let attempt = attempt.map(u32::try_from).transpose();
    let attempt = attempt.map_err(|_| missing())?;
    let run = run_of(call, moment)?.ok_or_else(missing)?;
    let ord = run.plan.index.get(call.text("s")).ok_or_else(missing)?;
    let row = moment.snapshot.step(run.row.key, *ord, attempt)?;
    let row = row.ok_or_else(missing)?;
    Ok(Answer::json(&StepView::new(run.source(), &row, enriched)?))
}

/// `latest` is `None`.
pub(super) fn attempt_number(text: &str) -> Result<Option<i64>, Fault> {
    if text.eq_ignore_ascii_case("latest") {
        return Ok(None);
    }
    let number = number::strict(text);
    number.map(Some).ok_or_else(|| {
        Fault::bad_request(format!(
            "[{text}] is neither `latest` nor the number of an attempt"
        ))
    })
}

/// The run in the path.
pub(super) fn run_of(call: &Call, moment: &Moment<'_>) -> Result<Option<Run>, Fault> {
    let id = InstanceRef {
        instance: call.number("i"),
        run: call.number("r"),
    };
    let Some(key) = moment.key(call.workflow())? else {
        return Ok(None);
    };
    let row = moment.snapshot.run(key, id)?;
    Ok(row.map(|row| moment.load(row)).transpose()?.flatten())
}

/// E37: every step, newest over runs.
pub(crate) fn of_instance(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let mut seen: HashSet<Str> = HashSet::new();
    let mut found = Vec::new();
    for (run, rows) in over_runs(call, moment)? {
        for row in &rows {
            let view = StepView::new(run.source(), row, false)?;
            // A step of an older version may have another number there, but has the same id.
            if seen.insert(run.plan.step(row.step).id.clone()) {
                found.push((row.state.seq, JsonText(to_text(&view))));
            }
        }
    }
    Ok(in_order(found))
}

/// E38: every step of a run.
pub(crate) fn of_run(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let missing = || {
        let (workflow, instance, run) = (call.workflow(), call.number("i"), call.number("r"));
        Fault::not_found(format!(
            "no steps of [{workflow}][{instance}][{run}]: there is no such run, or it has made none yet"
        ))
    };
    let run = run_of(call, moment)?.ok_or_else(missing)?;
    let rows = moment.snapshot.steps(run.row.key)?;
    if rows.is_empty() {
        return Err(missing());
    }
    let mut found = Vec::new();
    for row in &rows {
        let view = StepView::new(run.source(), row, false)?;
        found.push((row.state.seq, JsonText(to_text(&view))));
    }
    Ok(in_order(found))
}

/// The runs of an instance, newest first, each with the steps that no later run made again.
fn over_runs(call: &Call, moment: &Moment<'_>) -> Result<Vec<(Run, Vec<StepRow>)>, Fault> {
    let Some(key) = moment.key(call.workflow())? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for run in moment.snapshot.instance_steps(key, call.number("i"))? {
        if let Some(loaded) = moment.load(run.run)? {
            found.push((loaded, run.steps));
        }
    }
    Ok(found)
}

/// By `step_instance_id`.
fn in_order<N: Ord + Copy>(mut found: Vec<(N, JsonText)>) -> Answer {
    found.sort_by_key(|(seq, _)| *seq);
    let texts: Vec<JsonText> = found.into_iter().map(|(_, text)| text).collect();
    Answer::json(&texts[..])
}

pub(super) fn missing(
    call: &Call,
    run: impl std::fmt::Display,
    attempt: impl std::fmt::Display,
) -> Fault {
    Fault::not_found(format!(
        "no such step instance: [{}][{}][{run}][{}][{attempt}]",
        call.workflow(),
        call.number("i"),
        call.text("s"),
    ))
}
