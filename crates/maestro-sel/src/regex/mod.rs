//! Java's regular expressions on the engines of Rust (spec 03 SF-8).
//!
//! Java's syntax is parsed here and written again with explicit classes: for the `regex` crate, whose time is linear, where
//! the pattern allows it, else for `fancy-regex` with a budget of steps. Neither stops inside of one search, so the size of
//! pattern and text together is bounded first.

mod behind;
mod blocks;
mod class;
mod emit;
mod parse;
mod tree;

use std::{ops::Range, sync::OnceLock};

use crate::{
    error::{ErrorKind, EvalError},
    eval::{Result, fail},
};
use emit::{Texts, emit, size};
use parse::{Refused, parse};
use tree::{Parsed, asks_for_previous_end, scans};

/// States of the largest automaton.
const SIZE: u64 = 50_000;
/// States times code points of one search; about a second at worst.
const WORK: u64 = 500_000_000;

/// Length of the text of one search, squared, where every place may cost a way through all of it; a second as well.
const SQUARE: u64 = 1_000_000_000;

/// A pattern that was read.
#[derive(Debug)]
pub(crate) struct Regex {
    parsed: Parsed,
    size: u64,
    scans: bool,
    steps: usize,
    one_line: OnceLock<Engine>,
    any: OnceLock<Engine>,
    /// For a pattern with `\G`, behind an empty match.
    after_empty: Option<OnceLock<Engine>>,
}

#[derive(Debug)]
enum Engine {
    Linear(regex::Regex),
    Backtracking(fancy_regex::Regex),
    Failed(EvalError),
}

/// Lone surrogates become characters of a private plane, one for each, so that the engines can read the text.
const LONE: u32 = 0x10_f000;

/// The character for a code point, which may be a surrogate.
fn char_of(code: u32) -> char {
    char::from_u32(code)
        .unwrap_or_else(|| char::from_u32(LONE + (code & 0x7ff)).unwrap_or('\u{fffd}'))
}

fn chars(units: &[u16]) -> impl Iterator<Item = char> + '_ {
    char::decode_utf16(units.iter().copied())
        .map(|unit| unit.unwrap_or_else(|lone| char_of(lone.unpaired_surrogate().into())))
}

impl Regex {
    /// Reads a pattern. A faulty one is ILLEGAL, one that is too large is LIMIT.
    pub(crate) fn new(pattern: &[u16], steps: usize) -> Result<Self> {
        let chars: Vec<char> = chars(pattern).collect();
        let parsed = match parse(&chars) {
            Ok(parsed) => parsed,
            Err(Refused::Syntax(message)) => {
                return fail(
                    ErrorKind::Illegal,
                    format!(
                        "bad regular expression `{}`: {message}",
                        crate::value::show_cut(pattern)
                    ),
                );
            }
            Err(Refused::Depth) => {
                return fail(
                    ErrorKind::Limit,
                    "the regular expression is nested too deep",
                );
            }
        };
        let size = size(&parsed.node);
        if size > SIZE {
            return fail(ErrorKind::Limit, "the regular expression is too large");
        }
        let scans = scans(&parsed.node);
        let after_empty = asks_for_previous_end(&parsed.node).then(OnceLock::new);
        Ok(Self {
            parsed,
            after_empty,
            scans,
            size,
            steps,
            one_line: OnceLock::new(),
            any: OnceLock::new(),
        })
    }

    /// Roughly the states of its automaton.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    fn engine(&self, subject: &Subject) -> Result<&Engine> {
        let (texts, cell) = if subject.one_line {
            (Texts::OneLine, &self.one_line)
        } else {
            (Texts::Any, &self.any)
        };
        match cell.get_or_init(|| self.build(texts)) {
            Engine::Failed(error) => Err(error.clone()),
            engine => Ok(engine),
        }
    }

    fn build(&self, texts: Texts) -> Engine {
        let (pattern, backtracking) = emit(&self.parsed.node, texts);
        let too_large = |reason: String| {
            Engine::Failed(EvalError::new(
                ErrorKind::Limit,
                format!("the regular expression is too large: {reason}"),
            ))
        };
        if !backtracking {
            return match regex::RegexBuilder::new(&pattern)
                .size_limit(8 << 20)
                .dfa_size_limit(4 << 20)
                .build()
            {
                Ok(regex) => Engine::Linear(regex),
                Err(error) => too_large(error.to_string()),
            };
        }
        match fancy_regex::RegexBuilder::new(&pattern)
            .backtrack_limit(self.steps)
            .delegate_size_limit(8 << 20)
            .build()
        {
            Ok(regex) => Engine::Backtracking(regex),
            Err(error) => too_large(error.to_string()),
        }
    }

    /// All matches in a text, from left to right.
    pub(crate) fn matches<'a>(&'a self, subject: &'a Subject<'a>) -> Result<Matches<'a>> {
        let length = subject.text.len() as u64;
        if self.size.saturating_mul(length) > WORK
            || self.scans && length.saturating_mul(length) > SQUARE
        {
            return fail(
                ErrorKind::Limit,
                "the regular expression takes too long for so long a text",
            );
        }
        Ok(Matches {
            regex: self,
            engine: self.engine(subject)?,
            subject,
            next: Some(0),
        })
    }

    /// Appends a replacement text for a match: `$n`, `${name}` and `\c` are carried out. A faulty one is ILLEGAL.
    pub(crate) fn expand(
        &self,
        found: &Match,
        text: &[u16],
        with: &[u16],
        out: &mut Vec<u16>,
    ) -> Result<()> {
        let unit_is = |at: usize, c: u8| with.get(at) == Some(&u16::from(c));
        let digit = |at: usize| {
            with.get(at)
                .filter(|unit| (0x30..0x3a).contains(*unit))
                .map(|unit| usize::from(*unit - 0x30))
        };
        let mut at = 0;
        while let Some(unit) = with.get(at) {
            at += 1;
            if *unit == u16::from(b'\\') {
                match with.get(at) {
                    Some(literal) => out.push(*literal),
                    None => return fail(ErrorKind::Illegal, "character to be escaped is missing"),
                }
                at += 1;
                continue;
            }
            if *unit != u16::from(b'$') {
                out.push(*unit);
                continue;
            }
            let group = if unit_is(at, b'{') {
                let length = with[at + 1..]
                    .iter()
                    .take_while(|unit| {
                        u8::try_from(**unit).is_ok_and(|c| c.is_ascii_alphanumeric())
                    })
                    .count();
                let name = crate::value::show(&with[at + 1..at + 1 + length]);
                at += length + 1;
                if !unit_is(at, b'}') {
                    return fail(
                        ErrorKind::Illegal,
                        "named capturing group is missing trailing '}'",
                    );
                }
                at += 1;
                match self.parsed.names.get(&name) {
                    Some(group) => *group,
                    None => {
                        return fail(ErrorKind::Illegal, format!("No group with name {{{name}}}"));
                    }
                }
            } else {
                let Some(mut group) = digit(at) else {
                    return fail(ErrorKind::Illegal, "Illegal group reference");
                };
                at += 1;
                if group > self.parsed.groups {
                    return fail(ErrorKind::Illegal, format!("No group {group}"));
                }
                while let Some(longer) = digit(at)
                    .map(|digit| group * 10 + digit)
                    .filter(|group| *group <= self.parsed.groups)
                {
                    group = longer;
                    at += 1;
                }
                group
            };
            if let Some(range) = found.group(group) {
                out.extend_from_slice(&text[range]);
            }
        }
        Ok(())
    }
}

/// A text to be searched, in UTF-8, with the way back to UTF-16 units.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    units: &'a [u16],
    text: String,
    one_line: bool,
    /// Unit of every [`STRIDE`]th byte, or of the character that it is in; empty for ASCII.
    marks: Vec<u32>,
}

const STRIDE: usize = 64;

impl<'a> Subject<'a> {
    pub(crate) fn new(units: &'a [u16]) -> Self {
        Self::of(units, chars(units).collect())
    }

    /// The text is that of the units.
    fn of(units: &'a [u16], text: String) -> Self {
        let terminator = |c: &char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let one_line = !text.is_empty() && !text.chars().any(|c| terminator(&c));
        let mut marks = Vec::new();
        if text.len() != units.len() {
            let mut unit = 0;
            for (byte, c) in text.char_indices() {
                while marks.len() * STRIDE < byte + c.len_utf8() {
                    marks.push(unit);
                }
                unit += width(c);
            }
            marks.push(unit);
        }
        Self {
            units,
            text,
            one_line,
            marks,
        }
    }

    /// The unit at which a character begins.
    fn unit_of(&self, byte: usize) -> usize {
        if self.marks.is_empty() {
            return byte;
        }
        let mark = byte / STRIDE;
        let mut start = mark * STRIDE;
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let unit = self
            .marks
            .get(mark)
            .or(self.marks.last())
            .copied()
            .unwrap_or(0);
        unit as usize
            + self.text[start..byte]
                .chars()
                .map(|c| width(c) as usize)
                .sum::<usize>()
    }

    /// The byte at which the character of a unit begins, and whether the unit is its second half.
    fn byte_of(&self, unit: usize) -> (usize, bool) {
        if self.marks.is_empty() {
            return (unit, false);
        }
        let mark = self
            .marks
            .partition_point(|mark| *mark as usize <= unit)
            .saturating_sub(1);
        let mut byte = (mark * STRIDE).min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let mut at = self.marks.get(mark).copied().unwrap_or(0) as usize;
        for c in self.text[byte..].chars() {
            if at >= unit {
                break;
            }
            if at + width(c) as usize > unit {
                return (byte, true);
            }
            at += width(c) as usize;
            byte += c.len_utf8();
        }
        (byte, false)
    }
}

/// Units of a character; the stand-in of a lone surrogate is one.
fn width(c: char) -> u32 {
    if (LONE..LONE + 0x800).contains(&(c as u32)) {
        1
    } else {
        c.len_utf16() as u32
    }
}

/// The ranges of the groups of a match, in units.
#[derive(Debug)]
pub(crate) struct Match {
    groups: Vec<Option<Range<usize>>>,
}

impl Match {
    pub(crate) fn group(&self, group: usize) -> Option<Range<usize>> {
        self.groups.get(group).cloned().flatten()
    }
}

/// The search through a text, as Java's matcher goes through it.
pub(crate) struct Matches<'a> {
    regex: &'a Regex,
    engine: &'a Engine,
    subject: &'a Subject<'a>,
    /// The unit to go on from.
    next: Option<usize>,
}

impl Matches<'_> {
    pub(crate) fn next(&mut self) -> Result<Option<Match>> {
        let Some(unit) = self.next else {
            return Ok(None);
        };
        let (byte, inside) = self.subject.byte_of(unit);
        if inside {
            if let Some(found) = self.inside_pair(unit)? {
                return Ok(Some(found));
            }
            let c = self.subject.text[byte..]
                .chars()
                .next()
                .map_or(1, char::len_utf8);
            return self.search(byte + c);
        }
        self.search(byte)
    }

    fn search(&mut self, byte: usize) -> Result<Option<Match>> {
        let text = self.subject.text.as_str();
        let count = self.regex.parsed.groups + 1;
        let groups: Option<Vec<Option<(usize, usize)>>> = match self.engine {
            Engine::Linear(regex) if count == 1 => regex
                .find_at(text, byte)
                .map(|found| vec![Some((found.start(), found.end()))]),
            Engine::Linear(regex) => {
                let mut locations = regex.capture_locations();
                regex
                    .captures_read_at(&mut locations, text, byte)
                    .map(|_| (0..count).map(|i| locations.get(i)).collect())
            }
            Engine::Backtracking(regex) => match regex.captures_from_pos(text, byte) {
                Ok(captures) => captures.map(|captures| {
                    (0..count)
                        .map(|i| captures.get(i).map(|group| (group.start(), group.end())))
                        .collect()
                }),
                Err(error) => {
                    return fail(
                        ErrorKind::Limit,
                        format!("the regular expression takes too long: {error}"),
                    );
                }
            },
            Engine::Failed(error) => return Err(error.clone()),
        };
        let Some(groups) = groups else {
            self.next = None;
            return Ok(None);
        };
        let unit = |byte| self.subject.unit_of(byte);
        let groups: Vec<_> = groups
            .into_iter()
            .map(|group| group.map(|(start, end)| unit(start)..unit(end)))
            .collect();
        let whole = groups[0].clone().unwrap_or(0..0);
        self.advance(&whole);
        if let Some(cell) = &self.regex.after_empty {
            self.engine = if whole.is_empty() {
                cell.get_or_init(|| self.regex.build(Texts::AfterEmpty))
            } else {
                self.regex.engine(self.subject)?
            };
        }
        Ok(Some(Match { groups }))
    }

    fn advance(&mut self, whole: &Range<usize>) {
        let next = if whole.is_empty() {
            whole.end + 1
        } else {
            whole.end
        };
        self.next = Some(next).filter(|next| *next <= self.subject.units.len());
    }

    /// An empty match went on into a surrogate pair: the pattern is tried at its second half. Around it stands a part of
    /// the text in which the pair is two lone halves; all of what follows only if the match goes so far.
    fn inside_pair(&mut self, unit: usize) -> Result<Option<Match>> {
        const AROUND: usize = 100;
        let units = self.subject.units;
        let from = unit.saturating_sub(AROUND);
        let mut to = units.len().min(unit + AROUND);
        loop {
            let before: String = chars(&units[from..unit]).collect();
            let start = before.len();
            let text = before + &chars(&units[unit..to]).collect::<String>();
            let subject = Subject::of(&units[from..to], text);
            let mut inner = Matches {
                regex: self.regex,
                engine: self.engine,
                subject: &subject,
                next: Some(0),
            };
            let Some(found) = inner.search(start)? else {
                return Ok(None);
            };
            let Some(whole) = found.group(0).filter(|whole| whole.start + from == unit) else {
                return Ok(None);
            };
            if whole.end + from == to && to < units.len() {
                to = units.len();
                continue;
            }
            let groups: Vec<_> = found
                .groups
                .into_iter()
                .map(|group| group.map(|range| range.start + from..range.end + from))
                .collect();
            self.advance(&(whole.start + from..whole.end + from));
            return Ok(Some(Match { groups }));
        }
    }
}
