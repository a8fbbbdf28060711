//! The server on a real engine, over HTTP.

mod definitions;
mod instances;
mod jobs;
mod routing;
mod support;
