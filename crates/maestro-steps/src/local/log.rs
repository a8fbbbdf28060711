//! The log of an attempt: bounded on disk, addressed by the bytes of the uncut stream.
//!
//! Two files. `KEY.log` holds the first half of what the cap allows. `KEY.tail` begins where that ends and is a ring
//! with a header of two numbers: the first offset that is still whole and the end of the stream. The writer moves the
//! first one before it overwrites bytes and the second one after it has written bytes, so that a reader in another
//! process can tell what it read (`spec 07 BX-7, BX-19`). Lines mean nothing here: a line may be as long as it likes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::folder::{create_private, make_dir, write_atomically};

/// Magic number, capacity, first whole offset, end: eight bytes each.
const HEADER_BYTES: u64 = 32;
const MAGIC: u64 = u64::from_be_bytes(*b"maestrL1");

/// How much of a log goes into `execution_output` (`spec 07 K8-5`).
const OUTPUT_LINES: usize = 128;
/// How many characters of it.
pub(crate) const OUTPUT_CHARS: usize = 10_240;

/// The ring beside a log.
pub(crate) fn tail_path(head: &Path) -> PathBuf {
    head.with_extension("tail")
}

/// Writes the log of one job, in the supervisor.
#[derive(Debug)]
pub(crate) struct LogWriter {
    head: File,
    head_cap: u64,
    tail: Option<File>,
    tail_path: PathBuf,
    tail_cap: u64,
    end: u64,
}

impl LogWriter {
    /// Goes on with the file at its end: the server may have put a line there.
    pub(crate) fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let head = File::options()
            .read(true)
            .write(true)
            .create(false)
            .open(path)?;
        let end = head.metadata()?.len();
        let head_cap = (max_bytes / 2).max(end);
        Ok(Self {
            head,
            head_cap,
            tail: None,
            tail_path: tail_path(path),
            tail_cap: max_bytes.saturating_sub(head_cap).max(1),
            end,
        })
    }

    pub(crate) fn append(&mut self, mut data: &[u8]) -> io::Result<()> {
        if self.end < self.head_cap {
            let room = usize::try_from(self.head_cap - self.end).unwrap_or(usize::MAX);
            let (now, later) = data.split_at(room.min(data.len()));
            self.head.write_all_at(now, self.end)?;
            self.end += now.len() as u64;
            data = later;
        }
        while !data.is_empty() {
            let at = (self.end - self.head_cap) % self.tail_cap;
            let room = usize::try_from(self.tail_cap - at).unwrap_or(usize::MAX);
            let (now, later) = data.split_at(room.min(data.len()));
            let end = self.end + now.len() as u64;
            let first = end.saturating_sub(self.tail_cap).max(self.head_cap);
            let tail = match &self.tail {
                Some(tail) => tail,
                None => self.tail.insert(Self::make_tail(
                    &self.tail_path,
                    self.tail_cap,
                    self.head_cap,
                )?),
            };
            if first > self.head_cap {
                tail.write_all_at(&first.to_le_bytes(), 16)?;
            }
            tail.write_all_at(now, HEADER_BYTES + at)?;
            tail.write_all_at(&end.to_le_bytes(), 24)?;
            self.end = end;
            data = later;
        }
        Ok(())
    }

    fn make_tail(path: &Path, cap: u64, begin: u64) -> io::Result<File> {
        let file = create_private(path)?;
        let mut header = Vec::with_capacity(32);
        for number in [MAGIC, cap, begin, begin] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        file.write_all_at(&header, 0)?;
        Ok(file)
    }
}

/// Makes an empty log, or one with a first line. One that is there is left alone: the folder of the job was prepared
/// before a crash, and a supervisor may write to it at this moment.
pub(crate) fn create(path: &Path, first_line: Option<&str>) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    let line = first_line.map_or_else(String::new, |line| format!("{line}\n"));
    write_atomically(path, line.as_bytes()).map(drop)
}

/// Piece of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChunk {
    /// The bytes as they are stored, or the marker line if the offset lies where the log was cut.
    pub bytes: Vec<u8>,
    /// Where to read on. Counts the bytes of the uncut stream.
    pub next_offset: u64,
    /// The end of the stream so far.
    pub end: u64,
}

impl LogChunk {
    /// The text of the piece and where to read on (pitfall R-12): bytes that are no UTF-8 are replaced one by one, and
    /// a character whose rest is still to come is left for the next piece, unless `last` says that nothing comes.
    pub fn into_text(mut self, last: bool) -> (String, u64) {
        if !last {
            let held = incomplete_suffix(&self.bytes);
            // A piece that consists of such a suffix alone has to move on nevertheless.
            if held < self.bytes.len() {
                self.bytes.truncate(self.bytes.len() - held);
                self.next_offset -= held as u64;
            } else if held > 0 && self.next_offset >= self.end {
                self.bytes.clear();
                self.next_offset -= held as u64;
            }
        }
        let text = String::from_utf8(self.bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        (text, self.next_offset)
    }
}

/// How many bytes at the end are the beginning of a UTF-8 character.
fn incomplete_suffix(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    for at in from..bytes.len() {
        if let Err(error) = std::str::from_utf8(&bytes[at..])
            && error.valid_up_to() == 0
            && error.error_len().is_none()
        {
            return bytes.len() - at;
        }
    }
    0
}

/// Reads a log, while it is written or afterwards.
#[derive(Debug)]
pub(crate) struct LogReader {
    head: File,
    tail: Option<File>,
    tail_cap: u64,
}

impl LogReader {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let head = File::open(path)?;
        let tail = match File::open(tail_path(path)) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut reader = Self {
            head,
            tail,
            tail_cap: 0,
        };
        if let Some(tail) = &reader.tail {
            if tail.metadata()?.len() < HEADER_BYTES {
                // Being made at this moment: nothing is in it.
                reader.tail = None;
            } else if reader.number(0)? == MAGIC {
                reader.tail_cap = reader.number(8)?.max(1);
            } else {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the log's second half is not one of ours",
                ));
            }
        }
        Ok(reader)
    }

    fn number(&self, at: u64) -> io::Result<u64> {
        let mut bytes = [0; 8];
        match &self.tail {
            Some(tail) => tail.read_exact_at(&mut bytes, at)?,
            None => return Ok(0),
        }
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn end(&self) -> io::Result<u64> {
        match self.tail {
            Some(_) => self.number(24),
            None => Ok(self.head.metadata()?.len()),
        }
    }

    /// The stream's bytes that were dropped, if any.
    pub(crate) fn gap(&self) -> io::Result<Option<std::ops::Range<u64>>> {
        let head = self.head.metadata()?.len();
        let first = self.number(16)?;
        Ok((self.tail.is_some() && first > head).then_some(head..first))
    }

    pub(crate) fn read(&self, offset: u64, limit: usize) -> io::Result<LogChunk> {
        let head_len = self.head.metadata()?.len();
        if offset < head_len || self.tail.is_none() {
            let bytes = read_at_most(&self.head, offset, limit)?;
            return Ok(LogChunk {
                next_offset: offset.min(head_len) + bytes.len() as u64,
                bytes,
                end: self.end()?,
            });
        }
        loop {
            let end = self.end()?;
            let first = self.number(16)?;
            if offset < first {
                return Ok(LogChunk {
                    bytes: marker_line(first - head_len).into_bytes(),
                    next_offset: first,
                    end,
                });
            }
            let wanted = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
            let wanted = wanted.min(limit);
            let at = (offset - head_len) % self.tail_cap;
            let straight = usize::try_from(self.tail_cap - at).unwrap_or(usize::MAX);
            let tail = self.tail.as_ref().unwrap_or(&self.head);
            let bytes = read_at_most(tail, HEADER_BYTES + at, wanted.min(straight))?;
            // The writer may have come around meanwhile.
            if self.number(16)? <= offset {
                return Ok(LogChunk {
                    next_offset: offset.min(end) + bytes.len() as u64,
                    bytes,
                    end,
                });
            }
        }
    }
}

fn read_at_most(file: &File, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
    let rest = file.metadata()?.len().saturating_sub(offset);
    let size = usize::try_from(rest).unwrap_or(usize::MAX).min(limit);
    let mut bytes = vec![0; size];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn marker_line(dropped: u64) -> String {
    format!("\n[maestro: {dropped} bytes of the log were dropped here]\n")
}

/// The log's end as it is shown in an artifact: the last 128 lines, cut to the last 10,240 characters
/// (`spec 07 K8-5`); `n/a` if it cannot be read.
pub(crate) fn execution_output(path: &Path) -> String {
    last_lines(path).unwrap_or_else(|_| "n/a".to_owned())
}

fn last_lines(path: &Path) -> io::Result<String> {
    let reader = LogReader::open(path)?;
    let end = reader.end()?;
    // A character has at most four bytes, and one more may be cut at the front.
    let mut offset = end.saturating_sub(OUTPUT_CHARS as u64 * 4 + 4);
    let mut bytes = Vec::new();
    while offset < end {
        let chunk = reader.read(offset, OUTPUT_CHARS * 4 + 4)?;
        if chunk.bytes.is_empty() {
            break;
        }
        bytes.extend_from_slice(&chunk.bytes);
        offset = chunk.next_offset;
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(cut_to_last(&text).to_owned())
}

fn cut_to_last(text: &str) -> &str {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let line_start = body
        .rmatch_indices('\n')
        .nth(OUTPUT_LINES - 1)
        .map_or(0, |(at, _)| at + 1);
    let text = &text[line_start..];
    match text.char_indices().rev().nth(OUTPUT_CHARS - 1) {
        Some((at, _)) => &text[at..],
        None => text,
    }
}

/// The first `count` characters of a text.
pub(crate) fn first_chars(text: &str, count: usize) -> &str {
    match text.char_indices().nth(count) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(max: u64, pieces: &[&[u8]]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ab").join("abc.log");
        create(&path, None).expect("creates");
        let mut writer = LogWriter::open(&path, max).expect("opens");
        for piece in pieces {
            writer.append(piece).expect("writes");
        }
        (dir, path)
    }

    fn read_all(path: &Path, limit: usize) -> Vec<u8> {
        let reader = LogReader::open(path).expect("opens");
        let mut all = Vec::new();
        let mut offset = 0;
        loop {
            let chunk = reader.read(offset, limit).expect("reads");
            if chunk.bytes.is_empty() {
                assert_eq!(offset, chunk.end);
                return all;
            }
            assert!(chunk.next_offset > offset);
            offset = chunk.next_offset;
            all.extend(chunk.bytes);
        }
    }

    //
    #[test]
    fn first_and_last_half_are_kept_with_one_line_between() {
        let stream: Vec<u8> = (0..1000u32).map(|n| b'a' + (n % 26) as u8).collect();
        let (_dir, path) = log(100, &[&stream]);
        let all = read_all(&path, 7);
        assert_eq!(all[..50], stream[..50]);
        assert_eq!(all[all.len() - 50..], stream[950..]);
        assert_eq!(
            &all[50..all.len() - 50],
            b"\n[maestro: 900 bytes of the log were dropped here]\n"
        );
        let reader = LogReader::open(&path).expect("opens");
        assert_eq!(reader.gap().expect("reads"), Some(50..950));
        // Offsets count the uncut stream.
        let chunk = reader.read(960, 5).expect("reads");
        assert_eq!(
            (chunk.bytes, chunk.next_offset),
            (stream[960..965].to_vec(), 965)
        );
        let kept = std::fs::metadata(&path).expect("there").len()
            + std::fs::metadata(tail_path(&path)).expect("there").len();
        assert_eq!(kept, 100 + HEADER_BYTES);
    }

    proptest! {
        #[test]
        fn a_log_within_the_cap_is_read_as_written(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12),
            limit in 1usize..50,
            spare in 0u64..30,
        ) {
            let stream: Vec<u8> = pieces.concat();
            let refs: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let (_dir, path) = log(stream.len() as u64 + spare + 2, &refs);
            prop_assert_eq!(read_all(&path, limit), stream);
        }

        #[test]
        fn beyond_the_cap_every_kept_byte_is_at_its_own_offset(
            sizes in prop::collection::vec(0usize..70, 1..12),
            max in 2u64..60,
        ) {
            let total: usize = sizes.iter().sum();
            let stream: Vec<u8> = (0..total).map(|n| (n % 251) as u8).collect();
            let mut rest = stream.as_slice();
            let pieces: Vec<&[u8]> = sizes.iter().map(|&n| { let (a, b) = rest.split_at(n); rest = b; a }).collect();
            let (_dir, path) = log(max, &pieces);
            let reader = LogReader::open(&path).expect("opens");
            prop_assert_eq!(reader.end().expect("reads"), total as u64);
            let gap = reader.gap().expect("reads").unwrap_or(0..0);
            for (offset, byte) in stream.iter().enumerate() {
                let offset = offset as u64;
                let chunk = reader.read(offset, 1).expect("reads");
                if gap.contains(&offset) {
                    prop_assert_eq!(chunk.next_offset, gap.end);
                } else {
                    prop_assert_eq!(chunk.bytes, vec![*byte]);
                }
            }
        }

        //
        #[test]
        fn text_read_in_pieces_is_the_text_read_at_once(text in "\\PC{0,60}", limit in 4usize..9) {
            let (_dir, path) = log(10_000, &[text.as_bytes()]);
            let reader = LogReader::open(&path).expect("opens");
            let mut all = String::new();
            let mut offset = 0;
            loop {
                let chunk = reader.read(offset, limit).expect("reads");
                let last = chunk.bytes.is_empty();
                let (piece, next) = chunk.into_text(last);
                if last { break; }
                prop_assert!(next > offset);
                all.push_str(&piece);
                offset = next;
            }
            prop_assert_eq!(all, text);
        }
    }

    //
    #[test]
    fn only_undecodable_bytes_are_replaced_and_a_split_character_waits_for_its_rest() {
        let chunk = |bytes: &[u8], end| LogChunk {
            bytes: bytes.to_vec(),
            next_offset: bytes.len() as u64,
            end,
        };
        assert_eq!(
            chunk(b"ok\n\xff\xfe\n", 6).into_text(false),
            ("ok\n\u{fffd}\u{fffd}\n".into(), 6)
        );
        assert_eq!(
            chunk(b"one\rtwo\nthree\r\n", 15).into_text(false).0,
            "one\rtwo\nthree\r\n"
        );
        assert_eq!(chunk(b"x\xe2\x82", 3).into_text(false), ("x".into(), 1));
        assert_eq!(chunk(b"\xe2\x82", 2).into_text(false), (String::new(), 0));
        assert_eq!(
            chunk(b"x\xe2\x82", 3).into_text(true),
            ("x\u{fffd}".into(), 3)
        );
    }

    // 07:54, as far as the runtime goes.
    #[test]
    fn the_shown_end_has_128_lines_and_10240_characters_at_most() {
        let lines: Vec<String> = (0..500).map(|n| format!("line {n}\n")).collect();
        let (_dir, path) = log(1 << 20, &[lines.concat().as_bytes()]);
        assert_eq!(execution_output(&path), lines[372..].concat());

        let long = "é".repeat(20_000);
        let (_dir, path) = log(1 << 20, &[long.as_bytes()]);
        assert_eq!(execution_output(&path), "é".repeat(10_240));

        let (_dir, path) = log(100, &[b"no newline"]);
        assert_eq!(execution_output(&path), "no newline");
        assert_eq!(execution_output(Path::new("/nowhere")), "n/a");
    }
}
