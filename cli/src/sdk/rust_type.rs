//! Which Rust type a Java type is, and what the attribute of a trait tells by it.
//!
//! | Java | Rust | as a parameter |
//! |---|---|---|
//! | `int`, `java.lang.Integer` | `i32`, `Option<i32>` | the same |
//! | `java.lang.String` | `String` | `&str` |
//! | `List<T>`, `T[]` | `Vec<T>` | `&[T]` |
//! | `Set<T>`, `Map<K, V>` with keys that can be hashed | `HashSet<T>`, `HashMap<K, V>` | `&HashMap<K, V>` |
//! | `byte[]`, `Date`, `BigDecimal` and so on | those of `highway_sdk::java` | `&java::Date` |
//! | a class of the definition | its struct or enum | `&Order` |
//! | anything else | `Value` | `&Value` |
//!
//! It never names a class that nobody defined.

use super::java_name::JavaName;

/// A Rust type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RustType {
    /// As a value.
    pub text: String,
    /// Whether null is another thing than any value of it.
    nullable: bool,
    /// Whether a map can have it as key.
    is_key: bool,
    /// The Java type that is told by it.
    tells: Option<String>,
}

/// A class of the definition as Rust has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    /// Whether a map can have it as key.
    pub is_key: bool,
}

impl RustType {
    /// The type of a Java type; `class` says how a class of the definition is called.
    pub fn of(java: &JavaName, class: &mut impl FnMut(&str) -> Option<Named>) -> Self {
        if java.dimensions == 1 && java.class == "byte" {
            return Self::object("java::Bytes", "byte[]");
        }
        if java.dimensions == 1 && java.class == "char" {
            return Self::object("String", "java.lang.String");
        }
        if java.dimensions > 0 {
            let element = Self::of(&JavaName { dimensions: java.dimensions - 1, ..java.clone() }, class);
            return Self::object(&format!("Vec<{}>", element.text), "java.util.List");
        }
        if let Some(plain) = primitive(&java.class) {
            let tells = Some(java.class.clone());
            return Self { text: plain.to_owned(), nullable: false, is_key: !plain.starts_with('f'), tells };
        }
        if let Some((plain, boxed)) = unboxed(&java.class) {
            let tells = Some(format!("java.lang.{boxed}"));
            return Self { text: plain.to_owned(), nullable: true, is_key: !plain.starts_with('f'), tells };
        }
        let holds = [&LISTS[..], &SETS, &MAPS].iter().any(|all| all.contains(&&*java.class));
        // Each is looked at once: they nest, and who publishes a definition may nest them deep.
        let [first, second] = [0, 1].map(|at| {
            let of = java.arguments.get(at).filter(|_| holds);
            of.map_or_else(Self::any, |of| Self::of(of, class))
        });
        match &*java.class {
            "java.lang.String" | "java.lang.CharSequence" => {
                Self { is_key: true, ..Self::object("String", "java.lang.String") }
            }
            "java.lang.Void" => Self { text: "()".to_owned(), nullable: false, is_key: false, tells: None },
            name if SETS.contains(&name) && first.is_key => {
                Self::object(&format!("HashSet<{}>", first.text), "java.util.Set")
            }
            name if LISTS.contains(&name) || SETS.contains(&name) => {
                Self::object(&format!("Vec<{}>", first.text), "java.util.List")
            }
            name if MAPS.contains(&name) && first.is_key => {
                Self::object(&format!("HashMap<{}, {}>", first.text, second.text), "java.util.Map")
            }
            name => match (known(name), class(name)) {
                (Some(known), _) => Self::object(&format!("java::{known}"), name),
                (None, Some(Named { name: rust, is_key })) => Self { is_key, ..Self::object(&rust, name) },
                (None, None) => Self::any(),
            },
        }
    }

    fn object(text: &str, tells: &str) -> Self {
        Self { text: text.to_owned(), nullable: true, is_key: false, tells: Some(tells.to_owned()) }
    }

    fn any() -> Self {
        Self { text: "Value".to_owned(), nullable: false, is_key: false, tells: None }
    }

    /// What comes: null where Java may send it.
    pub fn given(&self) -> String {
        if self.nullable { format!("Option<{}>", self.text) } else { self.text.clone() }
    }

    /// What is handed over, and the Java type of its parameter where that is not told by it.
    pub fn parameter(&self, of: &JavaName) -> (Option<String>, String) {
        let erased = of.erased();
        let text = &self.text;
        let handed = match text.strip_prefix("Vec<").and_then(|inside| inside.strip_suffix('>')) {
            Some(element) => format!("&[{element}]"),
            None if text == "String" => "&str".to_owned(),
            None if unboxed(&of.class).is_some() && of.dimensions == 0 => format!("Option<{text}>"),
            None if !self.nullable && self.tells.is_some() => text.clone(),
            None => format!("&{text}"),
        };
        ((self.tells.as_ref() != Some(&erased)).then_some(erased), handed)
    }
}

const LISTS: [&str; 7] = [
    "java.util.List",
    "java.util.Collection",
    "java.lang.Iterable",
    "java.util.ArrayList",
    "java.util.LinkedList",
    "java.util.Queue",
    "java.util.Deque",
];
const SETS: [&str; 5] =
    ["java.util.Set", "java.util.HashSet", "java.util.LinkedHashSet", "java.util.TreeSet", "java.util.SortedSet"];
const MAPS: [&str; 6] = [
    "java.util.Map",
    "java.util.HashMap",
    "java.util.LinkedHashMap",
    "java.util.TreeMap",
    "java.util.SortedMap",
    "java.util.concurrent.ConcurrentHashMap",
];

fn primitive(class: &str) -> Option<&'static str> {
    Some(match class {
        "void" => "()",
        "boolean" => "bool",
        "byte" => "i8",
        "short" => "i16",
        "int" => "i32",
        "long" => "i64",
        "float" => "f32",
        "double" => "f64",
        "char" => "char",
        _ => return None,
    })
}

/// The type in a box of `java.lang`, and the box.
fn unboxed(class: &str) -> Option<(&'static str, &str)> {
    let boxed = class.strip_prefix("java.lang.")?;
    let plain = match boxed {
        "Boolean" => "bool",
        "Byte" => "i8",
        "Short" => "i16",
        "Integer" => "i32",
        "Long" => "i64",
        "Float" => "f32",
        "Double" => "f64",
        "Character" => "char",
        _ => return None,
    };
    Some((plain, boxed))
}

/// Those of `highway_sdk::java`.
fn known(class: &str) -> Option<&str> {
    let (package, name) = class.rsplit_once('.')?;
    let of_package: &[&str] = match package {
        "java.util" => &["Date"],
        "java.time" => &["LocalDate", "LocalTime", "LocalDateTime", "Instant", "Duration"],
        "java.math" if name == "BigDecimal" => return Some("Decimal"),
        "java.math" => &["BigInteger"],
        _ => &[],
    };
    of_package.contains(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(java: &str) -> (String, String) {
        let java = JavaName::parse(java);
        let mut class = |class: &str| match class {
            "a.Order$Item" => Some(Named { name: "Item".to_owned(), is_key: false }),
            "a.Size" => Some(Named { name: "Size".to_owned(), is_key: true }),
            _ => None,
        };
        let ty = RustType::of(&java, &mut class);
        let (said, handed) = ty.parameter(&java);
        (ty.given(), said.map(|said| format!("#[java({said:?})] ")).unwrap_or_default() + &handed)
    }

    fn is(java: &str, given: &str, parameter: &str) {
        assert_eq!(both(java), (given.to_owned(), parameter.to_owned()), "{java}");
    }

    #[test]
    fn what_sets_of_sets_hold_is_looked_at_once() {
        let deep = format!("{}a.Size{}", "java.util.Set<".repeat(30), ">".repeat(30));
        let mut looked = 0;
        let ty = RustType::of(&JavaName::parse(&deep), &mut |class: &str| {
            looked += 1;
            Some(Named { name: class.replace("a.", ""), is_key: true })
        });
        assert_eq!((looked, ty.text), (1, format!("{}HashSet<Size>{}", "Vec<".repeat(29), ">".repeat(29))));
    }

    #[test]
    fn what_comes_may_be_null_and_what_goes_tells_its_type() {
        is("int", "i32", "i32");
        is("java.lang.Integer", "Option<i32>", "Option<i32>");
        is("java.lang.String", "Option<String>", "&str");
        is("java.lang.CharSequence", "Option<String>", "#[java(\"java.lang.CharSequence\")] &str");
        is("byte[]", "Option<java::Bytes>", "&java::Bytes");
        is("java.math.BigDecimal", "Option<java::Decimal>", "&java::Decimal");
        is("a.Order.Item", "Option<Item>", "&Item");
        is("java.util.List<a.Order.Item>", "Option<Vec<Item>>", "&[Item]");
        is("a.Order.Item[]", "Option<Vec<Item>>", "#[java(\"a.Order$Item[]\")] &[Item]");
        is("java.util.Collection<java.lang.Long>", "Option<Vec<i64>>", "#[java(\"java.util.Collection\")] &[i64]");
        is("java.util.Set<java.lang.Integer>", "Option<HashSet<i32>>", "&HashSet<i32>");
        is("java.util.Set<a.Order.Item>", "Option<Vec<Item>>", "#[java(\"java.util.Set\")] &[Item]");
        is(
            "java.util.TreeMap<java.lang.String,T>",
            "Option<HashMap<String, Value>>",
            "#[java(\"java.util.TreeMap\")] &HashMap<String, Value>",
        );
        is("java.util.Map<a.Size,java.lang.Integer>", "Option<HashMap<Size, i32>>", "&HashMap<Size, i32>");
        is("java.util.Set<a.Size>", "Option<HashSet<Size>>", "&HashSet<Size>");
        is("java.util.Map<a.Order.Item,int>", "Value", "#[java(\"java.util.Map\")] &Value");
        is("java.lang.Object", "Value", "#[java(\"java.lang.Object\")] &Value");
        is("a.Unknown", "Value", "#[java(\"a.Unknown\")] &Value");
        is("int[][]", "Option<Vec<Vec<i32>>>", "#[java(\"int[][]\")] &[Vec<i32>]");
        is("char[]", "Option<String>", "#[java(\"char[]\")] &str");
        is("byte[][]", "Option<Vec<java::Bytes>>", "#[java(\"byte[][]\")] &[java::Bytes]");
        is("java.lang.Integer[]", "Option<Vec<i32>>", "#[java(\"java.lang.Integer[]\")] &[i32]");
        assert_eq!(["void", "java.lang.Void"].map(|void| both(void).0), ["()", "()"]);
    }
}
