//! Routes: what a row of the table is, and how a path finds its row (spec 04 H-6, H-9).

use std::pin::Pin;

use crate::answer::{Answer, Fault};
use crate::call::{Call, Moment};

/// A part of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Segment {
    /// This text.
    Literal(&'static str),
    /// Any text.
    Text(&'static str),
    /// A number of 64 bits (H-7).
    Long(&'static str),
    /// A number of 32 bits.
    Int(&'static str),
}

/// Which content type the body must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Consumes {
    /// The body is not looked at.
    Nothing,
    /// `application/json`.
    Json,
    /// `application/yaml`.
    Yaml,
}

/// What the body of an answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// What its type says.
    Typed,
    /// A text that is no JSON, under the type of JSON.
    Text,
    /// Nothing.
    Nothing,
    /// What its type says, or nothing at all (spec 04 H-13).
    Maybe,
}

/// A query parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Param {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its JSON schema type.
    pub(crate) ty: &'static str,
    /// What it does.
    pub(crate) about: &'static str,
    /// Whether a request without it is refused.
    pub(crate) required: bool,
}

/// The future of an [`Handler::Act`].
pub(crate) type Acting = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send>>;

/// Who answers.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// Answers from memory.
    Now(fn(&Call) -> Result<Answer, Fault>),
    /// Reads one moment of the store, on a thread that may wait.
    Read(fn(&Call, &Moment) -> Result<Answer, Fault>),
    /// Sends commands, or goes on answering later.
    Act(fn(Call) -> Acting),
}

/// A row of the table.
pub(crate) struct Route {
    pub(crate) verb: &'static str,
    pub(crate) pattern: &'static str,
    pub(crate) segments: Vec<Segment>,
    pub(crate) summary: &'static str,
    pub(crate) handler: Handler,
    pub(crate) consumes: Consumes,
    /// Whether the caller must say who it is (H-4).
    pub(crate) needs_user: bool,
    /// The content type of the answer; anything but JSON is answered whatever `Accept` says.
    pub(crate) produces: &'static str,
    pub(crate) query: Vec<Param>,
    /// Schemas of the bodies, by name.
    pub(crate) request: Option<&'static str>,
    pub(crate) response: Option<&'static str>,
    pub(crate) shape: Shape,
    /// The status of success.
    pub(crate) status: u16,
}

impl Route {
    fn new(
        verb: &'static str,
        pattern: &'static str,
        summary: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            verb,
            pattern,
            segments: pattern.split('/').skip(1).map(segment).collect(),
            summary,
            handler,
            consumes: Consumes::Nothing,
            needs_user: false,
            produces: crate::answer::JSON,
            query: Vec::new(),
            request: None,
            response: None,
            shape: Shape::Typed,
            status: 200,
        }
    }

    pub(crate) fn get(pattern: &'static str, summary: &'static str, handler: Handler) -> Self {
        Self::new("GET", pattern, summary, handler)
    }

    pub(crate) fn put(pattern: &'static str, summary: &'static str, handler: Handler) -> Self {
        Self::new("PUT", pattern, summary, handler)
    }

    pub(crate) fn post(pattern: &'static str, summary: &'static str, handler: Handler) -> Self {
        Self::new("POST", pattern, summary, handler)
    }

    pub(crate) fn delete(pattern: &'static str, summary: &'static str, handler: Handler) -> Self {
        Self::new("DELETE", pattern, summary, handler)
    }

    /// The caller must say who it is.
    pub(crate) fn user(self) -> Self {
        Self {
            needs_user: true,
            ..self
        }
    }

    /// Takes JSON of this schema.
    pub(crate) fn json(self, schema: &'static str) -> Self {
        Self {
            consumes: Consumes::Json,
            request: Some(schema),
            ..self
        }
    }

    /// Takes YAML.
    pub(crate) fn yaml(self) -> Self {
        Self {
            consumes: Consumes::Yaml,
            ..self
        }
    }

    /// Answers JSON of this schema.
    pub(crate) fn answers(self, schema: &'static str) -> Self {
        Self {
            response: Some(schema),
            ..self
        }
    }

    /// Answers a text, although its type is JSON (spec 04 H-12).
    pub(crate) fn answers_text(self) -> Self {
        Self {
            shape: Shape::Text,
            ..self
        }
    }

    /// Answers without a body (spec 04 H-11).
    pub(crate) fn answers_nothing(self) -> Self {
        Self {
            shape: Shape::Nothing,
            ..self
        }
    }

    /// Answers what its type says, or without a body.
    pub(crate) fn answers_maybe(self) -> Self {
        Self {
            shape: Shape::Maybe,
            ..self
        }
    }

    /// Answers with another content type.
    pub(crate) fn produces(self, content_type: &'static str) -> Self {
        Self {
            produces: content_type,
            ..self
        }
    }

    /// Has a query parameter.
    pub(crate) fn query(
        mut self,
        name: &'static str,
        ty: &'static str,
        about: &'static str,
    ) -> Self {
        self.query.push(Param {
            name,
            ty,
            about,
            required: false,
        });
        self
    }

    /// Has a query parameter that must be given.
    pub(crate) fn required_query(
        mut self,
        name: &'static str,
        ty: &'static str,
        about: &'static str,
    ) -> Self {
        self.query.push(Param {
            name,
            ty,
            about,
            required: true,
        });
        self
    }

    /// Pages of a list (spec 04 P-2).
    pub(crate) fn paged(self) -> Self {
        self.query(
            "first",
            "integer",
            "so many of the newest, or of those before the cursor: 1 to 200",
        )
        .query(
            "last",
            "integer",
            "so many of the oldest, or of those after the cursor: 1 to 200",
        )
        .query("cursor", "string", "the id to go on from")
    }

    /// Answers with another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn variables(&self) -> usize {
        let literals = self
            .segments
            .iter()
            .filter(|s| matches!(s, Segment::Literal(_)));
        self.segments.len() - literals.count()
    }

    fn matches(&self, path: &[String]) -> bool {
        self.segments
            .iter()
            .zip(path)
            .all(|(segment, text)| match segment {
                Segment::Literal(literal) => literal == text,
                Segment::Text(_) | Segment::Long(_) | Segment::Int(_) => true,
            })
    }
}

/// `{name}`, `{name:long}`, `{name:int}` or a literal.
fn segment(text: &'static str) -> Segment {
    let Some(variable) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
        return Segment::Literal(text);
    };
    match variable.split_once(':') {
        Some((name, "long")) => Segment::Long(name),
        Some((name, _)) => Segment::Int(name),
        None => Segment::Text(variable),
    }
}

/// What is at a path.
pub(crate) enum Found<'t> {
    /// No route has such a path.
    Nothing,
    /// Routes have it, but not with this verb; or OPTIONS was asked. What is allowed.
    Allow(String),
    /// This one, by its number.
    Route(usize, &'t Route),
}

/// All routes.
pub(crate) struct Table {
    routes: Vec<Route>,
    /// Numbers of the routes by how many segments they have; those with more literals come first.
    by_length: Vec<Vec<usize>>,
}

impl Table {
    pub(crate) fn new(routes: Vec<Route>) -> Self {
        let longest = routes.iter().map(|r| r.segments.len()).max().unwrap_or(0);
        let mut by_length = vec![Vec::new(); longest + 1];
        for (number, route) in routes.iter().enumerate() {
            by_length[route.segments.len()].push(number);
        }
        for numbers in &mut by_length {
            numbers.sort_by_key(|number| routes[*number].variables());
        }
        Self { routes, by_length }
    }

    /// The rows, in the order of the table.
    pub(crate) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Finds the route of a request. HEAD is answered by GET.
    pub(crate) fn find(&self, verb: &str, path: &[String]) -> Found<'_> {
        let wanted = if verb == "HEAD" { "GET" } else { verb };
        let numbers = self
            .by_length
            .get(path.len())
            .map_or(&[][..], Vec::as_slice);
        let matching = || {
            numbers
                .iter()
                .map(|number| (*number, &self.routes[*number]))
                .filter(|(_, route)| route.matches(path))
        };
        if let Some((number, route)) = matching().find(|(_, route)| route.verb == wanted) {
            return Found::Route(number, route);
        }
        let mut verbs: Vec<&str> = Vec::new();
        for (_, route) in matching() {
            let both = ["GET", "HEAD"];
            let own = if route.verb == "GET" {
                &both[..]
            } else {
                std::slice::from_ref(&route.verb)
            };
            for verb in own {
                if !verbs.contains(verb) {
                    verbs.push(verb);
                }
            }
        }
        if verbs.is_empty() {
            return Found::Nothing;
        }
        verbs.push("OPTIONS");
        Found::Allow(verbs.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let none = Handler::Now(|_| Ok(crate::answer::Answer::empty()));
        Table::new(vec![
            Route::get("/w/{wf}/overview", "", none),
            Route::get("/w/{wf}/instances/{i:long}", "", none),
            Route::get("/w/steps/instances/action-map", "", none),
            Route::get("/w/{wf}/versions/{version}", "", none),
            Route::get("/w/{wf}/versions/pagination", "", none),
            Route::delete("/w/{wf}", "", none),
            Route::post("/w/yaml", "", none),
        ])
    }

    fn found(verb: &str, path: &str) -> String {
        let path: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
        match table().find(verb, &path) {
            Found::Nothing => "nothing".to_owned(),
            Found::Allow(allow) => allow,
            Found::Route(_, route) => route.pattern.to_owned(),
        }
    }

    #[test]
    fn literals_win_and_variables_take_what_they_leave() {
        assert_eq!(found("GET", "/w/steps/overview"), "/w/{wf}/overview");
        assert_eq!(
            found("GET", "/w/steps/instances/action-map"),
            "/w/steps/instances/action-map"
        );
        assert_eq!(
            found("GET", "/w/steps/instances/x"),
            "/w/{wf}/instances/{i:long}"
        );
        assert_eq!(
            found("GET", "/w/a/instances/action-map"),
            "/w/{wf}/instances/{i:long}"
        );
        assert_eq!(
            found("GET", "/w/a/versions/pagination"),
            "/w/{wf}/versions/pagination"
        );
        assert_eq!(found("DELETE", "/w/yaml"), "/w/{wf}");
        assert_eq!(found("GET", "/w/a/Overview"), "nothing");
    }

    // [04:63]
    #[test]
    fn other_verbs_are_told_what_is_allowed() {
        assert_eq!(found("GET", "/w/yaml"), "POST, DELETE, OPTIONS");
        assert_eq!(found("BREW", "/w/a/overview"), "GET, HEAD, OPTIONS");
        assert_eq!(found("OPTIONS", "/w/a"), "DELETE, OPTIONS");
        assert_eq!(found("HEAD", "/w/a/overview"), "/w/{wf}/overview");
        assert_eq!(found("HEAD", "/w/a"), "DELETE, OPTIONS");
        assert_eq!(found("OPTIONS", "/nothing"), "nothing");
    }
}
