//! Where the values of a text are.

use crate::json::{Json, Position};
use std::collections::HashMap;

/// A value of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: Position,
    pub(crate) kind: PlaceKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlaceKind {
    Leaf,
    List(Vec<Place>),
    /// Equal keys included.
    Map(Vec<Entry>),
}

/// A member of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key is.
    pub(crate) at: Position,
    pub(crate) value: Place,
}

impl Place {
    /// The member that counts: of equal keys the last one.
    pub(super) fn entry(&self, is_wanted: impl Fn(&str) -> bool) -> Option<&Entry> {
        let PlaceKind::Map(entries) = &self.kind else {
            return None;
        };
        entries.iter().rev().find(|entry| is_wanted(&entry.key))
    }

    /// Keys that are given twice in one map, with both places.
    pub(super) fn repeated_keys(&self) -> Vec<(String, Position, Position)> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(place) = open.pop() {
            match &place.kind {
                PlaceKind::Leaf => {}
                PlaceKind::List(elements) => open.extend(elements),
                PlaceKind::Map(entries) => {
                    let mut seen: HashMap<&str, Position> = HashMap::new();
                    for entry in entries {
                        if let Some(first) = seen.insert(&entry.key, entry.at) {
                            found.push((entry.key.clone(), first, entry.at));
                        }
                        open.push(&entry.value);
                    }
                }
            }
        }
        found
    }

    /// The path of the innermost value that begins at a position.
    pub(super) fn path_of(&self, position: Position) -> String {
        let mut best = String::new();
        let mut open = vec![(self, String::new())];
        while let Some((place, path)) = open.pop() {
            let mut consider = |at: Position, path: &str| {
                if at == position && path.len() > best.len() {
                    path.clone_into(&mut best);
                }
            };
            match &place.kind {
                PlaceKind::Leaf => consider(place.position, &path),
                PlaceKind::List(elements) => {
                    consider(place.position, &path);
                    for (index, element) in elements.iter().enumerate() {
                        open.push((element, format!("{path}[{index}]")));
                    }
                }
                PlaceKind::Map(entries) => {
                    consider(place.position, &path);
                    for entry in entries {
                        let dot = if path.is_empty() { "" } else { "." };
                        let path = format!("{path}{dot}{}", entry.key);
                        consider(entry.at, &path);
                        open.push((&entry.value, path));
                    }
                }
            }
        }
        best
    }
}

/// Of a text that was read as JSON without a fault.
pub(super) fn of_json(body: &[u8]) -> Option<Place> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Scanner {
        text,
        at: 0,
        line: 1,
        line_start: 0,
    }
    .value()
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

impl Scanner<'_> {
    fn value(&mut self) -> Option<Place> {
        self.skip_blanks();
        let position = self.position();
        let kind = match self.peek()? {
            b'{' => PlaceKind::Map(self.map()?),
            b'[' => PlaceKind::List(self.list()?),
            b'"' => {
                self.string()?;
                PlaceKind::Leaf
            }
            _ => {
                while self
                    .peek()
                    .is_some_and(|b| !matches!(b, b',' | b'}' | b']') && !b.is_ascii_whitespace())
                {
                    self.at += 1;
                }
                PlaceKind::Leaf
            }
        };
        Some(Place { position, kind })
    }

    fn map(&mut self) -> Option<Vec<Entry>> {
        let mut entries = Vec::new();
        self.at += 1;
        loop {
            self.skip_blanks();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(entries);
                }
                b',' => self.at += 1,
                _ => {
                    let at = self.position();
                    let key = self.string()?;
                    self.skip_blanks();
                    // The colon.
                    self.at += 1;
                    let value = self.value()?;
                    entries.push(Entry { key, at, value });
                }
            }
        }
    }

    fn list(&mut self) -> Option<Vec<Place>> {
        let mut elements = Vec::new();
        self.at += 1;
        loop {
            self.skip_blanks();
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(elements);
                }
                b',' => self.at += 1,
                _ => elements.push(self.value()?),
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let text = self.text.get(start..self.at)?;
        match Json::parse(text.as_bytes()).ok()? {
            Json::String(text) => Some(text.into()),
            _ => None,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek().filter(u8::is_ascii_whitespace) {
            self.at += 1;
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.at;
            }
        }
    }

    fn position(&self) -> Position {
        let before = self.text.get(self.line_start..self.at).unwrap_or_default();
        Position {
            line: self.line,
            column: before.chars().count() + 1,
        }
    }
}
