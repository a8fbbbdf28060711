//! Java's text forms of numbers and the way back (spec 03 SF-1, SF-2, SF-10, SF-11).

/// Decimal digits of a finite double and the power of ten of the first one: `12.5` is (`125`, 1). Zero is (`0`, 0).
pub(crate) fn digits(number: f64) -> (Vec<u8>, i32) {
    if number == 0.0 {
        return (b"0".to_vec(), 0);
    }
    // The shortest text that reads back; where that is a single digit, the better one of two digits (SF-2).
    let mut text = format!("{:e}", number.abs());
    if !text.contains('.') {
        text = format!("{:.1e}", number.abs());
    }
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
    (digits, exponent.parse().unwrap_or(0))
}

/// A DOUBLE as text (SF-2).
pub(crate) fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_infinite() {
        return format!("{sign}Infinity");
    }
    let (digits, exponent) = digits(number);
    let digits = String::from_utf8(digits).unwrap_or_default();
    let fraction = |text: &str| {
        if text.is_empty() {
            "0".to_owned()
        } else {
            text.to_owned()
        }
    };
    match exponent {
        0..7 => {
            let whole = exponent as usize + 1;
            let padded = format!("{digits:0<whole$}");
            format!("{sign}{}.{}", &padded[..whole], fraction(&padded[whole..]))
        }
        -3..0 => format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
        _ => format!(
            "{sign}{}.{}E{exponent}",
            &digits[..1],
            fraction(&digits[1..])
        ),
    }
}

/// The value of a decimal digit of the basic plane, in any script.
pub(crate) fn digit_value(unit: u16) -> Option<u32> {
    if unit < 0x80 {
        return char::from(unit as u8).to_digit(10);
    }
    // Zeros of the Unicode 15 category Nd below U+10000; each script's ten digits follow its zero.
    const ZEROS: [u16; 37] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
        0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
        0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
        0xff10, 0xff10,
    ];
    let zero = ZEROS.iter().rev().find(|zero| **zero <= unit)?;
    let value = u32::from(unit - zero);
    (value < 10).then_some(value)
}

/// A LONG from a text (SF-10).
pub(crate) fn parse_long(units: &[u16]) -> Option<i64> {
    let (negative, digits) = match units.first() {
        Some(0x2d) => (true, &units[1..]),
        Some(0x2b) => (false, &units[1..]),
        _ => (false, units),
    };
    if digits.is_empty() {
        return None;
    }
    let mut sum = 0_i64;
    for unit in digits {
        let value = i64::from(digit_value(*unit)?);
        sum = sum.checked_mul(10)?;
        sum = if negative {
            sum.checked_sub(value)?
        } else {
            sum.checked_add(value)?
        };
    }
    Some(sum)
}

/// A DOUBLE from a text (SF-11).
pub(crate) fn parse_double(units: &[u16]) -> Option<f64> {
    let blank = |unit: &u16| *unit <= 0x20;
    let start = units.iter().position(|unit| !blank(unit))?;
    let end = units.iter().rposition(|unit| !blank(unit))? + 1;
    let text = String::from_utf16(&units[start..end]).ok()?;
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let number = match body {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        _ => {
            let number = body
                .strip_suffix(['f', 'F', 'd', 'D'])
                .filter(|_| !is_hex(body))
                .unwrap_or(body);
            if is_hex(body) {
                hex_double(body)?
            } else {
                decimal_double(number)?
            }
        }
    };
    Some(if negative { -number } else { number })
}

fn is_hex(body: &str) -> bool {
    body.starts_with("0x") || body.starts_with("0X")
}

fn decimal_double(body: &str) -> Option<f64> {
    let mut bytes = body.bytes().peekable();
    let mut count = 0;
    while bytes.next_if(u8::is_ascii_digit).is_some() {
        count += 1;
    }
    if bytes.next_if_eq(&b'.').is_some() {
        while bytes.next_if(u8::is_ascii_digit).is_some() {
            count += 1;
        }
    }
    if count == 0 {
        return None;
    }
    if bytes.next_if(|b| matches!(b, b'e' | b'E')).is_some() {
        bytes.next_if(|b| matches!(b, b'+' | b'-'));
        bytes.next_if(u8::is_ascii_digit)?;
        while bytes.next_if(u8::is_ascii_digit).is_some() {}
    }
    if bytes.next().is_some() {
        return None;
    }
    body.parse().ok()
}

/// `0x`, hexadecimal digits with an optional point, `p`, a decimal exponent, an optional suffix.
fn hex_double(body: &str) -> Option<f64> {
    let (mantissa, exponent) = body[2..].split_once(['p', 'P'])?;
    let exponent = exponent
        .strip_suffix(['f', 'F', 'd', 'D'])
        .unwrap_or(exponent);
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // An exponent beyond these bounds is beyond those of a double whatever the digits are (a program is short).
    let exponent = exponent
        .parse::<i64>()
        .unwrap_or(if exponent.starts_with('-') {
            -1 << 40
        } else {
            1 << 40
        });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_hexdigit())
    {
        return None;
    }
    // 64 significant bits and a sticky bit; then one rounding.
    let (mut bits, mut sticky, mut shift) = (0_u64, false, 0_i64);
    for digit in whole.chars().chain(fraction.chars()) {
        let value = u64::from(digit.to_digit(16)?);
        if bits >> 60 == 0 {
            bits = bits << 4 | value;
        } else {
            sticky |= value != 0;
            shift += 4;
        }
    }
    Some(round_to_double(
        bits,
        sticky,
        exponent.saturating_add(shift) - 4 * fraction.len() as i64,
    ))
}

/// `bits * 2^exponent`, with something more below when `sticky`, rounded to the nearest double, ties to even.
pub(crate) fn round_to_double(bits: u64, sticky: bool, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let zeros = i64::from(bits.leading_zeros());
    let (bits, exponent) = (bits << zeros, exponent - zeros);
    // The value is 1.xxx * 2^top.
    let top = exponent + 63;
    if top > 1023 {
        return f64::INFINITY;
    }
    // Bits that do not fit: 11 for a normal number, more for a subnormal one.
    let drop = if top >= -1022 { 11 } else { 11 + (-1022 - top) };
    if drop > 64 {
        return 0.0;
    }
    let kept = if drop == 64 { 0 } else { bits >> drop };
    let half = 1_u64 << (drop - 1);
    let rest = if drop == 64 {
        bits
    } else {
        bits & ((1 << drop) - 1)
    };
    let up = rest > half || rest == half && (sticky || kept & 1 == 1);
    let kept = kept + u64::from(up);
    // The carry of a mantissa of ones runs into the exponent, which is the right result.
    let biased = if top >= -1022 {
        ((top + 1022) as u64) << 52
    } else {
        0
    };
    f64::from_bits(biased + kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn doubles_print_as_java_does() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1_234_567.0, "1234567.0"),
            (1e7, "1.0E7"),
            (12_345_678.9, "1.23456789E7"),
            (5e-324, "4.9E-324"),
            (f64::MAX, "1.7976931348623157E308"),
            (2e-323, "2.0E-323"),
            (2.0 / 3.0, "0.6666666666666666"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_text(number), text);
        }
    }

    #[test]
    fn longs_read_digits_of_any_script() {
        assert_eq!(parse_long(&units("+12")), Some(12));
        assert_eq!(parse_long(&units("-9223372036854775808")), Some(i64::MIN));
        assert_eq!(parse_long(&units("9223372036854775808")), None);
        assert_eq!(parse_long(&units("٤٢")), Some(42));
        assert_eq!(parse_long(&units("4２")), Some(42));
        assert_eq!(parse_long(&units("")), None);
        assert_eq!(parse_long(&units("-")), None);
        assert_eq!(parse_long(&units(" 1")), None);
    }

    #[test]
    fn doubles_read_decimal_and_hexadecimal() {
        for (text, number) in [
            (" 5 ", 5.0),
            ("5.", 5.0),
            (".5f", 0.5),
            ("5e3D", 5000.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("0x1.8p1", 3.0),
            ("0x1p-1074", 5e-324),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", 5e-324),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.fffffffffffff7fp1023", f64::MAX),
            ("0xfp1f", 30.0),
            ("1e99999999999", f64::INFINITY),
        ] {
            assert_eq!(parse_double(&units(text)), Some(number), "{text}");
        }
        for text in [
            "", " ", "x", "1e", "0x1", "0xp1", "NaNf", "1ff", "infinity", "1_0", "+-1", ".",
        ] {
            assert_eq!(parse_double(&units(text)), None, "{text}");
        }
    }
}
