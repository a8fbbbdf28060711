//! What Java makes of the length of a look-behind.
//!
//! Java wants a bound for what stands in a look-behind and computes it in 32 bits, where a repetition without end counts
//! 2^31 - 1. So one such repetition of a character is allowed, some sums are refused, and with two of them the sum wraps to
//! a bound below zero: the look-behind is accepted and finds nothing.

use super::tree::{Greed, Node};

/// What a look-behind is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// It looks back as far as there is text.
    Looks,
    /// It never finds anything.
    Blind,
    /// Java refuses it.
    Refused,
}

/// Java's bound of a repetition that has none.
const ENDLESS: i32 = i32::MAX;

/// Java's `TreeInfo`, as far as it matters here.
#[derive(Debug, Clone, Copy)]
struct Info {
    max: i32,
    valid: bool,
    deterministic: bool,
    /// The sum without wrapping, to tell whether it did.
    exact: i128,
}

const START: Info = Info {
    max: 0,
    valid: true,
    deterministic: true,
    exact: 0,
};

pub(super) fn behind(node: &Node) -> Behind {
    let mut info = START;
    study(node, &mut info);
    if !info.valid {
        Behind::Refused
    } else if info.exact <= i128::from(i32::MAX) || info.max > 0 || info.max < i32::MIN / 2 {
        // Subtracted from a position, a bound near the least number wraps again, and all of the text is searched.
        Behind::Looks
    } else {
        Behind::Blind
    }
}

fn add(info: &mut Info, max: i32, exact: i128) {
    info.max = info.max.wrapping_add(max);
    info.exact += exact;
}

fn study(node: &Node, info: &mut Info) {
    match node {
        Node::Set(_) => add(info, 1, 1),
        Node::Concat(nodes) => sequence(nodes, info),
        Node::Alternate(nodes) => {
            let mut most = Info { max: -1, ..START };
            for node in nodes {
                let mut branch = START;
                study(node, &mut branch);
                most.max = most.max.max(branch.max);
                most.exact = most.exact.max(branch.exact);
                most.valid &= branch.valid;
            }
            add(info, most.max, most.exact);
            info.valid &= most.valid;
            info.deterministic = false;
        }
        Node::Repeat {
            node,
            min,
            max,
            greed,
        } => repetition(node, *min, *max, *greed, info),
        Node::Capture(node) | Node::Atomic(node) => study(node, info),
        Node::BackReference { .. } => info.valid = false,
        _ => {}
    }
}

/// Behind a branch Java counts from zero, and adds what it counted before to that.
fn sequence(nodes: &[Node], info: &mut Info) {
    for (i, node) in nodes.iter().enumerate() {
        study(node, info);
        if matches!(node, Node::Alternate(_)) {
            let mut rest = START;
            sequence(&nodes[i + 1..], &mut rest);
            add(info, rest.max, rest.exact);
            info.valid &= rest.valid;
            return;
        }
    }
}

fn repetition(node: &Node, min: u32, max: Option<u32>, greed: Greed, info: &mut Info) {
    if matches!(node, Node::Set(_)) && max.is_none() && greed == Greed::Greedy {
        add(info, ENDLESS, ENDLESS.into());
        info.deterministic = false;
        return;
    }
    let mut inner = START;
    study(node, &mut inner);
    if (min, max) == (0, Some(1)) {
        add(info, inner.max, inner.exact);
        info.valid &= inner.valid;
        info.deterministic = false;
        return;
    }
    // A group whose iterations may go several ways has no bound at all.
    let loops = !matches!(node, Node::Set(_)) && greed != Greed::Possessive && !inner.deterministic;
    let times = max.map_or(ENDLESS, |max| max as i32);
    let sum = inner.max.wrapping_mul(times).wrapping_add(info.max);
    info.valid &= inner.valid && !loops && sum >= info.max;
    info.max = sum;
    info.exact += inner.exact.saturating_mul(times.into());
    info.deterministic &= inner.deterministic && max == Some(min);
}
