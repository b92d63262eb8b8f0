//! The JVM descriptor of a parameter: from Java's name of its type, or from the words of its Rust type where these are certain.
//!
//! ```text
//!   "java.util.Collection"   Ljava/util/Collection;      i32           I
//!   "int[]"                  [I                          Option<i32>   Ljava/lang/Integer;
//!   "com.acme.Base"          Lcom/acme/Base;             Order         what the value says when it is sent
//! ```
//!
//! It never asks what stands behind a name: `String` is taken for that of std, `java::Date` for that of highway-sdk.

use syn::{GenericArgument, Path, PathArguments, Type};

/// The descriptor of a type as Java's source names it; what is wrong with the name otherwise.
pub fn named(name: &str) -> Result<String, String> {
    let element = name.trim_end_matches("[]");
    let dimensions = "[".repeat((name.len() - element.len()) / 2);
    if let Some(letter) = primitive(element) {
        return Ok(dimensions + letter);
    }
    let is_identifier = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$'))
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
    };
    if element.contains('.') && element.split('.').all(is_identifier) {
        return Ok(format!("{dimensions}L{};", element.replace('.', "/")));
    }
    let hint = if name.contains('<') { "without its type arguments" } else { "in full" };
    Err(format!("found the Java type `{name}`, wanted it {hint}: `int`, `java.util.Collection`, `com.example.Order[]`"))
}

fn primitive(name: &str) -> Option<&'static str> {
    let all = [
        ("boolean", "Z"),
        ("byte", "B"),
        ("char", "C"),
        ("short", "S"),
        ("int", "I"),
        ("long", "J"),
        ("float", "F"),
        ("double", "D"),
    ];
    all.into_iter().find(|(java, _)| *java == name).map(|(_, letter)| letter)
}

/// The descriptor that the words of a Rust type are certain of.
pub fn certain(of: &Type) -> Option<&'static str> {
    match of {
        Type::Reference(reference) => certain(&reference.elem),
        Type::Paren(inner) => certain(&inner.elem),
        Type::Group(inner) => certain(&inner.elem),
        Type::Slice(_) | Type::Array(_) => Some("Ljava/util/List;"),
        Type::Tuple(tuple) => (!tuple.elems.is_empty()).then_some("Ljava/util/List;"),
        Type::Path(path) if path.qself.is_none() => of_path(&path.path),
        _ => None,
    }
}

fn of_path(path: &Path) -> Option<&'static str> {
    let last = path.segments.last()?;
    let name = last.ident.to_string();
    let before = path.segments.iter().nth_back(1).map(|segment| segment.ident.to_string());
    if before.as_deref() == Some("java") {
        return of_java(&name);
    }
    let of_std = |first: &str| matches!(first, "std" | "core" | "alloc");
    if before.is_some() && !of_std(&path.segments.first()?.ident.to_string()) {
        return None;
    }
    Some(match &*name {
        "bool" => "Z",
        "i8" => "B",
        "i16" => "S",
        "i32" | "u8" | "u16" => "I",
        "i64" | "u32" | "u64" => "J",
        "f32" => "F",
        "f64" => "D",
        "char" => "C",
        "String" | "str" => "Ljava/lang/String;",
        "Vec" | "VecDeque" | "LinkedList" => "Ljava/util/List;",
        "HashSet" | "BTreeSet" => "Ljava/util/Set;",
        "HashMap" | "BTreeMap" => "Ljava/util/Map;",
        "Option" => boxed(certain(argument(&last.arguments)?)?),
        "Box" | "Rc" | "Arc" | "Cow" => certain(argument(&last.arguments)?)?,
        _ => return None,
    })
}

/// Those of `highway_sdk::java`, named with their module.
fn of_java(name: &str) -> Option<&'static str> {
    Some(match name {
        "Bytes" => "[B",
        "Date" => "Ljava/util/Date;",
        "Decimal" => "Ljava/math/BigDecimal;",
        "BigInteger" => "Ljava/math/BigInteger;",
        "LocalDate" => "Ljava/time/LocalDate;",
        "LocalTime" => "Ljava/time/LocalTime;",
        "LocalDateTime" => "Ljava/time/LocalDateTime;",
        "Instant" => "Ljava/time/Instant;",
        "Duration" => "Ljava/time/Duration;",
        _ => return None,
    })
}

/// The first type among the arguments of a generic type.
pub fn argument(of: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = of else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

/// What may be null is an object.
fn boxed(descriptor: &'static str) -> &'static str {
    match descriptor {
        "Z" => "Ljava/lang/Boolean;",
        "B" => "Ljava/lang/Byte;",
        "S" => "Ljava/lang/Short;",
        "I" => "Ljava/lang/Integer;",
        "J" => "Ljava/lang/Long;",
        "F" => "Ljava/lang/Float;",
        "D" => "Ljava/lang/Double;",
        "C" => "Ljava/lang/Character;",
        object => object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<&'static str> {
        certain(&syn::parse_str(text).unwrap())
    }

    #[test]
    fn the_words_of_a_type_are_certain_where_std_has_no_other() {
        let plain =
            ["bool", "i8", "i16", "i32", "u8", "i64", "u32", "f32", "f64", "char"].map(told).map(Option::unwrap);
        assert_eq!(plain, ["Z", "B", "S", "I", "I", "J", "J", "F", "D", "C"]);
        let text = ["&str", "String", "&String", "Option<&str>", "Cow<'_, str>", "std::string::String"].map(told);
        assert_eq!(text, [Some("Ljava/lang/String;"); 6]);
        let lists = ["Vec<Order>", "&[Order]", "[i32; 3]", "(i32, String)", "Option<Vec<u8>>"].map(told);
        assert_eq!(lists, [Some("Ljava/util/List;"); 5]);
        assert_eq!([told("&HashMap<String, i32>"), told("BTreeMap<i32, Order>")], [Some("Ljava/util/Map;"); 2]);
        assert_eq!(told("BTreeSet<i32>"), Some("Ljava/util/Set;"));
        assert_eq!([told("java::Bytes"), told("Option<highway_sdk::java::Bytes>")], [Some("[B"); 2]);
        assert_eq!(told("&java::Decimal"), Some("Ljava/math/BigDecimal;"));
    }

    #[test]
    fn what_may_be_null_is_an_object() {
        let objects = ["Option<bool>", "Option<i32>", "Option<i64>", "&Option<char>"].map(told).map(Option::unwrap);
        let wanted = ["Boolean", "Integer", "Long", "Character"].map(|name| format!("Ljava/lang/{name};"));
        assert_eq!(objects.map(str::to_owned), wanted);
    }

    #[test]
    fn other_words_are_left_to_the_value() {
        for text in ["Order", "acme::String", "Date", "()", "Option<Order>", "<T as X>::Y", "java::Other", "Value"] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn java_names_are_named_in_full() {
        for (name, wanted) in [
            ("int", "I"),
            ("long[][]", "[[J"),
            ("java.util.Collection", "Ljava/util/Collection;"),
            ("com.acme.Order$Item[]", "[Lcom/acme/Order$Item;"),
        ] {
            assert_eq!(named(name).as_deref(), Ok(wanted), "{name}");
        }
        for name in ["", "[]", "String", "java.util.List<String>", "java..lang", "int ", "java.util.1", "void"] {
            assert!(
                named(name).unwrap_err().starts_with(&format!("found the Java type `{name}`, wanted it ")),
                "{name}"
            );
        }
    }
}
