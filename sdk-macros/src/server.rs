//! What serves the trait, where the attribute has the word `serve`: it reads the arguments of each call and hands them to whoever
//! implements the trait.
//!
//! It never runs where nothing in Java could have called it: an overload is found by its types, another method by its name.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Ident, Result};

use crate::declared::Declared;
use crate::method::{Method, Mistakes};
use crate::rust_type::owned;

/// The server, if it is asked for.
///
/// # Errors
/// A parameter cannot be read into something that owns it, or overloads cannot be told apart.
pub fn make(of: &Declared) -> Result<Option<TokenStream>> {
    if of.interface.serve.is_none() {
        return Ok(None);
    }
    let mut mistakes = Mistakes::default();
    let runs: Vec<_> =
        of.methods.iter().enumerate().filter_map(|(at, method)| mistakes.of(run(of, at, method))).collect();
    let methods: Vec<_> = of.methods.iter().filter_map(|method| mistakes.of(found_by(of, method))).collect();
    mistakes.none()?;
    let Declared { vis, name, .. } = of;
    let interface = &of.interface.name;
    let server = format_ident!("{name}Server");
    let what = format!("Serves `{}` with whatever implements [`{name}`].", interface.value());
    let version_and_group = of.version_and_group();
    Ok(Some(quote! {
        #[doc = #what]
        #vis struct #server<T>(::std::sync::Arc<T>);

        impl<T: #name + ::core::marker::Send + ::core::marker::Sync + 'static> #server<T> {
            /// The service, for a provider to serve.
            #vis fn service(handler: T) -> ::highway_sdk::provider::Service {
                ::highway_sdk::provider::Service::new(#interface) #version_and_group.serve(Self(::std::sync::Arc::new(handler)))
            }
        }

        #[automatically_derived]
        #[allow(clippy::all, deprecated)]
        impl<T: #name + ::core::marker::Send + ::core::marker::Sync + 'static> ::highway_sdk::provider::Serve for #server<T> {
            fn methods(&self) -> ::std::vec::Vec<::highway_sdk::provider::Method> {
                ::std::vec![#(#methods),*]
            }

            fn call(&self, index: usize, call: ::highway_sdk::provider::Invocation) -> ::highway_sdk::provider::Outcome {
                let handler = ::std::sync::Arc::clone(&self.0);
                match index {
                    #(#runs)*
                    _ => ::std::boxed::Box::pin(::core::future::ready(::core::result::Result::Err(
                        ::highway_sdk::provider::Thrown::new("there is no such method"),
                    ))),
                }
            }
        }
    }))
}

/// Reads the arguments, runs the method, writes what it gives.
fn run(of: &Declared, at: usize, method: &Method) -> Result<TokenStream> {
    let (name, rust) = (&of.name, &method.item.sig.ident);
    let mut mistakes = Mistakes::default();
    let values: Vec<Ident> = (0..method.parameters.len())
        .map(|number| Ident::new(&format!("argument_{number}"), Span::mixed_site()))
        .collect();
    let owned: Vec<_> = method
        .parameters
        .iter()
        .zip(&values)
        .filter_map(|(parameter, value)| mistakes.of(owned(&parameter.ty, &quote!(#value))))
        .collect();
    mistakes.none()?;
    let (read, handed) = (owned.iter().map(|owned| &owned.read), owned.iter().map(|owned| &owned.handed));
    Ok(quote! {
        #at => ::std::boxed::Box::pin(async move {
            let (#(#values,)*): (#(#read,)*) = call.args()?;
            call.answer(&<T as #name>::#rust(&handler, #(#handed),*).await?)
        }),
    })
}

/// By what a consumer's call finds the method.
fn found_by(of: &Declared, method: &Method) -> Result<TokenStream> {
    let java = &method.java;
    if of.methods.iter().filter(|other| other.java == *java).count() == 1 {
        return Ok(quote!(::highway_sdk::provider::Method::any(#java)));
    }
    match method.descriptors() {
        Some(descriptors) => Ok(quote!(::highway_sdk::provider::Method::overload(#java, #descriptors))),
        None => {
            let untold = method.parameters.iter().find(|parameter| parameter.descriptor.is_none());
            let at = untold.map_or(method.named_at, |parameter| parameter.name.span());
            let text = format!(
                "found an overload of `{java}` with a type that nothing tells in Java, wanted `#[java(\"com.example.Order\")]` here"
            );
            Err(Error::new(at, text))
        }
    }
}
