//! Conditions of transitions.
//!
//! The seam where the expression evaluator sits: until it does, a condition is `true`, `false`, the name of a BOOLEAN
//! param or its negation `!name`.

use std::sync::Arc;

use maestro_model::param::EvaluatedValue;

use crate::eval::Scope;

/// A condition as it was understood when the definition was compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Always the same.
    Literal(bool),
    /// The value of a BOOLEAN param, or its negation.
    Param {
        /// Its name.
        name: Arc<str>,
        /// Whether the text had a `!`.
        negated: bool,
    },
    /// Not understood: an error when it is evaluated (spec 06 SM-29), not before.
    Invalid(Arc<str>),
}

/// Why a condition has no result.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConditionError {
    /// The text is not a condition.
    #[error(
        "condition `{0}` cannot be evaluated: it must be `true`, `false`, the name of a BOOLEAN param, or `!` and such a name"
    )]
    Invalid(Arc<str>),
    /// There is no such param.
    #[error("condition refers to param `{0}`, which neither the step nor the workflow has")]
    Unknown(Arc<str>),
    /// The param is no boolean.
    #[error("condition needs a BOOLEAN, but param `{name}` is a {found}")]
    NotBoolean {
        /// The param.
        name: Arc<str>,
        /// Its type.
        found: &'static str,
    },
}

impl Condition {
    /// Understands a condition text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let t = text.trim().trim_end_matches(';').trim_end();
        match t {
            "true" => return Self::Literal(true),
            "false" => return Self::Literal(false),
            _ => {}
        }
        let (name, negated) = match t.strip_prefix('!') {
            Some(rest) => (rest.trim_start(), true),
            None => (t, false),
        };
        let mut chars = name.chars();
        let valid = chars
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if valid {
            Self::Param {
                name: name.into(),
                negated,
            }
        } else {
            Self::Invalid(text.into())
        }
    }

    /// The result in a scope (spec 06 P-18): a boolean, or a text that is exactly `true` or `false` in any case.
    ///
    /// # Errors
    /// See [`ConditionError`].
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<bool, ConditionError> {
        let (name, negated) = match self {
            Self::Literal(value) => return Ok(*value),
            Self::Param { name, negated } => (name, *negated),
            Self::Invalid(text) => return Err(ConditionError::Invalid(text.clone())),
        };
        let value = match scope
            .get(name)
            .ok_or_else(|| ConditionError::Unknown(name.clone()))?
        {
            EvaluatedValue::Boolean(value) => *value,
            EvaluatedValue::String(text) if !negated && text.eq_ignore_ascii_case("true") => true,
            EvaluatedValue::String(text) if !negated && text.eq_ignore_ascii_case("false") => false,
            other => {
                return Err(ConditionError::NotBoolean {
                    name: name.clone(),
                    found: other.ty().as_str(),
                });
            }
        };
        Ok(value != negated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_forms_are_understood() {
        let name = |negated| Condition::Param {
            name: "ok".into(),
            negated,
        };
        assert_eq!(Condition::parse(" true "), Condition::Literal(true));
        assert_eq!(Condition::parse("false;"), Condition::Literal(false));
        assert_eq!(Condition::parse("ok"), name(false));
        assert_eq!(Condition::parse("! ok"), name(true));
        for text in ["", "a == b", "1", "'yes'", "!", "!!ok"] {
            assert_eq!(
                Condition::parse(text),
                Condition::Invalid(text.into()),
                "{text}"
            );
        }
    }
}
