//! From the tree to the syntax of the engines.

use regex_syntax::hir::ClassUnicode;

use super::tree::{Greed, Node, longest};

/// What the texts that will be searched are known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    /// Not empty and without line terminators: anchors of lines are those of the text.
    OneLine,
    Any,
    /// Any text, behind an empty match: the search goes on one further, so that `\G` never matches again.
    AfterEmpty,
}

/// The expression for the engines, and whether it needs the backtracking one.
pub(super) fn emit(node: &Node, texts: Texts) -> (String, bool) {
    let mut emitter = Emitter {
        texts,
        out: String::new(),
        backtracking: false,
    };
    emitter.node(node);
    if emitter.backtracking {
        // Once more, now that every part knows which engine will read it.
        emitter.out.clear();
        emitter.node(node);
    }
    (emitter.out, emitter.backtracking)
}

struct Emitter {
    texts: Texts,
    out: String,
    backtracking: bool,
}

const WORD: &str = "[0-9A-Z_a-z]";

impl Emitter {
    fn text(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.push_str(&text.to_string());
    }

    fn look(&mut self, text: &str) {
        self.backtracking = true;
        self.out.push_str(text);
    }

    fn wrapped(&mut self, open: &str, node: &Node) {
        self.out.push_str(open);
        self.node(node);
        self.out.push(')');
    }

    fn node(&mut self, node: &Node) {
        let one_line = self.texts == Texts::OneLine;
        match node {
            Node::Empty => self.out.push_str("(?:)"),
            Node::Never => self.out.push_str("[a&&b]"),
            Node::Set(set) => self.set(set),
            Node::Concat(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Alternate(nodes) => {
                self.out.push_str("(?:");
                for (i, node) in nodes.iter().enumerate() {
                    if i > 0 {
                        self.out.push('|');
                    }
                    self.node(node);
                }
                self.out.push(')');
            }
            Node::Repeat {
                node,
                min,
                max,
                greed,
            } => {
                if *greed == Greed::Possessive {
                    self.backtracking = true;
                    self.out.push_str("(?>");
                }
                // Java gives nothing back of an iteration of a possessive repetition either.
                let open = if *greed == Greed::Possessive && longest(node) != Some(1) {
                    "(?>"
                } else {
                    "(?:"
                };
                self.wrapped(open, node);
                match (min, max) {
                    (0, None) => self.out.push('*'),
                    (1, None) => self.out.push('+'),
                    (0, Some(1)) => self.out.push('?'),
                    (min, None) => self.text(format_args!("{{{min},}}")),
                    (min, Some(max)) => self.text(format_args!("{{{min},{max}}}")),
                }
                match greed {
                    Greed::Greedy => {}
                    Greed::Lazy => self.out.push('?'),
                    Greed::Possessive => self.out.push(')'),
                }
            }
            Node::Capture(node) => self.wrapped("(", node),
            Node::Atomic(node) => {
                self.backtracking = true;
                self.wrapped("(?>", node);
            }
            Node::Look {
                ahead,
                negative,
                node,
            } => {
                self.backtracking = true;
                let open = match (ahead, negative) {
                    (true, false) => "(?=",
                    (true, true) => "(?!",
                    (false, false) => "(?<=",
                    (false, true) => "(?<!",
                };
                self.wrapped(open, node);
            }
            Node::BackReference { group, ignore_case } => {
                let (open, close) = if *ignore_case {
                    ("(?i:", ")")
                } else {
                    ("(?:", ")")
                };
                self.look(&format!("{open}\\{group}{close}"));
            }
            Node::TextStart => self.out.push_str(r"\A"),
            Node::TextEnd => self.out.push_str(r"\z"),
            Node::LineStart { .. } if one_line => self.out.push_str(r"\A"),
            Node::FinalEnd { .. } | Node::LineEnd { .. } if one_line => self.out.push_str(r"\z"),
            Node::LineStart { unix: true } => self.look(r"(?:(?:\A|(?<=\n))(?!\z))"),
            Node::LineStart { unix: false } => {
                self.look(r"(?:(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))(?!\z))");
            }
            Node::FinalEnd { unix: true } => self.look(r"(?=\n?\z)"),
            Node::FinalEnd { unix: false } => {
                self.look(r"(?:(?=(?:\r\n?|[\x{85}\x{2028}\x{2029}])?\z)|(?<!\r)(?=\n\z))");
            }
            Node::LineEnd { unix: true } => self.look(r"(?:(?=\n)|\z)"),
            Node::LineEnd { unix: false } => {
                self.look(r"(?:(?=[\r\x{85}\x{2028}\x{2029}])|(?<!\r)(?=\n)|\z)");
            }
            Node::WordBoundary {
                negative: false,
                unicode: true,
            } => self.out.push_str(r"\b"),
            Node::WordBoundary {
                negative: true,
                unicode: true,
            } => self.out.push_str(r"\B"),
            Node::WordBoundary {
                negative: false,
                unicode: false,
            } if !self.backtracking => self.out.push_str(r"(?-u:\b)"),
            Node::WordBoundary {
                negative: false,
                unicode: false,
            } => self.look(&format!("(?:(?<={WORD})(?!{WORD})|(?<!{WORD})(?={WORD}))")),
            Node::WordBoundary {
                negative: true,
                unicode: false,
            } => {
                self.look(&format!("(?:(?<={WORD})(?={WORD})|(?<!{WORD})(?!{WORD}))"));
            }
            Node::PreviousEnd if self.texts == Texts::AfterEmpty => self.node(&Node::Never),
            Node::PreviousEnd => self.look(r"\G"),
        }
    }

    fn set(&mut self, set: &ClassUnicode) {
        let ranges = set.ranges();
        if let [one] = ranges
            && one.start() == one.end()
            && one.start().is_ascii_alphanumeric()
        {
            self.out.push(one.start());
            return;
        }
        if ranges.is_empty() {
            self.out.push_str("[a&&b]");
            return;
        }
        self.out.push('[');
        for range in ranges {
            let (start, end) = (range.start() as u32, range.end() as u32);
            self.text(format_args!("\\x{{{start:x}}}"));
            if end > start {
                self.text(format_args!("-\\x{{{end:x}}}"));
            }
        }
        self.out.push(']');
    }
}

/// The size of the automaton of an expression, roughly in states; saturates.
pub(super) fn size(node: &Node) -> u64 {
    match node {
        Node::Set(set) => 1 + set.ranges().len() as u64 / 4,
        Node::Concat(nodes) | Node::Alternate(nodes) => {
            nodes.iter().fold(nodes.len() as u64, |sum, node| {
                sum.saturating_add(size(node))
            })
        }
        Node::Repeat { node, min, max, .. } => {
            let times = u64::from(max.unwrap_or(min + 1)).max(1);
            size(node).saturating_add(1).saturating_mul(times)
        }
        Node::Capture(node) | Node::Atomic(node) | Node::Look { node, .. } => {
            size(node).saturating_add(2)
        }
        _ => 1,
    }
}
