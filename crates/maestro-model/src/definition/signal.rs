//! Signals in definitions: triggers, dependencies, outputs (spec 01 sections 6.5, 6.6, 7.2).

use crate::codec::{At, FromJson, JsonError, Members, object};
use crate::json::{Json, ToJson, Writer};
use crate::param::{ParamDefinition, ParamMap, ParamType, exactly_one_body};
use crate::text_enum::text_enum;
use crate::{Map, Str};

/// Starts a run when all named signals match (spec 01 section 7.2).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignalTrigger {
    /// What to wait for, by signal name; at most 8 names.
    pub definitions: Option<Map<SignalTriggerEntry>>,
    /// Params for the run.
    pub params: Option<ParamMap>,
    /// SEL condition; always when absent.
    pub condition: Option<Str>,
    /// SEL text that recognises doubles.
    pub dedup_expr: Option<Str>,
}

/// Which instances of a signal match.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignalTriggerEntry {
    /// Fixed values by param name.
    pub match_params: Option<Map<SignalMatchParam>>,
    /// Params that must be equal over all signals of the trigger, by position.
    pub join_keys: Option<Vec<Str>>,
}

/// A fixed value to compare with. Neither member is required at push.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignalMatchParam {
    /// The value.
    pub value: Option<SignalValue>,
    /// How to compare.
    pub operator: Option<SignalOperator>,
}

/// A value of a signal param.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SignalValue {
    /// A text.
    Text(Str),
    /// An integer.
    Number(i64),
}

/// A signal that a step waits for (spec 01 section 6.5).
#[derive(Debug, Clone, PartialEq)]
pub struct SignalDependency {
    /// Signal name; may hold `${...}`.
    pub name: Str,
    /// What its params must be.
    pub match_params: Map<DependencyMatch>,
}

/// A condition on one param of a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct DependencyMatch {
    /// The value to compare with: a STRING or LONG param.
    pub param: ParamDefinition,
    /// How to compare.
    pub operator: SignalOperator,
}

/// A signal that a step announces when it succeeds (spec 01 section 6.6).
#[derive(Debug, Clone, PartialEq)]
pub struct SignalOutput {
    /// Signal name.
    pub name: Str,
    /// Params that others may match: STRING or LONG.
    pub params: ParamMap,
    /// Further params.
    pub payload: ParamMap,
}

text_enum! {
    /// How a signal param is compared. All but `=` are range operators.
    pub enum SignalOperator as "signal operator" {
        /// Equal.
        Equal = "=",
        /// Greater.
        Greater = ">",
        /// Greater or equal.
        GreaterOrEqual = ">=",
        /// Less.
        Less = "<",
        /// Less or equal.
        LessOrEqual = "<=",
    }
}

impl SignalOperator {
    /// Whether it selects a range.
    pub const fn is_range(self) -> bool {
        !matches!(self, Self::Equal)
    }
}

object!(SignalMatchParam, skip null { value, operator });
object!(SignalTriggerEntry, skip empty { match_params, join_keys });
object!(SignalTrigger, skip empty { definitions, params, condition, dedup_expr });

impl FromJson for SignalValue {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        match &json {
            Json::String(text) => Ok(SignalValue::Text((**text).into())),
            Json::Number(_) => i64::from_json(json, at).map(SignalValue::Number),
            _ => Err(at.wrong(&json, "a string or an integer")),
        }
    }
}

impl ToJson for SignalValue {
    fn write(&self, out: &mut Writer) {
        match self {
            SignalValue::Text(text) => out.string(text),
            SignalValue::Number(number) => number.write(out),
        }
    }
}

impl FromJson for SignalDependency {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let name = members.field("name")?;
        let match_params: Option<Map<DependencyMatch>> = members.field("match_params")?;
        members.close(&["name", "match_params"])?;
        Ok(Self { name, match_params: match_params.unwrap_or_default() })
    }
}

impl ToJson for SignalDependency {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.filled("name", &self.name);
            members.filled("match_params", &self.match_params);
        });
    }
}

impl FromJson for DependencyMatch {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let param: ParamDefinition = members.field("param")?;
        string_or_long(&param, &at.name("param"))?;
        let operator = members.field("operator")?;
        members.close(&["param", "operator"])?;
        Ok(Self { param, operator })
    }
}

impl ToJson for DependencyMatch {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("param", &self.param);
            members.always("operator", &self.operator);
        });
    }
}

impl FromJson for SignalOutput {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let params: Option<ParamMap> = members.unless_null("params")?;
        let payload: Option<ParamMap> = members.field("payload")?;
        let output = Self {
            name: members.field("name")?,
            params: params.unwrap_or_default(),
            payload: payload.unwrap_or_default(),
        };
        members.close(&["name", "params", "payload"])?;
        let params_at = at.name("params");
        exactly_one_body(Some(&output.params), &params_at)?;
        exactly_one_body(Some(&output.payload), &at.name("payload"))?;
        for (name, param) in &output.params {
            string_or_long(param, &params_at.name(name))?;
        }
        Ok(output)
    }
}

impl ToJson for SignalOutput {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.filled("name", &self.name);
            members.filled("params", &self.params);
            members.filled("payload", &self.payload);
        });
    }
}

/// Params of signals are texts or integers (spec 01 SD-2, SO-2).
fn string_or_long(param: &ParamDefinition, at: &At<'_>) -> Result<(), JsonError> {
    match param.ty() {
        ParamType::String | ParamType::Long => Ok(()),
        other => Err(at.name("type").fault(format!(
            "a param of a signal is STRING or LONG, not {other}"
        ))),
    }
}
