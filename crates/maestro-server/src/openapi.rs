//! The OpenAPI 3.1 document, made from the table of routes.

use serde_json::{Map, Value, json};

use crate::route::{Consumes, Route, Segment, Table};

/// The document of this server.
#[must_use]
pub fn document() -> Value {
    of_table(&Table::new(crate::table::routes()))
}

pub(crate) fn of_table(table: &Table) -> Value {
    let mut paths = Map::new();
    for route in table.routes() {
        let path = paths
            .entry(plain(&route.segments))
            .or_insert_with(|| json!({}));
        path[route.verb.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "maestro",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A workflow orchestrator.",
        },
        "paths": paths,
    })
}

fn plain(segments: &[Segment]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Text(name) | Segment::Long(name) | Segment::Int(name) => {
                path.push('{');
                path.push_str(name);
                path.push('}');
            }
        }
    }
    path
}

fn operation(route: &Route) -> Value {
    let _ = Consumes::Nothing;
    json!({ "summary": route.summary })
}
