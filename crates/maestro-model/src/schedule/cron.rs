//! Cron texts (spec 08 section 6.2): Unix with 5 fields, else Quartz with 6 or 7.

use super::field::{Kind, QUARTZ, UNIX, digits};
use jiff::civil::{Date, Weekday};

/// A parsed cron text: a union of schedules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron(pub(super) Vec<Alternative>);

/// One schedule: sets of values as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alternative {
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u64,
    months: u64,
    days: Days,
    /// From 1970 on; absent for every year.
    years: Option<Vec<u32>>,
}

/// Which days of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    /// Days of the month.
    Month(Vec<MonthDay>),
    /// Days of the week.
    Week(Vec<WeekDay>),
    /// Either of them: both are restricted (spec 08 CR-8).
    Either(Vec<MonthDay>, Vec<WeekDay>),
    /// All of them.
    Every,
}

/// A rule for days of a month (spec 08 CR-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MonthDay {
    /// This day.
    On(u32),
    /// So many days before the last one.
    BeforeLast(u32),
    /// The weekday nearest to this day.
    NearestWeekday(u32),
    /// The last weekday.
    LastWeekday,
}

/// A rule for days of a week; 0 is Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WeekDay {
    /// Every such day.
    On(u32),
    /// The last such day of the month.
    Last(u32),
    /// The k-th such day of the month.
    Nth(u32, u32),
}

impl Cron {
    /// Parses a text in any case; blanks around it and runs of blanks do not matter.
    ///
    /// # Errors
    /// What is wrong with it as a Quartz text, where it is no Unix text either (spec 08 CR-1).
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.to_uppercase();
        let parts: Vec<Vec<Vec<&str>>> = text
            .split("||")
            .map(alternatives)
            .collect::<Result<_, _>>()?;
        let all = |parse: fn(&[&str]) -> Result<Alternative, String>| -> Result<Self, String> {
            parts
                .iter()
                .flatten()
                .map(|fields| parse(fields))
                .collect::<Result<Vec<_>, _>>()
                .map(Cron)
        };
        all(unix).or_else(|_| all(quartz))
    }
}

/// Splits into fields; a `|` inside of fields pairs the alternatives by position (spec 08 CR-9).
fn alternatives(text: &str) -> Result<Vec<Vec<&str>>, String> {
    let fields: Vec<Vec<&str>> = text
        .split_whitespace()
        .map(|field| field.split('|').collect())
        .collect();
    let count = fields.iter().map(Vec::len).max().unwrap_or(1);
    if fields
        .iter()
        .any(|field| field.len() != 1 && field.len() != count)
    {
        return Err("fields with `|` need equally many alternatives".to_owned());
    }
    Ok((0..count)
        .map(|at| {
            fields
                .iter()
                .map(|field| field.get(at).unwrap_or(&field[0]))
                .copied()
                .collect()
        })
        .collect())
}

fn unix(fields: &[&str]) -> Result<Alternative, String> {
    let &[minute, hour, day, month, weekday] = fields else {
        return Err(format!("expected 5 fields, found {}", fields.len()));
    };
    let is_open = |field: &str| matches!(field, "*" | "*/1" | "/1");
    let month_days =
        || list(day, &UNIX[2]).map(|days| days.into_iter().map(MonthDay::On).collect());
    // 7 is Sunday, too.
    let week_days = || {
        list(weekday, &UNIX[4]).map(|days| days.into_iter().map(|d| WeekDay::On(d % 7)).collect())
    };
    Ok(Alternative {
        seconds: 1,
        minutes: bits(minute, &UNIX[0])?,
        hours: bits(hour, &UNIX[1])?,
        months: bits(month, &UNIX[3])?,
        days: match (is_open(day), is_open(weekday)) {
            (true, true) => Days::Every,
            (false, true) => Days::Month(month_days()?),
            (true, false) => Days::Week(week_days()?),
            (false, false) => Days::Either(month_days()?, week_days()?),
        },
        years: None,
    })
}

fn quartz(fields: &[&str]) -> Result<Alternative, String> {
    let (&[second, minute, hour, day, month, weekday], year) = (match fields.len() {
        6 => (fields, None),
        7 => (&fields[..6], Some(fields[6])),
        count => {
            return Err(format!(
                "expected 5 fields (Unix), or 6 or 7 (Quartz), found {count}"
            ));
        }
    }) else {
        return Err("expected 6 or 7 fields".to_owned());
    };
    let days = match (day == "?", weekday == "?") {
        (false, true) => Days::Month(elements(day, |text| month_day(text, &QUARTZ[3]))?),
        (true, false) => Days::Week(elements(weekday, |text| week_day(text, &QUARTZ[5]))?),
        _ => {
            return Err(
                "exactly one of the day of month and the day of week must be `?`".to_owned(),
            );
        }
    };
    Ok(Alternative {
        seconds: bits(second, &QUARTZ[0])?,
        minutes: bits(minute, &QUARTZ[1])?,
        hours: bits(hour, &QUARTZ[2])?,
        months: bits(month, &QUARTZ[4])?,
        days,
        years: year
            .filter(|year| *year != "*")
            .map(|year| list(year, &QUARTZ[6]))
            .transpose()?,
    })
}

fn elements<T>(
    field: &str,
    parse: impl Fn(&str) -> Result<Vec<T>, String>,
) -> Result<Vec<T>, String> {
    let parts: Vec<Vec<T>> = field.split(',').map(parse).collect::<Result<_, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}

fn list(field: &str, kind: &Kind) -> Result<Vec<u32>, String> {
    elements(field, |text| kind.element(text))
}

fn bits(field: &str, kind: &Kind) -> Result<u64, String> {
    Ok(list(field, kind)?
        .into_iter()
        .fold(0, |bits, value| bits | 1 << value))
}

fn month_day(text: &str, kind: &Kind) -> Result<Vec<MonthDay>, String> {
    if text == "L" {
        return Ok(vec![MonthDay::BeforeLast(0)]);
    }
    if text == "LW" {
        return Ok(vec![MonthDay::LastWeekday]);
    }
    if let Some(days) = text.strip_prefix("L-") {
        let days = digits(days).filter(|days| (1..=31).contains(days));
        return days
            .map(|days| vec![MonthDay::BeforeLast(days)])
            .ok_or_else(|| format!("`{text}` must be L-1 to L-31"));
    }
    if let Some(day) = text.strip_suffix('W') {
        return kind
            .value(day)
            .map(|day| vec![MonthDay::NearestWeekday(day)]);
    }
    kind.element(text)
        .map(|days| days.into_iter().map(MonthDay::On).collect())
}

fn week_day(text: &str, kind: &Kind) -> Result<Vec<WeekDay>, String> {
    if text == "L" {
        return Ok(vec![WeekDay::On(6)]);
    }
    if let Some((day, nth)) = text.split_once('#') {
        let nth = digits(nth)
            .filter(|nth| (1..=7).contains(nth))
            .ok_or_else(|| format!("`{text}` must end in #1 to #7"))?;
        return kind.value(day).map(|day| vec![WeekDay::Nth(day - 1, nth)]);
    }
    if let Some(day) = text.strip_suffix('L') {
        return kind.value(day).map(|day| vec![WeekDay::Last(day - 1)]);
    }
    kind.element(text)
        .map(|days| days.into_iter().map(|day| WeekDay::On(day - 1)).collect())
}

impl Alternative {
    /// Whether a day belongs to the schedule.
    pub(super) fn has_day(&self, date: Date) -> bool {
        let month_day = |days: &[MonthDay]| days.iter().any(|rule| rule.matches(date));
        let week_day = |days: &[WeekDay]| days.iter().any(|rule| rule.matches(date));
        self.months & (1 << date.month()) != 0
            && self.years.as_ref().is_none_or(|years| {
                years
                    .iter()
                    .any(|year| i64::from(*year) == i64::from(date.year()))
            })
            && match &self.days {
                Days::Every => true,
                Days::Month(days) => month_day(days),
                Days::Week(days) => week_day(days),
                Days::Either(month, week) => month_day(month) || week_day(week),
            }
    }

    /// The last year with an execution, if there is one.
    pub(super) fn last_year(&self) -> Option<u32> {
        self.years
            .as_ref()
            .and_then(|years| years.iter().max())
            .copied()
    }
}

impl MonthDay {
    fn matches(self, date: Date) -> bool {
        let day: u32 = date.day().unsigned_abs().into();
        let last: u32 = date.days_in_month().unsigned_abs().into();
        match self {
            MonthDay::On(on) => day == on,
            MonthDay::BeforeLast(before) => last.checked_sub(before).is_some_and(|on| day == on),
            MonthDay::LastWeekday => {
                let end = date.last_of_month().weekday();
                let back = match end {
                    Weekday::Saturday => 1,
                    Weekday::Sunday => 2,
                    _ => 0,
                };
                day == last - back
            }
            MonthDay::NearestWeekday(near) if near > last => false,
            MonthDay::NearestWeekday(near) => {
                let offset = i64::from(near) - i64::from(day);
                let weekday = weekday_after(date, offset);
                let on = match weekday {
                    6 if near == 1 => 3,
                    6 => near - 1,
                    // A Sunday at the end of its month stays where it is (spec 08 CR-6).
                    0 if near < last => near + 1,
                    _ => near,
                };
                day == on
            }
        }
    }
}

impl WeekDay {
    fn matches(self, date: Date) -> bool {
        let weekday = weekday_after(date, 0);
        let day: u32 = date.day().unsigned_abs().into();
        let last: u32 = date.days_in_month().unsigned_abs().into();
        match self {
            WeekDay::On(on) => weekday == on,
            WeekDay::Last(on) => weekday == on && day + 7 > last,
            WeekDay::Nth(on, nth) => weekday == on && (day - 1) / 7 + 1 == nth,
        }
    }
}

/// The weekday some days after a date; 0 is Sunday.
fn weekday_after(date: Date, days: i64) -> u32 {
    let weekday = i64::from(date.weekday().to_sunday_zero_offset());
    u32::try_from((weekday + days).rem_euclid(7)).unwrap_or(0)
}
