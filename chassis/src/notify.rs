//! What a service manager is told while a process lives: systemd's protocol of `Type=notify`, datagrams of `NAME=VALUE` lines to the
//! socket that `NOTIFY_SOCKET` names (sd_notify(3)).
//!
//! ```text
//!   it runs                 READY=1, STATUS=…
//!   it was told to end      STOPPING=1, STATUS=…, EXTEND_TIMEOUT_USEC=… as long as its drain may take, so that nobody cuts it
//! ```
//!
//! Where nobody asked to be told, nothing is sent. That a datagram did not arrive is logged and stops nothing. There is no watchdog: the
//! control thread may compute for longer than one would wait, while the shards carry calls.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Beyond the drain itself: for what comes after it.
const AFTER_DRAIN: Duration = Duration::from_secs(10);

/// Whoever wants to be told, if anybody.
#[derive(Debug)]
pub(crate) struct Manager(Option<SocketAddr>);

impl Manager {
    /// The one that the environment names.
    pub(crate) fn of_this_process() -> Self {
        let Some(socket) = std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else {
            return Self(None);
        };
        Self::at(&socket)
    }

    fn at(socket: &OsStr) -> Self {
        // `@` stands for the zero byte in front of an abstract name.
        let address = match socket.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            _ => SocketAddr::from_pathname(socket),
        };
        match address {
            Ok(address) => Self(Some(address)),
            Err(error) => {
                tracing::warn!(%error, ?socket, "NOTIFY_SOCKET is no address of a socket: the service manager is told nothing");
                Self(None)
            }
        }
    }

    /// The program runs.
    pub(crate) fn ready(&self) {
        self.tell("READY=1\nSTATUS=runs\n");
    }

    /// The program ends, for which it takes `within` at most.
    pub(crate) fn stopping(&self, within: Duration, in_flight: u64) {
        let micros = within.saturating_add(AFTER_DRAIN).as_micros();
        self.tell(&format!(
            "STOPPING=1\nSTATUS=drains, {in_flight} in flight at its beginning\nEXTEND_TIMEOUT_USEC={micros}\n"
        ));
    }

    fn tell(&self, lines: &str) {
        let Some(address) = &self.0 else { return };
        if let Err(error) = send(address, lines) {
            tracing::warn!(%error, "the service manager was not told that the program {}", lines.trim().replace('\n', ", "));
        }
    }
}

fn send(address: &SocketAddr, lines: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // A manager that reads nothing holds up nobody.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(lines.as_bytes(), address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut bytes = [0; 512];
        let len = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_hears_of_the_start_and_of_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = Manager::at(path.as_os_str());
        manager.ready();
        assert_eq!(heard(&socket), "READY=1\nSTATUS=runs\n");
        manager.stopping(Duration::from_secs(60), 7);
        assert_eq!(
            heard(&socket),
            "STOPPING=1\nSTATUS=drains, 7 in flight at its beginning\nEXTEND_TIMEOUT_USEC=70000000\n"
        );
    }

    #[test]
    fn an_abstract_name_is_an_address_too() {
        let name = format!("highway-notify-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Manager::at(OsStr::new(&format!("@{name}"))).ready();
        assert_eq!(heard(&socket), "READY=1\nSTATUS=runs\n");
    }

    #[test]
    fn a_manager_that_is_not_there_stops_nothing() {
        Manager::at(OsStr::new("/no/such/socket")).ready();
        Manager::at(OsStr::new(&format!("/{}", "long".repeat(100)))).ready();
    }
}
