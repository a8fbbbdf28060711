//! Where a test runs its jobs.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use maestro_model::json::Json;
use maestro_steps::local::{JobKey, LocalSettings};
use maestro_steps::runtimes::{AttemptEnd, Report, Runtimes, StepArtifact};
use maestro_steps::supervisor::SUBCOMMAND;

use crate::support;

const TESTBED: &str = env!("CARGO_BIN_EXE_maestro-steps-testbed");

/// The runtimes on a folder of their own.
pub(crate) struct Bed {
    pub(crate) runtimes: Runtimes,
    pub(crate) dir: tempfile::TempDir,
    reports: Receiver<Report>,
}

pub(crate) fn settings() -> LocalSettings {
    LocalSettings {
        supervisor: vec![TESTBED.into(), SUBCOMMAND.into()],
        node: "node-1".into(),
        ..LocalSettings::default()
    }
}

pub(crate) fn key(text: &str) -> JobKey {
    JobKey::new(text).expect("is plain")
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: LocalSettings) -> Self {
        Self::on(tempfile::tempdir().expect("a folder"), settings)
    }

    /// On the folder that an earlier server has left.
    pub(crate) fn on(dir: tempfile::TempDir, settings: LocalSettings) -> Self {
        let (send, reports) = channel();
        let runtimes = Runtimes::open(&jobs(&dir), settings, move |report| {
            let _ = send.send(report);
        })
        .expect("opens");
        Self {
            runtimes,
            dir,
            reports,
        }
    }

    pub(crate) fn start(&self, json: &str) {
        self.runtimes.start(&attempt(json));
    }

    pub(crate) fn adopt(&self, json: &str) {
        self.runtimes.adopt(&[attempt(json)]);
    }

    pub(crate) fn cancel(&self, name: &str) {
        self.runtimes.cancel(&key(name));
    }

    /// The next report.
    pub(crate) fn report(&self) -> Report {
        self.reports.recv().expect("the runtimes live")
    }

    /// The next report, which is a start.
    pub(crate) fn started(&self) -> (String, StepArtifact) {
        match self.report() {
            Report::Started { key, artifact } => (key.to_string(), artifact),
            Report::Ended(end) => panic!("not started: {end:?}"),
        }
    }

    /// The next end, starts passed over.
    pub(crate) fn ended(&self) -> AttemptEnd {
        loop {
            if let Report::Ended(end) = self.report() {
                return *end;
            }
        }
    }

    /// Runs one attempt.
    pub(crate) fn run(&self, json: &str) -> AttemptEnd {
        self.start(json);
        self.ended()
    }

    /// Runs a Shell step with this script as attempt `k`.
    pub(crate) fn shell(&self, script: &str) -> AttemptEnd {
        self.run(&shell("k", script, ""))
    }

    pub(crate) fn log(&self, name: &str) -> Vec<u8> {
        let mut all = Vec::new();
        let mut offset = 0;
        loop {
            let chunk = self
                .runtimes
                .local()
                .read_log(&key(name), offset, 1 << 20)
                .expect("reads");
            if chunk.bytes.is_empty() {
                return all;
            }
            all.extend(chunk.bytes);
            offset = chunk.next_offset;
        }
    }

    pub(crate) fn log_text(&self, name: &str) -> String {
        String::from_utf8(self.log(name)).expect("is UTF-8")
    }

    /// A path outside of what the runtimes own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn gate(&self, name: &str) -> PathBuf {
        gate(self.dir.path(), name)
    }

    pub(crate) fn job_file(&self, name: &str, file: &str) -> PathBuf {
        jobs(&self.dir).join("jobs").join(name).join(file)
    }

    pub(crate) fn claim_file(&self, name: &str) -> PathBuf {
        jobs(&self.dir).join("claims").join(name)
    }
}

pub(crate) fn jobs(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("local-jobs")
}

/// A named pipe, on which a job tells the test how far it is: nobody has to look again and again.
pub(crate) fn gate(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
        .expect("makes");
    path
}

/// Waits for one line at the gate.
pub(crate) fn wait_at(gate: &Path) -> String {
    let mut text = String::new();
    fs::File::open(gate)
        .expect("opens")
        .read_to_string(&mut text)
        .expect("reads");
    text.trim().to_owned()
}

/// Lets whoever reads from the gate go on.
pub(crate) fn open_gate(gate: &Path) {
    fs::write(gate, "go\n").expect("writes");
}

pub(crate) fn attempt(json: &str) -> maestro_steps::runtimes::Launch {
    support::launch(&Json::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}")))
}

/// The JSON of a Shell attempt; `more` holds further members of the map.
pub(crate) fn shell(name: &str, script: &str, more: &str) -> String {
    let script = Json::from(script).to_text();
    format!(r#"{{"key":"{name}","step":{{"shell":{{"script":{script}{more}}}}}}}"#)
}

/// The JSON of a Python attempt with further members of the map and of the step.
pub(crate) fn python(name: &str, script: &str, more: &str, params: &str) -> String {
    let script = Json::from(script).to_text();
    format!(
        r#"{{"key":"{name}","type":"Python","step":{{"python":{{"script":{script}{more}}}{params}}}}}"#
    )
}

pub(crate) fn is_alive(pid: &str) -> bool {
    assert!(!pid.is_empty(), "no process number");
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !matches!(
            stat.rsplit(") ").next().and_then(|s| s.chars().next()),
            Some('Z' | 'X')
        )
    })
}

pub(crate) fn pid_of(artifact: &StepArtifact) -> String {
    artifact
        .json
        .pointer("/pid")
        .and_then(Json::as_i64)
        .expect("has a pid")
        .to_string()
}

pub(crate) fn member<'a>(end: &'a AttemptEnd, name: &str) -> Option<&'a Json> {
    end.artifact
        .as_ref()
        .and_then(|artifact| artifact.json.pointer(name))
}

pub(crate) fn text_of(end: &AttemptEnd, name: &str) -> String {
    member(end, name)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

pub(crate) fn kill(pid: &str, signal: rustix::process::Signal) {
    rustix::process::kill_process(number(pid), signal).expect("is sent");
}

pub(crate) fn kill_group(pid: &str, signal: rustix::process::Signal) {
    rustix::process::kill_process_group(number(pid), signal).expect("is sent");
}

fn number(pid: &str) -> rustix::process::Pid {
    pid.parse()
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .expect("is a number")
}

/// Waits until a process that is not our child is gone.
pub(crate) fn wait_gone(pid: &str) {
    use rustix::event::{PollFd, PollFlags, poll};
    let flags = rustix::process::PidfdFlags::empty();
    if let Ok(fd) = rustix::process::pidfd_open(number(pid), flags) {
        poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).expect("waits");
    }
}

/// The supervisor that holds the claim of a job.
pub(crate) fn supervisor_of(claim: &Path) -> String {
    let json = Json::parse(&fs::read(claim).expect("is claimed")).expect("is JSON");
    json.pointer("/Supervisor/pid")
        .and_then(Json::as_i64)
        .expect("a supervisor has it")
        .to_string()
}

/// A server in a process of its own.
pub(crate) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn on(dir: &tempfile::TempDir) -> Self {
        let mut child = Command::new(TESTBED)
            .arg(jobs(dir))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawns");
        let output = BufReader::new(child.stdout.take().expect("is piped"));
        Self { child, output }
    }

    pub(crate) fn tell(&mut self, command: &str, json: &str) {
        let input = self.child.stdin.as_mut().expect("is piped");
        writeln!(input, "{command} {json}").expect("listens");
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("reads");
        line.trim().to_owned()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("lives");
        self.child.wait().expect("is ours");
    }
}
