//! An instant in a zone, and what can be done with it (spec 03 SD-3 to SD-8).

use super::{
    calendar::{DAY, Field, Parts, RangeError, YEAR_MAX, YEAR_MIN, Years},
    zone::{LocalOffset, Zone, offset_text},
};

/// Milliseconds since 1970 with a zone to show them in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime {
    pub(crate) millis: i64,
    pub(crate) zone: Zone,
}

/// Why a date could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DateError {
    #[error(transparent)]
    Range(#[from] RangeError),
    #[error("Illegal instant due to time zone offset transition ({})", .0.id())]
    Gap(Zone),
    #[error("the date is out of range")]
    Overflow,
}

/// A unit of additions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Years,
    Months,
    Weeks,
    Days,
    Hours,
    Minutes,
    Seconds,
    Millis,
}

/// A field of a date (SD-8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) date: DateTime,
    pub(crate) field: Field,
}

impl DateTime {
    pub(crate) fn new(millis: i64, zone: Zone) -> Self {
        Self { millis, zone }
    }

    /// A local time in a zone, resolved strictly: not in a gap, the earlier instant of an overlap (SD-3).
    pub(crate) fn strict(local: i128, zone: Zone) -> Result<Self, DateError> {
        let offset = match zone.offsets_of(local) {
            LocalOffset::Unique(offset)
            | LocalOffset::Overlap {
                earlier: offset, ..
            } => offset,
            LocalOffset::Gap { .. } => return Err(DateError::Gap(zone)),
        };
        Self::at(local, offset, zone)
    }

    /// A local time in a zone; a gap shifts it forward, an overlap gives the earlier instant (SD-3).
    fn lenient(local: i128, zone: Zone) -> Result<Self, DateError> {
        let (LocalOffset::Unique(offset)
        | LocalOffset::Overlap {
            earlier: offset, ..
        }
        | LocalOffset::Gap { before: offset }) = zone.offsets_of(local);
        Self::at(local, offset, zone)
    }

    fn at(local: i128, offset: i64, zone: Zone) -> Result<Self, DateError> {
        let millis = i64::try_from(local - i128::from(offset)).map_err(|_| DateError::Overflow)?;
        Ok(Self { millis, zone })
    }

    /// Year, month, day, hour, minute, second and millisecond in a zone (SD-5).
    pub(crate) fn from_fields(fields: [i64; 7], zone: Zone) -> Result<Self, DateError> {
        const FIELDS: [Field; 7] = [
            Field::Year,
            Field::MonthOfYear,
            Field::DayOfMonth,
            Field::HourOfDay,
            Field::MinuteOfHour,
            Field::SecondOfMinute,
            Field::MillisOfSecond,
        ];
        let mut parts = Parts::of(0);
        for (field, value) in FIELDS.into_iter().zip(fields) {
            parts = parts.set(field, value, Years::Wide)?;
        }
        // Years at the ends go beyond what an instant can hold; it is cut to it.
        let local = parts.local();
        let limited = local.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        if limited != local {
            return Ok(Self {
                millis: limited as i64,
                zone,
            });
        }
        match Self::strict(local, zone) {
            Err(DateError::Overflow) => Ok(Self {
                millis: if local < 0 { i64::MIN } else { i64::MAX },
                zone,
            }),
            result => result,
        }
    }

    pub(crate) fn offset(&self) -> i64 {
        self.zone.offset_at(self.millis)
    }

    pub(crate) fn local(&self) -> i128 {
        i128::from(self.millis) + i128::from(self.offset())
    }

    pub(crate) fn parts(&self) -> Parts {
        Parts::of(self.local())
    }

    pub(crate) fn get(&self, field: Field) -> i64 {
        self.parts().get(field)
    }

    /// Adds so many units: calendar units to the local time, clock units to the instant (SD-3).
    pub(crate) fn plus(&self, amount: i64, unit: Unit) -> Result<Self, DateError> {
        if amount == 0 {
            return Ok(*self);
        }
        let clock = |length: i64| {
            let sum = i128::from(self.millis) + i128::from(amount) * i128::from(length);
            i64::try_from(sum)
                .map(|millis| Self {
                    millis,
                    zone: self.zone,
                })
                .map_err(|_| DateError::Overflow)
        };
        let parts = match unit {
            Unit::Hours => return clock(3_600_000),
            Unit::Minutes => return clock(60_000),
            Unit::Seconds => return clock(1000),
            Unit::Millis => return clock(1),
            Unit::Years => self.parts().plus_months(12 * amount),
            Unit::Months => self.parts().plus_months(amount),
            Unit::Weeks => self.parts().plus_days(7 * amount),
            Unit::Days => self.parts().plus_days(amount),
        };
        if matches!(unit, Unit::Years | Unit::Months)
            && !(YEAR_MIN..=YEAR_MAX).contains(&parts.year())
        {
            let (min, max) = Years::Usual.bounds();
            return Err(RangeError {
                field: Field::Year,
                value: parts.year(),
                min,
                max,
            }
            .into());
        }
        Self::lenient(parts.local(), self.zone)
    }

    /// Sets one field of the local time (SD-3 setters, SD-7).
    pub(crate) fn with(&self, field: Field, value: i64) -> Result<Self, DateError> {
        let offset = self.offset();
        let parts = Parts::of(i128::from(self.millis) + i128::from(offset)).set(
            field,
            value,
            Years::Usual,
        )?;
        let local = parts.local();
        let offset = match self.zone.offsets_of(local) {
            LocalOffset::Unique(unique) => unique,
            LocalOffset::Gap { before } => before,
            LocalOffset::Overlap { earlier, later } if offset == earlier || offset == later => {
                offset
            }
            LocalOffset::Overlap { later, .. } if later > 0 => later,
            LocalOffset::Overlap { earlier, .. } => earlier,
        };
        let set = Self::at(local, offset, self.zone)?;
        if set.get(field) != value {
            return Err(DateError::Gap(self.zone));
        }
        Ok(set)
    }

    /// The first instant of the local day.
    pub(crate) fn start_of_day(&self) -> Result<Self, DateError> {
        let midnight = Parts {
            millis_of_day: 0,
            ..self.parts()
        }
        .local();
        if let LocalOffset::Gap { before } = self.zone.offsets_of(midnight) {
            let inside = Self::at(midnight, before, self.zone)?;
            if let Some(millis) = self.zone.transition_until(inside.millis) {
                return Ok(Self {
                    millis,
                    zone: self.zone,
                });
            }
        }
        Self::lenient(midnight, self.zone)
    }

    /// Whole days of 24 hours between the local times of both in this one's zone, cut toward zero (SD-14).
    pub(crate) fn days_until(&self, other: &Self) -> i128 {
        (Self::new(other.millis, self.zone).local() - self.local()) / i128::from(DAY)
    }

    /// The text form (SD-4).
    pub(crate) fn text(&self) -> String {
        let parts = self.parts();
        let time = parts.millis_of_day;
        let year = parts.year();
        let sign = if year < 0 { "-" } else { "" };
        let offset = match self.offset() {
            0 => "Z".to_owned(),
            offset => offset_text(offset),
        };
        format!(
            "{sign}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{offset}",
            year.abs(),
            parts.month(),
            parts.day(),
            time / 3_600_000,
            time / 60_000 % 60,
            time / 1000 % 60,
            time % 1000
        )
    }
}

impl Property {
    pub(crate) fn get(&self) -> i64 {
        self.date.get(self.field)
    }

    pub(crate) fn text(&self) -> String {
        match self.field {
            Field::MonthOfYear => MONTHS[(self.get() - 1) as usize].to_owned(),
            Field::DayOfWeek => WEEKDAYS[(self.get() - 1) as usize].to_owned(),
            _ => self.get().to_string(),
        }
    }

    /// The date with the field at its least value for that date; behind a gap, if it would fall into one (SD-8).
    pub(crate) fn with_minimum(&self) -> Result<DateTime, DateError> {
        let (min, _) = self.date.parts().bounds(self.field, Years::Usual);
        self.date.with(self.field, min).or_else(|error| {
            let next = self
                .date
                .zone
                .next_transition(self.date.millis.saturating_sub(DAY));
            next.filter(|_| matches!(error, DateError::Gap(_)))
                .map(|at| DateTime::new(at, self.date.zone))
                .ok_or(error)
        })
    }

    /// The same with the greatest value; before a gap, if it would fall into one.
    pub(crate) fn with_maximum(&self) -> Result<DateTime, DateError> {
        let (_, max) = self.date.parts().bounds(self.field, Years::Usual);
        self.date.with(self.field, max).or_else(|error| {
            let last = self
                .date
                .zone
                .transition_until(self.date.millis.saturating_add(DAY));
            last.filter(|_| matches!(error, DateError::Gap(_)))
                .map(|at| DateTime::new(at - 1, self.date.zone))
                .ok_or(error)
        })
    }
}

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(crate) const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
