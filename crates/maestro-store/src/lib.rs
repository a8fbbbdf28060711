//! The store: rows, batches, queries; embedded SQLite behind a trait.
