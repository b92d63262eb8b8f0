//! A name, looked up as the programs do it: by the system, with a limit.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::show::time;
use super::step::Step;

const LIMIT: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried.
const ADDRESSES: usize = 16;
/// What takes longer is told.
const SLOW: Duration = Duration::from_secs(1);

/// A name that was looked up.
#[derive(Debug, Clone)]
pub struct Names {
    pub host: String,
    pub found: Result<Vec<IpAddr>, String>,
    pub took: Duration,
}

/// Looks up a name.
pub async fn lookup(host: &str, port: u16) -> Names {
    let start = Instant::now();
    let looked = timeout(LIMIT, tokio::net::lookup_host((host, port))).await;
    let found = match looked {
        Ok(Ok(addresses)) => {
            let mut list: Vec<_> = addresses.map(|address| address.ip()).take(ADDRESSES).collect();
            list.dedup();
            if list.is_empty() { Err("it has no address".to_owned()) } else { Ok(list) }
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {LIMIT:?}")),
    };
    Names { host: host.to_owned(), found, took: start.elapsed() }
}

/// What is said of it; `what` has this name.
pub fn step(seen: &Names, what: &str) -> Step {
    let host = &seen.host;
    let list = match &seen.found {
        Ok(list) => list,
        Err(error) => {
            let means = format!("the name of {what} leads nowhere from here");
            let ask = "is the name right, and does this network's name server (/etc/resolv.conf) know it?";
            return Step::bad("names", format!("{host}: {error}"), &means, ask);
        }
    };
    let all: Vec<_> =
        list.iter().map(|address| format!("{address} (IPv{})", if address.is_ipv4() { 4 } else { 6 })).collect();
    let saw = format!("{host} is {}, after {}", all.join(", "), time(seen.took));
    if seen.took > SLOW {
        let ask = "look at the name servers of this machine (/etc/resolv.conf): the first of them may be away";
        return Step::note("names", saw, "names are looked up slowly; each new connection waits for it", ask);
    }
    Step::good("names", saw)
}
