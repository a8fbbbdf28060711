//! Values that come in from the host and go out to it (spec 03 SE-4, SE-8, ST-6).

use super::{
    Eval, Result, fail,
    print::{DEPTH, too_deep},
};
use crate::{
    error::{ErrorKind, EvalError},
    value::{Element, MapId, Operand, Output, Text, Val, Value},
};

fn text_of(text: &str) -> Text {
    Text::from(text)
}

impl Eval<'_> {
    /// Boxes a value of the host (SE-8); counts its cells.
    pub(crate) fn box_value(&mut self, value: Value) -> Result<Val> {
        match value {
            Value::Null => Ok(Val::Null),
            Value::Foreign(what) => fail(
                ErrorKind::Unsupp,
                format!("a value of the host cannot be used in SEL: {what}"),
            ),
            value => self.box_at(value, 0),
        }
    }

    fn box_at(&mut self, value: Value, depth: u32) -> Result<Val> {
        Ok(match value {
            Value::String(text) => {
                let text = text_of(&text);
                self.meter.charge(32 + 2 * text.len() as u64)?;
                Val::Str(Some(text))
            }
            Value::Long(number) => self.counted(Val::Long(number))?,
            Value::Double(number) => self.counted(Val::Double(number))?,
            Value::Boolean(truth) => self.counted(Val::Boolean(truth))?,
            Value::StringArray(items) => {
                let units: usize = items.iter().flatten().map(String::len).sum();
                self.meter.would_fit(2 * units)?;
                let items: Vec<Val> = items
                    .into_iter()
                    .map(|item| Val::Str(item.as_deref().map(text_of)))
                    .collect();
                self.box_array(Element::String, items)?
            }
            Value::LongArray(items) => {
                self.box_array(Element::Long, items.into_iter().map(Val::Long).collect())?
            }
            Value::DoubleArray(items) => self.box_array(
                Element::Double,
                items.into_iter().map(Val::Double).collect(),
            )?,
            Value::BooleanArray(items) => self.box_array(
                Element::Boolean,
                items.into_iter().map(Val::Boolean).collect(),
            )?,
            Value::Map(entries) => {
                if depth >= DEPTH {
                    return Err(too_deep());
                }
                self.meter.charge(32)?;
                let map = self.arena.new_map();
                for (key, value) in entries {
                    let key = text_of(&key);
                    self.meter.charge(32 + 2 * key.len() as u64)?;
                    let value = self.box_at(value, depth + 1)?;
                    let cell = self.arena.new_cell(value);
                    self.arena.map_put(map, Some(key), cell);
                }
                Val::Map(Some(map))
            }
            Value::Null => return fail(ErrorKind::Illegal, "Invalid map entry type: null"),
            Value::Foreign(what) => {
                return fail(
                    ErrorKind::Illegal,
                    format!("Invalid map entry type: {what}"),
                );
            }
        })
    }

    fn counted(&mut self, value: Val) -> Result<Val> {
        self.meter.charge(32)?;
        Ok(value)
    }

    /// A new array with its cells, counted.
    pub(crate) fn box_array(&mut self, element: Element, items: Vec<Val>) -> Result<Val> {
        self.meter.charge(32)?;
        for item in &items {
            let text = if let Val::Str(Some(text)) = item {
                2 * text.len() as u64
            } else {
                0
            };
            self.meter.charge(32 + text)?;
        }
        Ok(Val::Array(element, self.arena.new_array(items)))
    }

    /// The result of the program; BADTYPE if its type may not leave SEL.
    pub(super) fn output(&mut self, operand: &Operand) -> Result<Output> {
        let value = self.read(operand);
        match self.output_of(&value, 0, &mut 0)? {
            Output::Other(name) => Err(EvalError::bad_type(name)),
            output => Ok(output),
        }
    }

    /// `size` counts the cells and text of the copy, so that a map that holds one map many times stays within the limit.
    fn output_of(&mut self, value: &Val, depth: u32, size: &mut usize) -> Result<Output> {
        *size += 32;
        Ok(match value {
            Val::Str(text) => {
                *size += text.as_ref().map_or(0, |text| text.len());
                Output::String(text.as_ref().map(Text::show))
            }
            Val::Long(number) => Output::Long(*number),
            Val::Double(number) => Output::Double(*number),
            Val::Boolean(truth) => Output::Boolean(*truth),
            Val::Array(element, array) => {
                let items = self.arena.elements(*array);
                *size += 32 * items.len();
                match element {
                    Element::String => {
                        let text = |item: &Val| {
                            if let Val::Str(Some(text)) = item {
                                Some(text.show())
                            } else {
                                None
                            }
                        };
                        Output::StringArray(items.iter().map(text).collect())
                    }
                    Element::Long => Output::LongArray(
                        items
                            .iter()
                            .filter_map(|v| if let Val::Long(n) = v { Some(*n) } else { None })
                            .collect(),
                    ),
                    Element::Double => Output::DoubleArray(
                        items
                            .iter()
                            .filter_map(|v| {
                                if let Val::Double(n) = v {
                                    Some(*n)
                                } else {
                                    None
                                }
                            })
                            .collect(),
                    ),
                    Element::Boolean => Output::BooleanArray(
                        items
                            .iter()
                            .filter_map(|v| {
                                if let Val::Boolean(b) = v {
                                    Some(*b)
                                } else {
                                    None
                                }
                            })
                            .collect(),
                    ),
                }
            }
            Val::Map(None) => Output::Map(None),
            Val::Map(Some(map)) => {
                if depth >= DEPTH {
                    return Err(EvalError::new(
                        ErrorKind::Unconvertible,
                        "the result holds a map that contains itself, or too deep ones",
                    ));
                }
                let mut entries = Vec::new();
                for (key, cell) in self.arena.map_entries(*map) {
                    *size += key.as_ref().map_or(0, |key| key.len());
                    if *size as u64 > self.limits.memory {
                        return fail(ErrorKind::Unconvertible, "the result is too large");
                    }
                    self.work(20)?;
                    let value = self.arena.cell(cell).clone();
                    entries.push((
                        key.as_ref().map(Text::show),
                        self.output_of(&value, depth + 1, size)?,
                    ));
                }
                Output::Map(Some(entries))
            }
            other => Output::Other(other.type_name()),
        })
    }

    /// Whether a value has a host value (ST-6).
    pub(crate) fn has_host_value(&mut self, value: &Val) -> Result<bool> {
        match value {
            Val::Map(Some(map)) => self.map_has_host_value(*map, 0),
            other => Ok(!other.is_opaque()),
        }
    }

    fn map_has_host_value(&mut self, map: MapId, depth: u32) -> Result<bool> {
        if depth >= DEPTH {
            return Err(too_deep());
        }
        let cells: Vec<_> = self.arena.map_cells(map).collect();
        for cell in cells {
            self.work(20)?;
            let fine = match self.arena.cell(cell).clone() {
                Val::Str(_)
                | Val::Long(_)
                | Val::Double(_)
                | Val::Boolean(_)
                | Val::Array(..)
                | Val::Map(None) => true,
                Val::Map(Some(inner)) => self.map_has_host_value(inner, depth + 1)?,
                _ => false,
            };
            if !fine {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
