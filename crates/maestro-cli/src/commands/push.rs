//! `maestro push`.

use super::Context;
use crate::args::PushArgs;
use crate::definition;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

pub(crate) fn run(context: &Context, args: &PushArgs) -> Result<Exit, Failure> {
    let client = context.client()?;
    // All files are read first: a slip in the last one should not leave half of them pushed.
    let requests = args.files.iter().map(|file| definition::read(file));
    let requests = requests.collect::<Result<Vec<_>, _>>()?;
    let mut answers = Vec::new();
    for request in requests {
        let id = request.workflow.id.to_string();
        let pushed = definition::push(&client, request, args.owner.as_deref(), false)?;
        if !context.json {
            ui::out(&format!("{id}: version {}", pushed.version))?;
        }
        answers.extend(pushed.answer.map(|answer| answer.text));
    }
    if context.json {
        // One file, one answer; several make a list.
        match &*answers {
            [one] => ui::out(one)?,
            many => ui::out(&format!("[{}]", many.join(",")))?,
        }
    }
    Ok(Exit::Done)
}
