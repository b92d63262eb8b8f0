//! Programs that call and end: what they print with a provider of their own island, and with one across the hub.

use std::fs;

use lab::install::workspace;

use crate::stage::stage;

/// Both ways there are, for programs that say nothing of islands themselves: who answers, and what `HIGHWAY_TARGET` is.
const WAYS: [(&str, Option<&str>); 2] = [("shanghai", None), ("beijing", Some("beijing"))];

#[test]
fn the_typed_client() {
    let readme = fs::read_to_string(workspace().join("examples/sdk/README.md")).unwrap();
    for (island, target) in WAYS {
        let wanted = format!(
            "Hello bo, this is {island}\n\
             order 7 is Paid, 3 pears for 12.50, note None\n\
             42 and 735\n\
             com.example.OutOfStockException with code Some(42): no pears\n"
        );
        assert_eq!(stage().prints("typed", &[], target), wanted);
        assert!(readme.contains(&format!("```text\n{wanted}```\n")), "the README says: {readme}");
    }
}

#[test]
fn the_generic_call() {
    for (island, target) in WAYS {
        let printed = stage().prints("generic", &[], target);
        let (answers, refusal) = printed.split_at(printed.find('`').unwrap());
        assert_eq!(answers, "7 + 35 = 42\norder Some(7) is Some(\"PAID\")\n", "{island}");
        assert!(refusal.starts_with("`com.example.InteropService#noSuchMethod`"), "{island}: {refusal}");
        assert!(refusal.contains("noSuchMethod not found") || refusal.contains("NoSuchMethod"), "{island}: {refusal}");
    }
}

#[test]
fn the_blocking_call() {
    for (island, target) in WAYS {
        let printed = stage().prints("blocking", &[], target);
        let lines: Vec<&str> = printed.lines().collect();
        let [bo, li, wu, in_time, too_late, nowhere] = lines[..] else { panic!("{printed}") };
        for (line, name) in [(bo, "bo"), (li, "li"), (wu, "wu")] {
            assert_eq!(line, format!("Hello {name}, this is {island}"));
        }
        assert_eq!(in_time, "answered: in time");
        assert!(too_late.starts_with("unknown, look before it is made again: "), "{too_late}");
        assert!(nowhere.starts_with("not sent, may be made again: ") && nowhere.contains("atlantis"), "{nowhere}");
    }
}

#[test]
fn the_target_of_a_thread_and_of_a_task() {
    let printed = stage().prints("targets", &["local", "beijing"], None);
    let mut lines: Vec<&str> = printed.lines().collect();
    // The threads run side by side.
    lines[..2].sort_unstable();
    let wanted = [
        "a thread with beijing: Hello bo, this is beijing",
        "a thread with local: Hello bo, this is shanghai",
        "a task with local: Hello li, this is shanghai",
        "a spawned task with local: Hello wu, this is shanghai",
        "a call to local with local: Hello an, this is shanghai",
        "a task with beijing: Hello li, this is beijing",
        "a spawned task with beijing: Hello wu, this is beijing",
        "a call to local with beijing: Hello an, this is shanghai",
    ];
    assert_eq!(lines, wanted);
}
