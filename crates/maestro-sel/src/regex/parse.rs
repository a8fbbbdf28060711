//! Java's syntax of regular expressions (spec 03 SF-8).

use std::collections::BTreeMap;

use regex_syntax::hir::ClassUnicode;

use super::class;

/// A regular expression, all flags and classes resolved.
#[derive(Debug)]
pub(super) enum Node {
    Empty,
    /// Matches nothing at all.
    Never,
    /// One code point.
    Set(ClassUnicode),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
        greed: Greed,
    },
    Capture(Box<Node>),
    Atomic(Box<Node>),
    Look {
        ahead: bool,
        negative: bool,
        node: Box<Node>,
    },
    BackReference {
        group: usize,
        ignore_case: bool,
    },
    TextStart,
    TextEnd,
    /// The end, or before one final terminator.
    FinalEnd {
        unix: bool,
    },
    LineStart {
        unix: bool,
    },
    LineEnd {
        unix: bool,
    },
    WordBoundary {
        negative: bool,
        unicode: bool,
    },
    PreviousEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    /// Number of groups.
    pub(super) groups: usize,
    pub(super) names: BTreeMap<String, usize>,
}

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

/// A back-reference without a group never matches.
fn resolve(node: &mut Node, groups: usize) {
    match node {
        Node::BackReference { group, .. } if *group > groups => *node = Node::Never,
        Node::Concat(nodes) | Node::Alternate(nodes) => {
            nodes.iter_mut().for_each(|node| resolve(node, groups));
        }
        Node::Repeat { node, .. }
        | Node::Capture(node)
        | Node::Atomic(node)
        | Node::Look { node, .. } => resolve(node, groups),
        _ => {}
    }
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

/// What an escape stands for.
enum Escape {
    Char(char),
    Node(Node),
    Set(ClassUnicode),
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
        let greed = if self.eat('?') {
            Greed::Lazy
        } else if self.eat('+') {
            Greed::Possessive
        } else {
            Greed::Greedy
        };
        Ok(Node::Repeat {
            node: Box::new(node),
            min,
            max,
            greed,
        })
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
        let node = wrap(Box::new(node));
        if let Node::Look {
            ahead: false, node, ..
        } = &node
            && longest(node).is_none()
        {
            return syntax("look-behind group does not have an obvious maximum length");
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

    /// An escape behind its backslash.
    fn escape(&mut self, in_class: bool) -> Result<Escape> {
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
        Ok(super::char_of(value))
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
                return Ok(super::char_of(
                    0x1_0000 + ((value - 0xd800) << 10) + (low - 0xdc00),
                ));
            }
            self.at = saved;
        }
        Ok(super::char_of(value))
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

    /// A class behind its `[`.
    fn class(&mut self) -> Result<ClassUnicode> {
        let negative = self.eat('^');
        let mut set = self.class_operand(true)?;
        while self.at_intersection() {
            while self.raw() == Some('&') {
                self.at += 1;
            }
            self.skip_comments();
            // `[a&&]` is `[a]`.
            if self.raw() != Some(']') {
                let right = self.class_operand(false)?;
                set.intersect(&right);
            }
        }
        if !self.eat(']') {
            return syntax("a `[` is not closed");
        }
        if negative {
            set.negate();
        }
        Ok(set)
    }

    fn at_intersection(&self) -> bool {
        self.raw() == Some('&') && self.raw_at(1) == Some('&')
    }

    /// The union of what stands up to `&&` or the end of the class.
    fn class_operand(&mut self, mut first: bool) -> Result<ClassUnicode> {
        let mut set = ClassUnicode::empty();
        loop {
            self.skip_comments();
            if self.at >= self.chars.len() {
                return syntax("a `[` is not closed");
            }
            if self.at_intersection() {
                return Ok(set);
            }
            match self.raw() {
                Some(']') if !first => return Ok(set),
                Some('[') => {
                    self.at += 1;
                    let inner = self.deeper(Self::class)?;
                    set.union(&inner);
                }
                _ => match self.class_item()? {
                    Escape::Set(inner) => set.union(&inner),
                    Escape::Char(start) => {
                        let range = self.class_range(start)?;
                        set.union(&range);
                    }
                    Escape::Node(_) => return syntax("an anchor in a class"),
                },
            }
            first = false;
        }
    }

    fn class_item(&mut self) -> Result<Escape> {
        let c = self.raw();
        let unit = self.chars[self.at];
        self.at += 1;
        if c == Some('\\') {
            self.escape(true)
        } else {
            Ok(Escape::Char(unit.c))
        }
    }

    fn class_range(&mut self, start: char) -> Result<ClassUnicode> {
        self.skip_comments();
        let literal = self.raw() != Some('-')
            || matches!(self.raw_at(1), Some(']' | '['))
            || self.at + 1 >= self.chars.len();
        if literal {
            return Ok(class::folded(class::range(start, start), self.flags));
        }
        self.at += 1;
        self.skip_comments();
        if self.at >= self.chars.len() {
            return syntax("a `[` is not closed");
        }
        match self.class_item()? {
            Escape::Char(end) if end >= start => {
                Ok(class::folded(class::range(start, end), self.flags))
            }
            _ => syntax("illegal character range"),
        }
    }
}

fn is_terminator(c: char, unix: bool) -> bool {
    c == '\n' || !unix && matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
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

/// The most code points that a node may match; nothing if there is no bound.
pub(super) fn longest(node: &Node) -> Option<u64> {
    match node {
        Node::Set(_) => Some(1),
        Node::Concat(nodes) => nodes
            .iter()
            .try_fold(0_u64, |sum, node| sum.checked_add(longest(node)?)),
        Node::Alternate(nodes) => nodes
            .iter()
            .try_fold(0_u64, |most, node| Some(most.max(longest(node)?))),
        Node::Repeat { node, max, .. } => longest(node)?.checked_mul(u64::from((*max)?)),
        Node::Capture(node) | Node::Atomic(node) => longest(node),
        Node::BackReference { .. } => None,
        Node::Empty
        | Node::Never
        | Node::Look { .. }
        | Node::TextStart
        | Node::TextEnd
        | Node::FinalEnd { .. }
        | Node::LineStart { .. }
        | Node::LineEnd { .. }
        | Node::WordBoundary { .. }
        | Node::PreviousEnd => Some(0),
    }
}
