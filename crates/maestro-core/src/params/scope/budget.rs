//! What an evaluation may take of the stack and of memory before it is known whether its results fit (spec 02 E-14).

use maestro_model::param::EvaluatedValue as V;

use super::super::error::ParamError;

/// How deep params may refer to each other, each entry within a MAP counted as well. A level takes up to 2 KiB of the stack.
const DEPTH: u32 = 400;

/// What one evaluation has taken.
#[derive(Debug, Default)]
pub(super) struct Budget {
    depth: u32,
    /// UTF-16 units that its results take as JSON, at least.
    units: usize,
}

impl Budget {
    /// One level deeper.
    pub(super) fn descend(&mut self) -> Result<(), ParamError> {
        if self.depth == DEPTH {
            return Err(ParamError::illegal(format!(
                "params refer to each other, or lie within each other, over more than {DEPTH} levels"
            )));
        }
        self.depth += 1;
        Ok(())
    }

    /// One level back.
    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
    }

    /// A text of so many bytes is about to be made.
    pub(super) fn take_text(&mut self, bytes: usize, limit: usize) -> Result<(), ParamError> {
        // No character of UTF-8 has more bytes for a unit than three.
        self.take(bytes / 3, limit)
    }

    /// An expression has come to this.
    pub(super) fn take_value(&mut self, value: &V, limit: usize) -> Result<(), ParamError> {
        self.take(least_units(value), limit)
    }

    fn take(&mut self, units: usize, limit: usize) -> Result<(), ParamError> {
        self.units = self.units.saturating_add(units);
        if self.units > limit {
            return Err(ParamError::illegal(format!(
                "the params take more characters as JSON than the limit of {limit}"
            )));
        }
        Ok(())
    }
}

/// UTF-16 units of the JSON of a result, at least.
fn least_units(value: &V) -> usize {
    match value {
        V::String(text) => text.len() / 3,
        V::Long(_) | V::Double(_) | V::Boolean(_) => 1,
        V::StringArray(items) => items
            .iter()
            .map(|item| 2 + item.as_ref().map_or(2, |item| item.len() / 3))
            .sum(),
        V::LongArray(items) => items.len(),
        V::DoubleArray(items) => items.len(),
        V::BooleanArray(items) => items.len(),
        V::StringMap(entries) => entries
            .iter()
            .map(|(key, text)| 5 + (key.len() + text.len()) / 3)
            .sum(),
        V::Map(entries) => entries
            .iter()
            .map(|(key, value)| 3 + key.len() / 3 + least_units(value))
            .sum(),
    }
}
