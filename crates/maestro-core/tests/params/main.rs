//! Spec 02: merging, evaluation, conversion, passing on.

mod bed;
mod evaluating;
mod merging;
mod properties;
