//! Small rows.

use maestro_model::state::{
    DeletedWorkflow, InstanceRef, Origin, PropertiesRow, RunBody, RunHead, RunKey, RunPolicy,
    RunRow, RunStatus, Stamp, StepState, StepStatus, StepTimes, Timeline, VersionRow, WorkflowKey,
    WorkflowRow,
};
use uuid::Uuid;

/// Time of the run with key 0; each next one is created a second later.
pub(crate) const T0: i64 = 1_700_000_000_000;

pub(crate) fn workflow(key: i64, id: &str) -> WorkflowRow {
    WorkflowRow {
        key: WorkflowKey(key),
        id: id.into(),
        latest_version: 1,
        active_version: Some(1),
        last_instance: 0,
        properties: T0,
        activate_time: Some(T0),
        activated_by: Some(r#"{"name":"u"}"#.into()),
        modify_time: T0,
    }
}

pub(crate) fn deleted(key: i64, id: &str, last_instance: i64) -> DeletedWorkflow {
    DeletedWorkflow {
        key: WorkflowKey(key),
        id: id.into(),
        last_instance,
        author: r#"{"name":"u"}"#.into(),
        at: T0,
    }
}

pub(crate) fn version(workflow: i64, version: i64) -> VersionRow {
    VersionRow {
        workflow: WorkflowKey(workflow),
        version,
        definition: format!(r#"{{"n":{version}}}"#).into(),
        metadata: "{}".into(),
    }
}

pub(crate) fn properties(workflow: i64, create_time: i64) -> PropertiesRow {
    PropertiesRow {
        workflow: WorkflowKey(workflow),
        create_time,
        author: "{}".into(),
        properties: format!(r#"{{"t":{create_time}}}"#).into(),
    }
}

pub(crate) fn head(status: RunStatus, modify_time: i64) -> RunHead {
    RunHead {
        status,
        dequeue_time: None,
        start_time: None,
        end_time: None,
        modify_time,
        own_result: None,
        ending: None,
        next_seq: 3,
        timeline: Timeline::default(),
    }
}

pub(crate) fn run(key: i64, workflow: i64, instance: i64, run: i64, status: RunStatus) -> RunRow {
    let at = T0 + key * 1000;
    RunRow {
        key: RunKey(key),
        workflow: WorkflowKey(workflow),
        id: InstanceRef { instance, run },
        head: head(status, at),
        body: RunBody {
            uuid: Uuid::from_u128(key.unsigned_abs().into()),
            named: false,
            version: 1,
            properties: T0,
            policy: RunPolicy::StartFreshNewRun,
            request_time: at,
            create_time: at,
            origin: Box::new(Origin {
                user: Some(r#"{"name":"u"}"#.into()),
                ..Origin::default()
            }),
            params: None,
            timeout: None,
            dag: None,
            baseline: None,
            instance_step_concurrency: None,
            group_info: 5,
        },
    }
}

pub(crate) fn state(status: StepStatus, seq: u32) -> StepState {
    let mut times = StepTimes::default();
    times.set(Stamp::Create, T0);
    StepState {
        status,
        seq,
        times,
        retries: None,
        satisfied: Some(true),
        conditions: None,
        ending: None,
        artifacts: None,
        timeout: None,
        signal_outputs: None,
        timeline: Timeline::default(),
    }
}
