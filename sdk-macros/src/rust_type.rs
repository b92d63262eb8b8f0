//! Types of parameters as other places need them: with one lifetime in a client's method, owned in a provider.
//!
//! ```text
//!   in the trait      in the client             in the provider
//!   name: &str        name: &'highway str       name: String      handler.greet(&name)
//!   tags: &[String]   tags: &'highway [String]  tags: Vec<String> handler.greet(&tags)
//!   by: Option<&T>    by: Option<&'highway T>   by: Option<T>     handler.greet(by.as_ref())
//! ```
//!
//! It never changes what is behind a reference.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, GenericArgument, Lifetime, PathArguments, Result, Type};

use crate::java_type;

/// Gives each reference and each `'_` of a type this lifetime, where it has none.
pub fn name_lifetimes(of: &mut Type, lifetime: &Lifetime) {
    match of {
        Type::Reference(reference) => {
            if reference.lifetime.as_ref().is_none_or(|of| of.ident == "_") {
                reference.lifetime = Some(lifetime.clone());
            }
            name_lifetimes(&mut reference.elem, lifetime);
        }
        Type::Paren(inner) => name_lifetimes(&mut inner.elem, lifetime),
        Type::Group(inner) => name_lifetimes(&mut inner.elem, lifetime),
        Type::Slice(slice) => name_lifetimes(&mut slice.elem, lifetime),
        Type::Array(array) => name_lifetimes(&mut array.elem, lifetime),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(|element| name_lifetimes(element, lifetime)),
        Type::Path(path) => {
            for segment in &mut path.path.segments {
                let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { continue };
                for argument in &mut arguments.args {
                    match argument {
                        GenericArgument::Lifetime(of) if of.ident == "_" => *of = lifetime.clone(),
                        GenericArgument::Type(inner) => name_lifetimes(inner, lifetime),
                        _ => {}
                    }
                }
            }
        }
        _ => {}
    }
}

/// A parameter of a provider's method: what is read, and what is handed over of it.
pub struct Owned {
    pub read: TokenStream,
    pub handed: TokenStream,
}

/// What a provider reads for a parameter of this type.
///
/// # Errors
/// There is a reference deeper in it: nothing would own what it refers to.
pub fn owned(of: &Type, value: &TokenStream) -> Result<Owned> {
    if let Type::Reference(reference) = of {
        let (read, _) = behind(&reference.elem)?;
        return Ok(Owned { read, handed: quote!(&#value) });
    }
    if let Some(Type::Reference(reference)) = optional(of) {
        let (read, is_std) = behind(&reference.elem)?;
        let read = quote!(::std::option::Option<#read>);
        let handed = if is_std { quote!(#value.as_deref()) } else { quote!(#value.as_ref()) };
        return Ok(Owned { read, handed });
    }
    without_references(of)?;
    Ok(Owned { read: quote!(#of), handed: quote!(#value) })
}

/// What owns the thing behind a reference, and whether that has a type of its own in std.
fn behind(of: &Type) -> Result<(TokenStream, bool)> {
    without_references(of)?;
    Ok(match of {
        Type::Slice(slice) => {
            let element = &slice.elem;
            (quote!(::std::vec::Vec<#element>), true)
        }
        Type::Path(path) if path.path.is_ident("str") => (quote_spanned!(of.span()=> ::std::string::String), true),
        _ => (quote!(#of), false),
    })
}

/// What is in an `Option`.
fn optional(of: &Type) -> Option<&Type> {
    let Type::Path(path) = of else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    java_type::argument(&last.arguments)
}

/// # Errors
/// There is a reference in it.
pub fn without_references(of: &Type) -> Result<()> {
    const WANTED: &str =
        "found a reference inside of a type, wanted something that owns what it holds, such as `String`";
    match of {
        Type::Reference(reference) => Err(Error::new_spanned(reference, WANTED)),
        Type::Paren(inner) => without_references(&inner.elem),
        Type::Group(inner) => without_references(&inner.elem),
        Type::Slice(slice) => without_references(&slice.elem),
        Type::Array(array) => without_references(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().try_for_each(without_references),
        Type::Path(path) => {
            let arguments = path.path.segments.iter().filter_map(|segment| match &segment.arguments {
                PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
                _ => None,
            });
            arguments.flatten().try_for_each(|argument| match argument {
                GenericArgument::Type(inner) => without_references(inner),
                _ => Ok(()),
            })
        }
        _ => Ok(()),
    }
}
