//! What time does to a connection (`--long`): silences that grow, an answer that is late, a stream that goes on. All three at once, two and a
//! half minutes in all.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::ask::{self, Ask, Http};
use super::connection::Way;
use super::probes::{OCTETS, begin, probe_path, websocket};
use super::seen::{Cut, Seen, Stream, Times, Upgrade, Who};

const SILENCES: [u64; 5] = [5, 12, 20, 35, 65];
/// Of an answer after a silence.
const BACK: Duration = Duration::from_secs(5);
const WAIT: u64 = 65;
const LIFE: Duration = Duration::from_secs(70);

/// Tries all three over what passes.
pub async fn times(way: &Way, seen: &Seen) -> Times {
    let has_ws = matches!(seen.upgrade, Some(Upgrade::Echoes { .. }));
    let http = match (&seen.h1, &seen.h2) {
        (Some(Stream::Live { .. }), _) => Some(Http::One),
        (_, Some(Stream::Live { .. })) => Some(Http::Two),
        _ => None,
    };
    let silences = async { if has_ws { silences(way).await } else { (None, None) } };
    let ((silence, cut), wait, life) = tokio::join!(silences, wait(way), life(way, http));
    Times { silence, cut, wait: Some(wait), life }
}

async fn silences(way: &Way) -> (Option<Duration>, Option<(Duration, Cut)>) {
    let mut outlived = None;
    let Ok(mut socket) = websocket(way, Who::Hub).await else { return (None, None) };
    for silence in SILENCES.map(Duration::from_secs) {
        sleep(silence).await;
        match timeout(BACK, socket.echo(16)).await {
            Ok(Ok(())) => outlived = Some(silence),
            Ok(Err(_)) => return (outlived, Some((silence, Cut::Ended))),
            Err(_) => return (outlived, Some((silence, Cut::Forgotten))),
        }
    }
    (outlived, None)
}

async fn wait(way: &Way) -> (Duration, Result<u16, String>) {
    let start = Instant::now();
    let ask = Ask::post(format!("{}/wait/{WAIT}", probe_path(way)), OCTETS, "");
    let heard = ask::within(way, Http::One, ask, Duration::from_secs(WAIT) + BACK * 2).await;
    (start.elapsed(), heard.map(|heard| heard.status))
}

async fn life(way: &Way, http: Option<Http>) -> Option<(Duration, Option<String>)> {
    let mut open = begin(way, http?, Who::Hub).await.ok()?;
    let start = Instant::now();
    while start.elapsed() < LIFE {
        sleep(Duration::from_secs(1)).await;
        if !open.echo(16).await {
            return Some((start.elapsed(), Some("a stream with data each second was ended".to_owned())));
        }
    }
    Some((start.elapsed(), None))
}
