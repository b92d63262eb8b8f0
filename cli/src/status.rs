//! `highway status`: what running programs say about themselves on their admin listeners.
//!
//! Without an address all three default ports of this machine are asked, and whoever answers is shown. Plain HTTP, as the
//! admin listener speaks it; an answer within 5 s, of at most 16 MiB. Never changes anything.

mod text;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chassis::{Secret, SecretFile};
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::net::TcpStream;

use crate::check::Kind;

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_LEN: usize = 16 << 20;

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Where a program's admin listener stands unless its configuration says otherwise.
fn default_admin(kind: Kind) -> &'static str {
    match kind {
        Kind::CentralHub => "http://127.0.0.1:20900",
        Kind::EgressGw => "http://127.0.0.1:20901",
        Kind::IngressGw => "http://127.0.0.1:20902",
    }
}

/// Asks and shows.
pub fn run(admin: Option<&str>, token_file: Option<&Path>, form: Form) -> Result<String> {
    let token = token_file.map(|file| SecretFile::new(file).read(Path::new(""))).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        match admin {
            Some(admin) => ask_within(admin, token.as_ref()).await,
            None => ask_all().await,
        }
    })?;
    match form {
        Form::Json => Ok(serde_json::to_string_pretty(&status)?),
        Form::Text => Ok(text::lines(&status)),
    }
}

/// One field for each program that answers at its default port.
async fn ask_all() -> Result<Value> {
    let mut answers = Map::new();
    let mut silent = Vec::new();
    for kind in Kind::ALL {
        match ask_within(default_admin(kind), None).await {
            Ok(status) => drop(answers.insert(kind.name().to_owned(), status)),
            Err(error) => silent.push(format!("{} ({error:#})", kind.name())),
        }
    }
    if answers.is_empty() {
        bail!("no program answers on this machine's default admin ports: {}", silent.join(", "));
    }
    Ok(Value::Object(answers))
}

async fn ask_within(admin: &str, token: Option<&Secret>) -> Result<Value> {
    let answer = tokio::time::timeout(ANSWER_WITHIN, ask(admin, token)).await;
    answer.with_context(|| format!("no answer from {admin} within {ANSWER_WITHIN:?}"))?
}

async fn ask(admin: &str, token: Option<&Secret>) -> Result<Value> {
    let admin: Uri = admin.parse().with_context(|| format!("found {admin:?}, wanted http://HOST:PORT"))?;
    let (Some("http"), Some(authority)) = (admin.scheme_str(), admin.authority()) else {
        bail!("found \"{admin}\", wanted http://HOST:PORT (the admin listener speaks plain HTTP)");
    };
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(80);
    let socket = TcpStream::connect((host, port)).await.with_context(|| format!("cannot reach {authority}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    let mut request = Request::get("/status").header(header::HOST, authority.as_str());
    if let Some(token) = token {
        let value = [b"Bearer ", token.trimmed()].concat();
        let mut value =
            header::HeaderValue::from_bytes(&value).context("the token has bytes that no header may have")?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request.body(Empty::<Bytes>::new())?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let code = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_LEN).collect().await.map_err(anyhow::Error::from_boxed)?;
        anyhow::Ok((code, body.to_bytes()))
    };
    // The connection is driven beside the request and ends with it.
    let (code, body) = tokio::select! {
        answer = answer => answer,
        Err(error) = connection => Err(error.into()),
    }
    .with_context(|| format!("the answer of {authority} broke off"))?;
    match code {
        StatusCode::OK => serde_json::from_slice(&body).with_context(|| format!("{authority} answered no JSON")),
        StatusCode::UNAUTHORIZED => bail!("{authority} wants its token: --token-file FILE"),
        code => bail!("{authority} answered {code}, wanted 200"),
    }
}
