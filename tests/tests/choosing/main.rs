//! Who says which island answers: real consumers of every line, and what each of them can say.
//!
//! ```text
//!   stage   island a: consumers on 2.6, 2.7, 3.1, 3.2, 3.3 and dubbo-go; a port each for b and c, with tags
//!           island d: two gateways with the same ports, without tags, and nobody until a test needs it
//!           islands b, c: a provider each of the same services
//! ```
//! Every cell of the table in `docs/choosing.md` names a test of this folder.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod away;
mod bombs;
mod config_center;
mod documents;
mod explain;
mod far;
mod load;
mod references;
mod rules;
mod said;
mod services;
mod soon;
mod stage;
mod sticky;
mod tags;
mod unsound;
mod waiting;
mod whom;

#[test]
fn the_documentation_names_tests_that_are_here() {
    let root = highway_tests::install::workspace();
    let text = std::fs::read_to_string(root.join("docs/choosing.md")).unwrap();
    let named: Vec<(&str, &str)> =
        text.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once("::")).collect();
    assert!(named.len() > 12, "{named:?}");
    for (module, name) in named {
        let source =
            std::fs::read_to_string(root.join(format!("tests/tests/choosing/{module}.rs"))).unwrap_or_default();
        assert!(source.contains(&format!("\n#[test]\nfn {name}() {{")), "docs/choosing.md names {module}::{name}");
    }
    // A cell leads to the file of the first test that its number names.
    let links = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ../tests/tests/choosing/"));
    let links: Vec<(&str, &str)> = links.collect();
    assert!(links.len() > 12, "{links:?}");
    for (number, file) in links {
        let named = text.lines().find_map(|line| line.strip_prefix(&format!("{number}. ")));
        let module = named.and_then(|named| named.split_once('`')?.1.split_once("::"));
        assert_eq!(module.map(|(module, _)| format!("{module}.rs")), Some(file.to_owned()), "[{number}]");
    }
}
