//! The table of settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Config;
use super::codec::{self, Kind};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name: dotted, lower case.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// What it is for, in one or two sentences.
    pub meaning: &'static str,
    /// The default in words, where it depends on the machine.
    pub default: Option<&'static str>,
    /// Names of the specification for the same thing (decision 12).
    pub aliases: &'static [&'static str],
    get: fn(&Config) -> String,
    set: fn(&mut Config, &str) -> Result<(), String>,
}

impl Setting {
    /// Its value as text, in the form in which it can be given.
    #[must_use]
    pub fn get(&self, config: &Config) -> String {
        (self.get)(config)
    }

    /// Gives it a value; the error says what would have been right.
    pub(super) fn set(&self, config: &mut Config, text: &str) -> Result<(), String> {
        (self.set)(config, text)
    }

    /// The name of its environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        super::env::variable(self.name, "_")
    }
}

/// All settings, by section.
#[must_use]
pub fn table() -> &'static [Setting] {
    TABLE
}

/// A setting by its name or an alias.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    TABLE
        .iter()
        .find(|row| row.name == name || row.aliases.contains(&name))
}

const ALL: u64 = u64::MAX;
const U32: u64 = u32::MAX as u64;
const I64: u64 = i64::MAX as u64;

const fn first(words: &[&'static str]) -> Option<&'static str> {
    match words {
        [first, ..] => Some(first),
        [] => None,
    }
}

/// One row: name, kind with its bounds, the field, the meaning.
macro_rules! row {
    ($name:literal, Bool, $($rest:tt)*) => {
        row!(@ $name, Bool, codec::bool, |v: &bool| v.to_string(), $($rest)*)
    };
    ($name:literal, Count($min:expr, $max:expr), $($rest:tt)*) => {
        row!(@ $name, Count, |t| codec::count(t, $min, $max), |v| ToString::to_string(v), $($rest)*)
    };
    ($name:literal, Bytes($min:expr, $max:expr), $($rest:tt)*) => {
        row!(@ $name, Bytes, |t| codec::bytes(t, $min, $max), show_bytes, $($rest)*)
    };
    ($name:literal, $kind:ident: $parse:expr, $show:expr; $($rest:tt)*) => {
        row!(@ $name, $kind, $parse, $show, $($rest)*)
    };
    (@ $name:literal, $kind:ident, $parse:expr, $show:expr, |$c:ident| $field:expr, $meaning:literal
     $(, default $default:literal)? $(, alias $alias:literal)*) => {
        Setting {
            name: $name,
            kind: Kind::$kind,
            meaning: $meaning,
            default: first(&[$($default)?]),
            aliases: &[$($alias),*],
            get: |$c| ($show)(&$field),
            set: |$c, text| {
                $field = ($parse)(text)?;
                Ok(())
            },
        }
    };
}

fn show_bytes<T: Copy + TryInto<u64>>(bytes: &T) -> String {
    codec::show_bytes((*bytes).try_into().unwrap_or(u64::MAX))
}

static TABLE: &[Setting] = &[
    row!("server.listen", Address: codec::address, |v: &SocketAddr| v.to_string(); |c| c.listen,
        "Address and port to listen on; port 0 takes any free one. The flag `--listen` sets it."),
    row!("server.data", Path: |t| codec::text(t).map(PathBuf::from), |v: &PathBuf| v.display().to_string(); |c| c.engine.data,
        "Folder of the database and of local jobs; made if it is not there. The flag `--data` sets it.",
        default "`maestro` in the user's data directory (`$XDG_DATA_HOME`, else `~/.local/share`)"),
    row!(
        "server.body_bytes",
        Bytes(1024, 1 << 30),
        |c| c.body_bytes,
        "Largest body of a request; a larger one is answered 413."
    ),
    row!("server.allowed_origins", Texts: |t| Ok::<_, String>(codec::texts(t)), |v: &Vec<String>| v.join(","); |c| c.allowed_origins,
        "Web sites, such as `https://ui.example`, that may change something besides the server's own; separated by commas."),
    row!(
        "server.log",
        Text: codec::text, |v: &String| v.clone();
        |c| c.log,
        "What is logged: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module such as \
         `info,maestro_engine=debug`. The flag `--log` and the variable `RUST_LOG` set it."
    ),
    row!(
        "engine.workers",
        Count(0, 64),
        |c| c.engine.workers,
        "Threads that take decisions; 0 for half of the cores."
    ),
    row!(
        "engine.inbox",
        Count(1, 1 << 24),
        |c| c.engine.inbox,
        "Commands that may wait for their answers in a burst; of a crowd that stays, half as many. Further ones are answered 429."
    ),
    row!(
        "engine.batch_bytes",
        Bytes(1 << 16, 1 << 30),
        |c| c.engine.batch_bytes,
        "Changes that a worker may collect before it waits for a commit (design, rule 1)."
    ),
    row!(
        "engine.idle_workflows",
        Count(0, 1 << 32),
        |c| c.engine.idle_workflows,
        "Workflows without work that each worker keeps in memory."
    ),
    row!(
        "engine.plan_cache_bytes",
        Bytes(0, 1 << 40),
        |c| c.engine.plan_cache_bytes,
        "Memory for compiled definitions."
    ),
    row!(
        "engine.view_cache_bytes",
        Bytes(0, 1 << 40),
        |c| c.engine.view_cache_bytes,
        "Memory for answers about runs that have ended, which are asked for again."
    ),
    row!(
        "engine.cascade",
        Count(1, 1_000_000),
        |c| c.engine.core.cascade,
        "Transitions that one event may cause before other instances get their turn."
    ),
    row!(
        "engine.queue_window",
        Count(1, 1_000_000),
        |c| c.engine.core.queue_window,
        "Queued runs of each workflow that are kept in memory."
    ),
    row!(
        "engine.evaluation_fuel",
        Count(0, ALL),
        |c| c.engine.core.evaluation_fuel,
        "How long a worker evaluates params by itself, in pieces of some thousand steps of an expression; what takes \
         longer is evaluated beside it."
    ),
    row!("params.environment", Text: codec::text, |v: &String| v.clone(); |c| c.params.environment,
        "What `params.getExecutionEnvironment()` answers.", alias "stepruntime.env"),
    row!(
        "params.size",
        Count(1000, 1 << 32),
        |c| c.params.size,
        "Largest JSON of the evaluated params of a run or a step, in UTF-16 units (spec 02 E-14)."
    ),
    row!("params.defaults.workflow", Text: any_text, |v: &String| v.clone(); |c| c.params.defaults.workflow,
        "YAML of default params of every workflow, which replace bundled ones of the same name and add others.",
        alias "maestro.default-params.workflow"),
    row!("params.defaults.step", Text: any_text, |v: &String| v.clone(); |c| c.params.defaults.step,
        "YAML of default params of every step.", alias "maestro.default-params.step"),
    row!("params.defaults.dry_run", Text: any_text, |v: &String| v.clone(); |c| c.params.defaults.dry_run,
        "YAML of the params that a workflow is tried out with when it is pushed, where it declares them.",
        alias "maestro.default-params.dry-run"),
    row!("params.defaults.by_type", Text: any_text, |v: &String| v.clone(); |c| c.params.by_type,
        "YAML of default params of the steps of a type: a map from the type to its params."),
    row!(
        "sel.length",
        Count(1, 1 << 24),
        |c| c.params.sel.length,
        "Longest expression, in UTF-16 units."
    ),
    row!(
        "sel.loops",
        Count(1, ALL),
        |c| c.params.sel.loops,
        "Passes of one loop of an expression at which it is given up."
    ),
    row!(
        "sel.array",
        Count(1, ALL),
        |c| c.params.sel.array,
        "Elements of a new array in an expression at which it is refused."
    ),
    row!(
        "sel.visits",
        Count(1, ALL),
        |c| c.params.sel.visits,
        "Steps of one evaluation at which it is given up."
    ),
    row!(
        "sel.memory",
        Bytes(1024, 1 << 40),
        |c| c.params.sel.memory,
        "Memory that one evaluation may take in all."
    ),
    row!(
        "sel.budget",
        Bytes(1 << 20, 1 << 40),
        |c| c.params.sel_budget,
        "Memory that all evaluations together may take at one time."
    ),
    row!(
        "steps.concurrency",
        Count(1, U32),
        |c| c.engine.core.step_concurrency,
        "Steps of one workflow at once, where its properties say nothing (spec 05 CC-1)."
    ),
    row!(
        "steps.single_concurrency",
        Count(1, U32),
        |c| c.engine.core.single_step_concurrency,
        "Attempts of one step of a workflow at once (spec 05 CC-1)."
    ),
    row!("steps.permits", Bool, |c| c.engine.core.permits,
        "Whether steps need permits to start (spec 06 TP-3).", alias "stepruntime.enable-tag-permit"),
    row!(
        "steps.local.enabled",
        Switch: codec::switch, |v: &_| codec::show_switch(*v);
        |c| c.local_jobs,
        "Whether Shell and Python steps run as processes of this machine. `auto`: while the server listens on a loopback \
         address. `true` is refused on other addresses, since there is no authentication yet."
    ),
    row!("steps.local.max_jobs", Count(1, 1_000_000), |c| c.local.max_jobs,
        "Local jobs at once; others wait in order.", default "4 for each core"),
    row!(
        "steps.local.max_log_bytes",
        Bytes(1024, 1 << 40),
        |c| c.local.max_log_bytes,
        "How much of the log of an attempt is kept; of a longer one the middle is dropped (spec 07 BX-7)."
    ),
    row!("steps.local.node", Text: codec::text, |v: &String| v.clone(); |c| c.local.node,
        "The name of this machine in artifacts.", default "the host name"),
    row!(
        "steps.local.spare_supervisor",
        Bool,
        |c| c.local.spare_supervisor,
        "Whether a supervisor is kept started for the next job, which saves its start-up time."
    ),
    row!(
        "store.busy_timeout",
        Duration:
            |t| codec::duration(t, Duration::ZERO),
            |v: &_| codec::show_duration(*v)
        ;
        |c| c.engine.store.busy_timeout,
        "How long a commit waits for a lock that another program holds on the database."
    ),
    row!(
        "store.writer_cache_bytes",
        Bytes(1 << 16, 1 << 31),
        |c| c.engine.store.writer_cache_bytes,
        "Page cache of the connection that writes."
    ),
    row!(
        "store.reader_cache_bytes",
        Bytes(1 << 16, 1 << 31),
        |c| c.engine.store.reader_cache_bytes,
        "Page cache of each connection that reads."
    ),
    row!(
        "store.readers",
        Count(1, 1024),
        |c| c.engine.store.readers_kept,
        "Reading connections that are kept open; more are opened when needed."
    ),
    row!(
        "store.checkpoint_bytes",
        Bytes(1 << 16, 1 << 40),
        |c| c.engine.store.checkpoint_bytes,
        "Length of the write-ahead log at which it is copied into the database."
    ),
    row!(
        "store.max_bytes",
        Bytes: codec::optional_bytes, |v: &Option<u64>| v
            .map_or_else(|| "none".to_owned(), codec::show_bytes);
        |c| c.engine.store.max_bytes,
        "Largest size of the database, or `none`; beyond it the server behaves as on a full disk."
    ),
    row!(
        "store.page_bytes",
        Bytes: codec::page, |v: &u32| codec::show_bytes(u64::from(*v));
        |c| c.engine.store.page_bytes,
        "Page size of a new database, a power of two from 512 to 65536; without effect on one that is there."
    ),
    row!(
        "limits.definition_bytes",
        Bytes(1024, 1 << 30),
        |c| c.engine.limits.request_bytes,
        "Largest definition, measured as compact JSON (decision 21)."
    ),
    row!(
        "limits.steps",
        Count(1, 1_000_000),
        |c| c.engine.limits.steps,
        "Most steps of a workflow, nested ones included."
    ),
    row!(
        "limits.id_length",
        Count(1, 65_536),
        |c| c.engine.limits.id_length,
        "Longest id, in UTF-16 units."
    ),
    row!(
        "limits.name_length",
        Count(1, 65_536),
        |c| c.engine.limits.name_length,
        "Longest name, in UTF-16 units."
    ),
    row!(
        "limits.description_length",
        Count(1, 1 << 24),
        |c| c.engine.limits.description_length,
        "Longest description, in UTF-16 units."
    ),
    row!(
        "limits.step_param_separator",
        Text: codec::text, |v: &String| v.clone();
        |c| c.engine.limits.step_param_separator,
        "What separates step and param in a reference, so that no id may contain it."
    ),
    row!(
        "limits.workflow_concurrency",
        Count(1, I64),
        |c| c.engine.limits.workflow_concurrency,
        "Most runs of a workflow at once that its run strategy may ask for."
    ),
    row!(
        "limits.step_concurrency",
        Count(1, I64),
        |c| c.engine.limits.step_concurrency,
        "Most steps of a workflow at once that its properties may ask for."
    ),
    row!(
        "limits.instance_step_concurrency",
        Count(1, I64),
        |c| c.engine.limits.instance_step_concurrency,
        "Most leaf steps of a run at once that a definition may ask for."
    ),
    row!(
        "limits.foreach_concurrency",
        Count(1, I64),
        |c| c.engine.limits.foreach_concurrency,
        "Most iterations at once that a foreach may ask for."
    ),
    row!(
        "limits.signal_names",
        Count(1, 1_000_000),
        |c| c.engine.limits.signal_names,
        "Most signal names in a trigger."
    ),
    row!(
        "limits.trigger_spacing",
        Duration:
            |t| codec::duration(t, Duration::ZERO).map(signed_ms),
            |v: &i64| codec::show_duration(Duration::from_millis(v.unsigned_abs()))
        ;
        |c| c.engine.limits.trigger_spacing_ms,
        "Least time between two starts by a time trigger."
    ),
    row!(
        "limits.timeout_days",
        Count(1, 36_500),
        |c| c.engine.limits.timeout_days,
        "Longest time-out, in days."
    ),
    row!(
        "limits.retries",
        Count(0, I64),
        |c| c.engine.limits.retry.retries,
        "Most retries that a step may ask for."
    ),
    row!(
        "limits.retry_backoff_secs",
        Count(0, I64),
        |c| c.engine.limits.retry.backoff_secs,
        "Longest time between two attempts that a step may ask for, in seconds."
    ),
    row!(
        "limits.run_params",
        Count(1, 1_000_000),
        |c| c.engine.limits.run_params,
        "Most params of a start request."
    ),
];

fn any_text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn signed_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
