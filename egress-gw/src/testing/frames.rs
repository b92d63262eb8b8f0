//! Frames of consumers and providers, and failures as they come over a link.

use wire::dubbo::frame::{Codec, Header, Serialization, Status};
use wire::dubbo::request::{Arg, Request};
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

/// A call of `method` with its id and attachments.
pub fn call(id: i64, method: &str, attachments: &[(&str, &str)]) -> Vec<u8> {
    call_in(Codec::Hessian2, "com.acme.Greeter", id, method, "bo", attachments)
}

/// A call of `greet` that waits longer than any test.
pub fn patient(id: i64) -> Vec<u8> {
    call(id, "greet", &[("timeout", "5000")])
}

/// A call of any service, in any serialization.
pub fn call_in(
    codec: Codec,
    service: &str,
    id: i64,
    method: &str,
    text: &str,
    attachments: &[(&str, &str)],
) -> Vec<u8> {
    let mut out = Vec::new();
    Request {
        codec,
        service,
        version: None,
        group: None,
        method,
        types: "Ljava/lang/String;",
        args: &[Arg::Text(text)],
        attachments,
    }
    .append(&mut out, id);
    out
}

/// The same call, wanting no answer.
pub fn one_way(mut frame: Vec<u8>) -> Vec<u8> {
    frame[2] &= !0x40;
    frame
}

/// A provider's OK reply with an id of its own.
pub fn ok_reply(value: &[u8]) -> Vec<u8> {
    let mut body = vec![0x91];
    body.extend_from_slice(value);
    let mut frame = Header::reply(Serialization::HESSIAN2, Status::OK, 999, body.len() as u32).encode().to_vec();
    frame.extend_from_slice(&body);
    frame
}

/// A failure as it comes over a link.
pub fn failure(stage: Stage, kind: Kind, outcome: Outcome) -> Failure {
    Failure::new(stage, kind, outcome, "said over the link")
}

/// The hub has no link to the island.
pub fn no_link() -> Failure {
    failure(Stage::Switch, Kind::NoLink, Outcome::NotSent)
}
