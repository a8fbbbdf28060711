//! The engine on a real store, with real shells.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use maestro_engine::{Engine, EngineSettings};
use maestro_model::codec::read;
use maestro_model::definition::{User, WorkflowCreateRequest};
use maestro_model::run::StartRequest;
use maestro_model::state::{ActionKind, InstanceRef, InstanceStatus, StepStatus};
use maestro_steps::local::LocalSettings;
use prometheus_client::registry::Registry;

/// This test binary is its own supervisor: `/proc/self/exe` with the sub-command, before the test harness sees it.
#[used]
#[unsafe(link_section = ".init_array")]
#[expect(
    unsafe_code,
    reason = "runs before main, so that the test binary can play the supervisor"
)]
static SUPERVISE: extern "C" fn() = {
    extern "C" fn supervise() {
        let mut args = std::env::args_os();
        if args
            .nth(1)
            .is_some_and(|a| a == maestro_steps::supervisor::SUBCOMMAND)
        {
            let code = maestro_steps::supervisor::main(args.collect::<Vec<OsString>>());
            std::process::exit(if format!("{code:?}").contains("0") {
                0
            } else {
                1
            });
        }
    }
    supervise
};

fn settings(data: &Path) -> EngineSettings {
    let local = LocalSettings {
        spare_supervisor: false,
        ..LocalSettings::default()
    };
    EngineSettings {
        local: Some(local),
        ..EngineSettings::new(data.to_owned())
    }
}

fn open(data: &Path) -> Engine {
    Engine::open(settings(data), &mut Registry::default(), |error| {
        panic!("{error}")
    })
    .expect("engine")
}

fn user() -> User {
    User::Name("tester".into())
}

async fn push(engine: &Engine, text: &str) -> i64 {
    let request: WorkflowCreateRequest = read(text.as_bytes()).expect("request");
    engine.push(request, user()).await.expect("push").version
}

async fn start(engine: &Engine, workflow: &str) -> i64 {
    let request: StartRequest = read(br#"{"initiator":{"type":"MANUAL"}}"#).expect("request");
    engine
        .start(workflow, "latest", request, &user())
        .await
        .expect("start")
        .id
        .instance
}

/// Waits for the end of an instance: the store is asked again and again, since that is what clients do.
async fn end(engine: &Engine, workflow: &str, instance: i64) -> InstanceStatus {
    for _ in 0..3000 {
        let snapshot = engine.snapshot().expect("snapshot");
        let row = snapshot.workflow(workflow).unwrap().expect("workflow");
        if let Some(run) = snapshot.latest_run(row.key, instance).unwrap()
            && run.head.status.is_terminal()
        {
            return run.head.status.public();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let snapshot = engine.snapshot().expect("snapshot");
    let row = snapshot.workflow(workflow).unwrap().expect("workflow");
    let run = snapshot
        .latest_run(row.key, instance)
        .unwrap()
        .expect("run");
    panic!(
        "instance {instance} of {workflow} does not end: {:#?}",
        snapshot.steps(run.key).unwrap()
    );
}

fn steps(engine: &Engine, workflow: &str, instance: i64) -> Vec<StepStatus> {
    let snapshot = engine.snapshot().expect("snapshot");
    let row = snapshot.workflow(workflow).unwrap().expect("workflow");
    let run = snapshot
        .run(row.key, InstanceRef { instance, run: 1 })
        .unwrap()
        .expect("run");
    snapshot
        .steps(run.key)
        .unwrap()
        .into_iter()
        .map(|s| s.state.status)
        .collect()
}

fn definition(id: &str, strategy: &str, steps: &str) -> String {
    format!(
        r#"{{"properties":{{"owner":"tester","run_strategy":{strategy}}},"workflow":{{"id":"{id}","steps":[{steps}]}}}}"#
    )
}

const CHAIN: &str = r#"
    {"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},
    {"step":{"id":"b","type":"NoOp","transition":{"successors":{"c":"true"}}}},
    {"step":{"id":"c","type":"NoOp"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_started_instance_is_there_and_ends() {
    // [09:53]
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    assert_eq!(push(&engine, &definition("chain", "1", CHAIN)).await, 1);
    assert_eq!(start(&engine, "chain").await, 1);
    assert_eq!(end(&engine, "chain", 1).await, InstanceStatus::Succeeded);
    assert_eq!(steps(&engine, "chain", 1), [StepStatus::Succeeded; 3]);
    engine.shutdown();
    drop(engine);
    let engine = open(dir.path());
    assert_eq!(
        start(&engine, "chain").await,
        2,
        "ids go on after a restart"
    );
    engine.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_at_once_get_every_instance_once() {
    // [R-42]
    let dir = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(dir.path()));
    push(&engine, &definition("many", "100", CHAIN)).await;
    let mut tasks = Vec::new();
    for _ in 0..32 {
        let engine = engine.clone();
        tasks.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..20 {
                ids.push(start(&engine, "many").await);
            }
            ids
        }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.extend(task.await.unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=640).collect::<Vec<_>>());
    for id in ids {
        assert_eq!(end(&engine, "many", id).await, InstanceStatus::Succeeded);
    }
    engine.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_step_runs_and_its_output_steers_the_branch() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let script = r#"echo hello; printf '{\"params\": {\"ok\": true}}' > \"$MAESTRO_OUTPUT_FILE\""#;
    let steps_json = format!(
        r#"{{"step":{{"id":"a","type":"Shell","params":{{
            "ok":{{"type":"BOOLEAN","value":false}},
            "shell":{{"type":"MAP","value":{{"script":{{"type":"STRING","value":"{script}"}}}}}}}},
            "transition":{{"successors":{{"yes":"ok","no":"!ok"}}}}}}}},
          {{"step":{{"id":"yes","type":"NoOp"}}}},{{"step":{{"id":"no","type":"NoOp"}}}}"#
    );
    push(&engine, &definition("sh", "1", &steps_json)).await;
    start(&engine, "sh").await;
    let status = end(&engine, "sh", 1).await;
    assert_eq!(
        steps(&engine, "sh", 1),
        [
            StepStatus::Succeeded,
            StepStatus::Succeeded,
            StepStatus::Unsatisfied
        ]
    );
    assert_eq!(status, InstanceStatus::Succeeded);
    engine.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_shell_step_survives_a_restart_of_the_engine() {
    // [09:12] [06:67]
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let go = dir.path().join("go");
    let ran = dir.path().join("ran");
    let script = format!(
        "echo x >>{}; while [ ! -e {} ]; do sleep 0.05; done",
        ran.display(),
        go.display()
    );
    let steps_json = format!(
        r#"{{"step":{{"id":"a","type":"Shell","params":{{
            "shell":{{"type":"MAP","value":{{"script":{{"type":"STRING","value":"{script}"}}}}}}}}}}}}"#
    );
    push(&engine, &definition("long", "1", &steps_json)).await;
    start(&engine, "long").await;
    while steps(&engine, "long", 1) != [StepStatus::Running] || !ran.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    engine.shutdown();
    drop(engine);
    let engine = open(dir.path());
    std::fs::write(&go, "").unwrap();
    assert_eq!(end(&engine, "long", 1).await, InstanceStatus::Succeeded);
    assert_eq!(
        std::fs::read_to_string(&ran).unwrap(),
        "x\n",
        "started once"
    );
    engine.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_processes_and_then_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let steps_json = r#"{"step":{"id":"a","type":"Shell","params":{
            "shell":{"type":"MAP","value":{"script":{"type":"STRING","value":"sleep 600"}}}}}}"#;
    push(&engine, &definition("stop", "1", steps_json)).await;
    start(&engine, "stop").await;
    while steps(&engine, "stop", 1) != [StepStatus::Running] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    engine
        .end("stop", 1, None, ActionKind::Stop, &user())
        .await
        .expect("stop");
    assert_eq!(end(&engine, "stop", 1).await, InstanceStatus::Stopped);
    assert_eq!(steps(&engine, "stop", 1), [StepStatus::Stopped]);
    engine.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_workflow_is_gone_and_its_id_goes_on_counting() {
    // [05:3]
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    push(&engine, &definition("gone", "1", CHAIN)).await;
    for i in 1..=3 {
        assert_eq!(start(&engine, "gone").await, i);
        end(&engine, "gone", i).await;
    }
    engine.delete("gone", &user()).await.expect("delete");
    assert!(engine.head("gone").unwrap().is_none());
    let request: WorkflowCreateRequest = read(definition("gone", "1", CHAIN).as_bytes()).unwrap();
    // Refused until the data is gone, then a new workflow.
    while let Err(error) = engine.push(request.clone(), user()).await {
        assert!(error.to_string().contains("being deleted"), "{error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(start(&engine, "gone").await, 4);
    engine.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_store_refuses_and_recovers_by_itself() {
    // [R-42] [09:28]
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    push(&engine, &definition("locked", "5", CHAIN)).await;
    let other = rusqlite::Connection::open(dir.path().join("maestro.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = tokio::spawn({
        let engine = engine.clone();
        async move { start(&engine, "locked").await }
    });
    while engine.health() != maestro_engine::Health::StoreAway {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let request: StartRequest = read(br#"{"initiator":{"type":"MANUAL"}}"#).expect("request");
    let refused = engine.start("locked", "latest", request, &user()).await;
    assert!(
        matches!(refused, Err(maestro_engine::EngineError::Unavailable)),
        "{refused:?}"
    );
    assert!(engine.head("locked").unwrap().is_some(), "reads go on");
    assert!(!waiting.is_finished(), "nothing is acknowledged meanwhile");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(waiting.await.unwrap(), 1);
    assert_eq!(end(&engine, "locked", 1).await, InstanceStatus::Succeeded);
    assert_eq!(
        start(&engine, "locked").await,
        2,
        "what was refused took no number"
    );
    engine.shutdown();
}
