//! Makes a job's folder ready for the supervisor.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::executor::LocalSettings;
use super::folder::{JobFolder, Root, make_dir, write_atomically};
use super::job::Job;
use super::log;
use super::record::{FORMAT_VERSION, JobRecord};

/// The file that a script is written to, in the working folder of the job (`spec 07` 16.2).
const SCRIPT_FILE: &str = ".maestro_script";

/// Writes everything that the job needs. Done again after a crash it gives the same, and disturbs no supervisor of the
/// server before that reads it at this moment: every file is replaced at once.
pub(crate) fn prepare(
    root: &Root,
    folder: &JobFolder,
    job: &Job,
    settings: &LocalSettings,
) -> io::Result<()> {
    make_dir(folder.path())?;
    let workdir = match &job.workdir {
        Some(path) => path.clone(),
        None => {
            let path = folder.work();
            make_dir(&path)?;
            path
        }
    };
    if let Some(script) = &job.command.script {
        write_atomically(&script_path(folder, job), script.as_bytes())?;
    }
    write_atomically(&folder.params(), &job.params)?;
    let log = root.log(folder.key());
    log::create(&log, job.first_log_line.as_deref())?;
    let (root_workflow, root_instance) = &job.identity.root;
    let shared = root.instance(root_workflow, *root_instance);
    make_dir(&shared)?;
    let record = JobRecord {
        version: FORMAT_VERSION,
        key: folder.key().to_owned(),
        argv: command(folder, job),
        env: environment(folder, job, settings, &workdir, &shared),
        workdir,
        log,
        max_log_bytes: settings.max_log_bytes,
        grace_ms: u64::try_from(job.grace.as_millis()).unwrap_or(u64::MAX),
        keep_background: job.keep_background,
        memory_bytes: job.memory_bytes,
    };
    write_atomically(&folder.record(), &serde_json::to_vec(&record)?)?;
    Ok(())
}

/// A working folder that the job shares with others must not get a file that is the job's own: two jobs of a loop would
/// overwrite each other's script there.
fn script_path(folder: &JobFolder, job: &Job) -> PathBuf {
    match job.workdir {
        Some(_) => folder.file(SCRIPT_FILE),
        None => folder.work().join(SCRIPT_FILE),
    }
}

/// What is actually run.
pub(crate) fn command(folder: &JobFolder, job: &Job) -> Vec<String> {
    let script = job
        .command
        .script
        .as_ref()
        .map(|_| text(&script_path(folder, job)));
    let parts = &job.command;
    parts
        .before
        .iter()
        .cloned()
        .chain(script)
        .chain(parts.after.iter().cloned())
        .collect()
}

/// The whole environment (`spec 07 BX-3, BX-11, BX-15`): what every job has, the job's own over it, and over all what
/// nobody may change.
fn environment(
    folder: &JobFolder,
    job: &Job,
    settings: &LocalSettings,
    workdir: &Path,
    shared: &Path,
) -> Vec<(String, String)> {
    let mut env: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in &settings.base_env {
        env.insert(name, value.clone());
    }
    env.insert("HOME", text(workdir));
    for (name, value) in &job.env {
        env.insert(name, value.clone());
    }
    let id = &job.identity;
    env.insert("MAESTRO_WORKFLOW_ID", id.workflow_id.clone());
    env.insert("MAESTRO_WORKFLOW_INSTANCE_ID", id.instance_id.to_string());
    env.insert("MAESTRO_WORKFLOW_RUN_ID", id.run_id.to_string());
    env.insert("MAESTRO_STEP_ID", id.step_id.clone());
    env.insert("MAESTRO_STEP_ATTEMPT_ID", id.attempt_id.to_string());
    env.insert("MAESTRO_STEP_INSTANCE_UUID", folder.key().to_owned());
    env.insert("MAESTRO_OUTPUT_START", crate::outputs::START.to_owned());
    env.insert("MAESTRO_OUTPUT_END", crate::outputs::END.to_owned());
    env.insert("MAESTRO_PARAMS_FILE", text(&folder.params()));
    env.insert(OUTPUT_VARIABLE, text(&folder.output()));
    env.insert("MAESTRO_INSTANCE_DIR", text(shared));
    env.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The entry of the environment by which the processes of a job are found when its supervisor was killed. It names the
/// job and the server's folder: another server on this machine may know the same uuid from a copy of the data.
pub(crate) fn mark(folder: &JobFolder) -> String {
    format!("{OUTPUT_VARIABLE}={}", text(&folder.output()))
}

const OUTPUT_VARIABLE: &str = "MAESTRO_OUTPUT_FILE";

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
