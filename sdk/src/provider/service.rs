//! A service that is served: its name, and which handler runs which method.
//!
//! It never knows an address.

use std::future::Future;
use std::sync::Arc;

use serde::Serialize;

use super::serve::{Closure, Serve};
use super::{Invocation, Method, Thrown};

/// An interface with handlers for its methods.
#[derive(Clone)]
pub struct Service {
    pub(super) interface: Arc<str>,
    pub(super) group: Option<Arc<str>>,
    pub(super) version: Option<Arc<str>>,
    pub(super) handlers: Vec<Handler>,
    mistakes: Vec<String>,
}

/// A method and what runs it.
#[derive(Clone)]
pub(super) struct Handler {
    pub(super) method: Method,
    /// The method's number there.
    pub(super) index: usize,
    pub(super) serve: Arc<dyn Serve>,
}

impl Service {
    /// An interface by its Java name, without methods so far.
    #[must_use]
    pub fn new(interface: &str) -> Self {
        Self { interface: interface.into(), group: None, version: None, handlers: Vec::new(), mistakes: Vec::new() }
    }

    /// In this group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.into()).filter(|group: &Arc<str>| !group.is_empty());
        self
    }

    /// In this version; `0.0.0` is none.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.into()).filter(|version: &Arc<str>| !matches!(&**version, "" | "0.0.0"));
        self
    }

    /// A method by its name, or by name and Java types where it is one of several overloads: `add(int,long)`.
    ///
    /// ```
    /// use highway_sdk::provider::{Invocation, Service};
    ///
    /// Service::new("com.acme.Sums")
    ///     .method("add(int,long)", |call: Invocation| async move {
    ///         let (a, b): (i32, i64) = call.args()?;
    ///         Ok(i64::from(a) + b)
    ///     })
    ///     .method("add(java.lang.String,java.lang.String)", |call: Invocation| async move {
    ///         let (a, b): (String, String) = call.args()?;
    ///         Ok(a + &b)
    ///     });
    /// ```
    #[must_use]
    pub fn method<F, Fut, R>(mut self, signature: &str, handler: F) -> Self
    where
        F: Fn(Invocation) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Thrown>> + Send + 'static,
        R: Serialize + 'static,
    {
        match Method::parse(signature) {
            Ok(method) => self.serve(Closure::new(method, handler)),
            Err(mistake) => {
                self.mistakes.push(mistake);
                self
            }
        }
    }

    /// All methods of this.
    #[must_use]
    pub fn serve(mut self, serve: impl Serve) -> Self {
        let serve: Arc<dyn Serve> = Arc::new(serve);
        for (index, method) in serve.methods().into_iter().enumerate() {
            if self.handlers.iter().any(|handler| handler.method == method) {
                self.mistakes.push(format!("found the method `{}` twice with the same parameters", method.name()));
            }
            self.handlers.push(Handler { method, index, serve: serve.clone() });
        }
        self
    }

    /// What is wrong with it, in words.
    pub(super) fn mistake(&self) -> Option<String> {
        let nameless = self.interface.is_empty().then(|| "found an empty name of an interface".to_owned());
        nameless.or_else(|| self.mistakes.first().cloned())
    }

    /// What Dubbo calls it: `group/interface:version`.
    pub(super) fn name(&self) -> String {
        let group = self.group.as_ref().map(|group| format!("{group}/")).unwrap_or_default();
        let version = self.version.as_ref().map(|version| format!(":{version}")).unwrap_or_default();
        format!("{group}{}{version}", self.interface)
    }
}
