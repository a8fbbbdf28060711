//! Text forms of values (spec 03 SF-3, SF-4).

use super::{Eval, Result, fail};
use crate::{
    error::{ErrorKind, EvalError},
    text::double_text,
    time::Zone,
    value::{ArrayId, MapId, Val},
};

/// Maps in maps that are printed, converted or boxed; deeper ones, or cycles, are LIMIT (SQ-6).
pub(crate) const DEPTH: u32 = 256;

pub(crate) fn uuid_text(bytes: &[u8; 16]) -> String {
    let hex = |range: &[u8]| {
        range
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    format!(
        "{}-{}-{}-{}-{}",
        hex(&bytes[..4]),
        hex(&bytes[4..6]),
        hex(&bytes[6..8]),
        hex(&bytes[8..10]),
        hex(&bytes[10..])
    )
}

pub(crate) fn too_deep() -> EvalError {
    EvalError::new(
        ErrorKind::Limit,
        format!("maps are nested more than {DEPTH} levels deep, or in a cycle"),
    )
}

fn push(out: &mut Vec<u16>, text: &str) {
    out.extend(text.encode_utf16());
}

impl Eval<'_> {
    /// Appends the text of a right operand of `+` (SF-4). Not counted, but never made beyond the memory limit.
    pub(crate) fn append_text(&mut self, out: &mut Vec<u16>, value: &Val) -> Result<()> {
        if value.is_opaque() {
            return fail(
                ErrorKind::Unsupp,
                format!("{} DO NOT support a text form", value.type_name()),
            );
        }
        self.append(out, value, 0)
    }

    fn append(&mut self, out: &mut Vec<u16>, value: &Val, depth: u32) -> Result<()> {
        match value {
            Val::Null | Val::Str(None) | Val::Map(None) => push(out, "null"),
            Val::Str(Some(text)) => out.extend_from_slice(text),
            Val::Long(number) => push(out, &number.to_string()),
            Val::Double(number) => push(out, &double_text(*number)),
            Val::Boolean(truth) => push(out, if *truth { "true" } else { "false" }),
            Val::Array(_, array) => self.append_array(out, *array)?,
            Val::Map(Some(map)) => self.append_map(out, *map, depth)?,
            Val::DateTime(date) => push(
                out,
                &date.map_or_else(|| "null".to_owned(), |date| date.text()),
            ),
            Val::Zone(zone) => push(out, &zone.map_or_else(|| "null".to_owned(), Zone::id)),
            Val::Days(days) => push(
                out,
                &days.map_or_else(|| "null".to_owned(), |days| format!("P{days}D")),
            ),
            Val::Property(property) => {
                let text = property
                    .as_ref()
                    .map(|property| format!("Property[{}]", property.field.name()));
                push(out, text.as_deref().unwrap_or("null"));
            }
            Val::Formatter(formatter) => push(
                out,
                if formatter.is_some() {
                    "DateTimeFormatter"
                } else {
                    "null"
                },
            ),
            Val::Uuid(bytes) => push(
                out,
                &bytes
                    .as_ref()
                    .map_or_else(|| "null".to_owned(), |bytes| uuid_text(bytes)),
            ),
            Val::Math | Val::Util | Val::Misc | Val::Params => {
                push(out, value.type_name().as_str());
            }
        }
        self.work(1)?;
        self.meter.would_fit(2 * out.len())
    }

    fn append_array(&mut self, out: &mut Vec<u16>, array: ArrayId) -> Result<()> {
        push(out, "[");
        for at in 0..self.arena.array_len(array) as usize {
            if at > 0 {
                push(out, ", ");
            }
            let element = self.arena.elements(array)[at].clone();
            self.append(out, &element, DEPTH)?;
        }
        push(out, "]");
        Ok(())
    }

    fn append_map(&mut self, out: &mut Vec<u16>, map: MapId, depth: u32) -> Result<()> {
        if depth >= DEPTH {
            return Err(too_deep());
        }
        push(out, "{");
        for (i, (key, cell)) in self.arena.map_entries(map).into_iter().enumerate() {
            if i > 0 {
                push(out, ", ");
            }
            match &key {
                Some(key) => out.extend_from_slice(key),
                None => push(out, "null"),
            }
            push(out, "=");
            match self.arena.cell(cell).clone() {
                Val::Null => push(out, "NULL"),
                value => self.append(out, &value, depth + 1)?,
            }
        }
        push(out, "}");
        Ok(())
    }
}
