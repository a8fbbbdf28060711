//! The commands, one file each.

mod administration;
mod apply;
mod completions;
mod config;
mod delete;
mod diff;
mod get;
mod list;
mod logs;
mod params;
mod pull;
mod push;
mod run;
mod schema;
mod sel;
mod server;
mod start;
mod stop;
mod unblock;
mod validate;
mod watch;

use crate::args::{Args, Command};
use crate::client::{Client, DEFAULT_SERVER};
use crate::exit::Exit;
use crate::failure::Failure;

/// What all commands know.
pub(crate) struct Context {
    server: Option<String>,
    user: String,
    json: bool,
    quiet: bool,
}

impl Context {
    /// A client of the server that is named; `None` if none is.
    fn named_client(&self) -> Result<Option<Client>, Failure> {
        let client = |server: &String| Client::new(server, &self.user);
        self.server.as_ref().map(client).transpose()
    }

    /// A client of the server that is named, or of the default one.
    fn client(&self) -> Result<Client, Failure> {
        Client::new(self.server.as_deref().unwrap_or(DEFAULT_SERVER), &self.user)
    }
}

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let context = Context {
        server: given(args.server, "MAESTRO_SERVER"),
        user: given(args.user, "MAESTRO_USER").unwrap_or_else(os_user),
        json: args.json,
        quiet: args.quiet,
    };
    match args.command {
        Command::Run(args) => run::run(&context, &args),
        Command::Params(args) => params::run(&context, &args),
        Command::Push(args) => push::run(&context, &args),
        Command::Validate(args) => validate::run(&context, &args),
        Command::Apply(args) => apply::run(&context, &args),
        Command::Pull(args) => pull::run(&context, &args),
        Command::Diff(args) => diff::run(&context, &args),
        Command::Versions(args) => administration::versions(&context, &args),
        Command::Activate(args) => administration::activate(&context, &args),
        Command::Deactivate(args) => administration::deactivate(&context, &args),
        Command::Tags(args) => administration::tags(&context, &args),
        Command::Properties(args) => administration::properties(&context, &args),
        Command::Schema => schema::run(),
        Command::Start(args) => start::run(&context, &args),
        Command::Stop(args) => stop::run(&context, &args),
        Command::Unblock(args) => unblock::run(&context, &args),
        Command::Get(args) => get::run(&context, &args),
        Command::List(args) => list::run(&context, &args),
        Command::Watch(args) => watch::run(&context, &args),
        Command::Logs(args) => logs::run(&context, &args),
        Command::Delete(args) => delete::run(&context, &args),
        Command::Server(args) => server::run(&args),
        Command::Sel(args) => sel::run(&context, &args),
        Command::Config(args) => config::run(&context, &args),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// What an option or else a variable says. Clap could read the variable, but would then show the option in every usage line.
fn given(option: Option<String>, variable: &str) -> Option<String> {
    let option = option.filter(|text| !text.is_empty());
    option.or_else(|| std::env::var(variable).ok().filter(|text| !text.is_empty()))
}

/// The user of the operating system.
fn os_user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".to_owned())
}
