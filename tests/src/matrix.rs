//! The compatibility matrix: released Dubbos as consumers and as providers, each case called directly and through Highway, and what
//! the two consumers and the two providers saw compared.
//!
//! ```text
//!   island a                                  hub                                  island b
//!   consumer X ─▶ egress-gw ═════════════════▶ ═════════════════▶ ingress-gw ─▶ provider Y     through Highway
//!                                                      consumer X ────────────▶ provider Y     directly
//! ```
//! One process of each release in each island is all: the one in b provides, and is the direct consumer of the others in b (and of
//! itself, over the network). Both ways find the provider in their own island's ZooKeeper.
//!
//! **A case** is a few calls that the peer makes itself ([`cases`] says what each is for). What it saw of them comes back as JSON
//! that leaves out nothing an application could notice; what the provider received is asked of the provider, beside the line, so that
//! what is broken on the way there and mended on the way back is seen as well. The two ways must agree in both, unless
//! [`differences`] says why not; and what stands there must happen.
//!
//! **A peer plugs in** as a [`Member`]: a name and an [`Application`] that starts it. Besides `start` and
//! `refer` it answers three requests:
//! * `{"op":"cases"}`: `{"calls":[…],"serves":[…]}`, the names of [`cases::ALL`] that it can call, and those that it can answer. A pair
//!   runs what the one calls and the other serves; what a member leaves out stands in [`differences::LEFT_OUT`] with a reason.
//! * `{"op":"case","name":"text","at":"3.3.6","key":"k"}`: makes the calls of a case on its references, named `kind@at` (the kinds and
//!   what they are stand in [`references`]), each with the attachment `lab.key` set to the key: `{"outcomes":[…]}`, one value a call,
//!   `{"returned":…}` or `{"threw":…}` or whatever else there is to see. Two equal calls must give equal JSON.
//! * `{"op":"seen","key":"k"}`: `{"arguments":[…]}`, what its services received with that key so far, in order of arrival.
//!
//! `refer` may carry `generic_kind`, `later`, `unsent`, `timeouts_ms` and `remote` (see [`Refer`](lab::peer::Refer)); a peer that has
//! no such thing leaves out the cases that call on it. `lab.key` is an attachment of each call, set by the peer itself.
//!
//! [`golang`] is one that does part of the cases, beside the stage of all releases for Java.
//!
//! It serves [`SERVICES`], in the group and the version that are its name. Values are a peer's own business: a case of one name
//! need not be the same to the byte in two languages, as only the two ways of one pair are compared.

pub mod cases;
pub mod differences;
pub mod golang;
pub mod references;
pub mod report;
mod run;
pub mod settings;
mod stage;
mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use cases::Case;
use lab::install::Release;
use lab::line::Line;
use lab::peer::{Application, GREETING, INTEROP, Peer, Service};

pub use run::{Wanted, Ways, run};
pub use stage::Stage;
pub use table::{Cell, Table, Verdict};

/// `com.example.TypesService`: a method for each type.
pub const TYPES: &str = "com.example.TypesService";
/// `com.example.AsyncService`: methods that return futures.
pub const ASYNC: &str = "com.example.AsyncService";
/// What every provider of the matrix exports.
pub const SERVICES: [&str; 4] = [GREETING, INTEROP, TYPES, ASYNC];

/// For one case, longer than all its calls may take.
const CASE: Duration = Duration::from_secs(120);

/// A release that takes part.
#[derive(Debug, Clone)]
pub struct Member {
    name: String,
    application: Application,
}

impl Member {
    /// Of this name, which is a row and a column of the table and the group and version of its services; without blanks.
    #[must_use]
    pub fn new(name: &str, application: Application) -> Self {
        Member { name: name.to_owned(), application }
    }

    /// A release for Java at its default settings.
    #[must_use]
    pub fn java(release: Release) -> Self {
        Member::java_called(release.version(), release)
    }

    /// A release for Java under another name, which says how it is set.
    #[must_use]
    pub fn java_called(name: &str, release: Release) -> Self {
        // The same name in both islands: an application that calls itself differently would be told apart by it.
        Member::new(name, Application::new(&format!("app-{name}"), release))
    }

    /// Gives Java one more flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.application = self.application.flag(flag);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts it in an island without services: a consumer.
    ///
    /// # Errors
    /// As [`Application::start`], or it does not say what it can do.
    pub fn consumer(&self, line: &Line, island: &str) -> Result<Party> {
        Party::new(self.name.clone(), line.application(island, self.application.clone())?)
    }

    /// Starts it in an island with all services of the matrix.
    ///
    /// # Errors
    /// As [`consumer`](Self::consumer).
    pub fn provider(&self, line: &Line, island: &str, port: u16) -> Result<Party> {
        let port = line.island(island).place().listen(port)?.port();
        let service = |interface| Service::new(interface, &self.name).group(&self.name).version(&self.name);
        let application = SERVICES.into_iter().map(service).fold(self.application.clone(), Application::service);
        Party::new(self.name.clone(), line.application(island, application.port(port))?)
    }
}

/// A member that runs.
#[derive(Debug)]
pub struct Party {
    name: String,
    peer: Peer,
    calls: BTreeSet<String>,
    serves: BTreeSet<String>,
}

impl Party {
    fn new(name: String, peer: Peer) -> Result<Self> {
        let mut able = peer.ask(json!({ "op": "cases" }), CASE)?;
        let mut names = |key: &str| -> Result<BTreeSet<String>> {
            serde_json::from_value(able[key].take()).with_context(|| format!("{name} does not say what it {key}"))
        };
        Ok(Party { calls: names("calls")?, serves: names("serves")?, name, peer })
    }

    /// What it is called in the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The application itself.
    #[must_use]
    pub fn application(&self) -> &Peer {
        &self.peer
    }

    /// Whether this case can be seen between the two.
    fn can(&self, case: &Case, provider: &Party) -> bool {
        self.calls.contains(case.name) && provider.serves.contains(case.name)
    }

    /// Whether it does the case on both sides.
    fn does(&self, case: &Case) -> bool {
        self.calls.contains(case.name) && self.serves.contains(case.name)
    }

    fn case(&self, case: &Case, at: &str, key: &str) -> Result<Value> {
        let mut done = self.peer.ask(json!({ "op": "case", "name": case.name, "at": at, "key": key }), CASE)?;
        Ok(done["outcomes"].take())
    }

    fn seen(&self, key: &str) -> Result<Value> {
        let mut done = self.peer.ask(json!({ "op": "seen", "key": key }), CASE)?;
        Ok(done["arguments"].take())
    }
}
