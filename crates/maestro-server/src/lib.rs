//! REST, metrics, OpenAPI and configuration.

pub mod config;
