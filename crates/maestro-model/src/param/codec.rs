//! JSON of params (spec 02 sections 2, 3).

use super::{
    Evaluated, EvaluatedValue, Meta, Param, ParamBody, ParamDefinition, ParamMap, ParamType,
    ParamValue,
};
use crate::codec::{At, FromJson, JsonError, Members, free_form};
use crate::decimal::Decimal;
use crate::json::{Json, Object, ObjectWriter, ToJson, Writer};
use crate::{Map, Str};
use std::sync::Arc;

/// Refuses params that have both a value and an expression, or neither (spec 02 J-7). Nested entries are not looked at.
///
/// # Errors
/// Names the first such param.
pub(crate) fn exactly_one_body(params: Option<&ParamMap>, at: &At<'_>) -> Result<(), JsonError> {
    let mut params = params.into_iter().flatten();
    params.try_for_each(|(name, param)| match &param.body {
        ParamBody::Literal {
            expression: Some(_),
            ..
        } => Err(at
            .name(name)
            .fault(format!(
                "the param `{name}` has both a `value` and an `expression`"
            ))
            .hint("remove one of them")),
        ParamBody::Unset(_) => Err(at
            .name(name)
            .fault(format!(
                "the param `{name}` has neither a `value` nor an `expression`"
            ))
            .hint("add one of them")),
        ParamBody::Literal {
            expression: None, ..
        }
        | ParamBody::Expression { .. } => Ok(()),
    })
}

impl FromJson for ParamDefinition {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        at.check_depth()?;
        if !matches!(json, Json::Object(_)) {
            return Err(at.wrong(
                &json,
                "a param: an object with a `type` and a `value` or an `expression`",
            ));
        }
        let mut members = Members::open(json, at)?;
        let ty: ParamType = members.field("type")?;
        let value = members
            .raw("value")
            .map_or(Ok(None), |json| literal(ty, json, &at.name("value")))?;
        let expression: Option<Str> = members.field("expression")?;
        let validator = match members.raw("validator") {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text.into()),
            Some(other) => return Err(at.name("validator").wrong(&other, "a string")),
        };
        Ok(Self {
            body: match (value, expression) {
                (Some(value), expression) => ParamBody::Literal { value, expression },
                (None, Some(text)) => ParamBody::Expression { ty, text },
                (None, None) => ParamBody::Unset(ty),
            },
            validator,
            tags: members.field("tags")?,
            mode: members.field("mode")?,
            meta: meta(members.rest(), at)?,
        })
    }
}

/// The further members; an object `meta` among them replaces those before it (spec 02 J-4).
fn meta(object: Object, at: &At<'_>) -> Result<Meta, JsonError> {
    let mut meta = Meta::default();
    for (key, value) in object {
        if &*key != "meta" {
            meta.insert(&key, free_form(value, &at.name(&key))?);
            continue;
        }
        meta = Meta::default();
        if value != Json::Null {
            let inner = Object::from_json(value, &at.name("meta"))?;
            inner
                .into_iter()
                .for_each(|(key, value)| meta.insert(&key, value));
        }
    }
    Ok(meta)
}

/// Reads a literal with the leniency of its type (spec 02 T-3); some texts mean that there is none.
fn literal(ty: ParamType, json: Json, at: &At<'_>) -> Result<Option<ParamValue>, JsonError> {
    if json == Json::Null {
        return Ok(None);
    }
    Ok(match ty {
        ParamType::String => Str::from_nullable(json, at)?.map(ParamValue::String),
        ParamType::Long => i64::from_nullable(json, at)?.map(ParamValue::Long),
        ParamType::Double => Decimal::from_nullable(json, at)?.map(ParamValue::Double),
        ParamType::Boolean => bool::from_nullable(json, at)?.map(ParamValue::Boolean),
        ParamType::StringMap => Some(ParamValue::StringMap(Arc::new(members(
            json,
            at,
            Str::from_nullable,
        )?))),
        ParamType::StringArray => Some(ParamValue::StringArray(elements(
            json,
            at,
            Str::from_nullable,
        )?)),
        ParamType::LongArray => Some(ParamValue::LongArray(elements(json, at, i64::from_json)?)),
        ParamType::DoubleArray => Some(ParamValue::DoubleArray(elements(
            json,
            at,
            Decimal::from_nullable,
        )?)),
        ParamType::BooleanArray => Some(ParamValue::BooleanArray(elements(
            json,
            at,
            bool::from_json,
        )?)),
        ParamType::Map => Some(ParamValue::Map(Arc::new(ParamMap::from_json(json, at)?))),
    })
}

type Read<T> = fn(Json, &At<'_>) -> Result<T, JsonError>;

fn elements<T>(json: Json, at: &At<'_>, read: Read<T>) -> Result<Arc<[T]>, JsonError> {
    let Json::Array(elements) = json else {
        return Err(at.wrong(&json, "an array"));
    };
    elements
        .into_iter()
        .enumerate()
        .map(|(index, json)| read(json, &at.index(index)))
        .collect()
}

fn members<T>(json: Json, at: &At<'_>, read: Read<T>) -> Result<Map<T>, JsonError> {
    let object = Members::open(json, at)?.rest();
    object
        .into_iter()
        .map(|(name, json)| Ok((Str::from(&*name), read(json, &at.name(&name))?)))
        .collect()
}

impl ParamDefinition {
    fn put_fixed(&self, out: &mut ObjectWriter<'_>) {
        out.member("value", &self.body.value());
        out.member("expression", &self.body.expression());
        out.always("type", &self.ty());
        out.member("validator", &self.validator);
        out.member("tags", &self.tags);
        out.member("mode", &self.mode);
    }

    fn put_meta(&self, out: &mut ObjectWriter<'_>) {
        for (key, word) in self.meta.canonical() {
            out.member(key, &word);
        }
        for (key, value) in self.meta.free() {
            out.always(key, value);
        }
    }
}

impl ToJson for ParamDefinition {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            self.put_fixed(members);
            self.put_meta(members);
        });
    }
}

impl ToJson for ParamValue {
    fn write(&self, out: &mut Writer) {
        match self {
            ParamValue::String(text) => out.string(text),
            ParamValue::Long(value) => value.write(out),
            ParamValue::Double(value) => value.write(out),
            ParamValue::Boolean(value) => value.write(out),
            ParamValue::StringMap(map) => map.write(out),
            ParamValue::StringArray(elements) => elements.write(out),
            ParamValue::LongArray(elements) => elements.write(out),
            ParamValue::DoubleArray(elements) => elements.write(out),
            ParamValue::BooleanArray(elements) => elements.write(out),
            ParamValue::Map(entries) => entries.write(out),
        }
    }
}

/// Reads an evaluated param, as in instances (spec 02 J-11).
impl FromJson for Param {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let result = members
            .raw("evaluated_result")
            .filter(|json| *json != Json::Null);
        let time: Option<i64> = members.field("evaluated_time")?;
        let definition = ParamDefinition::from_json(Json::Object(members.rest()), at)?;
        if matches!(
            definition.body,
            ParamBody::Literal {
                expression: Some(_),
                ..
            }
        ) {
            return Err(at
                .fault("a param may not have both a `value` and an `expression`")
                .hint("remove one of them"));
        }
        let (Some(result), Some(time)) = (result, time) else {
            return Err(at.fault(
                "a param of an instance needs both `evaluated_result` and `evaluated_time`",
            ));
        };
        let result = evaluated(&definition, result, &at.name("evaluated_result"))?;
        Ok(Self {
            definition,
            evaluated: Some(Evaluated { result, time }),
        })
    }
}

impl ToJson for Param {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            self.definition.put_fixed(members);
            if let Some(Evaluated { result, time }) = &self.evaluated {
                members.always("evaluated_result", result);
                members.always("evaluated_time", time);
            }
            self.definition.put_meta(members);
        });
    }
}

impl ToJson for EvaluatedValue {
    fn write(&self, out: &mut Writer) {
        match self {
            EvaluatedValue::String(text) => out.string(text),
            EvaluatedValue::Long(value) => value.write(out),
            EvaluatedValue::Double(value) => out.double(*value),
            EvaluatedValue::Boolean(value) => value.write(out),
            EvaluatedValue::StringMap(map) => map.write(out),
            EvaluatedValue::StringArray(elements) => elements.write(out),
            EvaluatedValue::LongArray(elements) => elements.write(out),
            EvaluatedValue::DoubleArray(elements) => elements.write(out),
            EvaluatedValue::BooleanArray(elements) => elements.write(out),
            EvaluatedValue::Map(map) => map.write(out),
        }
    }
}

/// Reads a result by the declared type.
fn evaluated(
    definition: &ParamDefinition,
    json: Json,
    at: &At<'_>,
) -> Result<EvaluatedValue, JsonError> {
    Ok(match definition.ty() {
        ParamType::String => EvaluatedValue::String(Str::from_json(json, at)?),
        ParamType::Long => EvaluatedValue::Long(i64::from_json(json, at)?),
        ParamType::Double => EvaluatedValue::Double(double(json, at)?),
        ParamType::Boolean => EvaluatedValue::Boolean(bool::from_json(json, at)?),
        ParamType::StringMap => {
            EvaluatedValue::StringMap(Arc::new(members(json, at, Str::from_json)?))
        }
        ty @ (ParamType::StringArray
        | ParamType::LongArray
        | ParamType::DoubleArray
        | ParamType::BooleanArray) => array(ty, json, at)?,
        ParamType::Map => {
            EvaluatedValue::Map(Arc::new(dynamic_map(definition.entries(), json, at)?))
        }
    })
}

fn array(ty: ParamType, json: Json, at: &At<'_>) -> Result<EvaluatedValue, JsonError> {
    Ok(match ty {
        ParamType::LongArray => EvaluatedValue::LongArray(elements(json, at, i64::from_json)?),
        ParamType::DoubleArray => EvaluatedValue::DoubleArray(elements(json, at, double)?),
        ParamType::BooleanArray => {
            EvaluatedValue::BooleanArray(elements(json, at, bool::from_json)?)
        }
        _ => EvaluatedValue::StringArray(elements(json, at, Str::from_nullable)?),
    })
}

/// A double; what JSON has no number for comes as a text (spec 02 T-4).
fn double(json: Json, at: &At<'_>) -> Result<f64, JsonError> {
    match &json {
        Json::Number(number) => Ok(number.to_f64()),
        Json::String(text) if &**text == "NaN" => Ok(f64::NAN),
        Json::String(text) if &**text == "Infinity" => Ok(f64::INFINITY),
        Json::String(text) if &**text == "-Infinity" => Ok(f64::NEG_INFINITY),
        _ => Decimal::from_json(json, at).map(|decimal| decimal.to_f64()),
    }
}

/// The untyped result of a `MAP` (spec 02 J-12); declared entries tell the types of what is nested.
fn dynamic_map(
    declared: Option<&ParamMap>,
    json: Json,
    at: &At<'_>,
) -> Result<Map<EvaluatedValue>, JsonError> {
    at.check_depth()?;
    let entry = |(name, json): (Box<str>, Json)| {
        let value = dynamic(
            declared.and_then(|entries| entries.get(&*name)),
            json,
            &at.name(&name),
        )?;
        Ok((Str::from(name), value))
    };
    Members::open(json, at)?
        .rest()
        .into_iter()
        .map(entry)
        .collect()
}

fn dynamic(
    declared: Option<&ParamDefinition>,
    json: Json,
    at: &At<'_>,
) -> Result<EvaluatedValue, JsonError> {
    Ok(match &json {
        Json::String(text) => EvaluatedValue::String((**text).into()),
        Json::Bool(value) => EvaluatedValue::Boolean(*value),
        Json::Number(number) if number.is_integer() => {
            EvaluatedValue::Long(i64::from_json(json, at)?)
        }
        Json::Number(number) => EvaluatedValue::Double(number.to_f64()),
        Json::Object(_) => EvaluatedValue::Map(Arc::new(dynamic_map(
            declared.and_then(ParamDefinition::entries),
            json,
            at,
        )?)),
        Json::Array(values) => array(array_type(declared, values, at)?, json, at)?,
        Json::Null => {
            return Err(at
                .fault("a null result")
                .hint("an entry of a MAP result needs a value"));
        }
    })
}

/// The declared type where it is known and fits, else by the elements (spec 02 J-12).
fn array_type(
    declared: Option<&ParamDefinition>,
    values: &[Json],
    at: &At<'_>,
) -> Result<ParamType, JsonError> {
    let is_float = |value: &Json| matches!(value, Json::Number(number) if !number.is_integer());
    let declared = declared.map(ParamDefinition::ty);
    match (values.first(), declared) {
        (
            None,
            Some(ty @ (ParamType::LongArray | ParamType::DoubleArray | ParamType::BooleanArray)),
        ) => Ok(ty),
        (None, _) | (Some(Json::String(_) | Json::Null), _) => Ok(ParamType::StringArray),
        (Some(Json::Bool(_)), _) => Ok(ParamType::BooleanArray),
        (Some(Json::Number(_)), Some(ParamType::DoubleArray)) => Ok(ParamType::DoubleArray),
        (Some(Json::Number(_)), _) if values.iter().any(is_float) => Ok(ParamType::DoubleArray),
        (Some(Json::Number(_)), _) => Ok(ParamType::LongArray),
        (Some(other @ (Json::Array(_) | Json::Object(_))), _) => {
            Err(at.wrong(other, "an array of scalars"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::param::Params;

    fn instance(json: &str) -> Result<Param, JsonError> {
        codec::read(json.as_bytes())
    }

    // Spec 02 J-14, J-10.
    #[test]
    fn an_instance_comes_back_as_written() {
        for json in [
            r#"{"value":7,"type":"LONG","tags":[],"mode":"MUTABLE","evaluated_result":7,"evaluated_time":1700000000123,"source":"DEFINITION"}"#,
            r#"{"value":15,"type":"DOUBLE","evaluated_result":15.0,"evaluated_time":1}"#,
            r#"{"type":"MAP","evaluated_result":{"s":"x","l":1,"d":1.5,"b":true,"m":{"a":["x",null]},"n":[1],"f":[1.5],"t":[true]},"evaluated_time":1}"#,
            r#"{"expression":"x","type":"DOUBLE_ARRAY","evaluated_result":["NaN","Infinity",1.0E10],"evaluated_time":1,"info":"i"}"#,
        ] {
            assert_eq!(
                instance(json)
                    .map(|param| codec::to_text(&param))
                    .as_deref(),
                Ok(json)
            );
        }
    }

    // Spec 02 J-11.
    #[test]
    fn an_instance_needs_a_result_and_a_time() {
        for json in [
            r#"{"value":7,"type":"LONG"}"#,
            r#"{"value":7,"type":"LONG","evaluated_result":7}"#,
            r#"{"value":7,"type":"LONG","evaluated_result":null,"evaluated_time":1}"#,
            r#"{"value":7,"expression":"7","type":"LONG","evaluated_result":7,"evaluated_time":1}"#,
            r#"{"type":"LONG","evaluated_result":"x","evaluated_time":1}"#,
        ] {
            assert!(instance(json).is_err(), "{json}");
        }
    }

    // Spec 02 J-12.
    #[test]
    fn arrays_in_a_map_result_take_the_declared_type_or_that_of_their_elements() {
        let json = r#"{"p":{"value":{"a":{"type":"LONG_ARRAY","value":[]},"d":{"type":"DOUBLE_ARRAY","value":[1]}},
            "type":"MAP","evaluated_result":{"a":[],"d":[1],"e":[],"m":[1,2.5]},"evaluated_time":1}}"#;
        let params: Params = codec::read(json.as_bytes()).expect("params");
        let Some(EvaluatedValue::Map(result)) = params.get("p").and_then(Param::result) else {
            panic!("a map")
        };
        let types: Vec<ParamType> = result.values().map(EvaluatedValue::ty).collect();
        assert_eq!(
            types,
            [
                ParamType::LongArray,
                ParamType::DoubleArray,
                ParamType::StringArray,
                ParamType::DoubleArray
            ]
        );
        assert!(
            instance(r#"{"type":"MAP","evaluated_result":{"a":[[1]]},"evaluated_time":1}"#)
                .is_err()
        );
    }

    #[test]
    fn source_and_internal_mode_are_interpreted_when_asked_for() {
        use crate::param::{InternalMode, MetaFault, ParamSource};
        let meta = |json: &str| {
            let param: ParamDefinition =
                codec::read(format!(r#"{{"type":"LONG","value":1,{json}}}"#).as_bytes())
                    .expect("a param");
            param.meta
        };
        assert_eq!(
            meta(r#""source":"launch""#).source(),
            Ok(Some(ParamSource::Launch))
        );
        assert_eq!(
            meta(r#""internal_mode":"RESERVED""#).internal_mode(),
            Ok(Some(InternalMode::Reserved))
        );
        assert_eq!(
            meta(r#""internal_mode":null"#).internal_mode(),
            Err(MetaFault::Null("internal mode"))
        );
        assert_eq!(
            meta(r#""source":7"#).source(),
            Err(MetaFault::NotText("param source"))
        );
        assert!(matches!(
            meta(r#""source":"x""#).source(),
            Err(MetaFault::Unknown { .. })
        ));
        let mut set = meta(r#""source":"x","k":1"#);
        set.set_source(Some(ParamSource::Definition));
        assert_eq!(
            (set.source(), set.free().count()),
            (Ok(Some(ParamSource::Definition)), 1)
        );
    }

    /// The stack of a worker thread.
    const STACK: usize = 2 * 1024 * 1024;

    #[test]
    fn the_deepest_definitions_fit_the_stack() {
        let nest = |levels: usize, open: &str, middle: &str, close: &str| {
            format!("{}{middle}{}", open.repeat(levels), close.repeat(levels))
        };
        let map = nest(
            145,
            r#"{"type":"MAP","value":{"a":"#,
            r#"{"type":"LONG","value":1}"#,
            "}}",
        );
        // The deepest that is read: two names for each map, three for each loop.
        let open =
            r#"{"foreach":{"id":"f","params":{"loop_params":{"type":"MAP","value":{}}},"steps":["#;
        let steps = nest(98, open, r#"{"step":{"id":"s","type":"NoOp"}}"#, "]}}");
        let run = move || {
            let param: ParamDefinition = codec::read(map.as_bytes()).expect("a param");
            assert_eq!(codec::to_text(&param).len(), map.len());
            let body =
                format!(r#"{{"workflow":{{"id":"w","params":{{"p":{map}}},"steps":[{steps}]}}}}"#);
            let request: crate::definition::WorkflowCreateRequest =
                codec::read(body.as_bytes()).expect("a request");
            assert!(
                crate::validate::request(&request, &crate::validate::Limits::default(), 0).is_err()
            );
            drop(request.clone());
        };
        let too_deep = nest(
            200,
            r#"{"type":"MAP","value":{"a":"#,
            r#"{"type":"LONG","value":1}"#,
            "}}",
        );
        let fault = codec::read::<ParamDefinition>(too_deep.as_bytes()).expect_err("refused");
        assert!(fault.to_string().contains("nested too deep"), "{fault}");
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(run)
            .expect("a thread")
            .join()
            .expect("no overflow");
    }
}
