//! Methods of dates, zones, formatters, properties and day counts (spec 03 section 10).

use std::sync::Arc;

use super::{cast, no_method, null_content, string::int_argument};
use crate::{
    error::{ErrorKind, EvalError},
    eval::{Eval, Result, fail},
    names::Member,
    time::{
        DateError, DateTime, Field, Formatter, ParseError, Property, Unit, UnknownZone, Zone,
        parse_iso,
    },
    value::{Text, Val, show_cut},
};

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the function of map_err"
)]
pub(super) fn date_error(error: DateError) -> EvalError {
    EvalError::new(ErrorKind::Illegal, error.to_string())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the function of map_err"
)]
pub(super) fn parse_error(error: ParseError) -> EvalError {
    let kind = if error == ParseError::PrintOnly {
        ErrorKind::Unsupp
    } else {
        ErrorKind::Illegal
    };
    EvalError::new(kind, error.to_string())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the function of map_err"
)]
pub(super) fn pattern_error(error: crate::time::PatternError) -> EvalError {
    let kind = if error == crate::time::PatternError::Quote {
        ErrorKind::Unsupp
    } else {
        ErrorKind::Illegal
    };
    EvalError::new(kind, error.to_string())
}

/// A method that is a field's setter, property or getter.
fn setter(method: Member) -> Option<Field> {
    Some(match method {
        Member::WithYear => Field::Year,
        Member::WithMonthOfYear => Field::MonthOfYear,
        Member::WithDayOfMonth => Field::DayOfMonth,
        Member::WithDayOfYear => Field::DayOfYear,
        Member::WithDayOfWeek => Field::DayOfWeek,
        Member::WithWeekyear => Field::Weekyear,
        Member::WithWeekOfWeekyear => Field::WeekOfWeekyear,
        Member::WithHourOfDay => Field::HourOfDay,
        Member::WithMinuteOfHour => Field::MinuteOfHour,
        Member::WithSecondOfMinute => Field::SecondOfMinute,
        Member::WithMillisOfSecond => Field::MillisOfSecond,
        Member::WithMillisOfDay => Field::MillisOfDay,
        _ => return None,
    })
}

fn getter(method: Member) -> Option<Field> {
    Some(match method {
        Member::GetYear => Field::Year,
        Member::GetMonthOfYear => Field::MonthOfYear,
        Member::GetDayOfMonth => Field::DayOfMonth,
        Member::GetDayOfYear => Field::DayOfYear,
        Member::GetDayOfWeek => Field::DayOfWeek,
        Member::GetWeekyear => Field::Weekyear,
        Member::GetWeekOfWeekyear => Field::WeekOfWeekyear,
        Member::GetHourOfDay => Field::HourOfDay,
        Member::GetMinuteOfHour => Field::MinuteOfHour,
        Member::GetMinuteOfDay => Field::MinuteOfDay,
        Member::GetSecondOfMinute => Field::SecondOfMinute,
        Member::GetSecondOfDay => Field::SecondOfDay,
        Member::GetMillisOfSecond => Field::MillisOfSecond,
        Member::GetMillisOfDay => Field::MillisOfDay,
        _ => return None,
    })
}

fn property(method: Member) -> Option<Field> {
    Some(match method {
        Member::MonthOfYear => Field::MonthOfYear,
        Member::Weekyear => Field::Weekyear,
        Member::WeekOfWeekyear => Field::WeekOfWeekyear,
        Member::DayOfYear => Field::DayOfYear,
        Member::DayOfMonth => Field::DayOfMonth,
        Member::DayOfWeek => Field::DayOfWeek,
        Member::HourOfDay => Field::HourOfDay,
        Member::MinuteOfDay => Field::MinuteOfDay,
        Member::MinuteOfHour => Field::MinuteOfHour,
        Member::SecondOfDay => Field::SecondOfDay,
        Member::SecondOfMinute => Field::SecondOfMinute,
        Member::MillisOfDay => Field::MillisOfDay,
        Member::MillisOfSecond => Field::MillisOfSecond,
        _ => return None,
    })
}

fn addition(method: Member) -> Option<(i64, Unit)> {
    Some(match method {
        Member::PlusYears => (1, Unit::Years),
        Member::PlusMonths => (1, Unit::Months),
        Member::PlusWeeks => (1, Unit::Weeks),
        Member::PlusDays => (1, Unit::Days),
        Member::PlusHours => (1, Unit::Hours),
        Member::PlusMinutes => (1, Unit::Minutes),
        Member::PlusSeconds => (1, Unit::Seconds),
        Member::PlusMillis => (1, Unit::Millis),
        Member::MinusYears => (-1, Unit::Years),
        Member::MinusMonths => (-1, Unit::Months),
        Member::MinusWeeks => (-1, Unit::Weeks),
        Member::MinusDays => (-1, Unit::Days),
        Member::MinusHours => (-1, Unit::Hours),
        Member::MinusMinutes => (-1, Unit::Minutes),
        Member::MinusSeconds => (-1, Unit::Seconds),
        Member::MinusMillis => (-1, Unit::Millis),
        _ => return None,
    })
}

impl Eval<'_> {
    pub(super) fn now(&mut self) -> DateTime {
        DateTime::new(self.host.now_millis(), self.limits.default_zone)
    }

    pub(super) fn date_method(
        &mut self,
        date: Option<DateTime>,
        method: Member,
        name: &str,
        args: &[Val],
    ) -> Result<Val> {
        let known = match args.len() {
            0 => {
                getter(method).is_some()
                    || property(method).is_some()
                    || matches!(
                        method,
                        Member::ToString | Member::WithTimeAtStartOfDay | Member::GetMillis
                    )
            }
            1 => {
                setter(method).is_some()
                    || addition(method).is_some()
                    || matches!(
                        method,
                        Member::ToString
                            | Member::WithZone
                            | Member::ToDateTime
                            | Member::IsAfter
                            | Member::IsBefore
                            | Member::IsEqual
                    )
            }
            2 => method == Member::Parse,
            _ => false,
        };
        if !known {
            return Err(no_method(&Val::DateTime(date), name, args));
        }
        let failed = |error: EvalError| error.into_call(name, args.len());
        for arg in args {
            if !self.has_host_value(arg)? {
                return Err(failed(super::no_host_value(arg)));
            }
        }
        let wrong = || super::mismatched(args, wanted(method));
        let result = match (date, args) {
            (None, [Val::Str(Some(text)), Val::Formatter(Some(formatter))]) => {
                self.formatter_parse(formatter, text)
            }
            (None, _) => fail(
                ErrorKind::Illegal,
                "it is called on a DATETIME without content",
            ),
            (Some(_), [_, _]) => fail(
                ErrorKind::Illegal,
                "`parse` belongs to `DateTime`, not to a date",
            ),
            (Some(date), []) => Self::date_plain(date, method),
            (Some(date), [arg]) => match (method, arg) {
                (Member::ToString, arg) if matches!(arg, Val::Str(Some(_))) => {
                    let Val::Str(Some(pattern)) = arg else {
                        return wrong();
                    };
                    self.print(pattern, None, date)
                }
                (Member::ToString, arg) if arg.is_absent() => Ok(Val::text(date.text().as_str())),
                (Member::WithZone | Member::ToDateTime, Val::Zone(Some(zone))) => {
                    Ok(date_val(DateTime::new(date.millis, *zone)))
                }
                (Member::WithZone | Member::ToDateTime, arg) if arg.is_absent() => Ok(date_val(
                    DateTime::new(date.millis, self.limits.default_zone),
                )),
                (Member::IsAfter | Member::IsBefore | Member::IsEqual, arg) => {
                    let other = match arg {
                        Val::DateTime(Some(other)) => Some(*other),
                        arg if arg.is_absent() => Some(self.now()),
                        _ => None,
                    };
                    match other {
                        Some(other) => Ok(Val::Boolean(match method {
                            Member::IsAfter => date.millis > other.millis,
                            Member::IsBefore => date.millis < other.millis,
                            _ => date.millis == other.millis,
                        })),
                        None => wrong(),
                    }
                }
                (method, arg) => match (int_argument(arg), setter(method), addition(method)) {
                    (Some(value), Some(field), _) => date
                        .with(field, value.into())
                        .map(date_val)
                        .map_err(date_error),
                    (Some(value), _, Some((sign, unit))) => date
                        .plus(sign * i64::from(value), unit)
                        .map(date_val)
                        .map_err(date_error),
                    _ => wrong(),
                },
            },
            _ => wrong(),
        };
        result.map_err(failed)
    }

    fn date_plain(date: DateTime, method: Member) -> Result<Val> {
        if let Some(field) = getter(method) {
            return Ok(Val::Long(date.get(field)));
        }
        if let Some(field) = property(method) {
            return Ok(Val::Property(Some(Arc::new(Property { date, field }))));
        }
        match method {
            Member::GetMillis => Ok(Val::Long(date.millis)),
            Member::WithTimeAtStartOfDay => date.start_of_day().map(date_val).map_err(date_error),
            _ => Ok(Val::text(date.text().as_str())),
        }
    }

    /// Prints a date by a pattern, in the formatter's zone or its own.
    fn print(&mut self, pattern: &Text, zone: Option<Zone>, date: DateTime) -> Result<Val> {
        let pattern = self.pattern(pattern)?;
        self.print_by(&pattern, zone, date)
    }

    fn print_by(
        &mut self,
        pattern: &crate::time::Pattern,
        zone: Option<Zone>,
        date: DateTime,
    ) -> Result<Val> {
        self.meter.would_fit(2 * pattern.least_length())?;
        self.work(pattern.pieces.len() * 20)?;
        Ok(Val::text(pattern.print(DateTime::new(
            date.millis,
            zone.unwrap_or(date.zone),
        ))))
    }

    fn formatter_parse(&mut self, formatter: &Formatter, text: &Text) -> Result<Val> {
        self.work(text.len() + formatter.pattern.pieces.len() * 20)?;
        formatter
            .parse(text, self.limits.default_zone)
            .map(date_val)
            .map_err(parse_error)
    }

    pub(super) fn new_date(&mut self, args: &[Val]) -> Result<Val> {
        let illegal = || {
            fail(
                ErrorKind::Illegal,
                format!(
                    "Invalid constructor arguments {} for DATETIME",
                    super::list(args)
                ),
            )
        };
        let default = self.limits.default_zone;
        match args {
            [] => Ok(date_val(self.now())),
            [value] | [value, _] if value.is_opaque() => Err(super::no_host_value(value)),
            [Val::Map(Some(map))] | [Val::Map(Some(map)), _]
                if !self.has_host_value(&Val::Map(Some(*map)))? =>
            {
                Err(super::no_host_value(&args[0]))
            }
            [value] => match value {
                Val::Long(millis) => Ok(date_val(DateTime::new(*millis, default))),
                Val::DateTime(Some(date)) => Ok(date_val(*date)),
                Val::Str(Some(text)) => parse_iso(text, default).map(date_val).map_err(parse_error),
                value if value.is_absent() => Ok(date_val(self.now())),
                _ => illegal(),
            },
            [value, zone] => {
                let Val::Zone(zone) = zone else {
                    return cast("DATETIME_ZONE", zone);
                };
                let zone = zone.unwrap_or(default);
                match value {
                    Val::Long(millis) => Ok(date_val(DateTime::new(*millis, zone))),
                    Val::DateTime(Some(date)) => Ok(date_val(DateTime::new(date.millis, zone))),
                    Val::Str(Some(text)) => {
                        parse_iso(text, zone).map(date_val).map_err(parse_error)
                    }
                    value if value.is_absent() => {
                        Ok(date_val(DateTime::new(self.host.now_millis(), zone)))
                    }
                    _ => illegal(),
                }
            }
            [fields @ .., zone] if fields.len() == 7 => {
                let mut numbers = [0; 7];
                for (number, field) in numbers.iter_mut().zip(fields) {
                    let Val::Long(value) = field else {
                        return cast("LONG", field);
                    };
                    // Only the low 32 bits count.
                    *number = i64::from(*value as i32);
                }
                let Val::Zone(zone) = zone else {
                    return cast("DATETIME_ZONE", zone);
                };
                DateTime::from_fields(numbers, zone.unwrap_or(default))
                    .map(date_val)
                    .map_err(date_error)
            }
            _ => illegal(),
        }
    }

    pub(super) fn zone_method(
        &mut self,
        zone: Option<Zone>,
        method: Member,
        name: &str,
        args: &[Val],
    ) -> Result<Val> {
        match (method, args) {
            (Member::ForId, [Val::Str(Some(id))]) => zone_of(id).map(|zone| Val::Zone(Some(zone))),
            (Member::ForId, [Val::Str(None)]) => Ok(Val::Zone(Some(self.limits.default_zone))),
            (Member::ForId, [other]) => cast("STRING", other),
            (Member::GetOffset, [Val::DateTime(date)]) => {
                let Some(zone) = zone else {
                    return null_content("the zone");
                };
                let millis = match date {
                    Some(date) => date.millis,
                    None => self.host.now_millis(),
                };
                Ok(Val::Long(zone.offset_at(millis)))
            }
            (Member::GetOffset, [other]) => cast("DATETIME", other),
            _ => Err(no_method(&Val::Zone(zone), name, args)),
        }
    }

    pub(super) fn formatter_method(
        &mut self,
        formatter: Option<&Formatter>,
        method: Member,
        name: &str,
        args: &[Val],
    ) -> Result<Val> {
        let null: Text = "null".into();
        let absent = || null_content("the formatter");
        match (method, args) {
            (Member::ForPattern, [Val::Str(pattern)]) => {
                let Some(pattern) = pattern else {
                    return fail(
                        ErrorKind::Illegal,
                        "Invalid pattern specification: the pattern is a STRING without content",
                    );
                };
                let pattern = self.pattern(pattern)?;
                Ok(Val::Formatter(Some(Arc::new(Formatter {
                    pattern,
                    zone: None,
                }))))
            }
            (Member::ForPattern, [other]) => cast("STRING", other),
            (Member::WithZone, [Val::Zone(zone)]) => match formatter {
                Some(formatter) => {
                    let pattern = Arc::clone(&formatter.pattern);
                    Ok(Val::Formatter(Some(Arc::new(Formatter {
                        pattern,
                        zone: *zone,
                    }))))
                }
                None => absent(),
            },
            (Member::WithZone, [other]) => cast("DATETIME_ZONE", other),
            (Member::ParseDateTime, [Val::Str(text)]) => match formatter {
                Some(formatter) => self.formatter_parse(formatter, text.as_ref().unwrap_or(&null)),
                None => absent(),
            },
            (Member::ParseDateTime, [Val::Long(number)]) => match formatter {
                Some(formatter) => {
                    self.formatter_parse(formatter, &number.to_string().as_str().into())
                }
                None => absent(),
            },
            (Member::ParseMillis, [Val::Str(text)]) => match (formatter, text) {
                (Some(formatter), Some(text)) => match self.formatter_parse(formatter, text)? {
                    Val::DateTime(Some(date)) => Ok(Val::Long(date.millis)),
                    _ => absent(),
                },
                _ => absent(),
            },
            (Member::ParseMillis, [other]) => cast("STRING", other),
            (Member::Print, [arg @ (Val::Long(_) | Val::DateTime(_))]) => {
                let Some(formatter) = formatter else {
                    return absent();
                };
                let date = match arg {
                    Val::Long(millis) => DateTime::new(*millis, self.limits.default_zone),
                    Val::DateTime(Some(date)) => *date,
                    _ => self.now(),
                };
                self.print_by(&formatter.pattern, formatter.zone, date)
            }
            _ => Err(no_method(&Val::Formatter(None), name, args)),
        }
    }

    pub(super) fn property_method(
        property: Option<&Property>,
        method: Member,
        name: &str,
        args: &[Val],
    ) -> Result<Val> {
        let known = matches!(
            method,
            Member::Get | Member::GetAsText | Member::WithMinimumValue | Member::WithMaximumValue
        );
        if !known || !args.is_empty() {
            return Err(no_method(&Val::Property(None), name, args));
        }
        let Some(property) = property else {
            return null_content("the property");
        };
        match method {
            Member::Get => Ok(Val::Long(property.get())),
            Member::GetAsText => Ok(Val::text(property.text().as_str())),
            Member::WithMinimumValue => property.with_minimum().map(date_val).map_err(date_error),
            _ => property.with_maximum().map(date_val).map_err(date_error),
        }
    }

    pub(super) fn days_method(
        days: Option<i32>,
        method: Member,
        name: &str,
        args: &[Val],
    ) -> Result<Val> {
        match (method, args) {
            (Member::DaysBetween, [Val::DateTime(from), Val::DateTime(to)]) => {
                let (Some(from), Some(to)) = (from, to) else {
                    return fail(
                        ErrorKind::Illegal,
                        "ReadableInstant objects must not be null",
                    );
                };
                match i32::try_from(from.days_until(to)) {
                    Ok(days) => Ok(Val::Days(Some(days))),
                    Err(_) => fail(
                        ErrorKind::Arith,
                        "Value cannot fit in an int: days between the dates",
                    ),
                }
            }
            (Member::DaysBetween, [Val::DateTime(_), other] | [other, _]) => {
                cast("DATETIME", other)
            }
            (Member::GetDays, []) => days.map_or_else(
                || null_content("the day count"),
                |days| Ok(Val::Long(days.into())),
            ),
            _ => Err(no_method(&Val::Days(days), name, args)),
        }
    }
}

/// The argument of a method of dates, for messages.
fn wanted(method: Member) -> &'static str {
    match method {
        Member::ToString => "STRING",
        Member::Parse => "STRING, DATETIME_FORMATTER",
        Member::WithZone | Member::ToDateTime => "DATETIME_ZONE",
        Member::IsAfter | Member::IsBefore | Member::IsEqual => "DATETIME",
        _ => "LONG of 32 bits",
    }
}

pub(super) fn date_val(date: DateTime) -> Val {
    Val::DateTime(Some(date))
}

pub(super) fn zone_of(id: &Text) -> Result<Zone> {
    Zone::for_id(&id.show()).map_err(|_| {
        let error = UnknownZone(show_cut(id));
        EvalError::new(ErrorKind::Illegal, error.to_string())
    })
}
