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

/// What stands before a program that has `requirements`.
const VENV: &str = include_str!("maestro_venv.py");

/// Where our own files for Python lie.
#[derive(Debug)]
pub(super) struct Paths {
    /// The folder of the module.
    module: PathBuf,
    /// The program that makes virtual environments.
    venv: PathBuf,
    /// Where those lie.
    venvs: PathBuf,
}

/// What the step's map says to run.
pub(super) fn program<'a>(params: &'a Params, paths: &Paths) -> Result<Program<'a>, Refusal> {
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
    let requirements = settings.strings("requirements")?.unwrap_or_default();
    if let Some(option) = requirements.iter().find(|text| text.starts_with('-')) {
        let why = format!("holds `{option}`, which is an option of pip and no package");
        return Err(settings.refuse("requirements", &why));
    }
    if !requirements.is_empty() {
        let options = command.before.split_off(1);
        command.before.push(text_of(&paths.venv));
        command.before.push(text_of(&paths.venvs));
        command.before.extend(requirements);
        command.before.push("--".into());
        command.before.extend(options);
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

impl Paths {
    /// Puts our files where jobs find them.
    pub(super) fn install(lib: &Path) -> std::io::Result<Self> {
        let paths = Self {
            module: lib.join("python"),
            venv: lib.join("maestro_venv.py"),
            venvs: lib.join("venvs"),
        };
        write_if_different(&paths.module.join("maestro.py"), MODULE.as_bytes())?;
        write_if_different(&paths.venv, VENV.as_bytes())?;
        Ok(paths)
    }

    /// `PYTHONPATH`: our module last, so that a package of the user's with its name goes before it.
    pub(super) fn python_path(&self, users: Option<&String>, workdir: Option<&Path>) -> String {
        let parts = [
            users.filter(|path| !path.is_empty()).cloned(),
            // Only a script in it would put it on the path.
            workdir.map(text_of),
            Some(text_of(&self.module)),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(":")
    }
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
