//! What is written: data to standard output, all else to standard error; times, spans and tables for people.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

/// Writes a line of data.
pub(crate) fn out(line: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Says something on standard error. If nobody listens there, there is nobody to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// `error: message` or `warning: message`.
pub(crate) fn error(label: &str, message: &str) {
    let style = Style::new().bold().fg_color(Some(match label {
        "error" => AnsiColor::Red.into(),
        _ => AnsiColor::Yellow.into(),
    }));
    note(&format!("{style}{label}:{style:#} {message}"));
}

/// `hint: message`.
pub(crate) fn hint(message: &str) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    note(&format!("{style}hint:{style:#} {message}"));
}

/// Whether somebody looks at standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// A status in the colour of its meaning.
pub(crate) fn status(status: &str) -> String {
    let color = match status {
        "SUCCEEDED" | "COMPLETED_WITH_ERROR" => AnsiColor::Green,
        "FAILED" | "USER_FAILED" | "PLATFORM_FAILED" | "FATALLY_FAILED" | "INTERNALLY_FAILED"
        | "TIMEOUT_FAILED" | "TIMED_OUT" => AnsiColor::Red,
        "STOPPED" | "PAUSED" | "SKIPPED" => AnsiColor::Yellow,
        "IN_PROGRESS" | "RUNNING" | "STARTING" | "FINISHING" => AnsiColor::Cyan,
        _ => return status.to_owned(),
    };
    let style = Style::new().fg_color(Some(color.into()));
    format!("{style}{status}{style:#}")
}

/// Columns with a head; a cell may hold styles.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let bold = Style::new().bold();
    let head: Vec<String> = head
        .iter()
        .map(|text| format!("{bold}{text}{bold:#}"))
        .collect();
    let width = |text: &str| anstream::adapter::strip_str(text).to_string().width();
    let mut widths: Vec<usize> = head.iter().map(|cell| width(cell)).collect();
    for row in rows {
        for (cell, most) in row.iter().zip(&mut widths) {
            *most = (*most).max(width(cell));
        }
    }
    let lines = std::iter::once(&head).chain(rows).map(|row| {
        let mut line = String::new();
        for (at, (cell, most)) in row.iter().zip(&widths).enumerate() {
            line.push_str(cell);
            if at + 1 < row.len() {
                line.push_str(&" ".repeat(most - width(cell) + 2));
            }
        }
        line.truncate(line.trim_end().len());
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A span for people: `0.4s`, `12.0s`, `3m 20s`, `2h 05m`.
pub(crate) fn span(ms: i64) -> String {
    let ms = ms.max(0);
    let secs = ms / 1000;
    match secs {
        0..60 => format!("{secs}.{}s", ms % 1000 / 100),
        60..3600 => format!("{}m {:02}s", secs / 60, secs % 60),
        _ => format!("{}h {:02}m", secs / 3600, secs / 60 % 60),
    }
}

/// A point in time, in UTC: `2026-01-31 12:00:05`.
pub(crate) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(
        |_| ms.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// `1 step`, `2 steps`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_times_read_well() {
        assert_eq!(span(0), "0.0s");
        assert_eq!(span(12_340), "12.3s");
        assert_eq!(span(200_000), "3m 20s");
        assert_eq!(span(7_500_000), "2h 05m");
        assert_eq!(time(0), "1970-01-01 00:00:00");
        assert_eq!(time(1_709_210_096_000), "2024-02-29 12:34:56");
        assert_eq!(time(-1000), "1969-12-31 23:59:59");
    }

    #[test]
    fn columns_line_up_whatever_styles_and_wide_signs_they_hold() {
        let rows = vec![
            vec!["日本".to_owned(), status("SUCCEEDED"), "x".to_owned()],
            vec!["abc".to_owned(), "no".to_owned(), "y".to_owned()],
        ];
        let text = anstream::adapter::strip_str(&table(&["ID", "STATUS", "N"], &rows)).to_string();
        assert_eq!(
            text,
            "ID    STATUS     N\n日本  SUCCEEDED  x\nabc   no         y"
        );
    }
}
