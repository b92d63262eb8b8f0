//! Typed clients: what the attribute makes of a trait.
//!
//! It never does anything itself: `sdk-macros` does.

/// Makes a typed client of a trait, and with the word `serve` what serves it.
///
/// ```no_run
/// use highway_sdk::{CallError, CallOptions, Highway};
///
/// #[highway_sdk::service("com.example.GreetingService", version = "1.0.0")]
/// trait Greeting {
///     /// Says hello.
///     async fn say_hello(&self, name: &str) -> Result<String, CallError>;
/// }
///
/// # async fn f(highway: Highway) -> Result<(), Box<dyn std::error::Error>> {
/// let greeting = GreetingClient::new(&highway)?;
/// let here = greeting.say_hello("bo").await?;
/// let there = greeting.say_hello("bo").target("shanghai").await?;
/// # Ok(()) }
/// ```
///
/// **The attribute** says the Java interface, and where there are any `version = "…"` and `group = "…"`.
///
/// **The client** of a trait `Greeting` is `GreetingClient`, as visible as the trait. Each of its methods gives a [`Call`](crate::Call), of which
/// can be said where it goes, how long it may take and so on, before it is awaited. `GreetingClient::new` refers to the service;
/// `GreetingClient::builder` gives the [`ServiceBuilder`](crate::ServiceBuilder) for whoever has more to say, and a client is made `from` its
/// [`Service`](crate::Service):
///
/// ```no_run
/// # use std::time::Duration;
/// # use highway_sdk::{CallError, CallOptions, Highway};
/// # #[highway_sdk::service("com.example.GreetingService")]
/// # trait Greeting { async fn say_hello(&self, name: &str) -> Result<String, CallError>; }
/// # fn f(highway: &Highway) -> Result<(), Box<dyn std::error::Error>> {
/// let patient = CallOptions::new().timeout(Duration::from_secs(30)).repeats(2);
/// let greeting = GreetingClient::from(GreetingClient::builder(highway).method("sayHello", patient).build()?);
/// # Ok(()) }
/// ```
///
/// **The trait** stays what it is, and the client implements it: code that takes an `impl Greeting` takes in a test whatever else
/// implements it, with `async fn`. Its methods may give any error that a `CallError` becomes by `?`.
///
/// **Methods** begin with `&self`, take what serde can write and give a `Result`. In Java `say_hello` is `sayHello`, or what
/// `#[java("hello")]` says; two Rust methods of one Java name are overloads. `#[one_way]` makes calls that nobody answers.
///
/// **The Java types of parameters**, by which a provider finds an overload, and since 3.0 every method:
///
/// | Rust | Java |
/// |---|---|
/// | `bool`, `i8`, `i16`, `i32`, `i64`, `f32`, `f64`, `char` | `boolean`, `byte`, `short`, `int`, `long`, `float`, `double`, `char` |
/// | `u8` and `u16`; `u32` and `u64` | `int`; `long` |
/// | `Option` of one of these | `Boolean`, `Integer` and so on; so `None` can be sent |
/// | `&str`, `String` | `java.lang.String` |
/// | `Vec`, slices, arrays, tuples; `HashSet`, `BTreeSet`; `HashMap`, `BTreeMap` | `java.util.List`; `Set`; `Map` |
/// | `java::Bytes`, `java::Date` and the others of [`java`](crate::java), named with their module | `byte[]`, `java.util.Date`, … |
/// | `Option`, references, `Box`, `Rc`, `Arc`, `Cow` | what is in them |
/// | anything else | what the value says when it is sent, as with [`Service::call`](crate::Service::call): for `None` nothing |
///
/// `#[java("java.util.Collection")]` in front of a parameter says it where Java declares it otherwise, or where nothing tells it.
///
/// ```no_run
/// # use highway_sdk::CallError;
/// # use serde::Serialize;
/// # #[derive(Serialize)] #[serde(rename = "com.acme.Filter")] struct Filter;
/// #[highway_sdk::service("com.acme.Orders", group = "eu")]
/// trait Orders {
///     async fn add(&self, a: i32, b: i64) -> Result<i64, CallError>;
///
///     #[java("add")]
///     async fn add_texts(&self, a: &str, b: &str) -> Result<String, CallError>;
///
///     async fn count(&self, #[java("com.acme.Filter")] by: Option<&Filter>) -> Result<i32, CallError>;
///
///     #[one_way]
///     async fn note(&self, text: &str) -> Result<(), CallError>;
/// }
/// ```
///
/// **The word `serve`** behind the name makes `GreetingServer` too, with whose help a [`Provider`](crate::provider::Provider) serves the trait:
///
/// ```no_run
/// use highway_sdk::provider::{Provider, Thrown};
///
/// #[highway_sdk::service("com.example.GreetingService", serve)]
/// trait Greeting {
///     async fn say_hello(&self, name: &str) -> Result<String, Thrown>;
/// }
///
/// struct Polite;
///
/// impl Greeting for Polite {
///     async fn say_hello(&self, name: &str) -> Result<String, Thrown> {
///         Ok(format!("good day, {name}"))
///     }
/// }
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let provider = Provider::builder().listen("0.0.0.0:20880").serve(GreetingServer::service(Polite)).start().await?;
/// # Ok(()) }
/// ```
///
/// What the methods take is read then, and what they give is written, so types are both `Serialize` and `Deserialize`; the error is a
/// [`Thrown`](crate::provider::Thrown) or becomes one by `?`.
pub use highway_sdk_macros::service;
