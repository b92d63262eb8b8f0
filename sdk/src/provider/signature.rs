//! What a method is called by: its name, and the types of its parameters where it is one of several overloads.
//!
//! ```text
//!   "greet"                        any parameters
//!   "add(int,long)"                 IJ                     as javac calls them
//!   "sum(java.lang.String[],[I)"    [Ljava/lang/String;[I   both of Java's ways to name an array
//! ```
//!
//! It never looks at what a class is.
//! Source: `ReflectUtils.name2desc` of apache/dubbo, `Class.getName`.

use wire::dubbo::descriptor;

use crate::java_type;

/// A method of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    name: String,
    parameters: Option<String>,
}

impl Method {
    /// The method of this name, whatever its parameters.
    #[must_use]
    pub fn any(name: &str) -> Self {
        Self { name: name.to_owned(), parameters: None }
    }

    /// The overload with these JVM descriptors, one behind the other: `Ljava/lang/String;I`.
    #[must_use]
    pub fn overload(name: &str, parameters: &str) -> Self {
        Self { name: name.to_owned(), parameters: Some(parameters.to_owned()) }
    }

    /// A name, or a name and Java's types in parentheses; what is wrong with it otherwise, in words.
    pub(super) fn parse(signature: &str) -> Result<Self, String> {
        let (name, types) = match signature.split_once('(') {
            None => (signature, None),
            Some((name, rest)) => {
                let inside = rest.trim_end().strip_suffix(')');
                (name, Some(inside.ok_or_else(|| format!("found no `)` at the end of `{signature}`"))?))
            }
        };
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            return Err(format!("found the method `{name}`, wanted a name such as Java's"));
        }
        let Some(types) = types else { return Ok(Self::any(name)) };
        let mut parameters = String::new();
        for one in types.split(',').map(str::trim).filter(|_| !types.trim().is_empty()) {
            let written = descriptor_of(one);
            parameters += &written.ok_or_else(|| {
                format!(
                    "found the type `{one}` in `{signature}`, wanted `int`, `java.lang.String`, `long[]` or the like"
                )
            })?;
        }
        Ok(Self::overload(name, &parameters))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The JVM descriptors of its parameters, one behind the other; `None` where it takes any.
    #[must_use]
    pub fn parameters(&self) -> Option<&str> {
        self.parameters.as_deref()
    }
}

/// The JVM descriptor of a type as Java names it: `int`, `java.lang.String`, `int[]`, `[I`, `[Ljava.lang.String;`.
pub(super) fn descriptor_of(name: &str) -> Option<String> {
    let written = match name.starts_with('[') {
        true => name.replace('.', "/"),
        false => java_type::named(name),
    };
    let is_one_name = !name.trim_start_matches('[').trim_end_matches("[]").contains(['[', ']']);
    (is_one_name && descriptor::count(&written) == Ok(1)).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_java_names_them() {
        for (name, wanted) in [
            ("int", "I"),
            ("long[]", "[J"),
            ("java.lang.String", "Ljava/lang/String;"),
            ("com.acme.Order$Item[][]", "[[Lcom/acme/Order$Item;"),
            ("[I", "[I"),
            ("[Ljava.lang.String;", "[Ljava/lang/String;"),
        ] {
            assert_eq!(descriptor_of(name).as_deref(), Some(wanted), "{name}");
        }
        for name in ["", "[]", "[", "[X", "java..lang", "a b", "int;", "int[]x", "java.io.InputStream"] {
            assert_eq!(descriptor_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_signature_is_a_name_or_a_name_and_its_types() {
        assert_eq!(Method::parse("greet"), Ok(Method::any("greet")));
        assert_eq!(Method::parse("add( int, long )"), Ok(Method::overload("add", "IJ")));
        assert_eq!(Method::parse("now()"), Ok(Method::overload("now", "")));
        assert_eq!(Method::parse("add(int").unwrap_err(), "found no `)` at the end of `add(int`");
        assert_eq!(Method::parse("").unwrap_err(), "found the method ``, wanted a name such as Java's");
        assert!(
            Method::parse("add(in t)").unwrap_err().starts_with("found the type `in t` in `add(in t)`, wanted `int`")
        );
        assert!(Method::parse("add(int,)").unwrap_err().starts_with("found the type `` in"));
    }
}
