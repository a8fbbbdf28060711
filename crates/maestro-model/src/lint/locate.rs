//! From the path of a fault in a request to the place in the file that it was read from.

use super::{Place, PlaceKind};
use crate::json::Position;

/// How a file says what the request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// As a create request.
    Model,
    /// As a bare workflow object.
    Bare,
    /// In the words of the DSL.
    Dsl,
}

/// A name or an index of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Index(usize),
}

/// The parts of a path such as `workflow.steps[2].step.id`.
pub(super) fn tokens(path: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let mut rest = part;
        let mut indexes = Vec::new();
        while let Some((before, index)) = rest
            .strip_suffix(']')
            .and_then(|inner| inner.rsplit_once('['))
            .and_then(|(before, index)| Some((before, index.parse().ok()?)))
        {
            indexes.push(Token::Index(index));
            rest = before;
        }
        if !rest.is_empty() {
            found.push(Token::Name(rest.to_owned()));
        }
        found.extend(indexes.into_iter().rev());
    }
    found
}

/// The names around a step, and around a job of the DSL.
const WRAPPERS: [&str; 6] = ["step", "job", "subworkflow", "foreach", "while", "template"];

/// Whether a key is one of them.
pub(super) fn is_wrapper(key: &str) -> bool {
    WRAPPERS.iter().any(|name| name.eq_ignore_ascii_case(key))
}

/// `stepConcurrency` as `step_concurrency`; a name that begins with a capital is none of ours and stays.
pub(super) fn snake(name: &str) -> String {
    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            out.push('_');
            out.push(character.to_ascii_lowercase());
        } else {
            out.push(character);
        }
    }
    out
}

/// The position of the value, or of the innermost one around it that the file has; and the path in the words of the file.
pub(super) fn locate(root: &Place, path: &str, flavour: Flavour) -> (Position, String) {
    let mut tokens = tokens(path);
    match flavour {
        Flavour::Model => {}
        Flavour::Bare => {
            if tokens.first() == Some(&Token::Name("workflow".to_owned())) {
                tokens.remove(0);
            }
        }
        Flavour::Dsl => {
            // Properties stand among the keys of the workflow.
            if let Some(Token::Name(first)) = tokens.first_mut()
                && first == "properties"
            {
                "workflow".clone_into(first);
                // Rule and number of the strategy do so, too.
                let is = |token: Option<&Token>, name: &str| matches!(token, Some(Token::Name(given)) if snake(given) == name);
                if is(tokens.get(1), "run_strategy") {
                    if is(tokens.get(2), "workflow_concurrency") {
                        tokens.remove(1);
                    } else {
                        tokens.truncate(2);
                    }
                }
            }
        }
    }
    let mut walk = Walk {
        position: root.position,
        path: String::new(),
        place: Some(root),
        flavour,
    };
    let mut at = 0;
    while at < tokens.len() {
        at += walk.step(&tokens[at..]);
    }
    (walk.position, walk.path)
}

struct Walk<'a> {
    position: Position,
    path: String,
    /// Where the walk is; `None` once the file has no more of the path.
    place: Option<&'a Place>,
    flavour: Flavour,
}

impl<'a> Walk<'a> {
    /// Follows the first tokens; returns how many.
    fn step(&mut self, tokens: &[Token]) -> usize {
        match &tokens[0] {
            Token::Index(index) => {
                self.path = format!("{}[{index}]", self.path);
                self.place = match self.place.map(|place| &place.kind) {
                    Some(PlaceKind::List(elements)) => elements.get(*index),
                    _ => None,
                };
                if let Some(place) = self.place {
                    self.position = place.position;
                }
                1
            }
            Token::Name(name) => self.name(name, &tokens[1..]),
        }
    }

    fn name(&mut self, name: &str, rest: &[Token]) -> usize {
        // A name may itself hold dots.
        let mut joined = name.to_owned();
        if self.enter(&joined) {
            return 1;
        }
        for (count, token) in rest.iter().enumerate() {
            let Token::Name(next) = token else { break };
            joined = format!("{joined}.{next}");
            if self.enter_exactly(&joined) {
                return count + 2;
            }
        }
        let is_dsl = self.flavour == Flavour::Dsl;
        if is_dsl && matches!(name, "params" | "successors" | "value" | "expression") {
            // Their members stand among the keys of what is around them, or are what the key of a param leads to.
            return 1;
        }
        self.place = None;
        let dot = if self.path.is_empty() { "" } else { "." };
        self.path = format!("{}{dot}{}", self.path, snake(name));
        1
    }

    fn enter_exactly(&mut self, name: &str) -> bool {
        let Some(entry) = self.place.and_then(|place| place.entry(|key| key == name)) else {
            return false;
        };
        self.take(&entry.key, entry.at, &entry.value);
        true
    }

    fn enter(&mut self, name: &str) -> bool {
        let Some(place) = self.place else {
            return false;
        };
        let snake = snake(name);
        let dsl = self.flavour == Flavour::Dsl;
        let alias = match name {
            "steps" => "jobs",
            "step" => "job",
            "loop_params" | "value" => "params",
            "sub_type" | "subType" => "type",
            "subworkflow_id" => "workflow_id",
            _ => name,
        };
        let is_wanted = |key: &str| {
            key == name
                || key == snake
                || (dsl && (key == alias || param_name(key) == name))
                || key.eq_ignore_ascii_case(name) && (is_wrapper(key) || key == "Workflow")
        };
        if let Some(entry) = place.entry(is_wanted) {
            self.take(&entry.key, entry.at, &entry.value);
            return true;
        }
        // The path of a violation leaves out the key around a step.
        let PlaceKind::Map(entries) = &place.kind else {
            return false;
        };
        let [only] = &entries[..] else { return false };
        if !is_wrapper(&only.key) || only.value.entry(is_wanted).is_none() {
            return false;
        }
        self.take(&only.key, only.at, &only.value);
        self.enter(name)
    }

    fn take(&mut self, key: &str, at: Position, value: &'a Place) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.path = format!("{}{dot}{key}", self.path);
        self.position = at;
        self.place = Some(value);
    }
}

/// The name in the key of a param of the DSL: `!total<long>(mutable)` is `total` (spec 01 section 12.4).
fn param_name(key: &str) -> &str {
    let key = key.trim();
    let key = key.strip_prefix('!').unwrap_or(key);
    let end = key.find(['<', '(']).unwrap_or(key.len());
    key[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_names_and_indexes() {
        let name = |text: &str| Token::Name(text.to_owned());
        assert_eq!(
            tokens("workflow.steps[2].step[0][1].id"),
            [
                name("workflow"),
                name("steps"),
                Token::Index(2),
                name("step"),
                Token::Index(0),
                Token::Index(1),
                name("id"),
            ]
        );
        assert_eq!(tokens(""), []);
        assert_eq!(snake("runStrategy"), "run_strategy");
        assert_eq!(param_name(" !total<long>(mutable)"), "total");
    }
}
