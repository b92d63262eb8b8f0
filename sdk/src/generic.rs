//! Calls of which no type is known here: by the name of the method and of its parameters' types, with any values.
//!
//! Objects go and come as maps with their class under `class`, which is what a provider without the caller's classes makes of them. It
//! never asks whether there is such a method.
//! Source: `GenericFilter` and `PojoUtils` of apache/dubbo.

use serde::de::DeserializeOwned;

use crate::Value;
use crate::call::Call;
use crate::service::Service;

/// The method that runs another one.
const INVOKE: &str = "$invoke";
/// Its parameters.
const TYPES: [&str; 3] = ["java.lang.String", "java.lang.String[]", "java.lang.Object[]"];
/// The attachment that says so; `true` is the form with maps.
const GENERIC: &str = "generic";

/// Arguments of a generic call: the method, the types of its parameters, its arguments.
pub type Generic = (String, Value, Value);

impl Service {
    /// A generic call of `method`: the types of its parameters as Java's source names them, and its arguments, which are plain values,
    /// lists, and maps for objects.
    ///
    /// ```no_run
    /// # use highway_sdk::{CallError, Service, Value};
    /// # async fn f(orders: Service) -> Result<(), CallError> {
    /// let order: Value = orders.generic("find", ["long"], [Value::Long(7)]).await?;
    /// println!("{:?}", order.get("total"));
    /// # Ok(()) }
    /// ```
    pub fn generic<R: DeserializeOwned>(
        &self,
        method: &str,
        types: impl IntoIterator<Item = impl Into<String>>,
        args: impl IntoIterator<Item = Value>,
    ) -> Call<Generic, R> {
        let array = |name: &str, items: Vec<Value>| Value::List { name: Some(name.to_owned()), items };
        let types = types.into_iter().map(|name| Value::Text(name.into())).collect();
        let args = args.into_iter().collect();
        let invoked = (method.to_owned(), array("[string", types), array("[object", args));
        self.call(INVOKE, invoked).types(TYPES).meaning(method).attachment(GENERIC, "true")
    }
}
