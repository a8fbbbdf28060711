//! Conditions of transitions (spec 06 P-17, P-18): SEL, evaluated with the params of the step that is complete.

use std::sync::Arc;

use maestro_model::Str;

use crate::params::{Expression, Rules};

/// A condition as it was understood when the definition was compiled.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Always the same.
    Literal(bool),
    /// To be evaluated; a text that is no program is an error then, not before (spec 06 SM-29).
    Expression(Arc<Expression>),
}

impl Condition {
    /// Understands a condition text.
    #[must_use]
    pub fn parse(text: &Str, rules: &Rules) -> Self {
        match text.trim().trim_end_matches(';').trim_end() {
            "true" => Self::Literal(true),
            "false" => Self::Literal(false),
            _ => Self::Expression(Arc::new(Expression::parse(text, &rules.limits))),
        }
    }

    /// Whether params of other steps may be asked for.
    pub(crate) fn refers_to_steps(&self, rules: &Rules) -> bool {
        matches!(self, Self::Expression(expression) if expression.refers_to_steps(rules))
    }
}
