//! `highway top`: what programs say, again and again: on a terminal a screen that renews itself, else tables one after the other, or a
//! line of JSON each.
//!
//! ```text
//!  look ─▶ compared with the one before ─▶ screen or lines ─▶ the interval is over, or: Ctrl-C, SIGTERM, SIGHUP, q (the end), a new size (drawn again)
//! ```
//!
//! Never changes anything, and never leaves a terminal other than it was.

mod screen;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Result, anyhow};
use chassis::Secret;
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until};

use crate::output::{self, Heard};
use crate::terminal;
use crate::watch::{self, Admins, Filter, History, Look, Paint, Room, View};
use screen::Screen;

/// A line where there is no terminal to ask.
const WIDTH: usize = 160;
/// How often keys are looked at.
const KEYS_EVERY: Duration = Duration::from_millis(100);
const INTERVALS: std::ops::RangeInclusive<f64> = 0.1..=3600.0;

/// What is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    admins: Admins,
    #[command(flatten)]
    filter: Filter,
    /// Seconds between two looks, 0.1 to 3600.
    #[arg(long, default_value = "1", value_parser = interval)]
    interval: Duration,
    /// Ends after so many.
    #[arg(long)]
    count: Option<u64>,
    /// Lines of each table where there is no terminal; on one, as many as it has.
    #[arg(long, default_value_t = 20)]
    rows: usize,
    /// A line of JSON each time, with everything that is known.
    #[arg(long)]
    json: bool,
}

fn interval(text: &str) -> Result<Duration> {
    let seconds = text.trim_end_matches('s').parse::<f64>().ok().filter(|seconds| INTERVALS.contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| anyhow!("found {text:?}, wanted 0.1 to 3600 seconds"))
}

/// Looks until it is told to end.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let token = arguments.admins.token()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(watch_on(arguments, token))?;
    Ok(ExitCode::SUCCESS)
}

/// The width of a line, and whether it has colours: not where somebody else reads, nor where `NO_COLOR` is set.
pub fn width_and_paint() -> (usize, Paint) {
    if !std::io::stdout().is_terminal() {
        return (WIDTH, Paint::None);
    }
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    (screen::size().0, if plain { Paint::None } else { Paint::Colours })
}

/// What ends it, and what has it draw again.
struct Signals {
    ends: [Signal; 3],
    resized: Signal,
}

enum Woken {
    End,
    Resized,
    Keys,
    Due,
}

impl Signals {
    fn listen() -> Result<Self> {
        let ends = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        let [interrupt, terminate, hangup] = ends;
        Ok(Self { ends: [interrupt?, terminate?, hangup?], resized: signal(SignalKind::window_change())? })
    }

    /// The first of them, or the moment.
    async fn or(&mut self, due: Instant) -> Woken {
        let [interrupt, terminate, hangup] = &mut self.ends;
        tokio::select! {
            _ = interrupt.recv() => Woken::End,
            _ = terminate.recv() => Woken::End,
            _ = hangup.recv() => Woken::End,
            _ = self.resized.recv() => Woken::Resized,
            () = sleep_until(due) => Woken::Due,
            () = sleep(KEYS_EVERY) => Woken::Keys,
        }
    }
}

async fn watch_on(arguments: &Arguments, token: Option<Arc<Secret>>) -> Result<()> {
    let mut signals = Signals::listen()?;
    let mut history = History::default();
    let Some(first) = look(arguments, token.as_ref(), &mut signals, None).await else { return Ok(()) };
    let mut view = history.view(first.someone()?, &arguments.filter);
    let screen = if arguments.json { None } else { Screen::take() };
    let mut due = Instant::now() + arguments.interval;
    let mut shown = 0;
    // Without a screen nobody waits for the first: it has no rates.
    if let Some(screen) = &screen {
        draw(screen, &view, arguments);
        shown += 1;
    }
    loop {
        if arguments.count.is_some_and(|count| shown >= count) {
            return Ok(());
        }
        loop {
            match signals.or(due).await {
                Woken::End => return Ok(()),
                Woken::Keys if screen.as_ref().is_some_and(Screen::is_left) => return Ok(()),
                Woken::Keys => {}
                Woken::Resized => screen.iter().for_each(|screen| draw(screen, &view, arguments)),
                Woken::Due => break,
            }
        }
        // Late ones are left out, not made up for.
        due = (due + arguments.interval).max(Instant::now());
        let Some(seen) = look(arguments, token.as_ref(), &mut signals, screen.as_ref()).await else { return Ok(()) };
        view = history.view(seen, &arguments.filter);
        shown += 1;
        match &screen {
            Some(screen) => draw(screen, &view, arguments),
            None if print(&view, arguments)? == Heard::ByNobody => return Ok(()),
            None => {}
        }
    }
}

/// Looks, unless it is told to end meanwhile.
async fn look(
    arguments: &Arguments,
    token: Option<&Arc<Secret>>,
    signals: &mut Signals,
    screen: Option<&Screen>,
) -> Option<Look> {
    let looking = arguments.admins.look(token);
    tokio::pin!(looking);
    loop {
        tokio::select! {
            look = &mut looking => return Some(look),
            woken = signals.or(Instant::now() + KEYS_EVERY) => match woken {
                Woken::End => return None,
                Woken::Keys | Woken::Due if screen.is_some_and(Screen::is_left) => return None,
                _ => {}
            }
        }
    }
}

fn draw(screen: &Screen, view: &View, arguments: &Arguments) {
    let (width, height) = screen::size();
    let (_, paint) = width_and_paint();
    let head = format!(
        "highway top  {}  every {:?}  q ends",
        humantime::format_rfc3339_seconds(SystemTime::now()),
        arguments.interval
    );
    let room = Room { width, rows: usize::MAX, height: Some(height.saturating_sub(1)) };
    let lines = watch::text(view, room, paint);
    screen.show(&head, width, &lines);
}

/// Prints one picture for whoever reads.
fn print(view: &View, arguments: &Arguments) -> Result<Heard> {
    let now = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    if arguments.json {
        return output::heard(format_args!("{}\n", terminal::json_line(&json!({ "at": now, "seen": view }))));
    }
    let (width, paint) = width_and_paint();
    let lines = watch::text(view, Room { width, rows: arguments.rows, height: None }, paint);
    output::heard(format_args!("{now}\n{}\n\n", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_seconds_within_reason() {
        assert_eq!(interval("2").unwrap(), Duration::from_secs(2));
        assert_eq!(interval("0.5s").unwrap(), Duration::from_millis(500));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "fast", ""] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
