//! A picture as lines for people: four tables and what is not well, in the room that there is. What is left out is counted.
//!
//! Pure.

use unicode_width::UnicodeWidthStr;

use super::flow::Flow;
use super::table::{Cell, Column, Tone, end_cut, lines};
use super::view::View;
use crate::terminal::shown;

/// How much may be said.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Cells of a line.
    pub width: usize,
    /// Lines of a table, where each has as many.
    pub rows: usize,
    /// All lines together, where they stand on one screen: then the tables share them.
    pub height: Option<usize>,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Colours,
    None,
}

struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    what: &'static str,
}

/// The lines, each within the room.
pub fn text(view: &View, room: Room, paint: Paint) -> Vec<String> {
    let mut tables = tables(view);
    tables.retain(|table| !table.rows.is_empty());
    let advice: Vec<String> = view.advice.iter().map(|advice| format!("! {}", shown(advice))).collect();
    let budget = room.height.map(|height| {
        // What is not well has a third of a screen at most.
        let told = advice.len().min(height / 3);
        (told, share(&tables.iter().map(|table| table.rows.len()).collect::<Vec<_>>(), height.saturating_sub(told)))
    });
    let mut said = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let rows = match &budget {
            Some((_, shares)) => shares.get(at).copied().unwrap_or(0),
            None => room.rows.min(table.rows.len()),
        };
        if rows == 0 && room.height.is_some() {
            continue;
        }
        let left_out = table.rows.len() - rows;
        for (number, line) in lines(&table.columns, &table.rows[..rows], room.width).into_iter().enumerate() {
            said.push(painted(line, number == 0, paint));
        }
        if left_out > 0 {
            let more = format!("  … and {left_out} more {}: --rows, --island or --service", table.what);
            said.push(end_cut(&more, room.width));
        }
        if room.height.is_none() {
            said.push(String::new());
        }
    }
    if view.services_not_named > 0 && room.height.is_none() {
        let more = view.services_not_named;
        said.push(format!("{more} more services are known there; their programs name the first 1000"));
    }
    match budget {
        Some((told, _)) => {
            said.extend(advice.iter().take(told).map(|line| paint_line(end_cut(line, room.width), paint)))
        }
        None => said.extend(advice.iter().map(|line| paint_line(line.clone(), paint))),
    }
    while said.last().is_some_and(String::is_empty) {
        said.pop();
    }
    said
}

/// Rows for each table of so many, so that all fit into `height` lines with their titles and a line for what is left out: the short
/// ones whole, the long ones alike.
fn share(wanted: &[usize], height: usize) -> Vec<usize> {
    let mut shares = vec![0; wanted.len()];
    let lines = |shares: &[usize]| -> usize {
        let each = shares.iter().zip(wanted).map(|(rows, wanted)| match rows {
            0 => 0,
            rows => 1 + rows + usize::from(rows < wanted),
        });
        each.sum()
    };
    loop {
        let before = shares.clone();
        for at in 0..shares.len() {
            if shares[at] < wanted[at] {
                shares[at] += 1;
                if lines(&shares) > height {
                    shares[at] -= 1;
                }
            }
        }
        if shares == before {
            return shares;
        }
    }
}

fn tables(view: &View) -> Vec<Table> {
    use Column::{Extra, Name, Note, Number, Word};
    let programs = view.programs.iter().map(|row| {
        let tone = match row.state {
            "ready" => Tone::Plain,
            "away" => Tone::Bad,
            _ => Tone::Warn,
        };
        let mut cells = vec![Cell::plain(&row.program), Cell::plain(&row.id), Cell(row.state.to_owned(), tone)];
        cells.extend(flow(&row.flow));
        cells.push(Cell::plain(time(row.p99_us)));
        cells.extend(
            [row.open, row.uptime_s].iter().zip(["", "s"]).map(|(count, unit)| Cell::plain(format!("{count}{unit}"))),
        );
        cells.extend(totals(&row.flow));
        cells
    });
    let links = view.links.iter().map(|row| {
        let tone = if row.up == 0 {
            Tone::Bad
        } else if row.hurts() {
            Tone::Warn
        } else {
            Tone::Plain
        };
        let peer = if row.peer.is_empty() { "-" } else { &row.peer };
        let transports = if row.transports.is_empty() { "-".to_owned() } else { row.transports.join(" ") };
        vec![
            Cell::plain(&row.at),
            Cell(peer.to_owned(), tone),
            Cell(format!("{}/{}", row.up, row.of), tone),
            Cell::plain(transports),
            Cell::plain(time(row.round_trip_us)),
            Cell::plain(row.cover),
            Cell::plain(if row.way.is_empty() { &row.island } else { &row.way }),
        ]
    });
    let islands = view.islands.iter().map(|row| {
        let tone = if row.hurts() { Tone::Warn } else { Tone::Plain };
        let gateways = row.gateways.map_or("-".to_owned(), |(up, of)| format!("{up}/{of}"));
        let mut cells = vec![
            Cell::plain(&row.at),
            Cell(row.island.clone(), tone),
            Cell(gateways, tone),
            Cell::plain(row.services.to_string()),
            Cell::plain(time(row.round_trip_us)),
            Cell::plain(row.calls_are),
        ];
        cells.extend(flow(&row.flow));
        cells.extend(totals(&row.flow));
        cells
    });
    let services = view.services.iter().map(|row| {
        let tone = match row.state {
            "down" => Tone::Bad,
            "not imported" => Tone::Warn,
            _ => Tone::Plain,
        };
        let state = if row.state.is_empty() { "-" } else { row.state };
        let mut cells = vec![
            Cell::plain(&row.at),
            Cell::plain(&row.service),
            Cell::plain(&row.island),
            Cell(state.to_owned(), tone),
        ];
        cells.extend(flow(&row.flow));
        cells.push(Cell::plain(row.providers.map_or("-".to_owned(), |count| count.to_string())));
        cells.extend(totals(&row.flow));
        cells
    });
    let columns = |own: &[Column], after: &[Column]| {
        let flow = [Number("CALLS/S"), Number("FAIL/S"), Number("MEAN")];
        [own, &flow, after, &[Extra("CALLS"), Extra("FAILED")]].concat()
    };
    let link_columns =
        [Name("LINK AT"), Name("WITH"), Word("UP"), Word("OVER"), Number("ROUND TRIP"), Note("COVER"), Note("WAY")];
    vec![
        Table {
            columns: columns(
                &[Word("PROGRAM"), Name("ID"), Word("STATE")],
                &[Number("P99"), Number("OPEN"), Extra("UP FOR")],
            ),
            rows: programs.collect(),
            what: "programs",
        },
        Table { columns: link_columns.to_vec(), rows: links.collect(), what: "links" },
        Table {
            columns: columns(
                &[
                    Name("SEEN AT"),
                    Name("ISLAND"),
                    Word("GATEWAYS"),
                    Number("SERVICES"),
                    Number("ROUND TRIP"),
                    Word("CALLS ARE"),
                ],
                &[],
            ),
            rows: islands.collect(),
            what: "islands",
        },
        Table {
            columns: columns(&[Name("SEEN AT"), Name("SERVICE"), Name("ISLAND"), Word("STATE")], &[Extra("PROVIDERS")]),
            rows: services.collect(),
            what: "services",
        },
    ]
}

fn flow(flow: &Flow) -> [Cell; 3] {
    let rate = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.1}"));
    let tone = if flow.fails() { Tone::Bad } else { Tone::Plain };
    [Cell::plain(rate(flow.calls_per_s)), Cell(rate(flow.failed_per_s), tone), Cell::plain(time(flow.mean_us))]
}

fn totals(flow: &Flow) -> [Cell; 2] {
    [Cell::plain(flow.calls.to_string()), Cell::plain(flow.failed.to_string())]
}

/// A time in three or four characters and its unit.
fn time(micros: Option<u64>) -> String {
    match micros {
        None => "-".to_owned(),
        Some(micros @ 0..1000) => format!("{micros}us"),
        Some(micros @ 1000..10_000) => format!("{:.1}ms", micros as f64 / 1000.0),
        Some(micros @ 10_000..1_000_000) => format!("{}ms", micros / 1000),
        Some(micros) => format!("{:.1}s", micros as f64 / 1e6),
    }
}

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";

fn painted(line: Vec<Cell>, is_title: bool, paint: Paint) -> String {
    let whole: String = line.iter().map(|cell| cell.0.as_str()).collect();
    if paint == Paint::None {
        return whole.trim_end().to_owned();
    }
    if is_title {
        return format!("{BOLD}{}{PLAIN}", whole.trim_end());
    }
    let cell = |Cell(text, tone): &Cell| match tone {
        Tone::Plain => text.clone(),
        Tone::Warn => format!("{YELLOW}{text}{PLAIN}"),
        Tone::Bad => format!("{RED}{text}{PLAIN}"),
    };
    line.iter().map(cell).collect()
}

fn paint_line(line: String, paint: Paint) -> String {
    if paint == Paint::None || line.width() == 0 { line } else { format!("{YELLOW}{line}{PLAIN}") }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::look::Look;
    use super::super::program::Program;
    use super::super::program::tests::egress;
    use super::super::view::{Filter, History};
    use super::*;

    fn view(programs: impl Fn(u64) -> Program) -> View {
        let mut history = History::default();
        let start = Instant::now();
        let look = |second| Look {
            at: start + Duration::from_secs(second),
            programs: vec![programs(second)],
            silent: Vec::new(),
        };
        history.view(look(0), &Filter::default());
        history.view(look(1), &Filter::default())
    }

    fn many(services: u64) -> Program {
        let mut program = egress(1, 10, 0);
        let service = |number: u64| serde_json::json!({ "service": format!("com.example.Service{number:05}"), "islands": [["beijing", true, true]], "local": false });
        program.status["egress"]["services"] = (0..services).map(service).collect();
        program.status["egress"]["services_not_shown"] = (9_000).into();
        program
    }

    #[test]
    fn people_read_who_is_there_what_flows_and_what_fails() {
        let said = text(
            &view(|second| egress(1, second * 50, second * 5)),
            Room { width: 120, rows: 20, height: None },
            Paint::None,
        );
        let said = said.join("\n");
        for wanted in [
            "egress-gw  shanghai-egress-1  ready     50.0     5.0",
            "hub-1  1/1  ws         1.5ms",
            "com.example.Greeting  beijing  up",
            "not imported",
        ] {
            assert!(said.contains(wanted), "{wanted:?} in\n{said}");
        }
        assert!(!said.contains('\u{1b}'));
    }

    #[test]
    fn what_fails_is_red_on_a_terminal() {
        let room = Room { width: 120, rows: 20, height: None };
        let said = text(&view(|second| egress(1, second * 50, second * 5)), room, Paint::Colours).join("\n");
        assert!(said.contains(&format!("{RED}     5.0{PLAIN}")), "{said:?}");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let said = text(&view(|_| many(1000)), Room { width: 200, rows: 20, height: None }, Paint::None).join("\n");
        assert!(said.contains("… and 981 more services"), "{said}");
        assert!(said.contains("9000 more services are known there"), "{said}");
    }

    #[test]
    fn a_screen_of_any_size_is_never_exceeded() {
        let view = view(|_| many(300));
        for (width, height) in [(80, 23), (40, 10), (10, 3), (1, 1), (0, 0), (300, 100)] {
            let said = text(&view, Room { width, rows: usize::MAX, height: Some(height) }, Paint::None);
            assert!(said.len() <= height, "{} lines on {height}", said.len());
            assert!(said.iter().all(|line| line.width() <= width), "{width}: {said:#?}");
        }
        let said = text(&view, Room { width: 80, rows: usize::MAX, height: Some(23) }, Paint::None).join("\n");
        for wanted in ["PROGRAM", "LINK AT", "ISLAND", "SERVICE", "more services"] {
            assert!(said.contains(wanted), "{wanted}: {said}");
        }
    }

    #[test]
    fn short_tables_are_whole_and_long_ones_share_what_is_left() {
        assert_eq!(share(&[1, 2, 100], 20), [1, 2, 13]);
        assert_eq!(share(&[100, 100], 10), [3, 3]);
        assert_eq!(share(&[5], 0), [0]);
    }

    #[test]
    fn times_are_short() {
        let told = [0, 999, 1000, 9_949, 10_000, 999_999, 1_500_000].map(|micros| time(Some(micros)));
        assert_eq!(told, ["0us", "999us", "1.0ms", "9.9ms", "10ms", "999ms", "1.5s"]);
    }
}
