//! One method of the trait: checked, with its Java name, its parameters and what it gives.
//!
//! ```text
//!   #[java("sayHello")] #[one_way]
//!   async fn hello(&self, name: &str, #[java("java.util.Collection")] tags: Vec<String>) -> Result<String, CallError>;
//! ```
//!
//! It never knows the other methods.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    Attribute, Error, FnArg, Ident, LitStr, Pat, PatType, PathArguments, Receiver, ReceiverKind, Result, ReturnType,
    TraitItemFn, Type,
};

use crate::java_type;
use crate::rust_type;

/// A method.
pub struct Method {
    /// As it stands in the trait, without the attributes that are ours.
    pub item: TraitItemFn,
    /// Its name in Java.
    pub java: String,
    /// What to point at when the name is meant.
    pub named_at: Span,
    pub parameters: Vec<Parameter>,
    /// What is in its `Result`.
    pub gives: Type,
    pub is_one_way: bool,
}

/// A parameter.
pub struct Parameter {
    pub name: Ident,
    pub ty: Type,
    /// Its JVM descriptor, where it is certain.
    pub descriptor: Option<String>,
}

impl Method {
    /// Checks a method.
    ///
    /// # Errors
    /// It is not one that can be called: each mistake.
    pub fn new(mut item: TraitItemFn) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        mistakes.of(signature(&item));
        mistakes.of(receiver(&item));
        let java = mistakes.of(take_java(&mut item.attrs)).flatten();
        let is_one_way = mistakes.of(take_one_way(&mut item.attrs)).unwrap_or_default();
        mistakes.of(attributes(&item.attrs));
        let mut parameters = Vec::new();
        for input in &mut item.sig.inputs {
            if let FnArg::Typed(input) = input {
                parameters.extend(mistakes.of(Parameter::new(input)));
            }
        }
        let gives = mistakes.of(gives(&item));
        if let (true, Some(ty)) = (is_one_way, &gives)
            && !matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
        {
            let text =
                "found a one-way method that gives something, wanted `Result<(), …>`: nobody answers such a call";
            mistakes.of(Err::<(), _>(Error::new_spanned(ty, text)));
        }
        let named_at = java.as_ref().map_or(item.sig.ident.span(), LitStr::span);
        let java = java.map_or_else(|| camel_case(&item.sig.ident), |name| name.value());
        if !is_identifier(&java) {
            let text = format!("found the method `{java}`, wanted a name of Java's: `#[java(\"sayHello\")]`");
            mistakes.of(Err::<(), _>(Error::new(named_at, text)));
        }
        mistakes.none()?;
        let Some(gives) = gives else { unreachable!("it is there where there is no mistake") };
        Ok(Self { item, java, named_at, parameters, gives, is_one_way })
    }

    /// All descriptors, one behind the other, where they are certain.
    pub fn descriptors(&self) -> Option<String> {
        self.parameters.iter().map(|parameter| parameter.descriptor.as_deref()).collect()
    }

    /// What tells it from its overloads: descriptors, and the words of types where these are not certain.
    pub fn shape(&self) -> Vec<String> {
        let shape = |parameter: &Parameter| {
            parameter.descriptor.clone().unwrap_or_else(|| parameter.ty.to_token_stream().to_string())
        };
        self.parameters.iter().map(shape).collect()
    }
}

impl Parameter {
    fn new(input: &mut PatType) -> Result<Self> {
        let Pat::Ident(pattern) = &*input.pat else {
            return Err(Error::new_spanned(&input.pat, "found a pattern, wanted the name of the parameter"));
        };
        let name = pattern.ident.clone();
        let java = take_java(&mut input.attrs)?;
        if let Some(other) = input.attrs.first() {
            return Err(Error::new_spanned(
                other,
                "found an attribute of a parameter, wanted none but `#[java(\"…\")]`",
            ));
        }
        match &*input.ty {
            Type::ImplTrait(_) => {
                return Err(Error::new_spanned(
                    &input.ty,
                    "found `impl`, wanted a type: each call is of one method of Java's",
                ));
            }
            Type::Reference(reference) if reference.mutability.is_some() => {
                return Err(Error::new_spanned(
                    &input.ty,
                    "found `&mut`, wanted `&`: an argument is sent and never comes back",
                ));
            }
            _ => {}
        }
        let descriptor = match java {
            Some(said) => Some(java_type::named(&said.value()).map_err(|mistake| Error::new(said.span(), mistake))?),
            None => java_type::certain(&input.ty).map(str::to_owned),
        };
        Ok(Self { name, ty: (*input.ty).clone(), descriptor })
    }
}

/// # Errors
/// It is no plain `async fn`.
fn signature(item: &TraitItemFn) -> Result<()> {
    let sig = &item.sig;
    if let Some(body) = &item.default {
        return Err(Error::new_spanned(body, "found a body, wanted none: the method runs at a provider"));
    }
    if sig.asyncness.is_none() {
        let text = "found a method that is not `async`, wanted `async fn`; the client's own methods give a `Call`, which can wait without a runtime too";
        return Err(Error::new(sig.fn_token.span, text));
    }
    if !sig.generics.params.is_empty() {
        let text =
            "found generics, wanted none: each call is of one method of Java's, with the types that it has there";
        return Err(Error::new_spanned(&sig.generics, text));
    }
    if let Some(clause) = &sig.generics.where_clause {
        return Err(Error::new_spanned(clause, "found a `where`, wanted none"));
    }
    if let Some(abi) = &sig.abi {
        return Err(Error::new_spanned(abi, "found an ABI, wanted none"));
    }
    Ok(())
}

/// # Errors
/// It does not begin with `&self`.
fn receiver(item: &TraitItemFn) -> Result<()> {
    const WANTED: &str = "wanted `&self`: calls share their client";
    match item.sig.inputs.first() {
        Some(FnArg::Receiver(Receiver { kind: ReceiverKind::Reference(_, None, None), .. })) => Ok(()),
        Some(FnArg::Receiver(receiver)) => {
            Err(Error::new_spanned(receiver, format!("found another receiver, {WANTED}")))
        }
        Some(FnArg::Typed(other)) => Err(Error::new_spanned(other, format!("found no receiver, {WANTED}"))),
        None => Err(Error::new_spanned(&item.sig.ident, format!("found no receiver, {WANTED}"))),
    }
}

/// What is in the `Result` that it gives.
fn gives(item: &TraitItemFn) -> Result<Type> {
    const WANTED: &str = "wanted `Result<…, CallError>`, or with another error that is made of a `CallError`";
    let ReturnType::Type(_, given) = &item.sig.output else {
        return Err(Error::new(
            item.sig.paren_token.span.close(),
            format!("found no answer, {WANTED}; `void` is `()`"),
        ));
    };
    if let Type::Path(path) = &**given
        && let Some(last) = path.path.segments.last().filter(|last| last.ident.to_string().ends_with("Result"))
        && let PathArguments::AngleBracketed(_) = &last.arguments
        && let Some(inner) = java_type::argument(&last.arguments)
    {
        rust_type::without_references(inner)?;
        return Ok(inner.clone());
    }
    Err(Error::new_spanned(given, format!("found another answer than a `Result`, {WANTED}")))
}

/// Takes `#[java("…")]` out.
fn take_java(attributes: &mut Vec<Attribute>) -> Result<Option<LitStr>> {
    let Some(attribute) = take(attributes, "java")? else { return Ok(None) };
    let wanted = "wanted a name of Java's: `#[java(\"sayHello\")]` of a method, `#[java(\"java.util.Collection\")]` of a parameter";
    attribute.parse_args().map(Some).map_err(|_| Error::new_spanned(&attribute, wanted))
}

/// Takes `#[one_way]` out, and says whether it stood there.
fn take_one_way(attributes: &mut Vec<Attribute>) -> Result<bool> {
    let Some(attribute) = take(attributes, "one_way")? else { return Ok(false) };
    match attribute.meta.require_path_only() {
        Ok(_) => Ok(true),
        Err(_) => Err(Error::new_spanned(&attribute, "wanted `#[one_way]` with nothing behind it")),
    }
}

fn take(attributes: &mut Vec<Attribute>, name: &str) -> Result<Option<Attribute>> {
    let Some(at) = attributes.iter().position(|attribute| attribute.path().is_ident(name)) else { return Ok(None) };
    let taken = attributes.remove(at);
    match attributes.iter().find(|attribute| attribute.path().is_ident(name)) {
        Some(again) => Err(Error::new_spanned(again, format!("found `#[{name}]` twice"))),
        None => Ok(Some(taken)),
    }
}

/// # Errors
/// One could not go with the method to all places where it is made.
fn attributes(all: &[Attribute]) -> Result<()> {
    let goes = |attribute: &&Attribute| {
        ["doc", "deprecated", "allow", "expect", "warn", "java", "one_way"]
            .iter()
            .any(|known| attribute.path().is_ident(known))
    };
    match all.iter().find(|attribute| !goes(attribute)) {
        Some(other) => {
            let text = "found an attribute that means nothing here, wanted `#[java(\"sayHello\")]`, `#[one_way]` or documentation";
            Err(Error::new_spanned(other, text))
        }
        None => Ok(()),
    }
}

/// `say_hello` is `sayHello` in Java.
fn camel_case(name: &Ident) -> String {
    let name = name.to_string();
    let mut java = String::new();
    let mut is_next_large = false;
    for c in name.strip_prefix("r#").unwrap_or(&name).chars() {
        match c {
            '_' if !java.is_empty() => is_next_large = true,
            '_' => java.push('_'),
            c if is_next_large => {
                java.extend(c.to_uppercase());
                is_next_large = false;
            }
            c => java.push(c),
        }
    }
    java
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$'))
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
}

/// Mistakes that are told all at once.
#[derive(Default)]
pub struct Mistakes(Option<Error>);

impl Mistakes {
    /// What there is without a mistake.
    pub fn of<T>(&mut self, result: Result<T>) -> Option<T> {
        match (result, &mut self.0) {
            (Ok(found), _) => return Some(found),
            (Err(mistake), Some(all)) => all.combine(mistake),
            (Err(mistake), none) => *none = Some(mistake),
        }
        None
    }

    /// # Errors
    /// There was one.
    pub fn none(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_javas_by_their_humps() {
        let java = |name: &str| camel_case(&syn::parse_str(name).unwrap());
        assert_eq!(
            ["say_hello", "find", "by_2_names", "r#type", "_of"].map(java),
            ["sayHello", "find", "by2Names", "type", "_of"]
        );
    }
}
