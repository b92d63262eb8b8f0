//! Every released Dubbo is served by every other one through the line, and sees there what it sees directly: one process of each in
//! each island, a few cases for all pairs, all telling ones between the oldest and the newest. The whole matrix is `cargo xtask matrix`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::time::Instant;

use highway_tests::install::Release;
use highway_tests::matrix::cases::{ALL, Case};
use highway_tests::matrix::differences::KNOWN;
use highway_tests::matrix::{self, Member, Stage};
use serde_json::json;

#[test]
fn every_release_sees_through_highway_what_it_sees_directly() {
    let begin = Instant::now();
    let progress = |words: &str| println!("{:4.0} s  {words}", begin.elapsed().as_secs_f64());
    let stage = Stage::start(&Release::ALL.map(Member::java), progress).unwrap();
    let line = stage.line.watched();
    let table = matrix::run(stage.ways(), Case::is_quick, progress).unwrap();
    println!("{}", table.markdown(&KNOWN));

    assert_eq!(stage.gaps(), Vec::<String>::new());
    let faults = table.faults(&KNOWN);
    assert!(faults.is_empty(), "{}", faults.concat());
    let names = Release::ALL.map(Release::version);
    let pairs = names.into_iter().flat_map(|consumer| names.map(|provider| (consumer, provider)));
    let quick = |(consumer, provider)| ALL.iter().filter(|case| case.is_quick(consumer, provider)).count();
    assert_eq!(table.cells.len(), pairs.map(quick).sum::<usize>(), "every release does every telling case");
    for cell in table.cells.iter().filter(|cell| cell.case.name == "group-and-version") {
        // Two ways that are wrong alike are the same; this one is known to be right.
        let hello = json!([{ "returned": format!("Hello you, this is {}", cell.provider) }]);
        assert_eq!(cell.through.outcomes, hello, "{} ─▶ {}", cell.consumer, cell.provider);
        assert_eq!(cell.through.received, json!([["you"]]), "{} ─▶ {}", cell.consumer, cell.provider);
    }
    drop(line);
}
