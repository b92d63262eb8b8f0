//! Names of Java's as Rust writes them.
//!
//! Whatever comes, a name of Rust's goes out, without a warning of its compiler, and never the same one twice in one place.
//!
//! Of letters those stay of which the compiler has nothing to say: ASCII's, Latin-1's, Russian, Chinese, Japanese and Korean. Of others it
//! warns, or takes them for no letters at all; `_` stands in their place, and serde's `rename` beside the name says what it was.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Words that are no names in Rust.
const WORDS: [&str; 52] = [
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
    "for", "gen", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
    "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while", "abstract", "become",
    "box", "do", "final", "macro", "override", "priv", "try", "typeof", "unsized", "virtual", "yield", "Self",
];
/// Types that the text names, and those that `#[highway_sdk::service]` knows by their words.
const TYPES: [&str; 19] = [
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "Box",
    "CallError",
    "Cow",
    "Deserialize",
    "HashMap",
    "HashSet",
    "LinkedList",
    "Option",
    "Rc",
    "Result",
    "Self",
    "Serialize",
    "String",
    "Value",
    "Vec",
    "VecDeque",
];

/// Letters beside ASCII's that are letters of Rust's names, mean themselves in every normal form and look like no other. What is
/// no letter between them is left out.
const LETTERS: [RangeInclusive<char>; 6] = [
    '\u{c0}'..='\u{ff}',
    '\u{410}'..='\u{44f}',
    '\u{3041}'..='\u{3096}',
    '\u{30a1}'..='\u{30fa}',
    '\u{4e00}'..='\u{9fa5}',
    '\u{ac00}'..='\u{d7a3}',
];

/// `sayHello` is `say_hello`, and a word of Rust's has `_` behind it.
pub fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let is_begin = c.is_uppercase()
            && at > 0
            && (!chars[at - 1].is_uppercase() || chars.get(at + 1).is_some_and(|next| next.is_lowercase()));
        if (is_begin || *c == '_' || !is_plain(*c)) && !snake.ends_with('_') {
            snake.push('_');
        }
        if is_plain(*c) && *c != '_' {
            snake.extend(c.to_lowercase());
        }
    }
    sound(snake, "x")
}

/// What the attribute, and serde's `camelCase`, make of a name again. Of other letters than ASCII's they make different things.
pub fn is_camel_case_of(snake: &str, java: &str) -> bool {
    let mut camel = String::new();
    for (at, part) in snake.split('_').enumerate() {
        camel.push_str(&if at == 0 { part.to_owned() } else { hump(part) });
    }
    snake.is_ascii() && camel == java
}

/// `SENT_BACK` is `SentBack`.
pub fn variant(name: &str) -> String {
    let is_shouted = !name.chars().any(char::is_lowercase);
    sound(humps(&if is_shouted { name.to_lowercase() } else { name.to_owned() }), "X")
}

/// A class by its last name: `order_Item` is `OrderItem`, `URL` stays.
fn class(name: &str) -> String {
    sound(humps(name), "X")
}

fn humps(name: &str) -> String {
    name.split(|c: char| c == '_' || !is_plain(c)).map(hump).collect()
}

fn hump(part: &str) -> String {
    let mut chars = part.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (c.is_alphabetic() && LETTERS.iter().any(|letters| letters.contains(&c)))
}

fn sound(mut name: String, or: &str) -> String {
    if name.chars().all(|c| c == '_') {
        or.clone_into(&mut name);
    }
    if WORDS.contains(&&*name) {
        name.push('_');
    }
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}

/// The names of one place, each given once.
#[derive(Debug, Default)]
pub struct Taken {
    names: BTreeSet<String>,
    /// The number that is tried next behind a name.
    next: BTreeMap<String, u32>,
}

impl Taken {
    /// Nobody is given this one.
    pub fn take(&mut self, name: String) {
        self.names.insert(name);
    }

    /// The first name that nobody in this place has yet: as it is, or with a number behind `between`.
    pub fn give(&mut self, name: String, between: &str) -> String {
        if self.names.insert(name.clone()) {
            return name;
        }
        // A word of Rust's has `_` behind it, which is not wanted in front of a number.
        let base = name.trim_end_matches('_');
        // From where it ended the last time: the numbers before are taken.
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let free = format!("{base}{between}{next}");
            *next += 1;
            if self.names.insert(free.clone()) {
                return free;
            }
        }
    }
}

/// The name of a class, or of the trait, that nobody has yet: its last part, with what stands before it where that is taken, with a number.
pub fn unique_class(full: &str, taken: &mut Taken) -> String {
    let mut parts = full.rsplit(['.', '$']).filter(|part| !part.is_empty());
    let mut name = class(parts.next().unwrap_or_default());
    for part in parts {
        if !taken.names.contains(&name) && !TYPES.contains(&&*name) {
            break;
        }
        name = format!("{}{name}", class(part));
    }
    while TYPES.contains(&&*name) {
        name.push('_');
    }
    taken.give(name, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_rusts() {
        let snake = ["sayHello", "byURL", "URLOf", "type", "a", "old_name", "x2Y", "$echo", "a__b", "get_Name", "a$b"];
        let wanted =
            ["say_hello", "by_url", "url_of", "type_", "a", "old_name", "x2_y", "_echo", "a_b", "get_name", "a_b"];
        assert_eq!(snake.map(snake_case), wanted);
        let variants = ["OPEN", "SENT_BACK", "Mixed", "SELF", "camelCase", "2XL", "_"].map(variant);
        assert_eq!(variants, ["Open", "SentBack", "Mixed", "Self_", "CamelCase", "_2xl", "X"]);
        assert_eq!(["Order", "order_item", "URL", "$Gen$1"].map(class), ["Order", "OrderItem", "URL", "Gen1"]);
    }

    #[test]
    fn no_name_is_anything_but_a_name() {
        for evil in
            ["", "_", "$", "a: i32 } fn b() {", "a\n//", "\"", "-", "²", "名 前", "1", "ⓐ", "aⓐb", "𝐀", "ª", "Ａ", "×"]
        {
            for name in [snake_case(evil), variant(evil), class(evil)] {
                let is_name = name != "_"
                    && !name.starts_with(|c: char| c.is_ascii_digit())
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '名' | '前'));
                assert!(is_name, "{evil:?} is {name:?}");
            }
        }
    }

    #[test]
    fn a_name_that_serde_makes_again_needs_no_word() {
        for (snake, java) in [("order_id", "orderId"), ("type_", "type"), ("a", "a"), ("x_2", "x2")] {
            assert!(is_camel_case_of(snake, java), "{snake}");
        }
        for (snake, java) in
            [("url", "URL"), ("_id", "_id"), ("stra_ße", "straSSe"), ("größe", "größe"), ("a_b", "a__b")]
        {
            assert!(!is_camel_case_of(snake, java), "{snake}");
        }
    }

    #[test]
    fn a_name_is_given_once() {
        let mut taken = Taken::default();
        taken.take("Order".to_owned());
        let mut class = |full| unique_class(full, &mut taken);
        assert_eq!(class("com.acme.Item"), "Item");
        assert_eq!(class("com.acme.eu.Order"), "EuOrder");
        assert_eq!(class("com.acme.eu.Order$Item"), "OrderItem");
        assert_eq!(class("com.acme.String"), "AcmeString");
        assert_eq!(class("Order"), "Order2");
        assert_eq!(class("Value"), "Value_");
        let mut taken = Taken::default();
        let mut field = |name: &str| taken.give(name.to_owned(), "_");
        assert_eq!([field("a"), field("a"), field("a_2"), field("a")], ["a", "a_2", "a_2_2", "a_3"]);
        assert_eq!([field("type_"), field("type_")], ["type_", "type_2"]);
    }
}
