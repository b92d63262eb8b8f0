//! Any bytes as a stream of records: each is read, skipped, incomplete or refused, and a payload is what its own decoder says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::tunnel::record::{self, Decoded};
use wire::tunnel::question::{AskedCall, LISTED_MAX};
use wire::tunnel::{Failure, Head, Notice, Record, RecordType, ReplyHead};
use wire::fuzzing::{self, Dice};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&fuzzing::records(&mut Dice::new(bytes)));
});

/// What is understood can be told again, and a call that is asked about has a head.
fn notice(payload: &[u8]) {
    let notice = Notice::decode(payload);
    assert_eq!(Notice::decode(&notice.encode()), notice);
    match notice {
        Notice::Asked { call, .. } if call.fits() => {
            assert_eq!(AskedCall::of(&call.head()), Some(*call.clone()));
            let mut head = Vec::new();
            if call.head().encode_into(&mut head).is_ok() {
                assert_eq!(Head::decode(&head).expect("an own head is readable"), call.head());
            }
        }
        Notice::Judged { verdict, .. } => assert!(verdict.bounded().gateways.len() <= LISTED_MAX),
        Notice::Staffed { providers, .. } => assert!(providers.bounded().addresses.len() <= LISTED_MAX),
        _ => {}
    }
}

fn check(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(decoded) = Record::decode(rest) {
        let used = match decoded {
            Decoded::Incomplete(_) => return,
            Decoded::Skipped(used) => used,
            Decoded::Record(record, used) => {
                let mut again = Vec::new();
                assert_eq!(record::push(&mut again, record.kind, record.end, record.exchange, &[record.payload]), used);
                match record.kind {
                    RecordType::Reply => drop(ReplyHead::decode(record.payload)),
                    RecordType::Failure => drop(Failure::decode(record.payload)),
                    RecordType::Notice => notice(record.payload),
                    _ => {}
                }
                used
            }
        };
        rest = &rest[used..];
    }
}
