//! `Util` (spec 03 9.10).

use std::sync::{Arc, OnceLock};

use super::{
    cast,
    date::{date_error, parse_error, zone_of},
    no_method, null_content,
    number::parse_long_text,
};
use crate::{
    error::{ErrorKind, EvalError},
    eval::{DEPTH, Eval, Result, fail, too_deep},
    names::Member,
    text::double_text,
    time::{DateTime, DurationError, Pattern, Unit, Zone, parse_duration, parse_local_millis},
    value::{Element, Text, Val},
};

/// `YYYYMMdd`; the two-digit century plays no part in it.
fn date_int() -> &'static Arc<Pattern> {
    static PATTERN: OnceLock<Arc<Pattern>> = OnceLock::new();
    PATTERN.get_or_init(|| Arc::new(fixed_pattern("YYYYMMdd")))
}

fn date_int_hour() -> &'static Arc<Pattern> {
    static PATTERN: OnceLock<Arc<Pattern>> = OnceLock::new();
    PATTERN.get_or_init(|| Arc::new(fixed_pattern("YYYYMMddHH")))
}

fn fixed_pattern(text: &str) -> Pattern {
    let units: Vec<u16> = text.encode_utf16().collect();
    Pattern::compile(&units, 2000).expect("both patterns are valid")
}

impl Eval<'_> {
    pub(super) fn util_method(&mut self, method: Member, name: &str, args: &[Val]) -> Result<Val> {
        match (method, args) {
            (Member::ToJson, _) => self.json_of(args),
            (Member::TsToDateInt, [ts]) => {
                let millis = self.number_argument(ts)?;
                self.print_date_int(DateTime::new(millis, Zone::UTC))
            }
            (Member::DateIntToTs, [date]) => {
                self.date_argument(date).map(|date| Val::Long(date.millis))
            }
            (Member::IncrementDateInt, [date, days]) => {
                let date = self.date_argument(date)?;
                let Val::Long(days) = days else {
                    return cast("LONG", days);
                };
                let date = date
                    .plus(i64::from(*days as i32), Unit::Days)
                    .map_err(date_error)?;
                self.print_date_int(date)
            }
            (Member::DateIntHourToTs, [date, hour, zone, days, hours]) => {
                self.date_hour_to_ts(date, hour, zone, days, hours)
            }
            (Member::DateIntsBetween, [from, to, step]) => self.date_ints_between(from, to, step),
            (Member::IntsBetween, [from, to, step]) => self.ints_between(from, to, step),
            (Member::TimeoutForDateTimeDeadline, [date, text]) => {
                let Val::DateTime(date) = date else {
                    return cast("DATETIME", date);
                };
                self.timeout(*date, text)
            }
            (Member::TimeoutForDateIntDeadline, [date, text]) => {
                let date = self.date_argument_or(date, false)?;
                self.timeout(Some(date), text)
            }
            _ => Err(no_method(&Val::Util, name, args)),
        }
    }

    /// A LONG, or a STRING that is read as one.
    fn number_argument(&mut self, value: &Val) -> Result<i64> {
        match value {
            Val::Long(number) => Ok(*number),
            Val::Str(text) => {
                self.meter.charge(32)?;
                parse_long_text(text.as_ref())
            }
            other => fail(
                ErrorKind::Illegal,
                format!(
                    "Invalid argument type {}, expected LONG or STRING",
                    other.type_name()
                ),
            ),
        }
    }

    fn int_of(&mut self, value: &Val) -> Result<i32> {
        // Only the low 32 bits count.
        self.number_argument(value).map(|number| number as i32)
    }

    /// A STRING or a LONG as text.
    fn text_argument(&mut self, value: &Val) -> Result<Option<Text>> {
        match value {
            Val::Str(text) => Ok(text.clone()),
            Val::Long(number) => {
                let text: Text = number.to_string().as_str().into();
                self.meter.charge(32 + 2 * text.len() as u64)?;
                Ok(Some(text))
            }
            other => fail(
                ErrorKind::Illegal,
                format!(
                    "Invalid argument type {}, expected STRING or LONG",
                    other.type_name()
                ),
            ),
        }
    }

    fn text_or_null(&mut self, value: &Val) -> Result<Text> {
        Ok(self.text_argument(value)?.unwrap_or_else(|| "null".into()))
    }

    fn date_argument(&mut self, value: &Val) -> Result<DateTime> {
        self.date_argument_or(value, true)
    }

    /// A date number in UTC; an absent STRING is NULLP, or the text `null`, which is no date.
    fn date_argument_or(&mut self, value: &Val, null_is_failure: bool) -> Result<DateTime> {
        match self.text_argument(value)? {
            Some(text) => parse_local_millis(date_int(), &text, Zone::UTC).map_err(parse_error),
            None if null_is_failure => null_content("the date"),
            None => {
                parse_local_millis(date_int(), &Text::from("null"), Zone::UTC).map_err(parse_error)
            }
        }
    }

    fn print_date_int(&mut self, date: DateTime) -> Result<Val> {
        Ok(Val::text(date_int().print(date)))
    }

    fn date_hour_to_ts(
        &mut self,
        date: &Val,
        hour: &Val,
        zone: &Val,
        days: &Val,
        hours: &Val,
    ) -> Result<Val> {
        let zone = match self.text_argument(zone)? {
            Some(id) => zone_of(&id)?,
            None => self.limits.default_zone,
        };
        let mut text = self.text_or_null(date)?;
        text.push(&self.text_or_null(hour)?);
        let date = parse_local_millis(date_int_hour(), &text, zone).map_err(parse_error)?;
        let days = self.int_of(days)?;
        let hours = self.int_of(hours)?;
        let date = date
            .plus(-i64::from(days), Unit::Days)
            .map_err(date_error)?;
        date.plus(-i64::from(hours), Unit::Hours)
            .map(|date| Val::Long(date.millis))
            .map_err(date_error)
    }

    fn date_ints_between(&mut self, from: &Val, to: &Val, step: &Val) -> Result<Val> {
        let step = match step {
            Val::Long(number) => i32::try_from(*number).ok(),
            Val::Str(text) => i32::try_from(parse_long_text(text.as_ref())?).ok(),
            _ => None,
        };
        let Some(step) = step else {
            return fail(
                ErrorKind::NumFmt,
                "the increment is not an integer of 32 bits",
            );
        };
        if step == 0 {
            return fail(ErrorKind::Illegal, "the increment must not be 0");
        }
        let from = self.date_argument_or(from, false)?;
        let to = self.date_argument_or(to, false)?;
        let (start, end) = if step > 0 { (from, to) } else { (to, from) };
        let mut items = Vec::new();
        let mut at = start;
        while at.millis < end.millis {
            let text = date_int().print(at);
            match crate::text::parse_long(&text) {
                Some(number) => items.push(Val::Long(number)),
                None => {
                    return fail(
                        ErrorKind::NumFmt,
                        format!("the date {} is not a LONG", crate::value::show(&text)),
                    );
                }
            }
            self.meter.would_fit(32 + 32 * items.len())?;
            self.work(200)?;
            at = start
                .plus(items.len() as i64 * i64::from(step).abs(), Unit::Days)
                .map_err(date_error)?;
        }
        if step < 0 {
            items.reverse();
        }
        self.box_array(Element::Long, items)
    }

    fn ints_between(&mut self, from: &Val, to: &Val, step: &Val) -> Result<Val> {
        let from = i64::from(self.int_of(from)?);
        let to = i64::from(self.int_of(to)?);
        let step = i64::from(self.int_of(step)?);
        let count = match step {
            1.. => (to - from).max(0) as u64,
            0 if from > to => return fail(ErrorKind::Illegal, "the increment must not be 0"),
            0 => 0,
            _ => (from - to).max(0) as u64,
        };
        let count = if step == 0 {
            0
        } else {
            count.div_ceil(step.unsigned_abs())
        };
        self.meter.would_fit(
            usize::try_from(count)
                .unwrap_or(usize::MAX)
                .saturating_mul(32),
        )?;
        self.work(count as usize)?;
        let items = (0..count as i64)
            .map(|i| Val::Long(from + i * step))
            .collect();
        self.box_array(Element::Long, items)
    }

    fn timeout(&mut self, date: Option<DateTime>, text: &Val) -> Result<Val> {
        let Val::Str(text) = text else {
            return cast("STRING", text);
        };
        let Some(text) = text else {
            return null_content("the duration");
        };
        self.work(text.len())?;
        let duration = parse_duration(&text.show()).map_err(|error| {
            let kind = match error {
                DurationError::Malformed(_) => ErrorKind::Illegal,
                DurationError::Number(_) => ErrorKind::NumFmt,
                DurationError::Calendar => ErrorKind::Unsupp,
            };
            EvalError::new(kind, error.to_string())
        })?;
        let Some(date) = date else {
            return null_content("the date");
        };
        let left = (i128::from(date.millis) + duration - i128::from(self.host.now_millis())).max(0);
        Ok(Val::text(format!("{left} milliseconds").as_str()))
    }

    fn json_of(&mut self, args: &[Val]) -> Result<Val> {
        for arg in args {
            if !self.has_host_value(arg)? {
                return Err(super::no_host_value(arg));
            }
        }
        let [value] = args else {
            return fail(
                ErrorKind::Illegal,
                format!("`Util.toJson` takes one argument, not {}", args.len()),
            );
        };
        let mut out = Vec::new();
        self.json(&mut out, value, 0)?;
        Ok(Val::text(out))
    }

    fn json(&mut self, out: &mut Vec<u16>, value: &Val, depth: u32) -> Result<()> {
        let mut push = |text: &str| out.extend(text.encode_utf16());
        match value {
            value if value.is_absent() => push("null"),
            Val::Str(Some(text)) => json_text(out, text),
            Val::Long(number) => push(&number.to_string()),
            Val::Double(number) if number.is_finite() => push(&double_text(*number)),
            Val::Double(number) => push(&format!("\"{}\"", double_text(*number))),
            Val::Boolean(truth) => push(if *truth { "true" } else { "false" }),
            Val::Array(_, array) => {
                out.push(u16::from(b'['));
                for at in 0..self.arena.array_len(*array) as usize {
                    if at > 0 {
                        out.push(u16::from(b','));
                    }
                    let element = self.arena.elements(*array)[at].clone();
                    self.json(out, &element, depth)?;
                }
                out.push(u16::from(b']'));
            }
            Val::Map(Some(map)) => {
                if depth >= DEPTH {
                    return Err(too_deep());
                }
                out.push(u16::from(b'{'));
                for (i, (key, cell)) in self.arena.map_entries(*map).into_iter().enumerate() {
                    if i > 0 {
                        out.push(u16::from(b','));
                    }
                    let Some(key) = key else {
                        return fail(
                            ErrorKind::Unprocessable,
                            "Null key for a Map not allowed in JSON",
                        );
                    };
                    json_text(out, &key);
                    out.push(u16::from(b':'));
                    let value = self.arena.cell(cell).clone();
                    self.json(out, &value, depth + 1)?;
                }
                out.push(u16::from(b'}'));
            }
            other => {
                return fail(
                    ErrorKind::Unprocessable,
                    format!("{} has no JSON form", other.type_name()),
                );
            }
        }
        self.work(10)?;
        self.meter.would_fit(2 * out.len())
    }
}

fn json_text(out: &mut Vec<u16>, text: &[u16]) {
    out.push(u16::from(b'"'));
    for unit in text {
        let short = match *unit {
            0x22 => b'"',
            0x5c => b'\\',
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            control if control < 0x20 => {
                out.extend(format!("\\u{control:04X}").encode_utf16());
                continue;
            }
            other => {
                out.push(other);
                continue;
            }
        };
        out.extend([0x5c, u16::from(short)]);
    }
    out.push(u16::from(b'"'));
}
