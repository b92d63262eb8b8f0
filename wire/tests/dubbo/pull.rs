//! Going back over what was read, as who follows references does.

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
