//! `maestro logs`.

use maestro_model::json::{Json, Object};

use super::Context;
use crate::args::LogsArgs;
use crate::client::segment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{AttemptView, Instance, follow_step, latest_attempt, raw_out, stream_log};
use crate::interrupts::Interrupts;
use crate::ui;

pub(crate) fn run(context: &Context, args: &LogsArgs) -> Result<Exit, Failure> {
    let instance = Instance {
        client: context.client()?,
        workflow: args.workflow.clone(),
        id: args.instance,
    };
    let interrupts = Interrupts::install()?;
    let view = instance.view()?;
    if !view.steps.iter().any(|step| step.id == args.step) {
        let steps: Vec<&str> = view.steps.iter().map(|step| &*step.id).collect();
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "{} {} has no step `{}`",
                args.workflow, args.instance, args.step
            ),
        )
        .hint(format!("its steps are {}", steps.join(", "))));
    }
    let mut failed = None;
    let mut line = |bytes: &[u8]| {
        if interrupts.came() {
            return false;
        }
        let written = if context.json {
            let text = String::from_utf8_lossy(bytes);
            let line = Json::String(text.trim_end_matches('\n').into());
            ui::out(&Json::Object(Object::from_members(vec![("line".into(), line)])).to_text())
        } else {
            raw_out(bytes)
        };
        failed = written.err();
        failed.is_none()
    };
    if args.follow {
        // A read that waits for the job's next line cannot be woken; the process can.
        let watched = interrupts.clone();
        let goes_on = format!("{} {} goes on", args.workflow, args.instance);
        std::thread::spawn(move || {
            watched.wait();
            ui::note(&goes_on);
            std::process::exit(i32::from(Exit::Interrupted as u8));
        });
        follow_step(
            &instance,
            &args.step,
            args.attempt,
            &mut |reason| ui::note(reason),
            &mut line,
        )?;
    } else {
        let Some(latest) = latest_attempt(&instance, &args.step)? else {
            return Err(Failure::new(
                Exit::Failed,
                format!("step `{}` has not started yet", args.step),
            )
            .hint("`--follow` waits for it"));
        };
        let attempt = args.attempt.unwrap_or(latest.number);
        let path = format!(
            "/runs/{}/steps/{}/attempts/{attempt}/logs",
            latest.run,
            segment(&args.step)
        );
        match stream_log(&instance.client, &instance.path(&path), &mut line) {
            Err(error) if error.status() == Some(404) && args.attempt.is_none() => {
                return Err(no_log(&args.step, &latest));
            }
            other => other?,
        };
    }
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(Exit::Done),
    }
}

/// Why the latest attempt has no log, and which one may have.
fn no_log(step: &str, latest: &AttemptView) -> Failure {
    let AttemptView { number, status, .. } = latest;
    let message = format!("attempt {number} of step `{step}` has no log: it is {status}");
    let failure = Failure::new(Exit::Failed, message);
    match number {
        1 => failure,
        _ => failure.hint(format!("`--attempt {}` shows the one before", number - 1)),
    }
}
