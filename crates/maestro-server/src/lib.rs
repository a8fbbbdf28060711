//! The HTTP face of the engine: REST, OpenAPI, metrics, health.
//!
//! One table of routes ([`table`]) feeds the routing, `Allow`, and the OpenAPI document. A request is checked in the order
//! of spec 04 H-16 ([`dispatch`]), then a handler parses it, calls the engine or reads one snapshot of the store, and
//! renders a view of the core. Absent on purpose: rules of workflows, SQL, the views themselves.
//!
//! Start reading at [`serve`]; then `table.rs` and `dispatch.rs`.

mod answer;
mod call;
pub mod config;
mod dispatch;
mod guard;
mod handlers;
mod media;
mod metrics;
mod number;
mod openapi;
mod path;
mod query;
mod route;
mod serve;
mod table;

pub use openapi::document as openapi_document;
pub use serve::{ServeOptions, serve, serve_on};
