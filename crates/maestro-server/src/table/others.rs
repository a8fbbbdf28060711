//! What is beside workflows and instances.

use crate::handlers::{later, resources};
use crate::route::Handler::Read;
use crate::route::Route;

macro_rules! flatten {
    ($rest:literal) => {
        concat!(
            "/api/v3/views/flatten/workflows/{wf}/instances/{i:long}/runs/{r:long}/steps/{s}",
            $rest
        )
    };
}

pub(super) fn others() -> Vec<Route> {
    const VERSION: &str = "the version; `default` if not given";
    vec![
        Route::post(
            "/api/v3/job-templates",
            "store a job template",
            Read(resources::put_template),
        )
        .json("JobTemplateRequest")
        .user()
        .answers("JobTemplate"),
        Route::post(
            "/api/v3/job-templates/yaml",
            "store a job template in YAML",
            Read(resources::put_template_yaml),
        )
        .yaml()
        .user()
        .answers("JobTemplate"),
        Route::get(
            "/api/v3/job-templates/{type}",
            "a job template",
            Read(resources::template),
        )
        .query("version", "string", VERSION)
        .answers("JobTemplate"),
        Route::delete(
            "/api/v3/job-templates/{type}",
            "delete versions of a job template",
            Read(resources::remove_template),
        )
        .query("version", "string", "only this version")
        .answers_text(),
        Route::get(
            "/api/v3/job-templates",
            "list the job templates of a version",
            Read(resources::templates),
        )
        .query("version", "string", VERSION)
        .answers("JobTemplates"),
        Route::post(
            "/api/v3/tag-permits",
            "set a permit",
            Read(resources::put_permit),
        )
        .json("TagPermitRequest")
        .user()
        .answers_nothing(),
        Route::get(
            "/api/v3/tag-permits/{tag}",
            "a permit",
            Read(resources::permit),
        )
        .answers("TagPermit"),
        Route::delete(
            "/api/v3/tag-permits/{tag}",
            "remove a permit",
            Read(resources::remove_permit),
        )
        .answers_nothing(),
        Route::post(
            "/api/v3/signals",
            "announce a signal",
            Read(resources::announce),
        )
        .json("SignalRequest")
        .answers("SignalInstance"),
        Route::get(
            "/api/v3/signals/{signalName}/instances/{seq}",
            "an announced signal: `latest` or its number",
            Read(resources::signal),
        )
        .answers_maybe(),
        Route::put(
            "/api/v3/output-data",
            "hand in outputs of a job",
            Read(resources::output_data),
        )
        .json("OutputData")
        .answers_nothing(),
        Route::post(
            "/api/v3/groups/workflows/{wf}/instances/{i:long}/runs/{r:long}/groups/{groupInfo:long}/steps/{s}/message/{code:int}",
            "send a message to a step",
            Read(later::message),
        )
        .json("Object")
        .answers("Boolean"),
        Route::get(
            flatten!(""),
            "page through the iterations of a step",
            Read(later::iterations),
        )
        .paged()
        .query("statuses", "string", "only these, separated by commas")
        .query("loopParams", "string", "only those with these, as JSON in base64url")
        .answers("IterationPage"),
        Route::get(
            flatten!("/iterations/{iterationId}"),
            "one iteration",
            Read(later::iteration),
        )
        .answers("Object"),
        Route::get(
            flatten!("/summary"),
            "what the iterations have in common",
            Read(later::summary),
        )
        .query("statusCount", "boolean", "with numbers by status; false if not given")
        .query("representative", "boolean", "with the most telling one; true if not given")
        .query("valueCount", "integer", "so many values of each param; 5 if not given")
        .answers("Object"),
    ]
}
