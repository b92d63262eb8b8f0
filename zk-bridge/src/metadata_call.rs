//! Asking a provider for its metadata: one Dubbo call on a connection of its own.
//!
//! ```text
//!   connect ─▶ getMetadataInfo(revision), group = application ─▶ MetadataInfo │ null: not there (yet) │ exception
//! ```
//!
//! Everything is under one deadline. Events that arrive meanwhile are skipped: the connection does not live long enough
//! for a heartbeat. It never asks twice on its own; who calls it tries again.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::dubbo::answer::{self, AnswerType};
use wire::dubbo::frame::{Codec, FrameKind, HEADER_LEN, Header, Status};
use wire::dubbo::request::{Arg, Request};

use crate::instance_level::MetadataService;
use crate::metadata::MetadataInfo;

/// From connecting to the last byte of the reply.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// Dubbo's own limit on a body.
const BODY_MAX_LEN: u32 = 8 << 20;
const SERVICE: &str = "org.apache.dubbo.metadata.MetadataService";
const METHOD: &str = "getMetadataInfo";
const STRING: &str = "Ljava/lang/String;";
/// The only call on its connection.
const CALL_ID: i64 = 1;

/// Asks `service` what `revision` exports.
///
/// # Errors
/// A sentence on what was found; the next try may find something else.
pub(crate) async fn ask(service: &MetadataService, revision: &str) -> Result<MetadataInfo, String> {
    let at = format!("{}:{}", service.host, service.port);
    match tokio::time::timeout(ANSWERED_WITHIN, exchange(service, revision)).await {
        Ok(Ok(info)) => Ok(info),
        Ok(Err(why)) => Err(format!("{METHOD} at {at}: {why}")),
        Err(_) => Err(format!("{METHOD} at {at}: no answer within {ANSWERED_WITHIN:?}")),
    }
}

async fn exchange(service: &MetadataService, revision: &str) -> Result<MetadataInfo, String> {
    let said = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect((service.host.as_str(), service.port)).await.map_err(said)?;
    stream.set_nodelay(true).map_err(said)?;
    let request = Request {
        codec: Codec::Hessian2,
        service: SERVICE,
        version: Some(&service.version),
        group: Some(&service.group),
        method: METHOD,
        types: STRING,
        args: &[Arg::Text(revision)],
        attachments: &[],
    };
    let mut frame = Vec::new();
    request.append(&mut frame, CALL_ID);
    stream.write_all(&frame).await.map_err(said)?;
    let mut buffer = BytesMut::new();
    loop {
        while let Some((header, body)) = next_frame(&mut buffer)? {
            if header.kind() == FrameKind::Reply && header.id == CALL_ID {
                return info_in(&header, &body);
            }
        }
        if stream.read_buf(&mut buffer).await.map_err(said)? == 0 {
            return Err("the connection was closed instead of an answer".into());
        }
    }
}

/// Takes a whole frame from the front.
fn next_frame(buffer: &mut BytesMut) -> Result<Option<(Header, BytesMut)>, String> {
    let Some(header) = Header::decode(buffer).map_err(|error| error.to_string())? else { return Ok(None) };
    if header.body_len > BODY_MAX_LEN {
        return Err(format!("a reply of {} bytes is over the limit of {BODY_MAX_LEN} bytes", header.body_len));
    }
    if buffer.len() < header.frame_len() {
        return Ok(None);
    }
    buffer.advance(HEADER_LEN);
    let body = buffer.split_to(header.body_len as usize);
    Ok(Some((header, body)))
}

fn info_in(header: &Header, body: &[u8]) -> Result<MetadataInfo, String> {
    if header.status() != Status::OK {
        let text = answer::error_text(header, body).unwrap_or_default();
        let first_line = text.lines().next().unwrap_or_default();
        return Err(format!("status {}: {first_line}", header.status()));
    }
    let answer = answer::peek(header, body).map_err(|error| error.to_string())?;
    let Some(answer) = answer else { return Err(format!("a reply in serialization {}", header.serialization())) };
    match answer.kind {
        AnswerType::Value => MetadataInfo::from_hessian(&body[answer.value]),
        AnswerType::Null => Err("it has nothing under this revision".into()),
        AnswerType::Exception => Err("it answered with an exception".into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use wire::dubbo::frame::Serialization;

    use super::*;

    /// A provider that answers the first request with this frame, and the request's body as it came.
    async fn provider(reply: Vec<u8>) -> (MetadataService, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = BytesMut::new();
            let (_, body) = loop {
                stream.read_buf(&mut buffer).await.unwrap();
                if let Some(frame) = next_frame(&mut buffer).unwrap() {
                    break frame;
                }
            };
            stream.write_all(&reply).await.unwrap();
            body.to_vec()
        });
        let service = MetadataService { host: "127.0.0.1".into(), port, group: "shop".into(), version: "1.0.0".into() };
        (service, served)
    }

    fn reply(status: Status, body: &[u8]) -> Vec<u8> {
        let header = Header::reply(Serialization::HESSIAN2, status, CALL_ID, body.len() as u32);
        [&header.encode()[..], body].concat()
    }

    #[tokio::test]
    async fn the_question_names_application_and_revision() {
        let (service, served) = provider(reply(Status::OK, b"\x92")).await;
        assert!(ask(&service, "abc").await.unwrap_err().contains("nothing under this revision"));
        let asked = String::from_utf8_lossy(&served.await.unwrap()).into_owned();
        for part in [SERVICE, METHOD, STRING, "abc", "group\u{4}shop"] {
            assert!(asked.contains(part), "{part:?} in {asked:?}");
        }
    }

    #[tokio::test]
    async fn an_error_status_is_told_with_its_first_line() {
        let mut body = Vec::new();
        wire::dubbo::hessian2::writer::put_text(&mut body, "Not found exported service\n\tat a.B.c");
        let (service, _served) = provider(reply(Status::SERVICE_ERROR, &body)).await;
        let why = ask(&service, "abc").await.unwrap_err();
        assert!(
            why.contains("status 70") && why.contains("Not found exported service") && !why.contains("\tat"),
            "{why}"
        );
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_or_cut_off_or_no_dubbo_is_told() {
        let long = Header::reply(Serialization::HESSIAN2, Status::OK, CALL_ID, BODY_MAX_LEN + 1).encode().to_vec();
        for (bytes, told) in
            [(long, "over the limit"), (vec![0xda, 0xbb, 2], "closed"), (b"HTTP/1.1 400".to_vec(), "magic")]
        {
            let (service, _served) = provider(bytes).await;
            let why = ask(&service, "abc").await.unwrap_err();
            assert!(why.contains(told), "{why}");
        }
    }

    #[tokio::test]
    async fn a_heartbeat_in_between_is_skipped() {
        let mut bytes = Vec::new();
        wire::dubbo::frame::put_heartbeat_request(&mut bytes, 7, Codec::Hessian2);
        bytes.extend(reply(Status::OK, b"\x92"));
        let (service, _served) = provider(bytes).await;
        assert!(ask(&service, "abc").await.unwrap_err().contains("nothing under this revision"));
    }
}
