//! `maestro sel`: the expression language at the command line.

use std::io::{self, BufReader, IsTerminal, Read};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use maestro_sel::jsonl;
use maestro_sel::{Environment, EvalError, Interrupt, Limits, Value};
use rustyline::error::ReadlineError;

use super::Context;
use crate::args::{SelArgs, SelCommand, SelEvalArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// How long one evaluation may take (spec 03 SE-1).
const TIMEOUT: Duration = Duration::from_secs(120);

/// The world of a program at the command line: the real clock, real chance, and an end.
struct Terminal {
    until: Instant,
}

impl Terminal {
    fn new() -> Self {
        Self {
            until: Instant::now() + TIMEOUT,
        }
    }
}

impl Environment for Terminal {
    fn now_millis(&mut self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn random_bits(&mut self) -> u64 {
        // Without a source of chance the clock has to do.
        getrandom::u64().unwrap_or_else(|_| self.now_millis().cast_unsigned().rotate_left(17))
    }

    fn poll(&mut self) -> Result<(), Interrupt> {
        if Instant::now() < self.until {
            Ok(())
        } else {
            Err(Interrupt::Deadline)
        }
    }
}

pub(crate) fn run(context: &Context, args: &SelArgs) -> Result<Exit, Failure> {
    match &args.command {
        SelCommand::Eval(args) if args.jsonl => lines(),
        SelCommand::Eval(args) => eval(context, args),
        SelCommand::Check { file } => check(context, file),
        SelCommand::Repl => repl(),
    }
}

/// Programs from standard input, answers to standard output, a line each.
fn lines() -> Result<Exit, Failure> {
    let input = BufReader::new(io::stdin().lock());
    let output = io::BufWriter::new(io::stdout().lock());
    // The limits of the language bound each program; the stream as a whole may take as long as it likes.
    let mut environment = Terminal {
        until: Instant::now() + Duration::from_secs(86_400),
    };
    match jsonl::eval_jsonl(input, output, &Limits::default(), &mut environment) {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Failure::usage(error)
            .hint(r#"each line is `{"id": ..., "expr": "...", "params": {...}}`"#)),
        Err(error) => Err(error.into()),
    }
}

fn eval(context: &Context, args: &SelEvalArgs) -> Result<Exit, Failure> {
    let Some(expr) = &args.expr else {
        return Err(Failure::usage("an expression is needed")
            .hint("`maestro sel eval '1 + 2'`, or --jsonl"));
    };
    let inputs = match &args.params {
        None => Vec::new(),
        Some(given) => params(given)?,
    };
    match jsonl::evaluate(expr, &inputs, &Limits::default(), &mut Terminal::new()) {
        Ok(output) => {
            ui::out(&jsonl::output_json(&output).to_string())?;
            Ok(Exit::Done)
        }
        Err(error) if context.json => {
            ui::out(
                &serde_json::json!({"error": error.kind().as_str(), "message": error.message()})
                    .to_string(),
            )?;
            Ok(Exit::Failed)
        }
        Err(error) => {
            tell(&error, expr);
            Ok(Exit::Failed)
        }
    }
}

fn tell(error: &EvalError, text: &str) {
    ui::error("error", &error.render(text));
}

/// Params from a JSON object or from a file that holds one.
fn params(given: &str) -> Result<Vec<(String, Value)>, Failure> {
    let text = if given.trim_start().starts_with('{') {
        given.to_owned()
    } else {
        std::fs::read_to_string(given).map_err(|error| {
            Failure::usage(format!("cannot read the params in {given}: {error}"))
        })?
    };
    match jsonl::value_from_json(&text) {
        Ok(Value::Map(entries)) => Ok(entries),
        Ok(_) => Err(Failure::usage(
            "params must be a JSON object, such as '{\"x\": 1}'",
        )),
        Err(error) => Err(Failure::usage(format!("the params are no JSON: {error}"))),
    }
}

/// All faults of a program, and the names that it needs.
fn check(context: &Context, file: &Path) -> Result<Exit, Failure> {
    let mut text = String::new();
    if file == Path::new("-") {
        io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    }
    match maestro_sel::check(&text, &Limits::default()) {
        Ok(names) => {
            let names: Vec<String> = names.into_iter().collect();
            if context.json {
                ui::out(&serde_json::json!({"valid": true, "names": names}).to_string())?;
            } else if names.is_empty() {
                ui::out("valid; it needs no params")?;
            } else {
                ui::out(&format!("valid; it needs {}", names.join(", ")))?;
            }
            Ok(Exit::Done)
        }
        Err(faults) => {
            if context.json {
                let faults: Vec<_> = faults
                    .iter()
                    .map(|fault| {
                        let at = fault.position(&text);
                        serde_json::json!({"line": at.line, "column": at.column, "message": fault.message})
                    })
                    .collect();
                ui::out(&serde_json::json!({"valid": false, "errors": faults}).to_string())?;
            } else {
                for fault in &faults {
                    ui::note(&fault.render(&text));
                }
                let plural = if faults.len() == 1 { "" } else { "s" };
                ui::error(
                    "error",
                    &format!("{} fault{plural} in {}", faults.len(), file.display()),
                );
            }
            Ok(Exit::Failed)
        }
    }
}

/// Reads programs and shows their results until the end of the input. What is not finished goes on in the next line.
fn repl() -> Result<Exit, Failure> {
    let mut editor = rustyline::DefaultEditor::new().map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("cannot read from the terminal: {error}"),
        )
    })?;
    let history =
        std::env::var_os("HOME").map(|home| Path::new(&home).join(".maestro_sel_history"));
    if let Some(history) = &history {
        // The first time there is none.
        let _ = editor.load_history(history);
    }
    if io::stdin().is_terminal() {
        ui::note("SEL. A line is a program; Ctrl-D ends.");
    }
    let mut text = String::new();
    loop {
        match editor.readline(if text.is_empty() { "sel> " } else { "...> " }) {
            Ok(line) => {
                text.push_str(&line);
                if maestro_sel::is_incomplete(&text) && !line.is_empty() {
                    text.push('\n');
                    continue;
                }
                if !text.trim().is_empty() {
                    let _ = editor.add_history_entry(text.as_str());
                    match jsonl::evaluate(&text, &[], &Limits::default(), &mut Terminal::new()) {
                        Ok(output) => ui::out(&jsonl::output_json(&output).to_string())?,
                        Err(error) => tell(&error, &text),
                    }
                }
                text.clear();
            }
            Err(ReadlineError::Interrupted) => text.clear(),
            Err(_) => break,
        }
    }
    if let Some(history) = &history {
        let _ = editor.save_history(history);
    }
    Ok(Exit::Done)
}
