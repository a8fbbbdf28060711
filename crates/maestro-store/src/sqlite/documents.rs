//! Documents on disk.

use rusqlite::{Connection, OptionalExtension};

use super::classify;
use crate::{DocumentChange, DocumentKind, ReadError};

/// Applies changes; returns how many documents were removed.
pub(super) fn change(connection: &Connection, changes: &[DocumentChange]) -> rusqlite::Result<u64> {
    let mut removed = 0;
    for change in changes {
        match change {
            DocumentChange::Put {
                kind,
                name,
                part,
                body,
            } => {
                connection
                    .prepare_cached(
                        "INSERT INTO document(kind, name, part, body) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE SET body = excluded.body",
                    )?
                    .execute((*kind as u8, name, part, body))?;
            }
            DocumentChange::Remove { kind, name, part } => {
                removed += connection
                    .prepare_cached(
                        "DELETE FROM document WHERE kind = ?1 AND name = ?2 AND (?3 IS NULL OR part = ?3)",
                    )?
                    .execute((*kind as u8, name, part))? as u64;
            }
        }
    }
    Ok(removed)
}

/// One document; without a part the one whose part is the last.
pub(super) fn one(
    connection: &Connection,
    kind: DocumentKind,
    name: &str,
    part: Option<&str>,
) -> Result<Option<String>, ReadError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT body FROM document WHERE kind = ?1 AND name = ?2 AND (?3 IS NULL OR part = ?3)
             ORDER BY part DESC LIMIT 1",
        )
        .map_err(classify::read)?;
    statement
        .query_row((kind as u8, name, part), |row| row.get(0))
        .optional()
        .map_err(classify::read)
}

/// All documents with this part, by name.
pub(super) fn with_part(
    connection: &Connection,
    kind: DocumentKind,
    part: &str,
) -> Result<Vec<String>, ReadError> {
    let mut statement = connection
        .prepare_cached("SELECT body FROM document WHERE kind = ?1 AND part = ?2 ORDER BY name")
        .map_err(classify::read)?;
    let rows = statement
        .query_map((kind as u8, part), |row| row.get(0))
        .map_err(classify::read)?;
    rows.collect::<rusqlite::Result<_>>()
        .map_err(classify::read)
}
