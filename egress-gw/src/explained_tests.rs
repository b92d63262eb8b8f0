//! What the page says of a call, and where that call goes: the same gateway, the same moment, a real connection.
//!
//! ```text
//!  case ─┬─ Question ─▶ explain ─────────────────────────────▶ goes, because ─┐
//!        └─ frame ─▶ port ─▶ gateway ─▶ link or local provider ─▶ answer ──────┴─▶ the same
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::{Duration, SystemTime};

use route::Known;
use route::rules::{Rules, parse};
use wire::dubbo::frame::Status;

use super::*;
use crate::config::Tagging;
use crate::testing::{
    Gate, GateBuilder, Peer, accepted, call_in, heard_of, knowing, known, local_of_services, no_link, offered,
    ok_reply, on_shard, provider_port, references, served,
};

const GREETER: &str = "com.acme.Greeter";
const LEDGER: &str = "com.acme.Ledger";
/// Offers the greeter, and its last link has just gone.
const AWAY: &str = "wuhan";

/// The greeter has a provider here too; the ledger is offered by beijing alone.
const RULES: &str = "\
rules:
  - { name: gray, match: { attachments: { env: 'gray*' } }, act: { island: shanghai } }
  - { name: east, match: { parameters: { zone: 'cn-east*' }, methods: [zone] }, act: { island: beijing } }
  - { name: near-here, match: { source: [127.0.0.0/8], methods: [source] }, act: { island: beijing } }
  - { name: shares, match: { methods: [share] }, act: { split: { to: { shanghai: 70, beijing: 30 }, sticky: { attachment: user } } } }
  - { name: order, match: { service: com.acme.Ledger, methods: [order] }, act: { failover: [shanghai, beijing] } }
  - { name: next, match: { methods: [next] }, act: { failover: [wuhan, beijing] } }
  - { name: home, match: { methods: [home] }, act: { local-first: { then: [shanghai] } } }
  - { name: ledger-home, match: { service: com.acme.Ledger, methods: [home] }, act: { local-first: { then: [beijing] } } }
  - { name: near, match: { methods: [near] }, act: { nearest: [] } }
  - { name: nowhere, match: { methods: [nowhere] }, act: { island: shenzhen } }
  - { name: old, match: { methods: [old] }, act: { refuse: use the new service } }
switches:
  - { name: no-pay, island: beijing, methods: [pay], say: 'payments in beijing are stopped until 18:00' }
";

/// What a call says of itself, and what is to become of it.
#[derive(Default)]
struct Case {
    service: Option<&'static str>,
    method: &'static str,
    application: Option<&'static str>,
    port: Option<&'static str>,
    attachments: &'static [(&'static str, &'static str)],
    /// Where it goes, in the words of the page; or a part of what is said instead.
    goes: &'static str,
    /// Who said so; nothing of what is refused.
    because: Option<&'static str>,
}

const TAG: (&str, &str) = ("dubbo.tag", "shanghai");
const TARGET: (&str, &str) = ("highway.target", "beijing");

fn cases() -> Vec<Case> {
    let case = |method, goes, because| Case { method, goes, because, ..Case::default() };
    let because_of = |method, attachments, goes, because| Case { attachments, ..case(method, goes, because) };
    let of_shop = |method, goes, because| Case { application: Some("shop"), ..case(method, goes, because) };
    let of_ledger = |method, goes, because| Case { service: Some(LEDGER), ..case(method, goes, because) };
    let bound =
        |attachments, goes, because| Case { port: Some("shanghai"), ..because_of("m", attachments, goes, because) };
    vec![
        because_of("m", &[TARGET], "`beijing`", Some("attachment highway.target")),
        because_of("m", &[("highway.target", "local")], "`local`", Some("attachment highway.target")),
        because_of("m", &[("highway.target", "mars")], "which is not known here", None),
        because_of("m", &[TAG], "`shanghai`", Some("attachment dubbo.tag")),
        because_of("m", &[("dubbo.tag", "blue")], "names none of them", None),
        because_of("m", &[TAG, TARGET], "make them agree", None),
        bound(&[], "`shanghai`", Some("the port of the call")),
        bound(&[TAG], "`shanghai`", Some("attachment dubbo.tag")),
        bound(&[TARGET], "one call goes to one island", None),
        of_shop("greet", "`shanghai`", Some("the reference's parameter")),
        of_shop("other", "`local`", Some("the reference's parameter")),
        Case { attachments: &[TARGET], ..of_shop("greet", "parameter", None) },
        because_of("m", &[("env", "gray-1")], "`shanghai`", Some("rule `shop/gray`")),
        Case { application: Some("till"), ..case("zone", "`beijing`", Some("rule `shop/east`")) },
        case("zone", "names none of them", None),
        case("source", "`beijing`", Some("rule `shop/near-here`")),
        because_of("share", &[("user", "bo")], "split 70 to `shanghai`, 30 to `beijing`", Some("rule `shop/shares`")),
        of_ledger("order", "`beijing`", Some("rule `shop/order`")),
        case("next", "`wuhan`, else `beijing`", Some("rule `shop/next`")),
        case("home", "`local`, else `shanghai`", Some("rule `shop/home`")),
        of_ledger("home", "`beijing`", Some("rule `shop/ledger-home`")),
        case("near", "`beijing`, else `shanghai`, else `wuhan`", Some("rule `shop/near`")),
        case("nowhere", "rule `shop/nowhere` leaves no target", None),
        case("old", "use the new service", None),
        because_of("pay", &[TARGET], "stopped by switch `shop/no-pay`: payments in beijing are stopped", None),
        because_of("pay", &[TAG], "`shanghai`", Some("attachment dubbo.tag")),
        of_ledger("m", "`beijing`", Some("the only imported island that offers the service")),
        case("m", "names none of them", None),
    ]
}

/// What a gateway of island `cloud` knows where this is a provider of the greeter.
fn knowledge(provider: SocketAddr) -> Knowledge {
    let local = local_of_services(&[(GREETER, provider)]);
    let known = Known {
        offers: [offered(GREETER, &["shanghai", "beijing", AWAY]), offered(LEDGER, &["beijing"])].concat(),
        local: served(&local),
        rules: Arc::new(Rules::new([Arc::new(parse("shop", RULES).unwrap())], SystemTime::UNIX_EPOCH).unwrap()),
        round_trips: [("shanghai", 40), ("beijing", 4), (AWAY, 400)]
            .map(|(island, took)| (island.into(), Duration::from_millis(took)))
            .into(),
        ..known(&[])
    };
    let consumers = references(&[("shop", &[("highway.shanghai", "greet")]), ("till", &[("zone", "cn-east-1")])]);
    Knowledge {
        snapshot: Arc::new(Snapshot::new(1, known)),
        islands: heard_of(&["shanghai", "beijing", AWAY]),
        consumers,
        ..knowing(local)
    }
}

/// One after the other: the places to which a call was sent, and what its caller was told.
struct Went {
    tried: Vec<String>,
    told: String,
}

/// Sends a call and lets whoever gets it answer with a name of its own, but for [`AWAY`], to which no hub has a link.
async fn went(gate: &Gate, address: SocketAddr, frame: &[u8]) -> Went {
    let named = |name: &str| ok_reply(&[&[name.len() as u8], name.as_bytes()].concat());
    let mut consumer = Peer::connect(address).await;
    consumer.send(frame).await;
    let mut answer = pin!(consumer.frame());
    let mut tried = Vec::new();
    loop {
        tokio::select! {
            frame = &mut answer => {
                let header = Header::decode(&frame).unwrap().unwrap();
                assert_eq!(header.status(), Status::OK, "an answer or an exception");
                let told = String::from_utf8_lossy(&frame[HEADER_LEN..]).into_owned();
                if told.ends_with(LOCAL) {
                    tried.push(LOCAL.to_owned());
                }
                return Went { tried, told };
            }
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
        for sent in gate.link().opened.take() {
            let island = sent.head().destination.to_owned();
            match &*island {
                AWAY => gate.refuse(sent.token, no_link()),
                name => gate.reply(sent.token, &named(name)),
            }
            tried.push(island);
        }
    }
}

/// A provider of this island, which answers every call with `local`.
fn provide(listener: tokio::net::TcpListener) {
    tokio::task::spawn_local(async move {
        let mut gateway = accepted(&listener).await;
        loop {
            let mut reply = ok_reply(b"\x05local");
            reply[4..12].copy_from_slice(&gateway.frame().await[4..12]);
            gateway.send(&reply).await;
        }
    });
}

impl Case {
    fn question(&self) -> Question {
        Question {
            service: self.service.unwrap_or(GREETER).to_owned(),
            method: self.method.to_owned(),
            application: self.application.map(str::to_owned),
            source: Some(Ipv4Addr::LOCALHOST.into()),
            port: self.port.map(str::to_owned),
            attachments: self.attachments.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            why_not: None,
            live: false,
        }
    }

    /// The call as a consumer sends it; one of `user`, where it has one.
    fn frame(&self, user: &str) -> Vec<u8> {
        let own = self.application.map(|name| ("remote.application", name)).into_iter();
        let said = self.attachments.iter().map(|(key, value)| (*key, if *key == "user" { user } else { *value }));
        let attachments: Vec<(&str, &str)> = own.chain(said).chain([("timeout", "5000")]).collect();
        call_in(Codec::Hessian2, self.service.unwrap_or(GREETER), 7, self.method, "bo", &attachments)
    }
}

#[test]
fn a_call_goes_where_the_page_says_it_goes_or_reads_what_the_page_says_instead() {
    on_shard(async {
        let (listener, provider) = provider_port().await;
        provide(listener);
        let gate = GateBuilder { knowledge: knowledge(provider), ..GateBuilder::default() }.open();
        let addresses = [(None, gate.address), (Some("shanghai"), gate.port("shanghai"))];
        let ports = Ports::new(addresses.iter().map(|(island, at)| (island.map(Into::into), *at)).collect());
        for case in cases() {
            let tags = Tags::new(Tagging::ByIsland, &[]);
            let (said, _) = explain(&case.question(), &gate.core.knowledge.load(), &tags, &ports).unwrap();
            let shown = format!("{} {:?} {:?}: {said:?}", case.method, case.port, case.attachments);
            let address = addresses.iter().find(|(island, _)| *island == case.port).unwrap().1;
            let went = went(&gate, address, &case.frame("bo")).await;
            assert_eq!(said.reason.as_deref(), case.because, "{shown}");
            match said.goes {
                Some(goes) => {
                    assert_eq!(goes, case.goes, "{shown}");
                    let named: Vec<&str> = said.targets.iter().map(|target| &*target.target).collect();
                    let is_split = goes.starts_with("split");
                    let took = went.tried.last().unwrap();
                    let in_order = went.tried.iter().zip(&named).all(|(tried, named)| tried == named);
                    assert!(
                        if is_split { named.contains(&&**took) } else { in_order },
                        "{shown} tried {:?}",
                        went.tried
                    );
                    assert!(took != AWAY && went.told.ends_with(&**took), "{shown} told {:?}", went.told);
                }
                None => {
                    let refused = said.refused.unwrap();
                    assert!(refused.contains(case.goes), "{shown}");
                    assert!(went.tried.is_empty() && went.told.contains(&refused), "{shown} told {}", went.told);
                }
            }
        }
    });
}

#[test]
fn a_split_that_the_page_shows_reaches_all_that_it_names_and_keeps_each_key_at_one() {
    on_shard(async {
        let (_listener, provider) = provider_port().await;
        let gate = GateBuilder { knowledge: knowledge(provider), ..GateBuilder::default() }.open();
        let shares = cases().into_iter().find(|case| case.method == "share").unwrap();
        let ports = Ports::new(vec![(None, gate.address)]);
        let (said, _) = explain(&shares.question(), &gate.core.knowledge.load(), &Tags::default(), &ports).unwrap();
        let named: std::collections::BTreeSet<String> = said.targets.into_iter().map(|target| target.target).collect();
        let mut reached = std::collections::BTreeSet::new();
        for user in (0..40).map(|number| format!("user-{number}")) {
            let first = went(&gate, gate.address, &shares.frame(&user)).await.tried;
            let again = went(&gate, gate.address, &shares.frame(&user)).await.tried;
            assert_eq!((first.len(), &first), (1, &again), "{user}");
            reached.extend(first);
        }
        assert_eq!(reached, named);
    });
}
