//! Ids of triggers, derived from their text (spec 01 section 7.3).

use super::{SignalMatchParam, SignalTrigger, SignalTriggerEntry, SignalValue, Tag, TimeTrigger};
use crate::json::Json;
use crate::param::{Meta, ParamDefinition, ParamMap, ParamType, ParamValue};
use crate::{Map, Str};
use md5::{Digest, Md5};
use std::fmt::{self, Display, Formatter, Write};
use uuid::Uuid;

/// The name-based id of a text without a namespace (spec 01 UU-1).
pub fn uuid_of(text: &str) -> Uuid {
    uuid::Builder::from_md5_bytes(Md5::digest(text.as_bytes()).into()).into_uuid()
}

/// The id of a list of time triggers; none for an empty list (spec 01 UU-2).
pub fn time_triggers_uuid(triggers: &[TimeTrigger]) -> Option<Uuid> {
    (!triggers.is_empty()).then(|| uuid_of(&format!("[{}]", Listed(triggers))))
}

/// The id of a signal trigger (spec 01 UU-2).
pub fn signal_trigger_uuid(trigger: &SignalTrigger) -> Uuid {
    uuid_of(&SignalText(trigger).to_string())
}

/// The text of a time trigger (spec 01 UU-3).
impl Display for TimeTrigger {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            TimeTrigger::Cron { cron, timezone, .. } => {
                write!(
                    f,
                    "CronTimeTrigger(cron={cron}, timezone={}",
                    OrNull(timezone.as_ref())
                )?;
            }
            TimeTrigger::Predefined {
                expression,
                timezone,
                ..
            } => {
                let name = expression.as_str().trim_start_matches('@').to_uppercase();
                write!(
                    f,
                    "PredefinedTimeTrigger(expression={name}, timezone={}",
                    OrNull(timezone.as_ref())
                )?;
            }
            TimeTrigger::Interval {
                interval, start, ..
            } => {
                let (interval, start) = (OrNull(interval.as_ref()), OrNull(start.as_ref()));
                write!(f, "IntervalTimeTrigger(interval={interval}, start={start}")?;
            }
        }
        if let Some(delay) = self.fuzzy_max_delay() {
            write!(f, ", fuzzyMaxDelay={delay}")?;
        }
        f.write_char(')')
    }
}

/// `null` for what is absent.
struct OrNull<T>(Option<T>);

impl<T: Display> Display for OrNull<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        }
    }
}

/// Elements with commas between them.
struct Listed<'a, T>(&'a [T]);

impl<T: Display> Display for Listed<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, element)| {
            f.write_str(if at > 0 { ", " } else { "" })?;
            element.fmt(f)
        })
    }
}

/// A map as `{k=v, k2=v2}`.
struct Braced<'a, T>(&'a Map<T>, fn(&str, &T, &mut Formatter<'_>) -> fmt::Result);

impl<T> Display for Braced<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{name}=", if at > 0 { ", " } else { "" })?;
            (self.1)(name, value, f)?;
        }
        f.write_char('}')
    }
}

struct SignalText<'a>(&'a SignalTrigger);

impl Display for SignalText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let SignalTrigger {
            definitions,
            params,
            condition,
            dedup_expr,
        } = self.0;
        write!(
            f,
            "SignalTrigger(definitions={}, params={}, condition={}, dedupExpr={})",
            OrNull(definitions.as_ref().map(|map| Braced(map, entry))),
            OrNull(params.as_ref().map(|map| Braced(map, top_param))),
            OrNull(condition.as_ref()),
            OrNull(dedup_expr.as_ref())
        )
    }
}

fn entry(_: &str, entry: &SignalTriggerEntry, f: &mut Formatter<'_>) -> fmt::Result {
    let matched = OrNull(
        entry
            .match_params
            .as_ref()
            .map(|map| Braced(map, match_param)),
    );
    write!(
        f,
        "SignalTrigger.SignalTriggerEntry(matchParams={matched}, joinKeys="
    )?;
    match &entry.join_keys {
        Some(keys) => write!(f, "[{}])", Listed(keys)),
        None => f.write_str("null)"),
    }
}

fn match_param(_: &str, param: &SignalMatchParam, f: &mut Formatter<'_>) -> fmt::Result {
    let operator = OrNull(param.operator);
    match &param.value {
        Some(SignalValue::Text(text)) => {
            write!(f, "SignalMatchParam(value=\"{text}\", operator={operator})")
        }
        Some(SignalValue::Number(number)) => {
            write!(f, "SignalMatchParam(value={number}, operator={operator})")
        }
        None => write!(f, "SignalMatchParam(value=null, operator={operator})"),
    }
}

fn top_param(_: &str, param: &ParamDefinition, f: &mut Formatter<'_>) -> fmt::Result {
    param_text(None, param, f)
}

fn nested_param(name: &str, param: &ParamDefinition, f: &mut Formatter<'_>) -> fmt::Result {
    param_text(Some(name), param, f)
}

fn param_text(name: Option<&str>, param: &ParamDefinition, f: &mut Formatter<'_>) -> fmt::Result {
    let kind = match param.ty() {
        ParamType::String => "String",
        ParamType::Long => "Long",
        ParamType::Double => "Double",
        ParamType::Boolean => "Boolean",
        ParamType::StringMap => "StringMap",
        ParamType::StringArray => "StringArray",
        ParamType::LongArray => "LongArray",
        ParamType::DoubleArray => "DoubleArray",
        ParamType::BooleanArray => "BooleanArray",
        ParamType::Map => "Map",
    };
    write!(
        f,
        "{kind}ParamDefinition(super=AbstractParamDefinition(name={}, expression={}, validator={}, ",
        OrNull(name),
        OrNull(param.body.expression()),
        OrNull(param.validator.as_ref())
    )?;
    match &param.tags {
        Some(tags) => write!(f, "tags=TagList(tags=[{}]), ", Listed(tags))?,
        None => f.write_str("tags=null, ")?,
    }
    write!(
        f,
        "mode={}, meta={}), value=",
        OrNull(param.mode),
        MetaText(&param.meta)
    )?;
    match param.value() {
        Some(value) => value_text(value, f)?,
        None => f.write_str("null")?,
    }
    f.write_char(')')
}

fn value_text(value: &ParamValue, f: &mut Formatter<'_>) -> fmt::Result {
    fn texts(values: &[Option<Str>], f: &mut Formatter<'_>) -> fmt::Result {
        let shown: Vec<OrNull<&Str>> = values.iter().map(|value| OrNull(value.as_ref())).collect();
        write!(f, "[{}]", Listed(&shown))
    }
    fn text(_: &str, value: &Option<Str>, f: &mut Formatter<'_>) -> fmt::Result {
        OrNull(value.as_ref()).fmt(f)
    }
    fn entries(map: &ParamMap, f: &mut Formatter<'_>) -> fmt::Result {
        Braced(map, nested_param).fmt(f)
    }
    match value {
        ParamValue::String(text) => f.write_str(text),
        ParamValue::Long(value) => value.fmt(f),
        ParamValue::Double(value) => value.fmt(f),
        ParamValue::Boolean(value) => value.fmt(f),
        ParamValue::StringMap(map) => Braced(map, text).fmt(f),
        ParamValue::StringArray(values) => texts(values, f),
        ParamValue::LongArray(values) => write!(f, "[{}]", Listed(values)),
        ParamValue::DoubleArray(values) => {
            let shown: Vec<_> = values.iter().map(|value| OrNull(value.as_ref())).collect();
            write!(f, "[{}]", Listed(&shown))
        }
        ParamValue::BooleanArray(values) => write!(f, "[{}]", Listed(values)),
        ParamValue::Map(map) => entries(map, f),
    }
}

impl Display for Tag {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (namespace, permit) = (OrNull(self.namespace), OrNull(self.permit));
        let attributes = Braced(&self.attributes, json_member);
        write!(
            f,
            "Tag(name={}, namespace={namespace}, permit={permit}, attributes={attributes})",
            self.name
        )
    }
}

struct MetaText<'a>(&'a Meta);

impl Display for MetaText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("null");
        }
        let map: Map<Json> = self.0.to_map();
        Braced(&map, json_member).fmt(f)
    }
}

fn json_member(_: &str, value: &Json, f: &mut Formatter<'_>) -> fmt::Result {
    JsonText(value).fmt(f)
}

/// A free-form value as Java prints it.
struct JsonText<'a>(&'a Json);

impl Display for JsonText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => value.fmt(f),
            Json::Number(number) => f.write_str(number.as_str()),
            Json::String(text) => f.write_str(text),
            Json::Array(elements) => {
                let shown: Vec<JsonText<'_>> = elements.iter().map(JsonText).collect();
                write!(f, "[{}]", Listed(&shown))
            }
            Json::Object(object) => {
                let map: Map<Json> = object
                    .iter()
                    .map(|(name, value)| (Str::from(name), value.clone()))
                    .collect();
                Braced(&map, json_member).fmt(f)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn time(json: &str) -> String {
        let triggers: Vec<TimeTrigger> = codec::read(json.as_bytes()).expect("time triggers");
        time_triggers_uuid(&triggers)
            .map(|uuid| uuid.to_string())
            .unwrap_or_default()
    }

    fn signal(json: &str) -> String {
        signal_trigger_uuid(&codec::read(json.as_bytes()).expect("a signal trigger")).to_string()
    }

    // [01:44]
    #[test]
    fn ids_are_those_of_the_vectors() {
        assert_eq!(
            uuid_of("test-uuid1").to_string(),
            "7b92bd31-8478-35db-bb77-dfdb3d7260fc"
        );
        assert_eq!(
            uuid_of("[CronTimeTrigger(cron=null, timezone=null)]").to_string(),
            "399e992f-bca3-3cf1-9e1c-f04e7f9ee6f4"
        );
        assert_eq!(
            time(r#"[{"type":"CRON","cron":"15 3 * * *","timezone":"Europe/Paris"}]"#),
            "cace173c-0497-36c1-b8eb-f16328ba992f"
        );
        assert_eq!(
            time(
                r#"[{"type":"PREDEFINED","expression":"hourly"},
                    {"type":"CRON","cron":"*/10 * * * *","timezone":"UTC","fuzzy_max_delay":"45s"}]"#
            ),
            "a09f8160-51cb-3e95-a960-8d05e9429e28"
        );
        assert_eq!(time("[]"), "");
        assert_eq!(
            signal(
                r#"{"definitions":{"orders_ready":{"match_params":{"region":{"value":"eu","operator":"="},
                    "lag":{"value":5,"operator":"<="}},"join_keys":["batch_id"]}},"condition":"true"}"#
            ),
            "721497d2-5292-3e5a-b327-10062c95879d"
        );
        assert_eq!(signal("{}"), "6a180223-3858-3c96-bb20-83682dd19132");
    }

    #[test]
    fn params_of_a_signal_trigger_are_part_of_its_text() {
        let trigger: SignalTrigger = codec::read(
            br#"{"definitions":{},"params":{"m":{"type":"MAP","mode":"mutable","value":{"n":{"type":"LONG_ARRAY","value":[1,2]}}},
                "e":{"type":"STRING","expression":"a","k":[1,null],"tags":["x"]}}}"#,
        )
        .expect("a signal trigger");
        assert_eq!(
            SignalText(&trigger).to_string(),
            "SignalTrigger(definitions={}, params={m=MapParamDefinition(super=AbstractParamDefinition(name=null, expression=null, \
             validator=null, tags=null, mode=MUTABLE, meta=null), value={n=LongArrayParamDefinition(super=AbstractParamDefinition(\
             name=n, expression=null, validator=null, tags=null, mode=null, meta=null), value=[1, 2])}), \
             e=StringParamDefinition(super=AbstractParamDefinition(name=null, expression=a, validator=null, \
             tags=TagList(tags=[Tag(name=x, namespace=null, permit=null, attributes={})]), mode=null, meta={k=[1, null]}), \
             value=null)}, condition=null, dedupExpr=null)"
        );
    }
}
