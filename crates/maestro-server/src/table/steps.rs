//! Steps: reads, actions, breakpoints.

use crate::handlers::{later, logs, steps};
use crate::route::Handler::{Act, Now, Read};
use crate::route::Route;

pub(super) fn steps_group() -> Vec<Route> {
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

pub(super) fn step_actions() -> Vec<Route> {
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
