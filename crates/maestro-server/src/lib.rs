//! REST, metrics, OpenAPI and configuration.
