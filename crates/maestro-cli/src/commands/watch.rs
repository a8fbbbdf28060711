//! `maestro watch`.

use super::{Context, get};
use crate::args::WatchArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Followed, Instance, Logs};
use crate::interrupts::Interrupts;
use crate::progress::Progress;
use crate::ui;

pub(crate) fn run(context: &Context, args: &WatchArgs) -> Result<Exit, Failure> {
    let instance = Instance {
        client: context.client()?,
        workflow: args.workflow.clone(),
        id: args.instance,
    };
    // A server that is not there at the start is told at once; later on it is waited for.
    instance.view()?;
    let interrupts = Interrupts::install()?;
    let goes_on = format!(
        "{} {} goes on; `maestro stop {} {}` stops it",
        args.workflow, args.instance, args.workflow, args.instance
    );
    interrupts.last_words(&*goes_on);
    let mut progress = Progress::new(context.quiet, !args.logs);
    let mut logs = args.logs.then(|| Logs::new(context.json));
    match instance.follow(&mut progress, logs.as_mut(), &interrupts, true)? {
        Followed::Interrupted(_) => {
            progress.finish();
            ui::note(&goes_on);
            Ok(Exit::Interrupted)
        }
        Followed::Over(view) => {
            if let Some(logs) = logs {
                logs.finish();
            }
            let is_success = view.status == "SUCCEEDED";
            for why in get::failures(&instance.client, &view) {
                ui::note(&why);
            }
            ui::out(&if context.json {
                view.answer.text
            } else {
                get::run_table(&view)
            })?;
            Ok(if is_success { Exit::Done } else { Exit::Failed })
        }
    }
}
