//! Methods of STRING (spec 03 9.1).

use super::{cast, no_method, null_content};
use crate::{
    error::ErrorKind,
    eval::{Eval, Result, fail},
    java_format,
    names::Member,
    regex::{Regex, Subject},
    value::{Element, Text, Val},
};

fn call_failed<T>(name: &str, argc: usize, why: &str) -> Result<T> {
    fail(
        ErrorKind::Call,
        format!("Failed calling method {name}{argc}: {why}"),
    )
}

/// An *int* argument: a LONG of 32 bits (ST-6).
pub(super) fn int_argument(value: &Val) -> Option<i32> {
    match value {
        Val::Long(number) => i32::try_from(*number).ok(),
        _ => None,
    }
}

impl Eval<'_> {
    pub(super) fn string_method(
        &mut self,
        text: Option<&Text>,
        method: Member,
        name: &str,
        args: &[Val],
    ) -> Result<Val> {
        match method {
            Member::Format => return self.string_format(args),
            Member::Join => return self.string_join(args),
            Member::Escape => return self.string_escape(text, args),
            _ => {}
        }
        let known = match args.len() {
            0 => matches!(
                method,
                Member::Length
                    | Member::IsEmpty
                    | Member::Trim
                    | Member::ToUpperCase
                    | Member::ToLowerCase
            ),
            1 => matches!(
                method,
                Member::Equals
                    | Member::Compare
                    | Member::StartsWith
                    | Member::EndsWith
                    | Member::Contains
                    | Member::LastIndexOf
                    | Member::Substring
                    | Member::Split
                    | Member::ValueOf
            ),
            2 => matches!(
                method,
                Member::Substring | Member::Replace | Member::ReplaceAll | Member::Split
            ),
            _ => false,
        };
        if !known {
            return Err(no_method(&Val::Str(None), name, args));
        }
        for arg in args {
            if !self.has_host_value(arg)? {
                return call_failed(
                    name,
                    args.len(),
                    &format!("{} has no host value", arg.type_name()),
                );
            }
        }
        if method == Member::ValueOf {
            if text.is_some() {
                return call_failed(name, 1, "`valueOf` belongs to `String`, not to a text");
            }
            let mut units = Vec::new();
            self.append_text(&mut units, &args[0])
                .map_err(|error| error.into_call(name, 1))?;
            return Ok(Val::text(units));
        }
        let Some(text) = text else {
            return call_failed(name, args.len(), "it is called on a STRING without content");
        };
        self.work(text.len() / 8)?;
        let result = self.known_method(text, method, args);
        result.map_err(|error| error.into_call(name, args.len()))
    }

    fn known_method(&mut self, text: &Text, method: Member, args: &[Val]) -> Result<Val> {
        let wrong = || super::mismatched(args, wanted(method));
        match (method, args) {
            (Member::Length, []) => Ok(Val::Long(text.len() as i64)),
            (Member::IsEmpty, []) => Ok(Val::Boolean(text.is_empty())),
            (Member::Trim, []) => {
                let start = text
                    .iter()
                    .position(|unit| *unit > 0x20)
                    .unwrap_or(text.len());
                let end = text
                    .iter()
                    .rposition(|unit| *unit > 0x20)
                    .map_or(start, |at| at + 1);
                Ok(Val::text(text[start..end].to_vec()))
            }
            (Member::ToUpperCase, []) => self.mapped(text, str::to_uppercase),
            (Member::ToLowerCase, []) => self.mapped(text, str::to_lowercase),
            (Member::Equals, [other]) => Ok(Val::Boolean(
                matches!(other, Val::Str(Some(other)) if other == text),
            )),
            (Member::Compare, [Val::Str(Some(other))]) => {
                let differing = text.iter().zip(other.iter()).find(|(a, b)| a != b);
                Ok(Val::Long(match differing {
                    Some((a, b)) => i64::from(*a) - i64::from(*b),
                    None => text.len() as i64 - other.len() as i64,
                }))
            }
            (Member::StartsWith, [Val::Str(Some(other))]) => {
                Ok(Val::Boolean(text.starts_with(other)))
            }
            (Member::EndsWith, [Val::Str(Some(other))]) => Ok(Val::Boolean(text.ends_with(other))),
            (Member::Contains, [Val::Str(Some(other))]) => {
                self.search_work(text, other)?;
                Ok(Val::Boolean(find(text, other, 0).is_some()))
            }
            (Member::LastIndexOf, [Val::Str(Some(other))]) => {
                self.search_work(text, other)?;
                let at = if other.is_empty() {
                    Some(text.len())
                } else {
                    text.windows(other.len())
                        .rposition(|window| window == &other[..])
                };
                Ok(Val::Long(at.map_or(-1, |at| at as i64)))
            }
            (Member::Substring, [begin]) => match int_argument(begin) {
                Some(begin) => substring(text, begin, text.len() as i64),
                None => wrong(),
            },
            (Member::Substring, [begin, end]) => match (int_argument(begin), int_argument(end)) {
                (Some(begin), Some(end)) => substring(text, begin, end.into()),
                _ => wrong(),
            },
            (Member::Replace, [Val::Str(Some(target)), Val::Str(Some(with))]) => {
                self.replace(text, target, with)
            }
            (Member::ReplaceAll, [Val::Str(Some(pattern)), Val::Str(Some(with))]) => {
                let regex = self.regex(pattern)?;
                self.replace_all(&regex, text, with)
            }
            (Member::Split, [Val::Str(Some(pattern))]) => {
                let regex = self.regex(pattern)?;
                self.split(&regex, text, 0)
            }
            (Member::Split, [Val::Str(Some(pattern)), limit]) => match int_argument(limit) {
                Some(limit) => {
                    let regex = self.regex(pattern)?;
                    self.split(&regex, text, limit)
                }
                None => wrong(),
            },
            _ => wrong(),
        }
    }

    /// A search of one text in another takes the product of their lengths at worst.
    fn search_work(&mut self, text: &Text, other: &Text) -> Result<()> {
        let steps = text.len().saturating_mul(other.len().min(8)) / 4;
        self.work(steps)
    }

    /// Maps the well-formed parts of a text; lone surrogates stay as they are.
    fn mapped(&mut self, text: &Text, map: fn(&str) -> String) -> Result<Val> {
        let mut out = Vec::with_capacity(text.len());
        let mut part = String::new();
        for unit in char::decode_utf16(text.iter().copied()) {
            match unit {
                Ok(c) => part.push(c),
                Err(lone) => {
                    out.extend(map(&part).encode_utf16());
                    part.clear();
                    out.push(lone.unpaired_surrogate());
                }
            }
        }
        out.extend(map(&part).encode_utf16());
        self.meter.would_fit(2 * out.len())?;
        Ok(Val::text(out))
    }

    fn replace(&mut self, text: &Text, target: &Text, with: &Text) -> Result<Val> {
        self.search_work(text, target)?;
        let mut out = Vec::new();
        if target.is_empty() {
            self.meter
                .would_fit(2 * (text.len() + 1).saturating_mul(with.len() + 1))?;
            out.extend_from_slice(with);
            for unit in text.iter() {
                out.push(*unit);
                out.extend_from_slice(with);
            }
            return Ok(Val::text(out));
        }
        let mut at = 0;
        while let Some(found) = find(text, target, at) {
            out.extend_from_slice(&text[at..found]);
            out.extend_from_slice(with);
            at = found + target.len();
            self.meter.would_fit(2 * out.len())?;
        }
        out.extend_from_slice(&text[at..]);
        Ok(Val::text(out))
    }

    fn replace_all(&mut self, regex: &Regex, text: &Text, with: &Text) -> Result<Val> {
        let subject = Subject::new(text);
        let mut matches = regex.matches(&subject)?;
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(found) = matches.next()? {
            let whole = found.group(0).unwrap_or(0..0);
            out.extend_from_slice(&text[at..whole.start]);
            regex.expand(&found, text, with, &mut out)?;
            at = whole.end;
            self.meter.would_fit(2 * out.len())?;
            self.work(200)?;
        }
        out.extend_from_slice(&text[at..]);
        Ok(Val::text(out))
    }

    fn split(&mut self, regex: &Regex, text: &Text, limit: i32) -> Result<Val> {
        let subject = Subject::new(text);
        let mut matches = regex.matches(&subject)?;
        let mut parts: Vec<Val> = Vec::new();
        let mut at = 0;
        while let Some(found) = matches.next()? {
            if limit > 0 && parts.len() as i32 == limit - 1 {
                break;
            }
            let whole = found.group(0).unwrap_or(0..0);
            if whole.end == 0 {
                continue;
            }
            parts.push(Val::text(text[at..whole.start].to_vec()));
            at = whole.end;
            self.meter.would_fit(34 * parts.len())?;
            self.work(200)?;
        }
        // Without a cut the only part is the whole text, also of an empty one.
        let uncut = parts.is_empty();
        parts.push(Val::text(text[at..].to_vec()));
        if limit == 0 && !uncut {
            while matches!(parts.last(), Some(Val::Str(Some(part))) if part.is_empty()) {
                parts.pop();
            }
        }
        self.box_array(Element::String, parts)
    }

    fn string_format(&mut self, args: &[Val]) -> Result<Val> {
        let [pattern, args @ ..] = args else {
            return fail(ErrorKind::Illegal, "`String.format` needs a pattern");
        };
        let Val::Str(pattern) = pattern else {
            return cast("STRING", pattern);
        };
        for arg in args {
            if !self.has_host_value(arg)? {
                return Err(super::no_host_value(arg));
            }
        }
        let Some(pattern) = pattern else {
            return null_content("the pattern");
        };
        java_format::format(self, pattern, args).map(Val::text)
    }

    fn string_join(&mut self, args: &[Val]) -> Result<Val> {
        if args.is_empty() {
            return fail(ErrorKind::Illegal, "`String.join` needs a delimiter");
        }
        let (parts, delimiter): (Vec<Option<Text>>, _) = match args {
            [delimiter, Val::Array(element, array)] => {
                let Val::Str(delimiter) = delimiter else {
                    return cast("STRING", delimiter);
                };
                if *element != Element::String {
                    return cast("STRING_ARRAY", &args[1]);
                }
                let text = |value: &Val| {
                    if let Val::Str(text) = value {
                        text.clone()
                    } else {
                        None
                    }
                };
                (
                    self.arena.elements(*array).iter().map(text).collect(),
                    delimiter,
                )
            }
            _ => {
                let mut texts = Vec::with_capacity(args.len());
                for arg in args {
                    let Val::Str(text) = arg else {
                        return cast("STRING", arg);
                    };
                    texts.push(text.clone());
                }
                let Val::Str(delimiter) = &args[0] else {
                    return cast("STRING", &args[0]);
                };
                (texts.split_off(1), delimiter)
            }
        };
        let Some(delimiter) = delimiter else {
            return null_content("the delimiter");
        };
        let null: Text = "null".into();
        let size: usize = parts
            .iter()
            .map(|part| part.as_ref().unwrap_or(&null).len() + delimiter.len())
            .sum();
        self.meter.would_fit(2 * size)?;
        let mut out = Vec::with_capacity(size);
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(delimiter);
            }
            out.extend_from_slice(part.as_ref().unwrap_or(&null));
        }
        self.work(out.len() / 4)?;
        Ok(Val::text(out))
    }

    fn string_escape(&mut self, receiver: Option<&Text>, args: &[Val]) -> Result<Val> {
        let null: Text = "null".into();
        let text = match args {
            [] => match receiver {
                Some(text) => text,
                None => return null_content("the text"),
            },
            [Val::Str(text)] => text.as_ref().unwrap_or(&null),
            _ => {
                return fail(
                    ErrorKind::Illegal,
                    format!("`escape` takes one STRING, not {}", super::list(args)),
                );
            }
        };
        self.meter.would_fit(2 * text.len())?;
        let mut out = Vec::with_capacity(text.len() + 8);
        for unit in text.iter() {
            let escaped = match unit {
                0x5c => b'\\',
                0x09 => b't',
                0x08 => b'b',
                0x0a => b'n',
                0x0d => b'r',
                0x0c => b'f',
                0x22 => b'"',
                _ => {
                    out.push(*unit);
                    continue;
                }
            };
            out.extend([0x5c, u16::from(escaped)]);
        }
        Ok(Val::text(out))
    }
}

/// The arguments of a method of texts, for messages.
fn wanted(method: Member) -> &'static str {
    match method {
        Member::Substring => "LONG of 32 bits",
        Member::Split => "STRING, or STRING and LONG of 32 bits",
        Member::Replace | Member::ReplaceAll => "STRING, STRING",
        _ => "STRING",
    }
}

fn find(text: &[u16], target: &[u16], from: usize) -> Option<usize> {
    if target.is_empty() {
        return Some(from);
    }
    text[from..]
        .windows(target.len())
        .position(|window| window == target)
        .map(|at| from + at)
}

fn substring(text: &Text, begin: i32, end: i64) -> Result<Val> {
    let length = text.len() as i64;
    if begin < 0 || end > length || i64::from(begin) > end {
        return fail(
            ErrorKind::Illegal,
            format!("begin {begin}, end {end}, length {length}"),
        );
    }
    Ok(Val::text(text[begin as usize..end as usize].to_vec()))
}
