//! Up to who answers: names, addresses, proxy, TLS, and whether it is a hub. Pure, as the rest of the sentences.

use super::{Mark, Step, time};
use crate::doctor::way::seen::{Connect, Heard, Proxied, Tls, TlsProblem, Who};

pub fn connect(seen: &Connect) -> Step {
    let address = seen.address;
    match &seen.ended {
        Ok(took) => Step::good("connect", format!("{address} in {}", time(*took))),
        Err(error) if error.contains("refused") => {
            let ask = format!(
                "does the hub, or what stands in front of it, listen at {address}? Else ask the firewall team to let this machine out to it"
            );
            Step::found(
                "connect",
                Mark::Bad,
                format!("{address}: {error}"),
                "nobody listens there, or a firewall refuses",
                &ask,
            )
        }
        Err(error) => {
            let ask = format!("ask the firewall team to let TCP from this machine to {address} through");
            let means = "a firewall drops it, or there is no way to that address";
            Step::found("connect", Mark::Bad, format!("{address}: {error}"), means, &ask)
        }
    }
}

pub fn proxied(seen: &Proxied) -> Step {
    let Proxied { proxy, hub, refused } = seen;
    match refused {
        None => Step::good("proxy", format!("{proxy} connects to {hub}")),
        Some(sentence) => {
            let (found, ask) = sentence.split_once("; ").unwrap_or((sentence, ""));
            let means = match sentence {
                text if text.contains("(407") => "the proxy lets only those through whom it knows",
                text if text.contains("(403)") || text.contains("(405)") => {
                    "the proxy's rules do not allow this host and port"
                }
                _ => "the proxy makes no connection to the hub",
            };
            Step::found("proxy", Mark::Bad, found, means, ask)
        }
    }
}

pub fn tls(seen: &Tls) -> Step {
    let name = &seen.name;
    let shown = seen.certificate.as_ref().map(|shown| {
        let (from, until) = (day(&shown.from), day(&shown.until));
        format!(
            "certificate of {}, issued by {}, from {from} until {until}, SHA-256 {}",
            shown.subject, shown.issuer, shown.fingerprint
        )
    });
    let shown = shown.unwrap_or_else(|| "no certificate that can be read".to_owned());
    let issuer = seen.certificate.as_ref().map_or("somebody unknown", |shown| &shown.issuer);
    match &seen.problem {
        None => {
            let alpn = if seen.has_h2 { "offers HTTP/2" } else { "does not offer HTTP/2" };
            let saw = format!("{} with {name}, {alpn}; {shown}", seen.version);
            if seen.certificate.as_ref().is_some_and(|shown| shown.ends_soon) {
                return Step::found(
                    "tls",
                    Mark::Note,
                    saw,
                    "the certificate ends within three weeks",
                    "ask its owner to renew it",
                );
            }
            Step::good("tls", saw)
        }
        Some(TlsProblem::UnknownIssuer) => {
            let means = format!(
                "TLS is ended on the way by {issuer}, or the hub has an authority of its own that is not known here"
            );
            let ask = "compare the fingerprint with the hub's: if it is the hub's, name its authority in ca_file (--ca); if not, ask who inspects TLS to \
                       leave this host out, or put that authority into ca_file (calls stay sealed inside)";
            Step::found("tls", Mark::Bad, format!("not trusted: {shown}"), &means, ask)
        }
        Some(TlsProblem::OtherName) => {
            let means = format!(
                "the certificate is not for {name}: something other than the hub answers, or it has another name there"
            );
            Step::found(
                "tls",
                Mark::Bad,
                format!("another name: {shown}"),
                &means,
                "set server_name where the hub's certificate has another name",
            )
        }
        Some(TlsProblem::Time) => {
            let means = "the certificate's time is over or has not begun, or this machine's clock is wrong";
            Step::found(
                "tls",
                Mark::Bad,
                format!("out of its time: {shown}"),
                means,
                "look at the clock here; else ask its owner to renew it",
            )
        }
        Some(TlsProblem::Other(error)) => {
            let ask =
                "is it https that is spoken at this port? A firewall may also end TLS to hosts that it does not know";
            Step::found("tls", Mark::Bad, error.clone(), "TLS does not come about", ask)
        }
    }
}

/// Who answers at the path of links; `path` is that path.
pub fn answer(seen: &Result<Heard, String>, path: &str) -> Step {
    let heard = match seen {
        Ok(heard) => heard,
        Err(error) => {
            let ask = "ask whoever runs what stands in front of the hub what it says about this request";
            return Step::found(
                "answer",
                Mark::Bad,
                error.clone(),
                "the connection is taken and no HTTP answer comes",
                ask,
            );
        }
    };
    let mut saw = format!("status {} at {path}", heard.status);
    saw += &heard.server.as_ref().map(|server| format!(" from {server}")).unwrap_or_default();
    match heard.who {
        Who::Hub => {
            let reached = heard.reached.as_deref().unwrap_or("HTTP");
            let saw = format!("the hub, after {}; requests reach it as {reached}", time(heard.took));
            if reached == "HTTP/1.0" {
                let ask = "ask for `proxy_http_version 1.1;` or its like";
                return Step::found(
                    "answer",
                    Mark::Note,
                    saw,
                    "what stands in front of the hub speaks HTTP/1.0 to it: nothing can stream",
                    ask,
                );
            }
            Step::good("answer", saw)
        }
        Who::OldHub => {
            let means = "a hub answers that has no probes, of an earlier release: only what it says at the path of links is known";
            Step::found("answer", Mark::Note, saw, means, "")
        }
        Who::Other if heard.status == 413 || heard.status == 403 => {
            let means = "something on the way refuses the request before the hub sees it";
            Step::found("answer", Mark::Bad, saw, means, "see what follows")
        }
        Who::Other if matches!(heard.status, 502..=504) => {
            let ask = "is the hub running, and does what stands in front of it know its address?";
            Step::found("answer", Mark::Bad, saw, "what stands in front of the hub cannot reach it", ask)
        }
        Who::Other => {
            let to = heard
                .location
                .as_deref()
                .map(|to| format!(", which leads to {}", without_query(to)))
                .unwrap_or_default();
            let page = if heard.is_html { ", a page of HTML" } else { "" };
            let means =
                "something other than the hub answers: a portal to log in, a block page, or a server for other names";
            let ask = format!(
                "ask that requests for {path} go to the hub; where a portal wants a login, that this machine needs none"
            );
            Step::found("answer", Mark::Bad, format!("{saw}{to}{page}"), means, &ask)
        }
    }
}

/// Logins hand tickets over behind it.
fn without_query(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}

fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}
