//! The provider of all legs: answers each call with its own argument, as a provider of 2.7 does. Its services stand in the island's
//! registry until that goes.

use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};

use anyhow::{Context, Result, bail};
use wire::dubbo::call::{Peeked, peek};
use wire::dubbo::frame::{FrameKind, HEADER_LEN, Header, put_heartbeat_reply};
use wire::dubbo::reply::{Asked, put_value};
use wire::dubbo::value::Value;
use zookeeper_client::{Acls, Client, CreateMode};

use lab::net::Place;
use lab::peer::DUBBO_PORT;
use lab::zookeeper::ZooKeeper;

/// Listens in this place and lists these services in its registry. It serves as long as the process lives.
///
/// # Errors
/// The port is taken, or the registry does not answer.
pub(super) fn start(place: &Place, zookeeper: &ZooKeeper, services: &[String]) -> Result<()> {
    let address = place.listen(DUBBO_PORT)?;
    let listener =
        place.inside(|| TcpListener::bind(address))?.with_context(|| format!("cannot listen on {address}"))?;
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // What ends a connection is its gateway's to tell.
            std::thread::spawn(move || serve(stream));
        }
    });
    place.inside(|| list(zookeeper, address, services))?
}

fn list(zookeeper: &ZooKeeper, address: SocketAddrV4, services: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(&zookeeper.address().to_string()).await?;
        let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
        for service in services {
            let url = format!(
                "dubbo://{address}/{service}?anyhost=true&application=echo&dubbo=2.0.2&dynamic=true&generic=false&interface={service}\
                 &methods=echo&release=2.7.23&side=provider&timestamp=1700000000000"
            );
            client.mkdir(&format!("/dubbo/{service}/providers/{}", escaped(&url)), &options).await?;
        }
        Ok(())
    })
}

/// As Java's `URLEncoder` does.
fn escaped(url: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b".-_*".contains(&byte);
    url.bytes().map(|byte| if keeps(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut bytes, mut out) = (Vec::new(), Vec::new());
    let mut piece = vec![0; 64 << 10];
    loop {
        let len = stream.read(&mut piece)?;
        if len == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&piece[..len]);
        let mut at = 0;
        while let Some((header, body)) = frame(&bytes[at..])? {
            answer(&header, body, &mut out)?;
            at += HEADER_LEN + body.len();
        }
        bytes.drain(..at);
        stream.write_all(&out)?;
        out.clear();
    }
}

/// The first whole frame, once it is there.
pub(super) fn frame(bytes: &[u8]) -> Result<Option<(Header, &[u8])>> {
    let Some(header) = Header::decode(bytes)? else { return Ok(None) };
    let body = bytes.get(HEADER_LEN..HEADER_LEN + header.body_len as usize);
    Ok(body.map(|body| (header, body)))
}

fn answer(header: &Header, body: &[u8], out: &mut Vec<u8>) -> Result<()> {
    match header.kind() {
        FrameKind::Call => {
            let Peeked::Call(call) = peek(header, body)? else { bail!("a call that cannot be read") };
            let text = call.texts().next().context("a call without a text")?;
            put_value(out, &Asked::of(header, &call), Value::Text(&text));
        }
        FrameKind::EventCall => put_heartbeat_reply(out, header),
        _ => {}
    }
    Ok(())
}
