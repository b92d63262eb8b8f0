//! Any bytes at all, and any damage to sound frames: a clear answer or the end of that connection, and the provider serves on.

use std::io::Write;
use std::net::Shutdown;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use highway_sdk::Value;
use highway_sdk::provider::{Invocation, Provider};
use proptest::prelude::*;
use wire::dubbo::frame::Status;

use crate::talker::*;

/// Takes whatever comes as whatever it is.
fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let service = greeter().method("any", |call: Invocation| async move {
            let values: Vec<Value> = call.args()?;
            for (key, value) in call.attachments() {
                call.reply_attachment(key, value);
            }
            Ok(values)
        });
        start(Provider::builder().payload(1 << 20).held(8 << 20).serve(service))
    })
}

/// Sends all of it and reads to the end: whole frames alone come back, each an answer.
fn survives(bytes: &[u8]) {
    let mut consumer = Talker::of(provider());
    // It may be closed before all is written.
    let _ = consumer.0.write_all(bytes);
    let _ = consumer.0.shutdown(Shutdown::Write);
    while let Some((header, body)) = consumer.try_frame() {
        assert!(!header.is_request() && body.len() == header.body_len as usize, "{header:?}");
    }
    let mut neighbour = Talker::of(provider());
    assert_eq!(neighbour.ask(&greet(1, "bo")), text("hello bo"));
}

fn sound() -> impl Strategy<Value = Vec<u8>> {
    let args = proptest::collection::vec(any::<u8>(), 0..40);
    (any::<i64>(), args, "[a-z$]{0,8}", "[IJ\\[L/a;]{0,6}", any::<bool>()).prop_map(
        |(id, args, method, types, is_any)| {
            let method = if is_any { "any" } else { &method };
            let ask = Ask::new(id, method, &types, |_| ()).with("path", GREETER).with("timeout", "500");
            ask.raw_args(&args).frame()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_any_kind_end_nothing_but_their_connection(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes);
        survives(&[&[0xda, 0xbb, 0xc2, 0], &bytes[..]].concat());
    }

    #[test]
    fn damaged_frames_are_answered_or_end_their_connection(
        frames in proptest::collection::vec(sound(), 1..4),
        wounds in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = frames.concat();
        for (at, byte) in wounds {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - end.index(20).min(bytes.len()));
        survives(&bytes);
    }
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_a_frame() {
    let mut consumer = Talker::of(provider());
    for byte in greet(3, "slowly").frame() {
        consumer.send(&[byte]);
    }
    assert_eq!(consumer.answer(), (3, text("hello slowly"), vec![]));
}

/// Half a body each from more connections than the budget has room for: those without room are told, and whole calls still go.
#[test]
fn unfinished_bodies_are_bounded_and_keep_no_whole_call_out() {
    let provider = start(Provider::builder().payload(1 << 20).held(4 << 20).serve(greeter()));
    let large = greet(7, &"x".repeat(1_000_000)).frame();
    let mut consumers: Vec<Talker> = (0..10).map(|_| Talker::of(&provider)).collect();
    for consumer in &mut consumers {
        consumer.send(&large[..large.len() - 1]);
        consumer.0.set_nonblocking(true).unwrap();
    }
    let until = Instant::now() + PATIENCE;
    let (header, body) = loop {
        if let Some(told) = consumers.iter_mut().find_map(Talker::try_frame) {
            break told;
        }
        assert!(Instant::now() < until, "nobody was told that there is no room");
        std::thread::sleep(Duration::from_millis(1));
    };
    let text = wire::dubbo::answer::error_text(&header, &body).unwrap();
    assert!(text.starts_with("this provider holds ") && header.status() == Status::OVERLOADED, "{text}");
    assert_eq!(Talker::of(&provider).ask(&greet(1, "bo")), crate::talker::text("hello bo"));
}
