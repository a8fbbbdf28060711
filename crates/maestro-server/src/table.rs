//! The one table of routes (spec 04 section 1, decision 16, and our own).

use crate::handlers::{
    actions, administration, definitions, instances, later, lists, logs, resources, steps, system,
};
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
            Read(later::unblock_all),
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
            Read(later::unblock),
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
            Read(later::unblock),
        )
        .user()
        .answers("EndAnswer"),
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

/// An action on a step, which may be waited for.
fn step_action(route: Route) -> Route {
    route
        .query(
            "blocking",
            "boolean",
            "wait until it is done; true if not given",
        )
        .user()
        .answers("StepActionAnswer")
}

/// The step of a breakpoint.
fn breakpoint(route: Route) -> Route {
    route
        .required_query("workflowId", "string", "the workflow")
        .required_query("stepId", "string", "the step")
}

fn step_actions() -> Vec<Route> {
    const RESUME: &str = workflows!(
        "/steps/breakpoints/{wf}/instances/{i:long}/runs/{run}/steps/{s}/attempts/{a:long}/actions/resume"
    );
    vec![
        step_action(Route::post(
            instance!("/steps/{s}/actions/restart"),
            "restart a step",
            Read(later::step_restart),
        ))
        .json("StepRestartRequest"),
        step_action(Route::put(
            instance!("/steps/{s}/actions/stop"),
            "stop a step",
            Read(later::end_step),
        )),
        step_action(Route::put(
            instance!("/steps/{s}/actions/kill"),
            "fail a step",
            Read(later::end_step),
        )),
        step_action(Route::put(
            instance!("/steps/{s}/actions/skip"),
            "skip a step",
            Read(later::skip),
        )),
        step_action(Route::put(
            instance!("/steps/{s}/actions/bypass"),
            "go on without the signals",
            Read(later::bypass),
        )),
        Route::post(
            workflows!("/steps/breakpoints"),
            "set a breakpoint",
            Read(later::set_breakpoint),
        )
        .json("BreakpointRequest")
        .user()
        .answers("Breakpoint"),
        breakpoint(Route::delete(
            workflows!("/steps/breakpoints"),
            "remove a breakpoint",
            Read(later::remove_breakpoint),
        ))
        .query(
            "resume",
            "boolean",
            "release what is paused; true if not given",
        )
        .user()
        .answers("Object"),
        breakpoint(Route::get(
            workflows!("/steps/breakpoints"),
            "list breakpoints",
            Read(later::breakpoints),
        ))
        .answers("Breakpoints"),
        breakpoint(Route::get(
            workflows!("/steps/breakpoints/paused-step-attempts"),
            "list paused attempts",
            Read(later::breakpoints),
        ))
        .answers("Breakpoints"),
        Route::put(RESUME, "resume a paused attempt", Read(later::resume))
            .user()
            .answers("StepActionAnswer"),
    ]
}

fn others() -> Vec<Route> {
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
