//! What the attribute says of a service: `"com.acme.Greeter", version = "1.0.0", group = "eu", serve`.
//!
//! It never asks a registry whether there is such a service.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Result, Token};

/// A service, by the words of its attribute.
pub struct Interface {
    pub name: LitStr,
    pub version: Option<LitStr>,
    pub group: Option<LitStr>,
    /// The word `serve`, if it is said.
    pub serve: Option<Span>,
}

impl Parse for Interface {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(LitStr) {
            let wanted =
                "found no Java interface, wanted its full name first: `#[service(\"com.example.GreetingService\")]`";
            let at = if input.is_empty() { Span::call_site() } else { input.span() };
            return Err(Error::new(at, wanted));
        }
        let name: LitStr = input.parse()?;
        let is_name =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
        if !name.value().split('.').all(is_name) {
            let text =
                format!("found the interface `{}`, wanted a name such as `com.example.GreetingService`", name.value());
            return Err(Error::new(name.span(), text));
        }
        let mut said = Self { name, version: None, group: None, serve: None };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if !input.is_empty() {
                said.word(input)?;
            }
        }
        Ok(said)
    }
}

impl Interface {
    fn word(&mut self, input: ParseStream<'_>) -> Result<()> {
        const WANTED: &str = "wanted `version = \"…\"`, `group = \"…\"` or `serve`";
        let key: Ident = input.parse().map_err(|error| Error::new(error.span(), WANTED))?;
        let place = match &*key.to_string() {
            "serve" if self.serve.is_none() => {
                self.serve = Some(key.span());
                return Ok(());
            }
            "version" if self.version.is_none() => &mut self.version,
            "group" if self.group.is_none() => &mut self.group,
            "serve" | "version" | "group" => return Err(Error::new(key.span(), format!("found `{key}` twice"))),
            _ => return Err(Error::new(key.span(), format!("found `{key}`, {WANTED}"))),
        };
        input.parse::<Token![=]>()?;
        *place = Some(input.parse()?);
        Ok(())
    }
}
