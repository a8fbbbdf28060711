//! Runs that go well, wait, or never begin.

use maestro_core::message::{Command, Reply};
use maestro_core::view::{Aggregation, end_all_event, initiator_text};
use maestro_model::codec::{read, to_text};
use maestro_model::definition::User;
use maestro_model::run::Initiator;
use maestro_model::state::{ActionKind, Level, Origin, TimelineEvent};
use uuid::Uuid;

use crate::golden::Golden;
use crate::stage::*;

const PARAMS: &str =
    r#""params":{"hold":{"value":0,"type":"LONG"},"parts":{"value":6,"type":"LONG"}}"#;
const SLEEP: &str = r#""type":"Sleep","params":{"sleep_seconds":{"value":30,"type":"LONG"}}"#;

fn one(id: &str, body: &str) -> String {
    format!(
        r#"{{"id":"{{p}}-{id}",{PARAMS},"steps":[{{"step":{{"id":"a",{body},"transition":{{}}}}}}]}}"#
    )
}

#[test]
fn a_plain_run_shows_nothing_that_was_not_given() {
    // [05:61] [05:1] [05:37]
    let mut golden = Golden::load("lifecycle/lifecycle-start-response");
    let mut w = world(&one("hello", r#""type":"NoOp""#), OWNER);
    golden.check("/actions/start", &plain(&mut w));
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
    let second = start(
        &mut w,
        Request {
            user: "bea",
            ..Request::default()
        },
    );
    golden.check("/actions/start", &second);
    golden.check("/instances/2/runs/1", &aggregated(&w, 2));
    let answer = instance(&w, 1, false, Aggregation::None);
    for path in [
        "/artifacts",
        "/timeout_in_millis",
        "/step_run_params",
        "/runtime_workflow/tags",
        "/aggregated_info",
    ] {
        assert_eq!(at(&answer, path), None, "{path}");
    }
    assert_eq!(
        text_at(&answer, "/run_config"),
        r#"{"policy":"START_FRESH_NEW_RUN"}"#
    );
    assert_eq!(text_at(&answer, "/runtime_dag"), r#"{"a":{}}"#);
    assert_eq!(
        text_at(&answer, "/execution_id"),
        text_at(&answer, "/workflow_uuid")
    );
}

#[test]
fn members_come_in_the_order_of_the_specification() {
    let mut w = world(&one("order", r#""type":"NoOp""#), OWNER);
    plain(&mut w);
    let answer = aggregated(&w, 1);
    let json = at(&answer, "").unwrap();
    let names: Vec<&str> = json
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names.join(" "),
        "workflow_id workflow_instance_id workflow_run_id workflow_uuid correlation_id workflow_version_id group_info \
         internal_id execution_id run_config run_params run_properties runtime_workflow runtime_dag params initiator \
         status request_time create_time start_time end_time modify_time runtime_overview timeline aggregated_info"
    );
}

#[test]
fn a_dead_branch_is_counted_apart() {
    // [05:26] [05:37]
    let mut golden = Golden::load("lifecycle/lifecycle-dead-branch");
    let workflow = r#"{"id":"{p}-fork","params":{"left":{"value":false,"type":"BOOLEAN"}},"steps":[
        {"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"left","c":"!left"}}}},
        {"step":{"id":"b","type":"NoOp","transition":{"successors":{"d":"true"}}}},
        {"step":{"id":"c","type":"NoOp","transition":{"successors":{"d":"true"}}}},
        {"step":{"id":"d","type":"NoOp","transition":{}}}]}"#;
    let mut w = world(workflow, OWNER);
    plain(&mut w);
    // The recorded conditions are expressions.
    golden.check_but("/instances/1/runs/1", &aggregated(&w, 1), &["/runtime_dag"]);
    let answer = instance(&w, 1, false, Aggregation::None);
    assert_eq!(
        text_at(&answer, "/runtime_dag/d"),
        r#"{"predecessors":["b","c"]}"#
    );
    assert_eq!(
        text_at(&answer, "/runtime_dag/b"),
        r#"{"predecessors":["a"],"successors":{"d":"true"}}"#
    );
}

#[test]
fn an_enriched_timeline_has_the_statuses_in_time_order() {
    // [05:35] [04:31]
    let mut golden = Golden::load("lifecycle/lifecycle-timeline-enriched");
    let mut w = world(&one("tl", SLEEP), OWNER);
    plain(&mut w);
    w.pass(10);
    plain(&mut w);
    w.pass(120_000);
    assert_eq!(w.status(2), "SUCCEEDED");
    golden.check("/instances/2", &instance(&w, 2, true, Aggregation::Live));
    golden.check("/instances/2?enriched=false", &aggregated(&w, 2));
    golden.check(
        "/runs/latest?enriched=True",
        &instance(&w, 2, true, Aggregation::None),
    );
    golden.check(
        "/runs/1?enriched=no",
        &instance(&w, 2, false, Aggregation::None),
    );
}

#[test]
fn a_run_at_work_shows_what_its_steps_do() {
    // [05:37]
    let mut golden = Golden::load("lifecycle/lifecycle-overview-while-running");
    let workflow = format!(
        r#"{{"id":"{{p}}-live","steps":[
        {{"step":{{"id":"a","type":"NoOp","transition":{{"successors":{{"b":"true"}}}}}}}},
        {{"step":{{"id":"b",{SLEEP},"transition":{{"successors":{{"c":"true"}}}}}}}},
        {{"step":{{"id":"c","type":"NoOp","transition":{{}}}}}}]}}"#
    );
    let mut w = world(&workflow, OWNER);
    plain(&mut w);
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
}

#[test]
fn a_waiting_run_has_params_but_no_past() {
    // [05:11] [04:29]
    let mut golden = Golden::load("lifecycle/lifecycle-queued-instance");
    let mut w = world(&one("queue", SLEEP), OWNER);
    plain(&mut w);
    let request = Request {
        user: "tester",
        origin: Origin {
            run_params: Some(r#"{"parts":{"expression":"hold + 5","type":"LONG"}}"#.into()),
            ..Origin::default()
        },
        ..Request::default()
    };
    start(&mut w, request);
    golden.check("/instances/2/runs/1", &aggregated(&w, 2));
    golden.check("/instances/2", &instance(&w, 2, true, Aggregation::Live));
    let answer = instance(&w, 2, true, Aggregation::None);
    for path in [
        "/timeline",
        "/start_time",
        "/execution_id",
        "/runtime_overview",
    ] {
        assert_eq!(at(&answer, path), None, "{path}");
    }
}

#[test]
fn what_a_start_gives_is_shown() {
    let mut golden = Golden::load("lifecycle/lifecycle-start-all-fields");
    let workflow = r#"{"id":"{p}-full","tags":["team-a"],"params":{"limit":{"value":3,"type":"LONG"}},
        "steps":[{"step":{"id":"a","type":"NoOp","transition":{}}}]}"#;
    let mut w = world(workflow, OWNER);
    let request = Request {
        user: "bea",
        uuid: Some(Uuid::parse_str("5d1c0f9e-3b7a-4c55-9a10-00cfdeadbeef").unwrap()),
        origin: Origin {
            run_params: Some(
                r#"{"extra":{"value":"late","type":"STRING"},"limit":{"value":7,"type":"LONG"}}"#
                    .into(),
            ),
            runtime_tags: Some(
                r#"[{"name":"adhoc"},{"name":"night","namespace":"USER_DEFINED"}]"#.into(),
            ),
            artifacts: Some(r#"{"ticket":{"number":12,"link":"case-12"}}"#.into()),
            ..Origin::default()
        },
        request_time: Some(1_600_000_000_000),
        ..Request::default()
    };
    golden.check("/actions/start", &start(&mut w, request));
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
}

#[test]
fn tags_of_the_start_follow_those_of_the_workflow() {
    let mut golden = Golden::load("lifecycle/lifecycle-start-runtime-tags");
    let workflow = r#"{"id":"{p}-tag","tags":["nightly"],"steps":[{"step":{"id":"a","type":"NoOp","transition":{}}}]}"#;
    let mut w = world(workflow, OWNER);
    let tags = |text: &str| Request {
        user: "tester",
        origin: Origin {
            runtime_tags: Some(text.into()),
            ..Origin::default()
        },
        ..Request::default()
    };
    start(&mut w, tags(r#"[{"name":"x"},{"name":"y"}]"#));
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
    // Absent and empty are two things (spec 05 section 4.1).
    let mut w = world(&one("none", r#""type":"NoOp""#), OWNER);
    start(&mut w, tags("[]"));
    let answer = aggregated(&w, 1);
    assert_eq!(text_at(&answer, "/run_config/runtime_tags"), "[]");
    assert_eq!(text_at(&answer, "/runtime_workflow/tags"), "[]");
}

#[test]
fn a_run_whose_params_failed_has_none() {
    // [05:7]
    let mut golden = Golden::load("lifecycle/lifecycle-persist-failed-run");
    let workflow = r#"{"id":"{p}-pf","params":{"parts":{"value":6,"type":"LONG"}},"steps":[
        {"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},
        {"step":{"id":"b","type":"NoOp","transition":{}}}]}"#;
    let mut w = world(workflow, OWNER);
    let initiator = Initiator::Manual {
        depth: 0,
        user: Some("tester".into()),
    };
    let at_now = w.now;
    let details = TimelineEvent::Details {
        at: at_now,
        status: "INTERNAL_ERROR".into(),
        message: "Failed to initiate workflow params and properties".into(),
        errors: vec!["division by zero".into()],
        retryable: false,
    };
    let request = Request {
        user: "tester",
        origin: Origin {
            run_params: Some(r#"{"parts":{"value":0,"type":"LONG"}}"#.into()),
            ..Origin::default()
        },
        failed: Some(vec![
            TimelineEvent::info(at_now, initiator_text(&initiator)),
            details,
        ]),
        ..Request::default()
    };
    golden.check("/actions/start", &start(&mut w, request));
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
    assert_eq!(
        text_at(&aggregated(&w, 1), "/timeline/0/message"),
        r#""Manually run a new workflow instance by a user [tester]""#
    );
}

#[test]
fn a_run_that_first_only_stopped_never_began() {
    // [05:19] [04:28]
    let mut golden = Golden::load("lifecycle/lifecycle-first-only");
    let mut w = world(
        &one("first", SLEEP),
        r#"{"owner":"ada","run_strategy":"FIRST_ONLY"}"#,
    );
    plain(&mut w);
    w.pass(10);
    let request = || Request {
        user: "tester",
        uuid: Some(Uuid::parse_str("4e3a6a11-77aa-4f00-b0b0-00cfdeadbeef").unwrap()),
        ..Request::default()
    };
    // The first recorded start with all of its body is that of the second instance.
    let answer = start(&mut w, request());
    assert_eq!(text_at(&answer, "/status"), r#""STOPPED""#);
    golden.check("/instances/2/runs/1", &aggregated(&w, 2));
    let again = start(&mut w, request());
    assert_eq!(text_at(&again, "/status"), r#""DUPLICATED""#);
    assert_eq!(text_at(&again, "/workflow_instance_id"), "0");
    assert_eq!(text_at(&again, "/workflow_run_id"), "0");
}

#[test]
fn a_stop_of_a_waiting_run_is_done_at_once() {
    // [05:50] [04:37]
    let mut golden = Golden::load("lifecycle/lifecycle-stop-queued");
    let workflow = format!(
        r#"{{"id":"{{p}}-sq","steps":[
        {{"step":{{"id":"a",{SLEEP},"transition":{{"successors":{{"b":"true"}}}}}}}},
        {{"step":{{"id":"b","type":"NoOp","transition":{{}}}}}}]}}"#
    );
    let mut w = world(&workflow, OWNER);
    plain(&mut w);
    plain(&mut w);
    let first = end(&mut w, 2, ActionKind::Stop).unwrap();
    golden.check("/instances/2/actions/stop", &first);
    assert_eq!(text_at(&first, "/info"), r#""The action is completed.""#);
    assert_eq!(
        text_at(&first, "/timeline_event/message"),
        r#""User [tester] take an action to STOP the running workflow instance run""#
    );
    golden.check(
        "/instances/2/actions/stop",
        &end(&mut w, 2, ActionKind::Stop).unwrap(),
    );
    assert!(end(&mut w, 2, ActionKind::Kill).is_err());
    golden.check("/instances/2/runs/1", &aggregated(&w, 2));
}

#[test]
fn stopping_everything_is_answered_with_one_event() {
    // [05:52]
    let mut golden = Golden::load("lifecycle/lifecycle-stop-all");
    let mut w = world(&one("all", SLEEP), OWNER);
    for _ in 0..3 {
        plain(&mut w);
    }
    let stop = |w: &mut crate::world::World, user: &str| {
        w.command(Command::EndAll {
            action: ActionKind::Stop,
            user: user.into(),
        });
        match w.replies.pop() {
            Some(Ok(Reply::EndedAll { queued, running })) => to_text(&end_all_event(
                &w.plan.workflow.id,
                ActionKind::Stop,
                User::Name(user.into()),
                queued,
                running,
                w.now,
            )),
            other => panic!("{other:?}"),
        }
    };
    let answer = stop(&mut w, "bea");
    golden.check("-all/actions/stop", &answer);
    assert_eq!(
        text_at(&answer, "/message"),
        r#""Terminated [2] queued instances and terminating [1] running instances""#
    );
    assert_eq!(
        text_at(&answer, "/reason"),
        format!(
            r#""All workflow instances of workflow id [{}] are terminated to status [STOPPED] by the caller [bea]""#,
            w.plan.workflow.id
        )
    );
    golden.check("/instances/2/runs/1", &aggregated(&w, 2));
    golden.check("/instances/3/runs/1", &aggregated(&w, 3));
    golden.check("/instances/1/runs/1", &aggregated(&w, 1));
    golden.check("-all/actions/stop", &stop(&mut w, "tester"));
    let nobody = end_all_event("nobody", ActionKind::Stop, "tester".into(), 0, 0, w.now);
    golden.check("-nobody/actions/stop", &to_text(&nobody));
}

#[test]
fn initiators_say_what_they_are() {
    let text = |json: &str| initiator_text(&read(json.as_bytes()).unwrap());
    assert_eq!(
        text(r#"{"type":"manual"}"#),
        "Manually run a new workflow instance by a user [unknown]"
    );
    assert_eq!(
        text(r#"{"type":"TIME","trigger_uuid":"u","trigger_time":1,"timezone":"UTC"}"#),
        "TIME-based trigger runs a new workflow instance by trigger uuid [u]"
    );
    assert_eq!(
        text(
            r#"{"type":"FOREACH","ancestors":[{"workflow_id":"r","instance_id":1,"run_id":1,"step_id":"x","step_attempt_id":1},
               {"workflow_id":"w","instance_id":2,"run_id":3,"step_id":"s","step_attempt_id":4}]}"#
        ),
        "FOREACH step ([w][2][3][s][4]) runs a new workflow instance"
    );
}

#[test]
fn a_restart_run_counts_on_what_was_before() {
    // [05:39] [05:44]: the rows are made by hand, since the engine restarts nothing yet.
    let workflow = r#"{"id":"{p}-chain","steps":[
        {"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},
        {"step":{"id":"b","type":"NoOp","transition":{"successors":{"c":"true"}}}},
        {"step":{"id":"c","type":"NoOp","transition":{}}}]}"#;
    let mut w = world(workflow, OWNER);
    plain(&mut w);
    let key = w.run(1).key;
    let row = w.rows.runs.get_mut(&key).unwrap();
    row.id.run = 2;
    row.body.dag = Some(vec![1, 2]);
    row.body.policy = maestro_model::state::RunPolicy::RestartFromIncomplete;
    row.body.baseline = Some(
        r#"{"workflow_instance_status":"STOPPED","step_aggregated_views":{
            "a":{"workflow_run_id":1,"status":"SUCCEEDED","start_time":1,"end_time":2},
            "b":{"workflow_run_id":1,"status":"STOPPED","start_time":3,"end_time":4},"c":{"status":"NOT_CREATED"}}}"#
            .into(),
    );
    w.rows.steps.retain(|(_, step, _), _| *step != 0);
    let ended = aggregated(&w, 1);
    let total = "/runtime_overview/rollup_overview/total_leaf_count";
    assert_eq!(text_at(&ended, "/runtime_overview/total_step_count"), "2");
    assert_eq!(text_at(&ended, total), "3");
    for (step, run) in [("a", "1"), ("b", "2"), ("c", "2")] {
        let view = format!("/aggregated_info/step_aggregated_views/{step}/workflow_run_id");
        assert_eq!(text_at(&ended, &view), run, "{step}");
    }
    // Its last step has not begun yet.
    w.rows.steps.retain(|(_, step, _), _| *step == 1);
    let answer = aggregated(&w, 1);
    assert_eq!(text_at(&answer, "/runtime_overview/total_step_count"), "2");
    assert_eq!(
        text_at(
            &answer,
            "/runtime_overview/rollup_overview/total_leaf_count"
        ),
        "2"
    );
    assert_eq!(
        text_at(
            &answer,
            "/runtime_overview/step_overview/SUCCEEDED/steps/0/0"
        ),
        "1"
    );
    let views = "/aggregated_info/step_aggregated_views";
    assert_eq!(
        text_at(&answer, &format!("{views}/a")),
        r#"{"workflow_run_id":1,"status":"SUCCEEDED","start_time":1,"end_time":2}"#
    );
    assert_eq!(text_at(&answer, &format!("{views}/b/workflow_run_id")), "2");
    assert_eq!(
        text_at(&answer, &format!("{views}/c")),
        r#"{"status":"NOT_CREATED"}"#
    );
    assert_eq!(
        text_at(&answer, "/runtime_dag/b"),
        r#"{"successors":{"c":"true"}}"#
    );
    let stored = instance(&w, 1, false, Aggregation::Stored);
    assert_eq!(
        text_at(&stored, "/aggregated_info/workflow_instance_status"),
        r#""STOPPED""#
    );
}

#[test]
fn levels_keep_their_names() {
    let event = TimelineEvent::Log {
        at: 1,
        level: Level::Warn,
        text: "m".to_owned().into(),
    };
    assert_eq!(
        to_text(&maestro_core::view::wire_event(&event)),
        r#"{"timestamp":1,"type":"LOG","level":"WARN","message":"m"}"#
    );
}
