//! The seeded simulator and its fault model.
