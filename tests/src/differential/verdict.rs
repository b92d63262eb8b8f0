//! One frame, two readers: do they mean the same call?
//!
//! Compared are the service key that the provider looks up, the method (of a generic call its first argument too), the types
//! and every attachment, so a reader that took the map from another place is found out. It never decides what is right: Java is.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use wire::dubbo::ReadError;
use wire::dubbo::attachments::AttachmentValue;
use wire::dubbo::call::{Call, PeekError, Peeked, peek};
use wire::dubbo::frame::{HEADER_LEN, Header};

use lab::install::Release;

/// What came of one input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Both took it and mean the same.
    Equal,
    /// Both refuse it.
    BothRefuse,
    /// Neither reads it: an event, a reply, a serialization that we pass on unread.
    NotCompared,
    /// Java alone refuses: nothing runs. With Java's exception.
    JavaRefuses(String),
    /// We alone refuse, for a reason that is meant. With that reason.
    WeRefuse(&'static str),
    /// 2.x could not read an argument, went on from where it stood and took something else for the attachments.
    GoesOn,
    /// We alone refuse, for a reason that nobody has thought about.
    WeRefuseUnlisted(String),
    /// Both took it and mean different calls.
    Differs(String),
    /// Rewritten, it is to Java what it was, with what was asked for.
    RewrittenEqual,
    /// Rewritten, it is something else to Java.
    RewrittenDiffers(String),
}

/// 2.x warns of an argument that it cannot read and goes on.
const UNREAD: &str = "an argument that Java cannot read either";

/// Why we refuse what a provider would take. Each is a choice, with its reason.
pub const OURS_ALONE: [(&str, &str); 18] = [
    ("map of another type", "a provider makes what the type says, and not every map holds what is put into it"),
    (
        "generic types",
        "before 2.7 any `$invoke` of three arguments is a generic call, later none but the one with its types",
    ),
    ("an inner path", "a provider that goes on after an argument takes it for the service; others pay for that"),
    (UNREAD, "what follows it is anybody's guess"),
    ("map by reference", "providers follow it into the arguments, which pass unread"),
    ("key not text", "no writer makes one, and what a number is as a key differs between releases"),
    ("duplicate decision key", "providers take the last, other readers the first"),
    ("a key that passes for another", "3.1 takes it for one that decides, once it has read that one"),
    ("decision value not text", "releases differ in what they make of it"),
    ("too many highway keys", "a bound"),
    (
        "types not understood",
        "Java steps over what is no descriptor, and leaves a stream unread that it then takes attachments from",
    ),
    ("generic method not text", "Java makes text of numbers, differently in the two serializations"),
    ("no service or no method", "a call of nothing"),
    ("text not well-formed", "Java reads overlong forms and halves of pairs as it likes; no writer makes them"),
    ("not text where text belongs", "Java makes text of numbers and booleans; no writer relies on it"),
    ("no map where the map belongs", "Java turns an object or a list into a map or an exception, by release"),
    ("no count or length", "Java takes a number with a point for a count; no writer makes one"),
    ("bytes left over in a field", "Java ignores them; what is read here must be all that there is"),
];

impl Verdict {
    /// Whether this must not happen.
    #[must_use]
    pub const fn is_hole(&self) -> bool {
        matches!(self, Verdict::Differs(_) | Verdict::WeRefuseUnlisted(_) | Verdict::RewrittenDiffers(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Equal => f.write_str("both read the same call"),
            Verdict::BothRefuse => f.write_str("both refuse"),
            Verdict::NotCompared => f.write_str("not compared (no request, or passed on unread)"),
            Verdict::JavaRefuses(class) => write!(f, "only Java refuses: {class}"),
            Verdict::WeRefuse(reason) => write!(f, "only we refuse: {reason}"),
            Verdict::GoesOn => f.write_str(
                "2.x goes on after an argument it cannot read, and reads other attachments of the same service",
            ),
            Verdict::WeRefuseUnlisted(error) => write!(f, "only we refuse, for no listed reason: {error}"),
            Verdict::RewrittenEqual => f.write_str("rewritten as asked for, and otherwise the same"),
            Verdict::RewrittenDiffers(what) => write!(f, "REWRITTEN INTO SOMETHING ELSE: {what}"),
            Verdict::Differs(what) => write!(f, "DIFFERENT CALLS: {what}"),
        }
    }
}

/// What Java and we make of `frame`; `answer` is Java's.
#[must_use]
pub fn of(release: Release, frame: &[u8], answer: &Value) -> Verdict {
    let Ok(Some(header)) = Header::decode(frame) else { return Verdict::NotCompared };
    if !header.is_request() || header.is_event() || header.frame_len() != frame.len() {
        return Verdict::NotCompared;
    }
    let refused = answer["refused"].as_str();
    let goes_on = goes_on(release, answer);
    match (peek(&header, &frame[HEADER_LEN..]), refused) {
        (Ok(Peeked::Opaque(_)), _) => Verdict::NotCompared,
        (Err(_), Some(_)) => Verdict::BothRefuse,
        (Ok(_), Some(refused)) => Verdict::JavaRefuses(refused.split(':').next().unwrap_or_default().to_owned()),
        (Err(error), None) => match listed(&error) {
            Some(reason) => Verdict::WeRefuse(reason),
            None if goes_on => Verdict::WeRefuse(UNREAD),
            None => Verdict::WeRefuseUnlisted(error.to_string()),
        },
        (Ok(Peeked::Call(call)), None) => match difference(release, &call, answer) {
            None => Verdict::Equal,
            Some(_) if goes_on && !is_another_service(&call, answer) => Verdict::GoesOn,
            Some(what) => Verdict::Differs(what),
        },
    }
}

/// Not even a provider that goes on may be led to another service. What it took for the attachments may lack a path; then field 2
/// counts, and that the ingress writes anew.
fn is_another_service(call: &Call<'_>, answer: &Value) -> bool {
    let path = answer["attachments"]["path"].as_str().unwrap_or_default();
    let is_own = path == &*call.service || path == &*call.leading.service;
    !is_own && names_an_interface(path)
}

/// Whether an interface may be called so, as Java spells it and as everybody does: a package in small letters, a class that begins with
/// a capital. What is no name of Java's leads to nothing.
fn names_an_interface(path: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
    let Some((package, class)) = path.rsplit_once('.') else { return false };
    path.split('.').all(is_name)
        && package.starts_with(|c: char| c.is_ascii_lowercase())
        && class.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Whether the provider left an argument half read: known of 2.6 and 2.7 and told in ARCHITECTURE.md, section "The effective call".
pub(super) fn goes_on(release: Release, answer: &Value) -> bool {
    release < Release::V3_1_11 && answer["unread"].as_array().is_some_and(|unread| !unread.is_empty())
}

fn listed(error: &PeekError) -> Option<&'static str> {
    let key = match error {
        PeekError::MapByReference { .. } => "map by reference",
        PeekError::MapType { .. } => "map of another type",
        PeekError::KeyNotText { .. } => "key not text",
        PeekError::Duplicate { .. } => "duplicate decision key",
        PeekError::PassesFor { .. } => "a key that passes for another",
        PeekError::ValueNotText { .. } => "decision value not text",
        PeekError::TooManyHighway => "too many highway keys",
        PeekError::Types { .. } => "types not understood",
        PeekError::GenericTypes => "generic types",
        PeekError::GenericMethod { .. } => "generic method not text",
        PeekError::Missing { .. } => "no service or no method",
        PeekError::InnerPath { .. } => "an inner path",
        PeekError::Malformed(ReadError::Text { .. }) => "text not well-formed",
        PeekError::Malformed(ReadError::Unexpected { wanted, .. }) => match *wanted {
            "text" => "not text where text belongs",
            "a map" => "no map where the map belongs",
            "an int" => "no count or length",
            "the end of the field" | "the end of the attachments' field" => "bytes left over in a field",
            _ => return None,
        },
        PeekError::Malformed(_) => return None,
    };
    OURS_ALONE.iter().map(|(listed, _)| *listed).find(|listed| *listed == key)
}

fn difference(release: Release, call: &Call<'_>, answer: &Value) -> Option<String> {
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let key = service_key(call);
    if key != text("key") {
        return Some("service key".to_owned());
    }
    let named = answer.get("named").and_then(Value::as_str);
    let method = call.generic.map(|_| &*call.method);
    if *call.leading.method != text("method") || named != method {
        return Some("method".to_owned());
    }
    if *call.leading.types != text("types") {
        return Some("types".to_owned());
    }
    attachments(release, call, answer)
}

/// As `ProtocolUtils.serviceKey` writes it, with the port of the Java side.
fn service_key(call: &Call<'_>) -> String {
    let group = call.group.as_deref().map(|group| format!("{group}/")).unwrap_or_default();
    let version = call.version.as_deref().map(|version| format!(":{version}")).unwrap_or_default();
    format!("{group}{}{version}:20880", call.service)
}

/// The provider begins with three of the leading fields and lays the map over them.
fn attachments(release: Release, call: &Call<'_>, answer: &Value) -> Option<String> {
    // The fastjson2 of 3.1 makes U+FFFD of Latin-1 beyond ASCII; no name that decides has it, and the key that is looked up
    // was compared.
    let is_sure = |text: &str| release != Release::V3_1_11 || text.is_ascii();
    let Some(found) = answer["attachments"].as_object() else { return Some("no attachments at all".to_owned()) };
    let leading = &call.leading;
    let mut ours: BTreeMap<String, AttachmentValue<'_>> = BTreeMap::new();
    for (key, field) in [("dubbo", &leading.dubbo_version), ("path", &leading.service), ("version", &leading.version)] {
        ours.insert(key.to_owned(), AttachmentValue::Text(field.clone()));
    }
    for entry in call.attachments.iter() {
        let key = entry.key.into_owned();
        // fastjson2 puts a reference in after all others, so of equal keys the last need not win; keys that decide come once.
        let before = ours.get(&key) == Some(&AttachmentValue::Nested);
        ours.insert(key, if before { AttachmentValue::Nested } else { entry.value });
    }
    // 2.7 notes the length of what it has read under this key.
    ours.remove("input");
    let is_ours = |key: &str| ours.contains_key(key) || ours.keys().any(|own| passes_for(release, own, key));
    if let Some(key) = found.keys().find(|key| *key != "input" && is_sure(key) && !is_ours(key)) {
        return Some(format!("attachment that only Java has: {}", known_key(key)));
    }
    for (key, value) in ours.iter().filter(|(key, _)| is_sure(key)) {
        if !found.contains_key(key) && found.keys().any(|java| passes_for(release, key, java)) {
            continue;
        }
        let Some(java) = found.get(key) else {
            return Some(format!("attachment that only we have: {}", known_key(key)));
        };
        let equal = match value {
            // A leading field may be a null.
            AttachmentValue::Text(text) => {
                !is_sure(text) || java.as_str().unwrap_or_default() == text && (java.is_string() || text.is_empty())
            }
            AttachmentValue::Null => java.is_null(),
            AttachmentValue::Integer(_) | AttachmentValue::Plain | AttachmentValue::Nested => true,
        };
        if !equal {
            return Some(format!("value of attachment {}", known_key(key)));
        }
    }
    None
}

/// Whether 3.1 may take one key for another that it has read before: its fastjson2 knows names by a number, in which of seven letters the
/// second does not count, and of nine the fourth and the eighth are added up. Of keys that decide such a twin is refused.
fn passes_for(release: Release, one: &str, other: &str) -> bool {
    let letters = || one.chars().map(u32::from).zip(other.chars().map(u32::from)).enumerate();
    let same_but = |places: &[usize]| letters().all(|(at, (a, b))| places.contains(&at) || a == b);
    release == Release::V3_1_11
        && match (one.chars().count(), other.chars().count()) {
            (7, 7) => same_but(&[1]),
            (9, 9) => same_but(&[3, 7]),
            _ => false,
        }
}

/// Keys of the fuzzers' own making are one class.
fn known_key(key: &str) -> &str {
    const KNOWN: [&str; 9] =
        ["path", "interface", "version", "group", "generic", "token", "timeout", "dubbo.tag", "highway.target"];
    KNOWN.into_iter().find(|known| *known == key).unwrap_or("(another)")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of fields in an argument that 2.7 could not read had `path` = `$*Q.L\u{fffd}`, and was taken for the attachments.
    #[test]
    fn what_java_cannot_be_named_is_no_other_service() {
        assert!(names_an_interface("com.acme.Forbidden"));
        for other in ["$*Q.L\u{fffd}", "Greeter", "com.acme.", ".Greeter", "com.acme.greeter", "John.Doe"] {
            assert!(!names_an_interface(other), "{other}");
        }
    }
}
