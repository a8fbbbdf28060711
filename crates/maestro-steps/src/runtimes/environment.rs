//! Params as environment variables (`spec 07 BX-14`).

use std::collections::BTreeMap;

use maestro_model::Map;
use maestro_model::param::EvaluatedValue;

use super::settings::MAX_STRING_BYTES;

/// Variables that are ours alone (`spec 07 BX-3, BX-15`).
pub(super) const OURS: [&str; 11] = [
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
    "MAESTRO_INSTANCE_DIR",
];

/// Variables that every job has and a param must not change; the step's own `env` may (`spec 07 BX-11`).
const EVERY_JOB: [&str; 4] = ["PATH", "LANG", "TZ", "HOME"];

/// The whole environment with the names, `=` and a NUL each.
const MAX_TOTAL_BYTES: usize = 1 << 20;

/// What is kept free for the variables that the executor adds: some ids and paths.
const RESERVED_BYTES: usize = 16 * 1024;

/// The environment of a job as far as its step decides it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) variables: BTreeMap<String, String>,
    /// Params that are too large to be in it.
    pub(super) too_large: Vec<String>,
}

/// Exports the params, with the step's own `env` over them. `map_param`: the map that holds the step's settings.
pub(super) fn export(
    params: &Map<EvaluatedValue>,
    map_param: &str,
    env: BTreeMap<String, String>,
) -> Environment {
    let mut too_large = Vec::new();
    let mut exported: Vec<(&str, String)> = Vec::new();
    for (name, value) in params {
        if !is_exported(name, map_param) || env.contains_key(&**name) {
            continue;
        }
        let text = value.text();
        if text.contains('\0') {
            continue;
        }
        if name.len() + 1 + text.len() >= MAX_STRING_BYTES {
            too_large.push(name.to_string());
        } else {
            exported.push((name, text));
        }
    }
    let size = |name: &str, text: &str| name.len() + text.len() + 2;
    let mut total: usize = RESERVED_BYTES
        + env
            .iter()
            .map(|(name, text)| size(name, text))
            .sum::<usize>()
        + exported
            .iter()
            .map(|(name, text)| size(name, text))
            .sum::<usize>();
    // The largest last, to be taken off first.
    exported.sort_by_key(|(name, text)| size(name, text));
    while total > MAX_TOTAL_BYTES
        && let Some((name, text)) = exported.pop()
    {
        total -= size(name, &text);
        too_large.push(name.to_owned());
    }
    let mut variables: BTreeMap<String, String> = exported
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .collect();
    variables.extend(env);
    Environment {
        variables,
        too_large,
    }
}

fn is_exported(name: &str, map_param: &str) -> bool {
    let mut bytes = name.bytes();
    let plain = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain
        && name != map_param
        && !name.starts_with("LD_")
        && !OURS.contains(&name)
        && !EVERY_JOB.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> EvaluatedValue {
        EvaluatedValue::String(text.into())
    }

    fn exported(params: &[(&str, EvaluatedValue)], env: &[(&str, &str)]) -> Environment {
        let params = params
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()))
            .collect();
        let env = env
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        export(&params, "shell", env)
    }

    #[test]
    fn every_type_has_its_text() {
        let params = [
            ("s", string(" a\nb ")),
            ("n", EvaluatedValue::Long(-5)),
            ("d", EvaluatedValue::Double(2.0)),
            ("b", EvaluatedValue::Boolean(true)),
            ("a", EvaluatedValue::DoubleArray([1.0, 2.5].into())),
        ];
        let got = exported(&params, &[]).variables;
        let shown: Vec<String> = got.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(
            shown,
            ["a=[1.0,2.5]", "b=true", "d=2.0", "n=-5", "s= a\nb "]
        );
    }

    #[test]
    fn some_names_and_values_are_not_exported() {
        let names = [
            "PATH",
            "LANG",
            "TZ",
            "HOME",
            "LD_PRELOAD",
            "MAESTRO_STEP_ID",
            "MAESTRO_INSTANCE_DIR",
            "shell",
            "a.b",
            "1a",
            "a-b",
            "ä",
            "",
        ];
        let mut params: Vec<_> = names.iter().map(|name| (*name, string("x"))).collect();
        params.push(("nul", string("a\0b")));
        params.push(("_ok1", string("x")));
        let got = exported(&params, &[]);
        assert_eq!(got.variables.keys().collect::<Vec<_>>(), ["_ok1"]);
        assert!(got.too_large.is_empty());
    }

    #[test]
    fn the_steps_own_variable_wins() {
        let got = exported(&[("a", string("param"))], &[("a", "env"), ("PATH", "/x")]);
        assert_eq!(got.variables["a"], "env");
        assert_eq!(got.variables["PATH"], "/x");
    }

    #[test]
    fn an_entry_of_131072_bytes_is_left_out_and_named() {
        let fits = "x".repeat(131_072 - "big=".len() - 1);
        assert_eq!(
            exported(&[("big", string(&fits))], &[]).variables["big"],
            fits
        );
        let got = exported(&[("big", string(&format!("{fits}x")))], &[]);
        assert_eq!(
            (got.variables.len(), got.too_large),
            (0, vec!["big".to_owned()])
        );
    }

    #[test]
    fn beyond_a_mebibyte_in_all_the_largest_go_first() {
        let params: Vec<(String, EvaluatedValue)> = (0..12)
            .map(|n| (format!("p{n}"), string(&"x".repeat(100_000 - n))))
            .collect();
        let params: Vec<_> = params
            .iter()
            .map(|(n, v)| (n.as_str(), v.clone()))
            .collect();
        let got = exported(&params, &[]);
        assert_eq!(got.too_large, ["p0", "p1"]);
        assert_eq!(got.variables.len(), 10);
    }
}
