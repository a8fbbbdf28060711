//! The next execution of a cron in a zone (spec 08 section 6.3).

use super::cron::{Alternative, Cron};
use super::zone::Zone;
use jiff::ToSpan;
use jiff::civil::Date;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// How far ahead is looked, in seconds.
const HORIZON: i64 = 100 * 366 * DAY;

/// The first execution after an instant, in epoch seconds.
pub(super) fn execution(cron: &Cron, zone: &Zone, after: i64) -> Option<i64> {
    let found = first_match(cron, zone, after)?;
    if is_doubled(cron, zone, found) {
        first_match(cron, zone, found)
    } else {
        Some(found)
    }
}

/// Whether a match repeats the one before the clocks were set back (spec 08 TT-8): it is the first one after the change,
/// not more than an hour after the last one before it, and the one after it is at least two hours away.
fn is_doubled(cron: &Cron, zone: &Zone, found: i64) -> bool {
    let Some(change) = zone
        .set_back_before(found)
        .filter(|change| *change > found - HOUR)
    else {
        return false;
    };
    if first_match(cron, zone, change - 1) != Some(found) {
        return false;
    }
    let has_one_before =
        first_match(cron, zone, found - HOUR - 1).is_some_and(|before| before < change);
    has_one_before && first_match(cron, zone, found).is_none_or(|after| after - found >= 2 * HOUR)
}

/// The first instant after another whose wall-clock time matches: spans of constant offset are searched one by one, so
/// that times in a gap never match and repeated ones match twice (spec 08 TT-6, TT-7).
fn first_match(cron: &Cron, zone: &Zone, after: i64) -> Option<i64> {
    let mut from = after.checked_add(1)?;
    let horizon = after.checked_add(HORIZON)?;
    while from <= horizon {
        let span = zone.span(from)?;
        let end = span.end.unwrap_or(horizon + 1).min(horizon + 1);
        let local = |instant: i64| instant + span.offset;
        let found = cron
            .0
            .iter()
            .filter_map(|schedule| local_match(schedule, local(from), local(end)))
            .min();
        if let Some(found) = found {
            return Some(found - span.offset);
        }
        from = end.max(from + 1);
    }
    None
}

/// The first matching local second from `from` on, before `end`.
fn local_match(schedule: &Alternative, from: i64, end: i64) -> Option<i64> {
    let mut day = from.div_euclid(DAY);
    let mut date = date_of(day)?;
    let mut start = from.rem_euclid(DAY);
    let last_year = schedule.last_year();
    while day * DAY < end {
        if last_year.is_some_and(|year| i64::from(date.year()) > i64::from(year)) {
            return None;
        }
        if schedule.has_day(date)
            && let Some(second) = time_of_day(schedule, start)
        {
            return Some(day * DAY + second).filter(|found| *found < end);
        }
        day += 1;
        start = 0;
        date = date.tomorrow().ok()?;
    }
    None
}

fn date_of(day: i64) -> Option<Date> {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.checked_add(day.days()).ok()
}

/// The first matching second of a day from `start` on.
fn time_of_day(schedule: &Alternative, start: i64) -> Option<i64> {
    let start = u32::try_from(start).ok()?;
    let (hour, minute, second) = (start / 3600, start / 60 % 60, start % 60);
    let at = |hour: u32, minute: u32, second: u32| i64::from(hour * 3600 + minute * 60 + second);
    let first = |bits: u64| from_bit(bits, 0);
    if has(schedule.hours, hour) {
        if has(schedule.minutes, minute)
            && let Some(second) = from_bit(schedule.seconds, second)
        {
            return Some(at(hour, minute, second));
        }
        if let Some(minute) = from_bit(schedule.minutes, minute + 1) {
            return Some(at(hour, minute, first(schedule.seconds)?));
        }
    }
    let hour = from_bit(schedule.hours, hour + 1)?;
    Some(at(hour, first(schedule.minutes)?, first(schedule.seconds)?))
}

const fn has(bits: u64, value: u32) -> bool {
    bits & (1 << value) != 0
}

/// The first value in the set that is at least `from`.
fn from_bit(bits: u64, from: u32) -> Option<u32> {
    let rest = bits.checked_shr(from).unwrap_or(0);
    (rest != 0).then(|| from + rest.trailing_zeros())
}
