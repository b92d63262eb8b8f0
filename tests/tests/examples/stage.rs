//! Four islands: `shanghai` and `beijing` answer, by the provider of `examples/maven`, `home` and `office` call.
//!
//! ```text
//!   home: Java   office: Go   ⇒   hub   ⇒   shanghai, beijing: Provider
//! ```
//! Go has an island for itself: its calls do not say their application, so that what a reference's parameters say counts only where no other
//! application at its address refers to the service.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use lab::line::{Island, Line, Plan};
use lab::net::HOSTS;
use lab::peer::GREETING;
use lab::process::Process;

use crate::project::Project;

/// What a busy machine does not reach.
pub const PATIENT: Duration = Duration::from_secs(300);

pub struct Stage {
    pub maven: Project,
    _answering: Vec<Process>,
    pub line: Line,
}

/// All of it, once for the process, and for one test at a time: each starts a dozen programs. Nothing where names of its own need a namespace
/// that this machine does not give.
pub fn stage() -> Option<(&'static Stage, MutexGuard<'static, ()>)> {
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    static STAGE: OnceLock<Option<Stage>> = OnceLock::new();
    STAGE.get_or_init(start).as_ref().map(|stage| (stage, mine))
}

fn start() -> Option<Stage> {
    let plan = Plan::of(&["home", "office", "shanghai", "beijing"]);
    let line = Line::start(plan.port("home", "shanghai", 20991).port("office", "shanghai", 20991)).unwrap();
    if line.island("home").place().namespace().is_none() {
        println!("not shown on this machine: names of its own need a namespace");
        return None;
    }
    for island in &line.islands {
        let address = island.place().address();
        let folder = folder_of(&line, island);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(HOSTS), format!("{address} zk1\n{address} egress\n127.0.0.1 localhost\n")).unwrap();
    }
    let [build] = &Project::builds("maven")[..] else { panic!("one way to build it") };
    let mut stage = Stage { maven: Project::built("maven", build, &line), _answering: Vec::new(), line };
    stage._answering = stage.maven.answers(&stage.line);
    for island in ["home", "office"] {
        stage.line.island(island).finds(GREETING).unwrap();
    }
    Some(stage)
}

/// What is an island's alone: the names of its machines.
pub fn folder_of(line: &Line, island: &Island) -> PathBuf {
    line.lab.folder().join("names").join(island.name())
}
