//! Date patterns: reading them, and printing by them (spec 03 SD-9).

use std::sync::Arc;

use super::{
    calendar::{Field, Parts},
    datetime::{DateTime, MONTHS, WEEKDAYS},
    zone::{Zone, offset_text},
    zone_names,
};

/// A pattern with an own zone or without (SD-13).
#[derive(Debug, Clone)]
pub(crate) struct Formatter {
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) zone: Option<Zone>,
}

/// A pattern that was read.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) pieces: Vec<Piece>,
    /// The first year of the hundred that two digits mean when parsing.
    pub(crate) first_of_century: i64,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(Vec<u16>),
    Number {
        field: Field,
        width: usize,
        most: usize,
        signed: bool,
    },
    /// `lenient`: when parsing, other counts of digits are literal years.
    TwoDigitYear {
        field: Field,
        lenient: bool,
    },
    Name {
        field: Field,
        short: bool,
    },
    Fraction {
        digits: usize,
    },
    ZoneName {
        short: bool,
        parsed: bool,
    },
    Offset {
        colon: bool,
    },
    ZoneId,
}

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("Invalid pattern specification: the date pattern is empty")]
    Empty,
    #[error("Illegal pattern component: {0}; letters that stand for themselves are quoted: '{0}'")]
    Letter(String),
    /// Nothing but one quote.
    #[error("Printing not supported: the date pattern is nothing but one quote")]
    Quote,
}

impl Pattern {
    /// Reads a pattern; `this_year` places two-digit years.
    pub(crate) fn compile(pattern: &[u16], this_year: i64) -> Result<Self, PatternError> {
        if pattern.is_empty() {
            return Err(PatternError::Empty);
        }
        if pattern == [0x27] {
            return Err(PatternError::Quote);
        }
        let tokens = tokens(pattern);
        let mut pieces: Vec<Piece> = Vec::new();
        for (i, token) in tokens.iter().enumerate() {
            let piece = match token {
                Token::Literal(text) if text.is_empty() => continue,
                Token::Literal(text) => Piece::Literal(text.clone()),
                Token::Run(letter, count) => {
                    let next_is_numeric = tokens.get(i + 1).is_some_and(Token::is_numeric);
                    let alone = tokens.len() == 1;
                    field_piece(*letter, *count, next_is_numeric, alone).ok_or_else(|| {
                        PatternError::Letter(
                            char::from(*letter).to_string().repeat((*count).min(20)),
                        )
                    })?
                }
            };
            pieces.push(piece);
        }
        Ok(Self {
            pieces,
            first_of_century: this_year - 80,
        })
    }

    /// Prints an instant in a zone.
    pub(crate) fn print(&self, date: DateTime) -> Vec<u16> {
        let offset = date.offset();
        let parts = Parts::of(i128::from(date.millis) + i128::from(offset));
        let mut out = Vec::with_capacity(32);
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Number { field, width, .. } => {
                    push_number(&mut out, parts.get(*field), *width);
                }
                Piece::TwoDigitYear { field, .. } => {
                    // A two-digit year of era prints as a two-digit year.
                    let field = if *field == Field::YearOfEra {
                        Field::Year
                    } else {
                        *field
                    };
                    push_number(&mut out, parts.get(field).abs() % 100, 2);
                }
                Piece::Name { field, short } => {
                    push_name(&mut out, *field, *short, parts.get(*field));
                }
                Piece::Fraction { digits } => {
                    let millis = parts.get(Field::MillisOfSecond);
                    let text = format!("{millis:03}");
                    let cut = text.get(..*digits).unwrap_or(&text);
                    push_text(&mut out, cut);
                    out.extend(std::iter::repeat_n(0x30, digits.saturating_sub(3)));
                }
                Piece::ZoneName { short: true, .. } => {
                    push_text(&mut out, &zone_names::short(date));
                }
                Piece::ZoneName { short: false, .. } => {
                    push_text(&mut out, &zone_names::long(date));
                }
                Piece::Offset { colon } => push_offset(&mut out, offset, *colon),
                Piece::ZoneId => push_text(&mut out, &date.zone.id()),
            }
        }
        out
    }

    /// Units that printing yields for sure; checked against the memory limit before the work is done.
    pub(crate) fn least_length(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.len(),
                Piece::Number { width, .. } => *width,
                Piece::Fraction { digits } => *digits,
                _ => 2,
            })
            .sum()
    }
}

enum Token {
    Literal(Vec<u16>),
    Run(u8, usize),
}

impl Token {
    fn is_numeric(&self) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Run(b'M', count) => *count <= 2,
            Self::Run(letter, _) => b"cCxyYdhHmsSeDFwWkK".contains(letter),
        }
    }
}

fn letter(unit: u16) -> Option<u8> {
    u8::try_from(unit).ok().filter(u8::is_ascii_alphabetic)
}

fn tokens(pattern: &[u16]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < pattern.len() {
        if let Some(first) = letter(pattern[at]) {
            let count = pattern[at..]
                .iter()
                .take_while(|unit| **unit == pattern[at])
                .count();
            tokens.push(Token::Run(first, count));
            at += count;
            continue;
        }
        let (mut text, mut quoted) = (Vec::new(), false);
        while at < pattern.len() {
            let unit = pattern[at];
            if unit == 0x27 {
                if pattern.get(at + 1) == Some(&0x27) {
                    text.push(unit);
                    at += 2;
                    continue;
                }
                quoted = !quoted;
            } else if !quoted && letter(unit).is_some() {
                break;
            } else {
                text.push(unit);
            }
            at += 1;
        }
        tokens.push(Token::Literal(text));
    }
    tokens
}

fn field_piece(letter: u8, count: usize, next_is_numeric: bool, alone: bool) -> Option<Piece> {
    let number = |field, most: usize| {
        Some(Piece::Number {
            field,
            width: count,
            most: most.max(count),
            signed: false,
        })
    };
    let year = |field, signed| {
        Some(if count == 2 {
            Piece::TwoDigitYear {
                field,
                lenient: !next_is_numeric,
            }
        } else {
            Piece::Number {
                field,
                width: count,
                most: if next_is_numeric { count } else { 9 },
                signed,
            }
        })
    };
    match letter {
        b'G' => Some(Piece::Name {
            field: Field::Era,
            short: false,
        }),
        b'C' => Some(Piece::Number {
            field: Field::CenturyOfEra,
            width: count,
            most: count,
            signed: true,
        }),
        b'Y' => year(Field::YearOfEra, false),
        b'x' => year(Field::Weekyear, true),
        b'y' => year(Field::Year, true),
        b'w' => number(Field::WeekOfWeekyear, 2),
        b'e' => number(Field::DayOfWeek, 1),
        b'E' => Some(Piece::Name {
            field: Field::DayOfWeek,
            short: count < 4,
        }),
        b'D' => number(Field::DayOfYear, 3),
        b'M' if count > 2 => Some(Piece::Name {
            field: Field::MonthOfYear,
            short: count == 3,
        }),
        b'M' => Some(Piece::Number {
            field: Field::MonthOfYear,
            width: count,
            most: 2,
            signed: false,
        }),
        b'd' => number(Field::DayOfMonth, 2),
        b'a' => Some(Piece::Name {
            field: Field::HalfdayOfDay,
            short: false,
        }),
        b'K' => number(Field::HourOfHalfday, 2),
        b'h' => number(Field::ClockhourOfHalfday, 2),
        b'H' => number(Field::HourOfDay, 2),
        b'k' => number(Field::ClockhourOfDay, 2),
        b'm' => number(Field::MinuteOfHour, 2),
        b's' => number(Field::SecondOfMinute, 2),
        b'S' => Some(Piece::Fraction { digits: count }),
        b'z' => Some(Piece::ZoneName {
            short: count < 4,
            parsed: count < 4 || alone,
        }),
        b'Z' if count < 3 => Some(Piece::Offset { colon: count == 2 }),
        b'Z' => Some(Piece::ZoneId),
        _ => None,
    }
}

pub(crate) fn push_text(out: &mut Vec<u16>, text: &str) {
    out.extend(text.encode_utf16());
}

fn push_number(out: &mut Vec<u16>, value: i64, width: usize) {
    if value < 0 {
        out.push(0x2d);
    }
    let mut digits = [0_u16; 20];
    let (mut rest, mut count) = (value.unsigned_abs(), 0);
    loop {
        digits[count] = 0x30 + (rest % 10) as u16;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend(std::iter::repeat_n(0x30, width.saturating_sub(count)));
    out.extend(digits[..count].iter().rev());
}

fn push_name(out: &mut Vec<u16>, field: Field, short: bool, value: i64) {
    let name = match field {
        Field::Era => ["BC", "AD"][value as usize],
        Field::HalfdayOfDay => ["AM", "PM"][value as usize],
        Field::MonthOfYear => MONTHS[value as usize - 1],
        _ => WEEKDAYS[value as usize - 1],
    };
    push_text(out, if short { &name[..3] } else { name });
}

fn push_offset(out: &mut Vec<u16>, offset: i64, colon: bool) {
    let text = offset_text(offset / 60_000 * 60_000);
    // An offset of less than a minute keeps its sign.
    let sign = if offset < 0 { 0x2d } else { 0x2b };
    out.push(sign);
    out.extend(
        text[1..]
            .encode_utf16()
            .filter(|unit| colon || *unit != 0x3a),
    );
}
