//! Any bytes as a stream of records: each is read, skipped, incomplete or refused, and a payload is what its own decoder says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::tunnel::record::{self, Decoded};
use wire::tunnel::{Failure, Notice, Record, RecordType, ReplyHead};
use wire::fuzzing::{self, Dice};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&fuzzing::records(&mut Dice::new(bytes)));
});

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
                    RecordType::Notice => drop(Notice::decode(record.payload)),
                    _ => {}
                }
                used
            }
        };
        rest = &rest[used..];
    }
}
