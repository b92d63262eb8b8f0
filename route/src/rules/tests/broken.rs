//! What is no document, and the words that say so.

use std::time::{Duration, Instant};

use crate::rules::{DOCUMENT_MAX_LEN, parse};

/// Each mistake as a line.
fn mistakes(text: &str) -> Vec<String> {
    parse("shop", text).unwrap_err().mistakes.iter().map(ToString::to_string).collect()
}

/// The mistakes of one rule with this act.
fn act(act: &str) -> Vec<String> {
    mistakes(&format!("rules:\n- name: r\n  act: {act}\n"))
}

#[test]
fn a_mistake_has_its_line_and_column_and_what_was_wanted() {
    let broken = parse("shop", "rules:\n- name: r\n  act: { island: Bei jing }\n").unwrap_err();
    assert_eq!(
        broken.to_string(),
        "document `shop` is not taken: line 3, column 18: found `Bei jing`, wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`"
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "\
servise: x
rules:
  - name: one
    priority: 2000
    match: { methods: ['a b'], source: [10.0.0.0/33] }
    act: { island: beijing, failover: [beijing] }
  - name: one
    enabled: yes
    act: {}
  - act: { refuse: no }
";
    let wanted = [
        "line 1, column 1: found the key `servise`, wanted one of application, service, switches, rules, expect",
        "line 4, column 15: found `2000`, wanted a number from -1000 to 1000",
        "line 5, column 24: found `a b`, wanted a pattern of methods: `a b` holds ' ', wanted letters, digits, `.`, `-`, `_`, `$` and `*`",
        "line 5, column 41: found `10.0.0.0/33`, wanted an address or a network such as 10.1.0.0/16",
        "line 6, column 10: found 2 ways to act, wanted exactly one of island, split, failover, local-first, nearest, refuse",
        "line 7, column 11: found the name `one` a second time, wanted one of its own",
        "line 8, column 14: found `yes`, wanted true or false",
        "line 9, column 10: found 0 ways to act, wanted exactly one of island, split, failover, local-first, nearest, refuse",
        "line 10, column 5: found no `name`, wanted a name that is shown where it decides",
    ];
    assert_eq!(mistakes(text), wanted);
}

#[test]
fn mistakes_beyond_reason_are_not_all_told() {
    let text = format!("rules:\n{}", "- { name: r }\n".repeat(1000));
    assert_eq!(mistakes(&text).len(), 50);
}

#[test]
fn an_island_that_cannot_be_is_refused_with_what_was_found() {
    assert_eq!(
        act("{ island: \"bei\\njing\" }"),
        ["line 3, column 18: found `bei?jing`, wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`"]
    );
    assert_eq!(
        act("{ failover: [beijing, \"\\e[31m\"] }"),
        ["line 3, column 30: found `?[31m`, wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`"]
    );
    assert_eq!(
        act("{ failover: [beijing, beijing] }"),
        ["line 3, column 30: found `beijing` a second time, wanted each target once"]
    );
    assert_eq!(
        act("{ failover: [] }"),
        ["line 3, column 20: found an empty list, wanted a list of targets with at least one"]
    );
    assert_eq!(
        act("{ island: [beijing] }"),
        ["line 3, column 18: found a list, wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`"]
    );
}

#[test]
fn weights_of_zero_or_beyond_the_sum_are_refused() {
    assert_eq!(
        act("{ split: { to: { shanghai: 100, beijing: 0 } } }"),
        ["line 3, column 49: found `0`, wanted a weight of 1 to 10000; leave a target out that is to get nothing"]
    );
    assert_eq!(
        act("{ split: { to: { shanghai: 9000, beijing: 2000 } } }"),
        ["line 3, column 23: found weights that make 11000 together, wanted at most 10000"]
    );
    for weight in ["-1", "1.5", "10001", "99999999999", "ten"] {
        let found = act(&format!("{{ split: {{ to: {{ shanghai: {weight} }} }} }}"));
        assert!(found[0].contains(&format!("found `{weight}`, wanted a weight of 1 to 10000")), "{found:?}");
    }
    assert_eq!(act("{ split: { to: {} } }"), ["line 3, column 23: found no target, wanted at least one"]);
    assert!(act("{ split: { to: { mars!: 1 } } }")[0].contains("found `mars!`, wanted an island's id"));
    assert!(
        act("{ split: { to: { mars: 1 }, sticky: user } }")[0]
            .contains("wanted source, application or { attachment: KEY }")
    );
}

#[test]
fn dates_the_wrong_way_round_are_refused() {
    let text = "rules:\n- name: r\n  from: 2026-11-22T00:00:00Z\n  until: 2026-11-22T08:00:00+08:00\n  act: { island: beijing }\n";
    assert_eq!(
        mistakes(text),
        ["line 4, column 10: found an end that is not after the beginning, wanted `from` before `until`"]
    );
    let text = text.replace("2026-11-22T00:00:00Z", "tomorrow");
    assert_eq!(
        mistakes(&text),
        [
            "line 3, column 9: found `tomorrow`, wanted a moment such as 2026-11-21T08:00:00Z or 2026-11-21T16:00:00+08:00"
        ]
    );
}

#[test]
fn a_switch_never_stops_more_than_was_meant() {
    let switch = |more: &str| mistakes(&format!("switches:\n- name: s\n  say: no\n  {more}\n"));
    assert_eq!(switch("island:"), ["line 4, column 3: found nothing behind `island`, wanted a value or not the key"]);
    assert_eq!(
        switch("methods: []"),
        ["line 4, column 12: found an empty list, wanted a list of patterns of methods with at least one"]
    );
    assert!(switch("island: 'bei jing'")[0].contains("wanted a pattern of islands"));
    assert_eq!(
        mistakes("switches: [{name: s}]"),
        ["line 1, column 12: found no `say`, wanted what the caller is to read"]
    );
}

#[test]
fn a_text_beyond_its_length_is_refused_unread() {
    let text = format!("# {}\n", "x".repeat(5 << 20));
    let began = Instant::now();
    assert_eq!(
        mistakes(&text),
        [format!(
            "line 1, column 1: found a text of {} bytes, wanted at most {DOCUMENT_MAX_LEN}; divide it",
            text.len()
        )]
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_grows_when_it_is_read_is_not_read() {
    let began = Instant::now();
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (next, last) in ('b'..='i').zip('a'..) {
        bomb += &format!("{next}: &{next} [{}]\n", vec![format!("*{last}"); 9].join(", "));
    }
    assert_eq!(
        mistakes(&bomb),
        ["line 1, column 7: found an anchor or an alias, wanted what it stands for: they are not read here"]
    );
    assert!(mistakes("rules: *a\n")[0].starts_with("line 1, column 8: "));
    assert!(mistakes("rules: &a [*a]\n")[0].contains("found an anchor or an alias"));
    for deep in [
        format!("rules: {}", "[".repeat(100_000)),
        format!("rules: {}", "{a: ".repeat(50_000)),
        "- ".repeat(100_000),
        (0..500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
    ] {
        let found = mistakes(&deep);
        assert!(found.len() == 1 && found[0].starts_with("line "), "{found:?}");
    }
    let long = format!("rules:\n- name: {}\n  act: {{ island: beijing }}\n", "x".repeat(200_000));
    assert_eq!(mistakes(&long), ["line 2, column 9: found a text of 200000 characters, wanted a name of 1 to 128"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn of_yaml_only_what_rules_need_is_read() {
    for (text, wanted) in [
        ("", "line 1, column 1: found nothing, wanted a mapping with application, service"),
        ("just text", "found `just text`, wanted a mapping with application"),
        ("- a", "found a list, wanted a mapping"),
        ("rules: []\nrules: []", "line 2, column 1: found `rules` a second time, wanted each key once"),
        ("rules: !!set []", "found a tag, wanted the value alone"),
        ("rules: []\n---\nrules: []", "found a second document after `---`, wanted one"),
        ("[a]: b", "found a key that is no text, wanted a name"),
        ("rules: [", "this is no YAML that is read here"),
        ("rules: [}", "this is no YAML that is read here"),
        ("%YAML 1.1\n---\nrules: []", "this is no YAML that is read here"),
        ("rules: {}", "found a mapping, wanted a list of rules"),
        ("rules:", "found nothing behind `rules`, wanted a value or not the key"),
        ("application: \"a\\u0000b\"", "wanted a pattern of applications"),
    ] {
        let found = parse("shop", text).expect_err(text).to_string();
        assert!(found.contains(wanted), "{text:?}: {found}");
    }
}

#[test]
fn a_document_has_a_name_that_is_safe_in_a_path() {
    for name in ["", "a/b", "..", ".", "a b", "ä", &"x".repeat(129), "a\nb"] {
        let broken = parse(name, "rules: []").unwrap_err().to_string();
        assert!(broken.contains("wanted 1 to 128 of letters, digits"), "{broken}");
    }
    assert!(parse("com.acme.Greeter:1.0.0~x-y_z", "rules: []").is_ok());
}

#[test]
fn lists_have_bounds() {
    let many = |what: &str| vec![what; 65].join(", ");
    assert!(
        mistakes(&format!("rules: [{{name: r, match: {{methods: [{}]}}, act: {{island: a}}}}]", many("a")))[0]
            .contains("found 65 items, wanted at most 64")
    );
    let keys = (0..65).map(|key| format!("k{key}: v")).collect::<Vec<_>>().join(", ");
    assert!(
        mistakes(&format!("rules: [{{name: r, match: {{attachments: {{{keys}}}}}, act: {{island: a}}}}]"))[0]
            .contains("found 65 keys, wanted at most 64")
    );
    let say = "x".repeat(1001);
    assert!(
        act(&format!("{{ refuse: {say} }}"))[0]
            .contains("found a text of 1001 characters, wanted what the caller is to read of 1 to 1000")
    );
    assert!(act("{ refuse: \"a\\nb\" }")[0].contains("found the control character '\\n'"));
}
