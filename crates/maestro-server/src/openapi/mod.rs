//! The OpenAPI 3.1 document, made from the table of routes and the schemas in `schemas.json`.

use serde_json::{Map, Value, json};

use crate::answer::{JSON, PROBLEM};
use crate::route::{Consumes, Route, Segment, Shape, Table};

const SCHEMAS: &str = include_str!("schemas.json");

/// The document of this server.
#[must_use]
pub fn document() -> Value {
    of_table(&Table::new(crate::table::routes()))
}

pub(crate) fn of_table(table: &Table) -> Value {
    let mut paths = Map::new();
    for route in table.routes() {
        let path = paths
            .entry(path(&route.segments))
            .or_insert_with(|| json!({}));
        path[route.verb.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "maestro",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A workflow orchestrator. The caller of a request is named by the header `user`. Operations that \
                            this server cannot do yet answer 501.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": serde_json::from_str::<Value>(SCHEMAS).unwrap_or_default(),
            "responses": {
                "Fault": {
                    "description": "The request was refused, or failed. Faults of paths, verbs, media types and \
                                    conversions come as a problem, all others as an error.",
                    "content": {
                        JSON: { "schema": reference("Error") },
                        PROBLEM: { "schema": reference("Problem") },
                    },
                },
            },
        },
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn path(segments: &[Segment]) -> String {
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
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [tag(route)],
    });
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    match route.consumes {
        Consumes::Nothing => {}
        Consumes::Json => {
            let schema = reference(route.request.unwrap_or("Object"));
            operation["requestBody"] =
                json!({ "required": true, "content": { JSON: { "schema": schema } } });
        }
        Consumes::Yaml => {
            operation["requestBody"] = json!({
                "required": true,
                "content": { "application/yaml": { "schema": { "type": "string" } } },
            });
        }
    }
    operation["responses"] = responses(route);
    operation
}

fn responses(route: &Route) -> Value {
    if route.shape != Shape::Typed {
        let what = match route.shape {
            Shape::Text => "Done; a text, although its type is JSON.",
            Shape::Maybe => "Done; a JSON object, or an empty body if there is nothing.",
            Shape::Typed | Shape::Nothing => "Done.",
        };
        return json!({
            route.status.to_string(): { "description": what },
            "default": { "$ref": "#/components/responses/Fault" },
        });
    }
    let schema = match route.response {
        Some(schema) => reference(schema),
        None => json!({ "type": "string" }),
    };
    let media = route.produces.split(';').next().unwrap_or_default();
    json!({
        route.status.to_string(): {
            "description": "Done.",
            "content": { media: { "schema": schema } },
        },
        "default": { "$ref": "#/components/responses/Fault" },
    })
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut found = Vec::new();
    for segment in &route.segments {
        let (name, schema) = match segment {
            Segment::Literal(_) => continue,
            Segment::Text(name) => (name, json!({ "type": "string" })),
            Segment::Long(name) => (name, json!({ "type": "integer", "format": "int64" })),
            Segment::Int(name) => (name, json!({ "type": "integer", "format": "int32" })),
        };
        found.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    for param in &route.query {
        found.push(json!({
            "name": param.name,
            "in": "query",
            "required": param.required,
            "description": param.about,
            "schema": { "type": param.ty },
        }));
    }
    if route.needs_user {
        found.push(json!({
            "name": "user",
            "in": "header",
            "required": true,
            "description": "who calls",
            "schema": { "type": "string" },
        }));
    }
    found
}

/// The verb and the literals of the path, which no two routes share.
fn operation_id(route: &Route) -> String {
    let mut id = route.verb.to_ascii_lowercase();
    for segment in &route.segments {
        let word = match segment {
            Segment::Literal("api" | "v3") => continue,
            Segment::Literal(word) => (*word).to_owned(),
            Segment::Text(name) | Segment::Long(name) | Segment::Int(name) => format!("by_{name}"),
        };
        id.push('_');
        id.push_str(&word.replace(['-', '.'], "_"));
    }
    id
}

/// What an operation is about.
fn tag(route: &Route) -> &'static str {
    let has = |literal| route.segments.contains(&Segment::Literal(literal));
    let prefix = |prefix: &str| route.pattern.starts_with(prefix);
    if has("signals") {
        "signals"
    } else if has("job-templates") {
        "job templates"
    } else if has("tag-permits") {
        "tag permits"
    } else if has("breakpoints") {
        "breakpoints"
    } else if has("flatten") || has("groups") || has("output-data") || has("steps") {
        "steps"
    } else if has("instances") || has("start") {
        "instances"
    } else if prefix("/api/v3/workflows") {
        "workflows"
    } else {
        "server"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(elements) => elements.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_schema_is_used() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference
                .strip_prefix('#')
                .expect("a reference in the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let schemas = document["components"]["schemas"]
            .as_object()
            .expect("schemas");
        assert!(schemas.len() > 15);
        for name in schemas.keys() {
            let reference = format!("#/components/schemas/{name}");
            assert!(found.contains(&reference.as_str()), "{name} is not used");
        }
    }

    #[test]
    fn every_route_is_described_under_its_own_id() {
        let document = document();
        let paths = document["paths"].as_object().expect("paths");
        let operations = paths
            .values()
            .flat_map(|path| path.as_object().into_iter().flatten());
        let ids: Vec<&str> = operations
            .filter_map(|(_, operation)| operation["operationId"].as_str())
            .collect();
        assert_eq!(ids.len(), crate::table::routes().len());
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
