//! Python steps (`spec 07` 16.3).

use std::path::{Path, PathBuf};

use maestro_model::param::Params;

use super::Program;
use super::settings::{Refusal, Settings};
use crate::local::{CommandLine, write_if_different};

/// The name of the map param.
pub(super) const KEY: &str = "python";

/// The module `maestro`, for the programs of users.
const MODULE: &str = include_str!("maestro.py");

/// What the step's map says to run.
pub(super) fn program(params: &Params) -> Result<Program<'_>, Refusal> {
    let keys = [
        "script",
        "script_path",
        "module",
        "args",
        "interpreter",
        "requirements",
        "unbuffered",
    ];
    let settings = Settings::open(KEY, &keys, params)?;
    let (kind, text) = settings.one_of(&["script", "script_path", "module"])?;
    let interpreter = settings.string("interpreter")?.unwrap_or("python3");
    let mut command = CommandLine {
        before: vec![interpreter.to_owned()],
        script: None,
        after: settings.args("args")?,
    };
    if settings.boolean("unbuffered")?.unwrap_or(true) {
        command.before.push("-u".into());
    }
    if settings
        .strings("requirements")?
        .is_some_and(|list| !list.is_empty())
    {
        return Err(settings.refuse(
            "requirements",
            "is not supported yet by the local executor; install the packages on the node and name their `interpreter`",
        ));
    }
    match kind {
        "script" => command.script = Some(text.to_owned()),
        "module" => command.before.extend(["-m".to_owned(), text.to_owned()]),
        _ => command.after.insert(0, text.to_owned()),
    }
    Ok(Program {
        command,
        execution_script: (kind == "script").then_some(text),
        needs_file: (kind == "script_path").then(|| text.into()),
        settings,
    })
}

/// Puts the module where jobs find it; gives the folder for `PYTHONPATH`.
pub(super) fn install_module(lib: &Path) -> std::io::Result<PathBuf> {
    let folder = lib.join("python");
    write_if_different(&folder.join("maestro.py"), MODULE.as_bytes())?;
    Ok(folder)
}

/// `PYTHONPATH`: our module last, so that a package of the user's with its name goes before it.
pub(super) fn path(module: &Path, users: Option<&String>, workdir: Option<&Path>) -> String {
    let workdir = workdir.map(|path| path.to_string_lossy().into_owned());
    let parts = [
        users.filter(|path| !path.is_empty()).cloned(),
        // Only a script in it would put it on the path.
        workdir,
        Some(module.to_string_lossy().into_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(":")
}
