//! Which handler a call is for: service by path, group and version, method by name and parameter types, as Java looks them up.
//!
//! ```text
//!   path, group, version ─▶ service ─┬─ $echo ─▶ the argument itself
//!                             none:  ├─ $invoke ─▶ method and types are its first two arguments
//!                          status 70 └─ method with these types, else the one that takes any      none: status 40
//! ```
//!
//! It never looks at the attachment `interface`, and never into an argument but those two.

use std::borrow::Cow;
use std::sync::Arc;

use client::Token;
use rustc_hash::FxHashMap;
use wire::dubbo::call::{Call, Generic};
use wire::dubbo::frame::Status;

use super::service::{Handler, Service};
use super::signature::{Method, descriptor_of};
use super::thrown::Refusal;
use super::token;
use crate::serialization::Decoder;

/// The method that every service has.
const ECHO: &str = "$echo";
/// What a refusal quotes of a peer's words at most.
const QUOTED_LEN: usize = 200;

/// All services of a provider.
pub(super) struct Services {
    all: FxHashMap<Arc<str>, Vec<Arc<Service>>>,
    /// What callers have to show.
    token: Option<Token>,
}

/// What a call is for.
pub(super) enum Found {
    Echo,
    Run(Run),
}

/// A service and the one of its handlers that runs a call.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) service: Arc<Service>,
    at: usize,
}

impl Run {
    pub(super) fn handler(&self) -> &Handler {
        &self.service.handlers[self.at]
    }
}

impl Services {
    pub(super) fn new(services: Vec<Service>, token: Option<Token>) -> Self {
        let mut all: FxHashMap<Arc<str>, Vec<Arc<Service>>> = FxHashMap::default();
        for service in services {
            all.entry(service.interface.clone()).or_default().push(Arc::new(service));
        }
        Self { all, token }
    }

    /// What `call` is for.
    pub(super) fn find(&self, call: &Call<'_>) -> Result<Found, Refusal> {
        if call.reverse.is_some() {
            return Err(refuse(
                Status::BAD_REQUEST,
                "this provider makes no calls back; call without callback arguments",
            ));
        }
        let service = self.service(call)?;
        if call.leading.method == ECHO {
            return match call.leading.arg_count {
                1 => Ok(Found::Echo),
                count => Err(refuse(Status::BAD_REQUEST, format!("{ECHO} takes one argument, found {count}"))),
            };
        }
        if let Some(token) = &self.token {
            token::admit(token, call, service)?;
        }
        let types = match call.generic {
            None => Some(Cow::Borrowed(&*call.leading.types)),
            Some(Generic::True | Generic::RawReturn) => generic_types(call)?.map(Cow::Owned),
            Some(kind) => {
                let text =
                    format!("this provider takes generic calls of kind true and raw.return, found {}", kind.name());
                return Err(refuse(Status::SERVICE_ERROR, text));
            }
        };
        let at = method(service, &call.method, types.as_deref())?;
        Ok(Found::Run(Run { service: service.clone(), at }))
    }

    fn service(&self, call: &Call<'_>) -> Result<&Arc<Service>, Refusal> {
        let of_interface = self.all.get(&*call.service).map(Vec::as_slice).unwrap_or_default();
        let is_asked = |service: &&Arc<Service>| {
            service.group.as_deref() == call.group.as_deref() && service.version.as_deref() == call.version.as_deref()
        };
        of_interface.iter().find(is_asked).ok_or_else(|| {
            let there: Vec<String> = of_interface.iter().map(|service| service.name()).collect();
            let asked = Service::new(&quoted(&call.service))
                .group(&quoted(call.group.as_deref().unwrap_or_default()))
                .version(&quoted(call.version.as_deref().unwrap_or_default()));
            let here = if there.is_empty() { "nothing of this interface".to_owned() } else { there.join(", ") };
            refuse(Status::SERVICE_ERROR, format!("the service {} is not served here; what is: {here}", asked.name()))
        })
    }
}

/// The overload with these types; without types the first of the name, as generic calls may leave them out.
fn method(service: &Service, name: &str, types: Option<&str>) -> Result<usize, Refusal> {
    let methods = || service.handlers.iter().map(|handler| &handler.method);
    let place =
        |is_meant: &dyn Fn(&Method) -> bool| methods().position(|method| method.name() == name && is_meant(method));
    let found = match types {
        None => place(&|_| true),
        Some(types) => place(&|method| method.parameters() == Some(types))
            .or_else(|| place(&|method| method.parameters().is_none())),
    };
    found.ok_or_else(|| {
        let of_name = methods().filter(|method| method.name() == name);
        let others: Vec<&str> = of_name.filter_map(Method::parameters).collect();
        let text = match (types, others.is_empty()) {
            (Some(types), false) => format!(
                "the method {} of {} has no overload with the parameters `{}`; what is: `{}`",
                quoted(name),
                service.name(),
                quoted(types),
                others.join("`, `")
            ),
            _ => format!("{} has no method {}", service.name(), quoted(name)),
        };
        refuse(Status::BAD_REQUEST, text)
    })
}

/// The descriptors that the second argument of a generic call comes to; `None` where it is null.
fn generic_types(call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let mut decoder = Decoder::new(call.codec, call.arguments());
    let names = decoder.take::<String>().and_then(|_| decoder.take::<Option<Vec<String>>>());
    let names = names.map_err(|error| refuse(Status::BAD_REQUEST, format!("the types of a generic call: {error}")))?;
    let Some(names) = names else { return Ok(None) };
    let mut types = String::new();
    for name in &names {
        types += &descriptor_of(name).ok_or_else(|| {
            let text =
                format!("found the parameter type `{}` in a generic call, wanted a name of Java's", quoted(name));
            refuse(Status::BAD_REQUEST, text)
        })?;
    }
    Ok(Some(types))
}

pub(super) fn refuse(status: Status, text: impl Into<String>) -> Refusal {
    Refusal { status, text: text.into() }
}

/// A peer's word, for an error: cut, and nothing in it that moves a cursor.
fn quoted(text: &str) -> String {
    text[..text.floor_char_boundary(QUOTED_LEN)].escape_debug().to_string()
}
