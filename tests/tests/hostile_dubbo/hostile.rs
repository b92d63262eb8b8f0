//! Providers that answer rubbish: what their caller gets, that it gets it once, and that everybody else's calls go on.

use std::time::{Duration, Instant};

use highway_tests::healthy::Beside;
use wire::dubbo::frame::{Codec, HEADER_LEN, Status};

use crate::scripted::{LIMIT_LEN, Script, Scripted};
use crate::talker::{Talker, Told, call};
use crate::world::{World, beside_a_healthy_caller};

/// What each call here gives its provider.
const TIMEOUT: &str = "1500";
const MAY_HAVE_RUN: &str = "(the call may have been executed, so look before you repeat it)";
/// Whose provider it is.
const INGRESS: &str = "ingress gateway `b-ingress-1` of island `b`";
const HAS_RUN: &str = "(the call was executed, only its answer is missing)";

fn ask(beside: &Beside<World>, script: Script) -> (Talker, &'static Scripted) {
    let provider = beside.world.scripted(script);
    let mut peer = beside.world.dial();
    peer.send(&call(21, provider.service(), "x", &[("timeout", TIMEOUT)]));
    (peer, provider)
}

/// The call's one answer is an exception with this text, and its connection stays.
fn gets(beside: &Beside<World>, script: Script, text: impl Fn(&Scripted) -> String) {
    let (mut peer, provider) = ask(beside, script);
    assert_eq!(peer.told(), Told::exception(21, Codec::Hessian2, &text(provider)), "{script:?}");
    peer.stays();
}

/// The provider's connection ended with the call on it.
fn lost(why: &str) -> impl Fn(&Scripted) -> String {
    move |provider| {
        let service = provider.service();
        format!(
            "the connection of {INGRESS} to its provider ended with `{service}#hi` sent and unanswered: {why} {MAY_HAVE_RUN}"
        )
    }
}

#[test]
fn what_is_no_dubbo_ends_the_providers_connection_and_its_caller_reads_why() {
    let beside = beside_a_healthy_caller();
    let magic = "a frame starts with 48 54, wanted the magic da bb: the peer does not speak Dubbo here";
    gets(&beside, Script::WrongMagic, lost(magic));
    gets(&beside, Script::Truncated, lost("closed by the peer"));
    beside.nobody_noticed();
}

#[test]
fn an_answer_over_the_limit_is_an_exception_with_both_numbers_and_the_provider_stays() {
    let beside = beside_a_healthy_caller();
    for _ in 0..3 {
        gets(&beside, Script::TooLong, |provider| {
            let (service, found_len, limit_len) =
                (provider.service(), LIMIT_LEN + 1 + HEADER_LEN, LIMIT_LEN + HEADER_LEN);
            format!(
                "the answer to `{service}#hi` has {found_len} bytes, this ingress gateway's limit is {limit_len} bytes {HAS_RUN}"
            )
        });
    }
    assert_eq!(beside.world.scripted(Script::TooLong).connections(), 2, "one of each shard, as at the start");
    gets(&beside, Script::BeyondReason, |provider| {
        let (service, found_len, limit_len) =
            (provider.service(), i32::MAX as usize + HEADER_LEN, LIMIT_LEN + HEADER_LEN);
        format!(
            "the answer to `{service}#hi` has {found_len} bytes, this ingress gateway's limit is {limit_len} bytes {HAS_RUN}"
        )
    });
    beside.nobody_noticed();
}

#[test]
fn an_answer_without_a_body_is_replaced_by_words() {
    let beside = beside_a_healthy_caller();
    gets(&beside, Script::EmptyBody, |_| {
        format!(
            "the answer is a frame of 16 bytes that says 16 bytes with flags 0x02, wanted one whole reply {HAS_RUN}"
        )
    });
    beside.nobody_noticed();
}

#[test]
fn what_a_provider_says_itself_passes_even_if_nobody_knows_it() {
    let beside = beside_a_healthy_caller();
    let (mut peer, _) = ask(&beside, Script::UnknownStatus);
    let (header, body) = peer.frame();
    assert_eq!((header.id, header.status(), &body[..]), (21, Status(77), &b"\x04what"[..]));
    peer.stays();
    let (mut peer, _) = ask(&beside, Script::UnreadableValue);
    let (header, body) = peer.frame();
    assert_eq!((header.id, header.status(), &body[..]), (21, Status::OK, &[0x91, 0x43, 0xff, 0xff, 0xff][..]));
    peer.stays();
    beside.nobody_noticed();
}

#[test]
fn a_second_answer_is_dropped() {
    let beside = beside_a_healthy_caller();
    let (mut peer, provider) = ask(&beside, Script::Twice);
    assert_eq!(peer.answered(21), b"\x02hi");
    peer.stays();
    peer.send(&call(22, provider.service(), "x", &[]));
    assert_eq!(peer.answered(22), b"\x02hi");
    peer.stays();
    beside.nobody_noticed();
}

/// To Java the answer is what its own clock would have told it. An answer under a wrong id is nobody's, a request is no answer, and an answer that never ends is none either.
#[test]
fn a_provider_that_gives_no_answer_costs_its_call_the_timeout_and_no_more() {
    let beside = beside_a_healthy_caller();
    let scripts = [Script::Silent, Script::WrongId, Script::Asks, Script::Trickles];
    let began = Instant::now();
    let asked: Vec<(Talker, &Scripted)> = scripts.iter().map(|script| ask(&beside, *script)).collect();
    for (mut peer, provider) in asked {
        let told = peer.told();
        let service = provider.service();
        // Both gateways look at the same deadline; whoever sees it first says so.
        let here = format!(
            "island `b` gave no answer to `{service}#hi` within 1.45s; look at the provider there, or give the call more time {MAY_HAVE_RUN}"
        );
        let there =
            format!("the provider of {INGRESS} has not answered `{service}#hi` within the call's time {MAY_HAVE_RUN}");
        let either = [here, there].map(|text| Told::status(21, Status::SERVER_TIMEOUT, &text));
        assert!(either.contains(&told), "{told:?}");
        peer.stays();
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    beside.nobody_noticed();
}

#[test]
fn of_a_provider_that_refuses_or_closes_at_once_the_gateway_is_named_and_no_address() {
    let beside = beside_a_healthy_caller();
    let (mut peer, provider) = ask(&beside, Script::Refuses);
    let told = peer.told();
    println!("{}", told.text);
    assert_eq!((told.id, told.status), (21, Status::SERVER_ERROR), "{told:?}");
    assert!(told.text.contains(INGRESS) && !told.text.contains(&provider.address().to_string()), "{}", told.text);
    assert!(told.text.ends_with("(the call was not executed)"), "{}", told.text);
    peer.stays();

    let (mut peer, provider) = ask(&beside, Script::ClosesAtOnce);
    let told = peer.told();
    println!("{}", told.text);
    assert!(told.text.contains(INGRESS) && !told.text.contains(&provider.address().to_string()), "{}", told.text);
    // Between its coming and its closing a call may just be written.
    let outcome = if told.status == Status::OK { MAY_HAVE_RUN } else { "(the call was not executed)" };
    assert!(told.text.ends_with(outcome), "{told:?}");
    peer.stays();
    beside.nobody_noticed();
}
