//! fastjson2: taking a body apart, stepping over JSONB, reading text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::dubbo::fastjson2::{Fields, Reader, Tag};
use wire::fuzzing::{self, Dice};

fn field(body: &[u8], field: std::ops::Range<usize>) {
    let end = field.end;
    let mut reader = Reader::new(body, field);
    while let Some(tag) = reader.tag() {
        let before = reader.at();
        let read = match tag {
            Tag::Text => {
                let strict = reader.clone().text();
                let lossy = reader.text_lossy();
                assert!(strict.is_err() || strict == lossy);
                lossy.map(drop)
            }
            Tag::Integer => reader.integer().map(drop),
            Tag::Symbol => reader.clone().key().map(drop).and(reader.skip()),
            _ => reader.skip(),
        };
        assert!(reader.at() <= end);
        if read.is_err() {
            return;
        }
        assert!(reader.at() > before);
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let made = fuzzing::fastjson2_document(&mut Dice::new(bytes));
    let mut reader = Reader::new(&made, 0..made.len());
    assert_eq!((reader.skip(), reader.at()), (Ok(()), made.len()), "a whole value is stepped over to its end");
    check(&made);
});

fn check(body: &[u8]) {
    field(body, 0..body.len());
    let mut fields = Fields::new(body);
    while let Ok(found) = fields.field() {
        assert!(found.end <= body.len() && found.end == fields.at());
        field(body, found);
    }
}
