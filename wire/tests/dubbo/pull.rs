//! Going back over what was read, as who follows references does.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use highway_wire::dubbo::ReadError;
use highway_wire::dubbo::hessian2::{Item, Pull, writer};

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

/// Items of every kind in every form, not one inside the other: who asks for the next item gets them in turn.
fn all_kinds() -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [0, 1, -16, 47, 48, -17, 2047, -2048, 2048, 262_143, -262_144, 262_144, i32::MAX, i32::MIN] {
        writer::put_int(&mut bytes, number);
        writer::put_long(&mut bytes, number.into());
        writer::put_long(&mut bytes, i64::from(number) << 31);
        writer::put_null(&mut bytes);
        writer::put_bool(&mut bytes, number < 0);
        writer::put_double(&mut bytes, f64::from(number) + 0.1);
        writer::put_double(&mut bytes, f64::from(number) / 3.0);
        writer::put_double(&mut bytes, f64::from(number));
        writer::put_date(&mut bytes, i64::from(number) * 60_000);
        writer::put_date(&mut bytes, number.into());
    }
    for len in [0, 1, 31, 32, 40, 1024, 0x8000, 0x8001] {
        for letter in ["a", "é", "无", "a无é", "😀"] {
            writer::put_text(&mut bytes, &letter.repeat(len));
        }
        writer::put_binary(&mut bytes, &vec![7; len]);
    }
    // What a single character needs is longer than the count of units says.
    bytes.extend("\u{2}a\u{10ffff}".bytes());
    for class in 0..20 {
        writer::put_class(&mut bytes, &format!("a.Class{class}"), ["a", "b"].into_iter());
        writer::put_object_head(&mut bytes, class);
        writer::put_object_head(&mut bytes, class / 2);
    }
    for len in [0, 1, 7, 8, 50] {
        writer::put_list_head(&mut bytes, None, len);
        writer::put_list_head(&mut bytes, Some(writer::TypeName::New(&format!("[a.Class{len}"))), len);
        writer::put_map_head(&mut bytes, None);
        writer::put_map_head(&mut bytes, Some(writer::TypeName::Known(0)));
        writer::put_reference(&mut bytes, len);
    }
    // Room for the counts above.
    bytes.extend(b"U\x90WN".repeat(50));
    bytes
}

/// What the quick ways give, whichever of them takes something.
fn quick<'a>(pull: &mut Pull<'a>) -> Option<Item<'a>> {
    if pull.null() {
        return Some(Item::Null);
    }
    let plain = pull.bool().map(Item::Bool).or_else(|| pull.int().map(Item::Int));
    let plain = plain.or_else(|| pull.long().map(Item::Long)).or_else(|| pull.double().map(Item::Double));
    let plain =
        plain.or_else(|| pull.date().map(Item::Date)).or_else(|| pull.text().map(|text| Item::Text(text.into())));
    plain
        .or_else(|| pull.list().map(|(number, len)| Item::List { number, name: None, len: Some(len) }))
        .or_else(|| pull.map().map(|number| Item::Map { number, name: None }))
        .or_else(|| pull.object().map(|(number, class)| Item::Object { number, class }))
}

/// Whether there is a quick way to an item that begins with this byte.
fn has_quick_way(item: &Item<'_>, tag: u8) -> bool {
    match item {
        Item::Null | Item::Bool(_) | Item::Int(_) | Item::Long(_) | Item::Double(_) | Item::Date(_) => true,
        Item::Text(text) => matches!(text, Cow::Borrowed(text) if text.chars().all(|letter| letter.len_utf8() < 4)),
        Item::List { name, len, .. } => name.is_none() && len.is_some(),
        Item::Map { name, .. } => name.is_none(),
        Item::Object { .. } => tag != b'C',
        Item::Binary(_) | Item::Reference(_) => false,
    }
}

#[test]
fn the_quick_ways_give_what_the_general_one_gives_or_take_nothing() {
    let bytes = all_kinds();
    let (mut hurried, mut general) = (Pull::new(&bytes), Pull::new(&bytes));
    let mut taken = 0;
    while general.at() < bytes.len() {
        let (before, wanted) = (hurried.at(), general.item().unwrap());
        let found = quick(&mut hurried);
        assert_eq!(found.is_some(), has_quick_way(&wanted, bytes[before]), "{wanted:?}");
        taken += usize::from(found.is_some());
        if found.is_none() {
            assert_eq!(hurried.at(), before);
        }
        assert_eq!(found.unwrap_or_else(|| hurried.item().unwrap()), wanted);
        assert_eq!(hurried.at(), general.at());
    }
    assert!(taken > 200, "{taken} taken");
}

#[test]
fn of_what_breaks_off_the_quick_ways_take_nothing() {
    let mut values: Vec<Vec<u8>> = Vec::new();
    let mut one = |put: &dyn Fn(&mut Vec<u8>)| {
        let mut value = Vec::new();
        put(&mut value);
        values.push(value);
    };
    for number in [1, 300, 70_000, i32::MAX] {
        one(&|out| writer::put_int(out, number));
        one(&|out| writer::put_long(out, number.into()));
        one(&|out| writer::put_long(out, i64::from(number) << 32));
        one(&|out| writer::put_double(out, number.into()));
        one(&|out| writer::put_double(out, f64::from(number) / 3.0));
        one(&|out| writer::put_date(out, number.into()));
    }
    one(&|out| writer::put_double(out, 0.125));
    one(&|out| writer::put_date(out, 60_000));
    for text in ["abc", "é", "a无", &"b".repeat(40), &"无".repeat(400), &"c".repeat(2000)] {
        one(&|out| writer::put_text(out, text));
    }
    for value in values {
        for len in 0..value.len() {
            let mut pull = Pull::new(&value[..len]);
            assert_eq!((quick(&mut pull), pull.at()), (None, 0), "{len} bytes of {value:x?}");
        }
        assert!(quick(&mut Pull::new(&value)).is_some(), "{value:x?}");
    }
}

#[test]
fn a_quick_way_takes_no_count_and_no_class_that_cannot_be() {
    // A list of three in two bytes, of less than nothing, and an object of no class.
    for bytes in [&b"\x58\x93NN"[..], b"\x58\x8fN", b"\x58", b"\x58I\0\0", b"\x60", b"O\x90", b"O\x8f", b"O"] {
        let mut pull = Pull::new(bytes);
        assert_eq!((quick(&mut pull), pull.at()), (None, 0), "{bytes:x?}");
        assert!(pull.item().is_err(), "{bytes:x?}");
    }
    let mut pull = Pull::new(b"\x58\x93NNN");
    assert_eq!(pull.list(), Some((0, 3)));
}
