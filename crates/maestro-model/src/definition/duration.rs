//! Times that are numbers or texts with params in them (spec 01 sections 2.2, 2.3).

use crate::Str;
use crate::codec::{At, FromJson, JsonError};
use crate::json::{Json, ToJson, Writer};
use std::fmt;

/// A number, or a text that becomes one once its params are put in (spec 01 PL-1, PL-2).
///
/// Displays as in messages: `4` against `"4"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ParsableLong {
    /// A number, at least 0.
    Number(i64),
    /// A text, kept as written.
    Text(Str),
}

impl fmt::Display for ParsableLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParsableLong::Number(number) => number.fmt(f),
            ParsableLong::Text(text) => write!(f, "\"{text}\""),
        }
    }
}

/// Milliseconds of a duration text (spec 01 DU-1): the sum of all `DIGITS [blank] UNIT` in it, everything else ignored.
///
/// Units: `d` day, `h` hour, `min` minute, `ms` or `millisecond` millisecond, `s` second, each as a prefix of what
/// follows, in any case. Saturates; a run of digits beyond 64 bits counts as 0.
pub fn duration_ms(text: &str) -> i64 {
    let text = text.to_lowercase();
    let mut rest = text.as_str();
    let mut sum = 0_i64;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let run = &rest[start..];
        let digits = run.find(|c: char| !c.is_ascii_digit()).unwrap_or(run.len());
        let after = &run[digits..];
        let after = after.strip_prefix(' ').unwrap_or(after);
        if let Some(unit) = unit_ms(after) {
            sum = sum.saturating_add(
                run[..digits]
                    .parse::<i64>()
                    .unwrap_or(0)
                    .saturating_mul(unit),
            );
        }
        rest = &run[digits..];
    }
    sum
}

/// The longest unit that a text starts with.
fn unit_ms(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 6] = [
        ("millisecond", 1),
        ("min", 60_000),
        ("ms", 1),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("s", 1000),
    ];
    UNITS
        .iter()
        .find(|(unit, _)| text.starts_with(unit))
        .map(|(_, ms)| *ms)
}

/// The integer of a text: an optional sign and decimal digits, nothing else (spec 01 PL-3).
pub(crate) fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

impl FromJson for ParsableLong {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        match &json {
            Json::String(text) => Ok(ParsableLong::Text((**text).into())),
            Json::Number(number) => {
                let value = number.as_i64().or_else(|| number.to_decimal()?.truncate());
                value
                    .filter(|value| *value >= 0)
                    .map(ParsableLong::Number)
                    .ok_or_else(|| {
                        at.wrong(
                            &json,
                            "a number of at least 0 that fits 64 bits, or a text such as `2 hours`",
                        )
                    })
            }
            _ => Err(at.wrong(&json, "a number of at least 0, or a text such as `2 hours`")),
        }
    }
}

impl ToJson for ParsableLong {
    fn write(&self, out: &mut Writer) {
        match self {
            ParsableLong::Number(number) => number.write(out),
            ParsableLong::Text(text) => out.string(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // [01:22]
    #[test]
    fn duration_texts_mean_what_the_grammar_says() {
        const MIN: i64 = 60_000;
        const HOUR: i64 = 60 * MIN;
        const DAY: i64 = 24 * HOUR;
        for (text, ms) in [
            ("2h", 2 * HOUR),
            ("2 hours", 2 * HOUR),
            ("2HOURS", 2 * HOUR),
            ("1d2h", DAY + 2 * HOUR),
            ("10 minutes 5 seconds 1 day", 10 * MIN + 5000 + DAY),
            ("5m", 0),
            ("1h30m", HOUR),
            ("90m", 0),
            ("1.5h", 5 * HOUR),
            ("5 months", 0),
            ("3 decades", 3 * DAY),
            ("10  min", 0),
            ("5ms", 5),
            ("3 milliseconds", 3),
            ("abc 1min", MIN),
            ("7s7", 7000),
            ("-2h", 2 * HOUR),
            ("4.s", 0),
            ("h9", 0),
            ("3_000s", 0),
            ("1d 1h 1min 1s 1ms", 90_061_001),
            ("99999999999999999999s 2s", 2000),
            ("9223372036854775807d", i64::MAX),
            ("", 0),
            ("\u{661}h", 0),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            prop_assert!(duration_ms(&text) >= 0);
        }
    }
}
