//! Values of params: literals and results.

use super::{ParamMap, ParamType};
use crate::codec::to_text;
use crate::decimal::Decimal;
use crate::json::double_text;
use crate::{Map, Str};
use std::sync::Arc;

/// A literal (spec 02 T-1). Collections are shared, since merging and passing down copy them.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamValue {
    /// `STRING`.
    String(Str),
    /// `LONG`.
    Long(i64),
    /// `DOUBLE`, exact.
    Double(Decimal),
    /// `BOOLEAN`.
    Boolean(bool),
    /// `STRING_MAP`; a null is read, but fails when evaluated (spec 02 I-8).
    StringMap(Arc<Map<Option<Str>>>),
    /// `STRING_ARRAY`; a null is read, but fails when evaluated (spec 02 I-8).
    StringArray(Arc<[Option<Str>]>),
    /// `LONG_ARRAY`.
    LongArray(Arc<[i64]>),
    /// `DOUBLE_ARRAY`, exact; a null is read, but fails when evaluated (spec 02 T-3).
    DoubleArray(Arc<[Option<Decimal>]>),
    /// `BOOLEAN_ARRAY`.
    BooleanArray(Arc<[bool]>),
    /// `MAP`.
    Map(Arc<ParamMap>),
}

impl ParamValue {
    /// The type that such a value has.
    pub const fn ty(&self) -> ParamType {
        match self {
            ParamValue::String(_) => ParamType::String,
            ParamValue::Long(_) => ParamType::Long,
            ParamValue::Double(_) => ParamType::Double,
            ParamValue::Boolean(_) => ParamType::Boolean,
            ParamValue::StringMap(_) => ParamType::StringMap,
            ParamValue::StringArray(_) => ParamType::StringArray,
            ParamValue::LongArray(_) => ParamType::LongArray,
            ParamValue::DoubleArray(_) => ParamType::DoubleArray,
            ParamValue::BooleanArray(_) => ParamType::BooleanArray,
            ParamValue::Map(_) => ParamType::Map,
        }
    }
}

/// A result (spec 02 T-1, J-13).
#[derive(Debug, Clone, PartialEq)]
pub enum EvaluatedValue {
    /// Of a `STRING`.
    String(Str),
    /// Of a `LONG`.
    Long(i64),
    /// Of a `DOUBLE`.
    Double(f64),
    /// Of a `BOOLEAN`.
    Boolean(bool),
    /// Of a `STRING_MAP`.
    StringMap(Arc<Map<Str>>),
    /// Of a `STRING_ARRAY`; elements may be null (spec 02 C-3).
    StringArray(Arc<[Option<Str>]>),
    /// Of a `LONG_ARRAY`.
    LongArray(Arc<[i64]>),
    /// Of a `DOUBLE_ARRAY`.
    DoubleArray(Arc<[f64]>),
    /// Of a `BOOLEAN_ARRAY`.
    BooleanArray(Arc<[bool]>),
    /// Of a `MAP`: plain values, recursively.
    Map(Arc<Map<EvaluatedValue>>),
}

impl EvaluatedValue {
    /// The type that such a result belongs to; for maps inside of a `MAP` it is always [`ParamType::Map`].
    pub const fn ty(&self) -> ParamType {
        match self {
            EvaluatedValue::String(_) => ParamType::String,
            EvaluatedValue::Long(_) => ParamType::Long,
            EvaluatedValue::Double(_) => ParamType::Double,
            EvaluatedValue::Boolean(_) => ParamType::Boolean,
            EvaluatedValue::StringMap(_) => ParamType::StringMap,
            EvaluatedValue::StringArray(_) => ParamType::StringArray,
            EvaluatedValue::LongArray(_) => ParamType::LongArray,
            EvaluatedValue::DoubleArray(_) => ParamType::DoubleArray,
            EvaluatedValue::BooleanArray(_) => ParamType::BooleanArray,
            EvaluatedValue::Map(_) => ParamType::Map,
        }
    }

    /// The text of a result in interpolation and in the environment of a job (spec 02 I-5).
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            EvaluatedValue::String(text) => text.to_string(),
            EvaluatedValue::Long(number) => number.to_string(),
            EvaluatedValue::Double(number) => double_text(*number),
            EvaluatedValue::Boolean(truth) => truth.to_string(),
            other => to_text(other),
        }
    }
}
