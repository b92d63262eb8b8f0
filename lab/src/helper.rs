//! The small errands that have to be run from inside an island: asking a page, dialling an address, asking a ZooKeeper how it is
//! or for all that is in it.
//!
//! What is done there must end with it and be killed alone, so the lab starts itself again there: `ip netns exec … highway-lab get URL`.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{boxes, reaper, tree};

/// The program that runs errands.
const NAME: &str = "highway-lab";
/// One attempt to connect, or to get an answer, takes no longer.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How long a dial waits for a SYN to be answered; an island that drops it stays silent.
const DIAL: Duration = Duration::from_millis(700);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(40);

/// The binary to start for an errand: this one if it is one of ours, else the one beside it.
///
/// # Errors
/// It is not built.
pub fn program() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell which program this is")?;
    if own.file_name().is_some_and(|name| name == NAME) {
        return Ok(own);
    }
    // A test lies in target/<profile>/deps, the binaries one up.
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(NAME)).find(|file| file.is_file());
    beside.with_context(|| format!("no {NAME} beside {}; build it: cargo build -p highway-lab", own.display()))
}

/// Runs an errand if the arguments name one, and gives its exit code.
#[must_use]
pub fn answer(arguments: &[String]) -> Option<u8> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["reap"] => {
            reaper::reap(std::io::stdin().lock());
            Ok(String::new())
        }
        ["get", url] => get(url).map(|(status, body)| format!("{status}\n{body}")),
        ["ready", url, millis] => ready(url, millis).map(|()| String::new()),
        ["ask", address, word] => ask(address, word),
        ["serving", address, millis] => serving(address, millis).map(|()| String::new()),
        ["tree", address, below] => tree::read(address, below).and_then(|nodes| Ok(serde_json::to_string(&nodes)?)),
        ["dial", address] => dial(address).map(str::to_owned),
        ["rude", listen, target] => boxes::relay(listen, target).map(|()| String::new()),
        ["listen", addresses @ ..] => listen(addresses).map(|()| String::new()),
        _ => return None,
    };
    match done {
        Ok(text) => {
            // The caller may have gone; there is nobody left to tell.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Some(0)
        }
        Err(error) => {
            eprintln!("{error:#}");
            Some(1)
        }
    }
}

/// One GET over plain HTTP: status and body.
fn get(url: &str) -> Result<(u16, String)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not a plain HTTP address"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let reply = exchange(host, request.as_bytes())?;
    let (head, body) = reply.split_once("\r\n\r\n").with_context(|| format!("{url} did not answer with HTTP"))?;
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    Ok((status.with_context(|| format!("{url} answered without a status"))?, body.to_owned()))
}

/// Sends a four letter word to a ZooKeeper.
fn ask(address: &str, word: &str) -> Result<String> {
    exchange(address, word.as_bytes())
}

fn exchange(address: &str, request: &[u8]) -> Result<String> {
    let mut stream = connect(address, ATTEMPT)?;
    stream.set_read_timeout(Some(ATTEMPT))?;
    stream.set_write_timeout(Some(ATTEMPT))?;
    stream.write_all(request)?;
    let mut reply = Vec::new();
    BufReader::new(stream).read_to_end(&mut reply).with_context(|| format!("{address} answered no end"))?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

fn connect(address: &str, within: Duration) -> Result<TcpStream> {
    let address: SocketAddr = address.parse().with_context(|| format!("{address} is not an address and a port"))?;
    TcpStream::connect_timeout(&address, within).with_context(|| format!("cannot connect to {address}"))
}

/// Waits until a page answers with 200.
fn ready(url: &str, millis: &str) -> Result<()> {
    until(millis, || match get(url)? {
        (200, _) => Ok(()),
        (status, body) => bail!("{url} answers {status}: {}", body.trim()),
    })
}

/// Waits until a ZooKeeper serves clients.
fn serving(address: &str, millis: &str) -> Result<()> {
    until(millis, || {
        let reply = ask(address, "srvr")?;
        if reply.contains("Mode:") { Ok(()) } else { bail!("{address} does not serve yet: {}", reply.trim()) }
    })
}

fn until(millis: &str, mut attempt: impl FnMut() -> Result<()>) -> Result<()> {
    let millis: u64 = millis.parse().context("the deadline is in milliseconds")?;
    let end = Instant::now() + Duration::from_millis(millis);
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= end => return Err(error.context(format!("not within {millis} ms"))),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// What happens to a connection attempt.
fn dial(address: &str) -> Result<&'static str> {
    let address: SocketAddr = address.parse().with_context(|| format!("{address} is not an address and a port"))?;
    match TcpStream::connect_timeout(&address, DIAL) {
        Ok(_) => Ok("open"),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok("refused"),
        Err(_) => Ok("silent"),
    }
}

/// Accepts connections on these addresses, and says nothing on them, until it is ended.
fn listen(addresses: &[&str]) -> Result<()> {
    let listeners: Vec<TcpListener> = addresses.iter().map(TcpListener::bind).collect::<Result<_, _>>()?;
    writeln!(std::io::stdout(), "listening")?;
    std::thread::scope(|scope| {
        for listener in &listeners {
            scope.spawn(|| listener.incoming().for_each(drop));
        }
    });
    Ok(())
}
