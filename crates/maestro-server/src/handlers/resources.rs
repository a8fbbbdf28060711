//! Job templates, tag permits, signals, outputs of jobs (spec 04 section 13).

use maestro_engine::{Announced, EngineError};
use maestro_model::codec::At;
use maestro_model::codec::FromJson;
use maestro_model::error::ErrorCode;
use maestro_model::json::Json;
use maestro_model::resource::{JobTemplateRequest, OutputData, SignalRequest, TagPermitRequest};
use maestro_model::{validate, yaml};

use crate::answer::{Answer, Fault, JSON};
use crate::call::{Call, Moment};
use crate::number;

/// The version that is meant when none is given.
const DEFAULT: &str = "default";

/// E49.
pub(crate) fn put_template(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    store_template(call, moment, call.json()?)
}

/// E50.
pub(crate) fn put_template_yaml(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let json = yaml::json(&call.body)?;
    if json == Json::Null {
        return Err(Fault::bad_request("the request body is missing"));
    }
    let request = JobTemplateRequest::from_json(json, &At::ROOT)?;
    store_template(call, moment, request)
}

fn store_template(
    call: &Call,
    moment: &Moment<'_>,
    request: JobTemplateRequest,
) -> Result<Answer, Fault> {
    let limits = &moment.engine.settings().limits;
    // What is wrong with the body is told before a missing caller (H-16).
    validate::job_template(&request.definition, limits)?;
    let user = call.caller()?.clone();
    Ok(Answer::json(
        &moment.engine.put_job_template(request, user)?,
    ))
}

/// E51.
pub(crate) fn template(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let (job_type, version) = (call.text("type"), version(call));
    let found = moment
        .engine
        .job_template(job_type, &version, &*moment.snapshot)?;
    let found = found.ok_or_else(|| {
        Fault::not_found(format!("no such job template: [{job_type}][{version}]"))
    })?;
    Ok(Answer::json(&found))
}

/// E53.
pub(crate) fn templates(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let found = moment
        .engine
        .job_templates(&version(call), &*moment.snapshot)?;
    Ok(Answer::json(&found[..]))
}

fn version(call: &Call) -> String {
    let given = call.query.text("version");
    given
        .filter(|version| !version.is_empty())
        .unwrap_or_else(|| DEFAULT.to_owned())
}

/// E52: the answer is a text, although its type is JSON (H-12).
pub(crate) fn remove_template(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let job_type = call.text("type");
    let version = call.query.text("version");
    let removed = moment
        .engine
        .remove_job_template(job_type, version.as_deref())?;
    let version = version.as_deref().unwrap_or("null");
    let text =
        format!("Removed [{removed}] job templates of type [{job_type}], version [{version}]");
    Ok(Answer::text(JSON, text))
}

/// E54.
pub(crate) fn put_permit(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let request: TagPermitRequest = call.json()?;
    moment.engine.put_tag_permit(request, call.caller()?)?;
    Ok(Answer::empty())
}

/// E55.
pub(crate) fn permit(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let tag = call.text("tag");
    let found = moment.engine.tag_permit(tag, &*moment.snapshot)?;
    let found = found.ok_or_else(|| Fault::not_found(format!("no such tag permit: [{tag}]")))?;
    Ok(Answer::json(&found))
}

/// E56.
pub(crate) fn remove_permit(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    moment.engine.remove_tag_permit(call.text("tag"))?;
    Ok(Answer::empty())
}

/// E57.
pub(crate) fn announce(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let request: SignalRequest = call.json()?;
    let name = request.name.clone();
    match moment.engine.announce_signal(request)? {
        Announced::New(instance) => Ok(Answer::json(&instance)),
        Announced::Duplicate(seq) => Err(Fault::details(
            ErrorCode::Conflict,
            format!("signal [{name}] was announced before, as number [{seq}]"),
        )),
    }
}

/// E58: nothing is an empty answer (H-13).
pub(crate) fn signal(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let (name, seq) = (call.text("signalName"), call.text("seq"));
    let number = if seq.eq_ignore_ascii_case("latest") {
        None
    } else {
        let number = number::strict(seq).ok_or_else(|| {
            Fault::bad_request(format!(
                "[{seq}] is neither `latest` nor the number of a signal"
            ))
        })?;
        // A negative number is the newest one.
        Some(number).filter(|number| *number >= 0)
    };
    Ok(
        match moment.engine.signal(name, number, &*moment.snapshot)? {
            Some(found) => Answer::json(&found),
            None => Answer::empty(),
        },
    )
}

/// E59.
pub(crate) fn output_data(call: &Call, moment: &Moment<'_>) -> Result<Answer, Fault> {
    let data: OutputData = call.json()?;
    moment.engine.put_output_data(data)?;
    Ok(Answer::empty())
}

/// Finds the step type of a job template, for the DSL.
pub(super) fn step_type(
    moment: &Moment<'_>,
    job_type: &str,
    version: &str,
) -> Result<Option<maestro_model::definition::StepType>, EngineError> {
    let found = moment
        .engine
        .job_template(job_type, version, &*moment.snapshot)?;
    Ok(found.map(|template| template.request.definition.step_type))
}
