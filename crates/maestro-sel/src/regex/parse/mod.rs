//! Java's syntax of regular expressions (spec 03 SF-8).

mod brackets;
mod escapes;

use std::collections::BTreeMap;

use regex_syntax::hir::ClassUnicode;

use super::{
    behind::{Behind, behind},
    class,
    tree::{Greed, Node, Parsed, resolve},
};
use escapes::Escape;

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    Syntax(String),
    /// Nested too deep.
    Depth,
}

const DEPTH: usize = 100;

type Result<T> = std::result::Result<T, Refused>;

pub(super) fn syntax<T>(message: impl Into<String>) -> Result<T> {
    Err(Refused::Syntax(message.into()))
}

/// Flags of an expression.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "flags are independent")]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) unicode_case: bool,
    pub(super) dot_all: bool,
    pub(super) multi_line: bool,
    pub(super) comments: bool,
    pub(super) unix_lines: bool,
    pub(super) unicode_classes: bool,
}

/// Parses a pattern of code points; lone surrogates were replaced before.
pub(super) fn parse(pattern: &[char]) -> Result<Parsed> {
    let chars = unquote(pattern)?;
    let mut parser = Parser {
        chars: &chars,
        at: 0,
        flags: Flags::default(),
        groups: 0,
        names: BTreeMap::new(),
        depth: 0,
    };
    let node = parser.alternation()?;
    if parser.at < chars.len() {
        return syntax("unmatched closing `)`");
    }
    let (groups, names) = (parser.groups, parser.names);
    let mut parsed = Parsed {
        node,
        groups,
        names,
    };
    resolve(&mut parsed.node, groups);
    Ok(parsed)
}

/// A character; between `\Q` and `\E` it stands for itself.
#[derive(Debug, Clone, Copy)]
struct Unit {
    c: char,
    quoted: bool,
}

fn unquote(pattern: &[char]) -> Result<Vec<Unit>> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut at = 0;
    while at < pattern.len() {
        let plain = |c| Unit { c, quoted: false };
        match (pattern[at], pattern.get(at + 1)) {
            ('\\', Some('Q')) => {
                let rest = &pattern[at + 2..];
                let length = rest
                    .windows(2)
                    .position(|two| two == ['\\', 'E'])
                    .unwrap_or(rest.len());
                out.extend(rest[..length].iter().map(|c| Unit {
                    c: *c,
                    quoted: true,
                }));
                at += length + 4;
            }
            ('\\', Some('E')) => return syntax("`\\E` without `\\Q`"),
            ('\\', Some(next)) => {
                out.extend([plain('\\'), plain(*next)]);
                at += 2;
            }
            (c, _) => {
                out.push(plain(c));
                at += 1;
            }
        }
    }
    Ok(out)
}

struct Parser<'a> {
    chars: &'a [Unit],
    at: usize,
    flags: Flags,
    groups: usize,
    names: BTreeMap<String, usize>,
    depth: usize,
}

impl Parser<'_> {
    /// The next character that is not quoted, comments skipped where they are allowed.
    fn peek(&mut self) -> Option<char> {
        self.skip_comments();
        self.raw()
    }

    fn raw(&self) -> Option<char> {
        self.chars
            .get(self.at)
            .filter(|unit| !unit.quoted)
            .map(|unit| unit.c)
    }

    fn raw_at(&self, ahead: usize) -> Option<char> {
        self.chars
            .get(self.at + ahead)
            .filter(|unit| !unit.quoted)
            .map(|unit| unit.c)
    }

    fn skip_comments(&mut self) {
        while self.flags.comments {
            match self.raw() {
                Some(' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r') => self.at += 1,
                Some('#') => {
                    while self.at < self.chars.len()
                        && !is_terminator(self.chars[self.at].c, self.flags.unix_lines)
                    {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.raw() == Some(c);
        self.at += usize::from(found);
        found
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        let result = if self.depth > DEPTH {
            Err(Refused::Depth)
        } else {
            inner(self)
        };
        self.depth -= 1;
        result
    }

    fn alternation(&mut self) -> Result<Node> {
        self.deeper(|parser| {
            let mut branches = vec![parser.sequence()?];
            while parser.peek() == Some('|') {
                parser.at += 1;
                branches.push(parser.sequence()?);
            }
            Ok(if branches.len() == 1 {
                branches.remove(0)
            } else {
                Node::Alternate(branches)
            })
        })
    }

    fn sequence(&mut self) -> Result<Node> {
        let mut nodes = Vec::new();
        loop {
            let next = self.peek();
            if self.at >= self.chars.len() || matches!(next, Some('|' | ')')) {
                return Ok(if nodes.len() == 1 {
                    nodes.remove(0)
                } else {
                    Node::Concat(nodes)
                });
            }
            if let Some(c @ ('*' | '+' | '?')) = next {
                return syntax(format!("dangling `{c}`"));
            }
            let Some(atom) = self.atom()? else { continue };
            nodes.push(self.quantified(atom)?);
        }
    }

    fn quantified(&mut self, node: Node) -> Result<Node> {
        let (min, max) = match self.peek() {
            Some('?') => (0, Some(1)),
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('{') => {
                self.at += 1;
                let min = self.count()?;
                let max = if !self.eat(',') {
                    Some(min)
                } else if self.raw() == Some('}') {
                    None
                } else {
                    Some(self.count()?)
                };
                if self.raw() != Some('}') {
                    return syntax("a `{` that is not closed; a literal one is written `\\{`");
                }
                if max.is_some_and(|max| max < min) {
                    return syntax("a repetition range from more to less");
                }
                (min, max)
            }
            _ => return Ok(node),
        };
        self.at += 1;
        self.skip_comments();
        let greed = if self.eat('?') {
            Greed::Lazy
        } else if self.eat('+') {
            Greed::Possessive
        } else {
            Greed::Greedy
        };
        Ok(Node::repeat(node, min, max, greed))
    }

    fn count(&mut self) -> Result<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.raw().filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        match digits.parse::<i32>() {
            Ok(count) => Ok(count as u32),
            Err(_) => syntax("a `{` without a count; a literal one is written `\\{`"),
        }
    }

    /// An atom; nothing for flags that only change what follows.
    fn atom(&mut self) -> Result<Option<Node>> {
        let Some(c) = self.raw() else {
            let c = self.chars[self.at].c;
            self.at += 1;
            return Ok(Some(Node::Set(self.one(c))));
        };
        self.at += 1;
        Ok(Some(match c {
            '(' => return self.group(),
            '[' => Node::Set(self.deeper(Parser::class)?),
            '.' => {
                let mut set = if self.flags.dot_all {
                    ClassUnicode::empty()
                } else {
                    class::terminators(self.flags.unix_lines)
                };
                set.negate();
                Node::Set(set)
            }
            '^' if self.flags.multi_line => Node::LineStart {
                unix: self.flags.unix_lines,
            },
            '^' => Node::TextStart,
            '$' if self.flags.multi_line => Node::LineEnd {
                unix: self.flags.unix_lines,
            },
            '$' => Node::FinalEnd {
                unix: self.flags.unix_lines,
            },
            // A repetition without an atom repeats nothing.
            '{' => {
                self.at -= 1;
                Node::Empty
            }
            '\\' => match self.escape(false)? {
                Escape::Char(c) => Node::Set(self.one(c)),
                Escape::Node(node) => node,
                Escape::Set(set) => Node::Set(set),
            },
            c => Node::Set(self.one(c)),
        }))
    }

    /// One character, in both cases if case is ignored.
    fn one(&self, c: char) -> ClassUnicode {
        class::folded(class::range(c, c), self.flags)
    }

    fn group(&mut self) -> Result<Option<Node>> {
        let saved = self.flags;
        let mut wrap: fn(Box<Node>) -> Node = |node| *node;
        if !self.eat('?') {
            self.groups += 1;
            wrap = Node::Capture;
        } else {
            match self.raw() {
                Some(':') => self.at += 1,
                Some('=') => {
                    self.at += 1;
                    wrap = |node| Node::Look {
                        ahead: true,
                        negative: false,
                        node,
                    };
                }
                Some('!') => {
                    self.at += 1;
                    wrap = |node| Node::Look {
                        ahead: true,
                        negative: true,
                        node,
                    };
                }
                Some('>') => {
                    self.at += 1;
                    wrap = Node::Atomic;
                }
                Some('<') => {
                    self.at += 1;
                    if self.eat('=') {
                        wrap = |node| Node::Look {
                            ahead: false,
                            negative: false,
                            node,
                        };
                    } else if self.eat('!') {
                        wrap = |node| Node::Look {
                            ahead: false,
                            negative: true,
                            node,
                        };
                    } else {
                        let name = self.group_name()?;
                        self.groups += 1;
                        if self.names.insert(name.clone(), self.groups).is_some() {
                            return syntax(format!("the group name `{name}` is used twice"));
                        }
                        wrap = Node::Capture;
                    }
                }
                _ => {
                    self.read_flags()?;
                    if self.eat(')') {
                        return Ok(None);
                    }
                    if !self.eat(':') {
                        return syntax("unknown group or flag after `(?`");
                    }
                }
            }
        }
        let node = self.alternation()?;
        if self.peek() != Some(')') {
            return syntax("a `(` is not closed");
        }
        self.at += 1;
        self.flags = saved;
        let mut node = wrap(Box::new(node));
        if let Node::Look {
            ahead: false, node, ..
        } = &mut node
        {
            match behind(node) {
                Behind::Looks => {}
                Behind::Blind => {
                    // Its groups keep their numbers.
                    let inner = std::mem::replace(&mut **node, Node::Empty);
                    **node = Node::Concat(vec![inner, Node::Never]);
                }
                Behind::Refused => {
                    return syntax("look-behind group does not have an obvious maximum length");
                }
            }
        }
        Ok(Some(node))
    }

    fn read_flags(&mut self) -> Result<()> {
        let mut on = true;
        loop {
            let flag = match self.raw() {
                Some('-') if on => {
                    on = false;
                    self.at += 1;
                    continue;
                }
                Some('i') => &mut self.flags.ignore_case,
                Some('u') => &mut self.flags.unicode_case,
                Some('s') => &mut self.flags.dot_all,
                Some('m') => &mut self.flags.multi_line,
                Some('x') => &mut self.flags.comments,
                Some('d') => &mut self.flags.unix_lines,
                Some('U') => {
                    self.flags.unicode_case = on;
                    &mut self.flags.unicode_classes
                }
                _ => return Ok(()),
            };
            *flag = on;
            self.at += 1;
        }
    }

    fn group_name(&mut self) -> Result<String> {
        let mut name = String::new();
        while let Some(c) = self.raw().filter(char::is_ascii_alphanumeric) {
            name.push(c);
            self.at += 1;
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !self.eat('>') {
            return syntax("a group name needs a letter, then letters or digits, then `>`");
        }
        Ok(name)
    }
}

fn is_terminator(c: char, unix: bool) -> bool {
    c == '\n' || !unix && matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
