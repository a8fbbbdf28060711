//! The arguments.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::exit;

/// Run workflows of data and machine-learning jobs
///
/// `maestro run FILE` runs a workflow and follows it. `maestro server` keeps workflows running; all other commands are its
/// client. Standard output is data, standard error is everything else; with --json standard output is JSON alone.
#[derive(Parser, Debug)]
#[command(name = "maestro", version, after_long_help = exit::HELP, subcommand_required = true)]
pub struct Args {
    /// Address of the server [env: MAESTRO_SERVER] [default: http://127.0.0.1:8080]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help_heading = "Global options"
    )]
    pub server: Option<String>,
    /// Who you are [env: MAESTRO_USER] [default: the user of the operating system]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub user: Option<String>,
    /// Write JSON to standard output, and nothing else
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Show no progress
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE count where it is auto
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes it so for the whole process.
    pub(crate) fn choose(self) {
        match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// Commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a workflow file and follow it to its end
    ///
    /// Uses the server that answers at the address of --server; without one, an engine in this process on the same data
    /// folder. Pushes the file if the newest version differs from it, starts an instance, and shows its steps as they go.
    ///
    /// The first Ctrl-C stops the run and waits until it has stopped; the second one leaves at once and says what goes on.
    /// The exit status is 0 only if the run SUCCEEDED.
    Run(RunArgs),
    /// Store workflow definitions on the server
    ///
    /// A file is JSON or YAML: a create request, a bare workflow object, or the workflow DSL. Every push makes a new version.
    Push(PushArgs),
    /// Show all problems of workflow files, at their lines
    ///
    /// A file is JSON or YAML: a create request, a bare workflow object, or the workflow DSL. With --server the server's own
    /// checks follow, which evaluate params and know job templates. Ends with status 2 if there is a problem.
    Validate(ValidateArgs),
    /// Bring a server in line with definition files
    ///
    /// Takes files, and folders with files that end in .json, .yaml or .yml. Shows what is new, changed and unchanged, checks
    /// everything before it pushes anything, and pushes what is new or changed. A file that says what the newest version and
    /// the properties say already makes no version.
    Apply(ApplyArgs),
    /// Write the definitions of a server as files for `apply`
    Pull(PullArgs),
    /// Show how two versions of a workflow differ
    Diff(DiffArgs),
    /// List the versions of a workflow, newest first
    Versions(VersionsArgs),
    /// Make a version of a workflow the active one
    Activate(ActivateArgs),
    /// Have no active version of a workflow; running instances go on
    Deactivate(WorkflowArgs),
    /// Show, add or remove the tags of a workflow
    Tags(TagsArgs),
    /// Show or change the properties of a workflow
    Properties(PropertiesArgs),
    /// Write the JSON Schema of workflow files, for editors
    Schema,
    /// Start an instance of a workflow
    Start(StartArgs),
    /// Stop an instance, or all instances of a workflow
    Stop(StopArgs),
    /// Unblock a failed instance, or all failed instances of a workflow
    ///
    /// A workflow with the run strategy STRICT_SEQUENTIAL starts nothing while a failed instance is there. Unblocked
    /// ones stay FAILED, but hold it up no longer.
    Unblock(UnblockArgs),
    /// Show a workflow, an instance, or a step
    Get(GetArgs),
    /// List workflows, or the instances of one
    List(ListArgs),
    /// Show what the params of a start would be, and where their values come from
    ///
    /// Nothing is started or stored. With --instance it shows those of a run that was. Ends with status 1 if a param cannot
    /// be evaluated, and shows the place in its expression.
    Params(ParamsArgs),
    /// Follow an instance to its end
    ///
    /// Ends with status 0 only if the instance SUCCEEDED. Ctrl-C ends the watching, not the instance.
    Watch(WatchArgs),
    /// Show the log of a step
    ///
    /// With --follow it waits for a step that has not started and says why, goes on to the next attempt after a retry, and
    /// ends with the step.
    Logs(LogsArgs),
    /// Delete a workflow with all its instances
    Delete(DeleteArgs),
    /// Run a server
    ///
    /// Keeps everything in its data folder. Ctrl-C or SIGTERM ends it in order, a second signal at once; jobs go on in any
    /// case, and the next server on the folder finds them again.
    Server(ServerArgs),
    /// Evaluate and check expressions
    ///
    /// The language is described in docs/reference/sel.md.
    Sel(SelArgs),
    /// Show all settings with their values and where they come from
    Config(ConfigArgs),
    /// Write a script that completes commands in a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Where settings come from.
#[derive(ClapArgs, Debug, Default)]
pub struct SettingArgs {
    /// TOML file with settings
    #[arg(
        long,
        env = "MAESTRO_CONFIG",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
    /// Give a setting a value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Folder of the data [default: `maestro` in the user's data directory]
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
}

/// Flags of a server.
#[derive(ClapArgs, Debug)]
pub struct ServerArgs {
    /// Where settings come from
    #[command(flatten)]
    pub settings: SettingArgs,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// What to log to standard error, such as `debug` or `info,maestro_engine=trace` [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// Run Shell and Python steps as processes of this machine
    ///
    /// That is so already while the server listens on a loopback address; on other addresses it is refused, since there is
    /// no authentication yet.
    #[arg(long)]
    pub allow_local_jobs: bool,
}

/// Arguments of `config`.
#[derive(ClapArgs, Debug)]
pub struct ConfigArgs {
    /// What the server would be given
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Arguments of `run`.
#[derive(ClapArgs, Debug)]
pub struct RunArgs {
    /// File with the workflow; `-` for standard input
    pub file: PathBuf,
    /// Give a param a value; may be repeated
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Show the logs of all steps, each line with its step
    #[arg(long)]
    pub logs: bool,
    /// Use an engine in this process, also where a server answers
    #[arg(long)]
    pub local: bool,
    /// Owner of a new workflow [default: you]
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Settings of the engine in this process
    #[command(flatten)]
    pub settings: SettingArgs,
}

/// Arguments of `push`.
#[derive(ClapArgs, Debug)]
pub struct PushArgs {
    /// Files with definitions; `-` for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Owner of workflows that name none [default: you, for a new workflow]
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
}

/// Arguments of `validate`.
#[derive(ClapArgs, Debug)]
pub struct ValidateArgs {
    /// Files with definitions; `-` for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// Arguments of `apply`.
#[derive(ClapArgs, Debug)]
pub struct ApplyArgs {
    /// Files with definitions, or folders with such files
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Show the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Show the plan, change nothing, and end with status 1 if there is something to do
    #[arg(long)]
    pub check: bool,
    /// Delete workflows of the server that no file names
    #[arg(long)]
    pub prune: bool,
    /// With --prune: only workflows whose id begins with this
    #[arg(long, value_name = "PREFIX", requires = "prune")]
    pub prefix: Option<String>,
    /// Do not ask before workflows are deleted
    #[arg(long, short)]
    pub yes: bool,
    /// Owner of new workflows that name none [default: you]
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
}

/// Arguments of `pull`.
#[derive(ClapArgs, Debug)]
pub struct PullArgs {
    /// The workflows [default: all]
    pub workflows: Vec<String>,
    /// Only workflows whose id begins with this
    #[arg(long, value_name = "PREFIX", conflicts_with = "workflows")]
    pub prefix: Option<String>,
    /// Folder for the files, one for each workflow; without it they go to standard output
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `diff`.
#[derive(ClapArgs, Debug)]
pub struct DiffArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The older version: a number, `active`, `latest` or `default`
    pub from: String,
    /// The newer version
    #[arg(default_value = "latest")]
    pub to: String,
}

/// Arguments of `versions`.
#[derive(ClapArgs, Debug)]
pub struct VersionsArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// How many
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200), value_name = "COUNT")]
    pub first: u32,
}

/// Arguments of `activate`.
#[derive(ClapArgs, Debug)]
pub struct ActivateArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The version: a number or `latest`
    pub version: String,
}

/// Arguments of commands that are about a workflow.
#[derive(ClapArgs, Debug)]
pub struct WorkflowArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
}

/// Arguments of `tags`.
#[derive(ClapArgs, Debug)]
pub struct TagsArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// Add a tag, or replace the one of its name; may be repeated
    #[arg(long, value_name = "TAG")]
    pub add: Vec<String>,
    /// Remove a tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub remove: Vec<String>,
}

/// Arguments of `properties`.
#[derive(ClapArgs, Debug)]
pub struct PropertiesArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// Give a property a value; may be repeated
    ///
    /// Values are JSON where they are read as such, else texts: `run_strategy=5`, `owner=ana`, `description=nightly`.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Unset a property; may be repeated
    #[arg(long, value_enum, value_name = "NAME")]
    pub reset: Vec<Reset>,
}

/// Properties that can be unset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Reset {
    /// Back to one after the other.
    RunStrategy,
    /// Of a PARALLEL strategy back to 20.
    WorkflowConcurrency,
    /// Back to the default of the server.
    StepConcurrency,
}

/// Arguments of `start`.
#[derive(ClapArgs, Debug)]
pub struct StartArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The version: a number, `active`, `latest` or `default`
    #[arg(long, default_value = "default", value_name = "VERSION")]
    pub version: String,
    /// Give a param a value of the type that the workflow declares; may be repeated
    ///
    /// A param that the workflow does not declare is a STRING. Arrays and maps are given as JSON.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// Arguments of `params`.
#[derive(ClapArgs, Debug)]
pub struct ParamsArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The version: a number, `active`, `latest` or `default`
    #[arg(long, default_value = "default", value_name = "VERSION")]
    pub version: String,
    /// Give a param a value, as for `start`; may be repeated
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Show the params of this instance instead
    #[arg(long, conflicts_with_all = ["version", "params"], value_name = "INSTANCE")]
    pub instance: Option<i64>,
    /// Only those of this step
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Default params too
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `stop`.
#[derive(ClapArgs, Debug)]
pub struct StopArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The instance; without it all instances
    pub instance: Option<i64>,
    /// End as FAILED instead of STOPPED
    #[arg(long)]
    pub kill: bool,
}

/// Arguments of `unblock`.
#[derive(ClapArgs, Debug)]
pub struct UnblockArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The instance; without it all failed instances
    pub instance: Option<i64>,
}

/// Arguments of `get`.
#[derive(ClapArgs, Debug)]
pub struct GetArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The instance
    pub instance: Option<i64>,
    /// The step
    #[arg(requires = "instance")]
    pub step: Option<String>,
    /// The params of the instance, and where their values come from
    #[arg(long, requires = "instance")]
    pub params: bool,
}

/// Arguments of `list`.
#[derive(ClapArgs, Debug)]
pub struct ListArgs {
    /// The workflow whose instances to list, newest first
    #[arg(value_parser = workflow_id, conflicts_with_all = ["prefix", "tag", "owner", "active"])]
    pub workflow: Option<String>,
    /// At most how many
    #[arg(long, short = 'n', visible_alias = "first", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..), value_name = "COUNT")]
    pub limit: u64,
    /// All, however many there are
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Workflows whose id begins so
    #[arg(long, value_name = "TEXT", help_heading = "Which workflows")]
    pub prefix: Option<String>,
    /// Workflows with this tag, their own or one of their properties
    #[arg(long, value_name = "TAG", help_heading = "Which workflows")]
    pub tag: Option<String>,
    /// Workflows of this owner
    #[arg(long, value_name = "NAME", help_heading = "Which workflows")]
    pub owner: Option<String>,
    /// Workflows that have an active version, or (`--active=false`) none
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Which workflows")]
    pub active: Option<bool>,
    /// Instances of all workflows
    #[arg(long, conflicts_with_all = ["workflow", "prefix", "tag", "owner", "active"], help_heading = "Which instances")]
    pub instances: bool,
    /// Instances with one of these statuses, such as FAILED,STOPPED; without a workflow those of all
    #[arg(long, value_name = "STATUS,...", conflicts_with_all = ["prefix", "tag", "owner", "active"], help_heading = "Which instances")]
    pub status: Option<String>,
}

/// Arguments of `watch`.
#[derive(ClapArgs, Debug)]
pub struct WatchArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The instance
    pub instance: i64,
    /// Show the logs of all steps, each line with its step
    #[arg(long)]
    pub logs: bool,
}

/// Arguments of `logs`.
#[derive(ClapArgs, Debug)]
pub struct LogsArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// The instance
    pub instance: i64,
    /// The step
    pub step: String,
    /// The attempt [default: the latest one; with --follow all from the first]
    #[arg(long, value_name = "NUMBER")]
    pub attempt: Option<i64>,
    /// Wait for the step and show its log as it grows
    #[arg(long, short)]
    pub follow: bool,
}

/// Arguments of `delete`.
#[derive(ClapArgs, Debug)]
pub struct DeleteArgs {
    /// The workflow
    #[arg(value_parser = workflow_id)]
    pub workflow: String,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `maestro sel`.
#[derive(ClapArgs, Debug)]
pub struct SelArgs {
    /// What to do
    #[command(subcommand)]
    pub command: SelCommand,
}

/// What to do with expressions.
#[derive(Subcommand, Debug)]
pub enum SelCommand {
    /// Evaluate an expression and show its type and value
    Eval(SelEvalArgs),
    /// Show all faults of a program, or the params that it needs
    Check {
        /// The program; `-` for standard input
        file: PathBuf,
    },
    /// Read programs and show their results
    Repl,
}

/// `maestro sel eval`.
#[derive(ClapArgs, Debug)]
pub struct SelEvalArgs {
    /// The expression or program
    #[arg(
        value_name = "EXPR",
        required_unless_present = "jsonl",
        allow_hyphen_values = true
    )]
    pub expr: Option<String>,
    /// Params: a JSON object, or a file that holds one
    #[arg(long, value_name = "FILE|JSON")]
    pub params: Option<String>,
    /// Read lines `{"id", "expr", "params"?}` from standard input and write a line of JSON for each
    #[arg(long, conflicts_with_all = ["expr", "params"])]
    pub jsonl: bool,
}

/// The id of a workflow, if a text can be one (spec 01 ID-1).
fn workflow_id(text: &str) -> Result<String, String> {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    match begins && text.chars().all(inside) {
        true => Ok(text.to_owned()),
        false => Err(
            "the id of a workflow has letters, digits, `_`, `-` and `.`, and begins with none of the last two".to_owned(),
        ),
    }
}
