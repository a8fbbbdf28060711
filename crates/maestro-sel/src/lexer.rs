//! From text to tokens (spec 03 section 2).

use crate::error::Span;

/// A token; what it says is read from the units between its ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Tok,
    /// Units of the translated text.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tok {
    Ident,
    Int,
    Float,
    Str,
    Kw(Kw),
    /// A reserved word without a rule in the grammar.
    Reserved,
    /// An operator or separator.
    P(&'static str),
    End,
    /// Not a token.
    Error(Problem),
}

/// Why a part of a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A character that begins no token.
    Character,
    /// A `\` in a text that begins no known escape.
    Escape,
    /// A `\u` without four hexadecimal digits.
    UnicodeEscape,
    /// A text without its second quote.
    OpenText,
    /// A comment without its `*/`.
    OpenComment,
}

/// Reserved words that the grammar knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kw {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Import,
    Static,
    If,
    Else,
    While,
    For,
    Break,
    Continue,
    Return,
    Throw,
    New,
    True,
    False,
    Null,
}

/// The translated text (SL-2) with its tokens. The last token is [`Tok::End`].
#[derive(Debug)]
pub(crate) struct Lexed<'a> {
    source: &'a str,
    units: Vec<u16>,
    /// Byte offset of each unit in the text, and of its end; empty if both are the same.
    offsets: Vec<u32>,
    base: u32,
    completed: bool,
    pub(crate) tokens: Vec<Token>,
}

impl Lexed<'_> {
    pub(crate) fn units(&self, token: Token) -> &[u16] {
        &self.units[token.start as usize..token.end as usize]
    }

    pub(crate) fn text(&self, token: Token) -> String {
        crate::value::show(self.units(token))
    }

    pub(crate) fn span(&self, token: Token) -> Span {
        Span::new(self.offset(token.start), self.offset(token.end))
    }

    fn offset(&self, unit: u32) -> u32 {
        let offset = self.offsets.get(unit as usize).copied().unwrap_or(unit);
        // The semicolon that was added is no part of the text.
        self.base + offset.min(self.source.len() as u32)
    }

    /// The token is the end, or the semicolon that nobody wrote.
    pub(crate) fn is_end(&self, token: Token) -> bool {
        token.kind == Tok::End
            || self.completed && token.kind == Tok::P(";") && token.end as usize == self.units.len()
    }

    /// The semicolon that was added became part of a comment at the end.
    pub(crate) fn semicolon_is_lost(&self) -> bool {
        let before_end = self.tokens.iter().rev().nth(1);
        self.completed && before_end.is_none_or(|token| !self.is_end(*token))
    }

    /// The line, from 1, that ends between a token and a later one, if one does.
    pub(crate) fn line_between(&self, before: Token, after: Token) -> Option<usize> {
        let at = |unit: u32| (self.offset(unit) - self.base) as usize;
        let between = self.source.get(at(before.end)..at(after.start))?;
        let line = 1 + self.source[..at(before.end)].matches('\n').count();
        between.contains('\n').then_some(line)
    }

    /// A part of the text as it was written, cut short if it is long.
    pub(crate) fn written(&self, span: Span) -> String {
        const MOST: usize = 40;
        let at = |offset: u32| (offset - self.base) as usize;
        let text = self
            .source
            .get(at(span.start)..at(span.end))
            .unwrap_or_default();
        let mut shown: String = text.chars().take(MOST).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown
    }

    /// What to say of an error token.
    pub(crate) fn complaint(&self, problem: Problem, span: Span) -> String {
        let written = self.written(span);
        match problem {
            Problem::Character => {
                let c = written.chars().next().unwrap_or('\u{fffd}');
                let hint = match c {
                    '‘' | '’' | '“' | '”' | '„' | '«' | '»' => {
                        "; texts stand in `'` or `\"`"
                    }
                    '#' => "; a comment begins with `//`",
                    '@' => "; there are no annotations",
                    '\\' => "; escapes stand in texts only",
                    c if c.is_whitespace() || is_invisible(c) => {
                        "; it looks like a blank but is none"
                    }
                    _ => "; it may only stand in a text or a comment",
                };
                if c.is_whitespace() || c.is_control() || is_invisible(c) {
                    format!("unexpected character U+{:04X}{hint}", c as u32)
                } else {
                    format!("unexpected character `{c}`{hint}")
                }
            }
            Problem::Escape if written.len() < 2 => {
                "a `\\` at the end of a text; write a backslash as `\\\\`".to_owned()
            }
            Problem::Escape => {
                format!("unknown escape `{written}` in a text; write a backslash as `\\\\`")
            }
            Problem::UnicodeEscape => {
                "`\\u` needs four hexadecimal digits, also in comments and texts; \
                                       write a backslash as `\\\\`"
                    .to_owned()
            }
            Problem::OpenText => {
                let quote = written.chars().next().unwrap_or('\'');
                format!("the text is not closed; end it with `{quote}` on the same line")
            }
            Problem::OpenComment => "the comment is not closed; end it with `*/`".to_owned(),
        }
    }
}

/// Characters without a shape.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Cuts `text` into tokens. `base` is added to all byte offsets; `completed` adds a semicolon (SE-2).
pub(crate) fn lex(text: &str, base: u32, completed: bool) -> Lexed<'_> {
    let Translated {
        mut units,
        mut offsets,
        bad,
    } = translate(text);
    if completed {
        units.push(u16::from(b';'));
        if !offsets.is_empty() {
            offsets.push(text.len() as u32);
        }
    }
    let tokens = Lexer {
        units: &units,
        bad: &bad,
        at: 0,
        error_at: None,
    }
    .run();
    Lexed {
        source: text,
        units,
        offsets,
        base,
        completed,
        tokens,
    }
}

struct Translated {
    units: Vec<u16>,
    offsets: Vec<u32>,
    /// Units that begin a bad `\u` escape.
    bad: Vec<u32>,
}

/// Carries out `\uXXXX` escapes (SL-2), wherever they stand.
fn translate(text: &str) -> Translated {
    if text.is_ascii() && !text.contains("\\u") {
        return Translated {
            units: text.bytes().map(u16::from).collect(),
            offsets: Vec::new(),
            bad: Vec::new(),
        };
    }
    let (mut units, mut offsets, mut bad) = (
        Vec::with_capacity(text.len()),
        Vec::with_capacity(text.len() + 1),
        Vec::new(),
    );
    let bytes = text.as_bytes();
    let mut backslashes = 0_usize;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let offset = at as u32;
        if c == '\\' && backslashes.is_multiple_of(2) && bytes.get(at + 1) == Some(&b'u') {
            let digits = at + 1 + bytes[at + 1..].iter().take_while(|b| **b == b'u').count();
            let hex = bytes
                .get(digits..digits + 4)
                .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
            if let Some(hex) = hex {
                units.push(hex.iter().fold(0, |sum, digit| {
                    sum << 4 | (*digit as char).to_digit(16).unwrap_or(0) as u16
                }));
                offsets.push(offset);
                while chars.next_if(|(next, _)| *next < digits + 4).is_some() {}
                backslashes = 0;
                continue;
            }
            bad.push(units.len() as u32);
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        let mut buffer = [0; 2];
        for unit in c.encode_utf16(&mut buffer) {
            units.push(*unit);
            offsets.push(offset);
        }
    }
    offsets.push(text.len() as u32);
    Translated {
        units,
        offsets,
        bad,
    }
}

struct Lexer<'a> {
    units: &'a [u16],
    bad: &'a [u32],
    at: usize,
    /// The part of an error token that is to blame, where that is not all of it.
    error_at: Option<(usize, usize)>,
}

impl Lexer<'_> {
    fn run(mut self) -> Vec<Token> {
        let mut tokens = Vec::with_capacity(self.units.len() / 3 + 2);
        let mut next_bad = self.bad.iter().peekable();
        loop {
            let blank = self.at;
            let problem = self.skip_blanks();
            let start = self.at;
            self.error_at = None;
            let kind = match problem {
                Some((open, problem)) => {
                    self.error_at = Some((open, open + 2));
                    Tok::Error(problem)
                }
                None => self.token(),
            };
            // A bad escape spoils the token that it is in, or the one after the comment that it is in.
            let mut spoiled = None;
            while let Some(bad) = next_bad.next_if(|bad| (**bad as usize) < self.at) {
                spoiled = spoiled.or(Some(*bad));
            }
            if let Some(bad) = spoiled {
                debug_assert!(bad as usize >= blank);
                tokens.push(Token {
                    kind: Tok::Error(Problem::UnicodeEscape),
                    start: bad,
                    end: bad + 2,
                });
            }
            if spoiled.is_none_or(|bad| (bad as usize) < start) {
                let (start, end) = self.error_at.take().unwrap_or((start, self.at));
                tokens.push(Token {
                    kind,
                    start: start as u32,
                    end: end as u32,
                });
            }
            if kind == Tok::End {
                return tokens;
            }
        }
    }

    fn peek(&self, ahead: usize) -> u16 {
        self.units.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn is(&self, ahead: usize, c: u8) -> bool {
        self.units.get(self.at + ahead) == Some(&u16::from(c))
    }

    /// Skips blanks and comments; a comment that is not closed is a problem at its beginning.
    fn skip_blanks(&mut self) -> Option<(usize, Problem)> {
        loop {
            if self.at < self.units.len()
                && matches!(self.peek(0), 0x20 | 0x09 | 0x0a | 0x0d | 0x0c)
            {
                self.at += 1;
            } else if self.is(0, b'/') && self.is(1, b'/') {
                while self.at < self.units.len() && !self.is(0, b'\n') && !self.is(0, b'\r') {
                    self.at += 1;
                }
            } else if self.is(0, b'/') && self.is(1, b'*') {
                let body = &self.units[self.at + 2..];
                let Some(end) = body.windows(2).position(|two| two == [0x2a, 0x2f]) else {
                    let open = self.at;
                    self.at = self.units.len();
                    return Some((open, Problem::OpenComment));
                };
                self.at += end + 4;
            } else {
                return None;
            }
        }
    }

    fn token(&mut self) -> Tok {
        if self.at >= self.units.len() {
            return Tok::End;
        }
        let first = self.peek(0);
        if is_letter(first) {
            return self.word();
        }
        if is_ascii_digit(first) || first == u16::from(b'.') && is_ascii_digit(self.peek(1)) {
            return self.number();
        }
        if first == u16::from(b'\'') || first == u16::from(b'"') {
            return self.string(first);
        }
        for (length, table) in [
            (4, OPERATORS_4),
            (3, OPERATORS_3),
            (2, OPERATORS_2),
            (1, OPERATORS_1),
        ] {
            let found = table
                .iter()
                .find(|op| op.bytes().enumerate().all(|(i, c)| self.is(i, c)));
            if let Some(found) = found {
                self.at += length;
                return Tok::P(found);
            }
        }
        self.at += if (0xd800..0xdc00).contains(&first) {
            2
        } else {
            1
        };
        self.at = self.at.min(self.units.len());
        Tok::Error(Problem::Character)
    }

    fn word(&mut self) -> Tok {
        let start = self.at;
        while self.at < self.units.len() && (is_letter(self.peek(0)) || is_digit(self.peek(0))) {
            self.at += 1;
        }
        let units = &self.units[start..self.at];
        let mut buffer = [0_u8; 12];
        if units.len() > buffer.len() {
            return Tok::Ident;
        }
        for (byte, unit) in buffer.iter_mut().zip(units) {
            match u8::try_from(*unit) {
                Ok(c) if c.is_ascii_lowercase() => *byte = c,
                _ => return Tok::Ident,
            }
        }
        reserved(&buffer[..units.len()])
    }

    fn number(&mut self) -> Tok {
        let int = self.int_length();
        let float = self.float_length();
        if float > int {
            self.at += float;
            Tok::Float
        } else {
            self.at += int;
            Tok::Int
        }
    }

    fn count(&self, from: usize, accept: impl Fn(u16) -> bool) -> usize {
        self.units[(self.at + from).min(self.units.len())..]
            .iter()
            .take_while(|unit| accept(**unit))
            .count()
    }

    fn int_length(&self) -> usize {
        if self.is(0, b'.') {
            return 0;
        }
        let hex = if self.is(0, b'0') && (self.is(1, b'x') || self.is(1, b'X')) {
            self.count(2, |unit| {
                u8::try_from(unit).is_ok_and(|c| c.is_ascii_hexdigit())
            })
        } else {
            0
        };
        let digits = if hex > 0 {
            2 + hex
        } else if self.is(0, b'0') {
            self.count(0, |unit| (0x30..0x38).contains(&unit))
        } else {
            self.count(0, is_ascii_digit)
        };
        digits + usize::from(self.is(digits, b'l') || self.is(digits, b'L'))
    }

    fn float_length(&self) -> usize {
        let whole = self.count(0, is_ascii_digit);
        let point = self.is(whole, b'.');
        let fraction = if point {
            self.count(whole + 1, is_ascii_digit)
        } else {
            0
        };
        if whole + fraction == 0 {
            return 0;
        }
        let mut length = whole + usize::from(point) + fraction;
        let exponent = self.exponent_length(length);
        length += exponent;
        let suffix = usize::from([b'f', b'F', b'd', b'D'].iter().any(|c| self.is(length, *c)));
        if !point && exponent == 0 && suffix == 0 {
            return 0;
        }
        length + suffix
    }

    fn exponent_length(&self, from: usize) -> usize {
        if !self.is(from, b'e') && !self.is(from, b'E') {
            return 0;
        }
        let sign = usize::from(self.is(from + 1, b'+') || self.is(from + 1, b'-'));
        match self.count(from + 1 + sign, is_ascii_digit) {
            0 => 0,
            digits => 1 + sign + digits,
        }
    }

    fn string(&mut self, quote: u16) -> Tok {
        self.at += 1;
        let start = self.at - 1;
        let mut problem = None;
        while self.at < self.units.len() {
            let unit = self.peek(0);
            if unit == quote {
                self.at += 1;
                return problem.map_or(Tok::Str, Tok::Error);
            }
            if unit == 0x0a || unit == 0x0d {
                break;
            }
            if unit == u16::from(b'\\') {
                // Octal escapes are tokens; the parser refuses them (SL-9).
                let known =
                    u8::try_from(self.peek(1)).is_ok_and(|c| b"ntbrf\\'\"01234567".contains(&c));
                if !known || self.at + 1 >= self.units.len() {
                    self.error_at = self.error_at.or(Some((self.at, self.escape_end())));
                    problem = Some(Problem::Escape);
                }
                if matches!(self.peek(1), 0x0a | 0x0d) {
                    break;
                }
                self.at += 1;
            }
            self.at += 1;
        }
        self.at = self.at.min(self.units.len());
        if problem.is_none() {
            self.error_at = Some((start, self.at));
        }
        Tok::Error(problem.unwrap_or(Problem::OpenText))
    }

    /// The end of the escape that begins here: one character behind the backslash, but no line break.
    fn escape_end(&self) -> usize {
        let length = match self.peek(1) {
            0x0a | 0x0d => 1,
            0xd800..0xdc00 => 3,
            _ => 2,
        };
        (self.at + length).min(self.units.len())
    }
}

const OPERATORS_4: &[&str] = &[">>>="];
const OPERATORS_3: &[&str] = &[">>>", "<<=", ">>="];
const OPERATORS_2: &[&str] = &[
    "==", "<=", ">=", "!=", "||", "&&", "++", "--", "<<", ">>", "+=", "-=", "*=", "/=", "&=", "|=",
    "^=", "%=",
];
const OPERATORS_1: &[&str] = &[
    "(", ")", "{", "}", "[", "]", ";", ",", ".", "=", ">", "<", "!", "~", "?", ":", "+", "-", "*",
    "/", "&", "|", "^", "%",
];

fn reserved(word: &[u8]) -> Tok {
    Tok::Kw(match word {
        b"boolean" => Kw::Boolean,
        b"int" => Kw::Int,
        b"long" => Kw::Long,
        b"float" => Kw::Float,
        b"double" => Kw::Double,
        b"import" => Kw::Import,
        b"static" => Kw::Static,
        b"if" => Kw::If,
        b"else" => Kw::Else,
        b"while" => Kw::While,
        b"for" => Kw::For,
        b"break" => Kw::Break,
        b"continue" => Kw::Continue,
        b"return" => Kw::Return,
        b"throw" => Kw::Throw,
        b"new" => Kw::New,
        b"true" => Kw::True,
        b"false" => Kw::False,
        b"null" => Kw::Null,
        b"abstract" | b"byte" | b"case" | b"catch" | b"char" | b"class" | b"const" | b"default"
        | b"do" | b"extends" | b"final" | b"finally" | b"goto" | b"implements" | b"instanceof"
        | b"interface" | b"native" | b"package" | b"private" | b"protected" | b"public"
        | b"short" | b"super" | b"switch" | b"synchronized" | b"this" | b"throws"
        | b"transient" | b"try" | b"void" | b"volatile" => return Tok::Reserved,
        _ => return Tok::Ident,
    })
}

/// Whether a name could stand in a program as one identifier (SL-5, SL-6), so that a parameter of this name is reachable.
#[must_use]
pub fn is_identifier(name: &str) -> bool {
    let lexed = lex(name, 0, false);
    matches!(
        lexed.tokens[..],
        [
            Token {
                kind: Tok::Ident,
                start: 0,
                ..
            },
            Token { kind: Tok::End, .. }
        ]
    ) && lexed.tokens[0].end as usize == lexed.units.len()
}

fn is_ascii_digit(unit: u16) -> bool {
    (0x30..=0x39).contains(&unit)
}

fn is_letter(unit: u16) -> bool {
    matches!(unit,
        0x24 | 0x5f | 0x41..=0x5a | 0x61..=0x7a | 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0x1fff
        | 0x3040..=0x318f | 0x3300..=0x337f | 0x3400..=0x3d2d | 0x4e00..=0x9fff | 0xf900..=0xfaff)
}

fn is_digit(unit: u16) -> bool {
    matches!(unit,
        0x30..=0x39 | 0x660..=0x669 | 0x6f0..=0x6f9 | 0x966..=0x96f | 0x9e6..=0x9ef | 0xa66..=0xa6f
        | 0xae6..=0xaef | 0xb66..=0xb6f | 0xbe7..=0xbef | 0xc66..=0xc6f | 0xce6..=0xcef | 0xd66..=0xd6f
        | 0xe50..=0xe59 | 0xed0..=0xed9 | 0x1040..=0x1049)
}

/// The place of an octal escape in a token; there are none in SEL.
pub(crate) struct OctalEscape {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The content of a string token, its quotes included. Octal escapes are refused (SL-9).
pub(crate) fn unescape(token: &[u16]) -> Result<Vec<u16>, OctalEscape> {
    let mut out = Vec::with_capacity(token.len());
    let mut units = (1..token.len() - 1).map(|at| token[at]);
    while let Some(unit) = units.next() {
        if unit != u16::from(b'\\') {
            out.push(unit);
            continue;
        }
        out.push(
            match units.next().and_then(|unit| u8::try_from(unit).ok()) {
                Some(b'n') => 0x0a,
                Some(b't') => 0x09,
                Some(b'b') => 0x08,
                Some(b'r') => 0x0d,
                Some(b'f') => 0x0c,
                Some(c @ (b'\\' | b'\'' | b'"')) => u16::from(c),
                _ => {
                    let start = token.len() - 3 - units.len();
                    let digits = token[start + 1..]
                        .iter()
                        .take(3)
                        .take_while(|unit| (0x30..0x38).contains(*unit))
                        .count();
                    return Err(OctalEscape {
                        start: start as u32,
                        end: (start + 1 + digits) as u32,
                    });
                }
            },
        );
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Tok> {
        lex(text, 0, false)
            .tokens
            .iter()
            .map(|token| token.kind)
            .collect()
    }

    #[test]
    fn numbers_take_the_longest_match() {
        assert_eq!(
            kinds("08 08.5 1.x"),
            [
                Tok::Int,
                Tok::Int,
                Tok::Float,
                Tok::Float,
                Tok::Ident,
                Tok::End
            ]
        );
        assert_eq!(kinds("1..2"), [Tok::Float, Tok::Float, Tok::End]);
        assert_eq!(kinds("1.e"), [Tok::Float, Tok::Ident, Tok::End]);
        assert_eq!(kinds("0xG1"), [Tok::Int, Tok::Ident, Tok::End]);
    }

    #[test]
    fn a_bad_unicode_escape_in_a_comment_is_a_token_of_its_own() {
        assert!(matches!(
            kinds("1 // C:\\users\n+ 2")[..],
            [Tok::Int, Tok::Error(_), Tok::P("+"), Tok::Int, Tok::End]
        ));
        assert!(matches!(
            kinds("'C:\\users'")[..],
            [Tok::Error(_), Tok::End]
        ));
    }

    #[test]
    fn offsets_are_those_of_the_text() {
        let lexed = lex("'é\\u0041' + 😀", 3, false);
        assert_eq!(lexed.span(lexed.tokens[0]), Span::new(3, 3 + 10));
        assert_eq!(lexed.span(lexed.tokens[1]), Span::new(3 + 11, 3 + 12));
    }

    #[test]
    fn identifiers() {
        assert!(is_identifier("a_1") && is_identifier("naïve") && is_identifier("record"));
        assert!(
            !is_identifier("a-b")
                && !is_identifier("int")
                && !is_identifier("")
                && !is_identifier(" a")
        );
    }
}
