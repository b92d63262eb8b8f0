//! The classes of a definition as Rust types: what each is called, and its struct or enum.
//!
//! It never makes a type that nothing reaches, nor one that would contain itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::circles::Circles;
use super::definition::{Class, Definition};
use super::java_name::JavaName;
use super::layout::{self, Before};
use super::names::{self, Taken};
use super::rust_type::{Named, RustType};

/// The classes of a definition, and which of them were met.
pub struct Classes<'d> {
    of: &'d BTreeMap<String, Class>,
    names: BTreeMap<&'d str, String>,
    /// In the order in which they were met, and the same in the order of their names.
    reached: Vec<&'d str>,
    met: BTreeSet<&'d str>,
    /// Words of other crates that the types so far are made of.
    words: BTreeSet<&'static str>,
}

impl<'d> Classes<'d> {
    /// Those of a definition, none of which has a name of these.
    pub fn new(of: &'d Definition, taken: &mut Taken) -> Self {
        let ours = of.classes.keys().filter(|class| !class.starts_with("java."));
        let names = ours.map(|class| (&**class, names::unique_class(class, taken))).collect();
        Self { of: &of.classes, names, reached: Vec::new(), met: BTreeSet::new(), words: BTreeSet::new() }
    }

    /// The Rust type of a Java type. What it is made of is met by this.
    pub fn ty(&mut self, java: &JavaName) -> RustType {
        let (of, names, reached, met) = (self.of, &self.names, &mut self.reached, &mut self.met);
        let ty = RustType::of(java, &mut |class| {
            let ((class, name), said) = (names.get_key_value(class)?, of.get(class)?);
            if met.insert(class) {
                reached.push(class);
            }
            Some(Named { name: name.clone(), is_key: matches!(said, Class::Enum(_)) })
        });
        let mut parts = ty.text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')));
        self.words.extend(parts.by_ref().filter_map(|part| match part {
            "HashMap" | "HashSet" | "Value" => ["HashMap", "HashSet", "Value"].into_iter().find(|word| *word == part),
            part => part.starts_with("java::").then_some("java"),
        }));
        ty
    }

    /// Words of other crates that the types so far are made of.
    pub fn words(&self) -> &BTreeSet<&'static str> {
        &self.words
    }

    /// All that were met and what they are made of, in the order of their names.
    pub fn print(&mut self) -> String {
        let circles = Circles::of(self.of);
        let mut types = BTreeMap::new();
        let mut at = 0;
        while let Some(&class) = self.reached.get(at) {
            at += 1;
            let name = self.names[class].clone();
            let text = match &self.of[class] {
                Class::Enum(constants) => constants_of(class, &name, constants),
                Class::Object(fields) => self.fields_of(class, &name, fields, &circles),
            };
            types.insert(name, text);
        }
        types.into_values().collect()
    }

    fn fields_of(&mut self, class: &str, name: &str, fields: &[(String, String)], circles: &Circles<'_>) -> String {
        let said = [format!("rename = {class:?}"), "rename_all = \"camelCase\"".to_owned()];
        let serde = layout::attribute(0, "serde", &said, Before::Item);
        let mut text =
            format!("\n#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]\n{serde}\npub struct {name} {{\n");
        let mut taken = Taken::default();
        for (java, ty) in fields {
            let field = taken.give(names::snake_case(java), "_");
            if !names::is_camel_case_of(&field, java) {
                let _ =
                    writeln!(text, "{}", layout::attribute(4, "serde", &[format!("rename = {java:?}")], Before::Part));
            }
            let ty = JavaName::parse(ty);
            let rust = self.ty(&ty);
            let is_closing = ty.dimensions == 0 && circles.close(class, &ty.class);
            let given = if is_closing { format!("Option<Box<{}>>", rust.text) } else { rust.given() };
            text.push_str(&layout::field(&field, &given));
        }
        text + "}\n"
    }
}

fn constants_of(class: &str, name: &str, constants: &[String]) -> String {
    let serde = layout::attribute(0, "serde", &[format!("rename = {class:?}")], Before::Item);
    let mut text = format!(
        "\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]\n{serde}\npub enum {name} {{\n"
    );
    let mut taken = Taken::default();
    for java in constants {
        let variant = taken.give(names::variant(java), "");
        let rename = layout::attribute(4, "serde", &[format!("rename = {java:?}")], Before::Item);
        let _ = write!(text, "{rename}\n    {variant},\n");
    }
    text + "}\n"
}
