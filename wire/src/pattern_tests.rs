//! What patterns mean, and which of two means more.

use super::*;

fn name(pattern: &str) -> NamePattern {
    pattern.parse().unwrap()
}

#[test]
fn a_star_stands_for_any_run_of_characters() {
    for (pattern, yes, no) in [
        ("com.acme.*", vec!["com.acme.Greeter", "com.acme."], vec!["com.acme", "org.acme.Greeter"]),
        ("*Service", vec!["AService", "Service", "ServiceService"], vec!["ServiceImpl", "Servic"]),
        ("a*b*c", vec!["abc", "aXbYc", "abbbcc"], vec!["ab", "acb", "abcd"]),
        ("*", vec!["", "anything"], vec![]),
        ("exact", vec!["exact"], vec!["exac", "exactly", ""]),
    ] {
        for name_meant in yes {
            assert!(name(pattern).matches(name_meant), "{pattern} should match {name_meant:?}");
        }
        for name_not_meant in no {
            assert!(!name(pattern).matches(name_not_meant), "{pattern} should not match {name_not_meant:?}");
        }
    }
}

#[test]
fn only_stars_stand_for_everything() {
    for (pattern, all) in [("*", true), ("**", true), ("*/*:*", true), ("*/*", true), ("a*", false), ("*:1.*", false)] {
        assert_eq!(pattern.parse::<ServicePattern>().unwrap().is_all(), all, "{pattern}");
    }
}

/// All patterns of up to four signs, each held to what both mean of all names of up to five.
#[test]
fn a_pattern_covers_another_where_it_means_all_that_the_other_means() {
    let all = |signs: &str, most: usize| {
        let longer = |known: &Vec<String>| {
            known.iter().flat_map(|text| signs.chars().map(move |sign| format!("{text}{sign}"))).collect()
        };
        std::iter::successors(Some(vec![String::new()]), |known| Some(longer(known)))
            .take(most + 1)
            .flatten()
            .collect::<Vec<_>>()
    };
    let patterns: Vec<NamePattern> = all("ab*", 4).iter().filter_map(|text| text.parse().ok()).collect();
    let names = all("abc", 5);
    let meant: Vec<Vec<bool>> =
        patterns.iter().map(|pattern| names.iter().map(|name| pattern.matches(name)).collect()).collect();
    let mut found = 0;
    for (wide, by_wide) in patterns.iter().zip(&meant) {
        for (narrow, by_narrow) in patterns.iter().zip(&meant) {
            let means_all = by_narrow.iter().zip(by_wide).all(|(narrow, wide)| *wide || !narrow);
            assert_eq!(wide.covers(narrow), means_all, "{wide} and {narrow}");
            found += usize::from(means_all);
        }
    }
    assert!(found > 1000, "{found}");
}

#[test]
fn a_service_pattern_covers_another_part_by_part() {
    let covers = |wide: &str, narrow: &str| {
        wide.parse::<ServicePattern>().unwrap().covers(&narrow.parse::<ServicePattern>().unwrap())
    };
    for narrow in ["com.acme.Greeter", "g1/com.acme.*", "com.acme.G*:1.0", "*/com.acme.A:*"] {
        assert!(covers("com.acme.*", narrow) && covers("*/com.acme.*:*", narrow), "{narrow}");
    }
    for (wide, narrow) in [
        ("com.acme.*", "com.*"),
        ("g1/com.acme.*", "com.acme.A"),
        ("g1/com.acme.*", "g*/com.acme.A"),
        ("com.acme.*:1.*", "com.acme.A:*"),
        ("com.acme.*:1.*", "g1/com.acme.A"),
    ] {
        assert!(!covers(wide, narrow), "{wide} and {narrow}");
    }
}

#[test]
fn many_stars_against_a_long_name_end_quickly() {
    let pattern = name(&format!("{}b", "a*".repeat(200)));
    assert!(!pattern.matches(&"a".repeat(20_000)));
}

#[test]
fn a_service_pattern_without_group_and_version_means_all_of_them() {
    let pattern: ServicePattern = "com.acme.*".parse().unwrap();
    assert!(pattern.matches("", "com.acme.Greeter", ""));
    assert!(pattern.matches("g1", "com.acme.Greeter", "1.0.0"));
}

#[test]
fn a_service_pattern_with_group_and_version_means_only_those() {
    let pattern: ServicePattern = "g1/com.acme.*:1.*".parse().unwrap();
    assert!(pattern.matches("g1", "com.acme.Greeter", "1.0.0"));
    for (group, version) in [("", "1.0.0"), ("g2", "1.0.0"), ("g1", "2.0.0"), ("g1", "")] {
        assert!(!pattern.matches(group, "com.acme.Greeter", version), "{group}/{version}");
    }
}

#[test]
fn a_text_pattern_takes_signs_that_no_name_has() {
    let pattern: TextPattern = "http://*/a b:*".parse().unwrap();
    assert!(pattern.matches("http://x/a b:1") && !pattern.matches("http://x/ab:1"));
    assert_eq!("a\nb".parse::<TextPattern>(), Err(BadPattern::Control { found: '\n' }));
    assert_eq!("".parse::<TextPattern>(), Err(BadPattern::Empty));
    assert_eq!("x".repeat(513).parse::<TextPattern>(), Err(BadPattern::TooLong { len: 513 }));
}

#[test]
fn a_pattern_is_shown_as_it_was_typed() {
    for text in ["com.acme.*", "g1/com.acme.Greeter:1.*", "*/x", "x:1.0.0"] {
        assert_eq!(text.parse::<ServicePattern>().unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_its_reason() {
    assert_eq!("".parse::<ServicePattern>(), Err(BadPattern::Empty));
    assert_eq!("g1/".parse::<ServicePattern>(), Err(BadPattern::Empty));
    assert_eq!("x:".parse::<ServicePattern>(), Err(BadPattern::Empty));
    let error = "com.acme Greeter".parse::<ServicePattern>().unwrap_err();
    assert_eq!(error.to_string(), "`com.acme Greeter` holds ' ', wanted letters, digits, `.`, `-`, `_`, `$` and `*`");
    let hostile = "com\r\n\u{1b}[31m".parse::<NamePattern>().unwrap_err().to_string();
    assert!(hostile.starts_with("`com???[31m` holds '\\r'"), "{hostile}");
    assert_eq!("a".repeat(513).parse::<NamePattern>(), Err(BadPattern::TooLong { len: 513 }));
    assert!("a/b/c".parse::<ServicePattern>().is_err());
}
