//! Carries out a program within limits (spec 03 sections 5 and 11).

mod assign;
mod convert;
mod meter;
mod ops;
mod print;
mod short;

use smallvec::SmallVec;

use crate::{
    arena::Arena,
    ast::{BinOp, UnOp},
    compile::{
        ClassRef, Code, DeclareStep, ForInitStep, ForStep, Kind, MemberKind, MemberNode, NodeId,
        PROGRAM_COST, Step, StepKind,
    },
    error::{ErrorKind, EvalError},
    host::{Access, Host, HostError},
    library::Caches,
    limits::Limits,
    names::Class,
    value::{CellId, Element, Operand, Output, TypeName, Val},
};
use meter::Meter;
pub(crate) use print::{DEPTH, too_deep, uuid_text};

pub(crate) type Result<T, E = EvalError> = std::result::Result<T, E>;
pub(crate) type Args = SmallVec<[Operand; 4]>;

/// Runs a program from clean state.
pub(crate) fn run(code: &Code, host: &mut dyn Host, limits: &Limits) -> Result<Output> {
    let mut eval = Eval {
        code,
        limits,
        arena: Arena::default(),
        slots: vec![UNBOUND; code.names.len()],
        result: Operand::Fresh(Val::Null),
        meter: Meter::new(limits),
        caches: Caches::default(),
        host,
    };
    eval.program()
}

/// The state of one evaluation (SX-1).
pub(crate) struct Eval<'a> {
    pub(crate) code: &'a Code,
    pub(crate) limits: &'a Limits,
    pub(crate) arena: Arena,
    /// The cell of each name of the program, or [`UNBOUND`].
    slots: Vec<u32>,
    /// The value of the last expression statement or `return`.
    result: Operand,
    pub(crate) meter: Meter,
    pub(crate) caches: Caches,
    pub(crate) host: &'a mut dyn Host,
}

/// The name has not been met yet.
const UNBOUND: u32 = u32::MAX;

/// How a step ended (SX-5). The value of `Data` and `Return` is the evaluation's `result`, so that this stays a byte.
enum Flow {
    None,
    Data,
    Return,
    Break,
    Continue,
}

pub(crate) fn fail<T>(kind: ErrorKind, message: impl Into<String>) -> Result<T> {
    Err(EvalError::new(kind, message))
}

impl Eval<'_> {
    fn program(&mut self) -> Result<Output> {
        self.visit(PROGRAM_COST)?;
        let code = self.code;
        let mut last = Flow::None;
        for (i, step) in code.steps.iter().enumerate() {
            match self.step(step)? {
                flow @ (Flow::None | Flow::Data) => last = flow,
                Flow::Return => return self.result(step),
                Flow::Break | Flow::Continue if i + 1 < code.steps.len() => last = Flow::None,
                Flow::Break | Flow::Continue => {
                    return fail(
                        ErrorKind::Internal,
                        "`break` or `continue` outside of a loop cannot end the program",
                    )
                    .map_err(|error| error.at(step.span));
                }
            }
        }
        match last {
            Flow::Data => match code.steps.last() {
                Some(step) => self.result(step),
                None => Err(EvalError::bad_type(TypeName::Void)),
            },
            _ => {
                let error = EvalError::bad_type(TypeName::Void);
                Err(match code.steps.last() {
                    Some(step) => error.at(step.span),
                    None => error,
                })
            }
        }
    }

    /// The value of a step that ends the program.
    fn result(&mut self, step: &Step) -> Result<Output> {
        let result = self.result.clone();
        self.output(&result).map_err(|error| error.at(step.span))
    }

    fn step(&mut self, step: &Step) -> Result<Flow> {
        self.visit(step.cost)?;
        match &step.kind {
            StepKind::Expr(node) => {
                self.result = match self.short_statement(*node) {
                    Some(cell) => Operand::Cell(cell),
                    None => self.expr(*node, 0)?,
                };
                Ok(Flow::Data)
            }
            StepKind::Declare(declaration) => self
                .declare(declaration)
                .map_err(|error| error.at(step.span)),
            StepKind::Block(steps) => {
                let mut last = Flow::None;
                for step in steps {
                    last = self.step(step)?;
                    if matches!(last, Flow::Return | Flow::Break | Flow::Continue) {
                        break;
                    }
                }
                Ok(last)
            }
            StepKind::If(arms, otherwise) => {
                for (cost, condition, body) in arms {
                    self.visit(*cost)?;
                    if self.condition(*condition)? {
                        return self.step(body).map(swallow);
                    }
                }
                otherwise
                    .as_ref()
                    .map_or(Ok(Flow::None), |body| self.step(body).map(swallow))
            }
            StepKind::While(condition, body) => {
                let mut passes = 0;
                while self.condition(*condition)? {
                    match self.step(body)? {
                        Flow::Return => return Ok(Flow::Return),
                        Flow::Break => break,
                        Flow::None | Flow::Data | Flow::Continue => {}
                    }
                    self.pass(&mut passes)
                        .map_err(|error| error.at(step.span))?;
                }
                Ok(Flow::None)
            }
            StepKind::For(parts) => self.for_loop(parts).map_err(|error| error.at(step.span)),
            StepKind::Break => Ok(Flow::Break),
            StepKind::Continue => Ok(Flow::Continue),
            StepKind::Return(node) => {
                self.result = self.expr(*node, 0)?;
                Ok(Flow::Return)
            }
            StepKind::Throw(node) => {
                let value = self.expr(*node, 0)?;
                let error = match self.read(&value) {
                    Val::Str(text) => {
                        self.meter
                            .charge(32 + 2 * text.as_ref().map_or(0, |text| text.len()) as u64)?;
                        EvalError::new(
                            ErrorKind::Thrown,
                            text.map_or_else(|| "null".to_owned(), |text| text.show()),
                        )
                    }
                    other => EvalError::new(
                        ErrorKind::Illegal,
                        format!("`throw` needs a STRING, not {}", other.type_name()),
                    ),
                };
                Err(error.at(step.span))
            }
            StepKind::Import => Ok(Flow::None),
        }
    }

    fn for_loop(&mut self, parts: &ForStep) -> Result<Flow> {
        self.visit(parts.init_cost)?;
        match &parts.init {
            Some(ForInitStep::Declare(declaration)) => {
                self.declare(declaration)?;
            }
            Some(ForInitStep::Expr(node)) => {
                self.expr(*node, 0)?;
            }
            None => {}
        }
        let mut passes = 0;
        loop {
            match parts.condition {
                Some(condition) => {
                    if !self.condition(condition)? {
                        return Ok(Flow::None);
                    }
                }
                None => self.visit(1)?,
            }
            match self.step(&parts.body)? {
                Flow::Return => return Ok(Flow::Return),
                Flow::Break => return Ok(Flow::None),
                Flow::None | Flow::Data | Flow::Continue => {}
            }
            self.visit(parts.update_cost)?;
            if let Some(update) = parts.update
                && self.short_statement(update).is_none()
            {
                self.expr(update, 0)?;
            }
            self.pass(&mut passes)?;
        }
    }

    fn pass(&mut self, passes: &mut u64) -> Result<()> {
        *passes += 1;
        if *passes >= self.limits.loops {
            return fail(
                ErrorKind::Limit,
                format!("the loop is over the loop limit {}", self.limits.loops),
            );
        }
        Ok(())
    }

    fn condition(&mut self, node: NodeId) -> Result<bool> {
        if let Some(truth) = self.short_condition(node) {
            return Ok(truth);
        }
        let value = self.expr(node, 0)?;
        match self.peek(&value) {
            Val::Boolean(truth) => Ok(*truth),
            other => fail(
                ErrorKind::Cast,
                format!("a condition must be BOOLEAN, not {}", other.type_name()),
            )
            .map_err(|error| error.at(self.code.span(node))),
        }
    }

    fn declare(&mut self, declaration: &DeclareStep) -> Result<Flow> {
        let class = self.class(declaration.class)?;
        let element = match (declaration.array, class.element()) {
            (true, None) => {
                let name = class.default_value().type_name();
                return fail(
                    ErrorKind::Illegal,
                    format!("Cannot create an array of {name}"),
                );
            }
            (true, element) => element,
            (false, _) => None,
        };
        let wanted = element.map_or_else(|| class.default_value().type_name(), Element::array_type);
        for (slot, value) in &declaration.declarators {
            self.slot_at(0)?;
            let cell = match value {
                Some(node) => {
                    let value = self.expr(*node, 1)?;
                    let found = self.peek(&value).type_name();
                    if found != wanted {
                        return fail(
                            ErrorKind::Type,
                            format!("Type mismatch, lhs type: {wanted}, rhs object type: {found}"),
                        )
                        .map_err(|error| error.at(self.code.span(*node)));
                    }
                    self.keep(value)?
                }
                None => {
                    self.meter.charge(32)?;
                    let value = match element {
                        Some(element) => Val::Array(element, self.arena.new_array([])),
                        None => class.default_value(),
                    };
                    self.arena.new_cell(value)
                }
            };
            self.slots[*slot as usize] = cell.0;
        }
        Ok(Flow::None)
    }

    pub(crate) fn class(&self, class: ClassRef) -> Result<Class> {
        match class {
            ClassRef::Known(class) => Ok(class),
            ClassRef::Unknown(name) => {
                let name = self.code.name(name);
                fail(
                    ErrorKind::Unsupp,
                    format!("the language has a class path which does not include class:  {name}"),
                )
            }
        }
    }

    /// The operand stack has a slot of this number (SM-1).
    #[inline]
    fn slot_at(&self, at: u32) -> Result<()> {
        if at >= self.limits.stack {
            return fail(
                ErrorKind::Index,
                format!(
                    "the operand stack is over the stack limit {}: too many arguments, elements or open operations",
                    self.limits.stack
                ),
            );
        }
        Ok(())
    }

    #[inline]
    fn visit(&mut self, cost: u32) -> Result<()> {
        if self.meter.spend(cost) {
            return Ok(());
        }
        self.meter.refill(self.host)
    }

    /// Work of the library that no visit pays for, in units of about a nanosecond; lets the host interrupt.
    pub(crate) fn work(&mut self, amount: usize) -> Result<()> {
        self.meter.work(amount, self.host)
    }

    /// The content of an operand at this moment (SX-10).
    #[inline]
    pub(crate) fn peek<'v>(&'v self, operand: &'v Operand) -> &'v Val {
        match operand {
            Operand::Cell(id) => self.arena.cell(*id),
            Operand::Fresh(value) => value,
        }
    }

    pub(crate) fn read(&self, operand: &Operand) -> Val {
        self.peek(operand).clone()
    }

    /// The cell of an operand; a fresh value becomes a cell of its own.
    pub(crate) fn keep(&mut self, operand: Operand) -> Result<CellId> {
        match operand {
            Operand::Cell(id) => Ok(id),
            Operand::Fresh(value) => {
                self.meter.hold(1)?;
                Ok(self.arena.new_cell(value))
            }
        }
    }

    /// A new value that counts for the memory limit.
    pub(crate) fn fresh(&mut self, value: Val) -> Result<Operand> {
        let text = match &value {
            Val::Str(Some(text)) => 2 * text.len() as u64,
            _ => 0,
        };
        self.meter.charge(32 + text)?;
        Ok(Operand::Fresh(value))
    }

    /// Evaluates an expression whose value lands in slot `sp` of the operand stack.
    fn expr(&mut self, id: NodeId, sp: u32) -> Result<Operand> {
        let code = self.code;
        let node = code.node(id);
        self.visit(node.cost)?;
        let result = match node.kind {
            Kind::Const(at) => match self.slot_at(sp) {
                Ok(()) => return Ok(Operand::Fresh(code.consts[at as usize].clone())),
                Err(error) => Err(error),
            },
            Kind::Long(number) => match self.slot_at(sp) {
                Ok(()) => return Ok(Operand::Fresh(Val::Long(number))),
                Err(error) => Err(error),
            },
            Kind::Name(slot) => {
                let cell = self.slots[slot as usize];
                if cell != UNBOUND && sp < self.limits.stack {
                    return Ok(Operand::Cell(CellId(cell)));
                }
                self.slot_at(sp).and_then(|()| self.name(slot))
            }
            Kind::Binary(op, left, right) => {
                if let Some(value) = self.short_binary(id, sp) {
                    return Ok(Operand::Fresh(value));
                }
                let left = self.expr(left, sp)?;
                let right = self.expr(right, sp + 1)?;
                self.binary(op, &left, &right)
            }
            Kind::Assign { slot, op, value } => {
                if let Some(cell) = self.short_assign(slot, op, value, 0, sp) {
                    return Ok(Operand::Cell(cell));
                }
                let value = self.expr(value, sp)?;
                self.assign(slot, op, &value)
            }
            _ => return self.expr_rare(id, sp),
        };
        result.map_err(|error| error.at(code.span(id)))
    }

    /// The expressions that a hot loop seldom holds; apart, so that the frame of [`Self::expr`] stays small.
    #[inline(never)]
    fn expr_rare(&mut self, id: NodeId, sp: u32) -> Result<Operand> {
        let code = self.code;
        let at = |error: EvalError| error.at(code.span(id));
        match code.node(id).kind {
            Kind::Unary(op, operand) => {
                let operand = self.expr(operand, sp)?;
                self.unary(op, &operand).map_err(at)
            }
            Kind::Chain(first, rest) => {
                let mut left = self.expr(first, sp)?;
                for (op, right) in code.chain(rest) {
                    let right = self.expr(*right, sp + 1)?;
                    left = self.binary(*op, &left, &right).map_err(at)?;
                }
                Ok(left)
            }
            Kind::Ternary(condition, yes, no) => {
                let value = self.expr(condition, sp)?;
                let Val::Boolean(truth) = *self.peek(&value) else {
                    let found = self.peek(&value).type_name();
                    return fail(
                        ErrorKind::Cast,
                        format!("a condition must be BOOLEAN, not {found}"),
                    )
                    .map_err(at);
                };
                self.expr(if truth { yes } else { no }, sp)
            }
            Kind::AssignIndex { slot, op, operands } => {
                let operands = code.list(operands);
                let index = self.expr(operands[0], sp)?;
                let value = self.expr(operands[1], sp + 1)?;
                self.assign_element(slot, op, &index, &value).map_err(at)
            }
            Kind::NewArray { class, size } => {
                let class = self.class(class).map_err(at)?;
                self.slot_at(sp).map_err(at)?;
                let size = self.expr(size, sp + 1)?;
                self.new_array(class, &size).map_err(at)
            }
            Kind::NewInit { class, elements } => {
                let class = self.class(class).map_err(at)?;
                self.slot_at(sp).map_err(at)?;
                let elements = code.list(elements);
                self.array_length(elements.len() as i64).map_err(at)?;
                let elements = self.args(elements, sp + 1)?;
                self.new_init(class, &elements).map_err(at)
            }
            Kind::NewObject { class, args } => {
                let class = self.class(class).map_err(at)?;
                self.slot_at(sp).map_err(at)?;
                let args = self.args(code.list(args), sp + 1)?;
                self.construct(class, &args).map_err(at)
            }
            Kind::Members(base, members) => {
                let mut value = self.expr(base, sp)?;
                for member in code.members(members) {
                    value = self
                        .member(&value, member, sp)
                        .map_err(|error| error.at(member.span))?;
                }
                Ok(value)
            }
            Kind::Const(_)
            | Kind::Long(_)
            | Kind::Name(_)
            | Kind::Binary(..)
            | Kind::Assign { .. } => self.expr(id, sp),
        }
    }

    fn member(&mut self, base: &Operand, member: &MemberNode, sp: u32) -> Result<Operand> {
        self.visit(member.cost)?;
        match member.kind {
            MemberKind::Index(index) => {
                let index = self.expr(index, sp + 1)?;
                self.index(base, &index)
            }
            MemberKind::Field(field, name) => {
                self.slot_at(sp + 1)?;
                self.field(base, field, name)
            }
            MemberKind::Call(method, name, args) => {
                self.slot_at(sp + 1)?;
                let code = self.code;
                let args = self.args(code.list(args), sp + 2)?;
                self.call(base, method, name, &args)
            }
        }
    }

    fn args(&mut self, nodes: &[NodeId], sp: u32) -> Result<Args> {
        let mut args = Args::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            args.push(self.expr(*node, sp + i as u32)?);
        }
        Ok(args)
    }

    /// A name without a cell: predefined, an input, or NULL (SX-2).
    fn name(&mut self, slot: u32) -> Result<Operand> {
        match self.bind(slot)? {
            Some(cell) => Ok(Operand::Cell(cell)),
            None => Ok(Operand::Fresh(Val::Null)),
        }
    }

    /// The cell of a name; an input is boxed at its first use.
    fn bind(&mut self, slot: u32) -> Result<Option<CellId>> {
        let bound = self.slots[slot as usize];
        if bound != UNBOUND {
            return Ok(Some(CellId(bound)));
        }
        let (name, predefined) = &self.code.names[slot as usize];
        let value = match predefined {
            Some(value) => value.clone(),
            None => match self.host.input(name, Access::Name).map_err(host_error)? {
                Some(value) => self.box_value(value)?,
                None => return Ok(None),
            },
        };
        let cell = self.arena.new_cell(value);
        self.slots[slot as usize] = cell.0;
        Ok(Some(cell))
    }

    fn unary(&mut self, op: UnOp, operand: &Operand) -> Result<Operand> {
        let value = match (op, self.peek(operand)) {
            (UnOp::Plus, Val::Long(number)) => Val::Long(*number),
            (UnOp::Minus, Val::Long(number)) => Val::Long(number.wrapping_neg()),
            (UnOp::Plus, Val::Double(number)) => Val::Double(*number),
            (UnOp::Minus, Val::Double(number)) => Val::Double(-number),
            (UnOp::Not, Val::Boolean(truth)) => Val::Boolean(!truth),
            (_, other) => return Err(ops::no_operation(other, op.as_str())),
        };
        self.fresh(value)
    }

    #[inline]
    fn binary(&mut self, op: BinOp, left: &Operand, right: &Operand) -> Result<Operand> {
        let value = match (self.peek(left), self.peek(right)) {
            (Val::Long(a), Val::Long(b)) => ops::longs(op, *a, *b)?,
            (Val::Double(a), Val::Double(b)) => ops::doubles(op, *a, *b)?,
            _ => return self.binary_mixed(op, left, right),
        };
        self.meter.charge(32)?;
        Ok(Operand::Fresh(value))
    }
}

/// An `if` keeps the data of its body to itself.
fn swallow(flow: Flow) -> Flow {
    match flow {
        Flow::Data => Flow::None,
        other => other,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the function of map_err"
)]
pub(crate) fn host_error(error: HostError) -> EvalError {
    let kind = match error {
        HostError::Unsupported(_) => ErrorKind::Unsupp,
        HostError::Failed(_) => ErrorKind::Extension,
        HostError::Pending => ErrorKind::Pending,
        HostError::Interrupted => ErrorKind::Timeout,
    };
    EvalError::new(kind, error.to_string())
}
