//! A place of a text, shown to people: its line with carets below.
//!
//! The text may be anything: lines of ten thousand characters, wide and combining ones, tabs, and what would move the cursor
//! of a terminal. What is shown has one row of bounded width, and every column of it is known.

use unicode_width::UnicodeWidthChar;

use crate::error::{Position, Span};

/// Columns of the shown part of a line.
const WIDTH: usize = 100;
/// Columns that are kept before the place, where a line is cut.
const BEFORE: usize = 40;
/// Columns of a tab: it is shown as blanks, since terminals and web pages disagree about it.
const TAB: usize = 4;

/// Line and column of an offset in bytes.
pub(crate) fn position(text: &str, offset: u32) -> Position {
    let before = &text[..floor(text, offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: 1 + before.matches('\n').count() as u32,
        column: 1 + before[line_start..].chars().count() as u32,
    }
}

/// The line of the place with carets below it; ends without a line break. Of a place over several lines, the first one.
#[must_use]
pub fn excerpt(text: &str, span: Span) -> String {
    let Position { line, column } = position(text, span.start);
    let (start, end) = (floor(text, span.start), floor(text, span.end));
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    // The line break may be a pair; a place at it is behind the line.
    let line_end = line_start + text[line_start..line_end].trim_end_matches('\r').len();
    let cells = Cells::of(&text[line_start..line_end]);
    let from = cells.column(start - line_start);
    let to = cells.column(end.clamp(start, line_end.max(start)) - line_start);
    let (shown, from, to) = cells.window(from, to.max(from + 1));
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    format!(
        "{margin}--> {line}:{column}\n{margin} |\n{number} | {shown}\n{margin} | {}{}",
        " ".repeat(from),
        "^".repeat(to - from)
    )
}

fn floor(text: &str, offset: u32) -> usize {
    let mut at = (offset as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A character of a line as it is shown.
struct Cell {
    /// First byte in the line.
    at: usize,
    /// First column.
    column: usize,
    shown: char,
    width: usize,
}

/// A line, cut into characters.
struct Cells {
    cells: Vec<Cell>,
    width: usize,
}

impl Cells {
    fn of(line: &str) -> Self {
        let mut column = 0;
        let cells = line
            .char_indices()
            .map(|(at, c)| {
                let (shown, width) = shape(c);
                let cell = Cell {
                    at,
                    column,
                    shown,
                    width,
                };
                column += width;
                cell
            })
            .collect();
        Self {
            cells,
            width: column,
        }
    }

    /// The column of a byte of the line, or of its end.
    fn column(&self, byte: usize) -> usize {
        let at = self.cells.partition_point(|cell| cell.at < byte);
        self.cells.get(at).map_or(self.width, |cell| cell.column)
    }

    /// The part of the line around the columns `from..to`, and these columns in it.
    fn window(&self, from: usize, to: usize) -> (String, usize, usize) {
        let (mut first, mut last) = (0, self.width);
        if self.width > WIDTH {
            // Less before the place if all of it fits then, and never an empty part behind it.
            let before = match WIDTH.checked_sub(to - from) {
                Some(room) => room.min(BEFORE),
                None => BEFORE / 2,
            };
            first = from
                .saturating_sub(before)
                .min((self.width + 1).saturating_sub(WIDTH));
            last = first + WIDTH;
        }
        let mut shown = String::new();
        let mut start = None;
        let mut end = 0;
        let inside = self
            .cells
            .iter()
            .filter(|cell| cell.column >= first && cell.column + cell.width <= last);
        for cell in inside {
            // A mark without its character stays out.
            if start.is_none() && cell.width == 0 && first > 0 {
                continue;
            }
            start.get_or_insert(cell.column);
            end = cell.column + cell.width;
            if cell.shown == '\t' {
                shown.push_str(&" ".repeat(cell.width));
            } else {
                shown.push(cell.shown);
            }
        }
        let start = start.unwrap_or(first);
        let mut shift = 0;
        if first > 0 {
            shown.insert(0, '…');
            shift = 1;
        }
        if end < self.width {
            shown.push('…');
        }
        let place = |column: usize| column.saturating_sub(start) + shift;
        let from = place(from);
        (shown, from, place(to.min(end.max(start) + 1)).max(from + 1))
    }
}

/// How a character is shown, and over how many columns.
fn shape(c: char) -> (char, usize) {
    match c {
        '\t' => ('\t', TAB),
        // Pictures of control characters, which a terminal would obey.
        '\0'..='\u{1f}' => (char::from_u32(0x2400 + c as u32).unwrap_or('?'), 1),
        '\u{7f}' => ('\u{2421}', 1),
        // Other controls, and those that turn the direction of what follows.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => ('\u{fffd}', 1),
        c => (c, c.width().unwrap_or(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row of the text and the columns of the carets, both behind the margin.
    fn rows(text: &str, start: usize, end: usize) -> (String, usize, usize) {
        let shown = excerpt(text, Span::new(start as u32, end as u32));
        let lines: Vec<&str> = shown.lines().collect();
        let margin = lines[3].find('|').unwrap() + 2;
        let carets = lines[3].get(margin..).unwrap();
        (
            lines[2].chars().skip(margin).collect(),
            carets.find('^').unwrap(),
            carets.len(),
        )
    }

    fn width(text: &str) -> usize {
        text.chars().map(|c| c.width().unwrap_or(0)).sum()
    }

    #[test]
    fn a_long_line_shows_the_part_around_the_place() {
        let line = format!("{}@{}", "a".repeat(5000), "b".repeat(5000));
        let (shown, from, to) = rows(&line, 5000, 5001);
        assert_eq!(
            shown,
            format!(
                "…{}@{}…",
                "a".repeat(BEFORE),
                "b".repeat(WIDTH - BEFORE - 1)
            )
        );
        assert_eq!((from, to), (BEFORE + 1, BEFORE + 2));
        assert!(excerpt(&line, Span::new(5000, 5001)).starts_with(" --> 1:5001\n"));
        // At the beginning, and behind the end.
        let (shown, from, to) = rows(&line, 0, 1);
        assert!(shown.starts_with("aaa") && shown.ends_with("a…"));
        assert_eq!((from, to), (0, 1));
        let (shown, from, to) = rows(&line, line.len(), line.len());
        assert!(shown.starts_with('…') && shown.ends_with("bbb"), "{shown}");
        assert_eq!((from, to), (width(&shown), width(&shown) + 1));
    }

    #[test]
    fn a_long_place_is_cut_with_its_line() {
        let line = format!("x = {};", "b".repeat(5000));
        let (shown, from, to) = rows(&line, 4, 5004);
        assert!(
            shown.starts_with("x = bbb") && shown.ends_with("b…"),
            "{shown}"
        );
        assert_eq!((from, to), (4, WIDTH + 1));
        let (shown, from, to) = rows(&line, 2000, 4000);
        assert!(width(&shown) <= WIDTH + 2, "{shown}");
        assert_eq!((from, to), (BEFORE / 2 + 1, WIDTH + 2));
    }

    #[test]
    fn wide_and_combining_characters_and_tabs_keep_the_carets_in_place() {
        let place = |text: &str| {
            let at = text.find('@').unwrap();
            let (shown, from, to) = rows(text, at, at + 1);
            let before = &shown[..shown.find('@').unwrap()];
            assert_eq!((from, to), (width(before), width(before) + 1), "{text}");
            shown
        };
        assert_eq!(place("\tx = @"), "    x = @");
        place("'日本語' + @");
        place("'e\u{301}e\u{301}' + @");
        place("'😀' + @ + '😀'");
        for prefix in ["日", "e\u{301}", "\t", "😀", "日\te\u{301}"] {
            for count in [30, 49, 50, 51, 99, 100, 101, 300, 3000] {
                place(&format!(
                    "{}@{}",
                    prefix.repeat(count),
                    prefix.repeat(count)
                ));
                place(&format!("{}@", prefix.repeat(count)));
            }
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_not_sent_to_it() {
        let shown = excerpt("'\u{1b}[2J\u{202e}' @\r\n1", Span::new(10, 11));
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\r']), "{shown}");
        assert!(shown.contains("1 | '␛[2J\u{fffd}' @\n"), "{shown}");
    }

    #[test]
    fn of_several_lines_the_first_one_is_shown() {
        let text = "a = 1;\r\nwhile (true) {\r\n  b;\r\n}\n";
        let shown = excerpt(text, Span::new(8, text.len() as u32));
        assert_eq!(
            shown,
            " --> 2:1\n  |\n2 | while (true) {\n  | ^^^^^^^^^^^^^^"
        );
        // The place of a line break is behind the line.
        assert!(excerpt(text, Span::new(6, 7)).ends_with("1 | a = 1;\n  |       ^"));
        assert!(excerpt(text, Span::new(7, 8)).ends_with("1 | a = 1;\n  |       ^"));
    }
}
