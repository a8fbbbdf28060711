//! Exact decimal numbers with their scale: literals of `DOUBLE` params (spec 02 T-1, T-4).

use std::fmt;

/// The longest number that is read (spec 04 ER-5a).
pub const MAX_NUMBER_CHARS: usize = 1000;

/// A decimal number of any size that keeps its scale: `1.50` is not written as `1.5`.
///
/// The value is `digits * 10^-scale`. Never expanded: `1e999999999` costs as much as `1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// At least one digit, no leading zeros but for zero itself, which is `0`.
    digits: Box<str>,
    scale: i32,
}

impl Decimal {
    /// Reads a decimal text (spec 02 C-8): sign, digits with at most one point, exponent. Nothing else, no blanks.
    ///
    /// `None` also for a text over [`MAX_NUMBER_CHARS`] and for a scale beyond 32 bits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_NUMBER_CHARS {
            return None;
        }
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let scale = i32::try_from(i64::try_from(fraction.len()).ok()? - exponent).ok()?;
        let mut digits = String::with_capacity(whole.len() + fraction.len());
        digits.push_str(whole);
        digits.push_str(fraction);
        let significant = digits.trim_start_matches('0');
        let (negative, digits) = if significant.is_empty() {
            (false, "0".into())
        } else {
            (negative, significant.into())
        };
        Some(Self {
            negative,
            digits,
            scale,
        })
    }

    /// The decimal of a double's text (spec 02 Z-1); `None` for a number that is not finite.
    pub fn from_f64(value: f64) -> Option<Self> {
        value
            .is_finite()
            .then(|| crate::json::double_text(value))
            .and_then(|text| Self::parse(&text))
    }

    /// Whether both are the same number, whatever their scales.
    pub fn equals(&self, other: &Self) -> bool {
        let normal = |d: &Self| {
            let digits = d.digits.trim_end_matches('0');
            let dropped = d.digits.len() - digits.len();
            let dropped = i64::try_from(dropped).unwrap_or(i64::MAX);
            (digits.to_owned(), i64::from(d.scale) - dropped)
        };
        if &*self.digits == "0" || &*other.digits == "0" {
            return self.digits == other.digits;
        }
        self.negative == other.negative && normal(self) == normal(other)
    }

    /// The nearest double; infinite beyond the range of doubles (spec 02 T-4).
    pub fn to_f64(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, -i64::from(self.scale))
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// The integer part, if it fits: what an integer field makes of this number (spec 01 JS-7, truncated toward zero).
    pub fn truncate(&self) -> Option<i64> {
        let digits: &str = &self.digits;
        if digits == "0" {
            return Some(0);
        }
        let whole_len = i64::try_from(digits.len()).ok()? - i64::from(self.scale);
        if whole_len <= 0 {
            return Some(0);
        }
        if whole_len > 19 {
            return None;
        }
        let whole_len = usize::try_from(whole_len).ok()?;
        let mut whole = 0_i128;
        for at in 0..whole_len {
            whole = whole * 10
                + digits
                    .as_bytes()
                    .get(at)
                    .map_or(0, |digit| i128::from(digit - b'0'));
        }
        i64::try_from(if self.negative { -whole } else { whole }).ok()
    }

    /// Whether both are the same number, whatever their scales (`1.50` and `1.5`).
    pub fn same_number(&self, other: &Self) -> bool {
        self.negative == other.negative && self.normalised() == other.normalised()
    }

    fn normalised(&self) -> (&str, i64) {
        let digits = self.digits.trim_end_matches('0');
        if digits.is_empty() {
            return ("0", 0);
        }
        let cut = i64::try_from(self.digits.len() - digits.len()).unwrap_or(0);
        (digits, i64::from(self.scale) - cut)
    }
}

/// An exponent's digits; saturates far outside of what a scale can hold.
fn exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value = digits.bytes().fold(0_i64, |sum, digit| {
        (sum * 10 + i64::from(digit - b'0')).min(1 << 40)
    });
    Some(if negative { -value } else { value })
}

/// Java's form of a big decimal: plain while the scale is not negative and the exponent not under -6, else scientific.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let digits: &str = &self.digits;
        let len = i64::try_from(digits.len()).map_err(|_| fmt::Error)?;
        let scale = i64::from(self.scale);
        let adjusted = len - 1 - scale;
        if scale == 0 {
            return f.write_str(digits);
        }
        if scale > 0 && adjusted >= -6 {
            let scale = usize::try_from(scale).map_err(|_| fmt::Error)?;
            return if digits.len() > scale {
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                write!(f, "{whole}.{fraction}")
            } else {
                write!(f, "0.{digits:0>scale$}")
            };
        }
        f.write_str(&digits[..1])?;
        if digits.len() > 1 {
            write!(f, ".{}", &digits[1..])?;
        }
        write!(f, "E{adjusted:+}")
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self {
            negative: value < 0,
            digits: value.unsigned_abs().to_string().into(),
            scale: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(input: &str) -> Option<String> {
        Decimal::parse(input).map(|d| d.to_string())
    }

    #[test]
    fn scale_is_kept_and_the_form_is_javas() {
        for (input, output) in [
            ("1.10", "1.10"),
            ("15", "15"),
            ("1e5", "1E+5"),
            ("-0.0", "0.0"),
            ("+7", "7"),
            ("007.50", "7.50"),
            ("5.", "5"),
            (".5", "0.5"),
            ("2e4", "2E+4"),
            ("12e4", "1.2E+5"),
            ("0.0000001", "1E-7"),
            ("0.000001", "0.000001"),
            ("12e-8", "1.2E-7"),
            ("1e999999999", "1E+999999999"),
            ("10.229999999999", "10.229999999999"),
            ("100e-1", "10.0"),
            ("0e3", "0E+3"),
        ] {
            assert_eq!(text(input).as_deref(), Some(output), "{input}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for input in [
            "",
            "+",
            ".",
            "1e",
            "1e+",
            "1.5d",
            "0x1p3",
            "NaN",
            "Infinity",
            " 1",
            "1 ",
            "1_0",
            "1e99999999999",
            "--1",
        ] {
            assert_eq!(text(input), None, "{input}");
        }
        assert_eq!(text(&"1".repeat(1001)), None);
    }

    #[test]
    fn truncation_is_toward_zero_and_bounded() {
        let cut = |input: &str| Decimal::parse(input).and_then(|d| d.truncate());
        assert_eq!(cut("1.9"), Some(1));
        assert_eq!(cut("-1.9"), Some(-1));
        assert_eq!(cut("1e3"), Some(1000));
        assert_eq!(cut("-0.5"), Some(0));
        assert_eq!(cut("9223372036854775807.9"), Some(i64::MAX));
        assert_eq!(cut("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(cut("9223372036854775808"), None);
        assert_eq!(cut("9.3e18"), None);
        assert_eq!(cut("1e999999999"), None);
        assert_eq!(cut("1e-999999999"), Some(0));
        assert_eq!(cut("0e999999999"), Some(0));
    }

    #[test]
    fn numbers_are_compared_without_their_scale() {
        let same = |a: &str, b: &str| {
            Decimal::parse(a)
                .zip(Decimal::parse(b))
                .is_some_and(|(a, b)| a.same_number(&b))
        };
        assert!(same("1.50", "1.5"));
        assert!(same("1e3", "1000"));
        assert!(same("0.00", "-0"));
        assert!(!same("1", "-1"));
        assert!(!same("1", "10"));
    }

    proptest! {
        #[test]
        fn text_form_reads_back_as_the_same_decimal(input in "[+-]?[0-9]{1,20}(\\.[0-9]{0,20})?([eE][+-]?[0-9]{1,6})?") {
            let decimal = Decimal::parse(&input).expect("the pattern is the grammar");
            prop_assert_eq!(Decimal::parse(&decimal.to_string()), Some(decimal));
        }

        #[test]
        fn doubles_survive(value in proptest::num::f64::NORMAL) {
            prop_assert_eq!(Decimal::from_f64(value).map(|d| d.to_f64()), Some(value));
        }
    }
}
