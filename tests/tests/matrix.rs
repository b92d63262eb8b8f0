//! Every released Dubbo is served by every other one through the line, and sees there what it sees directly: one process of each in
//! each island, a few cases for all pairs, all telling ones between the oldest and the newest, and these again with the settings that
//! tell most. The whole matrix is `cargo xtask matrix`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::time::Instant;

use highway_tests::matrix::cases::{ALL, Case, Telling};
use highway_tests::matrix::differences::{Difference, KNOWN};
use highway_tests::matrix::settings::{self, Extent};
use highway_tests::matrix::{self, Member, Stage, Table};
use lab::install::Release;
use serde_json::json;

#[test]
fn every_release_sees_through_highway_what_it_sees_directly() {
    let begin = Instant::now();
    let progress = |words: &str| println!("{:4.0} s  {words}", begin.elapsed().as_secs_f64());
    let stage = Stage::start(&Release::ALL.map(Member::java), progress).unwrap();
    let line = stage.line.watched();
    assert_eq!(stage.gaps(), Vec::<String>::new());

    let table = matrix::run(stage.ways(), Case::is_quick, progress).unwrap();
    sound(&table, &KNOWN, "at default settings");
    let names = Release::ALL.map(Release::version);
    let pairs = names.into_iter().flat_map(|consumer| names.map(|provider| (consumer, provider)));
    let quick = |(consumer, provider)| ALL.iter().filter(|case| case.is_quick(consumer, provider)).count();
    assert_eq!(table.cells.len(), pairs.map(quick).sum::<usize>(), "every release does every telling case");

    let telling = ALL.iter().filter(|case| case.telling != Telling::No).count();
    for setting in settings::ALL.iter().filter(|setting| !setting.telling.is_empty()) {
        let table = setting.run(&stage, Extent::Quick, progress).unwrap();
        sound(&table, &setting.differences(), setting.about);
        let pairs = table.consumers.len() * table.providers.len();
        assert!(pairs > 0, "nobody has {}", setting.name);
        assert_eq!(table.cells.len(), pairs * telling, "{}: every pair does every telling case", setting.about);
    }
    drop(line);
}

/// Every cell is equal or named, and what the line carries is right, not merely the same both ways.
fn sound(table: &Table, known: &[Difference], what: &str) {
    println!("{what}\n{}", table.markdown(known));
    let faults = table.faults(known);
    assert!(faults.is_empty(), "{what}: {}", faults.concat());
    for cell in table.cells.iter().filter(|cell| cell.case.name == "group-and-version") {
        let hello = json!([{ "returned": format!("Hello you, this is {}", cell.provider) }]);
        assert_eq!(cell.through.outcomes, hello, "{} ─▶ {}", cell.consumer, cell.provider);
        assert_eq!(cell.through.received, json!([["you"]]), "{} ─▶ {}", cell.consumer, cell.provider);
    }
}
