//! `highway lab`, as somebody types it: what its page shows, and that whatever happens to it, nothing is left.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use lab::install::workspace;
use lab::net::{Isolation, Net};
use lab::process::{Process, Stdout, until};
use lab::program::binary;
use tempfile::TempDir;

/// From one step of a start to the next, on a busy machine.
const STEP: Duration = Duration::from_secs(60);

/// Somebody with a lab of their own, which ends with them.
struct User(TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn seat(&self) -> PathBuf {
        self.0.path().join("seat")
    }

    /// A shell line in which `highway` is ours.
    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        let folder = binary("highway").unwrap().parent().unwrap().to_owned();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        command.arg("-c").arg(line).env("PATH", path).env("HIGHWAY_LAB_DIR", self.seat());
        command
    }

    /// Exit code, and all that was said.
    fn types(&self, words: &str) -> (i32, String) {
        let Output { status, stdout, .. } = self.shell(&format!("{words} 2>&1")).output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap())
    }

    /// Starts a lab and waits until it has come to this step.
    fn half_started(&self, step: &str) -> Process {
        // What an earlier one said is not what this one says.
        let _ = fs::remove_file(self.0.path().join("up.log"));
        let command = self.shell("exec highway lab up");
        let process = Process::start("up", self.0.path(), command, Stdout::Logged).unwrap();
        until(step, STEP, || process.log().contains(step).then_some(())).unwrap();
        process
    }

    fn keeper(&self) -> u32 {
        fs::read_to_string(self.seat().join("keeper")).unwrap().parse().unwrap()
    }

    /// Nothing runs, no network is there and no folder of this keeper.
    fn has_nothing_left(&self, keeper: u32) {
        let networks = Command::new("ip").args(["netns", "list"]).output().unwrap();
        let networks = String::from_utf8(networks.stdout).unwrap();
        assert!(!networks.contains(&format!("hw{keeper}-")), "{networks}");
        assert!(!self.seat().exists());
        let ours = self.seat().display().to_string();
        let runs = |entry: &fs::DirEntry| {
            // A child of the keeper has its environment.
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&ours).then(|| entry.path())
        };
        let none = || fs::read_dir("/proc").unwrap().all(|entry| runs(&entry.unwrap()).is_none()).then_some(());
        until("what was killed is gone", Duration::from_secs(10), none).unwrap();
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.shell("highway lab down").output();
    }
}

#[test]
fn the_page_shows_what_one_sees() {
    if let Isolation::None { reason } = Net::new(&["a"]).unwrap().isolation() {
        println!("not shown on this machine: {reason}");
        return;
    }
    let page = fs::read_to_string(workspace().join("docs/lab.md")).unwrap();
    let user = User::new();
    let (mut seen, mut typed) = (String::new(), 0);
    for block in page.split("\n```").skip(1) {
        if let Some(commands) = block.strip_prefix("sh lab\n") {
            seen.clear();
            for line in commands.lines() {
                let (words, wanted) = line.split_once("# exit code ").unwrap_or((line, "0"));
                let (code, text) = user.types(words);
                assert_eq!(code.to_string(), wanted, "{words}\n{text}");
                seen += &text;
                typed += 1;
            }
        } else if let Some(shown) = block.strip_prefix("text\n") {
            let mut lines = seen.lines();
            for line in shown.lines() {
                assert!(lines.any(|said| is_like(said, line)), "the page shows {line:?}, seen was\n{seen}");
            }
        }
    }
    assert!(typed > 10, "only {typed} commands on the page");
}

/// Whether a line is as the page has it, where `…` stands for anything and blanks are blanks.
fn is_like(said: &str, shown: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (said, shown) = (plain(said), plain(shown));
    let pieces: Vec<&str> = shown.split('…').collect();
    let Some(mut rest) = said.strip_prefix(pieces[0]) else { return false };
    for piece in &pieces[1..] {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty() || pieces.len() > 1 && pieces.last().is_some_and(|last| last.is_empty())
}

#[test]
fn a_line_of_the_page_is_like_what_it_stands_for_and_nothing_else() {
    assert!(is_like("  before   12  ", "before …"));
    assert!(is_like("a 1 ms b 2 ms", "a … ms b … ms"));
    assert!(!is_like("a 1 ms b 2 s", "a … ms b … ms"));
    assert!(!is_like("before the hub", "before"));
}

#[test]
fn ctrl_c_while_it_starts_ends_all_of_it() {
    let user = User::new();
    let up = user.half_started("starting the hub");
    let keeper = user.keeper();

    let again = user.types("highway lab up");
    let early = user.types("highway lab call shanghai beijing");
    up.signal(rustix::process::Signal::INT).unwrap();
    let ended = up.wait(STEP).unwrap();

    assert_eq!((again.0, early.0, ended.code()), (1, 3, Some(130)), "{again:?} {early:?} {}", up.log());
    assert!(again.1.contains("a lab is just being started"), "{again:?}");
    assert!(early.1.contains("still starting"), "{early:?}");
    assert!(up.log().contains("what had been started is gone again"), "{}", up.log());
    user.has_nothing_left(keeper);
}

#[test]
fn down_ends_a_lab_that_is_starting_and_what_a_killed_keeper_has_left() {
    let user = User::new();
    let up = user.half_started("starting two gateways");
    let keeper = user.keeper();
    let killed = rustix::process::Pid::from_raw(keeper.cast_signed()).unwrap();
    rustix::process::kill_process(killed, rustix::process::Signal::KILL).unwrap();
    assert_eq!(up.wait(STEP).unwrap().code(), Some(1), "{}", up.log());
    assert!(up.log().contains("the lab's keeper ended before it answered"), "{}", up.log());
    assert_eq!(user.types("highway lab down").0, 0);
    user.has_nothing_left(keeper);

    let up = user.half_started("starting the hub");
    let keeper = user.keeper();
    let down = user.types("highway lab down");
    assert_eq!(down, (0, "the lab is gone; it has left nothing\n".to_owned()));
    assert_eq!(up.wait(STEP).unwrap().code(), Some(1), "{}", up.log());
    user.has_nothing_left(keeper);
    assert_eq!(user.types("highway lab down"), (0, "there is no lab\n".to_owned()));
}

#[test]
fn wrong_words_are_told_before_anything_starts() {
    let user = User::new();
    for (words, code, sentence) in [
        ("up --box toaster", 2, "found no box \"toaster\", wanted one of none, nginx-default,"),
        ("up --thin quick", 2, "found \"quick\", wanted a rate such as 30mbit"),
        ("frobnicate", 2, "unrecognized subcommand"),
        ("call shanghai beijing", 3, "there is no lab; `highway lab up` starts one"),
        ("help", 0, "Usage: highway lab"),
        ("--help", 0, "Usage: highway lab"),
    ] {
        let (ended, said) = user.types(&format!("highway lab {words}"));
        assert_eq!(ended, code, "{words}: {said}");
        assert!(said.contains(sentence), "{words}: {said}");
    }
}

#[test]
fn a_folder_that_others_may_enter_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    fs::create_dir(user.seat()).unwrap();
    fs::set_permissions(user.seat(), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, said) = user.types("highway lab status");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("that nobody else may enter (mode 0700)"), "{said}");
}

/// A folder of ours is taken away with the lab, so it must be nobody else's: `HIGHWAY_LAB_DIR=$HOME` is soon typed.
#[test]
fn a_folder_with_other_things_in_it_is_refused_and_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    fs::create_dir(user.seat()).unwrap();
    fs::set_permissions(user.seat(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(user.seat().join("precious"), "mine").unwrap();
    for words in ["down", "up", "status"] {
        let (code, said) = user.types(&format!("highway lab {words}"));
        assert_eq!(code, 1, "{words}: {said}");
        assert!(said.contains("found precious in it; name another one in HIGHWAY_LAB_DIR"), "{words}: {said}");
    }
    assert_eq!(fs::read_to_string(user.seat().join("precious")).unwrap(), "mine");
}
