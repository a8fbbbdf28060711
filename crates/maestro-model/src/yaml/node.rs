//! YAML as a tree with positions; aliases are resolved (decision 18).

use super::YamlError;
use crate::json::Position;
use crate::lint::{Entry, Place, PlaceKind};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput, Tag};
use std::collections::HashMap;
use std::rc::Rc;

/// Most nodes of a text once its aliases are resolved.
const NODES_MAX: usize = 200_000;

/// The deepest nesting of lists and maps that is read; what a request may hold is less.
const DEPTH_MAX: usize = 300;

/// A value with the place where it starts. Lists and maps are shared, so that an alias costs nothing.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) kind: Kind,
    /// How many values it is with its aliases written out.
    size: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A scalar as it is written, and how its type is found.
    Scalar(String, Typing),
    /// A list.
    List(Rc<[Node]>),
    /// A map, equal keys included.
    Map(Rc<[(Node, Node)]>),
}

/// How the type of a scalar is found (spec 01 D-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typing {
    /// By its text.
    Plain,
    /// Quoted, or in a block: a string.
    Text,
    /// By a tag `!!int`, `!!float`, `!!bool`, `!!null`.
    Tagged(&'static str),
}

impl Node {
    /// A fault at this node.
    pub(super) fn fault(&self, reason: impl Into<String>) -> YamlError {
        YamlError::Text {
            reason: reason.into(),
            position: self.position,
        }
    }

    /// The text of a scalar as it is written.
    pub(super) fn text(&self) -> Option<&str> {
        if let Kind::Scalar(text, _) = &self.kind {
            Some(text)
        } else {
            None
        }
    }

    /// The elements of a list.
    pub(super) fn elements(&self) -> Option<&[Node]> {
        if let Kind::List(elements) = &self.kind {
            Some(elements)
        } else {
            None
        }
    }

    /// The members of a map: of equal keys the last value, at the place of the first; `None` for another kind of node.
    ///
    /// # Errors
    /// A key that is no scalar.
    pub(super) fn members(&self) -> Result<Option<Vec<(&str, &Node)>>, YamlError> {
        let Kind::Map(members) = &self.kind else {
            return Ok(None);
        };
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut distinct: Vec<(&str, &Node)> = Vec::with_capacity(members.len());
        for (key, value) in members.iter() {
            let name = key
                .text()
                .ok_or_else(|| key.fault("a key must be a text"))?;
            match places.get(name) {
                Some(&place) => distinct[place].1 = value,
                None => {
                    places.insert(name, distinct.len());
                    distinct.push((name, value));
                }
            }
        }
        Ok(Some(distinct))
    }

    /// The members of what must be a map.
    ///
    /// # Errors
    /// Another kind of node, or a key that is no scalar.
    pub(super) fn map(&self, what: &str) -> Result<Vec<(&str, &Node)>, YamlError> {
        self.members()?
            .ok_or_else(|| self.fault(format!("{what} must be a map, found {}", self.shown())))
    }

    /// The elements of what must be a list.
    ///
    /// # Errors
    /// Another kind of node.
    pub(super) fn list(&self, what: &str) -> Result<&[Node], YamlError> {
        self.elements()
            .ok_or_else(|| self.fault(format!("{what} must be a list, found {}", self.shown())))
    }

    /// What the node is, for messages.
    pub(super) fn shown(&self) -> String {
        match &self.kind {
            Kind::Scalar(text, _) => format!("`{}`", text.chars().take(60).collect::<String>()),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// Where the values are.
    pub(super) fn place(&self) -> Place {
        let kind = match &self.kind {
            Kind::Scalar(..) => PlaceKind::Leaf,
            Kind::List(elements) => PlaceKind::List(elements.iter().map(Node::place).collect()),
            Kind::Map(members) => {
                let entry = |(key, value): &(Node, Node)| Entry {
                    key: key.text().unwrap_or_default().to_owned(),
                    at: key.position,
                    value: value.place(),
                };
                PlaceKind::Map(members.iter().map(entry).collect())
            }
        };
        Place {
            position: self.position,
            kind,
        }
    }

    /// Without the innermost member or element that begins at a position; `None` if there is none. A `type` becomes one
    /// that is in order, since a job without any is nothing.
    pub(super) fn without(&self, position: Position) -> Option<Node> {
        let with = |kind: Kind| Node {
            position: self.position,
            size: kind.size(),
            kind,
        };
        match &self.kind {
            Kind::Scalar(..) => None,
            Kind::List(elements) => {
                let inner = elements
                    .iter()
                    .enumerate()
                    .find_map(|(at, element)| Some((at, element.without(position)?)));
                let mut rest = elements.to_vec();
                match inner {
                    Some((at, element)) => rest[at] = element,
                    None => {
                        let at = elements.iter().position(|e| e.position == position)?;
                        rest.remove(at);
                    }
                }
                Some(with(Kind::List(rest.into())))
            }
            Kind::Map(members) => {
                let inner = members
                    .iter()
                    .enumerate()
                    .find_map(|(at, (_, value))| Some((at, value.without(position)?)));
                let mut rest = members.to_vec();
                match inner {
                    Some((at, value)) => rest[at].1 = value,
                    None => {
                        let at = members.iter().position(|(key, value)| {
                            key.position == position || value.position == position
                        })?;
                        let (key, value) = &mut rest[at];
                        if key.text() == Some("type") && value.position == position {
                            value.kind = Kind::Scalar("NoOp".to_owned(), Typing::Plain);
                        } else {
                            rest.remove(at);
                        }
                    }
                }
                Some(with(Kind::Map(rest.into())))
            }
        }
    }

    pub(super) fn repeated_keys(&self) -> Vec<(String, Position, Position)> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(node) = open.pop() {
            match &node.kind {
                Kind::Scalar(..) => {}
                Kind::List(elements) => open.extend(elements.iter()),
                Kind::Map(members) => {
                    let mut seen: HashMap<&str, Position> = HashMap::new();
                    for (key, value) in members.iter() {
                        if let Some(name) = key.text()
                            && let Some(first) = seen.insert(name, key.position)
                        {
                            found.push((name.to_owned(), first, key.position));
                        }
                        open.push(value);
                    }
                }
            }
        }
        found
    }
}

impl Kind {
    fn size(&self) -> usize {
        let sum = |sum: usize, node: &Node| sum.saturating_add(node.size);
        match self {
            Kind::Scalar(..) => 1,
            Kind::List(elements) => elements.iter().fold(1, sum),
            Kind::Map(members) => members
                .iter()
                .flat_map(|(key, value)| [key, value])
                .fold(1, sum),
        }
    }
}

/// Reads the first document.
///
/// # Errors
/// Bytes that are not UTF-8, a fault of the syntax, U+0000 in a text, too many levels or nodes, no document.
pub(super) fn parse(body: &[u8]) -> Result<Node, YamlError> {
    let start = Position { line: 1, column: 1 };
    let fault = |reason: &str| YamlError::Text {
        reason: reason.to_owned(),
        position: start,
    };
    let text = std::str::from_utf8(body).map_err(|_| fault("the text is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        text,
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
    };
    loop {
        match builder.next()? {
            Some((Event::StreamStart | Event::Nothing | Event::DocumentStart(_), _)) => {}
            Some((Event::StreamEnd | Event::DocumentEnd, _)) | None => {
                return Err(fault("there is no document"));
            }
            Some((event, marker)) => return builder.node(event, marker, 0),
        }
    }
}

/// Where a second document begins that says something; [`parse`] does not read it (spec 01 case 87).
pub(super) fn second_document(body: &[u8]) -> Option<Position> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = 0;
    let mut start = None;
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                start = Some(position(span.start));
            }
            Ok((Event::Scalar(text, ..), _)) if text.is_empty() => {}
            Ok((
                Event::Scalar(..)
                | Event::Alias(_)
                | Event::SequenceStart(..)
                | Event::MappingStart(..),
                _,
            )) if documents > 1 => return start,
            Ok(_) => {}
            Err(_) => return start.filter(|_| documents > 1),
        }
    }
    None
}

struct Builder<'a> {
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Marker)>, YamlError> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, span.start))),
            Some(Err(fault)) => Err(YamlError::Text {
                reason: format!("no YAML: {}", fault.info()),
                position: position(*fault.marker()),
            }),
        }
    }

    fn node(&mut self, event: Event<'a>, marker: Marker, depth: usize) -> Result<Node, YamlError> {
        let position = position(marker);
        let fault = |reason: String| YamlError::Text { reason, position };
        if depth > DEPTH_MAX {
            return Err(fault(format!("more than {DEPTH_MAX} levels of nesting")));
        }
        let (kind, anchor) = match event {
            Event::Alias(anchor) => {
                let name = self.alias_name(marker);
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| {
                    fault(format!(
                        "the alias `{name}` stands inside of its own anchor"
                    ))
                })?;
                self.count(node.size, position, &name)?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                if text.contains('\0') {
                    return Err(fault(
                        "the character U+0000, which no text may hold".to_owned(),
                    ));
                }
                let typing = typing(style, tag.as_deref()).map_err(fault)?;
                (Kind::Scalar(text.into_owned(), typing), anchor)
            }
            Event::SequenceStart(anchor, _) => (Kind::List(self.list(depth)?.into()), anchor),
            Event::MappingStart(anchor, _) => (Kind::Map(self.map(depth)?.into()), anchor),
            _ => return Err(fault("unexpected end of the document".to_owned())),
        };
        self.count(1, position, "")?;
        let node = Node {
            position,
            size: kind.size(),
            kind,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, YamlError> {
        let mut elements = Vec::new();
        while let Some((event, marker)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            elements.push(self.node(event, marker, depth + 1)?);
        }
        Ok(elements)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Node, Node)>, YamlError> {
        let mut members = Vec::new();
        while let Some((event, marker)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, marker, depth + 1)?;
            let Some((event, marker)) = self.next()? else {
                break;
            };
            members.push((key, self.node(event, marker, depth + 1)?));
        }
        Ok(members)
    }

    fn count(&mut self, nodes: usize, position: Position, alias: &str) -> Result<(), YamlError> {
        self.nodes += nodes;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let reason = match alias {
            "" => format!("more than {NODES_MAX} values"),
            alias => format!(
                "the alias `{alias}` makes the text more than {NODES_MAX} values long once aliases are written out"
            ),
        };
        Err(YamlError::Text { reason, position })
    }

    /// The alias as it stands in the text, for messages.
    fn alias_name(&self, marker: Marker) -> String {
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
        self.text
            .chars()
            .skip(marker.index())
            .take_while(|c| !ends(*c))
            .take(60)
            .collect()
    }
}

fn typing(style: ScalarStyle, tag: Option<&Tag>) -> Result<Typing, String> {
    let Some(tag) = tag else {
        return Ok(if matches!(style, ScalarStyle::Plain) {
            Typing::Plain
        } else {
            Typing::Text
        });
    };
    if !tag.is_yaml_core_schema() {
        return Ok(Typing::Text);
    }
    match tag.suffix.as_str() {
        "int" => Ok(Typing::Tagged("int")),
        "float" => Ok(Typing::Tagged("float")),
        "bool" => Ok(Typing::Tagged("bool")),
        "binary" => Err("values with the tag !!binary are not supported".to_owned()),
        _ => Ok(Typing::Text),
    }
}

fn position(marker: Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}
