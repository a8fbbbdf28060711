//! The text between the last markers of a log, found without holding the log (`spec 07 K8-7`).

use std::io;
use std::ops::Range;
use std::path::Path;

use memchr::memmem::Finder;

use super::{END, MAX_BYTES, OutputError, Place, START};
use crate::local::LogReader;

/// How much of the log is looked at at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The text after the last start marker and before the last end marker, if they come in this order.
pub(super) fn last_pair(log: &Path) -> Result<Option<Vec<u8>>, OutputError> {
    let unreadable = |error: io::Error| OutputError::Unreadable {
        place: Place::Log,
        reason: error.to_string(),
    };
    let reader = match LogReader::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(unreadable)?,
    };
    let end = reader.end().map_err(unreadable)?;
    let gap = reader.gap().map_err(unreadable)?;
    // A marker cannot lie across what was dropped.
    let (first, last) = match &gap {
        Some(gap) => (0..gap.start, gap.end..end),
        None => (0..end, end..end),
    };
    let mut found = Last::default();
    for part in [first, last] {
        found.scan(&reader, part).map_err(unreadable)?;
    }
    let (Some(start), Some(end)) = (found.start, found.end) else {
        return Ok(None);
    };
    if start >= end {
        return Ok(None);
    }
    if gap.is_some_and(|gap| start <= gap.start && gap.end <= end) {
        return Err(OutputError::Cut);
    }
    if end - start > MAX_BYTES {
        return Err(OutputError::TooLong { place: Place::Log });
    }
    read(&reader, start..end).map(Some).map_err(unreadable)
}

/// The offset after the last start marker, and that of the last end marker.
#[derive(Default)]
struct Last {
    start: Option<u64>,
    end: Option<u64>,
}

impl Last {
    fn scan(&mut self, reader: &LogReader, part: Range<u64>) -> io::Result<()> {
        let (starts, ends) = (Finder::new(START), Finder::new(END));
        let mut carried: Vec<u8> = Vec::new();
        let mut offset = part.start;
        while offset < part.end {
            let rest = usize::try_from(part.end - offset).unwrap_or(usize::MAX);
            let chunk = reader.read(offset, rest.min(PIECE_BYTES))?;
            if chunk.bytes.is_empty() {
                break;
            }
            let base = offset - carried.len() as u64;
            carried.extend_from_slice(&chunk.bytes);
            offset = chunk.next_offset;
            if let Some(at) = starts.find_iter(&carried).last() {
                self.start = Some(base + (at + START.len()) as u64);
            }
            if let Some(at) = ends.find_iter(&carried).last() {
                self.end = Some(base + at as u64);
            }
            // A marker may lie across two pieces.
            let keep = carried.len().min(START.len().max(END.len()) - 1);
            carried.drain(..carried.len() - keep);
        }
        Ok(())
    }
}

fn read(reader: &LogReader, range: Range<u64>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut offset = range.start;
    while offset < range.end {
        let rest = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
        let chunk = reader.read(offset, rest)?;
        if chunk.bytes.is_empty() {
            break;
        }
        text.extend_from_slice(&chunk.bytes);
        offset = chunk.next_offset;
    }
    Ok(text)
}
