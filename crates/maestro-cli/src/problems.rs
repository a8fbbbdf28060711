//! Problems of workflow files, as compilers show them.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use maestro_model::definition::Step;
use maestro_model::json::{Position, ToJson, Writer};
use maestro_model::lint::{Problem, Report, Surroundings, lint, place_in};
use maestro_model::validate::Limits;
use maestro_sel::{Span, excerpt};

use crate::client::{Client, Refused, segment, str_at};
use crate::ui;

/// A file that was looked at.
pub(crate) struct Checked {
    pub(crate) file: String,
    text: String,
    pub(crate) report: Report,
}

impl Checked {
    /// Looks for all problems. A client tells the step types of job templates; without one there are none.
    pub(crate) fn of(path: &Path, body: &[u8], client: Option<&Client>) -> Self {
        let templates = |job_type: &str, version: &str| {
            let path = format!(
                "/api/v3/job-templates/{}?version={}",
                segment(job_type),
                segment(version)
            );
            let answer = client?.get(&path).ok()?;
            let word = str_at(&answer.json, "/definition/step_type");
            maestro_model::codec::Word::parse(word)
        };
        let around = Surroundings {
            templates: &templates,
            expression: &expression_fault,
            limits: &Limits::default(),
            now: jiff::Timestamp::now().as_millisecond(),
        };
        Self {
            file: path.display().to_string(),
            text: String::from_utf8_lossy(body).into_owned(),
            report: lint(body, around),
        }
    }

    /// Adds what a server refuses, each fault at the place that it names.
    pub(crate) fn refused(&mut self, refused: &Refused) {
        let first = refused.errors.first().map(String::as_str);
        let faults: Vec<&str> = match first {
            // Several rules are broken, each with its field.
            Some(first) if field(first).is_some() => {
                refused.errors.iter().map(String::as_str).collect()
            }
            // The cause of one fault, or what else is said about it.
            _ => vec![&refused.message],
        };
        let request = self.report.request.as_ref();
        let steps = request.map_or(&[][..], |request| &request.workflow.steps);
        for fault in faults {
            let (path, text) = match (field(fault), named(fault, steps)) {
                (Some((path, text)), _) => (path.to_owned(), text),
                (None, Some(path)) => (path, fault),
                (None, None) => (String::new(), fault),
            };
            let place = place_in(self.text.as_bytes(), &path, &|_, _| None);
            let (position, path) =
                place.unwrap_or((Position { line: 1, column: 1 }, String::new()));
            let excerpt = refused.errors.iter().find(|error| error.contains('\n'));
            self.report.problems.push(Problem {
                position,
                path,
                text: match excerpt {
                    Some(excerpt) => format!("{text}\n{excerpt}"),
                    None => text.to_owned(),
                },
                hint: None,
            });
        }
    }

    /// Says all problems on standard error, each with its line of the file.
    pub(crate) fn print(&self) {
        for problem in &self.report.problems {
            self.print_one(problem, "error", AnsiColor::Red);
        }
        for warning in &self.report.warnings {
            self.print_one(warning, "warning", AnsiColor::Yellow);
        }
    }

    /// The character at a place, if the file has the line.
    fn span(&self, line: usize, column: usize) -> Option<Span> {
        let mut start = 0;
        let mut lines = self.text.split_inclusive('\n');
        for _ in 1..line {
            start += lines.next()?.len();
        }
        let before = lines.next()?.chars().take(column.saturating_sub(1));
        let start = u32::try_from(start + before.map(char::len_utf8).sum::<usize>()).ok()?;
        Some(Span { start, end: start })
    }

    fn print_one(&self, problem: &Problem, kind: &str, color: AnsiColor) {
        let bold = Style::new().bold();
        let loud = bold.fg_color(Some(color.into()));
        let blue = bold.fg_color(Some(AnsiColor::Blue.into()));
        let Problem {
            position,
            path,
            text,
            hint,
        } = problem;
        let (line, column) = (position.line, position.column);
        let colon = if path.is_empty() { "" } else { ": " };
        ui::note(&format!(
            "{bold}{}:{line}:{column}:{bold:#} {loud}{kind}:{loud:#} {path}{colon}{text}",
            self.file
        ));
        if let Some(span) = self.span(line, column) {
            // Its first lines name the place, which was said.
            for row in excerpt(&self.text, span).lines().skip(2) {
                match row.split_once('|') {
                    Some((margin, rest)) => ui::note(&format!("{blue}{margin}|{blue:#}{rest}")),
                    None => ui::note(row),
                }
            }
        }
        if let Some(hint) = hint {
            ui::hint(hint);
        }
    }
}

/// The path and the text of an entry that begins with the path of a field.
fn field(entry: &str) -> Option<(&str, &str)> {
    let (path, text) = entry.split_once([' ', ':'])?;
    let is_path = ["workflow.", "properties."]
        .iter()
        .any(|root| path.starts_with(root));
    is_path.then(|| (path, text.trim_start_matches([':', ' '])))
}

/// The path of the param that a fault of a dry run names, such as ``step [a]: param `n` ``.
fn named(fault: &str, steps: &[Step]) -> Option<String> {
    let after = |word: &str, end: char| {
        let rest = fault.split_once(word)?.1;
        Some(rest.split_once(end)?.0)
    };
    let step = match after("step [", ']') {
        None => "workflow".to_owned(),
        Some(id) => {
            let index = steps.iter().position(|step| *step.id == *id)?;
            format!("workflow.steps[{index}]")
        }
    };
    Some(format!("{step}.params.{}", after("param `", '`')?))
}

/// Why an expression cannot be read.
fn expression_fault(text: &str) -> Option<String> {
    let faults = maestro_sel::check(text, &maestro_sel::Limits::default()).err()?;
    let fault = faults.first()?;
    let position = fault.position(text);
    Some(format!(
        "the expression cannot be read: {} (its line {}, column {})",
        fault.message, position.line, position.column
    ))
}

/// A problem in JSON.
pub(crate) struct ProblemView<'a> {
    pub(crate) file: &'a str,
    /// `error` or `warning`.
    pub(crate) severity: &'static str,
    pub(crate) problem: &'a Problem,
}

impl ToJson for ProblemView<'_> {
    fn write(&self, out: &mut Writer) {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let Problem {
            position,
            path,
            text,
            hint,
        } = self.problem;
        out.object(|o| {
            o.always("file", self.file);
            o.always("severity", self.severity);
            o.always("line", &number(position.line));
            o.always("column", &number(position.column));
            o.filled("path", path.as_str());
            o.always("message", text.as_str());
            o.member("hint", &hint.as_deref());
        });
    }
}
