//! Hessian 2: stepping over, reading text, decoding. What decodes can be stepped over, to the same place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::dubbo::hessian2::{Document, Reader, Tag, Value, writer};
use wire::fuzzing::{self, Dice};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let made = fuzzing::hessian2_document(&mut Dice::new(bytes));
    let mut reader = Reader::new(&made);
    assert_eq!((reader.skip(), reader.at()), (Ok(()), made.len()), "a whole value is stepped over to its end");
    check(&made);
});

fn check(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let skipped = reader.skip().map(|()| reader.at());
    if let Ok(document) = Document::read(bytes) {
        assert_eq!(skipped, Ok(document.end()));
        if let Value::Text(text) = document.root() {
            let mut again = Vec::new();
            writer::put_text(&mut again, text);
            assert_eq!(Reader::new(&again).text().as_ref(), Ok(text));
        }
    }
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.tag() {
        let before = reader.at();
        let read = match tag {
            Tag::Text => reader.text_lossy().map(drop),
            Tag::Integer => reader.integer().map(drop),
            _ => reader.skip(),
        };
        assert!(reader.at() <= bytes.len());
        if read.is_err() {
            return;
        }
        assert!(reader.at() > before);
    }
}
