//! Doubles in the styles of format strings: rounded half up on the decimal digits of their shortest text (spec 03 SF-7).

use crate::text::digits;

/// The first `kept` digits of a number, rounded half up, with the power of ten of the first one.
fn rounded(number: f64, kept: i64) -> (Vec<u8>, i64) {
    let (mut digits, exponent) = digits(number);
    let mut exponent = i64::from(exponent);
    if kept < 0 {
        return (vec![b'0'], exponent);
    }
    let kept = usize::try_from(kept).unwrap_or(usize::MAX);
    if kept >= digits.len() {
        return (digits, exponent);
    }
    let up = digits[kept] >= b'5';
    digits.truncate(kept);
    if up {
        match digits.iter().rposition(|digit| *digit != b'9') {
            Some(at) => {
                digits[at] += 1;
                digits[at + 1..].fill(b'0');
            }
            None => {
                digits.fill(b'0');
                digits.insert(0, b'1');
                exponent += 1;
            }
        }
    }
    if digits.is_empty() {
        digits.push(b'0');
    }
    (digits, exponent)
}

fn text(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// `%f` of a number that is not negative.
pub(super) fn fixed(number: f64, precision: usize) -> String {
    let (_, exponent) = digits(number);
    let (digits, exponent) = rounded(number, i64::from(exponent) + 1 + precision as i64);
    let zero = digits == b"0";
    let mut whole = String::new();
    let mut fraction = String::new();
    if exponent < 0 || zero {
        whole.push('0');
        if !zero {
            fraction = "0".repeat((-exponent - 1) as usize);
            fraction.push_str(&text(&digits));
        }
    } else {
        let count = exponent as usize + 1;
        whole = text(&digits[..digits.len().min(count)]);
        whole.push_str(&"0".repeat(count.saturating_sub(digits.len())));
        fraction = text(&digits[digits.len().min(count)..]);
    }
    with_fraction(&whole, &fraction, precision)
}

fn with_fraction(whole: &str, fraction: &str, precision: usize) -> String {
    if precision == 0 {
        return whole.to_owned();
    }
    let cut = &fraction[..fraction.len().min(precision)];
    format!("{whole}.{cut}{}", "0".repeat(precision - cut.len()))
}

/// `%e` of a number that is not negative.
pub(super) fn scientific(number: f64, precision: usize) -> String {
    let (digits, exponent) = rounded(number, precision as i64 + 1);
    let mantissa = with_fraction(&text(&digits[..1]), &text(&digits[1..]), precision);
    let exponent = if number == 0.0 { 0 } else { exponent };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// `%g` of a number that is not negative, with so many significant digits.
pub(super) fn general(number: f64, precision: usize) -> String {
    if number == 0.0 {
        return fixed(number, precision - 1);
    }
    let (_, exponent) = rounded(number, precision as i64);
    if (-4..precision as i64).contains(&exponent) {
        fixed(number, (precision as i64 - 1 - exponent) as usize)
    } else {
        scientific(number, precision - 1)
    }
}

/// Puts commas between the thousands of the part before the point.
pub(super) fn group(digits: &str) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

const FRACTION_BITS: u32 = 52;

/// `%a` of a number that is not negative, without the `0x`.
pub(super) fn hexadecimal(number: f64, precision: Option<usize>) -> String {
    let precision = precision.map(|precision| precision.max(1));
    let bits = number.to_bits();
    let mut exponent = (bits >> FRACTION_BITS) as i64 - 1023;
    let mut fraction = bits & ((1 << FRACTION_BITS) - 1);
    let mut lead = 1;
    if number == 0.0 {
        (exponent, lead) = (0, 0);
    } else if exponent == -1023 {
        match precision {
            // A rounded subnormal number is written as if it were a normal one.
            Some(precision) if precision < 13 => {
                let shift = fraction.leading_zeros() - 11;
                fraction = fraction << shift & ((1 << FRACTION_BITS) - 1);
                exponent = -1022 - i64::from(shift);
            }
            _ => (exponent, lead) = (-1022, 0),
        }
    }
    if let Some(precision @ 1..13) = precision.filter(|_| number != 0.0) {
        // Half to even on the bits.
        let drop = FRACTION_BITS - 4 * precision as u32;
        let (half, rest) = (1_u64 << (drop - 1), fraction & ((1 << drop) - 1));
        fraction >>= drop;
        if rest > half || rest == half && fraction & 1 == 1 {
            fraction += 1;
        }
        fraction <<= drop;
        if fraction >> FRACTION_BITS != 0 {
            (fraction, exponent) = (0, exponent + 1);
        }
    }
    let all = format!("{fraction:013x}");
    let shown = match precision {
        Some(precision) => {
            let cut = &all[..precision.min(13)];
            format!("{cut}{}", "0".repeat(precision - cut.len()))
        }
        None => {
            let short = all.trim_end_matches('0');
            if short.is_empty() {
                "0".to_owned()
            } else {
                short.to_owned()
            }
        }
    };
    format!("{lead}.{shown}p{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_half_up_on_the_decimal_digits() {
        assert_eq!(fixed(1.005, 2), "1.01");
        assert_eq!(fixed(0.125, 2), "0.13");
        assert_eq!(fixed(0.1, 20), "0.10000000000000000000");
        assert_eq!(fixed(9.99, 1), "10.0");
        assert_eq!(fixed(0.05, 1), "0.1");
        assert_eq!(fixed(0.04, 1), "0.0");
        assert_eq!(fixed(0.004, 1), "0.0");
        assert_eq!(fixed(0.5, 0), "1");
        assert_eq!(fixed(1e21, 1), "1000000000000000000000.0");
        assert_eq!(fixed(0.0, 2), "0.00");
        assert_eq!(fixed(0.999, 2), "1.00");
        assert_eq!(fixed(123.0, 0), "123");
    }

    #[test]
    fn styles() {
        assert_eq!(scientific(12_345.678, 6), "1.234568e+04");
        assert_eq!(scientific(0.0, 6), "0.000000e+00");
        assert_eq!(scientific(9.99, 1), "1.0e+01");
        assert_eq!(general(1.0, 6), "1.00000");
        assert_eq!(general(0.0001, 6), "0.000100000");
        assert_eq!(general(0.000_01, 6), "1.00000e-05");
        assert_eq!(general(999_999.9, 6), "1.00000e+06");
        assert_eq!(group("1234567.89"), "1,234,567.89");
        assert_eq!(hexadecimal(1.5, None), "1.8p0");
        assert_eq!(hexadecimal(1.999, Some(2)), "1.00p1");
        assert_eq!(hexadecimal(5e-324, None), "0.0000000000001p-1022");
        assert_eq!(hexadecimal(5e-324, Some(1)), "1.0p-1074");
    }
}
