//! `highway-lab`: what `highway lab` becomes. It also installs what tests need, and runs errands inside islands.
#![allow(clippy::print_stdout, reason = "a tool of the command line")]

use std::process::{Command, ExitCode};
use std::time::Duration;

use lab::install::{self, Need, Release, Server};
use lab::process::{Process, Stdout};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = lab::helper::answer(&arguments) {
        return ExitCode::from(code);
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["install"] => install(&[], &[]),
        ["install", "dubbo"] => install(&Release::ALL, &Server::ALL),
        // For the test of the reaper: a run with a child, waiting to be killed.
        ["linger"] => linger(),
        ["install", "newest"] => install::dubbo(Release::V3_3_6)
            .map(|(java, class_path)| println!("java: {}\nclass path: {class_path}", java.display())),
        ["install", "nginx"] => install::also(Need::Nginx).map(|path| println!("nginx: {}", path.display())),
        _ => return lab::command::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("highway-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `dubbo` stands for every release and every server: else each is fetched when it is first used.
fn install(releases: &[Release], servers: &[Server]) -> anyhow::Result<()> {
    let tools = install::install(releases, servers)?;
    println!("java: {}\nartefacts: {}", tools.java.display(), install::lab_dir().display());
    for &server in servers {
        println!("zookeeper: {}", tools.zookeeper_jars(server)?.display());
    }
    Ok(())
}

fn linger() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("sleep");
    command.arg("600");
    let child = Process::start("sleep", folder.path(), command, Stdout::Logged)?;
    println!("started {}", child.id());
    child.wait(Duration::from_secs(600)).map(drop)
}
