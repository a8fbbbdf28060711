//! Operators (spec 03 section 7).

use super::{Eval, Result, fail};
use crate::{
    ast::BinOp,
    error::{ErrorKind, EvalError},
    text::double_text,
    value::{Operand, Text, Val},
};

/// A type in messages about operators.
fn shown(value: &Val) -> &'static str {
    match value {
        Val::Long(_) => "int/Integer/long/Long",
        Val::Double(_) => "float/Float/double/Doubles",
        other => other.type_name().as_str(),
    }
}

pub(crate) fn no_operation(value: &Val, op: &str) -> EvalError {
    EvalError::new(
        ErrorKind::Unsupp,
        format!("{} DO NOT support expression operation {op}", shown(value)),
    )
}

pub(crate) fn mismatch(left: &Val, right: &Val) -> EvalError {
    let (left, right) = (left.type_name(), right.type_name());
    EvalError::new(
        ErrorKind::Type,
        format!("Type mismatch, lhs type: {left}, rhs object type: {right}"),
    )
}

/// An operation of two LONG; nothing where it fails.
#[inline]
pub(crate) fn longs_that_fit(op: BinOp, a: i64, b: i64) -> Option<Val> {
    Some(match op {
        BinOp::Add => Val::Long(a.wrapping_add(b)),
        BinOp::Sub => Val::Long(a.wrapping_sub(b)),
        BinOp::Mul => Val::Long(a.wrapping_mul(b)),
        BinOp::Div | BinOp::Rem if b == 0 => return None,
        BinOp::Div => Val::Long(a.wrapping_div(b)),
        BinOp::Rem => Val::Long(a.wrapping_rem(b)),
        BinOp::Equal => Val::Boolean(a == b),
        BinOp::NotEqual => Val::Boolean(a != b),
        BinOp::Less => Val::Boolean(a < b),
        BinOp::Greater => Val::Boolean(a > b),
        BinOp::LessEqual => Val::Boolean(a <= b),
        BinOp::GreaterEqual => Val::Boolean(a >= b),
        BinOp::And | BinOp::Or => return None,
    })
}

#[inline]
pub(crate) fn longs(op: BinOp, a: i64, b: i64) -> Result<Val> {
    longs_that_fit(op, a, b).ok_or_else(|| match op {
        BinOp::Div | BinOp::Rem => EvalError::new(ErrorKind::Arith, "/ by zero"),
        _ => no_operation(&Val::Long(a), op.as_str()),
    })
}

#[inline]
#[allow(clippy::float_cmp, reason = "SO-5: comparison as IEEE says")]
pub(crate) fn doubles(op: BinOp, a: f64, b: f64) -> Result<Val> {
    Ok(match op {
        BinOp::Add => Val::Double(a + b),
        BinOp::Sub => Val::Double(a - b),
        BinOp::Mul => Val::Double(a * b),
        BinOp::Div => Val::Double(a / b),
        BinOp::Rem => Val::Double(a % b),
        BinOp::Equal => Val::Boolean(a == b),
        BinOp::NotEqual => Val::Boolean(a != b),
        BinOp::Less => Val::Boolean(a < b),
        BinOp::Greater => Val::Boolean(a > b),
        BinOp::LessEqual => Val::Boolean(a <= b),
        BinOp::GreaterEqual => Val::Boolean(a >= b),
        BinOp::And | BinOp::Or => return Err(no_operation(&Val::Double(a), op.as_str())),
    })
}

/// `==` or `!=` as asked, else nothing.
fn equality(op: BinOp, equal: bool) -> Option<Val> {
    match op {
        BinOp::Equal => Some(Val::Boolean(equal)),
        BinOp::NotEqual => Some(Val::Boolean(!equal)),
        _ => None,
    }
}

impl Eval<'_> {
    /// Everything but two numbers of one type, by the rows of the matrix (SO-1).
    pub(super) fn binary_mixed(
        &mut self,
        op: BinOp,
        left: &Operand,
        right: &Operand,
    ) -> Result<Operand> {
        let (left, right) = (self.read(left), self.read(right));
        let value = match &left {
            Val::Long(number) => self.long_with(op, *number, &right)?,
            Val::Double(number) => self.double_with(op, *number, &right)?,
            Val::Boolean(truth) => boolean_with(op, *truth, &right)?,
            Val::Str(text) => self.text_with(op, text.as_ref(), &right)?,
            Val::Null => self.null_with(op, &right)?,
            other => return Err(no_operation(other, op.as_str())),
        };
        self.fresh(value)
    }

    fn long_with(&mut self, op: BinOp, number: i64, right: &Val) -> Result<Val> {
        let left = Val::Long(number);
        match right {
            Val::Double(other) => {
                self.meter.charge(32)?;
                doubles(op, number as f64, *other).map_err(|_| no_operation(&left, op.as_str()))
            }
            Val::Str(other) => self.number_with_text(
                op,
                &left,
                &Text::from(number.to_string().as_str()),
                other.as_ref(),
            ),
            Val::Null => equality(op, false).ok_or_else(|| mismatch(&left, right)),
            _ => Err(mismatch(&left, right)),
        }
    }

    fn double_with(&mut self, op: BinOp, number: f64, right: &Val) -> Result<Val> {
        let left = Val::Double(number);
        match right {
            Val::Long(other) => {
                self.meter.charge(32)?;
                doubles(op, number, *other as f64)
            }
            Val::Str(other) => self.number_with_text(
                op,
                &left,
                &Text::from(double_text(number).as_str()),
                other.as_ref(),
            ),
            Val::Null => equality(op, false).ok_or_else(|| no_operation(&left, op.as_str())),
            other if other.is_opaque() => Err(no_operation(&left, op.as_str())),
            other if other.is_absent() => fail(
                ErrorKind::NullP,
                format!("{} has no content to be a number", other.type_name()),
            ),
            other => fail(
                ErrorKind::Cast,
                format!("{} cannot be cast to a number", other.type_name()),
            ),
        }
    }

    fn number_with_text(
        &mut self,
        op: BinOp,
        left: &Val,
        text: &Text,
        right: Option<&Text>,
    ) -> Result<Val> {
        // The converted left side is a temporary cell (SM-6).
        self.meter.charge(32 + 2 * text.len() as u64)?;
        if let Some(value) = equality(op, right.is_some_and(|right| text == right)) {
            return Ok(value);
        }
        match op {
            BinOp::Add => self.concat(Some(text), &Val::Str(right.cloned())),
            _ => Err(no_operation(left, op.as_str())),
        }
    }

    fn text_with(&mut self, op: BinOp, text: Option<&Text>, right: &Val) -> Result<Val> {
        let equal = match right {
            Val::Str(other) => Some(text == other.as_ref()),
            Val::Null => Some(text.is_none()),
            _ => None,
        };
        match (op, equal) {
            (BinOp::Equal | BinOp::NotEqual, None) => Err(mismatch(&Val::Str(None), right)),
            (BinOp::Equal, Some(equal)) => Ok(Val::Boolean(equal)),
            (BinOp::NotEqual, Some(equal)) => Ok(Val::Boolean(!equal)),
            (BinOp::Add, _) => self.concat(text, right),
            _ => Err(no_operation(&Val::Str(None), op.as_str())),
        }
    }

    fn null_with(&mut self, op: BinOp, right: &Val) -> Result<Val> {
        match op {
            BinOp::Equal | BinOp::NotEqual if right.is_opaque() => {
                Err(no_operation(&Val::Null, op.as_str()))
            }
            BinOp::Equal => Ok(Val::Boolean(right.is_absent())),
            BinOp::NotEqual => Ok(Val::Boolean(!right.is_absent())),
            BinOp::Less | BinOp::Greater => Ok(Val::Boolean(false)),
            BinOp::Add => self.concat(None, right),
            _ => Err(no_operation(&Val::Null, op.as_str())),
        }
    }

    /// A text with the text form of a value behind it; the result is not counted yet.
    fn concat(&mut self, left: Option<&Text>, right: &Val) -> Result<Val> {
        let mut units = match left {
            Some(text) => text.to_vec(),
            None => "null".encode_utf16().collect(),
        };
        self.work(units.len() / 4)?;
        if let Val::Str(Some(text)) = right {
            self.meter.would_fit(2 * (units.len() + text.len()))?;
            units.extend_from_slice(text);
        } else {
            self.append_text(&mut units, right)?;
        }
        Ok(Val::text(units))
    }
}

fn boolean_with(op: BinOp, truth: bool, right: &Val) -> Result<Val> {
    let left = Val::Boolean(truth);
    match right {
        Val::Boolean(other) => match op {
            BinOp::And => Ok(Val::Boolean(truth && *other)),
            BinOp::Or => Ok(Val::Boolean(truth || *other)),
            _ => equality(op, truth == *other).ok_or_else(|| no_operation(&left, op.as_str())),
        },
        Val::Null => equality(op, false).ok_or_else(|| mismatch(&left, right)),
        _ => Err(mismatch(&left, right)),
    }
}
