//! `String.format`: Java's format strings with English texts (spec 03 SF-7).

mod decimal;

use crate::{
    arena::java_hash,
    error::ErrorKind,
    eval::{DEPTH, Eval, Result, fail, too_deep},
    value::{MapId, Val},
};

/// Formats arguments by a pattern. Every fault of the pattern or of an argument is ILLEGAL.
pub(crate) fn format(eval: &mut Eval<'_>, pattern: &[u16], args: &[Val]) -> Result<Vec<u16>> {
    let mut out = Vec::with_capacity(pattern.len() + 16);
    let (mut at, mut next, mut previous) = (0, 0, None);
    while let Some(found) = pattern[at..]
        .iter()
        .position(|unit| *unit == u16::from(b'%'))
    {
        out.extend_from_slice(&pattern[at..at + found]);
        let start = at + found;
        let spec = match Spec::read(&pattern[start..]) {
            Some(spec) => spec,
            None => {
                return illegal(&format!(
                    "bad format specifier `{}`; a percent sign is written `%%`",
                    crate::value::show(shape(&pattern[start..]))
                ));
            }
        };
        at = start + spec.length;
        spec.check()?;
        eval.meter.would_fit(
            2 * (out.len()
                + spec
                    .width
                    .unwrap_or(0)
                    .saturating_add(spec.precision.unwrap_or(0))),
        )?;
        match spec.conversion {
            b'n' => out.push(0x0a),
            b'%' => pad(&mut out, &[u16::from(b'%')], &spec),
            _ => {
                let which = match (spec.index, spec.previous) {
                    (_, true) => previous,
                    (Some(index), _) => Some(index - 1),
                    (None, _) => {
                        next += 1;
                        Some(next - 1)
                    }
                };
                previous = which;
                let Some(arg) = which.and_then(|which| args.get(which)) else {
                    return illegal(&format!(
                        "argument for `{}` is missing",
                        crate::value::show(&pattern[start..at])
                    ));
                };
                let text = convert(eval, &spec, arg)?;
                let text = if spec.upper { upper(&text) } else { text };
                pad(&mut out, &text, &spec);
            }
        }
        eval.work(out.len().min(200))?;
        eval.meter.would_fit(2 * out.len())?;
    }
    out.extend_from_slice(&pattern[at..]);
    Ok(out)
}

/// What a faulty specifier probably is: up to a letter or a second percent sign.
fn shape(units: &[u16]) -> &[u16] {
    const MOST: usize = 12;
    let ends = |unit: &u16| {
        u8::try_from(*unit).is_ok_and(|c| c.is_ascii_alphabetic() || c == b'%' || c == b'\'')
    };
    let length = units
        .iter()
        .skip(1)
        .take(MOST)
        .position(ends)
        .map_or(MOST.min(units.len()), |at| at + 2);
    &units[..length]
}

fn illegal<T>(message: &str) -> Result<T> {
    fail(ErrorKind::Illegal, format!("Format error: {message}"))
}

#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "flags of a format specifier are independent"
)]
struct Flags {
    left: bool,
    alternate: bool,
    plus: bool,
    blank: bool,
    zero: bool,
    group: bool,
    parentheses: bool,
}

/// A format specifier.
#[derive(Debug)]
struct Spec {
    length: usize,
    /// From 1.
    index: Option<usize>,
    /// `%<`: the argument of the specifier before.
    previous: bool,
    flags: Flags,
    repeated: bool,
    width: Option<usize>,
    precision: Option<usize>,
    /// In small letters.
    conversion: u8,
    upper: bool,
}

impl Spec {
    /// Reads a specifier that begins with `%`.
    fn read(units: &[u16]) -> Option<Self> {
        let byte = |at: usize| {
            units
                .get(at)
                .and_then(|unit| u8::try_from(*unit).ok())
                .unwrap_or(0)
        };
        let digits = |at: usize| {
            units[at.min(units.len())..]
                .iter()
                .take_while(|unit| (0x30..0x3a).contains(*unit))
                .count()
        };
        let number = |at: usize, count: usize| {
            let text: String = units[at..at + count]
                .iter()
                .map(|unit| char::from(*unit as u8))
                .collect();
            text.parse::<u64>()
                .ok()
                .filter(|number| *number <= i32::MAX as u64)
                .map(|number| number as usize)
        };
        let mut at = 1;
        let mut index = None;
        let count = digits(at);
        if count > 0 && byte(at + count) == b'$' {
            index = Some(number(at, count).filter(|index| *index > 0)?);
            at += count + 1;
        }
        let (mut flags, mut previous, mut repeated) = (Flags::default(), false, false);
        loop {
            let flag = match byte(at) {
                b'-' => &mut flags.left,
                b'#' => &mut flags.alternate,
                b'+' => &mut flags.plus,
                b' ' => &mut flags.blank,
                b'0' => &mut flags.zero,
                b',' => &mut flags.group,
                b'(' => &mut flags.parentheses,
                b'<' => &mut previous,
                _ => break,
            };
            repeated |= std::mem::replace(flag, true);
            at += 1;
        }
        let count = digits(at);
        let width = if count > 0 {
            Some(number(at, count)?)
        } else {
            None
        };
        at += count;
        let mut precision = None;
        if byte(at) == b'.' {
            let count = digits(at + 1);
            precision = Some(if count > 0 {
                number(at + 1, count)?
            } else {
                return None;
            });
            at += count + 1;
        }
        let conversion = byte(at);
        let upper = b"SXEGABCH".contains(&conversion);
        let conversion = if upper {
            conversion.to_ascii_lowercase()
        } else {
            conversion
        };
        if !b"sdxofegabchn%".contains(&conversion) {
            return None;
        }
        Some(Self {
            length: at + 1,
            index,
            previous,
            flags,
            repeated,
            width,
            precision,
            conversion,
            upper,
        })
    }

    /// Flags, width and precision that the conversion does not take.
    fn check(&self) -> Result<()> {
        let allowed: &[u8] = match self.conversion {
            b'd' => b"-+ 0,(",
            b'x' | b'o' => b"-#0",
            b'f' => b"-#+ 0,(",
            b'e' => b"-#+ 0(",
            b'g' => b"-+ 0,(",
            b'a' => b"-#+ 0",
            b'n' => b"",
            _ => b"-",
        };
        let Flags {
            left,
            alternate,
            plus,
            blank,
            zero,
            group,
            parentheses,
        } = self.flags;
        let given = [
            (left, b'-'),
            (alternate, b'#'),
            (plus, b'+'),
            (blank, b' '),
            (zero, b'0'),
            (group, b','),
            (parentheses, b'('),
        ];
        if let Some((_, flag)) = given
            .iter()
            .find(|(given, flag)| *given && !allowed.contains(flag))
        {
            return illegal(&format!(
                "flag `{}` does not go with `%{}`",
                char::from(*flag),
                char::from(self.conversion)
            ));
        }
        if self.repeated || left && zero || plus && blank {
            return illegal("a flag is repeated, or `-` stands with `0`, or `+` with a blank");
        }
        if (left || zero) && self.width.is_none() {
            return illegal("flags `-` and `0` need a width");
        }
        if self.precision.is_some() && b"dxocn%".contains(&self.conversion) {
            return illegal(&format!(
                "`%{}` takes no precision",
                char::from(self.conversion)
            ));
        }
        if self.previous && b"n%".contains(&self.conversion) {
            return illegal(&format!("`%{}` takes no `<`", char::from(self.conversion)));
        }
        if self.conversion == b'n' && self.width.is_some() {
            return illegal("`%n` takes no width");
        }
        Ok(())
    }

    fn wrong_type<T>(&self, arg: &Val) -> Result<T> {
        illegal(&format!(
            "`%{}` does not go with {}",
            char::from(self.conversion),
            arg.type_name()
        ))
    }
}

fn pad(out: &mut Vec<u16>, text: &[u16], spec: &Spec) {
    let blanks = spec.width.unwrap_or(0).saturating_sub(text.len());
    if !spec.flags.left {
        out.extend(std::iter::repeat_n(0x20, blanks));
    }
    out.extend_from_slice(text);
    if spec.flags.left {
        out.extend(std::iter::repeat_n(0x20, blanks));
    }
}

fn upper(text: &[u16]) -> Vec<u16> {
    let mut out = Vec::with_capacity(text.len());
    for unit in char::decode_utf16(text.iter().copied()) {
        match unit {
            Ok(c) => out.extend(c.to_uppercase().flat_map(|c| {
                let mut buffer = [0; 2];
                c.encode_utf16(&mut buffer).to_vec()
            })),
            Err(lone) => out.push(lone.unpaired_surrogate()),
        }
    }
    out
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn convert(eval: &mut Eval<'_>, spec: &Spec, arg: &Val) -> Result<Vec<u16>> {
    let cut = |mut text: Vec<u16>| {
        if let Some(precision) = spec.precision {
            text.truncate(precision);
        }
        text
    };
    if spec.conversion == b'b' {
        let truth = match arg {
            Val::Boolean(truth) => *truth,
            arg => !arg.is_absent(),
        };
        return Ok(cut(units(if truth { "true" } else { "false" })));
    }
    if arg.is_absent() {
        return Ok(cut(units("null")));
    }
    match spec.conversion {
        b's' => {
            let mut text = Vec::new();
            eval.append_text(&mut text, arg)?;
            Ok(cut(text))
        }
        b'h' => Ok(cut(units(&format!("{:x}", hash(eval, arg, 0)?)))),
        b'c' => match arg {
            Val::Long(number) => match u32::try_from(*number) {
                Ok(unit @ 0..0x1_0000) => Ok(vec![unit as u16]),
                Ok(code) if char::from_u32(code).is_some() => {
                    let mut buffer = [0; 2];
                    Ok(char::from_u32(code)
                        .unwrap_or('?')
                        .encode_utf16(&mut buffer)
                        .to_vec())
                }
                _ => illegal(&format!("{number} is no code point")),
            },
            _ => spec.wrong_type(arg),
        },
        b'd' | b'x' | b'o' => match arg {
            Val::Long(number) => Ok(units(&integer(spec, *number))),
            _ => spec.wrong_type(arg),
        },
        _ => match arg {
            Val::Double(number) => {
                eval.work(spec.precision.unwrap_or(0) / 4)?;
                Ok(units(&double(spec, *number)))
            }
            _ => spec.wrong_type(arg),
        },
    }
}

fn integer(spec: &Spec, number: i64) -> String {
    if spec.conversion == b'd' {
        let digits = number.unsigned_abs().to_string();
        let digits = if spec.flags.group {
            decimal::group(&digits)
        } else {
            digits
        };
        return signed(spec, number < 0, &digits, true);
    }
    let narrow = i32::try_from(number).ok().map(|narrow| narrow as u32);
    let (prefix, digits) = match (spec.conversion, narrow) {
        (b'x', Some(bits)) => ("0x", format!("{bits:x}")),
        (b'x', None) => ("0x", format!("{number:x}")),
        (_, Some(bits)) => ("0", format!("{bits:o}")),
        (_, None) => ("0", format!("{number:o}")),
    };
    let prefix = if spec.flags.alternate { prefix } else { "" };
    zero_filled(spec, prefix, &digits, "")
}

/// A sign or parentheses around digits, filled with zeros if asked and allowed.
fn signed(spec: &Spec, negative: bool, digits: &str, zeros: bool) -> String {
    let (before, after) = match negative {
        true if spec.flags.parentheses => ("(", ")"),
        true => ("-", ""),
        false if spec.flags.plus => ("+", ""),
        false if spec.flags.blank => (" ", ""),
        false => ("", ""),
    };
    if zeros {
        zero_filled(spec, before, digits, after)
    } else {
        format!("{before}{digits}{after}")
    }
}

fn zero_filled(spec: &Spec, before: &str, digits: &str, after: &str) -> String {
    let width = if spec.flags.zero {
        spec.width.unwrap_or(0)
    } else {
        0
    };
    let zeros = "0".repeat(width.saturating_sub(before.len() + digits.len() + after.len()));
    format!("{before}{zeros}{digits}{after}")
}

fn double(spec: &Spec, number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let negative = number.is_sign_negative();
    if number.is_infinite() {
        return signed(spec, negative, "Infinity", false);
    }
    let number = number.abs();
    let digits = match spec.conversion {
        b'a' => {
            let digits = decimal::hexadecimal(number, spec.precision);
            let sign = if negative {
                "-"
            } else if spec.flags.plus {
                "+"
            } else if spec.flags.blank {
                " "
            } else {
                ""
            };
            return zero_filled(spec, &format!("{sign}0x"), &digits, "");
        }
        b'f' => decimal::fixed(number, spec.precision.unwrap_or(6)),
        b'e' => decimal::scientific(number, spec.precision.unwrap_or(6)),
        _ => decimal::general(number, spec.precision.unwrap_or(6).max(1)),
    };
    // A point at the end, where `#` asks for one and there are no decimals.
    let digits = match digits.split_once('e') {
        _ if !spec.flags.alternate || digits.contains('.') => digits,
        Some((mantissa, exponent)) => format!("{mantissa}.e{exponent}"),
        None => format!("{digits}."),
    };
    let digits = if spec.flags.group && !digits.contains('e') {
        decimal::group(&digits)
    } else {
        digits
    };
    signed(spec, negative, &digits, true)
}

/// The hash code of Java for the values that have one.
fn hash(eval: &mut Eval<'_>, value: &Val, depth: u32) -> Result<i32> {
    let fold = |bits: u64| (bits ^ bits >> 32) as i32;
    Ok(match value {
        Val::Str(Some(text)) => java_hash(text),
        Val::Long(number) => i32::try_from(*number).unwrap_or_else(|_| fold(*number as u64)),
        Val::Double(number) => fold(if number.is_nan() {
            f64::NAN.to_bits()
        } else {
            number.to_bits()
        }),
        Val::Boolean(truth) => {
            if *truth {
                1231
            } else {
                1237
            }
        }
        Val::Map(Some(map)) => map_hash(eval, *map, depth)?,
        Val::DateTime(Some(date)) => fold(date.millis as u64),
        Val::Days(Some(days)) => *days,
        value if value.is_absent() => 0,
        other => java_hash(&units(other.type_name().as_str())),
    })
}

fn map_hash(eval: &mut Eval<'_>, map: MapId, depth: u32) -> Result<i32> {
    if depth >= DEPTH {
        return Err(too_deep());
    }
    let mut sum = 0_i32;
    for (key, cell) in eval.arena.map_entries(map) {
        let value = eval.arena.cell(cell).clone();
        eval.work(20)?;
        let key = key.as_deref().map_or(0, java_hash);
        sum = sum.wrapping_add(key ^ hash(eval, &value, depth + 1)?);
    }
    Ok(sum)
}
