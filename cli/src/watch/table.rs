//! Tables that fit a width: columns as wide as what is in them; where that is too much, those that say least go first, then long
//! names lose their beginning.
//!
//! Pure. Widths are those of a terminal's cells: wide characters take two. Control characters are shown as escapes.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::shown;

/// How a cell looks where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    /// Something to look at.
    Warn,
    /// Something that is wrong.
    Bad,
}

/// One cell.
#[derive(Debug, Clone)]
pub struct Cell(pub String, pub Tone);

impl Cell {
    /// Without a tone.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(text.into(), Tone::Plain)
    }
}

/// What a column does where there is no room for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// It stays as it is; numbers stand at its right.
    Number(&'static str),
    /// A number that goes: such columns from the right.
    Extra(&'static str),
    /// A text that goes likewise.
    Note(&'static str),
    /// It stays as it is.
    Word(&'static str),
    /// Its texts lose their beginning.
    Name(&'static str),
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Number(title) | Self::Extra(title) | Self::Note(title) | Self::Word(title) | Self::Name(title) => {
                title
            }
        }
    }
}

/// A name is not made shorter than this.
const NAME_LEAST: usize = 8;
const GAP: usize = 2;

/// A table's lines, the first of them its titles, none wider than `width`; each cell with its tone.
pub fn lines(columns: &[Column], rows: &[Vec<Cell>], width: usize) -> Vec<Vec<Cell>> {
    let rows: Vec<Vec<Cell>> =
        rows.iter().map(|row| row.iter().map(|Cell(text, tone)| Cell(shown(text), *tone)).collect()).collect();
    let mut widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.0.width());
            cells.max().unwrap_or(0).max(column.title().width())
        })
        .collect();
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let whole =
        |kept: &[usize], widths: &[usize]| kept.iter().map(|at| widths[*at] + GAP).sum::<usize>().saturating_sub(GAP);
    while whole(&kept, &widths) > width {
        let Some(last) = kept.iter().rposition(|at| matches!(columns[*at], Column::Extra(_) | Column::Note(_))) else {
            break;
        };
        kept.remove(last);
    }
    while whole(&kept, &widths) > width {
        let longest =
            kept.iter().copied().filter(|at| matches!(columns[*at], Column::Name(_)) && widths[*at] > NAME_LEAST);
        let Some(longest) = longest.max_by_key(|at| widths[*at]) else { break };
        widths[longest] -= 1;
    }
    let titles = columns.iter().map(|column| Cell::plain(column.title())).collect();
    let laid = |row: &Vec<Cell>| -> Vec<Cell> {
        let mut left = width;
        let mut line = Vec::new();
        for at in &kept {
            let Some(Cell(text, tone)) = row.get(*at) else { continue };
            let text = laid(text, widths[*at], columns[*at]);
            let gap = if line.is_empty() { 0 } else { GAP };
            if left <= gap {
                break;
            }
            let room = left.saturating_sub(gap);
            let text = end_cut(&text, room);
            left = room.saturating_sub(text.width());
            line.push(Cell(" ".repeat(gap) + &text, *tone));
        }
        line
    };
    std::iter::once(&titles).chain(&rows).map(laid).collect()
}

/// A text in its column.
fn laid(text: &str, width: usize, column: Column) -> String {
    let text = beginning_cut(text, width);
    let padding = " ".repeat(width.saturating_sub(text.width()));
    match column {
        Column::Number(_) | Column::Extra(_) => padding + &text,
        Column::Word(_) | Column::Name(_) | Column::Note(_) => text + &padding,
    }
}

/// The end of a text, in so many cells: what differs among names of services is their end.
fn beginning_cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut taken = 1;
    let mut from = text.len();
    for (at, c) in text.char_indices().rev() {
        taken += c.width().unwrap_or(0);
        if taken > width {
            break;
        }
        from = at;
    }
    format!("…{}", &text[from..])
}

/// The beginning of a text, in so many cells.
pub fn end_cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut taken = 1;
    let mut cut = String::new();
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > width {
            break;
        }
        cut.push(c);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] =
        [Column::Word("AT"), Column::Name("SERVICE"), Column::Number("CALLS/S"), Column::Extra("CALLS")];

    fn table(service: &str, width: usize) -> Vec<String> {
        let row = vec![Cell::plain("gw"), Cell::plain(service), Cell::plain("12.5"), Cell::plain("900")];
        let lines = lines(&COLUMNS, &[row], width);
        lines.into_iter().map(|line| line.into_iter().map(|cell| cell.0).collect()).collect()
    }

    #[test]
    fn where_there_is_room_everything_is_shown() {
        assert_eq!(table("a.B", 80), ["AT  SERVICE  CALLS/S  CALLS", "gw  a.B         12.5    900"]);
    }

    #[test]
    fn what_says_least_goes_first_then_names_lose_their_beginning() {
        assert_eq!(
            table("com.example.Greeting", 39),
            ["AT  SERVICE               CALLS/S", "gw  com.example.Greeting     12.5"]
        );
        assert_eq!(table("com.example.Greeting", 25), ["AT  SERVICE       CALLS/S", "gw  …le.Greeting     12.5"]);
    }

    #[test]
    fn no_line_is_wider_than_the_screen_however_narrow_that_is() {
        for width in 0..60 {
            for service in ["com.example.Greeting", "服务服务服务服务服务服务", "\u{1b}[2J", "a\u{0301}e\u{0301}"]
            {
                for line in table(service, width) {
                    assert!(line.width() <= width, "{width}: {line:?}");
                }
            }
        }
    }

    #[test]
    fn wide_characters_take_two_cells_and_columns_stay_straight() {
        let row = |name: &str| vec![Cell::plain("gw"), Cell::plain(name), Cell::plain("1"), Cell::plain("1")];
        let lines = lines(&COLUMNS, &[row("订单服务"), row("abcdefgh")], 80);
        let text = |at: usize| lines[at].iter().map(|cell| cell.0.as_str()).collect::<String>();
        assert_eq!((text(1).width(), text(2).width()), (text(0).width(), text(0).width()));
        assert_eq!(beginning_cut("订单服务", 5), "…服务");
        assert_eq!(beginning_cut("订单服务", 4), "…务");
    }
}
