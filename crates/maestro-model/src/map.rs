//! The two containers that the model is made of.

use std::sync::Arc;

/// Text of a definition. Shared, because one definition serves all runs of its version and merging copies names and
/// values around.
pub type Str = Arc<str>;

/// A map that keeps the order of insertion (spec 01 JS-10); a key that is inserted again keeps its place.
///
/// The hash has a fixed seed, so that nothing in this crate depends on randomness.
pub type Map<V> = indexmap::IndexMap<Str, V, foldhash::quality::FixedState>;
