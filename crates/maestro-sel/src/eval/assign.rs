//! Assignment and creation of arrays (spec 03 SX-4, SO-8, 9.5).

use super::{Args, Eval, Result, UNBOUND, fail, ops::mismatch};
use crate::{
    ast::AssignOp,
    error::{ErrorKind, EvalError},
    names::Class,
    value::{CellId, Operand, Val},
};

fn no_assignment(target: &Val, op: AssignOp) -> EvalError {
    let shown = match target {
        Val::Long(_) => "int/Integer/long/Long",
        Val::Double(_) => "float/Float/double/Doubles",
        Val::Boolean(_) => "boolean/Boolean",
        other => other.type_name().as_str(),
    };
    EvalError::new(
        ErrorKind::Unsupp,
        format!(
            "{shown} DO NOT support assignment operation {}",
            op.as_str()
        ),
    )
}

impl Eval<'_> {
    #[inline]
    pub(super) fn assign(&mut self, slot: u32, op: AssignOp, value: &Operand) -> Result<Operand> {
        let bound = self.slots[slot as usize];
        let cell = if bound != UNBOUND {
            CellId(bound)
        } else {
            self.assign_new(slot, op, value)?
        };
        self.store(cell, op, value)?;
        Ok(Operand::Cell(cell))
    }

    /// The cell of a name that is assigned for the first time: predefined, its input, or one of the value's type.
    fn assign_new(&mut self, slot: u32, op: AssignOp, value: &Operand) -> Result<CellId> {
        if let Some(cell) = self.bind(slot)? {
            return Ok(cell);
        }
        if op != AssignOp::Set {
            return Err(no_assignment(&Val::Null, op));
        }
        let start = match self.peek(value) {
            Val::Long(_) => Val::Long(0),
            Val::Double(_) => Val::Double(0.0),
            Val::Boolean(_) => Val::Boolean(false),
            Val::Str(_) => Val::Str(None),
            Val::Map(_) => Val::Map(None),
            Val::DateTime(_) => Val::DateTime(None),
            Val::Zone(_) => Val::Zone(None),
            Val::Formatter(_) => Val::Formatter(None),
            Val::Property(_) => Val::Property(None),
            Val::Days(_) => Val::Days(None),
            // An empty array stands for the default; the store replaces it at once.
            Val::Array(element, _) => Val::Array(*element, self.arena.new_array([])),
            other
            @ (Val::Null | Val::Uuid(_) | Val::Math | Val::Util | Val::Misc | Val::Params) => {
                return Err(no_assignment(other, op));
            }
        };
        self.meter.charge(32)?;
        let cell = self.arena.new_cell(start);
        self.slots[slot as usize] = cell.0;
        Ok(cell)
    }

    #[inline]
    fn store(&mut self, cell: CellId, op: AssignOp, value: &Operand) -> Result<()> {
        if let Val::Long(b) = *self.peek(value)
            && let Val::Long(a) = self.arena.cell_mut(cell)
        {
            *a = match op {
                AssignOp::Set => b,
                AssignOp::Add => a.wrapping_add(b),
                AssignOp::Sub => a.wrapping_sub(b),
                AssignOp::Mul => a.wrapping_mul(b),
                AssignOp::Div | AssignOp::Rem if b == 0 => {
                    return fail(ErrorKind::Arith, "/ by zero");
                }
                AssignOp::Div => a.wrapping_div(b),
                AssignOp::Rem => a.wrapping_rem(b),
            };
            return Ok(());
        }
        self.store_other(cell, op, value)
    }

    fn store_other(&mut self, cell: CellId, op: AssignOp, value: &Operand) -> Result<()> {
        let value = self.read(value);
        let target = self.arena.cell_mut(cell);
        match (&mut *target, &value) {
            (Val::Double(a), Val::Double(b)) => {
                *a = match op {
                    AssignOp::Set => *b,
                    AssignOp::Add => *a + b,
                    AssignOp::Sub => *a - b,
                    AssignOp::Mul => *a * b,
                    AssignOp::Div => *a / b,
                    AssignOp::Rem => *a % b,
                };
                return Ok(());
            }
            (Val::Str(text), right) if op == AssignOp::Add => {
                // The cell is empty meanwhile, so that the text grows in place; the right side was read before.
                let mut grown = text.take().unwrap_or_else(|| "null".into());
                let mut added = Vec::new();
                let result = match right {
                    Val::Str(Some(other)) => self
                        .meter
                        .charge(2 * other.len() as u64)
                        .map(|()| grown.push(other)),
                    right => self
                        .append_text(&mut added, right)
                        .and_then(|()| self.meter.charge(2 * added.len() as u64))
                        .map(|()| grown.push(&added)),
                };
                *self.arena.cell_mut(cell) = Val::Str(Some(grown));
                return result;
            }
            (Val::Long(_) | Val::Double(_), _) => return Err(mismatch(target, &value)),
            (Val::Uuid(_) | Val::Math | Val::Util | Val::Misc | Val::Params | Val::Null, _) => {
                return Err(no_assignment(target, op));
            }
            _ if op != AssignOp::Set => return Err(no_assignment(target, op)),
            (target, value) if target.type_name() != value.type_name() => {
                return Err(mismatch(target, value));
            }
            _ => {}
        }
        *target = value;
        Ok(())
    }

    pub(super) fn assign_element(
        &mut self,
        slot: u32,
        op: AssignOp,
        index: &Operand,
        value: &Operand,
    ) -> Result<Operand> {
        let Val::Long(index) = *self.peek(index) else {
            let found = self.peek(index).type_name();
            return fail(
                ErrorKind::Cast,
                format!("an index must be LONG here, not {found}"),
            );
        };
        let target = self.name(slot)?;
        let Val::Array(_, array) = *self.peek(&target) else {
            let found = self.peek(&target).type_name();
            return fail(
                ErrorKind::Cast,
                format!(
                    "`{}` must be an array to be indexed here, not {found}",
                    self.code.name(slot)
                ),
            );
        };
        let cell = self.element(array, index)?;
        self.store(cell, op, value)?;
        Ok(Operand::Cell(cell))
    }

    pub(crate) fn element(&self, array: crate::value::ArrayId, index: i64) -> Result<CellId> {
        // Only the low 32 bits count (9.5).
        let index = index as i32;
        self.arena.element(array, index).ok_or_else(|| {
            let length = self.arena.array_len(array);
            EvalError::new(
                ErrorKind::Index,
                format!("Index {index} out of bounds for length {length}"),
            )
        })
    }

    pub(super) fn array_length(&self, length: i64) -> Result<()> {
        if length >= 0 && length as u64 >= self.limits.array {
            let limit = self.limits.array;
            return fail(
                ErrorKind::Illegal,
                format!("array length is over the limit: {limit} vs length: {length}"),
            );
        }
        Ok(())
    }

    pub(super) fn new_array(&mut self, class: Class, size: &Operand) -> Result<Operand> {
        let Val::Long(size) = *self.peek(size) else {
            let found = self.peek(size).type_name();
            return fail(
                ErrorKind::Cast,
                format!("the size of an array must be LONG, not {found}"),
            );
        };
        let size = i64::from(size as i32);
        self.array_length(size)?;
        let Some(element) = class.element() else {
            let name = class.default_value().type_name();
            return fail(ErrorKind::Unsupp, format!("{name} DO NOT support arrays"));
        };
        if size < 0 {
            return fail(ErrorKind::NegSize, format!("negative array size: {size}"));
        }
        self.meter.charge(32 + 32 * size as u64)?;
        let array = self
            .arena
            .new_array(std::iter::repeat_n(element.default_value(), size as usize));
        Ok(Operand::Fresh(Val::Array(element, array)))
    }

    pub(super) fn new_init(&mut self, class: Class, elements: &Args) -> Result<Operand> {
        let Some(element) = class.element() else {
            let name = class.default_value().type_name();
            return fail(ErrorKind::Unsupp, format!("{name} DO NOT support arrays"));
        };
        self.meter.charge(32 + 32 * elements.len() as u64)?;
        let default = element.default_value();
        let mut values = Vec::with_capacity(elements.len());
        for value in elements {
            let value = self.read(value);
            if value.type_name() != default.type_name() {
                return Err(mismatch(&default, &value));
            }
            values.push(value);
        }
        let array = self.arena.new_array(values);
        Ok(Operand::Fresh(Val::Array(element, array)))
    }
}
