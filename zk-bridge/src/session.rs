//! One ZooKeeper session: how it is made, what the server can do, and what its errors mean for us.
//!
//! ```text
//!   srvr ─▶ version ─▶ connect (digest) ─▶ session ── SyncConnected ⇄ Disconnected ──▶ Expired: make another
//! ```
//!
//! The version is learnt before anything is asked, since an operation that the server does not know costs the
//! connection. What the client crate gets wrong is worked round here and in `changes`: persistent watches are added
//! again after each reconnect, and there are never so many watches that their paths do not fit into one request.
//! It never logs who logs in.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zookeeper_client::{Acl, Acls, AuthId, Client, Error, Permission};

use crate::config::{AclChoice, Login, RegistrySettings, ServerVersion};
use crate::keeper::Keeper;

/// Where a server is whose port is not said.
const PORT: u16 = 2181;
/// How long one server may take to say its version.
const VERSION_WITHIN: Duration = Duration::from_secs(2);
/// The longest answer to `srvr` that is read; real ones have about 300 bytes.
const VERSION_MAX_LEN: u64 = 4096;
/// What every server since 3.4 understands: taken where nobody says a version.
const CAUTIOUS: ServerVersion = ServerVersion { major: 3, minor: 4, patch: 0 };
/// From here on several writes can be one.
const SINCE_MULTI: ServerVersion = ServerVersion { major: 3, minor: 5, patch: 0 };
/// From here on one watch can stand for a whole tree.
const SINCE_RECURSIVE: ServerVersion = ServerVersion { major: 3, minor: 6, patch: 0 };

/// So many dead servers, a minority of seven, never cost a session. With more of them to walk past the time of each would be
/// less than a fifth of the session, 3 s of the usual 15 s, and a slow disk or a collection of garbage takes a second or two.
const DEAD_MAX: u32 = 3;

/// So many sessions are asked for until one is granted as long as it was asked for: enough for servers with three different
/// `maxSessionTimeout`s.
const ASKED_MAX: u32 = 4;

/// Requests on their way at once; the server answers in order.
pub(crate) const AT_ONCE: usize = 128;

/// A live session.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) version: Option<ServerVersion>,
    /// Who we said to be.
    pub(crate) login: Option<Login>,
    /// How long the client crate waits for one server before it tries the next.
    pub(crate) server_within: Duration,
    acl: Vec<Acl>,
}

/// What the servers said when they were asked for their version. Only one that takes sessions says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serving {
    /// The oldest version: during an upgrade the session may move to any of them.
    pub(crate) oldest: Option<ServerVersion>,
    /// How many said none.
    pub(crate) silent: u32,
}

/// What an error means for whoever met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection or the session is gone, or nobody answered: do it again when there is one.
    Lost,
    /// The tree is different from what was thought: read again, think again.
    Conflict,
    /// We may not do that.
    Denied,
    /// Something that should not happen.
    Odd,
}

impl Fault {
    /// What `error` means.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::ConnectionLoss
            | Error::SessionExpired
            | Error::SessionMoved
            | Error::ClientClosed
            | Error::Timeout
            | Error::NoHosts
            // What the crate passes on of a socket: "connection reset by peer".
            | Error::Custom(_) => Self::Lost,
            Error::NoNode
            | Error::NodeExists
            | Error::BadVersion
            | Error::NotEmpty
            | Error::NoChildrenForEphemerals
            | Error::RuntimeInconsistent => Self::Conflict,
            Error::NoAuth | Error::AuthFailed | Error::InvalidAcl => Self::Denied,
            _ => Self::Odd,
        }
    }
}

impl Session {
    /// Learns the version and makes a session of at most `session_timeout`. Where less is granted, it makes another that asks
    /// for no more than that, at most [`ASKED_MAX`] in all, and as many again where the version is learnt after the first; what
    /// is not used is left to expire. Each tries each server once, and takes at most about as long as it asks for.
    ///
    /// # Errors
    /// A sentence on why there is none.
    pub(crate) async fn open(
        session_timeout: Duration,
        settings: &RegistrySettings,
        keeper: &Keeper,
    ) -> Result<Self, String> {
        let login = settings.login()?;
        let said = match settings.server_version {
            Some(said) => Some(said),
            None => serving(&settings.address).await.oldest,
        };
        let session = Self::connect(session_timeout, settings, keeper, said, login.clone()).await?;
        if said.is_some() {
            return Ok(session);
        }
        // A server that starts takes sessions a moment after it refused to say its version. What is not known at the
        // beginning of a session is not known to its end, so this one is not used.
        match serving(&settings.address).await.oldest {
            Some(version) => {
                let granted = session.client.session_timeout().min(session_timeout);
                Self::connect(granted, settings, keeper, Some(version), login).await
            }
            None => Ok(session),
        }
    }

    /// How long one server may take is made for what is asked for, so that what is granted must not be less.
    async fn connect(
        mut session_timeout: Duration,
        settings: &RegistrySettings,
        keeper: &Keeper,
        version: Option<ServerVersion>,
        login: Option<Login>,
    ) -> Result<Self, String> {
        for _ in 1..ASKED_MAX {
            let session = Self::connect_for(session_timeout, settings, keeper, version, login.clone()).await?;
            let granted = session.client.session_timeout();
            if granted >= session_timeout {
                return Ok(session);
            }
            session_timeout = granted;
        }
        Self::connect_for(session_timeout, settings, keeper, version, login).await
    }

    async fn connect_for(
        session_timeout: Duration,
        settings: &RegistrySettings,
        keeper: &Keeper,
        version: Option<ServerVersion>,
        login: Option<Login>,
    ) -> Result<Self, String> {
        let spoken = version.unwrap_or(CAUTIOUS);
        let server_within = server_within(session_timeout, hosts(&settings.address).count());
        let mut connector = Client::connector()
            .with_session_timeout(session_timeout)
            .with_connection_timeout(server_within)
            .with_server_version(spoken.major, spoken.minor, spoken.patch)
            // Nodes that are to stay over a restart must not go because the process ends in good order.
            .with_detached()
            // The pauses between attempts are the driver's, and have a bound; the crate's double for ever.
            .with_fail_eagerly();
        if let Some(login) = &login {
            connector = connector.with_auth("digest", login.bytes());
        }
        let address = &settings.address;
        // The crate gives up after the session timeout; the second bound is for the day it does not.
        let within = session_timeout * 2;
        let cluster = address.clone();
        let connected = keeper.run(async move { timeout(within, connector.connect(&cluster)).await }).await?;
        let client = match connected {
            Ok(Ok(client)) => client,
            Ok(Err(Error::NoHosts)) => return Err(format!("no server of {address} takes a session")),
            Ok(Err(error)) => return Err(format!("no session with {address}: {error}")),
            Err(_) => return Err(format!("no session with {address} in {within:?}")),
        };
        Ok(Self { client, version, login, server_within, acl: acl(settings.acl) })
    }

    /// Whether several writes can be one.
    pub(crate) fn has_multi(&self) -> bool {
        self.version.is_some_and(|version| version >= SINCE_MULTI)
    }

    /// Whether one watch can stand for a whole tree.
    pub(crate) fn has_recursive_watch(&self) -> bool {
        self.version.is_some_and(|version| version >= SINCE_RECURSIVE)
    }

    /// Who may do what with the nodes we make.
    pub(crate) fn acls(&self) -> Acls<'_> {
        Acls::new(&self.acl)
    }

    /// The id of the session as owners of ephemeral nodes have it.
    pub(crate) fn id(&self) -> i64 {
        self.client.session_id().0
    }

    /// Awaits an answer, but not for ever: the crate lets requests wait through a disconnect.
    pub(crate) async fn answer<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match timeout(self.client.session_timeout() * 2, request).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Timeout),
        }
    }

    /// Sends up to `AT_ONCE` requests before it waits for the first answer. The order is that of `items`.
    ///
    /// # Errors
    /// The first error that is no [`Fault::Denied`] and no [`Error::NoNode`]; these two stay with their item.
    pub(crate) async fn each<I, T, F>(
        &self,
        items: &[I],
        mut request: impl FnMut(&I) -> F,
    ) -> Result<Vec<Result<T, Error>>, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut answers = Vec::with_capacity(items.len());
        for some in items.chunks(AT_ONCE) {
            for answer in self.all(some.iter().map(&mut request).collect()).await {
                match answer {
                    Err(error) if error != Error::NoNode && Fault::of(&error) != Fault::Denied => return Err(error),
                    answer => answers.push(answer),
                }
            }
        }
        Ok(answers)
    }

    /// Every answer, in order. The crate sends a request when its future is made, so all of these are on their way.
    pub(crate) async fn all<T, F>(&self, sent: Vec<F>) -> Vec<Result<T, Error>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut answers = Vec::with_capacity(sent.len());
        for request in sent {
            answers.push(self.answer(request).await);
        }
        answers
    }
}

fn acl(choice: AclChoice) -> Vec<Acl> {
    let anyone = |permission| Acl::new(permission, AuthId::new("world", "anyone"));
    let creator = || Acl::new(Permission::ALL, AuthId::new("auth", ""));
    match choice {
        AclChoice::Auto | AclChoice::Open => vec![anyone(Permission::ALL)],
        AclChoice::Creator => vec![creator()],
        AclChoice::Readable => vec![creator(), anyone(Permission::READ)],
    }
}

/// How long one of so many servers may be silent, or take to be connected: the client crate has one number for both. A session
/// outlives the silence of the server it was at and a walk past it and every other dead one, as long as fewer than half of
/// the servers are dead, and at most [`DEAD_MAX`]: an ensemble with fewer alive serves nobody. More time for the dead would be
/// less for a server that stalls. With one or two servers it is what the crate takes by itself.
///
/// Java's client has two numbers: two thirds of the session for silence, and the session divided by the number of servers to
/// connect (`readTimeout` and `connectTimeout` in `ClientCnxn.java`).
fn server_within(session_timeout: Duration, servers: usize) -> Duration {
    let dead = u32::try_from(servers.saturating_sub(1) / 2).map_or(DEAD_MAX, |minority| minority.min(DEAD_MAX));
    (session_timeout / (dead + 2)).min(session_timeout * 2 / 5)
}

/// The servers of an address, without its chroot.
pub(crate) fn hosts(address: &str) -> impl Iterator<Item = &str> {
    address.split_once('/').map_or(address, |(hosts, _)| hosts).split(',')
}

/// Asks every server for its version.
pub(crate) async fn serving(address: &str) -> Serving {
    let mut asked = JoinSet::new();
    for host in hosts(address) {
        let host = host.to_owned();
        asked.spawn(async move { version_of_host(&host).await });
    }
    let versions = asked.join_all().await;
    let silent = versions.iter().filter(|version| version.is_none()).count();
    Serving { oldest: versions.into_iter().flatten().min(), silent: u32::try_from(silent).unwrap_or(u32::MAX) }
}

/// Asks one, as it stands in an address.
pub(crate) async fn version_of_host(host: &str) -> Option<ServerVersion> {
    let (name, port) = host_and_port(host);
    let host = format!("{name}:{port}");
    timeout(VERSION_WITHIN, version_of(&host)).await.ok().flatten()
}

/// A server as it stands in an address, where the port may be left out.
pub(crate) fn host_and_port(host: &str) -> (&str, u16) {
    let said = host.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?)));
    said.unwrap_or((host, PORT))
}

async fn version_of(host: &str) -> Option<ServerVersion> {
    let mut stream = TcpStream::connect(host).await.ok()?;
    stream.write_all(b"srvr").await.ok()?;
    let mut answer = Vec::new();
    stream.take(VERSION_MAX_LEN).read_to_end(&mut answer).await.ok()?;
    version_in(&String::from_utf8_lossy(&answer))
}

/// `Zookeeper version: 3.8.4-9316c2a…, built on …` among the lines of an answer to `srvr`.
fn version_in(answer: &str) -> Option<ServerVersion> {
    let said = answer.lines().find_map(|line| line.strip_prefix("Zookeeper version:"))?;
    ServerVersion::parse(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_real_servers_are_understood() {
        let of = |text: &str| version_in(text).map(|version| version.to_string());
        let lines =
            "Zookeeper version: 3.8.4-9316c2a7a97e1666d8f4593f34dd6fc36ecc436c, built on 2024-02-12\nMode: standalone";
        assert_eq!(of(lines).as_deref(), Some("3.8.4"));
        assert_eq!(
            of("Zookeeper version: 3.4.14-4c25d480e66aadd371, built on 03/06/2019\n").as_deref(),
            Some("3.4.14")
        );
        assert_eq!(of("srvr is not executed because it is not in the whitelist.\n"), None);
    }

    #[test]
    fn a_session_outlives_the_silence_of_its_server_and_a_walk_past_every_dead_one_of_a_minority() {
        for seconds in [1, 15, 600] {
            let session = Duration::from_secs(seconds);
            for (servers, dead) in [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2), (7, 3), (9, 3), (100, 3)] {
                let within = server_within(session, hosts(&vec!["zk"; servers].join(",")).count());
                // The client crate looks at the silence eight times within its bound.
                let silence = within * 9 / 8;
                assert!(silence + within * dead < session, "{servers}: {within:?} of {session:?}");
            }
            assert_eq!(server_within(session, hosts("zk:2181/chroot").count()), session * 2 / 5);
        }
    }

    #[test]
    fn a_server_that_stalls_keeps_its_connection_for_a_fifth_of_the_session_however_many_there_are() {
        for servers in [1, 2, 5, 7, 9, 100, usize::MAX] {
            let within = server_within(Duration::from_secs(15), servers);
            assert!(within >= Duration::from_secs(3), "{servers}: {within:?}");
        }
    }

    #[test]
    fn versions_compare_as_numbers() {
        let version = |text| ServerVersion::parse(text).unwrap();
        assert!(version("3.10.0") > version("3.9.2"));
        assert!(version("3.5.0") >= SINCE_MULTI && version("3.4.14") < SINCE_MULTI);
        assert_eq!(ServerVersion::parse("3.8"), None);
    }
}
