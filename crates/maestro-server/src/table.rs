//! The one table of routes (spec 04 section 1, decision 16, and our own).

use crate::handlers::{actions, administration, definitions, instances, later, lists, system};
use crate::route::Handler::{Act, Now, Read};
use crate::route::Route;

macro_rules! workflows {
    ($rest:literal) => {
        concat!("/api/v3/workflows", $rest)
    };
}

macro_rules! instance {
    ($rest:literal) => {
        concat!("/api/v3/workflows/{wf}/instances/{i:long}", $rest)
    };
}

mod others;
mod steps;

use others::others;
use steps::{step_actions, steps_group};

/// All routes.
pub(crate) fn routes() -> Vec<Route> {
    let groups = [
        definitions_group(),
        instances_group(),
        instance_actions(),
        steps_group(),
        step_actions(),
        others(),
        system_group(),
    ];
    groups.into_iter().flatten().collect()
}

fn definitions_group() -> Vec<Route> {
    vec![
        Route::get(workflows!(""), "list workflows", Read(lists::workflows))
            .query("prefix", "string", "only ids that begin with it")
            .query("tag", "string", "only with this tag")
            .query("owner", "string", "only of this owner")
            .query(
                "active",
                "boolean",
                "only with an active version, or only without",
            )
            .query("first", "integer", "so many: 1 to 200, 50 if not given")
            .query("cursor", "string", "the id to go on from")
            .answers("WorkflowOverviewPage"),
        Route::post(
            workflows!(""),
            "push a definition version",
            Act(definitions::push),
        )
        .json("WorkflowCreateRequest")
        .user()
        .answers("WorkflowPushed"),
        Route::post(
            workflows!("/yaml"),
            "push a definition version as YAML",
            Act(definitions::push_yaml),
        )
        .yaml()
        .user()
        .answers("WorkflowPushed"),
        Route::put(
            workflows!("/actions/validate"),
            "check a definition",
            Now(definitions::validate_json),
        )
        .json("WorkflowCreateRequest")
        .user()
        .answers("TimelineEvent"),
        Route::put(
            workflows!("/actions/validate/yaml"),
            "check a definition in YAML",
            Read(definitions::validate_yaml),
        )
        .yaml()
        .user()
        .answers("TimelineEvent"),
        Route::post(
            workflows!("/{wf}/properties"),
            "change properties",
            Act(administration::properties),
        )
        .json("PropertiesUpdate")
        .user()
        .answers("PropertiesSnapshot"),
        Route::post(
            workflows!("/{wf}/properties/tag"),
            "add a workflow tag",
            Act(administration::add_tag),
        )
        .json("TagInput")
        .user()
        .answers("PropertiesSnapshot"),
        Route::delete(
            workflows!("/{wf}/properties/tag/{tagName}"),
            "remove a workflow tag",
            Act(administration::remove_tag),
        )
        .user()
        .answers("PropertiesSnapshot"),
        Route::delete(
            workflows!("/{wf}"),
            "delete a workflow; its data goes in the background",
            Act(definitions::delete),
        )
        .user()
        .answers("TimelineEvent"),
        Route::get(
            workflows!("/{wf}/versions/{version}"),
            "a version: `active`, `latest`, `default` or a number",
            Read(definitions::version),
        )
        .query(
            "enriched",
            "boolean",
            "with default params and next times; false if not given",
        )
        .answers("WorkflowDefinition"),
        Route::get(
            workflows!("/{wf}/versions/pagination"),
            "page through versions",
            Read(definitions::versions),
        )
        .paged()
        .answers("WorkflowDefinitionPage"),
        Route::get(
            workflows!("/{wf}/properties-snapshot/{snapshotId}"),
            "a snapshot of the properties: `latest` or its time",
            Read(definitions::properties),
        )
        .answers("PropertiesSnapshot"),
        Route::get(
            workflows!("/{wf}/overview"),
            "versions and numbers of instances",
            Read(definitions::overview),
        )
        .answers("WorkflowOverview"),
        Route::get(
            workflows!("/{wf}/timeline"),
            "change history",
            Read(definitions::timeline),
        )
        .answers("WorkflowTimeline"),
        Route::put(
            workflows!("/{wf}/actions/deactivate"),
            "have no active version",
            Act(administration::deactivate),
        )
        .user()
        .answers("VersionAction"),
        Route::put(
            workflows!("/{wf}/versions/{version}/actions/activate"),
            "make a version the active one",
            Act(administration::activate),
        )
        .user()
        .answers("VersionAction"),
    ]
}

fn instances_group() -> Vec<Route> {
    vec![
        Route::get(
            "/api/v3/instances",
            "list instances of all workflows, newest first",
            Read(lists::instances),
        )
        .query("workflow", "string", "only of this workflow")
        .query(
            "status",
            "string",
            "only with these statuses, separated by commas",
        )
        .query(
            "request_id",
            "string",
            "only those that were started under this id",
        )
        .query(
            "from",
            "integer",
            "only those created at this time or later, in epoch milliseconds",
        )
        .query(
            "to",
            "integer",
            "only those created before this time, in epoch milliseconds",
        )
        .query("first", "integer", "so many: 1 to 200, 50 if not given")
        .query("cursor", "string", "`end_cursor` of the page before")
        .answers("InstanceSummaryPage"),
        Route::get(
            workflows!("/instances/action-map"),
            "what can be done to an instance, by status",
            Now(instances::action_map),
        )
        .answers("ActionMap"),
        Route::get(
            workflows!("/instances/inline-workflow-id"),
            "the id of the inline workflow of a loop",
            Read(later::inline_workflow_id),
        )
        .json("InlinePath")
        .answers_text(),
        Route::get(
            instance!("/inline-path"),
            "the path to an inline instance",
            Read(later::inline_path),
        )
        .answers("InlinePath"),
        Route::get(
            instance!("/runs/{run}/params"),
            "the params of a run and of its steps, and where they come from",
            Read(instances::params),
        )
        .answers("ParamOrigins"),
        Route::get(
            instance!("/runs/{run}"),
            "a run: `latest` or a number",
            Read(instances::run),
        )
        .query(
            "enriched",
            "boolean",
            "with status changes in the timeline; true if not given",
        )
        .query(
            "aggregated",
            "boolean",
            "with the state over all runs; false if not given",
        )
        .answers("WorkflowInstance"),
        Route::get(
            instance!(""),
            "the latest run with the state over all runs",
            Read(instances::latest),
        )
        .query(
            "enriched",
            "boolean",
            "with status changes in the timeline; true if not given",
        )
        .answers("WorkflowInstance"),
        Route::get(
            instance!("/runs"),
            "page through the runs of an instance",
            Read(instances::runs),
        )
        .paged()
        .answers("WorkflowInstancePage"),
        Route::get(
            workflows!("/{wf}/instances"),
            "page through instances",
            Read(instances::instances),
        )
        .paged()
        .query(
            "aggregated",
            "boolean",
            "with the state over all runs; true if not given",
        )
        .answers("WorkflowInstancePage"),
    ]
}

fn instance_actions() -> Vec<Route> {
    vec![
        Route::post(
            workflows!("/{wf}/versions/{version}/actions/start"),
            "start an instance",
            Act(actions::start),
        )
        .json("StartRequest")
        .user()
        .answers("StartAnswer"),
        Route::post(
            workflows!("/{wf}/versions/{version}/actions/preview-params"),
            "the params that a start would have, and where they come from; starts nothing",
            Act(actions::preview),
        )
        .json("StartRequest")
        .user()
        .answers("ParamOrigins"),
        Route::put(
            workflows!("/{wf}/actions/stop"),
            "stop all instances",
            Act(actions::stop_all),
        )
        .user()
        .with_status(202)
        .answers("TimelineEvent"),
        Route::put(
            workflows!("/{wf}/actions/kill"),
            "fail all instances",
            Act(actions::kill_all),
        )
        .user()
        .with_status(202)
        .answers("TimelineEvent"),
        Route::put(
            workflows!("/{wf}/actions/unblock"),
            "unblock all failed instances",
            Act(actions::unblock_all),
        )
        .user()
        .answers("TimelineEvent"),
        Route::post(
            instance!("/actions/restart"),
            "restart an instance",
            Read(later::restart),
        )
        .json("RestartRequest")
        .user()
        .answers("StartAnswer"),
        Route::put(
            instance!("/actions/stop"),
            "stop the latest run",
            Act(actions::stop),
        )
        .user()
        .answers("EndAnswer"),
        Route::put(
            instance!("/actions/kill"),
            "fail the latest run",
            Act(actions::kill),
        )
        .user()
        .answers("EndAnswer"),
        Route::put(
            instance!("/actions/unblock"),
            "unblock the latest run",
            Act(actions::unblock),
        )
        .user()
        .answers("EndAnswer"),
        Route::put(
            instance!("/runs/{r:long}/actions/stop"),
            "stop a run that must be the latest",
            Act(actions::stop),
        )
        .user()
        .answers("EndAnswer"),
        Route::put(
            instance!("/runs/{r:long}/actions/kill"),
            "fail a run that must be the latest",
            Act(actions::kill),
        )
        .user()
        .answers("EndAnswer"),
        Route::put(
            instance!("/runs/{r:long}/actions/unblock"),
            "unblock a run that must be the latest",
            Act(actions::unblock),
        )
        .user()
        .answers("EndAnswer"),
    ]
}

fn system_group() -> Vec<Route> {
    vec![
        Route::get(
            "/actuator/health",
            "health, as the reference tells it",
            Now(system::actuator_health),
        )
        .answers("Health"),
        Route::get("/actuator", "links", Now(system::actuator)).answers("Object"),
        Route::get(
            "/health",
            "health: up, degraded or down",
            Now(system::health),
        )
        .answers("Health"),
        Route::get("/metrics", "metrics for Prometheus", Now(system::metrics))
            .produces(system::METRICS),
        Route::get(
            "/api/openapi.json",
            "this description",
            Now(system::openapi),
        )
        .answers("Object"),
        Route::get("/api/docs", "this description as a page", Now(system::docs))
            .produces(system::HTML),
    ]
}
