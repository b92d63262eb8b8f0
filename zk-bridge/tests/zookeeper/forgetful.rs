//! The way to a server that once loses a transaction or the answer to it, and the connection with it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The code of a transaction.
const MULTI: i32 = 14;

/// What it loses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Loses {
    /// The server never hears of it.
    Request,
    /// The server does it, and nobody hears of that.
    Answer,
}

/// The way.
pub struct Forgetful {
    port: u16,
    _task: JoinSet<()>,
}

impl Forgetful {
    pub async fn to(address: String, loses: Loses) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut lost = false;
            // One connection after the other: a session has no two.
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&address).await else { continue };
                lost |= carry(near, far, if lost { None } else { Some(loses) }).await.is_none();
            }
        });
        Self { port, _task: task }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// Carries frames until the connection ends; `None` where that is because something was lost.
async fn carry(near: TcpStream, far: TcpStream, loses: Option<Loses>) -> Option<()> {
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.into_split(), far.into_split());
    let mut back = JoinSet::new();
    let (lose, mut losing) = tokio::sync::watch::channel(false);
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    back.spawn(async move {
        while let Some(frame) = framed(&mut from_far).await {
            if *losing.borrow_and_update() {
                let _ = tell.send(());
                return;
            }
            if to_near.write_all(&frame).await.is_err() {
                return;
            }
        }
    });
    while let Some(frame) = framed(&mut from_near).await {
        let is_multi = frame.get(8..12).is_some_and(|code| code == MULTI.to_be_bytes());
        match loses.filter(|_| is_multi) {
            Some(Loses::Request) => return None,
            Some(Loses::Answer) => {
                lose.send_replace(true);
                to_far.write_all(&frame).await.ok()?;
                let _ = told.await;
                return None;
            }
            None => to_far.write_all(&frame).await.ok()?,
        }
    }
    Some(())
}

/// One frame with its length.
async fn framed(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Vec<u8>> {
    let len = stream.read_u32().await.ok()?;
    let mut frame = len.to_be_bytes().to_vec();
    frame.resize(4 + usize::try_from(len).ok()?, 0);
    stream.read_exact(&mut frame[4..]).await.ok()?;
    Some(frame)
}
