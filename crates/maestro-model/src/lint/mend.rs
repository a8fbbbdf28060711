//! Takes out what is at fault, so that the rest can be looked at.

use super::locate::{Token, is_wrapper, snake, tokens};
use crate::json::{Json, Object};
use std::collections::HashSet;

/// Most faults that are mended in one file.
const MOST: usize = 200;

/// A request that is being mended.
pub(super) struct Mender {
    json: Json,
    reported: HashSet<String>,
    mended: Vec<Vec<Token>>,
    stubs: usize,
}

impl Mender {
    pub(super) fn new(json: Json) -> Self {
        Self {
            json,
            reported: HashSet::new(),
            mended: Vec::new(),
            stubs: 0,
        }
    }

    pub(super) fn json(&self) -> &Json {
        &self.json
    }

    /// Whether no fault at this path was reported before: a value that was taken out may then be missed.
    pub(super) fn is_new(&mut self, path: &str) -> bool {
        self.reported.insert(path.to_owned())
    }

    /// Mends the value at a path; false if that is not possible.
    pub(super) fn mend(&mut self, path: &str) -> bool {
        let tokens = tokens(path);
        if tokens.is_empty() || self.mended.len() >= MOST {
            return false;
        }
        let is_mended = self.mend_at(&tokens);
        self.mended.push(plain(&tokens));
        is_mended
    }

    /// Whether a violation lies at or under something that was mended.
    pub(super) fn covers(&self, path: &str) -> bool {
        let path = plain(&tokens(path));
        let steps = [
            Token::Name("workflow".to_owned()),
            Token::Name("steps".to_owned()),
        ];
        (self.stubs > 0 && path == steps)
            || self.mended.iter().any(|mended| path.starts_with(mended))
    }

    fn mend_at(&mut self, tokens: &[Token]) -> bool {
        // Deeper places may have gone with what is around them.
        for length in (1..=tokens.len()).rev() {
            let (parent, last) = (&tokens[..length - 1], &tokens[length - 1]);
            let mut json = std::mem::take(&mut self.json);
            let done = match descend(&mut json, parent) {
                Some(Json::Object(object)) => {
                    let Token::Name(name) = last else {
                        self.json = json;
                        return false;
                    };
                    self.mend_member(object, parent, name)
                }
                Some(Json::Array(elements)) => {
                    let Token::Index(index) = last else {
                        self.json = json;
                        return false;
                    };
                    let is_step =
                        matches!(parent.last(), Some(Token::Name(name)) if name == "steps");
                    match elements.get_mut(*index) {
                        Some(element) if is_step => {
                            *element = self.stub();
                            Some(true)
                        }
                        // An element that goes would move the others: the whole list goes.
                        _ => None,
                    }
                }
                _ => None,
            };
            self.json = json;
            if let Some(done) = done {
                return done;
            }
        }
        false
    }

    /// `None`: try the value around it.
    fn mend_member(&mut self, object: &mut Object, parent: &[Token], name: &str) -> Option<bool> {
        let in_param = parent
            .iter()
            .any(|token| matches!(token, Token::Name(name) if name == "params" || name == "value"));
        if let Some(value) = object.remove(name) {
            if is_wrapper(name) && value.as_object().is_some() && object.is_empty() {
                // A step of which nothing can be read.
                return None;
            }
            return Some(true);
        }
        self.stubs += 1;
        let text = |text: &str| Json::from(text);
        let value = match name {
            "id" | "name" | "job_type" => text(&format!("placeholder-{}", self.stubs)),
            "type" if in_param => text("STRING"),
            "type" => text("NoOp"),
            "condition" => text("true"),
            "operator" => text("="),
            "rule" => text("SEQUENTIAL"),
            "cron" => text("0 0 * * *"),
            "expression" => text("@daily"),
            "steps" => Json::Array(vec![self.stub()]),
            "workflow" => {
                let mut workflow = Object::new();
                workflow.insert("id", text("placeholder"));
                workflow.insert("steps", Json::Array(vec![self.stub()]));
                Json::Object(workflow)
            }
            _ => return None,
        };
        object.insert(name, value);
        Some(true)
    }

    /// A step that is in order.
    fn stub(&mut self) -> Json {
        self.stubs += 1;
        let mut body = Object::new();
        body.insert("id", Json::from(&*format!("placeholder-{}", self.stubs)));
        body.insert("type", Json::from("NoOp"));
        let mut step = Object::new();
        step.insert("step", Json::Object(body));
        Json::Object(step)
    }
}

fn descend<'j>(json: &'j mut Json, path: &[Token]) -> Option<&'j mut Json> {
    path.iter()
        .try_fold(json, |json, token| match (json, token) {
            (Json::Object(object), Token::Name(name)) => object.get_mut(name),
            (Json::Array(elements), Token::Index(index)) => elements.get_mut(*index),
            _ => None,
        })
}

/// Without the keys around steps, and in snake case: as paths of faults and of violations agree.
fn plain(tokens: &[Token]) -> Vec<Token> {
    let mut plain: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut is_step = false;
    for token in tokens {
        match token {
            Token::Index(_) => {
                is_step = matches!(plain.last(), Some(Token::Name(name)) if name == "steps");
                plain.push(token.clone());
            }
            Token::Name(name) => {
                if !(is_step && is_wrapper(name)) {
                    plain.push(Token::Name(snake(name)));
                }
                is_step = false;
            }
        }
    }
    plain
}
