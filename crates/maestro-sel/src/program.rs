//! Parsed programs, the door of the crate.

use std::{collections::BTreeSet, fmt};

use crate::{
    ast::Ast,
    compile::{Code, compile},
    error::{Diagnostic, ErrorKind, EvalError, Span},
    eval,
    host::Host,
    limits::Limits,
    parser::parse,
    print::print,
    required::required_names,
    value::Output,
};

/// A parsed program. Immutable and free of the values that it will meet, so one parse serves many evaluations on any
/// thread.
pub struct Program {
    ast: Ast,
    code: Code,
}

impl Program {
    /// Parses a program as the engine gets it: blanks around it are cut off, and a missing semicolon at the end is
    /// added (spec 03 SE-2). Its length is not limited here; see [`Program::parse_within`].
    ///
    /// # Errors
    /// All faults of the text, at least one, in the order in which a reader meets them; the kind of the first one is the
    /// kind of the failure (spec 03 SL-12).
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let Sanitised {
            start,
            text,
            completed,
        } = sanitise(text);
        Self::parse_from(text, start, completed)
    }

    /// Parses a complete program: nothing is cut off or added.
    ///
    /// # Errors
    /// As [`Program::parse`].
    pub fn parse_complete(text: &str) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_from(text, 0, false)
    }

    fn parse_from(text: &str, base: usize, completed: bool) -> Result<Self, Vec<Diagnostic>> {
        // Offsets are 32 bits; no limit on length allows a text of that size.
        if text.len() > u32::MAX as usize / 2 {
            return Err(vec![Diagnostic::new(
                ErrorKind::Illegal,
                Span::default(),
                "the program is too long",
            )]);
        }
        let ast = parse(text, base as u32, completed)?;
        let code = compile(&ast);
        Ok(Self { ast, code })
    }

    /// Checks the length of a text (spec 03 SM-4), then parses it. What the engine does before it validates or evaluates.
    ///
    /// # Errors
    /// ILLEGAL if the text is too long, else the first fault of the text.
    pub fn parse_within(text: &str, limits: &Limits) -> Result<Self, EvalError> {
        check_length(text, limits)?;
        Self::parse(text).map_err(|faults| match faults.into_iter().next() {
            Some(fault) => EvalError::new(fault.kind, fault.message).at(fault.span),
            None => EvalError::new(ErrorKind::Parse, "the text is no program"),
        })
    }

    /// The names that the program needs from outside; `params` among them when it is used (spec 03 section 4).
    #[must_use]
    pub fn required_names(&self) -> BTreeSet<String> {
        required_names(&self.ast)
    }

    /// Evaluates the program from clean state (spec 03 SE-3).
    ///
    /// # Errors
    /// The program failed, threw an error, came to a limit, or has a result that may not leave SEL.
    pub fn eval(&self, host: &mut dyn Host, limits: &Limits) -> Result<Output, EvalError> {
        eval::run(&self.code, host, limits)
    }
}

/// The program in one layout; it reads back as the same program. Comments are lost.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(&self.ast))
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({:?})", print(&self.ast))
    }
}

/// Checks a text without evaluating it: its length, its syntax, and what it needs from outside (spec 03 SE-6).
///
/// # Errors
/// All faults of the text.
pub fn check(text: &str, limits: &Limits) -> Result<BTreeSet<String>, Vec<Diagnostic>> {
    if let Err(error) = check_length(text, limits) {
        let span = error.span().unwrap_or_default();
        return Err(vec![Diagnostic::new(error.kind(), span, error.message())]);
    }
    Program::parse(text).map(|program| program.required_names())
}

/// Whether a text is the beginning of a program that needs more lines, for a prompt: an open bracket, comment or
/// statement.
#[must_use]
pub fn is_incomplete(text: &str) -> bool {
    let Err(faults) = Program::parse(text) else {
        return false;
    };
    let end = text.trim_end().len();
    faults.first().is_some_and(|fault| {
        let start = fault.span.start as usize;
        match fault.kind {
            ErrorKind::Parse => start >= end,
            // Only a comment may go on in the next line.
            ErrorKind::Lex => text[start.min(end)..].starts_with("/*"),
            _ => false,
        }
    })
}

struct Sanitised<'a> {
    start: usize,
    text: &'a str,
    /// A semicolon is to be added.
    completed: bool,
}

/// Cuts characters up to U+0020 off both ends and looks whether the last semicolon is missing (SE-2).
fn sanitise(text: &str) -> Sanitised<'_> {
    let blank = |c: char| c <= ' ';
    let start = text.len() - text.trim_start_matches(blank).len();
    let text = text.trim_matches(blank);
    let finished =
        text.is_empty() || text.ends_with(';') || text.ends_with('}') && !text.starts_with("{\"");
    Sanitised {
        start,
        text,
        completed: !finished,
    }
}

fn check_length(text: &str, limits: &Limits) -> Result<(), EvalError> {
    let Sanitised {
        start,
        text,
        completed,
    } = sanitise(text);
    let length = text.encode_utf16().count() + usize::from(completed);
    if length >= limits.length {
        let limit = limits.length;
        return Err(EvalError::new(
            ErrorKind::Illegal,
            format!("program length is over the limit: {limit} vs length: {length}"),
        )
        .at(beyond(text, start, limits.length)));
    }
    Ok(())
}

/// The part of a text from so many UTF-16 units on, as far as offsets go.
fn beyond(text: &str, start: usize, units: usize) -> Span {
    let mut count = 0;
    let at = text
        .char_indices()
        .find(|(_, c)| {
            count += c.len_utf16();
            count >= units
        })
        .map_or(text.len(), |(at, _)| at);
    let offset = |at: usize| u32::try_from(start + at).unwrap_or(u32::MAX);
    Span::new(offset(at), offset(text.len()))
}
