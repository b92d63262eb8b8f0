//! Asking a running program on its admin listener: plain HTTP, as the listener speaks it, an answer within 8 s, of at most 16 MiB.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use chassis::{Secret, SecretFile};
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::terminal::shown;
use crate::wrong::wrong;

/// Longer than a gateway takes that asks its hubs and sends a probe.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
const ANSWER_LEN: usize = 16 << 20;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Page {
    /// A page that is there.
    Get(&'static str),
    /// A page that answers a question.
    Ask(&'static str, Value),
}

/// The token in a file that only its owner can read.
pub fn token(file: Option<&Path>) -> Result<Option<Secret>> {
    file.map(|file| Ok(SecretFile::new(file).read(Path::new(""))?)).transpose()
}

/// The answer of the listener at `admin`, `http://HOST:PORT`.
pub async fn ask(admin: &str, token: Option<&Secret>, page: Page) -> Result<Value> {
    let path = match page {
        Page::Get(path) | Page::Ask(path, _) => path,
    };
    match exchange(admin, token, page).await? {
        (StatusCode::OK, body) => serde_json::from_slice(&body).with_context(|| format!("{admin} answered no JSON")),
        (code, body) => Err(refusal(admin, path, code, &body)),
    }
}

/// A page of the listener at `admin` that is a text.
pub async fn text(admin: &str, token: Option<&Secret>, path: &'static str) -> Result<String> {
    match exchange(admin, token, Page::Get(path)).await? {
        (StatusCode::OK, body) => Ok(String::from_utf8_lossy(&body).into_owned()),
        (code, body) => Err(refusal(admin, path, code, &body)),
    }
}

/// What a page for people says, and whether it says yes (200) or no (503).
pub async fn report(admin: &str, token: Option<&Secret>, path: &'static str) -> Result<(bool, String)> {
    match exchange(admin, token, Page::Get(path)).await? {
        (code @ (StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE), body) => {
            Ok((code == StatusCode::OK, String::from_utf8_lossy(&body).into_owned()))
        }
        (code, body) => Err(refusal(admin, path, code, &body)),
    }
}

async fn exchange(admin: &str, token: Option<&Secret>, page: Page) -> Result<(StatusCode, Bytes)> {
    let answer = tokio::time::timeout(ANSWER_WITHIN, exchanged(admin, token, page)).await;
    answer.with_context(|| format!("no answer from {admin} within {ANSWER_WITHIN:?}"))?
}

async fn exchanged(admin: &str, token: Option<&Secret>, page: Page) -> Result<(StatusCode, Bytes)> {
    let parsed = admin.parse::<Uri>().ok();
    let parts = parsed.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?)));
    let Some(("http", authority)) = parts else {
        return Err(wrong(format!("found {admin:?}, wanted http://HOST:PORT (the admin listener speaks plain HTTP)")));
    };
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(80);
    let socket = TcpStream::connect((host, port)).await.with_context(|| format!("cannot reach {authority}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    let (method, path, body) = match page {
        Page::Get(path) => (Method::GET, path, Bytes::new()),
        Page::Ask(path, question) => (Method::POST, path, Bytes::from(serde_json::to_vec(&question)?)),
    };
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, authority.as_str());
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(token) = token {
        let value = [b"Bearer ", token.trimmed()].concat();
        let mut value =
            header::HeaderValue::from_bytes(&value).context("the token has bytes that no header may have")?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request.body(Full::new(body))?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let code = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_LEN).collect().await.map_err(anyhow::Error::from_boxed)?;
        anyhow::Ok((code, body.to_bytes()))
    };
    // The connection is driven beside the request and ends with it.
    tokio::select! {
        answer = answer => answer,
        Err(error) = connection => Err(error.into()),
    }
    .with_context(|| format!("the answer of {authority} broke off"))
}

/// Why an answer is none.
fn refusal(admin: &str, path: &str, code: StatusCode, body: &[u8]) -> anyhow::Error {
    let words = || shown(String::from_utf8_lossy(body).trim());
    match code {
        StatusCode::UNAUTHORIZED => anyhow!("{admin} wants its token: --token-file FILE"),
        // What was asked was wrong; its words stand in one line here, whatever is in them.
        StatusCode::BAD_REQUEST => wrong(words()),
        StatusCode::TOO_MANY_REQUESTS => anyhow!("{admin}: {}", words()),
        StatusCode::NOT_FOUND => {
            anyhow!("{admin} has no page {path}: is it the program that was meant, of this release?")
        }
        code => anyhow!("{admin} answered {code}, wanted 200"),
    }
}
