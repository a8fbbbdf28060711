//! From the fields of a parsed text to an instant (spec 03 SD-10).

use super::{
    calendar::{DAY, Field, Parts, RangeError, Years},
    datetime::{DateError, DateTime},
    zone::Zone,
};
use crate::value::show_cut as show;

/// Why a text is not a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("Invalid format: \"{0}\"")]
    Start(String),
    #[error("Invalid format: \"{0}\" is too short")]
    Short(String),
    #[error("Invalid format: \"{0}\" is malformed at \"{1}\"")]
    Malformed(String, String),
    #[error("Cannot parse \"{0}\": {1}")]
    Field(String, DateError),
    /// The pattern can only print.
    #[error(
        "Parsing not supported: the date pattern has a long zone name (`zzzz`), which can only be printed"
    )]
    PrintOnly,
}

impl ParseError {
    /// The text does not match from this unit on.
    pub(crate) fn at(input: &[u16], at: usize) -> Self {
        if at == 0 {
            Self::Start(show(input))
        } else if at >= input.len() {
            Self::Short(show(input))
        } else {
            Self::Malformed(show(input), show(&input[at..]))
        }
    }
}

/// A field of a text.
#[derive(Debug, Clone, Copy)]
enum Saved {
    Field(Field, i64),
    /// So many milliseconds of a unit of so many.
    Fraction {
        unit: i64,
        millis: i64,
    },
}

impl Saved {
    fn rank(self) -> u8 {
        let Self::Field(field, _) = self else {
            return 13;
        };
        match field {
            Field::Era => 0,
            Field::CenturyOfEra => 1,
            Field::Year | Field::YearOfEra | Field::Weekyear => 2,
            Field::MonthOfYear => 3,
            Field::WeekOfWeekyear => 4,
            Field::DayOfYear => 5,
            Field::DayOfMonth => 6,
            Field::DayOfWeek => 7,
            Field::HalfdayOfDay => 8,
            Field::HourOfDay | Field::ClockhourOfDay => 9,
            Field::HourOfHalfday | Field::ClockhourOfHalfday => 10,
            Field::MinuteOfHour | Field::MinuteOfDay => 11,
            Field::SecondOfMinute | Field::SecondOfDay => 12,
            Field::MillisOfSecond | Field::MillisOfDay => 13,
        }
    }

    fn set(self, parts: Parts, cut: bool) -> Result<Parts, RangeError> {
        match self {
            Self::Field(field, value) => {
                let parts = parts.set(field, value, Years::Wide)?;
                Ok(if cut { parts.floor(field) } else { parts })
            }
            Self::Fraction { unit, millis } => {
                let millis_of_day = (parts.millis_of_day / unit * unit + millis).min(DAY - 1);
                Ok(Parts {
                    millis_of_day,
                    ..parts
                })
            }
        }
    }
}

/// What a parser has read so far.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    fields: Vec<Saved>,
    /// A parsed offset in milliseconds.
    pub(crate) offset: Option<i32>,
    pub(crate) zone: Option<Zone>,
}

impl Bucket {
    pub(crate) fn save(&mut self, field: Field, value: i64) {
        self.fields.push(Saved::Field(field, value));
    }

    pub(crate) fn save_fraction(&mut self, unit: i64, millis: i64) {
        self.fields.push(Saved::Fraction { unit, millis });
    }

    fn local(&mut self) -> Result<i128, RangeError> {
        self.fields.sort_by_key(|field| field.rank());
        if self
            .fields
            .first()
            .is_some_and(|first| (3..=7).contains(&first.rank()))
        {
            self.fields.insert(0, Saved::Field(Field::Year, 2000));
        }
        let mut parts = Parts::of(0);
        for field in &self.fields {
            parts = field.set(parts, true)?;
        }
        let last = self.fields.len().saturating_sub(1);
        for (i, field) in self.fields.iter().enumerate() {
            parts = field.set(parts, i == last)?;
        }
        Ok(parts.local())
    }

    /// The instant, shown in the formatter's zone, else the parsed one, else the default one.
    pub(crate) fn date(
        mut self,
        input: &[u16],
        own: Option<Zone>,
        default: Zone,
    ) -> Result<DateTime, ParseError> {
        let failed = |error| ParseError::Field(show(input), error);
        let local = self.local().map_err(|error| failed(error.into()))?;
        let shown = own.or(self.zone).unwrap_or(default);
        if let Some(offset) = self.offset {
            let millis = i64::try_from(local - i128::from(offset))
                .map_err(|_| failed(DateError::Overflow))?;
            return Ok(DateTime::new(millis, shown));
        }
        let date = DateTime::strict(local, self.zone.or(own).unwrap_or(default)).map_err(failed)?;
        Ok(DateTime::new(date.millis, shown))
    }
}
