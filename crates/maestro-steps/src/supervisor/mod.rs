//! The process that stands between the server and one job.
//!
//! The server starts `maestro __supervise` and writes the path of a job's folder to its standard input. The
//! supervisor makes itself independent of the server, gets the job's claim, starts the job, copies its output to the
//! log, ends it when told to (`SIGTERM`), ends what it leaves behind, and records how it ended. It outlives the
//! server; it needs nothing but the folder. It is one thread around one `poll`, and is started for every job, so it
//! touches little: no runtime, no argument parser, no environment. The life of a job is told in
//! `docs/design/local-jobs.md`.

mod watch;

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Resource, Rlimit, getpid, prlimit, set_child_subreaper, setsid};

use crate::local::folder::{Claimed, JobFolder, Root, sync_dir, write_atomically, write_json};
use crate::local::log::LogWriter;
use crate::local::process::ProcessIdentity;
use crate::local::record::{
    Claim, End, ExitRecord, FORMAT_VERSION, JobRecord, MainRecord, Report, StartFailure,
};
use watch::{Signals, Watch};

/// The hidden subcommand under which a program offers [`main`].
pub const SUBCOMMAND: &str = "__supervise";

/// Runs the supervisor of one job: what a program does when its first argument is [`SUBCOMMAND`], before it does
/// anything else. Returns when the job has ended and its end is recorded.
///
/// `_args` are those after the subcommand; there are none yet.
pub fn main(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&Report::Failed(error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    // Away from the server's terminal and process group; fails only for a process that leads a group already.
    let _ = setsid();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let Some(path) = line.strip_suffix('\n') else {
        // The server ended before it had a job for us.
        return Ok(());
    };
    let folder = Root::of_job(Path::new(path))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the folder of a job"))?;
    let signals = Signals::handle()?;
    set_child_subreaper(Some(getpid()))?;
    let job: JobRecord = serde_json::from_slice(&std::fs::read(folder.record())?)?;
    if job.version > FORMAT_VERSION {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the job was written by a newer version",
        ));
    }
    let log = LogWriter::open(&job.log, job.max_log_bytes)?;
    let me = ProcessIdentity::of(getpid().as_raw_pid())?;
    match folder.claim(&Claim::Supervisor(me))? {
        // The folder is gone if the attempt was over and released while we were on the way.
        Claimed::Won if folder.record().exists() => {}
        Claimed::Won | Claimed::Lost => {
            report(&Report::Refused);
            return Ok(());
        }
    }
    let exit = supervise(&folder, &job, signals, log);
    record(&folder, &exit)
}

/// From the claim to the end of the last process.
fn supervise(
    folder: &JobFolder,
    job: &JobRecord,
    mut signals: Signals,
    log: LogWriter,
) -> ExitRecord {
    let started_at = now_ms();
    let ended = |end, stop_asked, log_error| ExitRecord {
        version: FORMAT_VERSION,
        end,
        stop_asked,
        started_at,
        ended_at: now_ms(),
        log_error,
    };
    if signals.take_stop() {
        return ended(End::StoppedBefore, true, None);
    }
    let (output, main) = match start(job) {
        Ok(started) => started,
        Err(failure) => return ended(End::NotStarted(failure), false, None),
    };
    if let Ok(process) = ProcessIdentity::of(main) {
        let record = MainRecord {
            process,
            started_at,
        };
        // Its loss costs the next server the process number in the artifact, nothing else.
        let _ = write_json(&folder.file("main.json"), &record);
        report(&Report::Started(record));
    }
    let mut watch = Watch::new(
        main,
        output,
        log,
        signals,
        Duration::from_millis(job.grace_ms),
    );
    let end = watch.main_process();
    if !job.keep_background {
        watch.left_overs();
    }
    watch.rest_of_output();
    if job.keep_background {
        watch.hand_over_output();
    }
    ended(end, watch.stop_asked(), watch.log_error())
}

/// Starts the job's main process; gives the end from which its output is read, and its number.
fn start(job: &JobRecord) -> Result<(std::io::PipeReader, i32), StartFailure> {
    let failure = |message: String, error: &io::Error| StartFailure {
        message,
        node: matches!(
            error
                .raw_os_error()
                .map(rustix::io::Errno::from_raw_os_error),
            Some(
                rustix::io::Errno::AGAIN
                    | rustix::io::Errno::NOMEM
                    | rustix::io::Errno::MFILE
                    | rustix::io::Errno::NFILE
            )
        ),
    };
    let (reader, writer) =
        io::pipe().map_err(|error| failure(format!("cannot make a pipe: {error}"), &error))?;
    let (program, args) = job.argv.split_first().ok_or_else(|| StartFailure {
        message: "the command is empty".into(),
        node: false,
    })?;
    match std::fs::metadata(&job.workdir) {
        Ok(data) if data.is_dir() => {}
        Ok(_) => {
            return Err(StartFailure {
                message: format!("`workdir` is not a folder: `{}`", job.workdir.display()),
                node: false,
            });
        }
        Err(error) => {
            return Err(failure(
                format!("cannot use `workdir` `{}`: {error}", job.workdir.display()),
                &error,
            ));
        }
    }
    let path = job.env.iter().rfind(|(name, _)| name == "PATH");
    let file = find_program(program, path.map_or("", |(_, value)| value), &job.workdir);
    let mut command = Command::new(file);
    command
        .arg0(program)
        .args(args)
        .env_clear()
        .envs(job.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&job.workdir)
        .stdin(Stdio::null())
        .stdout(
            writer
                .try_clone()
                .map_err(|error| failure(format!("cannot share a pipe: {error}"), &error))?,
        )
        .stderr(writer)
        .process_group(0);
    match command.spawn() {
        // Dropping the handle neither ends nor reaps the process: the watch does.
        Ok(child) => {
            limit_memory(&child, job.memory_bytes);
            Ok((reader, child.id().cast_signed()))
        }
        Err(error) => Err(failure(start_message(program, &error), &error)),
    }
}

/// Limits the data of each process of the job. Set from outside: under a low limit of its own the supervisor could not
/// do its work. What the main process does in between is little, and its children inherit the limit.
fn limit_memory(main: &Child, bytes: Option<u64>) {
    if let Some(bytes) = bytes {
        let limit = Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        };
        // It fails only if the process has ended already.
        let _ = prlimit(Some(Pid::from_child(main)), Resource::Data, limit);
    }
}

/// Where the program lies by the job's own path. A program that has a place already is started without a copy of this
/// process being made, which a search by the standard library would cost.
fn find_program(program: &str, path: &str, workdir: &Path) -> PathBuf {
    if !program.contains('/') {
        for dir in path.split(':') {
            let file = workdir.join(dir).join(program);
            if std::fs::metadata(&file)
                .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
            {
                return file;
            }
        }
        // Named with a slash, it is not searched for again, and the error is "not found".
        return Path::new("/nonexistent").join(program);
    }
    workdir.join(program)
}

fn start_message(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "the program `{program}` is not there; install it on the node or name another in `interpreter`"
        ),
        io::ErrorKind::PermissionDenied => format!("the program `{program}` cannot be executed"),
        io::ErrorKind::ArgumentListTooLong => format!(
            "arguments and environment of `{program}` are larger than the system allows; read large values from the \
             file that `MAESTRO_PARAMS_FILE` names"
        ),
        _ => format!("cannot start `{program}`: {error}"),
    }
}

/// Makes the end known. It is safe from the death of any process as soon as the record has its name, so the server
/// need not wait for the disk; a loss of power in that moment ends the machine and is covered by the claim.
fn record(folder: &JobFolder, exit: &ExitRecord) -> io::Result<()> {
    let path = folder.file("exit.json");
    let file = write_atomically(&path, &serde_json::to_vec(exit)?)?;
    let dir = std::fs::File::open(folder.path());
    report(&Report::Ended(exit.clone()));
    file.sync_all()?;
    match dir {
        Ok(dir) => dir.sync_all(),
        Err(_) => sync_dir(folder.path()),
    }
}

/// Tells the server, if it is still there: it reads the same from the folder otherwise.
fn report(report: &Report) {
    if let Ok(mut line) = serde_json::to_vec(report) {
        line.push(b'\n');
        let mut out = io::stdout().lock();
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|d| i64::try_from(d.as_millis()).ok())
        .unwrap_or(0)
}
