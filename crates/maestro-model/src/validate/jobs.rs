//! Literal settings of our own step types (spec 07 section 16, decision 27).
//!
//! Only what the definition shows is judged: a map that is an expression, and a key that a job template may still add,
//! pass here and are checked when the step starts.

use super::Checker;
use crate::codec::{At, nearest};
use crate::definition::{LeafStep, LeafType, Step};
use crate::param::{ParamBody, ParamMap, ParamType, ParamValue};

/// The settings of one step type.
struct Settings {
    /// Name of the MAP param.
    param: &'static str,
    /// Keys that must be there.
    required: &'static [&'static str],
    /// Keys of which exactly one must be there.
    one_of: &'static [&'static str],
    /// All keys but the common ones.
    keys: &'static [&'static str],
    /// Whether the common keys of processes are known, too.
    common: bool,
}

/// Spec 07 BX-9, BX-16.
const COMMON: &[&str] = &[
    "env",
    "executor",
    "image",
    "cpu",
    "memory",
    "workdir",
    "grace_period_secs",
    "fatal_exit_codes",
    "job_deduplication_key",
    "owner_email",
    "keep_background",
];

/// Spec 07 BX-3: what the system sets itself.
const RESERVED_ENV: &[&str] = &[
    "MAESTRO_WORKFLOW_ID",
    "MAESTRO_WORKFLOW_INSTANCE_ID",
    "MAESTRO_WORKFLOW_RUN_ID",
    "MAESTRO_STEP_ID",
    "MAESTRO_STEP_ATTEMPT_ID",
    "MAESTRO_STEP_INSTANCE_UUID",
    "MAESTRO_OUTPUT_START",
    "MAESTRO_OUTPUT_END",
    "MAESTRO_PARAMS_FILE",
    "MAESTRO_OUTPUT_FILE",
];

const fn settings(ty: LeafType) -> Option<Settings> {
    Some(match ty {
        LeafType::Shell => Settings {
            param: "shell",
            required: &[],
            one_of: &["script", "script_path"],
            keys: &["script", "script_path", "interpreter", "args"],
            common: true,
        },
        LeafType::Python => Settings {
            param: "python",
            required: &[],
            one_of: &["script", "script_path", "module"],
            keys: &[
                "script",
                "script_path",
                "module",
                "args",
                "interpreter",
                "requirements",
                "unbuffered",
            ],
            common: true,
        },
        LeafType::Sql => Settings {
            param: "sql",
            required: &["connection"],
            one_of: &["query", "queries"],
            keys: &[
                "connection",
                "query",
                "queries",
                "bind",
                "transaction",
                "read_only",
                "result_mode",
                "max_rows",
                "max_result_bytes",
                "statement_timeout_secs",
                "job_deduplication_key",
                "owner_email",
            ],
            common: false,
        },
        LeafType::Docker => Settings {
            param: "docker",
            required: &["image"],
            one_of: &[],
            keys: &[
                "image",
                "app_name",
                "command",
                "args",
                "env",
                "cpu",
                "memory",
                "gpu",
                "disk",
                "job_deduplication_key",
                "owner_email",
                "pull_policy",
                "network",
                "volumes",
                "user",
                "workdir",
                "grace_period_secs",
                "fatal_exit_codes",
            ],
            common: false,
        },
        LeafType::NoOp
        | LeafType::Sleep
        | LeafType::Titus
        | LeafType::Notebook
        | LeafType::Kubernetes
        | LeafType::Http
        | LeafType::Join => return None,
    })
}

pub(super) fn check(checker: &mut Checker<'_>, step: &Step, leaf: &LeafStep, at: &At<'_>) {
    let Some(settings) = settings(leaf.ty) else {
        return;
    };
    let at = at.name(settings.param);
    let empty = ParamMap::default();
    let entries = match step
        .params
        .as_ref()
        .and_then(|params| params.get(settings.param))
    {
        None => &empty,
        Some(param) => match (&param.body, param.entries()) {
            (_, Some(entries)) => entries,
            (ParamBody::Literal { value, .. }, None) => {
                return checker.add(&at, format!("must be a MAP, it is a {}", value.ty()));
            }
            (ParamBody::Expression { .. } | ParamBody::Unset(_), None) => return,
        },
    };
    known_keys(checker, entries, &settings, &at);
    given_keys(checker, entries, &settings, leaf, &at);
    environment(
        checker,
        entries,
        step,
        &at.name("value").name("env").name("value"),
    );
}

/// Variables are texts, and none of those that the system sets (spec 07 BX-3).
fn environment(checker: &mut Checker<'_>, entries: &ParamMap, step: &Step, at: &At<'_>) {
    let value = entries.get("env").and_then(|param| param.value());
    let names: Vec<&str> = match value {
        Some(ParamValue::StringMap(env)) => env.keys().map(|name| &**name).collect(),
        Some(ParamValue::Map(env)) => {
            for (name, param) in env
                .iter()
                .filter(|(_, param)| param.ty() != ParamType::String)
            {
                let text = format!(
                    "the variable [{name}] must be a text, it is a {}; put it in quotes",
                    param.ty()
                );
                checker.add(&at.name(name), text);
            }
            env.keys().map(|name| &**name).collect()
        }
        _ => Vec::new(),
    };
    for name in names.into_iter().filter(|name| RESERVED_ENV.contains(name)) {
        checker.add(
            &at.name(name),
            format!(
                "step [{}]: the variable [{name}] is set by the system; rename it",
                step.id
            ),
        );
    }
}

fn known_keys(checker: &mut Checker<'_>, entries: &ParamMap, settings: &Settings, at: &At<'_>) {
    let common = if settings.common { COMMON } else { &[] };
    let known: Vec<&str> = settings.keys.iter().chain(common).copied().collect();
    for key in entries.keys().filter(|key| !known.contains(&&***key)) {
        let hint = match nearest(key, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known keys: {}", known.join(", ")),
        };
        checker.add(
            &at.name("value").name(key),
            format!("unknown key [{key}] of `{}`; {hint}", settings.param),
        );
    }
}

fn given_keys(
    checker: &mut Checker<'_>,
    entries: &ParamMap,
    settings: &Settings,
    leaf: &LeafStep,
    at: &At<'_>,
) {
    let is_given = |key: &&&str| {
        entries
            .get(**key)
            .is_some_and(|param| !matches!(param.body, ParamBody::Unset(_)))
    };
    let given: Vec<&&str> = settings.one_of.iter().filter(is_given).collect();
    let choice = || {
        settings
            .one_of
            .iter()
            .map(|key| format!("`{key}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if given.len() > 1 {
        checker.add(
            &at.name("value"),
            format!(
                "exactly one of {} must be given, there are {}",
                choice(),
                given.len()
            ),
        );
    }
    if leaf.sub_type.is_some() {
        return;
    }
    if given.is_empty() && !settings.one_of.is_empty() {
        let first = settings.one_of.first().copied().unwrap_or_default();
        checker.add(
            &at.name("value").name(first),
            format!("exactly one of {} must be given, there is none", choice()),
        );
    }
    for key in settings.required.iter().filter(|key| !is_given(key)) {
        checker.add(
            &at.name("value").name(key),
            format!(
                "the {} step needs `{key}` in the param `{}`",
                leaf.ty, settings.param
            ),
        );
    }
}
