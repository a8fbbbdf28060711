//! `maestro run`.

use std::net::SocketAddr;

use maestro_server::config::Config;

use super::{Context, config, get, server, start};
use crate::args::RunArgs;
use crate::client::{CallError, Client};
use crate::definition;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Followed, Instance, Logs, RunView};
use crate::host::Host;
use crate::interrupts::Interrupts;
use crate::progress::Progress;
use crate::ui;

pub(crate) fn run(context: &Context, args: &RunArgs) -> Result<Exit, Failure> {
    let request = definition::read(&args.file)?;
    let workflow = request.workflow.id.to_string();
    let interrupts = Interrupts::install()?;
    let place = Place::find(context, args)?;
    let outcome = (|| {
        let pushed = definition::push(place.client(), request, args.owner.as_deref(), true)?;
        let version = pushed.version.to_string();
        let started = start::start(place.client(), &workflow, &version, &args.params)?;
        let instance = Instance {
            client: place.client().clone(),
            workflow: workflow.clone(),
            id: started.number("/workflow_instance_id").unwrap_or(0),
        };
        if !context.quiet {
            ui::note(&format!(
                "{workflow} {} started (version {version})",
                instance.id
            ));
        }
        follow(context, args, &place, &instance, &interrupts)
    })();
    place.leave();
    outcome
}

/// Where the run runs.
enum Place {
    Server(Client),
    Here {
        host: Host,
        client: Client,
        data: String,
    },
}

impl Place {
    fn find(context: &Context, args: &RunArgs) -> Result<Self, Failure> {
        if !args.local {
            let client = context.client()?;
            match client.answers() {
                Ok(()) => return Ok(Self::Server(client)),
                // Who names a server means that one.
                Err(error) if context.server.is_some() => {
                    return Err(Failure::from(error)
                        .hint("leave it out to run in an engine of this process"));
                }
                Err(CallError::Unreachable { .. } | CallError::Foreign { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut config = config::load(&config::sources(&args.settings))?.config;
        // An engine of one's own is for this user on this machine only.
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        if config.log == Config::new("".into()).log {
            "warn".clone_into(&mut config.log);
        }
        server::log(&config.log)?;
        let host = Host::start(&config)?;
        let client = Client::new(&host.address.to_string(), &context.user)?;
        Ok(Self::Here {
            host,
            client,
            data: config.engine.data.display().to_string(),
        })
    }

    fn client(&self) -> &Client {
        match self {
            Self::Server(client) | Self::Here { client, .. } => client,
        }
    }

    /// What goes on if this process ends now, and how to stop it.
    fn last_words(&self, instance: &Instance) -> String {
        let stop = format!("maestro stop {} {}", instance.workflow, instance.id);
        match self {
            Self::Server(client) => format!(
                "left; the server {} may still be at work on {} {}: `{stop}` stops it",
                client.server(),
                instance.workflow,
                instance.id
            ),
            Self::Here { data, .. } => format!(
                "left; processes of {} {} may go on: `maestro server --data {data}` finds them again, then `{stop}` stops \
                 them",
                instance.workflow, instance.id
            ),
        }
    }

    fn leave(self) {
        if let Self::Here { host, .. } = self {
            host.stop();
        }
    }
}

fn follow(
    context: &Context,
    args: &RunArgs,
    place: &Place,
    instance: &Instance,
    interrupts: &Interrupts,
) -> Result<Exit, Failure> {
    interrupts.last_words(place.last_words(instance));
    let mut progress = Progress::new(context.quiet, !args.logs);
    let mut logs = args.logs.then(|| Logs::new(context.json));
    let followed = instance.follow(&mut progress, logs.as_mut(), interrupts, true)?;
    let view = match followed {
        Followed::Over(view) => view,
        Followed::Interrupted(_) => {
            progress.say(&format!(
                "stopping {} {}; Ctrl-C again leaves at once",
                instance.workflow, instance.id
            ));
            // A run that has just ended cannot be stopped; its end is told below.
            let asked = instance.client.put(&instance.path("/actions/stop"));
            let followed = match asked {
                Err(error) if error.status() != Some(400) => {
                    return Err(not_stopped(error, place, instance));
                }
                _ => instance.follow(&mut progress, logs.as_mut(), interrupts, false)?,
            };
            let (Followed::Over(view) | Followed::Interrupted(view)) = followed;
            ui::note(&if view.status == "STOPPED" {
                format!(
                    "{} {} is stopped; nothing of it runs on",
                    instance.workflow, instance.id
                )
            } else {
                format!(
                    "{} {} had ended before it could be stopped",
                    instance.workflow, instance.id
                )
            });
            finish(context, place, logs, &view)?;
            return Ok(Exit::Interrupted);
        }
    };
    finish(context, place, logs, &view)?;
    Ok(if view.status == "SUCCEEDED" {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn not_stopped(error: CallError, place: &Place, instance: &Instance) -> Failure {
    ui::error(
        "error",
        &format!("{} {} could not be stopped", instance.workflow, instance.id),
    );
    ui::note(&place.last_words(instance));
    Failure::from(error).exit(Exit::Interrupted)
}

/// The last words of a run that was followed to its end. Nobody reading them does not change how it ended.
fn finish(
    context: &Context,
    place: &Place,
    logs: Option<Logs>,
    view: &RunView,
) -> Result<(), Failure> {
    if let Some(logs) = logs {
        logs.finish();
    }
    for why in get::failures(place.client(), view) {
        ui::note(&why);
    }
    let text = if context.json {
        view.answer.text.clone()
    } else {
        let took = view
            .took()
            .map(|ms| format!(" in {}", ui::span(ms)))
            .unwrap_or_default();
        format!(
            "{} {}: {}{took}",
            view.answer.str("/workflow_id"),
            view.answer.number("/workflow_instance_id").unwrap_or(0),
            ui::status(&view.status)
        )
    };
    match ui::out(&text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
