//! The trait as a whole: what it may be, what its methods may not be beside each other, and what is made of it.
//!
//! It never stops at the first mistake.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, Ident, Item, ItemTrait, Result, ReturnType, TraitItem, Visibility};

use crate::interface::Interface;
use crate::method::{Method, Mistakes};
use crate::{client, server};

/// A trait that is a service.
pub struct Declared {
    pub interface: Interface,
    pub vis: Visibility,
    pub name: Ident,
    pub client: Ident,
    pub methods: Vec<Method>,
    /// Its attributes, documentation among them.
    attrs: Vec<Attribute>,
    supertraits: TokenStream,
}

/// What becomes of a trait with the attribute.
///
/// # Errors
/// Every mistake in it.
pub fn expand(said: TokenStream, of: TokenStream) -> Result<TokenStream> {
    let mut mistakes = Mistakes::default();
    let interface = mistakes.of(syn::parse2::<Interface>(said));
    let declared = mistakes.of(parse_trait(of));
    let methods = declared.as_ref().and_then(|declared| mistakes.of(methods(declared)));
    mistakes.none()?;
    let (Some(interface), Some(declared), Some(methods)) = (interface, declared, methods) else {
        unreachable!("they are there where there is no mistake")
    };
    let ItemTrait { attrs, vis, ident: name, supertraits, .. } = declared;
    let client = format_ident!("{name}Client");
    let declared = Declared { interface, vis, name, client, methods, attrs, supertraits: quote!(#supertraits) };
    let made = [Some(declared.kept()), Some(client::make(&declared)), server::make(&declared)?];
    Ok(made.into_iter().flatten().collect())
}

/// # Errors
/// It is no trait, or one that no service can be.
fn parse_trait(of: TokenStream) -> Result<ItemTrait> {
    let declared = match syn::parse2::<Item>(of)? {
        Item::Trait(declared) => declared,
        other => {
            return Err(Error::new_spanned(
                other,
                "found no trait, wanted `#[highway_sdk::service(\"…\")]` in front of one",
            ));
        }
    };
    if !declared.generics.params.is_empty() {
        let text = "found generics, wanted none: a service of Java's has the types that it has there";
        return Err(Error::new_spanned(&declared.generics, text));
    }
    if let Some(clause) = &declared.generics.where_clause {
        return Err(Error::new_spanned(clause, "found a `where`, wanted none"));
    }
    if let Some(word) = &declared.unsafety {
        return Err(Error::new_spanned(word, "found `unsafe`, wanted a safe trait"));
    }
    Ok(declared)
}

/// The methods, which can be called and told apart.
fn methods(declared: &ItemTrait) -> Result<Vec<Method>> {
    let mut mistakes = Mistakes::default();
    let mut methods: Vec<Method> = Vec::new();
    for item in &declared.items {
        let method = match item {
            TraitItem::Fn(method) => Method::new(method.clone()),
            other => Err(Error::new_spanned(other, "found something that is no method, wanted methods alone")),
        };
        methods.extend(mistakes.of(method));
    }
    let mut shapes: BTreeMap<(&str, Vec<String>), &Method> = BTreeMap::new();
    for method in &methods {
        let name = &method.item.sig.ident;
        if client::OWN.iter().any(|own| name == own) {
            let text = format!(
                "found the method `{name}`, which is the client's own; name it otherwise, with `#[java(\"{}\")]`",
                method.java
            );
            mistakes.of(Err::<(), _>(Error::new(name.span(), text)));
        }
        if let Some(first) = shapes.insert((&method.java, method.shape()), method) {
            let text = format!(
                "found `{name}` and `{}`, which are both `{}({})` in Java; name another method or other types with `#[java(\"…\")]`",
                first.item.sig.ident,
                method.java,
                method.shape().join(", ")
            );
            mistakes.of(Err::<(), _>(Error::new(method.named_at, text)));
        }
    }
    mistakes.none()?;
    Ok(methods)
}

impl Declared {
    /// The trait as it was written, with futures that can be sent: whoever implements it writes `async fn` all the same.
    fn kept(&self) -> TokenStream {
        let Self { attrs, vis, name, supertraits, methods, .. } = self;
        let colon = (!supertraits.is_empty()).then(|| quote!(:));
        let methods = methods.iter().map(|method| {
            let mut item = method.item.clone();
            item.sig.asyncness = None;
            if let ReturnType::Type(_, given) = &mut item.sig.output {
                let future = quote!(impl ::core::future::Future<Output = #given> + ::core::marker::Send);
                **given = syn::Type::Verbatim(future);
            }
            item
        });
        quote! {
            #(#attrs)*
            #[allow(dead_code, clippy::too_many_arguments, reason = "a service has what Java says; a client may be used without the trait")]
            #vis trait #name #colon #supertraits { #(#methods)* }
        }
    }

    /// Calls that say which version and group are meant.
    pub fn version_and_group(&self) -> TokenStream {
        let version = self.interface.version.iter().map(|version| quote!(.version(#version)));
        let group = self.interface.group.iter().map(|group| quote!(.group(#group)));
        quote!(#(#version)* #(#group)*)
    }
}
