//! What a provider publishes of an interface, read: methods with the names of their types, and the classes among these.
//!
//! ```text
//!   3.x   {"methods":[{name, parameterTypes, returnType}], "types":[{type, enums, properties: {field: "type"}}], "parameters":{…}}
//!   2.7   the same, with a whole type in place of a property's name, or a reference to one: {"$ref":"$.types[2].properties.city"}
//! ```
//!
//! It never trusts it: a type that cannot be understood is a value of any kind, and what is too much is refused.
//! Source: `FullServiceDefinition`, `TypeDefinition` of apache/dubbo.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::java_name::{OBJECT, class_name, is_class_name, is_identifier};

/// References to references at most.
const HOPS_MAX: usize = 8;
/// Bytes of a definition at most. ZooKeeper itself takes one MiB unless it is told otherwise.
const TEXT_MAX_LEN: usize = 4 << 20;
/// Bytes of a name at most, that of a type with its arguments.
const NAME_MAX_LEN: usize = 1024;
/// Methods of an interface, fields of a class, constants of an enum at most.
const MEMBERS_MAX: usize = 2048;
/// Fields and constants of all classes at most.
const ALL_MEMBERS_MAX: usize = 32_768;

/// A definition.
#[derive(Debug, PartialEq, Eq)]
pub struct Definition {
    pub application: String,
    pub group: Option<String>,
    pub version: Option<String>,
    /// In the order of their names, each once.
    pub methods: Vec<Method>,
    /// Those of which anything is said, by their names.
    pub classes: BTreeMap<String, Class>,
}

/// A method, by the names of its types as Java says them: `java.util.List<com.acme.Order>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Method {
    pub name: String,
    #[serde(rename = "parameterTypes", default)]
    pub parameters: Vec<String>,
    #[serde(rename = "returnType")]
    pub returns: String,
}

/// What is said of a class.
#[derive(Debug, PartialEq, Eq)]
pub enum Class {
    /// Its constants.
    Enum(Vec<String>),
    /// Its fields and their types, in the order of their names.
    Object(Vec<(String, String)>),
}

#[derive(Deserialize)]
struct Whole {
    methods: BTreeSet<Method>,
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
}

impl Definition {
    /// Reads what an application published.
    ///
    /// # Errors
    /// It is no definition, or too much of one, in words.
    pub fn read(application: &str, text: &str) -> Result<Self, String> {
        if text.len() > TEXT_MAX_LEN {
            return Err(format!("it has {} bytes, wanted at most {TEXT_MAX_LEN}", text.len()));
        }
        let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let whole = Whole::deserialize(&root).map_err(|error| error.to_string())?;
        let mut classes = BTreeMap::new();
        collect(&root["types"], &root, &mut classes);
        let said = |key: &str| whole.parameters.get(key).and_then(Value::as_str).filter(|said| !said.is_empty());
        let (group, version) = (said("group"), said("version").filter(|version| *version != "0.0.0"));
        let definition = Self {
            application: application.to_owned(),
            group: group.map(str::to_owned),
            version: version.map(str::to_owned),
            methods: once(whole.methods),
            classes,
        };
        definition.bounded()?;
        Ok(definition)
    }

    /// For people: whose it is, with group and version.
    pub fn described(&self) -> String {
        let part = |name: &str, of: &Option<String>| of.as_ref().map(|of| format!("{name} {of}"));
        let key: Vec<String> =
            [part("group", &self.group), part("version", &self.version)].into_iter().flatten().collect();
        let key = if key.is_empty() { String::new() } else { format!(" ({})", key.join(", ")) };
        format!("`{}`{key}", self.application)
    }

    /// # Errors
    /// A method has a name that no method has, or there is too much of something.
    fn bounded(&self) -> Result<(), String> {
        let most = |what: &str, count: usize, most: usize| {
            if count > most { Err(format!("it has {count} {what}, wanted at most {most}")) } else { Ok(()) }
        };
        most("methods", self.methods.len(), MEMBERS_MAX)?;
        let mut names = Vec::new();
        for method in &self.methods {
            if !is_identifier(&method.name) {
                return Err(format!("it has the method {:?}, wanted a name of Java's", method.name));
            }
            most(&format!("parameters of `{}`", method.name), method.parameters.len(), MEMBERS_MAX)?;
            names.extend([&method.name, &method.returns].into_iter().chain(&method.parameters));
        }
        let mut all = 0;
        for (name, class) in &self.classes {
            let count = match class {
                Class::Enum(constants) => {
                    names.extend(constants);
                    constants.len()
                }
                Class::Object(fields) => {
                    names.extend(fields.iter().flat_map(|(field, ty)| [field, ty]));
                    fields.len()
                }
            };
            names.push(name);
            most(&format!("members of {name}"), count, MEMBERS_MAX)?;
            all += count;
        }
        most("members of its classes", all, ALL_MEMBERS_MAX)?;
        match names.into_iter().find(|name| name.len() > NAME_MAX_LEN) {
            Some(name) => Err(format!("it has a name of {} bytes, wanted at most {NAME_MAX_LEN}", name.len())),
            None => Ok(()),
        }
    }
}

/// Each once: what an interface declares again, of another with a wider answer, is a method of the same name and parameters.
fn once(methods: BTreeSet<Method>) -> Vec<Method> {
    let mut once: Vec<Method> = Vec::with_capacity(methods.len());
    for method in methods {
        match once.last_mut().filter(|last| last.name == method.name && last.parameters == method.parameters) {
            Some(last) if last.returns == OBJECT => *last = method,
            Some(_) => {}
            None => once.push(method),
        }
    }
    once
}

/// Takes what is said of classes in `of` and whatever is in it.
fn collect(of: &Value, root: &Value, classes: &mut BTreeMap<String, Class>) {
    match of {
        Value::Array(items) => items.iter().for_each(|item| collect(item, root, classes)),
        Value::Object(fields) => {
            if let (Some(name), Some(class)) = (of["type"].as_str().filter(|name| is_class_name(name)), class(of, root))
            {
                classes.entry(class_name(name)).or_insert(class);
            }
            fields.values().for_each(|field| collect(field, root, classes));
        }
        _ => {}
    }
}

fn class(of: &Value, root: &Value) -> Option<Class> {
    let constants = of["enums"].as_array().or_else(|| of["enum"].as_array());
    let mut constants: Vec<String> =
        constants.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    let mut seen = BTreeSet::new();
    constants.retain(|name| seen.insert(name.clone()));
    if !constants.is_empty() {
        return Some(Class::Enum(constants));
    }
    let fields = of["properties"].as_object().filter(|fields| !fields.is_empty())?;
    let fields = fields.iter().map(|(name, ty)| {
        let ty = type_name(ty, of, root, HOPS_MAX).unwrap_or(OBJECT);
        (name.clone(), ty.to_owned())
    });
    Some(Class::Object(fields.collect()))
}

/// The name of a property's type: said, of the type in its place, or of one elsewhere. One that goes up means its own class.
fn type_name<'v>(of: &'v Value, owner: &'v Value, root: &'v Value, hops: usize) -> Option<&'v str> {
    if let Some(name) = of.as_str().or_else(|| of["type"].as_str()) {
        return Some(name);
    }
    match of["$ref"].as_str()? {
        "$" => None,
        ".." | "@" => owner["type"].as_str(),
        path => type_name(at(path.strip_prefix("$.")?, root)?, owner, root, hops.checked_sub(1)?),
    }
}

/// `types[2].properties.city`.
fn at<'v>(path: &str, root: &'v Value) -> Option<&'v Value> {
    path.split('.').try_fold(root, |value, step| {
        let mut parts = step.split('[');
        let mut value = value.get(parts.next()?)?;
        for index in parts {
            value = value.get(index.strip_suffix(']')?.parse::<usize>().ok()?)?;
        }
        Some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(types: &str) -> BTreeMap<String, Class> {
        let text = format!(r#"{{"methods":[],"types":{types}}}"#);
        Definition::read("app", &text).unwrap().classes
    }

    fn object(fields: &[(&str, &str)]) -> Class {
        Class::Object(fields.iter().map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned())).collect())
    }

    #[test]
    fn fields_are_named_by_3_and_told_or_referred_to_by_2_7() {
        let new = classes(r#"[{"type":"a.Order.Item","properties":{"name":"java.lang.String","count":"int"}}]"#);
        let old = classes(
            r#"[{"type":"java.lang.String","properties":{}},{"type":"a.Order$Item","enums":[],
                "properties":{"name":{"$ref":"$.types[0]"},"count":{"type":"int","properties":{}}}}]"#,
        );
        assert_eq!(new, old);
        assert_eq!(new["a.Order$Item"], object(&[("count", "int"), ("name", "java.lang.String")]));
    }

    #[test]
    fn a_class_within_itself_is_referred_to_upwards() {
        let all = classes(r#"[{"type":"a.Node","properties":{"next":{"$ref":".."},"lost":{"$ref":"$.types[9]"}}}]"#);
        assert_eq!(all["a.Node"], object(&[("lost", "java.lang.Object"), ("next", "a.Node")]));
    }

    #[test]
    fn references_in_a_circle_end() {
        let all = classes(
            r#"[{"type":"a.Node","properties":{"a":{"$ref":"$.types[0].properties.b"},"b":{"$ref":"$.types[0].properties.a"}}}]"#,
        );
        assert_eq!(all["a.Node"], object(&[("a", "java.lang.Object"), ("b", "java.lang.Object")]));
    }

    #[test]
    fn an_enum_has_each_of_its_constants_once_and_in_its_order() {
        let all = classes(r#"[{"type":"a.Size","enums":["SMALL","LARGE","SMALL"]}]"#);
        assert_eq!(all["a.Size"], Class::Enum(vec!["SMALL".to_owned(), "LARGE".to_owned()]));
    }

    #[test]
    fn a_method_that_is_declared_again_is_there_once_with_the_narrower_answer() {
        let text = r#"{"methods":[
            {"name":"get","parameterTypes":["long"],"returnType":"java.lang.Object"},
            {"name":"get","parameterTypes":["long"],"returnType":"java.lang.String"},
            {"name":"get","parameterTypes":["int"],"returnType":"java.lang.Object"}]}"#;
        let methods = Definition::read("app", text).unwrap().methods;
        let told: Vec<_> = methods.iter().map(|method| (&*method.parameters[0], &*method.returns)).collect();
        assert_eq!(told, [("int", "java.lang.Object"), ("long", "java.lang.String")]);
    }

    fn refused(text: &str) -> String {
        Definition::read("app", text).unwrap_err()
    }

    #[test]
    fn what_is_no_definition_is_said_to_be_none() {
        assert!(refused("127.0.0.1").contains("line 1 column"), "{}", refused("127.0.0.1"));
        assert_eq!(refused("{}"), "missing field `methods`");
        let text = r#"{"methods":[{"name":"a(); fn b","parameterTypes":[],"returnType":"void"}]}"#;
        assert_eq!(refused(text), "it has the method \"a(); fn b\", wanted a name of Java's");
        assert!(refused(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).contains("recursion limit"));
    }

    #[test]
    fn too_much_is_refused() {
        let fields = |count: usize| {
            let fields: Vec<String> = (0..count).map(|at| format!(r#""f{at}":"int""#)).collect();
            fields.join(",")
        };
        let class = |at: usize, count| format!(r#"{{"type":"a.C{at}","properties":{{{}}}}}"#, fields(count));
        let of = |types: &str| format!(r#"{{"methods":[],"types":[{types}]}}"#);
        assert_eq!(refused(&of(&class(0, 2049))), "it has 2049 members of a.C0, wanted at most 2048");
        let many: Vec<String> = (0..17).map(|at| class(at, 2048)).collect();
        assert_eq!(refused(&of(&many.join(","))), "it has 34816 members of its classes, wanted at most 32768");
        let long = format!(r#"{{"type":"a.B","properties":{{"f":"{}"}}}}"#, "x".repeat(1025));
        assert_eq!(refused(&of(&long)), "it has a name of 1025 bytes, wanted at most 1024");
        assert_eq!(refused(&" ".repeat(5 << 20)), "it has 5242880 bytes, wanted at most 4194304");
    }
}
