//! Prints a definition as Rust: the trait, then the classes that its methods reach, in the order of their names.
//!
//! The same definition is the same text, whatever order its provider wrote it in. It never says a word of its own about what Java means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::classes::Classes;
use super::definition::{Definition, Method};
use super::file;
use super::java_name::JavaName;
use super::layout::{self, Before, Parameter};
use super::names::{self, Taken};

/// Arguments of a call at most: what `Args` of highway-sdk takes.
const PARAMETERS_MAX: usize = 12;

/// The text.
pub fn print(service: &str, of: &Definition) -> String {
    let mut taken = Taken::default();
    let name = names::unique_class(service, &mut taken);
    ["Client", "Server"].into_iter().for_each(|made| taken.take(format!("{name}{made}")));
    let mut classes = Classes::new(of, &mut taken);
    let methods = methods(of, &mut classes);
    let types = classes.print();
    let mut words = classes.words().clone();
    words.extend((methods.contains("CallError")).then_some("CallError"));
    let said: Vec<String> = [None, Some(("version", &of.version)), Some(("group", &of.group))]
        .into_iter()
        .filter_map(|said| match said {
            None => Some(format!("{service:?}")),
            Some((key, said)) => said.as_ref().map(|said| format!("{key} = {said:?}")),
        })
        .collect();
    let attribute = layout::attribute(0, "highway_sdk::service", &said, Before::Item);
    let serde = if types.is_empty() { "" } else { "use serde::{Deserialize, Serialize};\n" };
    let body = if methods.is_empty() { "{}\n".to_owned() } else { format!("{{\n{methods}}}\n") };
    format!(
        "{} from what application `{}` published of it.\n//!\n\
         //! What comes is an `Option` where Java may send null, which a definition does not say: take it away where it never does, and put\n\
         //! one around what a list or a map has in it where that may be null.\n\n\
         {}{serde}\n{attribute}\npub trait {name} {body}{types}",
        file::head(service),
        of.application.escape_debug(),
        imports(&words),
    )
}

/// The imports of these words, in the order in which every edition of rustfmt wants them.
fn imports(words: &BTreeSet<&str>) -> String {
    let list = |path: &str, all: &[&str], end: &str| {
        let found: Vec<&str> = all.iter().copied().filter(|word| words.contains(word)).collect();
        match *found {
            [] => String::new(),
            [one] => format!("use {path}::{one};\n{end}"),
            _ => format!("use {path}::{{{}}};\n{end}", found.join(", ")),
        }
    };
    [
        list("std::collections", &["HashMap", "HashSet"], "\n"),
        list("highway_sdk", &["java"], ""),
        list("highway_sdk", &["CallError", "Value"], ""),
    ]
    .concat()
}

fn methods(of: &Definition, classes: &mut Classes<'_>) -> String {
    // The client has these beside the methods.
    let mut taken = Taken::default();
    ["new", "builder", "from"].into_iter().for_each(|made| taken.take(made.to_owned()));
    let mut overloads = BTreeMap::<&str, usize>::new();
    of.methods.iter().for_each(|method| *overloads.entry(&method.name).or_default() += 1);
    let mut told = BTreeSet::new();
    let mut text = String::new();
    for method in &of.methods {
        let java: Vec<JavaName> = method.parameters.iter().map(|java| JavaName::parse(java)).collect();
        let erased: Vec<String> = java.iter().map(JavaName::erased).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        if java.len() > PARAMETERS_MAX || !told.insert((&method.name, erased.clone())) {
            let why = match java.len() {
                count if count > PARAMETERS_MAX => format!("has {count} parameters, more than a call can have"),
                _ => format!("is there again with ({}), and nobody can tell which is meant", erased.join(", ")),
            };
            let _ = writeln!(text, "    // `{}` {why}.", method.name);
            continue;
        }
        let is_overloaded = overloads.get(&*method.name).is_some_and(|count| *count > 1);
        let name = taken.give(rust_name(method, is_overloaded.then_some(&java[..])), "_");
        if !names::is_camel_case_of(&name, &method.name) {
            let said = [format!("{:?}", method.name)];
            let _ = writeln!(text, "{}", layout::attribute(4, "java", &said, Before::Item));
        }
        let parameter = |(java, name): (&JavaName, char)| {
            let (said, ty) = classes.ty(java).parameter(java);
            Parameter { java: said, name, ty }
        };
        let parameters: Vec<Parameter> = java.iter().zip('a'..).map(parameter).collect();
        let gives = classes.ty(&JavaName::parse(&method.returns).awaited()).given();
        text.push_str(&layout::signature(&name, &parameters, &format!("Result<{gives}, CallError>")));
    }
    text
}

/// An overload has the types of its parameters in its name.
fn rust_name(method: &Method, overload: Option<&[JavaName]>) -> String {
    let mut name = names::snake_case(&method.name);
    for java in overload.unwrap_or_default() {
        let simple = java.class.rsplit(['.', '$']).next().unwrap_or_default();
        let part = names::snake_case(simple);
        // A word of Rust's is none any more with something behind it.
        let between = if name.ends_with('_') { "" } else { "_" };
        let _ = write!(name, "{between}{}{}", part.trim_matches('_'), "s".repeat(java.dimensions));
    }
    name
}

#[cfg(test)]
#[path = "rust_tests.rs"]
mod tests;
