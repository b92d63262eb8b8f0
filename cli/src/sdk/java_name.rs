//! The name of a Java type, taken apart: class, arguments, dimensions of an array.
//!
//! ```text
//!   java.util.Map<java.lang.String,com.acme.Order.Item[]>
//!   └ class ────┘ └ argument ────┘ └ class com.acme.Order$Item, 1 dimension
//! ```
//!
//! A name that cannot be understood is `java.lang.Object`. It never asks whether there is such a class. That `Order.Item` is a class inside of
//! `Order`, which serde's `rename` has to say as `Order$Item`, it knows by the large letters: Dubbo writes a `.` in place of each `$` before it
//! publishes a definition (`TypeDefinition.formatType`), in 2.7 as in 3.x, and nothing else in it tells the two apart. A package in large letters
//! or a class in small ones is taken for the other, and its `rename` is to be written by hand.

/// Arguments inside of arguments at most.
const DEPTH_MAX: usize = 32;
/// What asynchronous methods answer with.
const FUTURES: [&str; 3] =
    ["java.util.concurrent.CompletableFuture", "java.util.concurrent.CompletionStage", "java.util.concurrent.Future"];
/// What may be anything.
pub const OBJECT: &str = "java.lang.Object";

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JavaName {
    /// The class as the JVM names it, or a primitive type.
    pub class: String,
    pub arguments: Vec<JavaName>,
    pub dimensions: usize,
}

impl JavaName {
    /// Takes a name apart.
    pub fn parse(text: &str) -> Self {
        let mut rest = text;
        match parse(&mut rest, DEPTH_MAX) {
            Some(found) if rest.is_empty() => found,
            _ => Self::object(),
        }
    }

    /// What an asynchronous method answers at last: what is in its `CompletableFuture`.
    pub fn awaited(self) -> Self {
        match self.arguments.as_slice() {
            [inner] if self.dimensions == 0 && FUTURES.contains(&&*self.class) => inner.clone(),
            _ => self,
        }
    }

    fn object() -> Self {
        Self { class: OBJECT.to_owned(), arguments: Vec::new(), dimensions: 0 }
    }

    /// As a descriptor knows it: `java.util.Map`, `com.acme.Order$Item[]`.
    pub fn erased(&self) -> String {
        format!("{}{}", self.class, "[]".repeat(self.dimensions))
    }
}

fn parse(rest: &mut &str, depth: usize) -> Option<JavaName> {
    let depth = depth.checked_sub(1)?;
    *rest = rest.trim_start();
    if let Some(bound) = rest.strip_prefix('?') {
        *rest = bound.trim_start();
        if let Some(bound) = rest.strip_prefix("extends ") {
            *rest = bound;
            return parse(rest, depth);
        }
        if let Some(bound) = rest.strip_prefix("super ") {
            *rest = bound;
            parse(rest, depth)?;
        }
        return Some(JavaName::object());
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '$'))).unwrap_or(rest.len());
    let (name, behind) = rest.split_at(end);
    if !is_class_name(name) {
        return None;
    }
    *rest = behind.trim_start();
    let mut arguments = Vec::new();
    if let Some(inside) = rest.strip_prefix('<') {
        *rest = inside;
        loop {
            arguments.push(parse(rest, depth)?);
            *rest = rest.trim_start();
            let is_last = rest.starts_with('>');
            *rest = rest.strip_prefix([',', '>'])?;
            if is_last {
                break;
            }
        }
    }
    let mut dimensions = 0;
    while let Some(behind) = rest.strip_prefix("[]") {
        *rest = behind;
        dimensions += 1;
    }
    *rest = rest.trim_start();
    let is_variable = !name.contains('.') && !PRIMITIVES.contains(&name);
    let class = if is_variable { OBJECT.to_owned() } else { class_name(name) };
    Some(JavaName { class, arguments, dimensions })
}

const PRIMITIVES: [&str; 9] = ["void", "boolean", "byte", "char", "short", "int", "long", "float", "double"];

/// Whether a method or field of Java's can be called this.
pub fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$'))
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
}

/// Whether a class can be called this, in full.
pub fn is_class_name(name: &str) -> bool {
    name.split('.').all(is_identifier)
}

/// A class as the JVM names it: what stands behind its first name in large letters is inside of that.
pub fn class_name(name: &str) -> String {
    let mut class = String::new();
    let mut is_inside = false;
    for part in name.split('.') {
        if !class.is_empty() {
            class.push(if is_inside { '$' } else { '.' });
        }
        class.push_str(part);
        is_inside |= part.starts_with(char::is_uppercase);
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(class: &str) -> JavaName {
        JavaName { class: class.to_owned(), arguments: Vec::new(), dimensions: 0 }
    }

    #[test]
    fn names_are_taken_apart() {
        let map = JavaName::parse("java.util.Map<java.lang.String, java.util.List<a.b.Order.Item[]>>");
        let items = JavaName { dimensions: 1, ..plain("a.b.Order$Item") };
        let list = JavaName { arguments: vec![items.clone()], ..plain("java.util.List") };
        assert_eq!(map, JavaName { arguments: vec![plain("java.lang.String"), list], ..plain("java.util.Map") });
        assert_eq!(items.erased(), "a.b.Order$Item[]");
        assert_eq!(JavaName::parse("a.b.Order$Item[]"), items);
        assert_eq!(JavaName::parse("java.util.List<? extends a.Base>").arguments, [plain("a.Base")]);
        assert_eq!(JavaName::parse("java.util.List<? super a.Base>").arguments, [plain(OBJECT)]);
        assert_eq!(JavaName::parse("byte[][]").erased(), "byte[][]");
    }

    #[test]
    fn what_a_future_brings_is_awaited() {
        let awaited = |name: &str| JavaName::parse(name).awaited().erased();
        assert_eq!(awaited("java.util.concurrent.CompletableFuture<a.B[]>"), "a.B[]");
        assert_eq!(awaited("java.util.concurrent.CompletableFuture"), "java.util.concurrent.CompletableFuture");
        assert_eq!(awaited("java.util.List<a.B>"), "java.util.List");
    }

    #[test]
    fn what_cannot_be_understood_is_any_object() {
        let deep = format!("{}a.B{}", "a.B<".repeat(100_000), ">".repeat(100_000));
        for name in ["", "T", "?", "a.B<", "a.B<a.C", "a.B>", "a b", "a..b", "a.1", &deep] {
            assert_eq!(JavaName::parse(name), plain(OBJECT), "{name:.40}");
        }
    }
}
