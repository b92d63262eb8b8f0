//! What the attribute refuses, as rustc shows it: a sentence, and the words that it points at, which stand between « and » here.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

/// The macros as they were built for this test: the newest there are beside it.
fn library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let name = format!("{}highway_sdk_macros-", std::env::consts::DLL_PREFIX);
    let is_it = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.starts_with(&name) && file.ends_with(std::env::consts::DLL_SUFFIX)
    };
    let made = |path: &PathBuf| path.metadata().and_then(|of| of.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let files = std::fs::read_dir(deps).unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    files.filter(is_it).max_by_key(made).unwrap()
}

/// What rustc says of a source: of each error its words and what it points at.
fn said(source: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("case.rs");
    std::fs::write(&file, source).unwrap();
    let compiled = rustc(&file, folder.path());
    let lines = compiled.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let errors = lines
        .filter(|line| line["level"] == "error" && line["spans"].as_array().is_some_and(|spans| !spans.is_empty()));
    let said: Vec<_> = errors
        .map(|error| {
            let span = &error["spans"][0];
            let at = |end: &str| usize::try_from(span[end].as_u64().unwrap()).unwrap();
            (error["message"].as_str().unwrap().to_owned(), source[at("byte_start")..at("byte_end")].to_owned())
        })
        .collect();
    assert!(!said.is_empty(), "rustc found nothing wrong with\n{source}\nand said\n{compiled}");
    said
}

fn rustc(file: &Path, into: &Path) -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut found = std::ffi::OsString::from("highway_sdk=");
    found.push(library());
    let made = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--error-format", "json", "--out-dir"])
        .arg(into)
        .arg("--extern")
        .arg(found)
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8(made.stderr).unwrap()
}

/// Asserts that the attribute says these sentences of the source, each of the words that are marked for it.
fn refuses(marked: &str, sentences: &[&str]) {
    let source = format!("#![allow(unused)] struct CallError; struct T;\n{}", marked.replace(['«', '»'], ""));
    let words: Vec<&str> = marked.split('«').skip(1).map(|rest| rest.split('»').next().unwrap()).collect();
    let wanted: Vec<(String, String)> =
        sentences.iter().zip(words).map(|(sentence, words)| ((*sentence).to_owned(), words.to_owned())).collect();
    assert_eq!(wanted.len(), sentences.len(), "mark what each sentence points at");
    assert_eq!(said(&source), wanted, "{marked}");
}

/// The same of one method of a good trait.
fn refuses_method(marked: &str, sentence: &str) {
    refuses(&format!("#[highway_sdk::service(\"com.acme.Greeter\")] trait Greeter {{ {marked} }}"), &[sentence]);
}

#[test]
fn an_attribute_without_an_interface_is_told_what_to_say() {
    let wanted = "found no Java interface, wanted its full name first: `#[service(\"com.example.GreetingService\")]`";
    for attribute in
        ["«#[highway_sdk::service]»", "«#[highway_sdk::service()]»", "#[highway_sdk::service(«version» = \"1\")]"]
    {
        refuses(&format!("{attribute} trait Greeter {{}}"), &[wanted]);
    }
    refuses(
        "#[highway_sdk::service(«\"com.acme.Greeter:1.0\"»)] trait Greeter {}",
        &["found the interface `com.acme.Greeter:1.0`, wanted a name such as `com.example.GreetingService`"],
    );
    refuses(
        "#[highway_sdk::service(\"com.acme.Greeter\", «timeout» = \"1s\")] trait Greeter {}",
        &["found `timeout`, wanted `version = \"…\"`, `group = \"…\"` or `serve`"],
    );
    refuses(
        "#[highway_sdk::service(\"com.acme.Greeter\", version = \"1\", «version» = \"2\")] trait Greeter {}",
        &["found `version` twice"],
    );
}

#[test]
fn only_a_plain_trait_of_methods_is_a_service() {
    refuses(
        "#[highway_sdk::service(\"com.acme.Greeter\")] «struct Greeter;»",
        &["found no trait, wanted `#[highway_sdk::service(\"…\")]` in front of one"],
    );
    refuses(
        "#[highway_sdk::service(\"com.acme.Greeter\")] trait Greeter«<K>» {}",
        &["found generics, wanted none: a service of Java's has the types that it has there"],
    );
    refuses_method("«type Name;»", "found something that is no method, wanted methods alone");
}

#[test]
fn a_method_is_called_by_a_shared_reference() {
    for receiver in ["«&mut self», a: i32", "«self»", "«self: Box<Self>»", "«&'static self»"] {
        refuses_method(
            &format!("async fn greet({receiver}) -> Result<(), CallError>;"),
            "found another receiver, wanted `&self`: calls share their client",
        );
    }
    refuses_method(
        "async fn greet(«a: i32») -> Result<(), CallError>;",
        "found no receiver, wanted `&self`: calls share their client",
    );
    refuses_method(
        "async fn «greet»() -> Result<(), CallError>;",
        "found no receiver, wanted `&self`: calls share their client",
    );
}

#[test]
fn a_method_is_one_of_javas() {
    refuses_method(
        "async fn greet«<K: Clone>»(&self, key: K) -> Result<(), CallError>;",
        "found generics, wanted none: each call is of one method of Java's, with the types that it has there",
    );
    refuses_method(
        "async fn greet(&self, key: «impl Clone») -> Result<(), CallError>;",
        "found `impl`, wanted a type: each call is of one method of Java's",
    );
    refuses_method(
        "async fn greet(&self, key: «&mut T») -> Result<(), CallError>;",
        "found `&mut`, wanted `&`: an argument is sent and never comes back",
    );
    refuses_method(
        "async fn greet(&self, «(a, b)»: (i32, i32)) -> Result<(), CallError>;",
        "found a pattern, wanted the name of the parameter",
    );
    refuses_method(
        "«fn» greet(&self) -> Result<(), CallError>;",
        "found a method that is not `async`, wanted `async fn`; the client's own methods give a `Call`, which can wait without a runtime too",
    );
    refuses_method(
        "async fn greet(&self) -> Result<(), CallError> «{ Ok(()) }»",
        "found a body, wanted none: the method runs at a provider",
    );
}

#[test]
fn a_method_gives_a_result() {
    const WANTED: &str = "wanted `Result<…, CallError>`, or with another error that is made of a `CallError`";
    refuses_method("async fn greet(&self«)»;", &format!("found no answer, {WANTED}; `void` is `()`"));
    refuses_method("async fn greet(&self) -> «String»;", &format!("found another answer than a `Result`, {WANTED}"));
    refuses_method(
        "async fn greet(&self) -> Result<«&str», CallError>;",
        "found a reference inside of a type, wanted something that owns what it holds, such as `String`",
    );
    refuses_method(
        "#[one_way] async fn greet(&self) -> Result<«String», CallError>;",
        "found a one-way method that gives something, wanted `Result<(), …>`: nobody answers such a call",
    );
}

#[test]
fn java_names_are_held_to_javas_rules() {
    const WANTED: &str = "wanted a name of Java's: `#[java(\"sayHello\")]` of a method, `#[java(\"java.util.Collection\")]` of a parameter";
    refuses_method("«#[java]» async fn greet(&self) -> Result<(), CallError>;", WANTED);
    refuses_method("«#[java(name = \"greet\")]» async fn greet(&self) -> Result<(), CallError>;", WANTED);
    refuses_method(
        "#[java(«\"say hello\"»)] async fn greet(&self) -> Result<(), CallError>;",
        "found the method `say hello`, wanted a name of Java's: `#[java(\"sayHello\")]`",
    );
    refuses_method(
        "#[java(\"a\")] «#[java(\"b\")]» async fn greet(&self) -> Result<(), CallError>;",
        "found `#[java]` twice",
    );
    refuses_method(
        "async fn greet(&self, #[java(«\"List<String>\"»)] all: T) -> Result<(), CallError>;",
        "found the Java type `List<String>`, wanted it without its type arguments: `int`, `java.util.Collection`, `com.example.Order[]`",
    );
    refuses_method(
        "async fn greet(&self, #[java(«\"String\"»)] all: T) -> Result<(), CallError>;",
        "found the Java type `String`, wanted it in full: `int`, `java.util.Collection`, `com.example.Order[]`",
    );
    refuses_method(
        "«#[retries(2)]» async fn greet(&self) -> Result<(), CallError>;",
        "found an attribute that means nothing here, wanted `#[java(\"sayHello\")]`, `#[one_way]` or documentation",
    );
    refuses_method(
        "async fn greet(&self, «#[name(\"x\")]» all: T) -> Result<(), CallError>;",
        "found an attribute of a parameter, wanted none but `#[java(\"…\")]`",
    );
    refuses_method(
        "async fn «new»(&self) -> Result<(), CallError>;",
        "found the method `new`, which is the client's own; name it otherwise, with `#[java(\"new\")]`",
    );
}

#[test]
fn overloads_of_the_same_types_are_one_method_too_many() {
    refuses_method(
        "async fn add(&self, a: i32, b: &str) -> Result<(), CallError>;
         #[java(«\"add\"»)] async fn add_more(&self, c: u16, d: String) -> Result<(), CallError>;",
        "found `add_more` and `add`, which are both `add(I, Ljava/lang/String;)` in Java; name another method or other types with `#[java(\"…\")]`",
    );
    refuses_method(
        "async fn put(&self, a: T) -> Result<(), CallError>;
         #[java(«\"put\"»)] async fn put_more(&self, b: T) -> Result<(), CallError>;",
        "found `put_more` and `put`, which are both `put(T)` in Java; name another method or other types with `#[java(\"…\")]`",
    );
}

#[test]
fn a_provider_owns_its_arguments_and_tells_overloads_by_their_types() {
    refuses(
        "#[highway_sdk::service(\"com.acme.Greeter\", serve)] trait Greeter {
             async fn greet(&self, all: Vec<«&str»>) -> Result<(), CallError>;
         }",
        &["found a reference inside of a type, wanted something that owns what it holds, such as `String`"],
    );
    refuses(
        "#[highway_sdk::service(\"com.acme.Greeter\", serve)] trait Greeter {
             async fn put(&self, a: i32) -> Result<(), CallError>;
             #[java(\"put\")] async fn put_more(&self, «b»: T) -> Result<(), CallError>;
         }",
        &[
            "found an overload of `put` with a type that nothing tells in Java, wanted `#[java(\"com.example.Order\")]` here",
        ],
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    refuses(
        "#[highway_sdk::service(«\"\"»)] trait Greeter {
             async fn one(«self») -> Result<(), CallError>;
             async fn two(&self) -> «i32»;
         }",
        &[
            "found the interface ``, wanted a name such as `com.example.GreetingService`",
            "found another receiver, wanted `&self`: calls share their client",
            "found another answer than a `Result`, wanted `Result<…, CallError>`, or with another error that is made of a `CallError`",
        ],
    );
}
