//! Going back over what was read, as who follows references does.

use std::time::{Duration, Instant};

use highway_wire::dubbo::ReadError;
use highway_wire::dubbo::hessian2::{Item, Pull, Short, writer};

/// Class definitions in one stream at most.
const MAX_CLASSES: usize = 1024;

/// A list of one object, with the definitions of so many classes in front of the object, which is of the last.
fn defining(classes: usize, fields: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0x79];
    for number in 0..classes {
        writer::put_class(&mut bytes, &format!("a.Class{number}"), fields.iter().copied());
    }
    writer::put_object_head(&mut bytes, classes - 1);
    bytes
}

/// Reads that list up to the fields of the object; returns how long it took.
fn read(pull: &mut Pull<'_>, classes: usize) -> Duration {
    let began = Instant::now();
    assert_eq!(pull.item(), Ok(Item::List { number: 0, name: None, len: Some(1) }));
    assert_eq!(pull.item(), Ok(Item::Object { number: 1, class: classes - 1 }));
    began.elapsed()
}

#[test]
fn a_stream_of_as_many_classes_as_are_read_can_be_gone_back_over() {
    let bytes = defining(MAX_CLASSES, &[]);
    let mut pull = Pull::new(&bytes);
    read(&mut pull, MAX_CLASSES);
    let place = pull.go_to(0).unwrap();
    read(&mut pull, MAX_CLASSES);
    assert_eq!(pull.at(), place);

    let bytes = defining(MAX_CLASSES + 1, &[]);
    let mut pull = Pull::new(&bytes);
    pull.item().unwrap();
    assert!(matches!(pull.item(), Err(ReadError::TooMany { limit: MAX_CLASSES, .. })));
}

#[test]
fn a_class_is_read_once_however_often_one_goes_back_over_it() {
    let name = "n".repeat(0x1_0000);
    let bytes = defining(1, &[&*name; 16]);
    let mut pull = Pull::new(&bytes);
    let once = read(&mut pull, 1);
    let again: Duration = (0..1000)
        .map(|_| {
            pull.go_to(0).unwrap();
            read(&mut pull, 1)
        })
        .sum();
    assert!(again < 100 * once, "{again:?} for a thousand times, {once:?} for the first");
}

/// Items that stand in a few bytes, and others between them.
fn plain() -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [0, 1, -16, 47, 48, -17, 2047, -2048, 2048, 262_143, -262_144, 262_144, i32::MAX, i32::MIN] {
        writer::put_int(&mut bytes, number);
        writer::put_long(&mut bytes, number.into());
        writer::put_null(&mut bytes);
        writer::put_double(&mut bytes, f64::from(number) + 0.1);
        writer::put_double(&mut bytes, f64::from(number));
    }
    for len in [0, 1, 31, 32, 40, 1024] {
        writer::put_text(&mut bytes, &"a".repeat(len));
        writer::put_text(&mut bytes, &"é".repeat(len));
        writer::put_date(&mut bytes, len as i64);
    }
    bytes
}

#[test]
fn the_quick_way_gives_what_the_general_one_gives_or_takes_nothing() {
    let bytes = plain();
    let (mut quick, mut general) = (Pull::new(&bytes), Pull::new(&bytes));
    while general.at() < bytes.len() {
        let (before, wanted) = (quick.at(), general.item().unwrap());
        let is_short = match &wanted {
            Item::Null | Item::Int(_) => true,
            Item::Double(_) => bytes[before] == b'D',
            Item::Text(text) => text.is_ascii() && text.len() < 32,
            _ => false,
        };
        let short = quick.short().map(|short| match short {
            Short::Null => Item::Null,
            Short::Int(number) => Item::Int(number),
            Short::Double(number) => Item::Double(number),
            Short::Text(text) => Item::Text(text.into()),
        });
        assert_eq!(short.is_some(), is_short, "{wanted:?}");
        if short.is_none() {
            assert_eq!(quick.at(), before);
        }
        assert_eq!(short.unwrap_or_else(|| quick.item().unwrap()), wanted);
        assert_eq!(quick.at(), general.at());
    }
}

#[test]
fn of_what_breaks_off_the_quick_way_takes_nothing() {
    let (mut int, mut double, mut text) = (Vec::new(), Vec::new(), Vec::new());
    writer::put_int(&mut int, i32::MAX);
    writer::put_double(&mut double, 1.0 / 3.0);
    writer::put_text(&mut text, "abc");
    for value in [int, double, text, b"\xc8\x01".to_vec(), b"\xd4\x01\x02".to_vec()] {
        for len in 0..value.len() {
            let mut pull = Pull::new(&value[..len]);
            assert_eq!((pull.short(), pull.at()), (None, 0), "{len} bytes of {value:x?}");
        }
        assert!(Pull::new(&value).short().is_some(), "{value:x?}");
    }
}
