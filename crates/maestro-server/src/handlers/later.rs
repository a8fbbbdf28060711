//! Actions whose engine part comes later: whatever can be told without it is told as it will be - that the target is not
//! there, or not in a state for it, or that there is nothing to do. The rest is 501.

use std::collections::BTreeSet;

use maestro_core::view::Page;
use maestro_model::codec::read;
use maestro_model::definition::{Step, StepKind};
use maestro_model::json::{ToJson, Writer};
use maestro_model::run::{RestartRequest, StepRestartRequest};
use maestro_model::state::{RunRow, StepStatus};
use maestro_model::validate;

use super::paging::{Asked, JsonText};
use crate::answer::{Answer, Fault};
use crate::call::{Call, Moment};

const RESTART: &str = "restarting";
const STEP_ACTION: &str = "actions on a single step";

/// E27.
pub(crate) fn restart(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let request: RestartRequest = call.json()?;
    validate::restart(&request, &call.engine().settings().limits)?;
    call.caller()?;
    let run = latest_run(call, moment)?;
    let status = run.head.status.public();
    if !status.is_terminal() {
        return Err(Fault::bad_request(format!(
            "cannot restart {}: its status is [{}], which is not terminal",
            name(call),
            status.as_str()
        )));
    }
    Err(Fault::Absent(RESTART))
}

/// E39.
pub(crate) fn step_restart(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let parsed = read::<StepRestartRequest>(&call.body);
    // A missing member is found in reading, but told as late as other violations (H-16).
    if parsed.as_ref().err().is_none_or(|fault| fault.is_violation) {
        call.query.flag("blocking", true)?;
    }
    let request = parsed?;
    validate::step_restart(&request, &call.engine().settings().limits)?;
    call.caller()?;
    let run = latest_run(call, moment)?;
    created_step(call, moment, run)?;
    Err(Fault::Absent(RESTART))
}

/// E42.
pub(crate) fn skip(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    call.query.flag("blocking", true)?;
    call.caller()?;
    let run = latest_run(call, moment)?;
    let status = created_step(call, moment, run)?;
    if matches!(
        status,
        StepStatus::Created | StepStatus::Disabled | StepStatus::Unsatisfied
    ) {
        return Err(not_now(call, "skip", status));
    }
    Err(Fault::Absent(STEP_ACTION))
}

/// E40, E41.
pub(crate) fn end_step(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let status = running_step(call, moment)?;
    if status.is_terminal() && !status.is_retryable() {
        return Err(not_now(call, "stop or kill", status));
    }
    Err(Fault::Absent(STEP_ACTION))
}

/// E43.
pub(crate) fn bypass(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let status = running_step(call, moment)?;
    if status != StepStatus::WaitingForSignals {
        return Err(not_now(call, "bypass the signals of", status));
    }
    Err(Fault::Absent(STEP_ACTION))
}

/// The status of a step of an instance that is not over (spec 04 section 12).
fn running_step(call: &Call, moment: &Moment<'_>) -> Result<StepStatus, Fault> {
    call.query.flag("blocking", true)?;
    call.caller()?;
    let row = latest_run(call, moment)?;
    let status = row.head.status.public();
    if status.is_terminal() {
        return Err(Fault::bad_request(format!(
            "cannot act on a step of {}: it has ended as [{}]",
            name(call),
            status.as_str()
        )));
    }
    match status_of_step(call, moment, row)? {
        Some(status) => Ok(status),
        None => Err(super::steps::missing(call, "latest", "latest")),
    }
}

/// The status of a step that has an attempt in some run.
fn created_step(call: &Call, moment: &Moment<'_>, run: RunRow) -> Result<StepStatus, Fault> {
    status_of_step(call, moment, run)?.ok_or_else(|| {
        Fault::bad_request(format!(
            "step [{}] of {} has not been created yet",
            call.text("s"),
            name(call)
        ))
    })
}

/// `None` for a step of the definition without an attempt; 400 for one that is not in the definition.
fn status_of_step(
    call: &Call,
    moment: &Moment<'_>,
    row: RunRow,
) -> Result<Option<StepStatus>, Fault> {
    let (step, key) = (call.text("s"), row.key);
    let unknown = || Fault::bad_request(format!("step [{step}] is not a step of {}", name(call)));
    let run = moment.load(row)?.ok_or_else(unknown)?;
    let ord = *run.plan.index.get(step).ok_or_else(unknown)?;
    let found = moment.snapshot.step(key, ord, None)?;
    Ok(found.map(|row| row.state.status))
}

fn latest_run(call: &Call, moment: &Moment<'_>) -> Result<RunRow, Fault> {
    let found = match moment.key(call.workflow())? {
        Some(key) => moment.snapshot.latest_run(key, call.number("i"))?,
        None => None,
    };
    found.ok_or_else(|| Fault::not_found(format!("no such workflow instance: {}", name(call))))
}

fn name(call: &Call) -> String {
    format!("[{}][{}]", call.workflow(), call.number("i"))
}

fn not_now(call: &Call, action: &str, status: StepStatus) -> Fault {
    Fault::bad_request(format!(
        "cannot {action} step [{}] of {}: its status is [{}]",
        call.text("s"),
        name(call),
        status.as_str()
    ))
}

/// E26: no instance of a loop can exist yet.
pub(crate) fn inline_path(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    latest_run(call, moment)?;
    Err(Fault::bad_request(format!(
        "{} is not an iteration of a foreach step",
        name(call)
    )))
}

/// E25: the root must exist; no path into a loop can be walked yet, and a root step alone is refused.
pub(crate) fn inline_workflow_id(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let path: Vec<maestro_model::run::NodeRef> = call.json()?;
    let Some(root) = path.first() else {
        return Err(Fault::bad_request("the path must not be empty"));
    };
    let (workflow, instance) = (&root.workflow_id, root.instance_id);
    let found = match moment.key(workflow)? {
        Some(key) => moment.snapshot.latest_run(key, instance)?,
        None => None,
    };
    let run = found.ok_or_else(|| {
        Fault::not_found(format!(
            "no such workflow instance: [{workflow}][{instance}]"
        ))
    })?;
    let run = moment.load(run)?;
    let step = path.last().and_then(|last| last.step_id.as_deref());
    let nesting = run
        .zip(step)
        .map_or(0, |(run, step)| depth(&run.plan.workflow.steps, step));
    if path.len() <= 1 || path.len() != nesting {
        return Err(Fault::bad_request(
            "the path does not lead to a step inside of a foreach step",
        ));
    }
    Err(Fault::Absent("inline workflows"))
}

/// How many foreach steps deep a step lies, itself counted; 0 if it is not there.
fn depth(steps: &[Step], id: &str) -> usize {
    for step in steps {
        if &*step.id == id {
            return 1;
        }
        if let StepKind::Foreach(inner) = &step.kind {
            let below = depth(&inner.steps, id);
            if below > 0 {
                return below + 1;
            }
        }
    }
    0
}

/// E46, E47: there are no breakpoints yet.
pub(crate) fn breakpoints(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let (workflow, _) = breakpoint_ids(call)?;
    moment.workflow(&workflow)?;
    Ok(Answer::json(&Empty))
}

/// E45: there are no breakpoints yet.
pub(crate) fn remove_breakpoint(call: &Call, _: &Moment<'_>) -> Result<Answer, Fault> {
    call.query.flag("resume", true)?;
    let (workflow, step) = breakpoint_ids(call)?;
    call.caller()?;
    Err(Fault::not_found(format!(
        "there is no breakpoint at step [{step}] of workflow [{workflow}]"
    )))
}

/// E48: no attempt can be paused yet.
pub(crate) fn resume(call: &Call, _: &Moment<'_>) -> Result<Answer, Fault> {
    let run = call.text("run");
    if !run.eq_ignore_ascii_case("latest") && crate::number::strict(run).is_none() {
        return Err(Fault::bad_request(format!(
            "[{run}] is neither `latest` nor the number of a run"
        )));
    }
    call.caller()?;
    Err(Fault::not_found(format!(
        "attempt [{}] of step [{}] of {}[{run}] is not paused",
        call.number("a"),
        call.text("s"),
        name(call)
    )))
}

/// E44.
pub(crate) fn set_breakpoint(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let request: maestro_model::run::BreakpointRequest = call.json()?;
    call.caller()?;
    let row = moment.workflow(&request.workflow_id)?;
    let version = row.active_version.unwrap_or(row.latest_version);
    let plan = moment.engine.plan(row.key, version, &*moment.snapshot)?;
    let mut ids = BTreeSet::new();
    if let Some(plan) = &plan {
        collect(&plan.workflow.steps, &mut ids);
    }
    if !ids.contains(&*request.step_id) {
        return Err(Fault::bad_request(format!(
            "workflow [{}] has no step [{}]",
            request.workflow_id, request.step_id
        )));
    }
    Err(Fault::Absent("breakpoints"))
}

fn collect<'s>(steps: &'s [Step], ids: &mut BTreeSet<&'s str>) {
    for step in steps {
        ids.insert(&step.id);
        match &step.kind {
            StepKind::Foreach(inner) => collect(&inner.steps, ids),
            StepKind::While(inner) => collect(&inner.steps, ids),
            _ => {}
        }
    }
}

fn breakpoint_ids(call: &Call) -> Result<(String, String), Fault> {
    let required = |name: &str| {
        call.query.text(name).ok_or_else(|| {
            Fault::problem(
                hyper::StatusCode::BAD_REQUEST,
                format!("the query parameter `{name}` is required"),
            )
        })
    };
    Ok((required("workflowId")?, required("stepId")?))
}

/// A list without elements.
struct Empty;

impl ToJson for Empty {
    fn write(&self, out: &mut Writer) {
        out.array(std::iter::empty::<bool>());
    }
}

/// E64: whether there is somebody to take the message. No step waits for one yet.
pub(crate) fn message(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    call.json::<maestro_model::json::Object>()?;
    let run = super::steps::run_of(call, moment)?;
    let is_live = run.is_some_and(|run| !run.row.head.status.is_terminal());
    Ok(Answer::json(&is_live))
}

/// E65: no step is in a loop yet.
pub(crate) fn iterations(call: &Call, _: &Moment<'_>) -> Result<Answer, Fault> {
    Asked::of_instances(call)?;
    for name in ["cursor", "loopParams"] {
        if let Some(text) = call.query.text(name)
            && !is_base64url(&text)
        {
            return Err(Fault::bad_request(format!("`{name}` is not base64url")));
        }
    }
    Ok(Answer::json(&Page::<JsonText>::new(None, None, Vec::new())))
}

/// E66.
pub(crate) fn iteration(call: &Call, _: &Moment<'_>) -> Result<Answer, Fault> {
    Err(Fault::not_found(format!(
        "no such iteration: {}[{}][{}][{}]",
        name(call),
        call.number("r"),
        call.text("s"),
        call.text("iterationId")
    )))
}

/// E67.
pub(crate) fn summary(call: &Call, _: &Moment<'_>) -> Result<Answer, Fault> {
    let with_counts = call.query.flag("statusCount", false)?;
    call.query.flag("representative", true)?;
    let values = call.query.number("valueCount")?.unwrap_or(5);
    Ok(Answer::json(&Summary {
        with_counts,
        with_values: values > 0,
    }))
}

/// What no iterations have in common.
struct Summary {
    with_counts: bool,
    with_values: bool,
}

impl ToJson for Summary {
    fn write(&self, out: &mut Writer) {
        let nothing = maestro_model::json::Json::Object(maestro_model::json::Object::new());
        out.object(|o| {
            if self.with_counts {
                o.always("count_by_status", &nothing);
            }
            if self.with_values {
                o.always("loop_param_values", &nothing);
            }
        });
    }
}

/// Letters, digits, `-` and `_`, with `=` only at the end to make the length a multiple of four.
fn is_base64url(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    padding <= 2
        && digits.len() % 4 != 1
        && (padding == 0 || text.len().is_multiple_of(4))
        && digits
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
