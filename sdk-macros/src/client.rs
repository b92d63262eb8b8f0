//! The client that is made of a trait: its methods give a call, and as the trait it awaits it.
//!
//! ```text
//!   client.say_hello("bo").await                    Result<String, CallError>
//!   client.say_hello("bo").target("shanghai").await
//!   fn greet(by: &impl Greeting)                    the trait, for a client or for whatever stands for one in a test
//! ```
//!
//! It never calls anything itself.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Lifetime;

use crate::declared::Declared;
use crate::method::Method;
use crate::rust_type::name_lifetimes;

/// The names of functions that a client has beside the methods.
pub const OWN: [&str; 2] = ["new", "builder"];

/// The client, and the trait implemented for it.
pub fn make(of: &Declared) -> TokenStream {
    let Declared { vis, name, client, methods, .. } = of;
    let interface = &of.interface.name;
    let what = format!(
        "Calls `{}`. Each method gives a [`Call`](::highway_sdk::Call), which is made when it is awaited.",
        interface.value()
    );
    let new = "Refers to the service: its providers are looked up from now on.\n\n# Errors\nAs \
               [`ServiceBuilder::build`](::highway_sdk::ServiceBuilder::build).";
    let builder = "The service with all that can be said of it before it is referred to: addresses, options. A client is made `from` it.";
    let version_and_group = of.version_and_group();
    let calls = methods.iter().map(|method| call(of, method));
    let awaited = methods.iter().map(|method| awaits(of, method));
    quote! {
        #[doc = #what]
        #[derive(Debug, Clone)]
        #[allow(dead_code, reason = "a service has methods that not everybody calls")]
        #vis struct #client(::highway_sdk::Service);

        #[allow(dead_code, clippy::too_many_arguments, reason = "a service has what Java says; not everybody calls all of it")]
        impl #client {
            #[doc = #new]
            #vis fn new(highway: &::highway_sdk::Highway) -> ::core::result::Result<Self, ::highway_sdk::BuildError> {
                ::core::result::Result::Ok(Self(Self::builder(highway).build()?))
            }

            #[doc = #builder]
            #vis fn builder(highway: &::highway_sdk::Highway) -> ::highway_sdk::ServiceBuilder {
                highway.service(#interface) #version_and_group
            }

            #(#calls)*
        }

        #[automatically_derived]
        impl ::core::convert::From<::highway_sdk::Service> for #client {
            fn from(service: ::highway_sdk::Service) -> Self {
                Self(service)
            }
        }

        #[automatically_derived]
        impl ::core::convert::AsRef<::highway_sdk::Service> for #client {
            fn as_ref(&self) -> &::highway_sdk::Service {
                &self.0
            }
        }

        #[automatically_derived]
        #[allow(clippy::all, deprecated)]
        impl #name for #client {
            #(#awaited)*
        }
    }
}

/// The client's own method: it gives the call.
fn call(of: &Declared, method: &Method) -> TokenStream {
    let (vis, name, java, gives) = (&of.vis, &method.item.sig.ident, &method.java, &method.gives);
    let attrs = &method.item.attrs;
    let lifetime = Lifetime::new("'highway", Span::call_site());
    let names: Vec<_> = method.parameters.iter().map(|parameter| &parameter.name).collect();
    let types: Vec<_> = method
        .parameters
        .iter()
        .map(|parameter| {
            let mut ty = parameter.ty.clone();
            name_lifetimes(&mut ty, &lifetime);
            ty
        })
        .collect();
    let descriptors = method.parameters.iter().map(|parameter| match &parameter.descriptor {
        Some(descriptor) => quote!(::core::option::Option::Some(#descriptor)),
        None => quote!(::core::option::Option::None),
    });
    let undocumented = (!attrs.iter().any(|attribute| attribute.path().is_ident("doc"))).then(|| {
        let text = format!("Calls `{java}`.");
        quote!(#[doc = #text])
    });
    let one_way = method.is_one_way.then(|| quote!(.unanswered()));
    quote! {
        #undocumented
        #(#attrs)*
        #vis fn #name<#lifetime>(&self, #(#names: #types),*) -> ::highway_sdk::Call<(#(#types,)*), #gives> {
            self.0.call(#java, (#(#names,)*)).declared(&[#(#descriptors),*]) #one_way
        }
    }
}

/// The trait's method: it awaits the call.
fn awaits(of: &Declared, method: &Method) -> TokenStream {
    let (client, sig) = (&of.client, &method.item.sig);
    let (name, names) = (&sig.ident, method.parameters.iter().map(|parameter| &parameter.name));
    quote! {
        #sig {
            ::core::result::Result::Ok(#client::#name(self, #(#names),*).await?)
        }
    }
}
