//! A project of `examples/` and its README. Of that count the blocks that name a place (see `walk`), and each row of a table whose first
//! cell holds arguments: they go where the first row's stand in the command of the README, and the last cell says what is printed then.
//!
//! ```text
//!   ```sh build              run in a copy of the folder, where the registries can be reached; each such block is a project of its own
//!   ```sh shanghai stays     who answers, and the same with `beijing` in place of `shanghai`
//!   ```text shanghai         … has printed this before anybody calls
//!   ```sh home stays         who calls
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use highway_tests::walk::{Ends, Step, steps};
use lab::install::workspace;
use lab::line::Line;
use lab::process::{Process, Stdout, together, until};

use crate::stage::{PATIENT, folder_of};

/// For programs that live for seconds: half the work to start.
const JAVA: (&str, &str) = ("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");

pub struct Project {
    name: &'static str,
    folder: PathBuf,
    steps: Vec<Step>,
    rows: Vec<Row>,
}

/// Whether a row of the table may run beside the others.
#[derive(Debug, Clone, Copy)]
pub enum Rows {
    /// Each is an application of its own.
    AtOnce,
    /// One ends before the next one begins.
    InOrder,
}

/// Of the table: arguments, and texts that stand in one line of what is printed.
#[derive(Debug)]
struct Row {
    arguments: String,
    seen: Vec<String>,
}

impl Project {
    /// The commands that build it, one a way.
    pub fn builds(name: &str) -> Vec<String> {
        let of = |step| match step {
            Step::Commands { place, text, .. } if place == "build" => Some(text),
            _ => None,
        };
        steps(&readme(name)).unwrap().into_iter().filter_map(of).collect()
    }

    /// A copy of its folder in which this command has been run.
    pub fn built(name: &'static str, build: &str, line: &Line) -> Self {
        static BUILT: AtomicU32 = AtomicU32::new(0);
        let number = BUILT.fetch_add(1, Ordering::Relaxed);
        let folder = line.lab.folder().join(format!("{name}-{number}"));
        copy(&workspace().join("examples").join(name), &folder);
        let mut command = Command::new("sh");
        // Go's own installer puts it where no path looks; without C a build finds what others have left in Go's cache.
        let path = format!("{}:/usr/local/go/bin", std::env::var("PATH").unwrap());
        command.args(["-e", "-c", build]).current_dir(&folder).env("PATH", path);
        command.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").env(JAVA.0, JAVA.1);
        let output = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{name}: {build} ended with {}: {said}", output.status);
        let readme = readme(name);
        let rows = rows(&readme);
        assert!(rows.len() >= 5, "{name}: only {} rows of the README take part", rows.len());
        Project { name, folder, steps: steps(&readme).unwrap(), rows }
    }

    /// Starts who answers, in both islands, and waits until they say that they do.
    pub fn answers(&self, line: &Line) -> Vec<Process> {
        let command = self.command("shanghai");
        let printed = self.steps.iter().find_map(|step| match step {
            Step::Printed { place, text } if place == "shanghai" => Some(text.trim_end()),
            _ => None,
        });
        let printed = printed.expect("the README says what they print");
        together(vec!["shanghai", "beijing"], |island| {
            let here = |text: &str| text.replace("shanghai", island);
            let process = self.start(line, island, &here(command));
            self.waits(&process, &[here(printed)], None);
            Ok(process)
        })
        .unwrap()
    }

    /// What the README says of who calls, its block and its table, whose rows do not change what others see, or are tried in their order.
    pub fn shows(&self, island: &str, line: &Line, rows: Rows) {
        let command = self.command(island);
        let first = &self.rows[0];
        let before = command.strip_suffix(&*first.arguments).expect("the first row has the arguments of the command");
        let printed = format!("```text {island}\n{}\n```", first.seen[0]);
        assert!(readme(self.name).contains(&printed), "{}: the block says what the first row says", self.name);
        let shows = |row: &Row| {
            let process = self.start(line, island, &format!("{before}{}", row.arguments));
            // And nothing of the kind from the other island.
            let seen = &row.seen[0];
            let (here, other) =
                if seen.contains("shanghai") { ("shanghai", "beijing") } else { ("beijing", "shanghai") };
            let elsewhere = Some(seen.replace(here, other)).filter(|elsewhere| elsewhere != seen);
            self.waits(&process, &row.seen, elsewhere.as_deref());
            Ok(())
        };
        match rows {
            Rows::AtOnce => together(self.rows.iter().collect(), shows).map(drop).unwrap(),
            Rows::InOrder => self.rows.iter().try_for_each(shows).unwrap(),
        }
    }

    /// The command that goes on running in a place.
    fn command(&self, at: &str) -> &str {
        let found = self.steps.iter().find_map(|step| match step {
            Step::Commands { place, text, ends: Ends::Stays } if place == at => Some(text.trim_end()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{}: the README runs nothing in {at}", self.name))
    }

    fn start(&self, line: &Line, island: &str, text: &str) -> Process {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{island}-{}", self.name, STARTED.fetch_add(1, Ordering::Relaxed));
        let island = line.island(island);
        let mut command = island.place().command_with_names("sh", &folder_of(line, island));
        // In the shell's place, so that it is the program that ends.
        command.args(["-e", "-c", &format!("exec {text}")]).current_dir(&self.folder).env(JAVA.0, JAVA.1);
        Process::start(&name, line.lab.folder(), command, Stdout::Logged).unwrap()
    }

    /// Until a line has these texts, of a process that goes on and never says what it must not.
    fn waits(&self, process: &Process, texts: &[String], never: Option<&str>) {
        let is_seen = |line: &str| texts.iter().all(|text| line.contains(&**text));
        let seen = || {
            let log = process.log();
            assert!(process.ended().unwrap().is_none(), "{}: it has ended: {log}", self.name);
            assert!(!never.is_some_and(|never| log.contains(never)), "{}: wanted {texts:?}: {log}", self.name);
            log.lines().any(is_seen).then_some(())
        };
        until(&format!("{}: {texts:?}", self.name), PATIENT, seen)
            .map_err(|error| error.context(process.last_words(40)))
            .unwrap();
    }
}

fn readme(name: &str) -> String {
    fs::read_to_string(workspace().join("examples").join(name).join("README.md")).unwrap()
}

/// The rows whose first cell is one piece of code and whose last one has code.
fn rows(readme: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let (first, last) = (cells.first()?, cells.last()?);
        let arguments = first.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        let seen: Vec<String> = last.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (!seen.is_empty()).then_some(Row { arguments, seen })
    };
    readme.lines().filter_map(row).collect()
}

/// Without what a build of it has left there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "target" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}
