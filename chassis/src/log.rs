//! Logs on stderr, human or JSON, by `[log] level` and `format`.
//!
//! A level is one word (`info`) or directives (`info,highway_tunnel=debug`), and changes on reload; the format does not.
//! Panics of any thread are logged before they surface where the task is awaited. Libraries that tell each attempt, or
//! secrets of their protocol, are heard only where a directive names them.

use std::io::IsTerminal;
use std::sync::OnceLock;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// How a line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people, with colour on a terminal.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// The settled section `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Directives as `tracing_subscriber::EnvFilter` reads them.
    pub level: String,
    /// How a line looks.
    pub format: Format,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Human }
    }
}

/// Directives in front of the operator's, who may name the same with another level. The ZooKeeper client logs every
/// attempt to reconnect, and at debug the password that a session can be taken over with; `zk_bridge` says what changed.
const QUIET: &str = "zookeeper_client=error";

type SetLevel = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

static SET_LEVEL: OnceLock<SetLevel> = OnceLock::new();

/// Reads a level.
///
/// # Errors
/// The sentence of the directive that cannot be read.
pub fn level(text: &str) -> Result<EnvFilter, String> {
    if text.trim().is_empty() {
        return Err("an empty level".to_owned());
    }
    EnvFilter::builder().parse(format!("{QUIET},{text}")).map_err(|error| error.to_string())
}

/// Sends everything to stderr from now on. The second and later calls in a process only change the level.
///
/// # Errors
/// The level cannot be read.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = level(&log.level)?;
    if let Some(set_level) = SET_LEVEL.get() {
        return set_level(filter);
    }
    // Where a subscriber is already there (a test's), it stays.
    match log.format {
        Format::Human => {
            let human = tracing_subscriber::fmt()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal())
                .with_env_filter(filter)
                .with_filter_reloading();
            let handle = human.reload_handle();
            let _ = human.try_init();
            let _ = SET_LEVEL.set(Box::new(move |filter| handle.reload(filter).map_err(|e| e.to_string())));
        }
        Format::Json => {
            let json = tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_writer(std::io::stderr)
                .with_env_filter(filter)
                .with_filter_reloading();
            let handle = json.reload_handle();
            let _ = json.try_init();
            let _ = SET_LEVEL.set(Box::new(move |filter| handle.reload(filter).map_err(|e| e.to_string())));
        }
    }
    log_panics();
    Ok(())
}

/// Panics become lines of the log instead of loose text on stderr.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let why = panic.payload_as_str().unwrap_or("without a message");
        tracing::error!(at, thread, why, "a panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_directives() {
        assert!(level("info").is_ok());
        assert!(level("info,highway_tunnel=debug").is_ok());
        assert!(level("highway=loud").is_err());
        assert!(level("").is_err());
    }

    #[test]
    fn a_library_that_logs_each_attempt_is_heard_only_by_its_name() {
        let is_heard = |typed: &str| {
            let subscriber = tracing_subscriber::fmt().with_env_filter(level(typed).unwrap()).finish();
            tracing::subscriber::with_default(subscriber, || {
                (
                    tracing::enabled!(target: "zookeeper_client::session", tracing::Level::WARN),
                    tracing::enabled!(target: "zk_bridge", tracing::Level::WARN),
                )
            })
        };
        assert_eq!(is_heard("debug"), (false, true));
        assert_eq!(is_heard("info,zookeeper_client=info"), (true, true));
    }
}
