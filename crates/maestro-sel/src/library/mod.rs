//! The library (spec 03 section 9): dispatch of constructors, methods, fields and indexes by type.

mod date;
mod number;
mod string;
mod util;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    error::{ErrorKind, EvalError},
    eval::{Args, Eval, Result, fail, host_error, uuid_text},
    host::Access,
    names::{Class, Member},
    regex::Regex,
    time::{Pattern, Zone},
    value::{CellId, Operand, Text, Val, Value},
};

/// Patterns that were read during this evaluation.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    patterns: BTreeMap<Text, Arc<Pattern>>,
    regexes: BTreeMap<Text, Arc<Regex>>,
    /// The sizes of the regular expressions together.
    states: u64,
}

/// Entries of each cache; a program that makes more patterns than this starts over.
const CACHED: usize = 64;
/// States of all cached regular expressions. No limit of the language counts their memory, some hundred bytes for each.
const STATES: u64 = 60_000;

/// No method of this name and number of arguments.
fn no_method(value: &Val, name: &str, args: &[Val]) -> EvalError {
    let type_name = value.type_name();
    let message = match value {
        Val::Null | Val::Boolean(_) | Val::Array(..) => {
            format!("{type_name} DO NOT support calling {name}")
        }
        Val::Str(_) | Val::DateTime(_) => {
            let count = args.len();
            format!(
                "{type_name} DO NOT support calling method: {name}{count} with args: {}",
                list(args)
            )
        }
        _ => format!(
            "{type_name} DO NOT support calling method: {name} with args: {}",
            list(args)
        ),
    };
    EvalError::new(ErrorKind::Unsupp, message)
}

fn list(args: &[Val]) -> String {
    let names: Vec<String> = args
        .iter()
        .map(|arg| format!("{}: {}", arg.type_name(), brief(arg)))
        .collect();
    format!("[{}]", names.join(", "))
}

fn brief(value: &Val) -> String {
    match value {
        Val::Str(Some(text)) => crate::value::show(&text[..text.len().min(40)]),
        Val::Long(number) => number.to_string(),
        Val::Double(number) => crate::text::double_text(*number),
        Val::Boolean(truth) => truth.to_string(),
        other if other.is_absent() => "null".to_owned(),
        _ => "...".to_owned(),
    }
}

fn cast<T>(wanted: &str, found: &Val) -> Result<T> {
    fail(
        ErrorKind::Cast,
        format!(
            "{} cannot be cast to {wanted}, which is needed here",
            found.type_name()
        ),
    )
}

/// A method does not take arguments of these types.
fn mismatched<T>(args: &[Val], wanted: &str) -> Result<T> {
    fail(
        ErrorKind::Illegal,
        format!(
            "argument type mismatch: it takes {wanted}, not {}",
            list(args)
        ),
    )
}

fn null_content<T>(what: &str) -> Result<T> {
    fail(ErrorKind::NullP, format!("{what} has no content"))
}

impl Eval<'_> {
    /// Calls a method on a receiver.
    pub(crate) fn call(
        &mut self,
        base: &Operand,
        method: Member,
        name: u32,
        operands: &Args,
    ) -> Result<Operand> {
        let receiver = self.read(base);
        // These hand on a cell itself (SX-9).
        match (&receiver, method) {
            (Val::Map(_), _) => return self.map_method(&receiver, method, name, operands),
            (Val::Misc, Member::AsList) if operands.len() == 1 => return Ok(operands[0].clone()),
            (Val::Params, _) => return self.params_method(method, name, operands),
            _ => {}
        }
        let args: Vec<Val> = operands.iter().map(|operand| self.read(operand)).collect();
        let code = self.code;
        let name = code.name(name);
        let value = match &receiver {
            Val::Str(text) => self.string_method(text.as_ref(), method, name, &args)?,
            Val::Long(number) => Self::long_method(*number, method, name, &args)?,
            Val::Double(number) => Self::double_method(*number, method, name, &args)?,
            Val::Math => self.math_method(method, name, &args)?,
            Val::Util => self.util_method(method, name, &args)?,
            Val::Misc => match (method, args.len()) {
                (Member::CurrentTimeMillis, 0) => Val::Long(self.host.now_millis()),
                _ => return Err(no_method(&receiver, name, &args)),
            },
            Val::Uuid(bytes) => match (method, args.len()) {
                (Member::RandomUuid, 0) => {
                    let mut bytes = [0; 16];
                    bytes[..8].copy_from_slice(&self.host.random_bits().to_be_bytes());
                    bytes[8..].copy_from_slice(&self.host.random_bits().to_be_bytes());
                    bytes[6] = bytes[6] & 0x0f | 0x40;
                    bytes[8] = bytes[8] & 0x3f | 0x80;
                    Val::Uuid(Some(Arc::new(bytes)))
                }
                (Member::ToString, 0) => Val::text(
                    bytes
                        .as_ref()
                        .map_or_else(|| "null".to_owned(), |bytes| uuid_text(bytes))
                        .as_str(),
                ),
                _ => return Err(no_method(&receiver, name, &args)),
            },
            Val::DateTime(date) => self.date_method(*date, method, name, &args)?,
            Val::Zone(zone) => self.zone_method(*zone, method, name, &args)?,
            Val::Formatter(formatter) => {
                self.formatter_method(formatter.as_deref(), method, name, &args)?
            }
            Val::Property(property) => {
                Self::property_method(property.as_deref(), method, name, &args)?
            }
            Val::Days(days) => Self::days_method(*days, method, name, &args)?,
            Val::Null | Val::Boolean(_) | Val::Array(..) | Val::Map(_) | Val::Params => {
                return Err(no_method(&receiver, name, &args));
            }
        };
        match value {
            // Its elements were counted when it was made.
            Val::Array(..) => Ok(Operand::Fresh(value)),
            value => self.fresh(value),
        }
    }

    /// Reads a field.
    pub(crate) fn field(&mut self, base: &Operand, field: Member, name: u32) -> Result<Operand> {
        let value = match (self.peek(base), field) {
            (Val::Array(_, array), Member::Length) => {
                Val::Long(self.arena.array_len(*array).into())
            }
            (Val::Zone(_), Member::Utc) => Val::Zone(Some(Zone::UTC)),
            (Val::Misc, Member::Sunday) => Val::Long(7),
            (Val::Params, _) => {
                let name = self.code.name(name);
                return self.param(&Text::from(name));
            }
            (other, _) => {
                let (type_name, name) = (other.type_name(), self.code.name(name));
                return fail(
                    ErrorKind::Unsupp,
                    format!("{type_name} DO NOT support accessing field: {name}"),
                );
            }
        };
        self.fresh(value)
    }

    /// Reads an element of an array, or an input by `params['name']` (9.5).
    pub(crate) fn index(&mut self, base: &Operand, index: &Operand) -> Result<Operand> {
        match (self.peek(index), self.peek(base)) {
            (Val::Long(index), Val::Array(_, array)) => {
                Ok(Operand::Cell(self.element(*array, *index)?))
            }
            (Val::Long(_), other) => fail(
                ErrorKind::Cast,
                format!(
                    "only arrays have elements by number, not {}",
                    other.type_name()
                ),
            ),
            (Val::Str(name), Val::Params) => match name.clone() {
                Some(name) => self.param(&name),
                None => Ok(Operand::Fresh(Val::Null)),
            },
            (Val::Str(_), other) => {
                let hint = if matches!(other, Val::Map(_)) {
                    "; a MAP has `get` and `put`"
                } else {
                    ""
                };
                fail(
                    ErrorKind::Cast,
                    format!(
                        "only `params` has values by name in `[` and `]`, not {}{hint}",
                        other.type_name()
                    ),
                )
            }
            (other, _) => fail(
                ErrorKind::Illegal,
                format!(
                    "Invalid index type {}: an index is LONG, or STRING for `params`",
                    other.type_name()
                ),
            ),
        }
    }

    /// `new C(args)`.
    pub(crate) fn construct(&mut self, class: Class, operands: &Args) -> Result<Operand> {
        let args: Vec<Val> = operands.iter().map(|operand| self.read(operand)).collect();
        let illegal = || {
            fail(
                ErrorKind::Illegal,
                format!(
                    "Invalid constructor arguments {} for {}",
                    list(&args),
                    class.default_value().type_name()
                ),
            )
        };
        let value = match (class, &args[..]) {
            (Class::String, []) => Val::text(""),
            (Class::String, [Val::Str(text)]) => Val::Str(text.clone()),
            (Class::String, [Val::Long(number)]) => Val::text(number.to_string().as_str()),
            (Class::Long, [Val::Long(number)]) => Val::Long(*number),
            (Class::Long, [Val::Str(text)]) => number::long_of(text.as_ref())?,
            (Class::Double, [Val::Double(number)]) => Val::Double(*number),
            (Class::Double, [Val::Str(text)]) => number::double_of(text.as_ref())?,
            (Class::Boolean, [Val::Boolean(truth)]) => Val::Boolean(*truth),
            (Class::Boolean, [Val::Str(text)]) => Val::Boolean(
                text.as_ref()
                    .is_some_and(|text| text.show().eq_ignore_ascii_case("true")),
            ),
            (Class::Map, []) => Val::Map(Some(self.arena.new_map())),
            (Class::DateTime, _) => self.new_date(&args)?,
            (Class::String | Class::Long | Class::Double | Class::Boolean | Class::Map, _) => {
                return illegal();
            }
            (Class::Zone | Class::Formatter | Class::Property | Class::Days | Class::Uuid, _) => {
                let name = class.default_value().type_name();
                return fail(
                    ErrorKind::Unsupp,
                    format!(
                        "{name} DO NOT support constructor with args: {}",
                        list(&args)
                    ),
                );
            }
        };
        self.fresh(value)
    }

    fn map_method(
        &mut self,
        receiver: &Val,
        method: Member,
        name: u32,
        args: &Args,
    ) -> Result<Operand> {
        let Val::Map(map) = receiver else {
            return cast("MAP", receiver);
        };
        let known = matches!(
            (method, args.len()),
            (Member::Size, 0)
                | (Member::ContainsKey | Member::Get, 1)
                | (Member::GetOrDefault | Member::Put, 2)
        );
        if !known {
            let args: Vec<Val> = args.iter().map(|operand| self.read(operand)).collect();
            return Err(no_method(receiver, self.code.name(name), &args));
        }
        match (method, map) {
            (Member::Size, map) => {
                let size = map.map_or(0, |map| self.arena.map_len(map));
                return self.fresh(Val::Long(size as i64));
            }
            (Member::ContainsKey, None) => return self.fresh(Val::Boolean(false)),
            _ => {}
        }
        let key = match self.read(&args[0]) {
            Val::Str(key) => key,
            other => return cast("STRING", &other),
        };
        let Some(map) = *map else {
            return null_content("the map");
        };
        let found = |cell: Option<CellId>| cell.map(Operand::Cell);
        match method {
            Member::ContainsKey => {
                let contains = self.arena.map_get(map, &key).is_some();
                self.fresh(Val::Boolean(contains))
            }
            Member::Get => {
                Ok(found(self.arena.map_get(map, &key)).unwrap_or(Operand::Fresh(Val::Null)))
            }
            Member::GetOrDefault => {
                Ok(found(self.arena.map_get(map, &key)).unwrap_or_else(|| args[1].clone()))
            }
            _ => {
                self.meter.hold(2)?;
                let cell = self.keep(args[1].clone())?;
                Ok(found(self.arena.map_put(map, key, cell)).unwrap_or(Operand::Fresh(Val::Null)))
            }
        }
    }

    /// An input, boxed anew at every access.
    fn param(&mut self, name: &Text) -> Result<Operand> {
        let name = name.show();
        match self.host.input(&name, Access::Params).map_err(host_error)? {
            Some(value) => Ok(Operand::Fresh(self.box_value(value)?)),
            None => Ok(Operand::Fresh(Val::Null)),
        }
    }

    fn params_method(&mut self, method: Member, name: u32, operands: &Args) -> Result<Operand> {
        let args: Vec<Val> = operands.iter().map(|operand| self.read(operand)).collect();
        match (method, &args[..]) {
            (Member::Get, [Val::Str(Some(name))]) => self.param(name),
            (Member::Get, [Val::Str(None)]) => Ok(Operand::Fresh(Val::Null)),
            (Member::ContainsKey, [Val::Str(name)]) => {
                let contains = match name {
                    Some(name) => self.host.contains(&name.show()).map_err(host_error)?,
                    None => false,
                };
                self.fresh(Val::Boolean(contains))
            }
            (Member::Get | Member::ContainsKey, [other]) => cast("STRING", other),
            _ => self.extension(name, &args),
        }
    }

    fn extension(&mut self, name: u32, args: &[Val]) -> Result<Operand> {
        let code = self.code;
        let name = code.name(name);
        if !self.host.has_extension() {
            return Err(no_method(&Val::Params, name, args));
        }
        for arg in args {
            if !self.has_host_value(arg)? {
                return Err(no_host_value(arg));
            }
        }
        if args.len() > 3 {
            return Err(no_method(&Val::Params, name, args));
        }
        let texts: Option<Vec<Value>> = args
            .iter()
            .map(|arg| match arg {
                Val::Str(text) => Some(Value::String(
                    text.as_ref().map_or_else(|| "null".to_owned(), Text::show),
                )),
                _ => None,
            })
            .collect();
        let Some(texts) = texts else {
            return Err(no_method(&Val::Params, name, args));
        };
        let value = self.host.call(name, texts).map_err(host_error)?;
        Ok(Operand::Fresh(self.box_value(value)?))
    }

    /// A date pattern, from the cache or read now.
    fn pattern(&mut self, text: &Text) -> Result<Arc<Pattern>> {
        if let Some(pattern) = self.caches.patterns.get(text) {
            return Ok(Arc::clone(pattern));
        }
        let this_year =
            crate::time::DateTime::new(self.host.now_millis(), self.limits.default_zone)
                .get(crate::time::Field::Year);
        let pattern = Pattern::compile(text, this_year).map_err(date::pattern_error)?;
        let pattern = Arc::new(pattern);
        if self.caches.patterns.len() >= CACHED {
            self.caches.patterns.clear();
        }
        self.caches
            .patterns
            .insert(text.clone(), Arc::clone(&pattern));
        Ok(pattern)
    }

    /// A regular expression, from the cache or read now.
    fn regex(&mut self, text: &Text) -> Result<Arc<Regex>> {
        if let Some(regex) = self.caches.regexes.get(text) {
            return Ok(Arc::clone(regex));
        }
        self.work(10_000)?;
        let regex = Arc::new(Regex::new(text, self.limits.regex_steps)?);
        if self.caches.regexes.len() >= CACHED || self.caches.states + regex.size() > STATES {
            self.caches.regexes.clear();
            self.caches.states = 0;
        }
        self.caches.states += regex.size();
        self.caches.regexes.insert(text.clone(), Arc::clone(&regex));
        Ok(regex)
    }
}

fn no_host_value(value: &Val) -> EvalError {
    EvalError::new(
        ErrorKind::Unsupp,
        format!(
            "{} cannot be used outside of SEL: it has no host value",
            value.type_name()
        ),
    )
}
