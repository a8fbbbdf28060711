//! Following a run to its end, and the logs of its steps.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use maestro_model::json::Json;

use crate::client::{Answer, CallError, Client, list_at, segment, str_at, workflow_path};
use crate::interrupts::Interrupts;
use crate::progress::Progress;
use crate::ui;

/// How soon a run is looked at again while it changes, and while it does not.
const SOON: Duration = Duration::from_millis(40);
const LATER: Duration = Duration::from_millis(500);
/// How long a server may be away before following it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// One step of a run.
#[derive(Clone, Debug)]
pub(crate) struct StepView {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    /// Whether it runs a job that writes a log.
    has_log: bool,
}

impl StepView {
    /// How long it took, in milliseconds.
    pub(crate) fn took(&self) -> Option<i64> {
        Some(self.end? - self.start?)
    }
}

/// A run as it is now.
#[derive(Debug)]
pub(crate) struct RunView {
    pub(crate) status: String,
    pub(crate) steps: Vec<StepView>,
    pub(crate) answer: Answer,
}

impl RunView {
    pub(crate) fn of(answer: Answer) -> Self {
        let types = |id: &str| {
            let of = |step: &Json| {
                let step = step.as_object()?.iter().next()?.1;
                (str_at(step, "/id") == id).then(|| str_at(step, "/type").to_owned())
            };
            list_at(&answer.json, "/runtime_workflow/steps")
                .iter()
                .find_map(of)
                .unwrap_or_default()
        };
        let views = answer
            .json
            .pointer("/aggregated_info/step_aggregated_views")
            .and_then(Json::as_object);
        let steps = views
            .into_iter()
            .flat_map(maestro_model::json::Object::iter);
        let steps = steps.map(|(id, view)| StepView {
            id: id.to_owned(),
            status: str_at(view, "/status").to_owned(),
            start: view.pointer("/start_time").and_then(Json::as_i64),
            end: view.pointer("/end_time").and_then(Json::as_i64),
            has_log: matches!(&*types(id), "Shell" | "Python"),
        });
        Self {
            status: answer.str("/status").to_owned(),
            steps: steps.collect(),
            answer,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        is_run_over(&self.status)
    }

    pub(crate) fn took(&self) -> Option<i64> {
        Some(self.answer.number("/end_time")? - self.answer.number("/start_time")?)
    }
}

/// Whether a run of this status has ended (spec 05).
pub(crate) fn is_run_over(status: &str) -> bool {
    matches!(status, "TIMED_OUT" | "STOPPED" | "FAILED" | "SUCCEEDED")
}

/// Whether nothing more comes of an attempt of this status; another attempt may follow.
pub(crate) fn is_step_over(status: &str) -> bool {
    may_be_retried(status)
        || matches!(
            status,
            "SUCCEEDED"
                | "COMPLETED_WITH_ERROR"
                | "SKIPPED"
                | "DISABLED"
                | "UNSATISFIED"
                | "FATALLY_FAILED"
                | "INTERNALLY_FAILED"
                | "STOPPED"
                | "TIMED_OUT"
        )
}

/// Whether another attempt may follow one of this status.
pub(crate) fn may_be_retried(status: &str) -> bool {
    matches!(status, "USER_FAILED" | "PLATFORM_FAILED" | "TIMEOUT_FAILED")
}

/// An instance on a server.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) client: Client,
    pub(crate) workflow: String,
    pub(crate) id: i64,
}

/// How following ended.
pub(crate) enum Followed {
    Over(RunView),
    Interrupted(RunView),
}

impl Instance {
    pub(crate) fn path(&self, rest: &str) -> String {
        workflow_path(&self.workflow, &format!("/instances/{}{rest}", self.id))
    }

    /// How it is now.
    pub(crate) fn view(&self) -> Result<RunView, CallError> {
        self.client.get(&self.path("")).map(RunView::of)
    }

    /// How it is now; a server that is away for a while is waited for.
    pub(crate) fn patient_view(&self, progress: &Progress) -> Result<RunView, CallError> {
        let mut since: Option<Instant> = None;
        loop {
            match self.view() {
                Err(error) if error.is_passing() => {
                    if since.is_none() {
                        progress.say(&format!("{error}; trying again"));
                    }
                    if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                        return Err(error);
                    }
                    std::thread::sleep(LATER);
                }
                other => return other,
            }
        }
    }

    /// Waits for its end; with `interrupts` only until a first signal comes.
    pub(crate) fn follow(
        &self,
        progress: &mut Progress,
        mut logs: Option<&mut Logs>,
        interrupts: &Interrupts,
        until_signal: bool,
    ) -> Result<Followed, CallError> {
        let mut pause = SOON;
        let mut last = String::new();
        loop {
            let view = self.patient_view(progress)?;
            progress.update(&view);
            if let Some(logs) = logs.as_deref_mut() {
                logs.update(self, &view);
            }
            if view.is_over() {
                progress.finish();
                return Ok(Followed::Over(view));
            }
            let now: String = view.steps.iter().map(|step| &*step.status).collect();
            pause = if now == last {
                (pause * 3 / 2).min(LATER)
            } else {
                SOON
            };
            last = now;
            let signal = if until_signal {
                interrupts.sleep(pause)
            } else {
                std::thread::sleep(pause);
                false
            };
            if signal {
                return Ok(Followed::Interrupted(view));
            }
        }
    }
}

/// Streams of the logs of all steps of a run, each line with its step.
#[derive(Default)]
pub(crate) struct Logs {
    seen: BTreeSet<String>,
    streams: Vec<JoinHandle<()>>,
    /// Standard output is taken by JSON.
    to_stderr: bool,
}

impl Logs {
    /// To standard output, or to standard error where that is taken by JSON.
    pub(crate) fn new(to_stderr: bool) -> Self {
        Self {
            to_stderr,
            ..Self::default()
        }
    }

    fn update(&mut self, instance: &Instance, view: &RunView) {
        for step in &view.steps {
            let has_begun = step.has_log && step.status != "NOT_CREATED";
            if !has_begun || !self.seen.insert(step.id.clone()) {
                continue;
            }
            let (instance, step, to_stderr) = (instance.clone(), step.id.clone(), self.to_stderr);
            let stream = std::thread::Builder::new()
                .name("log".to_owned())
                .spawn(move || {
                    let told = follow_step(&instance, &step, None, &mut |_| {}, &mut |line| {
                        let text = String::from_utf8_lossy(line);
                        let line = format!("[{step}] {}", text.trim_end_matches('\n'));
                        if to_stderr {
                            ui::note(&line);
                            return true;
                        }
                        // A reader that went away ends the log, not the run.
                        ui::out(&line).is_ok()
                    });
                    if let Err(error) = told {
                        ui::error(
                            "warning",
                            &format!("the log of step {step} broke off: {error}"),
                        );
                    }
                });
            self.streams.extend(stream);
        }
    }

    /// Waits for the last lines.
    pub(crate) fn finish(self) {
        for stream in self.streams {
            // A panic was told by its own message.
            let _ = stream.join();
        }
    }
}

/// A step's attempt as it is now.
pub(crate) struct AttemptView {
    pub(crate) run: i64,
    pub(crate) number: i64,
    pub(crate) status: String,
}

/// The latest attempt of a step; `None` if there is none yet.
pub(crate) fn latest_attempt(
    instance: &Instance,
    step: &str,
) -> Result<Option<AttemptView>, CallError> {
    match instance
        .client
        .get(&instance.path(&format!("/steps/{}", segment(step))))
    {
        Ok(answer) => Ok(Some(AttemptView {
            run: answer.number("/workflow_run_id").unwrap_or(1),
            number: answer.number("/step_attempt_id").unwrap_or(1),
            status: answer.str("/runtime_state/status").to_owned(),
        })),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Follows the log of a step, from its first attempt or the one that is named, over retries to its end. `say`
/// hears what is waited for; `line` gets each line and says whether it wants more.
pub(crate) fn follow_step(
    instance: &Instance,
    step: &str,
    attempt: Option<i64>,
    say: &mut dyn FnMut(&str),
    line: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), CallError> {
    let mut next = attempt.unwrap_or(1);
    let mut told = String::new();
    let mut has_lines = false;
    let mut line = |bytes: &[u8]| {
        has_lines = true;
        line(bytes)
    };
    loop {
        let latest = latest_attempt(instance, step)?;
        let view = instance.view()?;
        let reason = match &latest {
            None => format!(
                "step {step} has not started yet; the run is {}",
                view.status
            ),
            Some(latest) if latest.number < next => {
                format!(
                    "attempt {} ended as {}; waiting for the next",
                    latest.number, latest.status
                )
            }
            Some(latest) if latest.number == next && is_waiting(&latest.status) => {
                format!("step {step} is {}", latest.status)
            }
            Some(latest) => {
                if !stream_attempt(instance, step, latest.run, next, &mut line)? {
                    return Ok(());
                }
                let now = latest_attempt(instance, step)?;
                let is_last = now.as_ref().is_none_or(|now| {
                    now.number <= next && is_step_over(&now.status) && !may_be_retried(&now.status)
                });
                if attempt.is_some() || is_last {
                    if let Some(now) = now.filter(|_| !has_lines) {
                        say(&format!("step {step} wrote nothing; it is {}", now.status));
                    }
                    return Ok(());
                }
                next += 1;
                continue;
            }
        };
        // Nothing comes any more.
        let is_done = latest
            .as_ref()
            .is_some_and(|l| is_step_over(&l.status) && !may_be_retried(&l.status));
        if view.is_over() || is_done {
            say(&match latest {
                Some(latest) => format!("step {step} is {}; nothing more comes", latest.status),
                None => format!("step {step} did not start; the run is {}", view.status),
            });
            return Ok(());
        }
        if reason != told {
            say(&reason);
            told = reason;
        }
        std::thread::sleep(Duration::from_millis(150));
    }
}

fn is_waiting(status: &str) -> bool {
    matches!(
        status,
        "CREATED"
            | "INITIALIZED"
            | "PAUSED"
            | "WAITING_FOR_SIGNALS"
            | "EVALUATING_PARAMS"
            | "WAITING_FOR_PERMITS"
    )
}

/// The whole log of one attempt until it ends; whether more is wanted.
fn stream_attempt(
    instance: &Instance,
    step: &str,
    run: i64,
    attempt: i64,
    line: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<bool, CallError> {
    let path = format!(
        "/runs/{run}/steps/{}/attempts/{attempt}/logs?follow=true",
        segment(step)
    );
    match stream_log(&instance.client, &instance.path(&path), line) {
        // An attempt without a local job has no log.
        Err(error) if error.status() == Some(404) => Ok(true),
        other => other,
    }
}

/// A text line by line; whether more is wanted.
pub(crate) fn stream_log(
    client: &Client,
    path: &str,
    line: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<bool, CallError> {
    let mut stream = BufReader::new(client.stream(path)?);
    let mut text = Vec::new();
    loop {
        text.clear();
        match stream.read_until(b'\n', &mut text) {
            Ok(0) => return Ok(true),
            Ok(_) if line(&text) => {}
            Ok(_) => return Ok(false),
            Err(error) => {
                return Err(CallError::Unreachable {
                    server: client.server().to_owned(),
                    reason: error.to_string(),
                });
            }
        }
    }
}

/// Writes bytes of a log as they are.
pub(crate) fn raw_out(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
