//! A changed configuration: noticed, read, taken as a whole or not at all.
//!
//! ```text
//!  SIGHUP ─┐
//!          ├─▶ read and settle ─ mistakes ─▶ logged; the old state stays
//!  change ─┘        │
//!                   └─ good ─▶ Program::reload ─ Err ─▶ logged; the old state stays
//!                                    └ Ok ─▶ the log level follows
//! ```
//!
//! Files are looked at every second and compared by digest, so links that are replaced and rewrites in place are both
//! seen. A bad file is reported once and looked at again when it changes.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::config::{FileRead, Mistakes};
use crate::log;
use crate::metrics::{Counter, Gauge, Metrics};
use crate::process::{Basics, Process, Program};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a program may take to change over.
const APPLY_WITHIN: Duration = Duration::from_secs(60);

/// What has to be looked at, and how reloads went.
pub(super) struct Reloads {
    files: Vec<FileRead>,
    good: Counter,
    bad: Counter,
    last_good: Gauge,
}

impl Reloads {
    pub(super) fn new(files: Vec<FileRead>, metrics: &Metrics) -> Self {
        let reloads = metrics.counters("highway_config_reloads_total", "Reloads of the configuration", &["outcome"]);
        let last = metrics.gauges(
            "highway_config_last_reload_good",
            "1 if the configuration in force is the one on disk",
            &[],
        );
        let last_good = last.own(&[]);
        last_good.set(1);
        Self { files, good: reloads.own(&["good"]), bad: reloads.own(&["bad"]), last_good }
    }

    /// Resolves when a file is no longer what was read. Cancel safe.
    pub(super) async fn changed(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(file) = self.files.iter().find(|file| file.again() != **file) {
                tracing::info!(file = %file.path().display(), "a file has changed");
                return;
            }
        }
    }

    /// Reads again and changes over; what the chassis itself has to obey from now on, if that went well.
    pub(super) async fn apply<P: Program>(&mut self, program: &mut P, file: &Path) -> Option<Basics> {
        match self.try_apply(program, file).await {
            Ok(basics) => {
                self.good.add(1);
                self.last_good.set(1);
                tracing::info!("the configuration was reloaded");
                Some(basics)
            }
            Err(why) => {
                self.bad.add(1);
                self.last_good.set(0);
                tracing::error!(%why, "the configuration was not reloaded, the old one stays in force");
                None
            }
        }
    }

    async fn try_apply<P: Program>(&mut self, program: &mut P, file: &Path) -> Result<Basics, String> {
        let settled = match super::load::<P>(file) {
            Ok(settled) => settled,
            Err(mistakes) => {
                self.watch_also(&mistakes);
                return Err(mistakes.to_string());
            }
        };
        self.files = settled.files;
        let basics = P::basics(&settled.config);
        match tokio::time::timeout(APPLY_WITHIN, program.reload(settled.config)).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Err(format!("{why:#}")),
            Err(_) => return Err(format!("the program did not change over within {APPLY_WITHIN:?}")),
        }
        log::start(&basics.log)?;
        Ok(basics)
    }

    /// After mistakes: the files as they are now, with those that the reading did not get to.
    fn watch_also(&mut self, mistakes: &Mistakes) {
        let mut files = mistakes.files().to_vec();
        files.extend(
            self.files
                .iter()
                .filter(|old| files.iter().all(|new| new.path() != old.path()))
                .cloned()
                .collect::<Vec<_>>(),
        );
        for file in &mut files {
            *file = file.again();
        }
        self.files = files;
    }
}

/// What every process says about itself.
pub(super) fn describe<P: Program>(process: &Process, file: &Path) {
    let started = SystemTime::now();
    let started_at = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    process.metrics.source(move |page| {
        let labels = [("program", P::NAME), ("version", env!("CARGO_PKG_VERSION"))];
        page.gauge("highway_build_info", "Program and version", &labels, 1.0);
        page.gauge("process_start_time_seconds", "When the process started, since 1970", &[], started_at);
    });
    let (file, drain, ready) = (file.display().to_string(), process.drain.clone(), process.ready.clone());
    process.status.source("process", move || {
        let (is_ready, waits_for) = ready.report();
        serde_json::json!({
            "started_at": started_at,
            "ready": is_ready,
            "conditions": waits_for.lines().collect::<Vec<_>>(),
            "program": P::NAME,
            "version": env!("CARGO_PKG_VERSION"),
            "config": file,
            "pid": std::process::id(),
            "uptime_seconds": started.elapsed().unwrap_or_default().as_secs(),
            "draining": drain.is_asked(),
            "in_flight": drain.held(),
        })
    });
}
