//! The pure engine: decisions as functions of state, event and time.
