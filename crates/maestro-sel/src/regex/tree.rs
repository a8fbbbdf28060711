//! What a pattern says, all flags and classes resolved.

use std::collections::BTreeMap;

use regex_syntax::hir::ClassUnicode;

/// A regular expression, all flags and classes resolved.
#[derive(Debug)]
pub(super) enum Node {
    Empty,
    /// Matches nothing at all.
    Never,
    /// One code point.
    Set(ClassUnicode),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
        greed: Greed,
    },
    Capture(Box<Node>),
    Atomic(Box<Node>),
    Look {
        ahead: bool,
        negative: bool,
        node: Box<Node>,
    },
    BackReference {
        group: usize,
        ignore_case: bool,
    },
    TextStart,
    TextEnd,
    /// The end, or before one final terminator.
    FinalEnd {
        unix: bool,
    },
    LineStart {
        unix: bool,
    },
    LineEnd {
        unix: bool,
    },
    WordBoundary {
        negative: bool,
        unicode: bool,
    },
    PreviousEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

impl Node {
    /// A repetition. What matches no character is the same once or often, and the engines refuse to repeat it.
    pub(super) fn repeat(node: Self, min: u32, max: Option<u32>, greed: Greed) -> Self {
        if longest(&node) != Some(0) {
            return Self::Repeat {
                node: Box::new(node),
                min,
                max,
                greed,
            };
        }
        match (min, max, greed) {
            (1.., ..) => node,
            // Groups keep their numbers, so the node stays even where it is not wanted.
            (0, Some(0), _) | (0, _, Greed::Lazy) => Self::Alternate(vec![Self::Empty, node]),
            (0, _, Greed::Greedy) => Self::Alternate(vec![node, Self::Empty]),
            (0, _, Greed::Possessive) => {
                Self::Atomic(Box::new(Self::Alternate(vec![node, Self::Empty])))
            }
        }
    }
}

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    /// Number of groups.
    pub(super) groups: usize,
    pub(super) names: BTreeMap<String, usize>,
}

/// Whether a node asks for the end of the match before (`\G`).
pub(super) fn asks_for_previous_end(node: &Node) -> bool {
    match node {
        Node::PreviousEnd => true,
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(asks_for_previous_end),
        Node::Repeat { node, .. }
        | Node::Capture(node)
        | Node::Atomic(node)
        | Node::Look { node, .. } => asks_for_previous_end(node),
        _ => false,
    }
}

/// Whether a look-around or an atomic group holds a long repetition: the engine counts no steps in there, and may go
/// through all of the text at each of its places.
pub(super) fn scans(node: &Node) -> bool {
    const LONG: u32 = 1000;
    fn repeats(node: &Node) -> bool {
        match node {
            Node::Repeat { node, max, .. } => max.is_none_or(|max| max > LONG) || repeats(node),
            Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(repeats),
            Node::Capture(node) | Node::Atomic(node) | Node::Look { node, .. } => repeats(node),
            _ => false,
        }
    }
    match node {
        Node::Atomic(node) | Node::Look { node, .. } => repeats(node),
        Node::Repeat {
            greed: Greed::Possessive,
            ..
        } => repeats(node),
        Node::Repeat { node, .. } | Node::Capture(node) => scans(node),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(scans),
        _ => false,
    }
}

/// A back-reference without a group never matches.
pub(super) fn resolve(node: &mut Node, groups: usize) {
    match node {
        Node::BackReference { group, .. } if *group > groups => *node = Node::Never,
        Node::Concat(nodes) | Node::Alternate(nodes) => {
            nodes.iter_mut().for_each(|node| resolve(node, groups));
        }
        Node::Repeat { node, .. }
        | Node::Capture(node)
        | Node::Atomic(node)
        | Node::Look { node, .. } => resolve(node, groups),
        _ => {}
    }
}

/// The most code points that a node may match; nothing if there is no bound.
pub(super) fn longest(node: &Node) -> Option<u64> {
    match node {
        Node::Set(_) => Some(1),
        Node::Concat(nodes) => nodes
            .iter()
            .try_fold(0_u64, |sum, node| sum.checked_add(longest(node)?)),
        Node::Alternate(nodes) => nodes
            .iter()
            .try_fold(0_u64, |most, node| Some(most.max(longest(node)?))),
        Node::Repeat { node, max, .. } => longest(node)?.checked_mul(u64::from((*max)?)),
        Node::Capture(node) | Node::Atomic(node) => longest(node),
        Node::BackReference { .. } => None,
        Node::Empty
        | Node::Never
        | Node::Look { .. }
        | Node::TextStart
        | Node::TextEnd
        | Node::FinalEnd { .. }
        | Node::LineStart { .. }
        | Node::LineEnd { .. }
        | Node::WordBoundary { .. }
        | Node::PreviousEnd => Some(0),
    }
}
