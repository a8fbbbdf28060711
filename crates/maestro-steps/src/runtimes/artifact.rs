//! The artifact of steps that run as jobs (`spec 07 BX-10`).

use maestro_model::definition::LeafType;
use maestro_model::json::{Json, Object};

use super::{Ended, Started, StepArtifact};
use crate::local::{Job, Label};

/// How the artifact of a type is called (`spec 07 BX-1`).
pub(super) fn label(step_type: LeafType, execution_script: Option<String>) -> Label {
    let (artifact_key, artifact_type) = match step_type {
        LeafType::Python => ("maestro_python", "PYTHON"),
        _ => ("maestro_shell", "SHELL"),
    };
    Label {
        artifact_key,
        artifact_type,
        execution_script,
    }
}

pub(super) fn running(started: &Started) -> StepArtifact {
    build(&started.job, Some(started), None)
}

/// None if the job was never known to its runtime.
pub(super) fn ended(ended: &Ended) -> Option<StepArtifact> {
    (!ended.job.label.artifact_key.is_empty())
        .then(|| build(&ended.job, ended.started.as_ref(), Some(ended)))
}

fn build(job: &Job, started: Option<&Started>, ended: Option<&Ended>) -> StepArtifact {
    let mut object = Object::new();
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            object.insert(name, value);
        }
    };
    let text = |text: &String| Json::from(text.as_str());
    put("job_id", Some(Json::from(job.job_id())));
    put("executor", Some(Json::from("local")));
    put("node", started.map(|s| text(&s.node)));
    put("pid", started.map(|s| Json::from(i64::from(s.pid))));
    put(
        "command",
        started.map(|s| Json::Array(s.command.iter().map(text).collect())),
    );
    put(
        "execution_script",
        job.label.execution_script.as_ref().map(text),
    );
    put(
        "exit_code",
        ended
            .and_then(|e| e.exit_code)
            .map(|code| Json::from(i64::from(code))),
    );
    put("signal", ended.and_then(|e| e.signal.as_ref()).map(text));
    put(
        "start_time",
        started
            .map(|s| s.start_time)
            .or(ended.and_then(|e| e.start_time))
            .map(Json::from),
    );
    put("end_time", ended.and_then(|e| e.end_time).map(Json::from));
    put(
        "execution_output",
        ended.and_then(|e| e.execution_output.as_ref()).map(text),
    );
    put(
        "log_location",
        started.map(|s| Json::from(&*s.log_location.to_string_lossy())),
    );
    // With the number alone nobody could say later which process was meant (`spec 07 BX-8`).
    put(
        "pid_start_ticks",
        started
            .and_then(|s| i64::try_from(s.pid_start_ticks).ok())
            .map(Json::from),
    );
    put("type", Some(Json::from(job.label.artifact_type)));
    StepArtifact {
        key: job.label.artifact_key,
        json: Json::Object(object),
    }
}
