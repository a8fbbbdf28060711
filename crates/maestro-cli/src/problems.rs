//! Problems of workflow files, as compilers show them.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use maestro_model::json::{ToJson, Writer};
use maestro_model::lint::{Problem, Report, lint};
use maestro_model::validate::Limits;

use crate::client::{Client, segment, str_at};
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
        let now = jiff::Timestamp::now().as_millisecond();
        Self {
            file: path.display().to_string(),
            text: String::from_utf8_lossy(body).into_owned(),
            report: lint(body, &templates, &Limits::default(), now),
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
        if let Some(source) = self.text.lines().nth(line.saturating_sub(1)) {
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            ui::note(&format!("{blue}{number} |{blue:#} {}", shown(source)));
            let before: String = source
                .chars()
                .take(column.saturating_sub(1))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            ui::note(&format!("{blue}{margin} |{blue:#} {before}{loud}^{loud:#}"));
        }
        if let Some(hint) = hint {
            ui::hint(hint);
        }
    }
}

/// A line that does not fill the screen.
fn shown(line: &str) -> String {
    const MOST: usize = 160;
    match line.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}...", &line[..cut]),
        None => line.to_owned(),
    }
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
