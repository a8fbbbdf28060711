//! Durations in words (spec 03 SD-12).

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error("Invalid format: \"{0}\"")]
    Malformed(String),
    #[error("`{0}` is not a number of 32 bits")]
    Number(String),
    #[error("months and years have no fixed length")]
    Calendar,
}

const UNITS: [(&str, i128); 8] = [
    ("year", 0),
    ("month", 0),
    ("week", 604_800_000),
    ("day", 86_400_000),
    ("hour", 3_600_000),
    ("minute", 60_000),
    ("second", 1000),
    ("millisecond", 1),
];
const SEPARATORS: [&str; 6] = [", and ", ",and ", " and ", ", ", ",", " "];

/// The milliseconds of `2 days, 3 hours` and the like.
pub(crate) fn parse_duration(text: &str) -> Result<i128, DurationError> {
    let malformed = || DurationError::Malformed(text.chars().take(200).collect());
    let lower = text.to_ascii_lowercase();
    let mut rest = lower.as_str();
    let (mut sum, mut calendar, mut next_unit, mut first) = (0_i128, false, 0, true);
    while !rest.is_empty() {
        if !first {
            // A number may follow directly; otherwise one of the separators stands between.
            rest = SEPARATORS
                .iter()
                .find_map(|separator| rest.strip_prefix(separator))
                .unwrap_or(rest);
        }
        first = false;
        let unsigned = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let digits = unsigned.len()
            - unsigned
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        if digits == 0 || digits > 10 {
            return Err(malformed());
        }
        let number = &rest[..rest.len() - unsigned.len() + digits];
        let words = unsigned[digits..].strip_prefix(' ').ok_or_else(malformed)?;
        // `milliseconds` before `minutes` matters not; `month` and `millisecond` share no beginning with the others.
        let (unit, after) = (next_unit..UNITS.len())
            .find_map(|unit| {
                words
                    .strip_prefix(UNITS[unit].0)
                    .map(|after| (unit, after.strip_prefix('s').unwrap_or(after)))
            })
            .ok_or_else(malformed)?;
        let value = number
            .parse::<i32>()
            .map_err(|_| DurationError::Number(number.to_owned()))?;
        calendar |= unit < 2 && value != 0;
        sum += i128::from(value) * UNITS[unit].1;
        next_unit = unit + 1;
        rest = after;
    }
    if calendar {
        Err(DurationError::Calendar)
    } else {
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_add_up() {
        assert_eq!(parse_duration(""), Ok(0));
        assert_eq!(
            parse_duration("1 week, 1 DAY,2 hours and 3 minutes, and 4 seconds 5 milliseconds"),
            Ok(698_584_005)
        );
        assert_eq!(parse_duration("1 day2 hours"), Ok(93_600_000));
        assert_eq!(parse_duration("-1 days"), Ok(-86_400_000));
        assert_eq!(parse_duration("0 years 1 second"), Ok(1000));
    }

    #[test]
    fn faults_are_told_apart() {
        for text in [
            "1day",
            "2 hours 1 day",
            " 1 day",
            "1 day ",
            "1 day,",
            "x",
            "1  day",
            "3 fortnights",
            "99999999999 days",
            "1 day, , 2 hours",
        ] {
            assert!(
                matches!(parse_duration(text), Err(DurationError::Malformed(_))),
                "{text}"
            );
        }
        assert!(matches!(
            parse_duration("2147483648 days"),
            Err(DurationError::Number(_))
        ));
        assert_eq!(parse_duration("1 month"), Err(DurationError::Calendar));
    }
}
