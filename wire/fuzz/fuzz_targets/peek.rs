//! Requests and replies: whatever is read lies inside the body, and the entries of a map fill it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::dubbo::answer;
use wire::dubbo::attachments::Attachments;
use wire::dubbo::call::{self, Peeked};
use wire::dubbo::frame::{HEADER_LEN, Header};
use wire::fuzzing::{self, Dice};

fn inside(attachments: &Attachments<'_>, body: &[u8]) {
    let (map, entries) = (attachments.range(), attachments.entries_range());
    assert!(map.start <= entries.start && entries.end <= map.end && map.end <= body.len());
    let end = attachments.iter().fold(entries.start, |end, entry| {
        assert_eq!(entry.at.start, end);
        entry.at.end
    });
    assert_eq!(end, entries.end);
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&fuzzing::request(&mut Dice::new(bytes)));
});

fn check(bytes: &[u8]) {
    let Ok(Some(header)) = Header::decode(bytes) else { return };
    let body = &bytes[HEADER_LEN..];
    match call::peek(&header, body) {
        Ok(Peeked::Call(call)) => {
            inside(&call.attachments, body);
            assert!(!call.service.is_empty() && !call.method.is_empty() && call.leading.end <= body.len());
            let mut key = Vec::new();
            call.decision_key(&mut key);
            assert!(call.texts().count() <= call.leading.arg_count && call.arguments().len() <= body.len());
            let _ = (call.reply_form(), call.conflicting_interface(), call.highway().count());
        }
        Ok(Peeked::Opaque(serialization)) => assert_eq!(serialization.codec(), None),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(Some(answer)) = answer::peek(&header, body) {
        assert!(answer.value.end <= body.len());
        answer.attachments.iter().for_each(|attachments| inside(attachments, body));
    }
}
