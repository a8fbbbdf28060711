//! Names of environment variables (decision 12): a dot is a double underscore or, where unambiguous, a single one.

use super::error::Reason;
use super::table::{Setting, table};

/// What all variables of ours begin with.
const PREFIX: &str = "MAESTRO_";

/// The variable of a setting, with this in place of a dot.
pub(super) fn variable(name: &str, dot: &str) -> String {
    let name = name.replace('.', dot).replace('-', "_");
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

/// What a variable is to us.
pub(super) enum Meaning {
    /// Not a setting: some other program's, the command line's, or one that a job is given.
    None,
    Setting(&'static Setting),
    Refused(Reason),
}

/// Finds the setting that a variable means. A name with a section of ours that is no setting is a slip of the pen; any
/// other one may belong to somebody else, such as the variables that every job is given.
pub(super) fn meaning(variable_name: &str) -> Meaning {
    if !variable_name.starts_with(PREFIX) {
        return Meaning::None;
    }
    let spelt = |dot: &str| -> Vec<&'static Setting> {
        let names = |row: &Setting| -> Vec<&'static str> {
            [row.name]
                .into_iter()
                .chain(row.aliases.iter().copied())
                .collect()
        };
        table()
            .iter()
            .filter(|row| {
                names(row)
                    .iter()
                    .any(|name| variable(name, dot) == variable_name)
            })
            .collect()
    };
    if let [row, ..] = *spelt("__") {
        return Meaning::Setting(row);
    }
    match *spelt("_") {
        [row] => Meaning::Setting(row),
        [_, _, ..] => Meaning::Refused(Reason::Ambiguous(
            spelt("_").iter().map(|r| r.name).collect(),
        )),
        [] => {
            let is_section = table().iter().any(|row| {
                let section = row.name.split('.').next().unwrap_or_default();
                let section = variable(section, "_");
                variable_name
                    .strip_prefix(&*section)
                    .is_some_and(|rest| rest.starts_with('_'))
            });
            if is_section {
                let name = variable_name[PREFIX.len()..]
                    .to_ascii_lowercase()
                    .replace("__", ".");
                Meaning::Refused(Reason::Unknown {
                    nearest: nearest(&name),
                })
            } else {
                Meaning::None
            }
        }
    }
}

/// The setting with the most similar name, if one is similar.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let flat = |name: &str| name.replace(['.', '-'], "_").to_ascii_lowercase();
    let name = flat(name);
    table()
        .iter()
        .flat_map(|row| [row.name].into_iter().chain(row.aliases.iter().copied()))
        .map(|known| (strsim::jaro_winkler(&flat(known), &name), known))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
