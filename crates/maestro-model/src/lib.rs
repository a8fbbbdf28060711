//! Definitions, params, instances and events as plain data, with their exact JSON.
pub mod state;
