//! What was seen, in the words of those who run what stands on the way: a step for each finding, what it means and what to ask for.
//!
//! Pure: the same values are the same sentences.

mod reach;

use std::time::Duration;

use super::seen::{Cut, Flow, Inspection, Largest, Stream, Times, Upgrade};
use crate::doctor::show::{size, time};
use crate::doctor::step::{Mark, Step};
pub use reach::{answer, connect, proxied, tls};

const UPGRADE_LINES: &str = "three lines beside proxy_pass, as nginx writes them (Apache: upgrade=websocket behind ProxyPass):\n\
    proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";";

pub fn upgrade(seen: &Upgrade) -> Step {
    let name = "websocket";
    match seen {
        Upgrade::Echoes { len, took } if *len >= 100 << 10 => {
            Step::good(name, format!("upgraded; messages up to {} come back, all within {}", size(*len), time(*took)))
        }
        Upgrade::Echoes { len, .. } => {
            let saw = format!("upgraded; messages of more than {} do not come back", size(*len));
            Step::found(
                name,
                Mark::Bad,
                saw,
                "long messages are held or dropped on the way",
                "ask what limits WebSocket messages there",
            )
        }
        Upgrade::Upgraded => {
            Step::good(name, "upgraded; whether messages pass is not known, since this hub has no probes")
        }
        Upgrade::Silent => {
            let means = "the upgrade is answered and frames do not pass";
            Step::found(
                name,
                Mark::Bad,
                "status 101, and no message came back",
                means,
                "ask whether the box inspects or holds WebSocket frames",
            )
        }
        Upgrade::Status(status) => {
            let means = match status {
                200..=399 | 404 | 426 => "the proxy does not pass WebSocket upgrades",
                403 => "something on the way refuses WebSocket",
                _ => "no WebSocket comes about",
            };
            Step::found(
                name,
                Mark::Bad,
                format!("status {status} instead of 101"),
                means,
                &format!("ask for {UPGRADE_LINES}"),
            )
        }
        Upgrade::Failed(error) => {
            Step::found(name, Mark::Bad, error.clone(), "no WebSocket comes about", &format!("ask for {UPGRADE_LINES}"))
        }
    }
}

/// A streaming POST, by its name for people.
pub fn stream(name: &'static str, seen: &Stream) -> Step {
    let is_h2 = name == "h2 stream";
    let refused = if is_h2 { "gRPC-style streams do not pass" } else { "streams do not pass over HTTP/1.1" };
    let off = if is_h2 {
        "for HTTP/2 in front and behind (nginx: listen … http2 and grpc_pass)"
    } else {
        "for request buffering off at the path (nginx: proxy_request_buffering off)"
    };
    let found = |saw: String, means: &str| Step::found(name, Mark::Note, saw, means, &format!("ask {off}"));
    match seen {
        Stream::Live { slowest } => Step::good(
            name,
            format!("each piece came back before the next was sent, the slowest after {}", time(*slowest)),
        ),
        Stream::Begins => Step::good(
            name,
            "the answer begins while the request goes on; more is not known, since this hub has no probes",
        ),
        Stream::RequestHeld => found(
            "the answer began only when the request had ended".to_owned(),
            &format!("{refused}: requests are held until they are whole"),
        ),
        Stream::AnswerHeld => {
            found("the answer began and its pieces did not come".to_owned(), &format!("{refused}: answers are held"))
        }
        Stream::Silent => found("no answer, even when the request had ended".to_owned(), refused),
        Stream::Status(status) => found(format!("status {status} instead of 200"), refused),
        Stream::Failed(error) => found(error.clone(), refused),
    }
}

pub fn flow(request: Option<Flow>, answer: Option<Flow>) -> Step {
    let saw = |what: &str, flow: Option<Flow>| match flow {
        Some(Flow::Live) => format!("{what} pass piece by piece"),
        Some(Flow::Held) => format!("{what} are held until they are whole"),
        None => format!("{what}: not known"),
    };
    let text = format!("{}; {}", saw("requests", request), saw("answers", answer));
    if request == Some(Flow::Live) && answer == Some(Flow::Live) {
        return Step::good("flow", text);
    }
    let means = match (request, answer) {
        (Some(Flow::Held), Some(Flow::Held)) => "a box stores both directions before it passes them on",
        (Some(Flow::Held), _) => "request buffering",
        (_, Some(Flow::Held)) => "response buffering, in spite of X-Accel-Buffering: no",
        _ => "",
    };
    let ask = "links can do without (post); for fewer requests ask for buffering off at the path";
    Step::found("flow", Mark::Note, text, means, ask)
}

/// What a firewall looks into; `path` is the path of links.
pub fn inspection(seen: &Inspection, path: &str) -> Step {
    let exclusion = format!(
        "ask the firewall team for this line before their rules (ModSecurity's words): SecRule REQUEST_FILENAME \"@beginsWith {path}\" \
         \"id:10100,phase:1,pass,nolog,t:none,ctl:requestBodyAccess=Off,ctl:ruleRemoveById=920420\"; \
         until it is there, post.encoding = \"multipart\" passes most of them, where the hub's policy takes it (docs/multipart.md)"
    );
    let (binary, json, spelling) = (seen.binary, seen.json, seen.spelling);
    let word = |status: Option<u16>| status.map_or("no answer".to_owned(), |status| format!("status {status}"));
    if binary == Some(403) && json != Some(403) {
        let saw = format!("application/octet-stream gets status 403, application/json {}", word(json));
        return Step::found(
            "firewall",
            Mark::Bad,
            saw,
            "a web application firewall refuses bodies by their content type",
            &exclusion,
        );
    }
    if binary == Some(200) && spelling != Some(200) {
        let saw =
            format!("a body that spells names of Java classes gets {}, one that spells nothing passes", word(spelling));
        let means = "a web application firewall looks into bodies; WebSocket and sealed links show it nothing";
        return Step::found("firewall", Mark::Note, saw, means, &exclusion);
    }
    if binary == Some(200) {
        return Step::good("firewall", "bodies pass whatever they spell");
    }
    let means = "no POST passes, whatever is in it";
    Step::found(
        "firewall",
        Mark::Bad,
        format!("POST gets {}", word(binary)),
        means,
        &format!("ask that POST to {path} be let through"),
    )
}

pub fn bodies(seen: &Largest) -> Step {
    let ask = "links can do with less; for fewer requests ask for larger bodies at the path (nginx: client_max_body_size 16m)";
    limit("bodies", seen, (1 << 20, 48 << 10), "request bodies are limited", ask)
}

pub fn heads(seen: &Largest) -> Step {
    limit(
        "headers",
        seen,
        (7 << 10, 3 << 10),
        "request headers are limited; links send less than 3 KB",
        "ask what refuses them",
    )
}

fn limit(name: &'static str, seen: &Largest, (wanted, least): (usize, usize), means: &str, ask: &str) -> Step {
    let mut saw = seen.passed.map_or("none passed".to_owned(), |passed| format!("up to {} pass", size(passed)));
    if let Some((at, why)) = &seen.refused {
        saw += &format!(", {} got {why}", size(*at));
    }
    match seen.passed {
        Some(passed) if passed >= wanted => Step::good(name, saw),
        Some(passed) if passed >= least => Step::found(name, Mark::Note, saw, means, ask),
        _ => Step::found(name, Mark::Bad, saw, means, ask),
    }
}

pub fn times(seen: &Times) -> Vec<Step> {
    let mut steps = Vec::new();
    let outlived = seen
        .silence
        .map_or("no silence was tried".to_owned(), |silence| format!("a silence of {} passes", time(silence)));
    steps.push(match seen.cut {
        None => Step::good("silence", outlived),
        Some((after, cut)) => {
            let means = match cut {
                Cut::Ended => format!("idle connections are cut after {} at the latest", time(after)),
                Cut::Forgotten => format!("flows are forgotten after about {}, without a word", time(after)),
            };
            let mark = if after <= Duration::from_secs(5) { Mark::Bad } else { Mark::Note };
            let ask =
                "links ping more often (link.ping, 2 s unless set); ask for a longer idle limit where it is under 5 s";
            Step::found("silence", mark, outlived, &means, ask)
        }
    });
    match &seen.wait {
        Some((after, Ok(200))) => steps.push(Step::good("waiting", format!("an answer after {} passes", time(*after)))),
        Some((after, why)) => {
            let saw = why.as_ref().map_or_else(Clone::clone, |status| format!("status {status}"));
            let means = format!("answers must come within {}", time(*after));
            steps.push(Step::found(
                "waiting",
                Mark::Note,
                format!("{saw} after {}", time(*after)),
                &means,
                "links wait no longer than 20 s; ask for more where it is less",
            ));
        }
        None => {}
    }
    match &seen.life {
        Some((lasted, None)) => steps.push(Step::good("life", format!("a stream with data lasted {}", time(*lasted)))),
        Some((lasted, Some(why))) => {
            let means = format!("no request may last longer than {}, data or not", time(*lasted));
            steps.push(Step::found(
                "life",
                Mark::Note,
                why.clone(),
                &means,
                "links come back and lose no call; ask for no limit on the path's time",
            ));
        }
        None => {}
    }
    steps
}
