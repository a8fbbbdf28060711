//! Dates and times as SEL knows them (spec 03 section 10), on jiff and on zone data that the crate carries.

mod bucket;
mod calendar;
mod datetime;
mod duration;
mod iso;
mod parse;
mod pattern;
mod zone;
mod zone_names;

pub(crate) use bucket::ParseError;
pub(crate) use calendar::Field;
pub(crate) use datetime::{DateError, DateTime, Property, Unit};
pub(crate) use duration::{DurationError, parse_duration};
pub(crate) use iso::parse_iso;
pub(crate) use parse::parse_local_millis;
pub(crate) use pattern::{Formatter, Pattern, PatternError};
pub use zone::{UnknownZone, Zone};
