//! What stands in for a server that no real one can be made to be: it says how long each session may be, and takes every
//! session back; then it is silent, or closes at the first request. It never has a tree.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The xid of a ping.
const PING: i32 = -2;
/// Longer than any request here.
const REQUEST_MAX_LEN: u32 = 4096;

/// What it does after a client has its session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It answers one ping and then nothing, as a server that stalls.
    IsSilent,
    /// It answers pings, and closes the connection at anything else.
    Closes,
}

/// What connections wanted of it.
#[derive(Default)]
pub struct Asked {
    /// How long each new session was to be.
    pub anew: Vec<Duration>,
    /// How many connections were to go on with a session.
    pub again: usize,
}

/// A server that is none.
pub struct StandIn {
    pub address: String,
    asked: Arc<Mutex<Asked>>,
    _task: JoinSet<()>,
}

impl StandIn {
    /// The first session gets the first of `grants` and so on, the last one is for all that follow; none gets more than it
    /// asks for.
    pub async fn granting(grants: &'static [Duration], then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Asked::default()));
        let noted = Arc::clone(&asked);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut served = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                served.spawn(serve(stream, grants, then, Arc::clone(&noted)));
            }
        });
        Self { address, asked, _task: task }
    }

    pub fn asked<T>(&self, read: impl FnOnce(&Asked) -> T) -> T {
        read(&self.asked.lock().unwrap())
    }
}

/// Ends when the connection does, one way or the other.
async fn serve(mut stream: TcpStream, grants: &[Duration], then: Then, asked: Arc<Mutex<Asked>>) -> Option<()> {
    let request = framed(&mut stream).await?;
    let session_timeout = Duration::from_millis(u32::from_be_bytes(at(&request, 12)?).into());
    let granted = {
        let mut asked = asked.lock().unwrap();
        if i64::from_be_bytes(at(&request, 16)?) == 0 {
            asked.anew.push(session_timeout);
        } else {
            asked.again += 1;
        }
        session_timeout.min(*grants.get(asked.anew.len() - 1).or(grants.last())?)
    };
    let mut answer = 37_u32.to_be_bytes().to_vec();
    answer.extend(0_u32.to_be_bytes());
    answer.extend(u32::try_from(granted.as_millis()).unwrap().to_be_bytes());
    answer.extend(7_u64.to_be_bytes());
    answer.extend(16_u32.to_be_bytes());
    answer.extend([0; 17]);
    stream.write_all(&answer).await.ok()?;
    let mut has_answered = false;
    loop {
        let is_ping = at(&framed(&mut stream).await?, 0).map(i32::from_be_bytes) == Some(PING);
        // The client crate takes a connection for made when a ping of its own was answered.
        if is_ping && (then == Then::Closes || !has_answered) {
            let mut pong = 16_u32.to_be_bytes().to_vec();
            pong.extend(PING.to_be_bytes());
            pong.extend([0; 12]);
            stream.write_all(&pong).await.ok()?;
            has_answered = true;
        } else if then == Then::Closes {
            return None;
        }
    }
}

/// One request without its length; `srvr` is none.
async fn framed(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let len = stream.read_u32().await.ok().filter(|len| *len <= REQUEST_MAX_LEN)?;
    let mut request = vec![0; usize::try_from(len).ok()?];
    stream.read_exact(&mut request).await.ok()?;
    Some(request)
}

fn at<const LEN: usize>(request: &[u8], offset: usize) -> Option<[u8; LEN]> {
    request.get(offset..offset + LEN)?.try_into().ok()
}
