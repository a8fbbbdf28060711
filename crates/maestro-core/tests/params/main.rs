//! Spec 02: merging, evaluation, conversion, passing on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bed;
mod evaluating;
mod job_templates;
mod merging;
mod passing;
mod properties;
