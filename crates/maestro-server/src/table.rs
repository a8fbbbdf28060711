//! The one table of routes (spec 04 section 1, decision 16, and our own).

use crate::handlers::{absent, actions, definitions, instances, lists, logs, steps, system};
use crate::route::Handler::{Absent, Act, Now, Read};
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

macro_rules! flatten {
    ($rest:literal) => {
        concat!(
            "/api/v3/views/flatten/workflows/{wf}/instances/{i:long}/runs/{r:long}/steps/{s}",
            $rest
        )
    };
}

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
            Now(definitions::validate_yaml),
        )
        .yaml()
        .user()
        .answers("TimelineEvent"),
        Route::post(
            workflows!("/{wf}/properties"),
            "change properties",
            Absent("changing properties without a push", absent::properties),
        )
        .json("Object")
        .user(),
        Route::post(
            workflows!("/{wf}/properties/tag"),
            "add a workflow tag",
            Absent("adding a workflow tag", absent::tag),
        )
        .json("Object")
        .user(),
        Route::delete(
            workflows!("/{wf}/properties/tag/{tagName}"),
            "remove a workflow tag",
            Absent("removing a workflow tag", absent::nothing),
        )
        .user(),
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
            "with default params and next times; not given yet",
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
            Absent("deactivating a workflow", absent::nothing),
        )
        .user(),
        Route::put(
            workflows!("/{wf}/versions/{version}/actions/activate"),
            "make a version the active one",
            Absent("activating a version", absent::nothing),
        )
        .user(),
    ]
}

fn instances_group() -> Vec<Route> {
    vec![
        Route::get(
            "/api/v3/instances",
            "list instances of all workflows, newest first",
            Read(lists::instances),
        )
        .query("workflow_id", "string", "only of this workflow")
        .query(
            "status",
            "string",
            "only with these statuses, separated by commas",
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
            Absent("inline workflows", absent::json),
        )
        .json("Object"),
        Route::get(
            instance!("/inline-path"),
            "the path to an inline instance",
            Absent("inline workflows", absent::nothing),
        ),
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
            Absent("unblocking", absent::nothing),
        )
        .user(),
        Route::post(
            instance!("/actions/restart"),
            "restart an instance",
            Absent("restarting an instance", absent::restart),
        )
        .json("Object")
        .user(),
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
            Absent("unblocking", absent::nothing),
        )
        .user(),
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
            Absent("unblocking", absent::nothing),
        )
        .user(),
    ]
}

fn steps_group() -> Vec<Route> {
    vec![
        Route::get(
            workflows!("/steps/instances/action-map"),
            "what can be done to a step, by status",
            Now(steps::action_map),
        )
        .answers("ActionMap"),
        Route::get(
            instance!("/steps/{s}"),
            "the newest attempt of a step over all runs",
            Read(steps::latest),
        )
        .query(
            "enriched",
            "boolean",
            "with status changes in the timeline; true if not given",
        )
        .answers("StepInstance"),
        Route::get(
            instance!("/runs/{r:long}/steps/{s}/attempts/{a}"),
            "an attempt: `latest` or a number",
            Read(steps::attempt),
        )
        .query(
            "enriched",
            "boolean",
            "with status changes in the timeline; true if not given",
        )
        .answers("StepInstance"),
        Route::get(
            instance!("/runs/{r:long}/steps/{s}/attempts/{a}/logs"),
            "the log of an attempt, or its growth",
            Act(logs::logs),
        )
        .query(
            "offset",
            "integer",
            "the byte to begin with; 0 if not given",
        )
        .query(
            "limit",
            "integer",
            "so many bytes: 1 to 1048576, 65536 if not given",
        )
        .query(
            "follow",
            "boolean",
            "go on until the attempt ends; wait for one that has not begun",
        )
        .produces(logs::TEXT),
        Route::get(
            instance!("/steps"),
            "all steps, newest attempts over all runs",
            Read(steps::of_instance),
        )
        .answers("StepInstances"),
        Route::get(
            instance!("/runs/{r:long}/steps"),
            "all steps of a run, newest attempts",
            Read(steps::of_run),
        )
        .answers("StepInstances"),
    ]
}

fn step_actions() -> Vec<Route> {
    const BREAKPOINTS: &str = "breakpoints";
    vec![
        Route::post(instance!("/steps/{s}/actions/restart"), "restart a step", Absent("restarting a step", absent::step_restart))
            .json("Object")
            .user(),
        Route::put(instance!("/steps/{s}/actions/stop"), "stop a step", Absent("stopping a single step", absent::step_action)).user(),
        Route::put(instance!("/steps/{s}/actions/kill"), "fail a step", Absent("failing a single step", absent::step_action)).user(),
        Route::put(instance!("/steps/{s}/actions/skip"), "skip a step", Absent("skipping a step", absent::step_action)).user(),
        Route::put(instance!("/steps/{s}/actions/bypass"), "go on without the signals", Absent("bypassing signals", absent::step_action))
            .user(),
        Route::post(workflows!("/steps/breakpoints"), "set a breakpoint", Absent(BREAKPOINTS, absent::json))
            .json("Object")
            .user(),
        Route::delete(workflows!("/steps/breakpoints"), "remove a breakpoint", Absent(BREAKPOINTS, absent::breakpoints)).user(),
        Route::get(workflows!("/steps/breakpoints"), "list breakpoints", Absent(BREAKPOINTS, absent::breakpoints)),
        Route::get(workflows!("/steps/breakpoints/paused-step-attempts"), "list paused attempts", Absent(BREAKPOINTS, absent::breakpoints)),
        Route::put(
            workflows!("/steps/breakpoints/{wf}/instances/{i:long}/runs/{run}/steps/{s}/attempts/{a:long}/actions/resume"),
            "resume a paused attempt",
            Absent(BREAKPOINTS, absent::nothing),
        )
        .user(),
    ]
}

fn others() -> Vec<Route> {
    const TEMPLATES: &str = "job templates";
    const PERMITS: &str = "tag permits";
    const SIGNALS: &str = "signals";
    const LOOPS: &str = "views of loops";
    vec![
        Route::post("/api/v3/job-templates", "store a job template", Absent(TEMPLATES, absent::json))
            .json("Object")
            .user(),
        Route::post("/api/v3/job-templates/yaml", "store a job template in YAML", Absent(TEMPLATES, absent::nothing))
            .yaml()
            .user(),
        Route::get("/api/v3/job-templates/{type}", "a job template", Absent(TEMPLATES, absent::nothing)),
        Route::delete("/api/v3/job-templates/{type}", "delete versions of a job template", Absent(TEMPLATES, absent::nothing)),
        Route::get("/api/v3/job-templates", "list job templates", Absent(TEMPLATES, absent::nothing)),
        Route::post("/api/v3/tag-permits", "set a permit", Absent(PERMITS, absent::json)).json("Object").user(),
        Route::get("/api/v3/tag-permits/{tag}", "a permit", Absent(PERMITS, absent::nothing)),
        Route::delete("/api/v3/tag-permits/{tag}", "remove a permit", Absent(PERMITS, absent::nothing)),
        Route::post("/api/v3/signals", "announce a signal", Absent(SIGNALS, absent::json)).json("Object"),
        Route::get("/api/v3/signals/{signalName}/instances/{seq}", "an announced signal", Absent(SIGNALS, absent::nothing)),
        Route::put("/api/v3/output-data", "hand in outputs of a job", Absent("outputs that jobs hand in", absent::json)).json("Object"),
        Route::post(
            "/api/v3/groups/workflows/{wf}/instances/{i:long}/runs/{r:long}/groups/{groupInfo:long}/steps/{s}/message/{code:int}",
            "send a message to a step",
            Absent("messages to steps", absent::json),
        )
        .json("Object"),
        Route::get(flatten!(""), "page through the iterations of a step", Absent(LOOPS, absent::nothing)),
        Route::get(flatten!("/iterations/{iterationId}"), "one iteration", Absent(LOOPS, absent::nothing)),
        Route::get(flatten!("/summary"), "what the iterations have in common", Absent(LOOPS, absent::nothing)),
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
