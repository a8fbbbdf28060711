//! Fields of a local time, which is a count of milliseconds since 1970-01-01T00:00 without a zone.
//!
//! The calendar itself is jiff's. It ends at year 9999, ours goes on to 292 million: since the Gregorian calendar repeats
//! every 400 years, weekdays included, every date is computed in the years 2000 to 2399 and shifted by whole cycles.

use jiff::{
    Timestamp,
    civil::{Date, ISOWeekDate, Weekday},
    tz::Offset,
};

pub(crate) const DAY: i64 = 86_400_000;
/// Milliseconds of 400 years.
pub(crate) const CYCLE: i64 = 146_097 * DAY;
/// 2000-01-01T00:00.
const BASE: i64 = 946_684_800_000;

/// Bounds of years for setters; parsers and constructors take one more at either end (SD-5).
pub(crate) const YEAR_MIN: i64 = -292_275_054;
pub(crate) const YEAR_MAX: i64 = 292_278_993;

/// A field of a date or a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Era,
    CenturyOfEra,
    YearOfEra,
    Year,
    Weekyear,
    MonthOfYear,
    WeekOfWeekyear,
    DayOfYear,
    DayOfMonth,
    DayOfWeek,
    HalfdayOfDay,
    HourOfDay,
    ClockhourOfDay,
    HourOfHalfday,
    ClockhourOfHalfday,
    MinuteOfDay,
    MinuteOfHour,
    SecondOfDay,
    SecondOfMinute,
    MillisOfDay,
    MillisOfSecond,
}

impl Field {
    /// The name as texts show it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Era => "era",
            Self::CenturyOfEra => "centuryOfEra",
            Self::YearOfEra => "yearOfEra",
            Self::Year => "year",
            Self::Weekyear => "weekyear",
            Self::MonthOfYear => "monthOfYear",
            Self::WeekOfWeekyear => "weekOfWeekyear",
            Self::DayOfYear => "dayOfYear",
            Self::DayOfMonth => "dayOfMonth",
            Self::DayOfWeek => "dayOfWeek",
            Self::HalfdayOfDay => "halfdayOfDay",
            Self::HourOfDay => "hourOfDay",
            Self::ClockhourOfDay => "clockhourOfDay",
            Self::HourOfHalfday => "hourOfHalfday",
            Self::ClockhourOfHalfday => "clockhourOfHalfday",
            Self::MinuteOfDay => "minuteOfDay",
            Self::MinuteOfHour => "minuteOfHour",
            Self::SecondOfDay => "secondOfDay",
            Self::SecondOfMinute => "secondOfMinute",
            Self::MillisOfDay => "millisOfDay",
            Self::MillisOfSecond => "millisOfSecond",
        }
    }

    /// For a field of the time of day: the length of its unit in milliseconds, and how many units make up the next one.
    fn clock(self) -> Option<(i64, i64)> {
        Some(match self {
            Self::HalfdayOfDay => (DAY / 2, 2),
            Self::HourOfDay | Self::ClockhourOfDay => (3_600_000, 24),
            Self::HourOfHalfday | Self::ClockhourOfHalfday => (3_600_000, 12),
            Self::MinuteOfDay => (60_000, 1440),
            Self::MinuteOfHour => (60_000, 60),
            Self::SecondOfDay => (1000, 86_400),
            Self::SecondOfMinute => (1000, 60),
            Self::MillisOfDay => (1, DAY),
            Self::MillisOfSecond => (1, 1000),
            _ => return None,
        })
    }

    /// Fields that count from 1 to their length where the clock counts from 0.
    fn is_clockhour(self) -> bool {
        matches!(self, Self::ClockhourOfDay | Self::ClockhourOfHalfday)
    }
}

/// A value outside of the bounds of its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Value {value} for {} must be in the range [{min},{max}]", .field.name())]
pub(crate) struct RangeError {
    pub(crate) field: Field,
    pub(crate) value: i64,
    pub(crate) min: i64,
    pub(crate) max: i64,
}

/// A local time, taken apart: cycles of 400 years from 2000 on, a date in 2000..2400, and the time of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(super) cycle: i64,
    pub(super) date: Date,
    pub(crate) millis_of_day: i64,
}

/// Years that setters accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Years {
    /// The bounds of setters and additions.
    Usual,
    /// One more at either end, for constructors and parsers.
    Wide,
}

impl Years {
    pub(crate) fn bounds(self) -> (i64, i64) {
        match self {
            Self::Usual => (YEAR_MIN, YEAR_MAX),
            Self::Wide => (YEAR_MIN - 1, YEAR_MAX + 1),
        }
    }
}

impl Parts {
    pub(crate) fn of(local: i128) -> Self {
        let (cycle, rest) = match i64::try_from(local - i128::from(BASE)) {
            Ok(since) => (since.div_euclid(CYCLE), since.rem_euclid(CYCLE)),
            Err(_) => {
                let since = local - i128::from(BASE);
                (
                    since.div_euclid(i128::from(CYCLE)) as i64,
                    since.rem_euclid(i128::from(CYCLE)) as i64,
                )
            }
        };
        let in_base = Timestamp::from_millisecond(BASE + rest - rest % DAY)
            .expect("years 2000 to 2399 are in jiff's range");
        Self {
            cycle,
            date: Offset::UTC.to_datetime(in_base).date(),
            millis_of_day: rest % DAY,
        }
    }

    /// The date of a year, month and day; the day is cut to the length of the month.
    fn clamped(year: i64, month: i64, day: i64, millis_of_day: i64) -> Self {
        let base = 2000 + year.rem_euclid(400);
        let first =
            Date::new(base as i16, month as i8, 1).expect("the month is checked by the callers");
        let date = Date::new(
            base as i16,
            month as i8,
            (day as i8).min(first.days_in_month()),
        )
        .expect("clamped");
        Self {
            cycle: (year - base) / 400,
            date,
            millis_of_day,
        }
    }

    fn of_week(weekyear: i64, week: i64, weekday: i64, millis_of_day: i64) -> Self {
        let base = 2000 + weekyear.rem_euclid(400);
        let weekday = Weekday::from_monday_one_offset(weekday as i8).expect("1 to 7");
        let last = weeks_in(base);
        let date = ISOWeekDate::new(base as i16, week.min(last) as i8, weekday)
            .expect("clamped")
            .date();
        Self {
            cycle: (weekyear - base) / 400,
            date,
            millis_of_day,
        }
    }

    pub(crate) fn local(self) -> i128 {
        let day = Offset::UTC
            .to_timestamp(self.date.at(0, 0, 0, 0))
            .expect("years around 2000 to 2400");
        i128::from(self.cycle) * i128::from(CYCLE)
            + i128::from(day.as_millisecond() + self.millis_of_day)
    }

    pub(crate) fn year(&self) -> i64 {
        i64::from(self.date.year()) + 400 * self.cycle
    }

    pub(crate) fn month(&self) -> i64 {
        i64::from(self.date.month())
    }

    pub(crate) fn day(&self) -> i64 {
        i64::from(self.date.day())
    }

    pub(crate) fn weekday(&self) -> i64 {
        i64::from(self.date.weekday().to_monday_one_offset())
    }

    fn weekyear(&self) -> i64 {
        i64::from(self.date.iso_week_date().year()) + 400 * self.cycle
    }

    fn week(&self) -> i64 {
        i64::from(self.date.iso_week_date().week())
    }

    pub(crate) fn get(&self, field: Field) -> i64 {
        if let Some((unit, count)) = field.clock() {
            let value = self.millis_of_day / unit % count;
            return if value == 0 && field.is_clockhour() {
                count
            } else {
                value
            };
        }
        match field {
            Field::Era => i64::from(self.year() > 0),
            Field::CenturyOfEra => self.year().abs() / 100,
            Field::YearOfEra => {
                if self.year() > 0 {
                    self.year()
                } else {
                    1 - self.year()
                }
            }
            Field::Year => self.year(),
            Field::Weekyear => self.weekyear(),
            Field::MonthOfYear => self.month(),
            Field::WeekOfWeekyear => self.week(),
            Field::DayOfYear => i64::from(self.date.day_of_year()),
            Field::DayOfMonth => self.day(),
            _ => self.weekday(),
        }
    }

    /// Least and greatest value of a field for this date.
    pub(crate) fn bounds(&self, field: Field, years: Years) -> (i64, i64) {
        if let Some((_, count)) = field.clock() {
            return if field.is_clockhour() {
                (1, count)
            } else {
                (0, count - 1)
            };
        }
        let (year_min, year_max) = years.bounds();
        match field {
            Field::Era => (0, 1),
            Field::CenturyOfEra => (0, year_max / 100),
            Field::YearOfEra => (1, year_max),
            Field::Year | Field::Weekyear => (year_min, year_max),
            Field::MonthOfYear => (1, 12),
            Field::WeekOfWeekyear => (1, weeks_in(self.weekyear())),
            Field::DayOfYear => (1, i64::from(self.date.days_in_year())),
            Field::DayOfMonth => (1, i64::from(self.date.days_in_month())),
            _ => (1, 7),
        }
    }

    /// The local time with one field set, other fields kept where they can be (SD-7).
    pub(crate) fn set(self, field: Field, value: i64, years: Years) -> Result<Self, RangeError> {
        let (min, max) = self.bounds(field, years);
        if value < min || value > max {
            return Err(RangeError {
                field,
                value,
                min,
                max,
            });
        }
        Ok(self.set_unchecked(field, value))
    }

    fn set_unchecked(self, field: Field, value: i64) -> Self {
        if let Some((unit, count)) = field.clock() {
            let old = self.millis_of_day / unit % count;
            return Self {
                millis_of_day: self.millis_of_day + (value % count - old) * unit,
                ..self
            };
        }
        match field {
            Field::Era => {
                let same = (self.year() > 0) == (value == 1);
                self.with_year(if same { self.year() } else { -self.year() })
            }
            Field::CenturyOfEra => {
                let year = value * 100 + self.year().abs() % 100;
                self.with_year(if self.year() < 0 { -year } else { year })
            }
            Field::YearOfEra => self.with_year(if self.year() > 0 { value } else { 1 - value }),
            Field::Year => self.with_year(value),
            Field::Weekyear => {
                Self::of_week(value, self.week(), self.weekday(), self.millis_of_day)
            }
            Field::MonthOfYear => Self::clamped(self.year(), value, self.day(), self.millis_of_day),
            Field::WeekOfWeekyear => self.plus_days((value - self.week()) * 7),
            Field::DayOfYear => self.plus_days(value - i64::from(self.date.day_of_year())),
            Field::DayOfMonth => self.plus_days(value - self.day()),
            _ => self.plus_days(value - self.weekday()),
        }
    }

    fn with_year(self, year: i64) -> Self {
        Self::clamped(year, self.month(), self.day(), self.millis_of_day)
    }

    pub(crate) fn plus_days(self, days: i64) -> Self {
        Self::of(self.local() + i128::from(days) * i128::from(DAY))
    }

    /// Months added; the day is cut to the length of the month.
    pub(crate) fn plus_months(self, months: i64) -> Self {
        let count = self.year() * 12 + self.month() - 1 + months;
        Self::clamped(
            count.div_euclid(12),
            count.rem_euclid(12) + 1,
            self.day(),
            self.millis_of_day,
        )
    }

    /// The start of the unit of a field.
    pub(crate) fn floor(self, field: Field) -> Self {
        if let Some((unit, _)) = field.clock() {
            return Self {
                millis_of_day: self.millis_of_day / unit * unit,
                ..self
            };
        }
        let year = |year| Self::clamped(year, 1, 1, 0);
        match field {
            Field::Era if self.year() > 0 => year(1),
            // The era before has no start; the least time stands for it.
            Field::Era => Self::of(i128::from(i64::MIN)),
            Field::CenturyOfEra => {
                let century = self.year().abs() / 100 * 100;
                year(if self.year() < 0 { -century } else { century })
            }
            Field::YearOfEra | Field::Year => year(self.year()),
            Field::Weekyear => Self::of_week(self.weekyear(), 1, 1, 0),
            Field::MonthOfYear => Self::clamped(self.year(), self.month(), 1, 0),
            Field::WeekOfWeekyear => Self {
                millis_of_day: 0,
                ..self
            }
            .plus_days(1 - self.weekday()),
            _ => Self {
                millis_of_day: 0,
                ..self
            },
        }
    }
}

fn weeks_in(weekyear: i64) -> i64 {
    let base = (2000 + weekyear.rem_euclid(400)) as i16;
    // 28 December is always in the last week.
    i64::from(
        Date::new(base, 12, 28)
            .expect("a valid date")
            .iso_week_date()
            .week(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i64, month: i64, day: i64) -> Parts {
        Parts::clamped(year, month, day, 0)
    }

    #[test]
    fn far_years_behave_like_near_ones() {
        for year in [-292_275_054, -44, 0, 1, 1970, 2024, 20_240_101, 292_278_993] {
            let date = at(year, 3, 1);
            assert_eq!((date.year(), date.month(), date.day()), (year, 3, 1));
            let back = Parts::of(date.local());
            assert_eq!((back.year(), back.month(), back.day()), (year, 3, 1));
            assert_eq!(
                date.plus_days(-1).day(),
                if at(year, 2, 29).day() == 29 { 29 } else { 28 }
            );
        }
    }

    #[test]
    fn weeks_follow_iso() {
        assert_eq!(
            (at(2018, 12, 31).weekyear(), at(2018, 12, 31).week()),
            (2019, 1)
        );
        assert_eq!(
            (at(2023, 1, 1).weekyear(), at(2023, 1, 1).week()),
            (2022, 52)
        );
        assert_eq!(
            at(2020, 6, 15).bounds(Field::WeekOfWeekyear, Years::Usual),
            (1, 53)
        );
        let cut = at(2020, 12, 31)
            .set(Field::Weekyear, 2021, Years::Usual)
            .unwrap();
        assert_eq!((cut.year(), cut.month(), cut.day()), (2021, 12, 30));
    }

    #[test]
    fn eras_have_no_year_zero_between_them() {
        let ides = at(-43, 3, 15);
        assert_eq!((ides.get(Field::YearOfEra), ides.get(Field::Era)), (44, 0));
        assert_eq!(ides.set(Field::Era, 1, Years::Usual).unwrap().year(), 43);
    }
}
