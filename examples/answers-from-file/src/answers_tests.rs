//! What the file may say, and what is said of what it may not.

use std::fs;

use chassis::config::{FileRead, settle_file};

use super::*;

const GOOD: &str = r#"
[[answer]]
service = "com.acme.Greeter"
method = "sayHello"
text = "closed"

[[answer]]
service = "g1/com.acme.Greeter:1.0.0"
method = "sayHello"
exception = "never again"

[[answer]]
service = "com.acme.Greeter"
method = "find"
null = true
"#;

/// Settles a configuration that is nothing but the section.
fn read(answers: &str) -> Result<(Answers, Vec<FileRead>), String> {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("main.toml");
    fs::write(&main, "file = \"answers.toml\"").unwrap();
    fs::write(folder.path().join("answers.toml"), answers).unwrap();
    let settled = settle_file(&main, &[], settle).map_err(|mistakes| mistakes.to_string())?;
    Ok((settled.config, settled.files))
}

#[test]
fn a_service_is_its_interface_with_group_and_version() {
    let (answers, files) = read(GOOD).unwrap();
    assert_eq!(answers.len(), 3);
    assert!(files.iter().any(|file| file.path().ends_with("answers.toml")), "it is watched");
    let of = |group: Option<&str>, version: Option<&str>, method: &str| {
        let wanted = Wanted { group: group.map(str::to_owned), version: version.map(str::to_owned) };
        let of_method = answers.0["com.acme.Greeter"].get(method)?;
        of_method.iter().find(|(known, _)| *known == wanted).map(|(_, answer)| answer.clone())
    };
    assert_eq!(of(None, None, "sayHello"), Some(Answer::Text("closed".to_owned())));
    assert_eq!(of(Some("g1"), Some("1.0.0"), "sayHello"), Some(Answer::Exception("never again".to_owned())));
    assert_eq!(of(None, None, "find"), Some(Answer::Null));
    assert_eq!(of(Some("g1"), None, "sayHello"), None);
}

#[test]
fn every_mistake_of_the_file_is_told_with_its_line() {
    let told = read(
        r#"
[[answer]]
service = "/com.acme.Greeter"
method = "sayHello"
text = "a"

[[answer]]
service = "com.acme.Greeter"
txt = "a"

[[answer]]
service = "com.acme.Greeter"
method = "sayHello"
text = "a"
exception = "b"

[[answer]]
service = "com.acme.Greeter"
method = "twice"
text = "a"

[[answer]]
service = "com.acme.Greeter"
method = "twice"
null = true
"#,
    )
    .unwrap_err();
    for wanted in [
        "answers.toml:3: answer[0].service: found \"/com.acme.Greeter\", wanted [group/]interface[:version]",
        "answers.toml:9: answer[1].txt: unknown key, did you mean `answer[1].text`",
        "answers.toml:7: answer[1].method: missing",
        "answers.toml:11: answer[2]: wanted one of `text`, `exception` and `null = true`",
        "answers.toml:22: answer[4]: answers a method that an earlier one answers already",
    ] {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("main.toml");
    fs::write(&main, "file = \"nowhere.toml\"").unwrap();
    let told = settle_file(&main, &[], settle).unwrap_err().to_string();
    assert!(told.contains("answers.file: cannot read") && told.contains("nowhere.toml"), "{told}");
}
