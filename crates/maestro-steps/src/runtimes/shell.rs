//! Shell steps (`spec 07` 16.2).

use maestro_model::param::Params;

use super::Program;
use super::settings::{Refusal, Settings};
use crate::local::CommandLine;

/// The name of the map param.
pub(super) const KEY: &str = "shell";

/// How a script runs unless the step says otherwise: a failure in the middle, also of a pipe, and an unset variable end
/// it (pitfall R-19).
const INTERPRETER: [&str; 3] = ["/bin/bash", "-euo", "pipefail"];

/// What the step's map says to run.
pub(super) fn program(params: &Params) -> Result<Program<'_>, Refusal> {
    let keys = ["script", "script_path", "interpreter", "args"];
    let settings = Settings::open(KEY, &keys, params)?;
    let (kind, text) = settings.one_of(&["script", "script_path"])?;
    let interpreter = settings
        .strings("interpreter")?
        .unwrap_or_else(|| INTERPRETER.map(str::to_owned).to_vec());
    if interpreter.is_empty() {
        return Err(settings.refuse("interpreter", "is empty"));
    }
    let after = settings.args("args")?;
    let is_script = kind == "script";
    let mut command = CommandLine {
        before: interpreter,
        script: is_script.then(|| text.to_owned()),
        after,
    };
    if !is_script {
        command.after.insert(0, text.to_owned());
    }
    Ok(Program {
        command,
        execution_script: is_script.then_some(text),
        needs_file: (!is_script).then(|| text.into()),
        settings,
    })
}
