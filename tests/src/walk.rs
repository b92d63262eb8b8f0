//! Does what the README says, word for word: writes the files it shows and runs the commands it shows, each where it says.
//!
//! A fenced block takes part when its first line names a place after the language; all other blocks are only read by people.
//!
//! ````text
//! ```toml hub/central-hub.toml         the block is the file central-hub.toml of the machine `hub`
//! ```sh shanghai                       the block is run by `sh -e` on the machine `shanghai`, in the folder of its files
//! ```sh shanghai stays                 the same, for a program that goes on running
//! ```sh shanghai/shop                  the same in the folder `shop` of these files, with or without `stays`
//! ```text shanghai                     the last commands there have printed the block
//! ````
//!
//! One thing is done that a person does by hand: `<public half of FILE>` in a file or in commands becomes what `highway key show FILE` prints,
//! wherever FILE was made. And what a program would keep under `/var/lib` it keeps beside its files: several runs share one machine
//! here. Where a test has put a file `hosts` beside them, its names are known to the commands. Nothing else is put in, left out or changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use lab::net::Place;
use lab::process::{Process, Stdout};
use lab::program::{self, highway};

/// A command that does not stay is done by then, also one that builds something on a busy machine.
const DONE: Duration = Duration::from_secs(400);

/// How commands end that found something to do, and did what they are for: `highway doctor` on a machine that gives a process few files.
const SOMETHING_TO_DO: i32 = 4;

/// A block that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A file on a machine.
    File {
        /// The machine.
        place: String,
        /// The file's name.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Commands on a machine.
    Commands {
        /// The machine, and perhaps a folder of its files.
        place: String,
        /// Run by the shell.
        text: String,
        /// Whether they end.
        ends: Ends,
    },
    /// What the last commands on a machine have printed.
    Printed {
        /// The machine.
        place: String,
        /// Whole lines of it.
        text: String,
    },
}

/// Whether commands end by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The next step waits for them.
    Yes,
    /// They go on running.
    Stays,
}

/// The steps of a text, in its order.
///
/// # Errors
/// A block has no end, or a mark that is not understood.
pub fn steps(markdown: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(mark) = line.strip_prefix("```") else { continue };
        let mut text = String::new();
        loop {
            let line = lines.next().with_context(|| format!("the block {mark:?} has no end"))?;
            if line == "```" {
                break;
            }
            text += line;
            text.push('\n');
        }
        let words: Vec<&str> = mark.split_whitespace().collect();
        let step = match words.as_slice() {
            [] | [_] => continue,
            ["sh", place] => Step::Commands { place: (*place).to_owned(), text, ends: Ends::Yes },
            ["sh", place, "stays"] => Step::Commands { place: (*place).to_owned(), text, ends: Ends::Stays },
            ["text", place] => Step::Printed { place: (*place).to_owned(), text },
            [_, file] if file.contains('/') => {
                let (place, name) = file.split_once('/').context("a file stands on a machine")?;
                Step::File { place: place.to_owned(), name: name.to_owned(), text }
            }
            _ => bail!(
                "the block {mark:?} says neither `sh PLACE`, `sh PLACE stays`, `text PLACE` nor `LANGUAGE PLACE/FILE`"
            ),
        };
        steps.push(step);
    }
    Ok(steps)
}

/// Does the steps on these machines; gives what goes on running. Dropping that ends it.
///
/// # Errors
/// A step names a machine that is not there, or a command fails; the error holds what it said.
pub fn walk(steps: &[Step], places: &[Place], folder: &Path) -> Result<Vec<Process>> {
    let mut running = Vec::new();
    let mut printed = BTreeMap::new();
    for place in places {
        fs::create_dir_all(folder.join(place.name()))?;
    }
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::File { place, name, text } => {
                let place = find(places, place)?;
                let text = with_public_halves(text, folder, places)?;
                let file = folder.join(place.name()).join(name);
                file.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::write(file, text)?;
            }
            Step::Commands { place, text, ends } => {
                let (place, inside) = place.split_once('/').unwrap_or((place, ""));
                let place = find(places, place)?;
                let text = with_public_halves(text, folder, places)?;
                let process = run(place, inside, &text, folder, &format!("step-{number}-{}", place.name()))?;
                match ends {
                    Ends::Stays => running.push(process),
                    Ends::Yes => {
                        let status = process.wait(DONE)?;
                        ensure!(
                            status.success() || status.code() == Some(SOMETHING_TO_DO),
                            "these commands ended with {status}:\n{text}\n{}",
                            process.last_words(40)
                        );
                        printed.insert(place.name(), process.log());
                    }
                }
            }
            Step::Printed { place, text } => {
                let said =
                    printed.get(&**place).with_context(|| format!("nothing has ended on {place} that prints"))?;
                let (lines, wanted): (Vec<&str>, Vec<&str>) = (said.lines().collect(), text.lines().collect());
                let is_said = wanted.is_empty() || lines.windows(wanted.len()).any(|lines| lines == wanted);
                ensure!(is_said, "these lines were to be printed:\n{text}\nand these were:\n{said}");
            }
        }
    }
    Ok(running)
}

fn find<'a>(places: &'a [Place], name: &str) -> Result<&'a Place> {
    places.iter().find(|place| place.name() == name).with_context(|| format!("there is no machine {name}"))
}

fn run(place: &Place, inside: &str, text: &str, folder: &Path, name: &str) -> Result<Process> {
    let programs = program::folder()?;
    let path = std::env::var("PATH").unwrap_or_default();
    let own = folder.join(place.name());
    let mut command = place.command_with_names("sh", &own);
    command
        .args(["-e", "-c", text])
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("HIGHWAY__STATE__DIR", own.join("state"))
        .current_dir(own.join(inside));
    Process::start(name, folder, command, Stdout::Logged)
}

fn with_public_halves(text: &str, folder: &Path, places: &[Place]) -> Result<String> {
    const MARK: &str = "<public half of ";
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        let (file, after) = after.split_once('>').context("a public half's mark has no end")?;
        let made: Vec<PathBuf> =
            places.iter().map(|place| folder.join(place.name()).join(file)).filter(|path| path.is_file()).collect();
        let [made] = made.as_slice() else { bail!("{} machines have a file {file}, wanted one", made.len()) };
        done += before;
        done += highway(&["key", "show", &made.display().to_string()])?.trim();
        rest = after;
    }
    Ok(done + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_with_a_place_take_part_and_they_keep_their_order() {
        let text = "# Title\n```sh\nnot me\n```\n```toml hub/a.toml\nx = 1\n```\ntext\n```sh hub\necho 1\necho 2\n```\n```sh b stays\nrun\n```\n```text b\nsaid\n```\n```text\nnot me\n```\n";
        let commands =
            |place: &str, text: &str, ends| Step::Commands { place: place.to_owned(), text: text.to_owned(), ends };
        let file = Step::File { place: "hub".to_owned(), name: "a.toml".to_owned(), text: "x = 1\n".to_owned() };
        assert_eq!(
            steps(text).unwrap(),
            [
                file,
                commands("hub", "echo 1\necho 2\n", Ends::Yes),
                commands("b", "run\n", Ends::Stays),
                Step::Printed { place: "b".to_owned(), text: "said\n".to_owned() }
            ]
        );
    }

    #[test]
    fn a_block_without_an_end_and_an_unknown_mark_are_mistakes() {
        assert!(steps("```sh hub\necho\n").is_err());
        assert!(steps("```sh hub runs\n```\n").is_err());
        assert!(steps("```toml hub\n```\n").is_err());
    }
}
