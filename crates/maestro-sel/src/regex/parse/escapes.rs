//! Escapes, in classes and outside of them.

use regex_syntax::hir::ClassUnicode;

use super::{Parser, Result, syntax};
use crate::regex::{
    char_of, class,
    tree::{Greed, Node},
};

/// What an escape stands for.
pub(super) enum Escape {
    Char(char),
    Node(Node),
    Set(ClassUnicode),
}

impl Parser<'_> {
    /// An escape behind its backslash.
    pub(super) fn escape(&mut self, in_class: bool) -> Result<Escape> {
        let Some(unit) = self.chars.get(self.at).copied() else {
            return syntax("`\\` at the end");
        };
        self.at += 1;
        let unicode = self.flags.unicode_classes;
        let set = |set| Ok(Escape::Set(set));
        match unit.c {
            'd' => set(class::digits(unicode)),
            'D' => set(class::negated(class::digits(unicode))),
            'w' => set(class::words(unicode)),
            'W' => set(class::negated(class::words(unicode))),
            's' => set(class::blanks(unicode)),
            'S' => set(class::negated(class::blanks(unicode))),
            'h' => set(class::horizontal()),
            'H' => set(class::negated(class::horizontal())),
            'v' => set(class::vertical()),
            'V' => set(class::negated(class::vertical())),
            'p' => set(self.property()?),
            'P' => set(class::negated(self.property()?)),
            't' => Ok(Escape::Char('\t')),
            'n' => Ok(Escape::Char('\n')),
            'r' => Ok(Escape::Char('\r')),
            'f' => Ok(Escape::Char('\u{c}')),
            'a' => Ok(Escape::Char('\u{7}')),
            'e' => Ok(Escape::Char('\u{1b}')),
            'c' => match self.chars.get(self.at) {
                Some(control) => {
                    self.at += 1;
                    Ok(Escape::Char(
                        char::from_u32(control.c as u32 ^ 64).unwrap_or(control.c),
                    ))
                }
                None => syntax("`\\c` at the end"),
            },
            '0' => self.octal().map(Escape::Char),
            'x' => self.hexadecimal().map(Escape::Char),
            'u' => self.unicode_escape().map(Escape::Char),
            'N' => self.named_char().map(Escape::Char),
            c if !c.is_ascii_alphanumeric() => Ok(Escape::Char(c)),
            c if in_class => syntax(format!("unknown escape `\\{c}` in a class")),
            'b' if self.raw() == Some('{') && self.raw_at(1) == Some('g') => {
                syntax("`\\b{g}` is not supported")
            }
            'b' => Ok(Escape::Node(Node::WordBoundary {
                negative: false,
                unicode,
            })),
            'B' => Ok(Escape::Node(Node::WordBoundary {
                negative: true,
                unicode,
            })),
            'A' => Ok(Escape::Node(Node::TextStart)),
            'z' => Ok(Escape::Node(Node::TextEnd)),
            'Z' => Ok(Escape::Node(Node::FinalEnd {
                unix: self.flags.unix_lines,
            })),
            'G' => Ok(Escape::Node(Node::PreviousEnd)),
            'R' => Ok(Escape::Node(Node::Alternate(vec![
                Node::Concat(vec![
                    Node::Set(class::range('\r', '\r')),
                    Node::Set(class::range('\n', '\n')),
                ]),
                Node::Set(class::vertical()),
            ]))),
            'X' => Ok(Escape::Node(grapheme())),
            'k' => {
                if !self.eat('<') {
                    return syntax("`\\k` needs a group name in `<` and `>`");
                }
                let name = self.group_name()?;
                match self.names.get(&name) {
                    Some(group) => Ok(Escape::Node(self.reference(*group))),
                    None => syntax(format!("there is no group `{name}`")),
                }
            }
            c @ '1'..='9' => {
                let mut group = c as usize - '0' as usize;
                // More digits belong to the number as long as there is such a group.
                while let Some(digit) = self.raw().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer > self.groups {
                        break;
                    }
                    group = longer;
                    self.at += 1;
                }
                Ok(Escape::Node(self.reference(group)))
            }
            c => syntax(format!("unknown escape `\\{c}`")),
        }
    }

    fn reference(&self, group: usize) -> Node {
        Node::BackReference {
            group,
            ignore_case: self.flags.ignore_case,
        }
    }

    fn octal(&mut self) -> Result<char> {
        let (mut value, mut count) = (0, 0);
        while let Some(digit) = self.raw().and_then(|c| c.to_digit(8)) {
            if count == 3 || count == 2 && value * 8 + digit > 0o377 {
                break;
            }
            value = value * 8 + digit;
            count += 1;
            self.at += 1;
        }
        if count == 0 {
            return syntax("`\\0` needs octal digits");
        }
        Ok(char::from_u32(value).unwrap_or('\0'))
    }

    fn hex_digits(&mut self, count: usize) -> Result<u32> {
        let mut value = 0;
        for _ in 0..count {
            let Some(digit) = self.raw().and_then(|c| c.to_digit(16)) else {
                return syntax(format!("{count} hexadecimal digits expected"));
            };
            value = value << 4 | digit;
            self.at += 1;
        }
        Ok(value)
    }

    fn hexadecimal(&mut self) -> Result<char> {
        if !self.eat('{') {
            return Ok(char::from_u32(self.hex_digits(2)?).unwrap_or('\0'));
        }
        let mut value = 0_u32;
        let mut count = 0;
        while let Some(digit) = self.raw().and_then(|c| c.to_digit(16)) {
            value = value.saturating_mul(16).saturating_add(digit);
            count += 1;
            self.at += 1;
        }
        if count == 0 || value > 0x10_ffff || !self.eat('}') {
            return syntax("`\\x{` needs hexadecimal digits up to 10FFFF and `}`");
        }
        Ok(char_of(value))
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let value = self.hex_digits(4)?;
        if (0xd800..0xdc00).contains(&value)
            && self.raw() == Some('\\')
            && self.raw_at(1) == Some('u')
        {
            let saved = self.at;
            self.at += 2;
            let low = self.hex_digits(4)?;
            if (0xdc00..0xe000).contains(&low) {
                return Ok(char_of(
                    0x1_0000 + ((value - 0xd800) << 10) + (low - 0xdc00),
                ));
            }
            self.at = saved;
        }
        Ok(char_of(value))
    }

    fn named_char(&mut self) -> Result<char> {
        let name = self.braced("`\\N` needs a name in braces")?;
        match unicode_names2::character(&name) {
            Some(c) => Ok(c),
            None => syntax(format!("there is no character `{name}`")),
        }
    }

    fn braced(&mut self, problem: &str) -> Result<String> {
        if !self.eat('{') {
            return syntax(problem);
        }
        let mut name = String::new();
        while let Some(unit) = self.chars.get(self.at) {
            self.at += 1;
            if unit.c == '}' {
                return if name.is_empty() {
                    syntax(problem)
                } else {
                    Ok(name)
                };
            }
            name.push(unit.c);
        }
        syntax("a `{` is not closed")
    }

    fn property(&mut self) -> Result<ClassUnicode> {
        let name = if self.raw() == Some('{') {
            self.braced("`\\p` needs a name")?
        } else {
            let Some(unit) = self.chars.get(self.at) else {
                return syntax("`\\p` needs a name");
            };
            self.at += 1;
            unit.c.to_string()
        };
        class::property(&name, self.flags)
    }
}

/// Roughly a grapheme: CR LF, or a character with the marks behind it.
fn grapheme() -> Node {
    let marks = class::extenders();
    let many = |set: &ClassUnicode| Node::Repeat {
        node: Box::new(Node::Set(set.clone())),
        min: 0,
        max: None,
        greed: Greed::Greedy,
    };
    let mut any = ClassUnicode::empty();
    any.negate();
    Node::Alternate(vec![
        Node::Concat(vec![
            Node::Set(class::range('\r', '\r')),
            Node::Set(class::range('\n', '\n')),
        ]),
        Node::Concat(vec![Node::Set(any), many(&marks)]),
    ])
}
