//! Time zones: fixed offsets with milliseconds, and the zones of the IANA data that the crate carries (spec 03 SD-2).

use std::{fmt, sync::OnceLock};

use jiff::{
    Timestamp,
    civil::DateTime as Civil,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use super::calendar::CYCLE;

/// A time zone. Small and free to copy.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(Repr);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Repr {
    /// Milliseconds ahead of UTC.
    Fixed(i32),
    /// Index in the archive's names.
    Named(u16),
}

/// The id of a zone is not known (spec 03 SD-2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The datetime zone id '{0}' is not recognised")]
pub struct UnknownZone(pub String);

/// The offsets, in milliseconds, that a local time may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocalOffset {
    Unique(i64),
    /// The clock was put forward over this time.
    Gap {
        before: i64,
    },
    /// The clock was put back over this time, which therefore came twice.
    Overlap {
        earlier: i64,
        later: i64,
    },
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Repr::Fixed(0));

    /// The zone of an id: `UTC`, a name of the IANA data in its exact spelling, or an offset such as `+05:30`.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn for_id(id: &str) -> Result<Self, UnknownZone> {
        if id == "UTC" {
            return Ok(Self::UTC);
        }
        if id.starts_with(['+', '-']) {
            let units: Vec<u16> = id.encode_utf16().collect();
            return match parse_offset(&units) {
                Ok((millis, end)) if end == units.len() => Ok(Self::fixed(millis)),
                _ => Err(UnknownZone(id.to_owned())),
            };
        }
        let archive = archive();
        let target = ALIASES
            .binary_search_by_key(&id, |(alias, _)| alias)
            .map_or(id, |at| ALIASES[at].1);
        archive
            .index(target)
            .map(|index| Self(Repr::Named(index)))
            .ok_or_else(|| UnknownZone(id.to_owned()))
    }

    pub(crate) fn fixed(millis: i32) -> Self {
        Self(Repr::Fixed(millis))
    }

    /// The id as it shows: offsets in their normal form, aliases as their target.
    #[must_use]
    pub fn id(self) -> String {
        match self.0 {
            Repr::Fixed(0) => "UTC".to_owned(),
            Repr::Fixed(millis) => offset_text(millis.into()),
            Repr::Named(index) => archive().names[usize::from(index)].0.to_owned(),
        }
    }

    pub(crate) fn is_fixed(self) -> bool {
        matches!(self.0, Repr::Fixed(_))
    }

    /// Milliseconds to add to UTC at an instant.
    pub(crate) fn offset_at(self, millis: i64) -> i64 {
        match self.0 {
            Repr::Fixed(offset) => offset.into(),
            Repr::Named(index) => {
                1000 * i64::from(archive().zone(index).to_offset(near(millis).0).seconds())
            }
        }
    }

    /// The English abbreviation of the zone data at an instant.
    pub(crate) fn abbreviation(self, millis: i64) -> Option<String> {
        match self.0 {
            Repr::Fixed(_) => None,
            Repr::Named(index) => Some(
                archive()
                    .zone(index)
                    .to_offset_info(near(millis).0)
                    .abbreviation()
                    .to_owned(),
            ),
        }
    }

    /// The offsets that a local time may have.
    pub(crate) fn offsets_of(self, local: i128) -> LocalOffset {
        let index = match self.0 {
            Repr::Fixed(offset) => return LocalOffset::Unique(offset.into()),
            Repr::Named(index) => index,
        };
        let clamped = local.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        let civil: Civil = Offset::UTC.to_datetime(near(clamped).0);
        let millis = |offset: Offset| 1000 * i64::from(offset.seconds());
        match archive().zone(index).to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => LocalOffset::Unique(millis(offset)),
            AmbiguousOffset::Gap { before, .. } => LocalOffset::Gap {
                before: millis(before),
            },
            AmbiguousOffset::Fold { before, after } => LocalOffset::Overlap {
                earlier: millis(before),
                later: millis(after),
            },
        }
    }

    /// The first transition after an instant.
    pub(crate) fn next_transition(self, millis: i64) -> Option<i64> {
        let Repr::Named(index) = self.0 else {
            return None;
        };
        let (at, shift) = near(millis);
        let next = archive().zone(index).following(at).next()?;
        next.timestamp().as_millisecond().checked_add(shift)
    }

    /// The last transition at an instant or before.
    pub(crate) fn transition_until(self, millis: i64) -> Option<i64> {
        let Repr::Named(index) = self.0 else {
            return None;
        };
        let (at, shift) = near(millis.checked_add(1)?);
        let last = archive().zone(index).preceding(at).next()?;
        last.timestamp().as_millisecond().checked_add(shift)
    }

    /// The zone whose id is the longest one at the start of a text, with its length; without the signed ones.
    pub(crate) fn longest_prefix(units: &[u16]) -> Option<(Self, usize)> {
        let longest = units.len().min(archive().longest);
        (1..=longest).rev().find_map(|length| {
            let id = ascii(&units[..length])?;
            if id.starts_with(['+', '-']) {
                return None;
            }
            Self::for_id(&id).ok().map(|zone| (zone, length))
        })
    }
}

fn ascii(units: &[u16]) -> Option<String> {
    units
        .iter()
        .map(|unit| {
            u8::try_from(*unit)
                .ok()
                .filter(u8::is_ascii)
                .map(char::from)
        })
        .collect()
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.id())
    }
}

/// An instant in jiff's range with the same offset, and the milliseconds that it was shifted by. Before the range every
/// zone has its first offset; behind it the rules repeat every 400 years.
fn near(millis: i64) -> (Timestamp, i64) {
    // Years -9000 and 9000, so that a shifted instant has some room around it.
    const MIN: i64 = -346_200_000_000_000;
    const MAX: i64 = 221_800_000_000_000;
    let shift = if millis > MAX {
        ((millis - MAX) / CYCLE + 1) * CYCLE
    } else if millis < MIN {
        ((millis.saturating_sub(MIN)) / CYCLE - 1) * CYCLE
    } else {
        0
    };
    (
        Timestamp::from_millisecond(millis - shift).expect("shifted into jiff's range"),
        shift,
    )
}

/// `+05:30`, with seconds and milliseconds where they are not zero.
pub(crate) fn offset_text(millis: i64) -> String {
    let sign = if millis < 0 { '-' } else { '+' };
    let rest = millis.abs();
    let mut text = format!("{sign}{:02}:{:02}", rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, millis) = (rest / 1000 % 60, rest % 1000);
    if rest % 60_000 != 0 {
        text = format!("{text}:{seconds:02}");
    }
    if millis != 0 {
        text = format!("{text}.{millis:03}");
    }
    text
}

/// Reads a sign, hours, and minutes, seconds and a fraction with or without colons (SD-9 `Z`). The result is in
/// milliseconds with the units read; the error is the place.
pub(crate) fn parse_offset(units: &[u16]) -> Result<(i32, usize), usize> {
    let negative = match units.first() {
        Some(0x2b) => false,
        Some(0x2d) => true,
        _ => return Err(0),
    };
    let digits = |at: usize, most: usize| {
        units[at.min(units.len())..]
            .iter()
            .take(most)
            .take_while(|unit| (0x30..0x3a).contains(*unit))
            .count()
    };
    let number = |at: usize, count: usize| {
        units[at..at + count]
            .iter()
            .fold(0, |sum, unit| sum * 10 + i32::from(*unit - 0x30))
    };
    let signed = |millis: i32, end: usize| Ok((if negative { -millis } else { millis }, end));
    if digits(1, 2) < 2 || number(1, 2) > 23 {
        return Err(1);
    }
    let (mut millis, mut at) = (number(1, 2) * 3_600_000, 3);
    let colons = match units.get(at) {
        Some(0x3a) => true,
        Some(0x30..=0x39) => false,
        _ => return signed(millis, at),
    };
    for unit in [60_000, 1000] {
        if colons {
            if units.get(at) != Some(&0x3a) {
                return signed(millis, at);
            }
            at += 1;
        } else if digits(at, 2) == 0 {
            return signed(millis, at);
        }
        if digits(at, 2) < 2 || number(at, 2) > 59 {
            return Err(at);
        }
        millis += number(at, 2) * unit;
        at += 2;
    }
    if colons {
        if !matches!(units.get(at), Some(0x2e | 0x2c)) {
            return signed(millis, at);
        }
        at += 1;
    }
    let count = digits(at, 3);
    if count == 0 {
        return if colons { Err(at) } else { signed(millis, at) };
    }
    millis += number(at, count) * [100, 10, 1][count - 1];
    signed(millis, at + count)
}

/// Zone data of IANA 2025b with its full history, made by `zones/make-archive.py`.
static ARCHIVE: &[u8] = include_bytes!("../../zones/2025b.bin");

struct Archive {
    /// Sorted by spelling, with the index of the data.
    names: Vec<(&'static str, u16)>,
    blobs: Vec<&'static [u8]>,
    /// Parsed when they are first used.
    zones: Vec<OnceLock<TimeZone>>,
    longest: usize,
}

impl Archive {
    fn index(&self, name: &str) -> Option<u16> {
        self.names
            .binary_search_by_key(&name, |(name, _)| name)
            .ok()
            .map(|index| index as u16)
    }

    fn zone(&self, index: u16) -> &TimeZone {
        let (name, blob) = self.names[usize::from(index)];
        self.zones[usize::from(blob)].get_or_init(|| {
            TimeZone::tzif(name, self.blobs[usize::from(blob)]).unwrap_or_else(|error| {
                panic!(
                    "every zone of the archive can be read, as a test shows, but {name}: {error}"
                )
            })
        })
    }
}

fn archive() -> &'static Archive {
    static READ: OnceLock<Archive> = OnceLock::new();
    READ.get_or_init(|| read_archive(ARCHIVE))
}

/// The form is described in `zones/make-archive.py`. The bytes are part of the binary, and a test reads all of them.
fn read_archive(bytes: &'static [u8]) -> Archive {
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let (name_count, blob_count) = (u16_at(4), usize::from(u16_at(6)));
    let mut at = 8;
    let mut names = Vec::new();
    for _ in 0..name_count {
        let length = usize::from(bytes[at]);
        let name = std::str::from_utf8(&bytes[at + 1..at + 1 + length]).expect("names are ASCII");
        names.push((name, u16_at(at + 1 + length)));
        at += length + 3;
    }
    let lengths: Vec<usize> = (0..blob_count)
        .map(|i| u32::from_le_bytes(bytes[at + 4 * i..][..4].try_into().expect("4 bytes")) as usize)
        .collect();
    at += 4 * blob_count;
    let mut blobs = Vec::new();
    for length in lengths {
        blobs.push(&bytes[at..at + length]);
        at += length;
    }
    let longest = names.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let zones = blobs.iter().map(|_| OnceLock::new()).collect();
    Archive {
        names,
        blobs,
        zones,
        longest,
    }
}

include!("aliases.rs");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_of_the_archive_can_be_read() {
        let archive = archive();
        assert!(archive.names.len() > 590);
        assert!(archive.names.is_sorted());
        for (name, _) in &archive.names {
            let zone = Zone::for_id(name).unwrap();
            for millis in [i64::MIN, -1 << 50, -1 << 41, 0, 1 << 41, 1 << 50, i64::MAX] {
                assert!(zone.offset_at(millis).abs() < 100_000_000, "{name}");
            }
        }
    }

    #[test]
    fn aliases_are_sorted_and_lead_to_zones() {
        assert!(ALIASES.is_sorted());
        for (alias, target) in ALIASES {
            assert_eq!(Zone::for_id(alias).unwrap().id(), *target);
        }
    }

    #[test]
    fn zones_have_their_history_from_before_1970() {
        // Merged into Brussels by later releases; the full history is the task of the archive.
        assert_eq!(
            Zone::for_id("Europe/Amsterdam")
                .unwrap()
                .offset_at(-1_420_070_400_000),
            1_172_000
        );
        assert_eq!(
            Zone::for_id("America/New_York")
                .unwrap()
                .offset_at(i64::MIN),
            -17_762_000
        );
    }

    #[test]
    fn rules_go_on_for_ever() {
        let berlin = Zone::for_id("Europe/Berlin").unwrap();
        // 1 January and 1 July of the year 200,000,000.
        let cycles = (200_000_000 - 2000) / 400;
        assert_eq!(
            berlin.offset_at(946_684_800_000 + cycles * CYCLE),
            3_600_000
        );
        assert_eq!(
            berlin.offset_at(962_409_600_000 + cycles * CYCLE),
            7_200_000
        );
        let next = berlin
            .next_transition(946_684_800_000 + cycles * CYCLE)
            .unwrap();
        assert_eq!(next - cycles * CYCLE, 954_032_400_000);
    }

    #[test]
    fn offsets_read_and_show() {
        for (id, shown) in [
            ("+0530", "+05:30"),
            ("-053015", "-05:30:15"),
            ("+07:45:20.25", "+07:45:20.250"),
            ("+00:00", "UTC"),
            ("+05", "+05:00"),
        ] {
            assert_eq!(Zone::for_id(id).unwrap().id(), shown);
        }
        for id in [
            "+5",
            "+24:00",
            "+05:60",
            "+05:3",
            "+05:30:",
            "UT",
            "utc",
            "GMT+2",
            "PST",
            "",
            "Factory",
            "+05:30:10.",
            "posix/UTC",
            "europe/berlin",
        ] {
            assert!(Zone::for_id(id).is_err(), "{id}");
        }
    }
}
