//! Definitions: pushing, checking, reading, deleting.

use std::cell::RefCell;

use maestro_core::view::{
    DefinitionText, HistoryEntry, HistoryView, IdRange, OverviewView, Page, RunCounts, definition,
    deleted_event, enriched_extras, properties_snapshot,
};
use maestro_engine::{EngineError, VersionSelector};
use maestro_model::codec::to_text;
use maestro_model::definition::{User, WorkflowCreateRequest};
use maestro_model::error::ErrorCode;
use maestro_model::json::{Json, ToJson, Writer};
use maestro_model::run::{TimelineEvent, TimelineEventKind};
use maestro_model::state::{PropertiesRow, VersionRow, WorkflowRow};
use maestro_model::{validate, yaml};
use maestro_store::{HistoryLine, RunRange};

use super::paging::{Asked, JsonText};
use super::resources;
use crate::answer::{Answer, Fault};
use crate::call::{Call, Moment};
use crate::dispatch;
use crate::number;
use crate::route::Acting;

/// E1.
pub(crate) fn push(call: Call) -> Acting {
    Box::pin(async move {
        let request = call.json()?;
        push_request(&call, request).await
    })
}

/// E2.
pub(crate) fn push_yaml(call: Call) -> Acting {
    Box::pin(async move {
        let body = call.body.clone();
        let request = dispatch::read(&call.state, move |moment| from_yaml(&body, moment));
        push_request(&call, request.await?).await
    })
}

async fn push_request(call: &Call, request: WorkflowCreateRequest) -> Result<Answer, Fault> {
    let user = checked_caller(call, &request)?;
    let pushed = call.engine().push(request, user.clone()).await?;
    // Its commit came before the answer, so that it can be read.
    let read = dispatch::read(&call.state, move |moment| {
        let version = version_row(moment, &pushed.row, pushed.version)?;
        let properties = properties_row(moment, &pushed.row)?;
        Ok(Answer::json(&Pushed(DefinitionText {
            workflow: &pushed.row,
            version: &version,
            properties: &properties,
            extras: None,
        })))
    });
    read.await
}

struct Pushed<'a>(DefinitionText<'a>);

impl ToJson for Pushed<'_> {
    fn write(&self, out: &mut Writer) {
        out.object(|o| o.always("workflow_definition", &self.0));
    }
}

/// The caller; what is wrong with the body is told first (H-16).
fn checked_caller<'a>(call: &'a Call, request: &WorkflowCreateRequest) -> Result<&'a User, Fault> {
    if call.user.is_none() {
        let engine = call.engine();
        validate::request(request, &engine.settings().limits, engine.now())?;
    }
    call.caller()
}

/// Reads the DSL; job templates are looked up in the store (spec 01 D-20).
fn from_yaml(body: &[u8], moment: &Moment<'_>) -> Result<WorkflowCreateRequest, Fault> {
    let failed = RefCell::new(None);
    let templates = |job_type: &str, version: &str| {
        resources::step_type(moment, job_type, version).unwrap_or_else(|error| {
            failed.replace(Some(error));
            None
        })
    };
    let read = yaml::workflow(body, &templates);
    match failed.take() {
        Some(error) => Err(error.into()),
        None => Ok(read?),
    }
}

/// E13.
pub(crate) fn validate_json(call: &Call) -> Result<Answer, Fault> {
    validate_request(call, &call.json()?)
}

/// E14.
pub(crate) fn validate_yaml(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    validate_request(call, &from_yaml(&call.body, moment)?)
}

fn validate_request(call: &Call, request: &WorkflowCreateRequest) -> Result<Answer, Fault> {
    let user = checked_caller(call, request)?;
    let engine = call.engine();
    engine.check(request, user)?;
    let id = &request.workflow.id;
    Ok(Answer::json(&TimelineEvent {
        timestamp: engine.now(),
        kind: TimelineEventKind::Action {
            action: "VALIDATE".into(),
            author: Some(user.clone()),
            message: Some(format!("The definition of workflow [{id}] is valid").into()),
            reason: None,
            info: None,
        },
    }))
}

/// E6.
pub(crate) fn delete(call: Call) -> Acting {
    Box::pin(async move {
        let user = call.caller()?;
        let workflow = call.workflow();
        if validate::is_inline_workflow_id(workflow) {
            return Err(Fault::details(
                ErrorCode::UnprocessableEntity,
                format!(
                    "cannot delete [{workflow}]: it belongs to a loop; delete the workflow of the loop"
                ),
            ));
        }
        let engine = call.engine();
        engine.delete(workflow, user).await?;
        Ok(Answer::json(&deleted_event(user, engine.now())))
    })
}

/// E7.
pub(crate) fn version(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let enriched = call.query.flag("enriched", false)?;
    let row = moment.workflow(call.workflow())?;
    let version = select(call.text("version"), &row)?;
    let version = version_row(moment, &row, version)?;
    let properties = properties_row(moment, &row)?;
    let extras = if enriched {
        Some(extras(moment, &row, version.version)?)
    } else {
        None
    };
    Ok(Answer::json(&DefinitionText {
        workflow: &row,
        version: &version,
        properties: &properties,
        extras: extras.as_ref(),
    }))
}

/// `enriched_extras` of a version.
fn extras(moment: &Moment<'_>, row: &WorkflowRow, version: i64) -> Result<Json, Fault> {
    let (engine, snapshot) = (moment.engine, &*moment.snapshot);
    let plan = engine.plan(row.key, version, snapshot)?;
    let plan = plan.ok_or_else(|| no_version(row, version))?;
    let merged = engine.merged_params(&plan, snapshot)?;
    Ok(enriched_extras(&plan.workflow, Some(&merged), engine.now()))
}

/// The version that a selector names (spec 04 section 4.2).
fn select(text: &str, row: &WorkflowRow) -> Result<i64, Fault> {
    let id = &row.id;
    let selector = VersionSelector::parse(text).ok_or_else(|| invalid_version(text, id))?;
    selector.resolve(row).ok_or_else(|| {
        Fault::not_found(format!("Cannot find an active version for workflow [{id}]"))
    })
}

/// A selector that is none.
pub(super) fn invalid_version(text: &str, workflow: &str) -> Fault {
    EngineError::InvalidVersion {
        workflow: workflow.into(),
        version: text.into(),
    }
    .into()
}

fn version_row(moment: &Moment<'_>, row: &WorkflowRow, version: i64) -> Result<VersionRow, Fault> {
    let found = moment.snapshot.version(row.key, version)?;
    found.ok_or_else(|| no_version(row, version))
}

fn no_version(row: &WorkflowRow, version: i64) -> Fault {
    let id = &row.id;
    Fault::not_found(format!(
        "Cannot find version [{version}] of workflow [{id}]"
    ))
}

fn properties_row(moment: &Moment<'_>, row: &WorkflowRow) -> Result<PropertiesRow, Fault> {
    let found = moment.snapshot.properties(row.key, None)?;
    found.ok_or_else(|| {
        Fault::not_found(format!(
            "Cannot find a properties snapshot of workflow [{}]",
            row.id
        ))
    })
}

/// E8.
pub(crate) fn properties(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let row = moment.workflow(call.workflow())?;
    let wanted = call.text("snapshotId");
    let found = if wanted.eq_ignore_ascii_case("latest") {
        properties_row(moment, &row)?
    } else {
        let time = number::strict(wanted).ok_or_else(|| {
            Fault::bad_request(format!(
                "[{wanted}] is neither `latest` nor the time of a snapshot"
            ))
        })?;
        let found = moment.snapshot.properties(row.key, Some(time))?;
        found.ok_or_else(|| {
            Fault::not_found(format!(
                "Cannot find snapshot [{time}] of workflow [{}]",
                row.id
            ))
        })?
    };
    Ok(Answer::json(&properties_snapshot(&row.id, &found)?))
}

/// E9.
pub(crate) fn overview(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let row = moment.workflow(call.workflow())?;
    Ok(Answer::json(&overview_of(moment, &row)?))
}

pub(super) fn overview_of<'r>(
    moment: &Moment<'_>,
    row: &'r WorkflowRow,
) -> Result<OverviewView<'r>, Fault> {
    let counts = moment.snapshot.counts(row.key)?;
    let counts = RunCounts {
        created: counts.created,
        in_progress: counts.in_progress,
        failed: counts.failed,
    };
    let properties = properties_row(moment, row)?;
    Ok(OverviewView::new(row, &properties, counts)?)
}

/// E10.
pub(crate) fn timeline(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let snapshot = &*moment.snapshot;
    let lines = match snapshot.workflow(call.workflow())? {
        Some(row) => snapshot.history(row.key, HistoryView::MAX)?,
        None => Vec::new(),
    };
    let entries: Vec<HistoryEntry<'_>> = lines
        .iter()
        .map(|HistoryLine { at, author, log }| HistoryEntry {
            author,
            log,
            at: *at,
        })
        .collect();
    Ok(Answer::json(&HistoryView {
        workflow_id: call.workflow(),
        entries: &entries,
    }))
}

/// E11.
pub(crate) fn versions(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let asked = Asked::of_versions(call)?;
    let snapshot = &*moment.snapshot;
    let Some(row) = snapshot.workflow(call.workflow())? else {
        return Ok(Answer::json(&Page::<JsonText>::new(None, None, Vec::new())));
    };
    let all = IdRange {
        low: 1,
        high: row.latest_version,
    };
    let shown = asked.request()?.versions(row.latest_version);
    let mut elements = Vec::new();
    if let Some(IdRange { low, high }) = shown {
        let limit = u32::try_from(high - low + 1).unwrap_or(u32::MAX);
        let properties = properties_row(moment, &row)?;
        for version in snapshot.versions(row.key, RunRange { low, high }, limit)? {
            match definition(&row, &version, &properties) {
                Ok(whole) => elements.push(JsonText(to_text(&whole))),
                // Such versions are left out (spec 04 section 7.5).
                Err(error) => tracing::warn!(%error, "a version is not shown"),
            }
        }
    }
    Ok(Answer::json(&Page::new(Some(all), shown, elements)))
}
