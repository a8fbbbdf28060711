//! Definitions, params, instances and events as plain data, with their exact JSON.
//!
//! Owns the shape of everything that a client pushes or reads on the definition side (spec 01, 02 sections 1-3, 04
//! sections 3-5), the rules that decide whether a definition is well formed, and the algebra of properties.
//! Absent on purpose: I/O, clocks, randomness, merging and evaluation of params. No other crate of ours is known here.
//!
//! Start reading at [`definition::Workflow`]; the JSON of a type is a table of its fields next to the type
//! (see [`codec`]), the rules are in [`validate`].

pub mod codec;
pub mod decimal;
pub mod definition;
pub mod error;
pub mod json;
pub mod lint;
mod map;
pub mod param;
pub mod resource;
pub mod run;
pub mod schedule;
pub mod state;
mod text_enum;
pub mod validate;
pub mod yaml;

pub use map::{Map, Str};
