//! Params that were read once, to be evaluated many times.

use std::collections::BTreeMap;
use std::sync::Arc;

use maestro_model::Str;
use maestro_model::codec::to_text;
use maestro_model::param::{
    EvaluatedValue as V, ParamBody, ParamDefinition, ParamMap, ParamSource, ParamType, ParamValue,
};
use maestro_sel::{Limits, Program};

use super::convert;
use super::defaults::Defaults;
use super::error::ParamError;
use super::template::Template;

/// The name under which expressions reach the params of the workflow (spec 02 X-1).
const PARAMS: &str = "params";

/// What evaluations need to know of the configuration.
#[derive(Debug)]
pub struct Rules {
    /// What stands between step and param in a reference (spec 02 E-9).
    pub separator: Str,
    /// What `params.getExecutionEnvironment()` answers (spec 02 X-4).
    pub environment: Str,
    /// Limits of one expression.
    pub limits: Limits,
    /// Largest JSON of the evaluated params of a run or an attempt, in UTF-16 units (spec 02 E-14).
    pub size: usize,
    /// The default params.
    pub defaults: Defaults,
    /// The expressions of the bundled defaults, which all plans share.
    bundled: BTreeMap<Str, Arc<Expression>>,
    /// No params at all.
    pub(crate) nothing: ParamSet,
}

impl Rules {
    /// Rules with these defaults, and else those of the specification.
    #[must_use]
    pub fn new(defaults: Defaults) -> Self {
        Self::with_limits(defaults, Limits::default())
    }

    /// Rules with these defaults and limits of expressions.
    #[must_use]
    pub fn with_limits(defaults: Defaults, limits: Limits) -> Self {
        let mut rules = Self {
            separator: "__".into(),
            environment: "test".into(),
            limits,
            size: 750_000,
            defaults,
            bundled: BTreeMap::new(),
            nothing: ParamSet::default(),
        };
        let texts: Vec<Str> = rules
            .defaults
            .workflow
            .values()
            .chain(rules.defaults.step.values())
            .filter_map(|definition| definition.body.expression().cloned())
            .collect();
        for text in texts {
            let parsed = Arc::new(Expression::parse(&text, &rules.limits));
            rules.bundled.insert(text, parsed);
        }
        rules
    }

    fn expression(&self, text: &Str) -> Arc<Expression> {
        match self.bundled.get(text) {
            Some(known) => known.clone(),
            None => Arc::new(Expression::parse(text, &self.limits)),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        let defaults = Defaults::new(&super::DefaultOverrides::default());
        Self::new(defaults.expect("the bundled defaults are tested"))
    }
}

/// An expression that was parsed once.
#[derive(Debug)]
pub struct Expression {
    pub(crate) text: Str,
    /// The program, or why there is none: an error when it is evaluated, not before.
    pub(crate) program: Result<Program, ParamError>,
    /// Names that it needs, without `params`.
    pub(crate) names: Box<[Str]>,
    /// It uses `params`.
    pub(crate) uses_params: bool,
}

impl Expression {
    pub(crate) fn parse(text: &Str, limits: &Limits) -> Self {
        let parsed = maestro_sel::check(text, limits)
            .and_then(|_| Program::parse(text))
            .map_err(|faults| match faults.first() {
                Some(fault) => ParamError::unparsable(text, fault),
                None => ParamError::bad_expression(format!("expression `{text}` is not valid")),
            });
        let mut names: Vec<Str> = Vec::new();
        let mut uses_params = false;
        if let Ok(program) = &parsed {
            for name in program.required_names() {
                if name == PARAMS {
                    uses_params = true;
                } else {
                    names.push(name.into());
                }
            }
        }
        Self {
            text: text.clone(),
            program: parsed,
            names: names.into(),
            uses_params,
        }
    }
}

/// A text, and what has to be put into it.
#[derive(Debug)]
pub(crate) enum Piece {
    Plain(Str),
    Template(Template),
}

impl Piece {
    fn of(text: &Str) -> Self {
        Template::parse(text).map_or_else(|| Self::Plain(text.clone()), Self::Template)
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}

/// How a param comes to its result (spec 02 E-3).
#[derive(Debug)]
pub(crate) enum Node {
    /// Nothing is to be done.
    Static(V),
    /// By SEL.
    Expression(ParamType, Arc<Expression>),
    /// By putting texts in.
    Text(Template),
    Texts(Box<[Piece]>),
    TextMap(Box<[(Piece, Piece)]>),
    /// Entry by entry.
    Map(Box<[(Str, Node)]>),
    /// Not at all.
    Fault(ParamError),
}

impl Node {
    fn of(definition: &ParamDefinition, rules: &Rules, verbatim: Option<&str>) -> Self {
        let value = match &definition.body {
            ParamBody::Expression { ty, text } => {
                return Self::Expression(*ty, rules.expression(text));
            }
            ParamBody::Unset(ty) => {
                return Self::Fault(ParamError::illegal(format!(
                    "a {} without value and expression",
                    ty.as_str()
                )));
            }
            ParamBody::Literal { value, .. } => value,
        };
        let missing = || Self::Fault(ParamError::null("an element is null"));
        match value {
            ParamValue::String(text) => Template::parse(text)
                .map_or_else(|| Self::Static(V::String(text.clone())), Self::Text),
            ParamValue::StringArray(items) => {
                let Some(pieces) = items
                    .iter()
                    .map(|item| item.as_ref().map(Piece::of))
                    .collect::<Option<Box<[Piece]>>>()
                else {
                    return missing();
                };
                match pieces.iter().all(Piece::is_plain) {
                    true => Self::Static(V::StringArray(items.clone())),
                    false => Self::Texts(pieces),
                }
            }
            ParamValue::StringMap(entries) => {
                let Some(pieces) = entries
                    .iter()
                    .map(|(key, value)| Some((Piece::of(key), Piece::of(value.as_ref()?))))
                    .collect::<Option<Box<[(Piece, Piece)]>>>()
                else {
                    return missing();
                };
                match pieces.iter().all(|(k, v)| k.is_plain() && v.is_plain()) {
                    true => Self::literal(value),
                    false => Self::TextMap(pieces),
                }
            }
            ParamValue::Map(entries) => {
                let nodes: Box<[(Str, Self)]> = entries
                    .iter()
                    .map(|(name, entry)| {
                        let node = match entry.value() {
                            Some(value) if verbatim == Some(&**name) => Self::literal(value),
                            _ => Self::of(entry, rules, None),
                        };
                        (name.clone(), node)
                    })
                    .collect();
                if nodes
                    .iter()
                    .all(|(_, node)| matches!(node, Self::Static(_)))
                {
                    let values = nodes.into_iter().filter_map(|(name, node)| match node {
                        Self::Static(value) => Some((name, value)),
                        _ => None,
                    });
                    return Self::Static(V::Map(Arc::new(values.collect())));
                }
                Self::Map(nodes)
            }
            ParamValue::Long(_)
            | ParamValue::Double(_)
            | ParamValue::Boolean(_)
            | ParamValue::LongArray(_)
            | ParamValue::DoubleArray(_)
            | ParamValue::BooleanArray(_) => Self::literal(value),
        }
    }

    fn literal(value: &ParamValue) -> Self {
        convert::literal(value).map_or_else(Self::Fault, Self::Static)
    }

    /// Calls `each` with every name that must be there, and every expression.
    fn visit<'a>(&'a self, each: &mut dyn FnMut(Need<'a>)) {
        fn template<'a>(template: &'a Template, each: &mut dyn FnMut(Need<'a>)) {
            template.names().iter().for_each(|n| each(Need::Name(n)));
        }
        let piece = |piece: &'a Piece, each: &mut dyn FnMut(Need<'a>)| {
            if let Piece::Template(t) = piece {
                template(t, each);
            }
        };
        match self {
            Self::Static(_) | Self::Fault(_) => {}
            Self::Expression(_, expression) => {
                each(Need::Expression(expression));
                expression.names.iter().for_each(|n| each(Need::Name(n)));
            }
            Self::Text(text) => template(text, each),
            Self::Texts(pieces) => pieces.iter().for_each(|p| piece(p, each)),
            Self::TextMap(pieces) => pieces.iter().for_each(|(k, v)| {
                piece(k, each);
                piece(v, each);
            }),
            Self::Map(entries) => entries.iter().for_each(|(_, node)| node.visit(each)),
        }
    }
}

enum Need<'a> {
    Name(&'a Str),
    Expression(&'a Expression),
}

/// A param that was read.
#[derive(Debug)]
struct Entry {
    node: Node,
    /// JSON of its definition and of what is known beforehand takes so many bytes at most.
    bound: usize,
    /// Params of other steps may be asked for.
    refers_to_steps: bool,
}

impl Entry {
    fn of(name: &str, definition: &ParamDefinition, rules: &Rules, verbatim: Verbatim) -> Self {
        let script = verbatim
            .filter(|(param, _)| *param == name)
            .map(|(_, entry)| entry);
        let node = Node::of(definition, rules, script);
        let value = match &node {
            Node::Static(value) => value_bound(value),
            _ => 64,
        };
        let mut refers = false;
        node.visit(&mut |need| refers |= refers_to_steps(&need, rules));
        Self {
            bound: 6 * name.len() + to_text(definition).len() + value + 200,
            refers_to_steps: refers,
            node,
        }
    }
}

/// The params of a workflow or of a step, merged, cleaned up, and ready to be evaluated.
#[derive(Debug, Default)]
pub struct ParamSet {
    definitions: ParamMap,
    entries: Vec<Arc<Entry>>,
    /// Which of them follow from the run or the attempt alone and cannot fail: they are computed when somebody looks.
    derived: Box<[bool]>,
    /// Every param is static or derived.
    is_settled: bool,
    refers_to_steps: bool,
    /// JSON of what is known beforehand takes so many bytes at most.
    bound: usize,
}

/// An entry of a literal MAP that is taken as it is written: the script of a Shell or Python step (decision 10).
pub(crate) type Verbatim = Option<(&'static str, &'static str)>;

impl ParamSet {
    /// Reads merged and cleaned definitions. Those of `known` that are not in `changed` are not read again.
    pub(crate) fn compile(
        definitions: ParamMap,
        rules: &Rules,
        verbatim: Verbatim,
        known: Option<(&Self, &ParamMap)>,
    ) -> Self {
        let entry_of = |name: &Str, definition: &ParamDefinition| {
            if let Some((known, changed)) = known
                && !changed.contains_key(name)
                && let Some(index) = known.definitions.get_index_of(name)
            {
                return known.entries[index].clone();
            }
            Arc::new(Entry::of(name, definition, rules, verbatim))
        };
        let entries: Vec<Arc<Entry>> = definitions
            .iter()
            .map(|(name, definition)| entry_of(name, definition))
            .collect();
        let mut set = Self {
            bound: entries.iter().map(|entry| entry.bound).sum(),
            derived: vec![false; entries.len()].into(),
            is_settled: false,
            refers_to_steps: entries.iter().any(|entry| entry.refers_to_steps),
            definitions,
            entries,
        };
        set.find_derived(rules);
        set.is_settled = (0..set.len()).all(|i| set.is_lazy(i));
        set
    }

    /// Finds what follows from bundled defaults alone.
    fn find_derived(&mut self, rules: &Rules) {
        for (index, (_, definition)) in self.definitions.iter().enumerate() {
            let bundled = definition.meta.source() == Ok(Some(ParamSource::SystemDefault))
                && matches!(&definition.body, ParamBody::Expression { text, .. } if rules.bundled.contains_key(text))
                && rules.defaults.bundled_workflow;
            if !bundled {
                continue;
            }
            let Node::Expression(_, expression) = self.node(index) else {
                continue;
            };
            // The bundled ones name only those before them.
            self.derived[index] = expression.names.iter().all(|name| {
                self.definitions
                    .get_index_of(name)
                    .is_some_and(|i| i < index && self.derived[i])
            });
        }
    }

    /// The definitions, as they show.
    #[must_use]
    pub fn definitions(&self) -> &ParamMap {
        &self.definitions
    }

    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.definitions.get_index_of(name)
    }

    pub(crate) fn node(&self, index: usize) -> &Node {
        &self.entries[index].node
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn name(&self, index: usize) -> &Str {
        self.definitions
            .get_index(index)
            .map(|(name, _)| name)
            .expect("an index of this set")
    }

    pub(crate) fn definition(&self, index: usize) -> &ParamDefinition {
        &self.definitions[index]
    }

    /// A result that needs no evaluation.
    pub(crate) fn static_value(&self, index: usize) -> Option<&V> {
        match self.node(index) {
            Node::Static(value) => Some(value),
            _ => None,
        }
    }

    /// A literal result by name.
    pub(crate) fn literal(&self, name: &str) -> Option<&V> {
        self.static_value(self.index_of(name)?)
    }

    /// Neither stored nor computed before somebody looks.
    pub(crate) fn is_lazy(&self, index: usize) -> bool {
        self.derived[index] || matches!(self.node(index), Node::Static(_))
    }

    /// Whether an evaluation has nothing to compute.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Whether what is known beforehand keeps to the limit of size.
    pub(crate) fn is_small(&self, rules: &Rules) -> bool {
        self.bound <= rules.size
    }

    /// Whether params of other steps may be asked for.
    pub(crate) fn refers_to_steps(&self) -> bool {
        self.refers_to_steps
    }

    /// Characters that the evaluated params take as JSON, at most.
    pub(crate) fn size_bound(&self, results: &super::Results) -> usize {
        let values = results.values.iter();
        self.bound
            + values
                .map(|(name, value)| name.len() + value_bound(value))
                .sum::<usize>()
    }

    /// Bytes that the set takes in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.definitions.len() * 300 + 2 * self.bound
    }
}

/// JSON characters of a result, at most: each may have to be escaped.
fn value_bound(value: &V) -> usize {
    let texts = |n: usize| 6 * n + 4;
    match value {
        V::String(text) => texts(text.len()),
        V::Long(_) | V::Double(_) => 26,
        V::Boolean(_) => 6,
        V::StringArray(items) => items
            .iter()
            .map(|item| texts(item.as_ref().map_or(4, |item| item.len())))
            .sum(),
        V::LongArray(items) => 26 * items.len(),
        V::DoubleArray(items) => 26 * items.len(),
        V::BooleanArray(items) => 6 * items.len(),
        V::StringMap(entries) => entries
            .iter()
            .map(|(key, text)| texts(key.len() + text.len()) + 8)
            .sum(),
        V::Map(entries) => entries
            .iter()
            .map(|(key, value)| texts(key.len()) + value_bound(value))
            .sum(),
    }
}

/// Whether params of other steps may be asked for: by a reference, or by a function.
fn refers_to_steps(need: &Need<'_>, rules: &Rules) -> bool {
    match need {
        Need::Name(name) => name.contains(&*rules.separator),
        Need::Expression(expression) => expression.text.contains("getFrom"),
    }
}

impl Expression {
    pub(crate) fn refers_to_steps(&self, rules: &Rules) -> bool {
        refers_to_steps(&Need::Expression(self), rules)
            || self
                .names
                .iter()
                .any(|name| refers_to_steps(&Need::Name(name), rules))
    }
}
