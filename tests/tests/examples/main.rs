//! The projects of `examples/` that have a build tool of their own, as a reader takes them: built by it from a copy of the folder, run
//! in islands with real gateways, and held to what their READMEs say one sees.
//!
//! | file | what |
//! |---|---|
//! | `stage.rs` | islands with nothing in them but gateways and who answers |
//! | `project.rs` | a folder and its README: the commands in it, and the table of what they print |
//!
//! The Rust programs are run by `tests/tests/sdk_examples/`, the classes of Spring Boot on every release of Dubbo by `tests/tests/java_examples.rs`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod project;
mod stage;

use lab::install;

use project::{Project, Rows};
use stage::stage;

#[test]
fn the_maven_project() {
    let Some((stage, _mine)) = stage() else { return };
    stage.maven.shows("home", &stage.line, Rows::AtOnce);
}

#[test]
fn the_spring_boot_project_on_both_starters() {
    let Some((stage, _mine)) = stage() else { return };
    let projects: Vec<_> =
        Project::builds("spring-boot").iter().map(|build| Project::built("spring-boot", build, &stage.line)).collect();
    assert_eq!(projects.len(), 2, "one for 3.3 and one for 2.7");
    for project in projects {
        let _answering = project.answers(&stage.line);
        project.shows("home", &stage.line, Rows::AtOnce);
    }
}

#[test]
fn the_go_project() {
    if let Some(reason) = install::no_go() {
        println!("LEFT OUT: examples/go: {reason}");
        return;
    }
    let Some((stage, _mine)) = stage() else { return };
    let [build] = &Project::builds("go")[..] else { panic!("one way to build it") };
    // Calls of Go do not say their application: all that come from this address are taken for those of the reference with parameters, the last.
    Project::built("go", build, &stage.line).shows("office", &stage.line, Rows::InOrder);
}
