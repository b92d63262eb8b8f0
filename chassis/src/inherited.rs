//! Listening sockets that the service manager opened before the process (socket activation: `LISTEN_FDS`, sd_listen_fds(3)). They outlive
//! it, so that a restart refuses no connection: what comes meanwhile waits in the kernel's queue.
//!
//! [`crate::listen`] looks here first: whoever wants to listen on an address gets the socket that is bound to just that. All shards then
//! share its one queue, where each would have its own otherwise. A socket is handed out as often as it is asked for, and stays open
//! as long as the process. Nothing here binds.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use listenfd::ListenFd;

/// One socket, and whether somebody listens on it.
#[derive(Debug)]
struct Inherited {
    address: SocketAddr,
    socket: TcpListener,
    is_used: bool,
}

static INHERITED: OnceLock<Mutex<Vec<Inherited>>> = OnceLock::new();

/// Takes what the service manager handed over. Called once, before there are threads: it takes the variables out of the environment, so that
/// no child believes they are for it.
///
/// # Errors
/// What was handed over is no listening TCP socket; the sentence says which.
pub(crate) fn take() -> Result<(), String> {
    let mut handed = ListenFd::from_env();
    let mut sockets = Vec::new();
    for at in 0..handed.len() {
        let wrong = |error| format!("socket {at} of the service manager is no listening TCP socket: {error}");
        let Some(socket) = handed.take_tcp_listener(at).map_err(wrong)? else { continue };
        socket.set_nonblocking(true).map_err(wrong)?;
        let address = socket.local_addr().map_err(wrong)?;
        sockets.push(Inherited { address, socket, is_used: false });
    }
    // A second time there is nothing left in the environment, and nothing to take the place of what is there.
    let _ = INHERITED.set(Mutex::new(sockets));
    Ok(())
}

/// The socket bound to just this address, if one was handed over.
pub(crate) fn listener(address: SocketAddr) -> Option<std::io::Result<TcpListener>> {
    let mut all = locked()?;
    let found = all.iter_mut().find(|inherited| inherited.address == address)?;
    found.is_used = true;
    Some(found.socket.try_clone())
}

/// Addresses of sockets that nobody listens on: connections there would wait for ever.
pub(crate) fn unused() -> Vec<SocketAddr> {
    let all = locked();
    all.iter().flat_map(|all| all.iter()).filter(|one| !one.is_used).map(|one| one.address).collect()
}

fn locked() -> Option<MutexGuard<'static, Vec<Inherited>>> {
    Some(INHERITED.get()?.lock().unwrap_or_else(PoisonError::into_inner))
}
