//! The names of Java's types: as its source has them, as hessian2 has those of arrays, and as the JVM's descriptors.
//!
//! It never asks whether there is such a class.

use std::borrow::Cow;

/// The descriptor of a type as Java's source names it: `int`, `java.lang.String`, `java.util.List`, `byte[]`, `com.acme.Order[]`.
pub(crate) fn named(name: &str) -> String {
    let (element, dimensions) = match name.find("[]") {
        Some(at) => (&name[..at], (name.len() - at) / 2),
        None => (name, 0),
    };
    let mut descriptor = "[".repeat(dimensions);
    match primitive(element) {
        Some(letter) => descriptor.push(letter),
        None => {
            descriptor.push('L');
            descriptor.push_str(&element.replace('.', "/"));
            descriptor.push(';');
        }
    }
    descriptor
}

fn primitive(name: &str) -> Option<char> {
    Some(match name {
        "boolean" => 'Z',
        "byte" => 'B',
        "char" => 'C',
        "short" => 'S',
        "int" => 'I',
        "long" => 'J',
        "float" => 'F',
        "double" => 'D',
        _ => return None,
    })
}

/// The descriptor of a class, or of an array as hessian2 names it: `[int`, `[com.acme.Order`.
pub(crate) fn class(name: &str) -> String {
    let element = name.trim_start_matches('[');
    let dimensions = name.len() - element.len();
    if dimensions == 0 {
        return named(&stands_for(name));
    }
    let element = match element {
        "string" => "java.lang.String",
        "object" => "java.lang.Object",
        "date" => "java.util.Date",
        other => other,
    };
    named(&format!("{element}{}", "[]".repeat(dimensions)))
}

/// What a class that only stands on the wire is in Java. Source: `io/java8` of apache/dubbo-hessian-lite.
fn stands_for(name: &str) -> Cow<'_, str> {
    match name.strip_prefix("com.alibaba.com.caucho.hessian.io.java8.").and_then(|name| name.strip_suffix("Handle")) {
        Some(name) => format!("java.time.{name}").into(),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_in_javas_source() {
        let named = ["int", "byte[]", "java.util.List", "com.acme.Order[][]"].map(named);
        assert_eq!(named, ["I", "[B", "Ljava/util/List;", "[[Lcom/acme/Order;"]);
    }

    #[test]
    fn arrays_are_named_as_hessian2_does_it() {
        let classes = ["[int", "[[string", "[com.acme.Order", "com.acme.Order"].map(class);
        assert_eq!(classes, ["[I", "[[Ljava/lang/String;", "[Lcom/acme/Order;", "Lcom/acme/Order;"]);
    }
}
