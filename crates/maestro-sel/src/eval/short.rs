//! The short way for what hot loops are made of: LONG arithmetic, comparison and assignment over literals and bound
//! names. It makes no operands, and it counts and changes nothing unless it can carry out the whole of an expression far
//! from every limit. Else the long way does it from the beginning, and finds the error and its place.

use super::{Eval, UNBOUND, ops};
use crate::{
    ast::{AssignOp, BinOp},
    compile::{Kind, NodeId, ShortCost},
    value::{CellId, Val},
};

/// Bytes of the value of an operation (SM-6).
const VALUE: u64 = 32;

impl Eval<'_> {
    /// The number that a literal, a bound name, or operations over such give. Counts nothing.
    #[inline(always)]
    fn short_long(&self, id: NodeId) -> Option<i64> {
        match self.code.node(id).kind {
            Kind::Long(number) => Some(number),
            Kind::Name(slot) => match self.bound(slot)? {
                (_, Val::Long(number)) => Some(*number),
                _ => None,
            },
            Kind::Binary(op, left, right) => self.short_operation(op, left, right),
            _ => None,
        }
    }

    /// Out of line, so that leaves need no frame.
    #[inline(never)]
    fn short_operation(&self, op: BinOp, left: NodeId, right: NodeId) -> Option<i64> {
        let (a, b) = (self.short_long(left)?, self.short_long(right)?);
        match op {
            BinOp::Add => Some(a.wrapping_add(b)),
            BinOp::Sub => Some(a.wrapping_sub(b)),
            BinOp::Mul => Some(a.wrapping_mul(b)),
            _ => None,
        }
    }

    #[inline]
    fn bound(&self, slot: u32) -> Option<(CellId, &Val)> {
        match self.slots[slot as usize] {
            UNBOUND => None,
            cell => Some((CellId(cell), self.arena.cell(CellId(cell)))),
        }
    }

    /// Whether an expression of this cost in slot `sp`, and so many more visits, are far from every limit.
    #[inline]
    fn has_room(&self, cost: ShortCost, visits: u32, sp: u32) -> bool {
        sp + u32::from(cost.slots) <= self.limits.stack
            && self
                .meter
                .has_room(cost.visits + visits, VALUE * u64::from(cost.operations))
    }

    #[inline]
    fn pay(&mut self, cost: ShortCost, visits: u32) {
        self.meter
            .pay(cost.visits + visits, VALUE * u64::from(cost.operations));
    }

    /// The value of an operation, whose own visits are counted already.
    #[inline]
    pub(super) fn short_binary(&mut self, id: NodeId, sp: u32) -> Option<Val> {
        let node = self.code.node(id);
        let mut cost = node.short?;
        let Kind::Binary(op, left, right) = node.kind else {
            return None;
        };
        cost.visits -= node.cost;
        if !self.has_room(cost, 0, sp) {
            return None;
        }
        // Without division by zero, and operations that LONG does not have.
        let value = ops::longs_that_fit(op, self.short_long(left)?, self.short_long(right)?)?;
        self.pay(cost, 0);
        Some(value)
    }

    /// Carries out an assignment to a bound LONG; `visits` are those of the assignment that are still to be counted.
    #[inline]
    pub(super) fn short_assign(
        &mut self,
        slot: u32,
        op: AssignOp,
        value: NodeId,
        visits: u32,
        sp: u32,
    ) -> Option<CellId> {
        let cost = self.code.node(value).short?;
        let (cell, &Val::Long(target)) = self.bound(slot)? else {
            return None;
        };
        if !self.has_room(cost, visits, sp) {
            return None;
        }
        let number = self.short_long(value)?;
        let result = match op {
            AssignOp::Set => number,
            AssignOp::Add => target.wrapping_add(number),
            AssignOp::Sub => target.wrapping_sub(number),
            AssignOp::Mul => target.wrapping_mul(number),
            AssignOp::Div | AssignOp::Rem => return None,
        };
        self.pay(cost, visits);
        if let Val::Long(target) = self.arena.cell_mut(cell) {
            *target = result;
        }
        Some(cell)
    }

    /// Carries out a statement that is such an assignment.
    #[inline]
    pub(super) fn short_statement(&mut self, id: NodeId) -> Option<CellId> {
        let node = self.code.node(id);
        match node.kind {
            Kind::Assign { slot, op, value } => self.short_assign(slot, op, value, node.cost, 0),
            _ => None,
        }
    }

    /// The truth of a comparison of two such numbers.
    #[inline]
    pub(super) fn short_condition(&mut self, id: NodeId) -> Option<bool> {
        let node = self.code.node(id);
        let cost = node.short?;
        let Kind::Binary(op, left, right) = node.kind else {
            return None;
        };
        if !self.has_room(cost, 0, 0) {
            return None;
        }
        let (a, b) = (self.short_long(left)?, self.short_long(right)?);
        let truth = match op {
            BinOp::Equal => a == b,
            BinOp::NotEqual => a != b,
            BinOp::Less => a < b,
            BinOp::Greater => a > b,
            BinOp::LessEqual => a <= b,
            BinOp::GreaterEqual => a >= b,
            _ => return None,
        };
        self.pay(cost, 0);
        Some(truth)
    }
}
