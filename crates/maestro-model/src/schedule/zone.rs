//! Time zones of triggers (spec 01 TT-1).

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// A time zone: a region or a fixed offset.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// Reads a zone: empty is UTC; a region id in its exact case; an offset of at most 18 hours, also after `UTC`, `GMT`
    /// or `UT`. From the database that comes with the program, never from the machine's files.
    pub fn parse(text: &str) -> Option<Self> {
        if matches!(text, "" | "UTC" | "UT" | "Z") {
            return Some(Self(TimeZone::UTC));
        }
        let offset = ["UTC", "GMT", "UT"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text);
        if offset.starts_with(['+', '-']) {
            let offset = Offset::from_seconds(offset_secs(offset)?).ok()?;
            return Some(Self(TimeZone::fixed(offset)));
        }
        // The database takes names in any case; its own spelling shows whether this one is exact.
        let zone = TimeZoneDatabase::bundled().get(text).ok()?;
        (zone.iana_name() == Some(text)).then_some(Self(zone))
    }

    /// The offset from UTC at an instant, and the instant of the next change; all in seconds.
    pub(super) fn span(&self, instant: i64) -> Option<Span> {
        let timestamp = Timestamp::from_second(instant).ok()?;
        let following = self.0.following(timestamp).next();
        Some(Span {
            offset: i64::from(self.0.to_offset(timestamp).seconds()),
            end: following
                .as_ref()
                .map(|transition| transition.timestamp().as_second()),
        })
    }

    /// The last change of the offset at or before an instant, if the clocks were set back then.
    pub(super) fn set_back_before(&self, instant: i64) -> Option<i64> {
        let after = Timestamp::from_second(instant.checked_add(1)?).ok()?;
        let transition = self.0.preceding(after).next()?;
        let at = transition.timestamp().as_second();
        let before = Timestamp::from_second(at.checked_sub(1)?).ok()?;
        (self.0.to_offset(before).seconds() > transition.offset().seconds()).then_some(at)
    }
}

/// A time of constant offset.
pub(super) struct Span {
    pub(super) offset: i64,
    pub(super) end: Option<i64>,
}

/// Seconds of `+h`, `+hh`, `+hhmm`, `+hh:mm`, `+hhmmss`, `+hh:mm:ss`.
fn offset_secs(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let number = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<i32>().ok())
            .flatten()
    };
    let parts: Vec<&str> = match (digits.len(), digits.contains(':')) {
        (_, true) => digits.split(':').collect(),
        (1, false) => return number(digits).map(|hours| sign * hours * 3600),
        (2 | 4 | 6, false) if digits.is_ascii() => (0..digits.len())
            .step_by(2)
            .map(|at| &digits[at..at + 2])
            .collect(),
        _ => return None,
    };
    if parts.len() > 3
        || (parts.len() == 1 && digits.contains(':'))
        || parts.iter().any(|part| part.len() != 2)
    {
        return None;
    }
    let mut secs = 0;
    for (part, (most, unit)) in parts.iter().zip([(18, 3600), (59, 60), (59, 1)]) {
        secs += number(part).filter(|value| *value <= most)? * unit;
    }
    (secs <= 18 * 3600).then_some(sign * secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_an_exact_case_and_offsets_several_forms() {
        for text in [
            "",
            "UTC",
            "GMT",
            "UT",
            "Z",
            "Europe/Paris",
            "US/Pacific",
            "PST8PDT",
            "CET",
            "EST",
            "MST",
            "HST",
            "+2",
            "-2",
            "+02",
            "+0200",
            "+02:00",
            "+02:00:00",
            "+020000",
            "UTC+2",
            "GMT-5",
            "UT+02:30",
            "+18:00",
            "-18",
            "-0330",
        ] {
            assert!(Zone::parse(text).is_some(), "{text}");
        }
        for text in [
            " ",
            "asia/tokyo",
            "AKST",
            "US/Nowhere",
            "+2:00",
            "+18:01",
            "+19",
            "+",
            "+020",
            "02:00",
            "UTCZ",
            "utc",
            "+02:0",
            "+02:",
            "+02:60",
            "UTC 2",
            "+\u{661}",
        ] {
            assert!(Zone::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn offsets_are_what_they_say() {
        for (text, secs) in [
            ("+2", 7200),
            ("-0330", -12_600),
            ("UTC+02:00:05", 7205),
            ("", 0),
        ] {
            assert_eq!(
                Zone::parse(text)
                    .and_then(|zone| zone.span(0))
                    .map(|span| span.offset),
                Some(secs),
                "{text}"
            );
        }
    }
}
