//! Parsing by date patterns (spec 03 SD-10).

use super::{
    bucket::{Bucket, ParseError},
    calendar::Field,
    datetime::{DateTime, MONTHS, WEEKDAYS},
    pattern::{Formatter, Pattern, Piece},
    zone::{Zone, parse_offset},
};

impl Formatter {
    /// Reads a text; what the formatter and the text leave open is meant in the default zone.
    pub(crate) fn parse(&self, input: &[u16], default: Zone) -> Result<DateTime, ParseError> {
        self.pattern.parse(input, self.zone, default)
    }
}

impl Pattern {
    pub(crate) fn parse(
        &self,
        input: &[u16],
        own: Option<Zone>,
        default: Zone,
    ) -> Result<DateTime, ParseError> {
        if self
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::ZoneName { parsed: false, .. }))
        {
            return Err(ParseError::PrintOnly);
        }
        let mut bucket = Bucket::default();
        let mut at = 0;
        for piece in &self.pieces {
            at = self
                .piece(piece, input, at, &mut bucket)
                .map_err(|at| ParseError::at(input, at))?;
        }
        if at < input.len() {
            return Err(ParseError::at(input, at));
        }
        bucket.date(input, own, default)
    }

    /// The place behind the piece, or the place of the failure.
    fn piece(
        &self,
        piece: &Piece,
        input: &[u16],
        at: usize,
        bucket: &mut Bucket,
    ) -> Result<usize, usize> {
        let rest = &input[at..];
        match piece {
            Piece::Literal(text) => {
                let same = rest.len() >= text.len()
                    && text.iter().zip(rest).all(|(a, b)| fold(*a) == fold(*b));
                if same { Ok(at + text.len()) } else { Err(at) }
            }
            Piece::Number {
                field,
                most,
                signed,
                ..
            } => {
                let (value, read) = number(rest, *most, *signed).ok_or(at)?;
                bucket.save(*field, value);
                Ok(at + read)
            }
            Piece::TwoDigitYear { field, lenient } => {
                let (value, read) = self.two_digit_year(rest, *lenient).ok_or(at)?;
                let field = if *field == Field::YearOfEra {
                    Field::Year
                } else {
                    *field
                };
                bucket.save(field, value);
                Ok(at + read)
            }
            Piece::Name { field, .. } => {
                let (value, read) = name(*field, rest).ok_or(at)?;
                bucket.save(*field, value);
                Ok(at + read)
            }
            Piece::Fraction { digits } => {
                let (millis, read) = fraction_millis(rest, *digits, 1000).ok_or(at)?;
                bucket.save_fraction(1000, millis);
                Ok(at + read)
            }
            Piece::ZoneName { .. } => {
                let (id, read) = ZONE_NAMES
                    .iter()
                    .filter(|(name, _)| starts_with(rest, name))
                    .max_by_key(|(name, _)| name.len())
                    .map(|(name, id)| (*id, name.len()))
                    .ok_or(at)?;
                bucket.offset = None;
                bucket.zone = Some(Zone::for_id(id).map_err(|_| at)?);
                Ok(at + read)
            }
            Piece::Offset { .. } => {
                if matches!(rest.first(), Some(0x5a | 0x7a)) {
                    bucket.offset = Some(0);
                    bucket.zone = None;
                    return Ok(at + 1);
                }
                let (millis, read) = parse_offset(rest).map_err(|inner| at + inner)?;
                bucket.offset = Some(millis);
                bucket.zone = None;
                Ok(at + read)
            }
            Piece::ZoneId => {
                let (zone, read) = Zone::longest_prefix(rest).ok_or(at)?;
                bucket.offset = None;
                bucket.zone = Some(zone);
                Ok(at + read)
            }
        }
    }

    fn two_digit_year(&self, rest: &[u16], lenient: bool) -> Option<(i64, usize)> {
        if lenient {
            let signed = matches!(rest.first(), Some(0x2b | 0x2d));
            let (value, read) = number(rest, 18, true)?;
            if signed || read != 2 {
                return Some((value, read));
            }
        }
        let (value, read) = number(rest, 2, false)?;
        if read != 2 {
            return None;
        }
        let first = self.first_of_century;
        Some((first + (value - first).rem_euclid(100), 2))
    }
}

/// Short names of zones that can be parsed, and the zones that they mean.
const ZONE_NAMES: [(&str, &str); 11] = [
    ("UT", "UTC"),
    ("UTC", "UTC"),
    ("GMT", "UTC"),
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("MST", "America/Denver"),
    ("MDT", "America/Denver"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
];

fn fold(unit: u16) -> u32 {
    char::from_u32(unit.into()).map_or(unit.into(), |c| {
        let upper = c.to_uppercase().next().unwrap_or(c);
        upper.to_lowercase().next().unwrap_or(upper) as u32
    })
}

fn starts_with(rest: &[u16], text: &str) -> bool {
    rest.len() >= text.len() && text.bytes().zip(rest).all(|(a, b)| u16::from(a) == *b)
}

fn digit(unit: u16) -> Option<i64> {
    (0x30..0x3a).contains(&unit).then(|| i64::from(unit - 0x30))
}

/// Up to so many digits, at least one, and a sign that does not count.
fn number(rest: &[u16], most: usize, signed: bool) -> Option<(i64, usize)> {
    let sign = usize::from(signed && matches!(rest.first(), Some(0x2b | 0x2d)));
    let digits: Vec<i64> = rest[sign..]
        .iter()
        .take(most)
        .map_while(|unit| digit(*unit))
        .collect();
    if digits.is_empty() {
        return None;
    }
    // More than 18 digits only come from long runs of a letter; such a value is out of every field's range.
    let value = digits.iter().fold(0_i64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(*digit)
    });
    Some((
        if sign == 1 && rest[0] == 0x2d {
            -value
        } else {
            value
        },
        sign + digits.len(),
    ))
}

/// Up to so many decimal digits of a fraction of a unit, in milliseconds, cut off.
pub(crate) fn fraction_millis(rest: &[u16], most: usize, unit: i64) -> Option<(i64, usize)> {
    let (mut value, mut weight, mut read) = (0, unit * 10, 0);
    for digit in rest.iter().take(most).map_while(|unit| digit(*unit)) {
        weight /= 10;
        value += digit * weight;
        read += 1;
    }
    (read > 0).then_some((value / 10, read))
}

/// The longest name of the field at the start of the text, as it is, in capitals or in small letters.
fn name(field: Field, rest: &[u16]) -> Option<(i64, usize)> {
    let names: Vec<(&str, i64)> = match field {
        Field::Era => vec![("AD", 1), ("CE", 1), ("BC", 0), ("BCE", 0)],
        Field::HalfdayOfDay => vec![("AM", 0), ("PM", 1)],
        _ => {
            let long: &[&str] = if field == Field::MonthOfYear {
                &MONTHS
            } else {
                &WEEKDAYS
            };
            (1..)
                .zip(long)
                .flat_map(|(value, name)| [(*name, value), (&name[..3], value)])
                .collect()
        }
    };
    let matches = |name: &str| {
        starts_with(rest, name)
            || starts_with(rest, &name.to_ascii_lowercase())
            || starts_with(rest, &name.to_ascii_uppercase())
    };
    names
        .into_iter()
        .filter(|(name, _)| matches(name))
        .max_by_key(|(name, _)| name.len())
        .map(|(name, value)| (value, name.len()))
}

/// The milliseconds of a text by a pattern in a zone, for the functions of `Util`.
pub(crate) fn parse_local_millis(
    pattern: &Pattern,
    input: &[u16],
    zone: Zone,
) -> Result<DateTime, ParseError> {
    pattern.parse(input, Some(zone), zone)
}
