//! Handlers, by what they are about. Each parses, calls, renders.

pub(crate) mod actions;
pub(crate) mod administration;
pub(crate) mod definitions;
pub(crate) mod instances;
pub(crate) mod later;
pub(crate) mod lists;
pub(crate) mod logs;
mod paging;
pub(crate) mod resources;
pub(crate) mod steps;
pub(crate) mod system;
