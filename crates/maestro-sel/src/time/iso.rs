//! ISO texts, as `new DateTime(STRING)` reads them (spec 03 SD-11).

use super::{
    bucket::{Bucket, ParseError},
    calendar::Field,
    datetime::DateTime,
    parse::fraction_millis,
    zone::{Zone, parse_offset},
};

/// Reads a date with or without a time and an offset; without an offset the local time is meant in `zone`.
pub(crate) fn parse_iso(input: &[u16], zone: Zone) -> Result<DateTime, ParseError> {
    let mut reader = Reader {
        input,
        at: 0,
        bucket: Bucket::default(),
    };
    match reader.all() {
        Ok(()) if reader.at == input.len() => reader.bucket.date(input, Some(zone), zone),
        Ok(()) => Err(ParseError::at(input, reader.at)),
        Err(Bad) => Err(ParseError::at(input, reader.at)),
    }
}

/// The text does not go on as it should at the reader's place.
struct Bad;

struct Reader<'a> {
    input: &'a [u16],
    at: usize,
    bucket: Bucket,
}

impl Reader<'_> {
    fn next_is(&self, accepted: &[u8]) -> bool {
        self.input
            .get(self.at)
            .is_some_and(|unit| accepted.iter().any(|c| *unit == u16::from(*c)))
    }

    fn eat(&mut self, accepted: &[u8]) -> bool {
        let found = self.next_is(accepted);
        self.at += usize::from(found);
        found
    }

    fn digits(&self) -> usize {
        self.input[self.at..]
            .iter()
            .take_while(|unit| (0x30..0x3a).contains(*unit))
            .count()
    }

    /// A number of `least` to `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Result<i64, Bad> {
        let count = self.digits().min(most);
        if count < least {
            self.at += count;
            return Err(Bad);
        }
        let number = self.input[self.at..self.at + count]
            .iter()
            .fold(0, |sum, unit| sum * 10 + i64::from(*unit - 0x30));
        self.at += count;
        Ok(number)
    }

    fn save(&mut self, field: Field, least: usize, most: usize) -> Result<(), Bad> {
        let value = self.number(least, most)?;
        self.bucket.save(field, value);
        Ok(())
    }

    fn all(&mut self) -> Result<(), Bad> {
        if self.eat(b"Tt") {
            self.time()?;
            return self.offset();
        }
        self.date()?;
        if self.eat(b"Tt") {
            if self.digits() > 0 {
                self.time()?;
            }
            self.offset()?;
        }
        Ok(())
    }

    fn date(&mut self) -> Result<(), Bad> {
        let negative = self.next_is(b"-");
        self.eat(b"+-");
        let year = self.number(1, 9)?;
        let year = if negative { -year } else { year };
        if !self.eat(b"-") {
            self.bucket.save(Field::Year, year);
            return Ok(());
        }
        if self.eat(b"Ww") {
            self.bucket.save(Field::Weekyear, year);
            self.save(Field::WeekOfWeekyear, 1, 2)?;
            if self.eat(b"-") {
                self.save(Field::DayOfWeek, 1, 1)?;
            }
            return Ok(());
        }
        self.bucket.save(Field::Year, year);
        if self.digits() == 3 {
            return self.save(Field::DayOfYear, 3, 3);
        }
        self.save(Field::MonthOfYear, 1, 2)?;
        if self.eat(b"-") {
            self.save(Field::DayOfMonth, 1, 2)?;
        }
        Ok(())
    }

    fn time(&mut self) -> Result<(), Bad> {
        for (field, unit) in [
            (Field::HourOfDay, 3_600_000),
            (Field::MinuteOfHour, 60_000),
            (Field::SecondOfMinute, 1000),
        ] {
            self.save(field, 1, 2)?;
            if self.eat(b".,") {
                let (millis, read) = fraction_millis(&self.input[self.at..], 9, unit).ok_or(Bad)?;
                self.at += read;
                self.bucket.save_fraction(unit, millis);
                return Ok(());
            }
            if unit == 1000 || !self.eat(b":") {
                return Ok(());
            }
        }
        Ok(())
    }

    fn offset(&mut self) -> Result<(), Bad> {
        if self.eat(b"Zz") {
            self.bucket.offset = Some(0);
        } else if self.next_is(b"+-") {
            match parse_offset(&self.input[self.at..]) {
                Ok((millis, read)) => {
                    self.bucket.offset = Some(millis);
                    self.at += read;
                }
                Err(at) => {
                    self.at += at;
                    return Err(Bad);
                }
            }
        }
        Ok(())
    }
}
