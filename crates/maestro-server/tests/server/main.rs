//! The server on a real engine, over HTTP.

mod administration;
mod cases;
mod definitions;
mod dry_run;
mod instances;
mod jobs;
mod resources;
mod routing;
mod support;
