//! What somebody who types `highway …` gets: the real binary, its words and its exit codes.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands, in its helpers too")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tunnel::key::{PrivateKey, PublicKey};

fn highway(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_highway")).args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap().trim_end().to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_new_key_is_its_owners_alone_and_its_public_half_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gw.key");
    let made = highway(&["key", "new", "--out", file.to_str().unwrap()]);
    assert!(made.status.success(), "{}", err(&made));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = PrivateKey::from_file_content(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(out(&made).parse::<PublicKey>().unwrap(), key.public().unwrap());
    let shown = highway(&["key", "show", file.to_str().unwrap()]);
    assert_eq!(out(&shown), out(&made));
    assert!(!out(&made).contains(&key.to_text()) && !err(&made).contains(&key.to_text()));
}

#[test]
fn a_key_for_a_gateway_is_printed_as_the_entry_of_the_policy_and_what_comes_next_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gw.key");
    let of = |island| {
        let who = ["--island", island, "--role", "ingress", "--gateway", "beijing-ingress-1"];
        highway(&[&["key", "new", "--out", file.to_str().unwrap()], &who[..]].concat())
    };
    let wrong = of("Bei jing");
    assert_eq!((wrong.status.code(), file.exists()), (Some(2), false), "{}", err(&wrong));
    let made = of("beijing");
    let public = PrivateKey::from_file_content(&std::fs::read(&file).unwrap()).unwrap().public().unwrap();
    let entry = format!(
        "[[island]]\nid = \"beijing\"\n  [[island.gateway]]\n  id = \"beijing-ingress-1\"\n  role = \"ingress\"\n  key = \"{public}\""
    );
    assert_eq!(out(&made), entry);
    assert!(err(&made).contains("at the hub") && err(&made).contains("ingress-gw --check"), "{}", err(&made));
    let half = highway(&["key", "new", "--out", "x", "--island", "beijing"]);
    assert_eq!(half.status.code(), Some(2), "an entry has all three");
    assert!(!std::path::Path::new("x").exists());
}

#[test]
fn a_key_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gw.key");
    std::fs::write(&file, "precious").unwrap();
    let made = highway(&["key", "new", "--out", file.to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(1));
    assert!(err(&made).contains("File exists"), "{}", err(&made));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gw.key");
    highway(&["key", "new", "--out", file.to_str().unwrap()]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let shown = highway(&["key", "show", file.to_str().unwrap()]);
    assert_eq!((shown.status.code(), out(&shown)), (Some(1), String::new()));
    assert!(err(&shown).contains("has mode 640, wanted a file that only its owner can read"), "{}", err(&shown));
}

#[test]
fn a_file_that_is_no_key_is_refused_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other");
    std::fs::write(&file, "hush hush").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let shown = highway(&["key", "show", file.to_str().unwrap()]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(err(&shown).contains("wanted one line highway-key-1:"), "{}", err(&shown));
    assert!(!err(&shown).contains("hush"));
}

/// A folder with `highway` and a stand-in for a program that shows how it was called. Made by a shell: what this process
/// itself has open for writing, a child of another test's fork may still hold when it is to be run ("text file busy").
fn beside(program: &str, code: u8) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script =
        r#"cp "$HIGHWAY" highway && printf '#!/bin/sh\necho "$0 $@"\nexit %s\n' "$2" > "$1" && chmod 755 "$1""#;
    let made = Command::new("sh")
        .args(["-c", script, "sh", program, &code.to_string()])
        .env("HIGHWAY", env!("CARGO_BIN_EXE_highway"))
        .current_dir(folder.path())
        .status();
    assert!(made.unwrap().success());
    folder
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(folder.join("highway")).arg("check").args(arguments).env("PATH", "/usr/bin:/bin").output().unwrap()
}

#[test]
fn a_check_asks_the_program_and_passes_its_answer_through() {
    for code in [0, 2] {
        let folder = beside("egress-gw", code);
        let checked = check(folder.path(), &["conf/egress-gw.toml"]);
        assert_eq!(checked.status.code(), Some(code.into()));
        let program = folder.path().join("egress-gw");
        assert_eq!(out(&checked), format!("{} --check --config conf/egress-gw.toml", program.display()));
        let checked = check(folder.path(), &["--kind", "egress-gw", "any.toml"]);
        assert!(out(&checked).ends_with("--config any.toml"));
    }
}

#[test]
fn a_check_of_a_file_that_could_be_anything_says_what_is_wanted() {
    let folder = beside("egress-gw", 0);
    let checked = check(folder.path(), &["any.toml"]);
    assert_eq!(checked.status.code(), Some(2));
    assert!(
        err(&checked).contains("wanted --kind with one of central-hub, egress-gw, ingress-gw"),
        "{}",
        err(&checked)
    );
}

#[test]
fn a_program_that_is_not_there_is_said() {
    let folder = beside("egress-gw", 0);
    let checked = check(folder.path(), &["central-hub.toml"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(err(&checked).contains("found no central-hub beside"), "{}", err(&checked));
}

/// An admin listener of a real process.
fn admin(token: Option<&str>) -> String {
    let token = token.map(chassis::Secret::new);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (process, _teller) = chassis::Process::alone();
            process.status.source("links", || serde_json::json!([{ "hub": "hub-1", "state": "up" }]));
            let admin = chassis::admin::Admin { listen: vec!["127.0.0.1:0".parse().unwrap()], token };
            let server = chassis::admin::serve(&admin, &process).unwrap();
            tell.send(server.addresses()[0]).unwrap();
            std::future::pending::<()>().await;
        });
    });
    format!("http://{}", told.recv().unwrap())
}

#[test]
fn a_status_is_shown_for_people_and_for_programs() {
    let admin = admin(None);
    assert_eq!(out(&highway(&["status", "--long", "--admin", &admin])), "links:\n  - hub: hub-1\n    state: up");
    let json = out(&highway(&["status", "--json", "--admin", &admin]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json, serde_json::json!({ "links": [{ "hub": "hub-1", "state": "up" }] }));
}

#[test]
fn a_status_behind_a_token_wants_its_file() {
    let admin = admin(Some("hush"));
    let refused = highway(&["status", "--admin", &admin]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("wants its token: --token-file FILE"), "{}", err(&refused));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "hush\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let shown = highway(&["status", "--long", "--admin", &admin, "--token-file", file.to_str().unwrap()]);
    assert!(out(&shown).starts_with("links:"), "{}", err(&shown));
}

#[test]
fn a_health_check_is_answered_by_the_exit_code() {
    // It has no condition and no drain, and nobody told it to end.
    let admin = admin(None);
    let good = highway(&["ready", "--alive", "--admin", &admin]);
    assert_eq!(good.status.code(), Some(0), "{}", err(&good));
    let not_yet =
        answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 33\r\n\r\nlink to a hub: no link is up yet\n");
    let asked = highway(&["ready", "--admin", &not_yet]);
    assert_eq!(
        (asked.status.code(), out(&asked)),
        (Some(3), "link to a hub: no link is up yet".to_owned()),
        "{}",
        err(&asked)
    );
    let nobody = highway(&["ready", "--admin", "http://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(1), "{}", err(&nobody));
}

#[test]
fn a_new_island_is_made_once_and_says_what_the_hub_has_to_know() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let words = ["island", "new", "beijing", "--dir", dir, "--hub", "http://hub:8443", "--registry", "zk1:2181"];
    let hub_key = PrivateKey::generate().unwrap().public().unwrap().to_string();
    let all = [&words[..], &["--hub-key", &hub_key, "--import", "com.a.*", "--export", "com.b.*"]].concat();
    let made = highway(&all);
    assert!(made.status.success(), "{}", err(&made));
    let lines = out(&made);
    assert!(
        lines.starts_with("[[island]]\nid = \"beijing\"\n  [[island.gateway]]\n  id = \"beijing-egress-1\""),
        "{lines}"
    );
    assert_eq!(lines.matches("key = \"highway-pub-1:").count(), 2, "{lines}");
    assert!(err(&made).contains("systemctl enable --now highway-egress-gw highway-ingress-gw"), "{}", err(&made));
    for key in ["egress.key", "ingress.key"] {
        assert_eq!(std::fs::metadata(folder.path().join(key)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let egress = folder.path().join("egress-gw.toml");
    let written = std::fs::read_to_string(&egress).unwrap();
    assert!(
        written.contains(&format!("key = [\"{hub_key}\"]")) && written.contains("service = \"com.a.*\""),
        "{written}"
    );
    std::fs::write(&egress, "mine").unwrap();
    let again = highway(&all);
    assert_eq!(out(&again), lines, "the keys are kept");
    assert_eq!(std::fs::read_to_string(&egress).unwrap(), "mine");
    assert_eq!(out(&highway(&["island", "keys", "beijing", "--dir", dir])), lines);
    let wrong = highway(&["island", "keys", "Bei jing", "--dir", dir]);
    assert_eq!(wrong.status.code(), Some(2), "{}", err(&wrong));
}

#[test]
fn a_key_that_is_there_is_kept_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.key");
    let words = ["key", "new", "--keep", "--out", file.to_str().unwrap()];
    let (first, second) = (highway(&words), highway(&words));
    assert!(second.status.success() && out(&first) == out(&second), "{}", err(&second));
    assert!(err(&first).contains("next: this public half goes to"), "{}", err(&first));
}

#[test]
fn an_address_where_nobody_is_ends_with_a_sentence() {
    // A port that the system never gives to anybody who asks for any.
    let nobody = "127.0.0.1:1";
    let asked = highway(&["status", "--admin", &format!("http://{nobody}")]);
    assert_eq!(asked.status.code(), Some(1));
    assert!(err(&asked).contains(&format!("cannot reach {nobody}: Connection refused")), "{}", err(&asked));
    for address in ["https://127.0.0.1", "127.0.0.1", "http://a b"] {
        let asked = highway(&["status", "--admin", address]);
        assert_eq!(asked.status.code(), Some(2), "{address}");
        assert!(err(&asked).contains("wanted http://HOST:PORT"), "{}", err(&asked));
    }
}

/// A program that answers every request with this.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read(&mut [0; 8192]).unwrap();
            socket.write_all(answer).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn bad_arguments_end_with_2_whatever_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("egress-gw.toml");
    std::fs::write(&broken, "[island]\n").unwrap();
    let broken = broken.to_str().unwrap();
    let good = folder.path().join("shop.yaml");
    std::fs::write(&good, "application: shop\nrules: []\n").unwrap();
    let good = good.to_str().unwrap();
    for arguments in [
        &["leave", broken][..],
        &["rules", "get", "--config", broken],
        &["explain", "a.B", "m", "--attachment", "x"],
        &["explain", "a.B", "m", "--target", "a", "--attachment", "highway.target=b"],
        &["explain", "a.B", "m", "--admin", "nonsense"],
        &["rules", "check", "--live", "nonsense", good],
        &["rules", "nonsense"],
        &["sdk", "generate", "a.B"],
        &["sdk", "generate", "a.B", "--config", broken],
        &["sdk", "generate", "a/B", "--registry", "127.0.0.1:1"],
    ] {
        let typed = highway(arguments);
        assert_eq!(typed.status.code(), Some(2), "{arguments:?}: {}", err(&typed));
    }
    assert!(out(&highway(&["rules", "check", good])).contains(": good, "));
}

/// `highway … | head -1`: who reads no further is told nothing more, and what was asked for ends as it does.
#[test]
fn an_output_that_nobody_reads_changes_no_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let good = file("shop.yaml", "application: shop\nrules: []\n");
    let broken = file("broken.yaml", "rules: 5\n");
    let key = folder.path().join("gw.key");
    let admin = admin(None);
    let explained = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    for (arguments, code) in [
        (&["key", "new", "--out", key.to_str().unwrap()][..], 0),
        (&["key", "show", "nowhere"], 1),
        (&["rules", "schema"], 0),
        (&["rules", "check", &good], 0),
        (&["rules", "check", "--json", &broken], 2),
        (&["status", "--admin", &admin], 0),
        (&["explain", "a.B", "m", "--admin", &explained], 3),
        (&["explain", "a.B", "m", "--json", "--admin", &explained], 3),
        (&["--help"], 0),
    ] {
        let closed = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            writer
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_highway"));
        let ended = command.args(arguments).stdout(closed()).stderr(closed()).status().unwrap();
        assert_eq!(ended.code(), Some(code), "{arguments:?}");
    }
    assert!(key.exists());
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_highway"));
    let cut = command.args(["rules", "schema"]).stdout(full).output().unwrap();
    assert_eq!(cut.status.code(), Some(1), "half a schema is none");
    assert!(err(&cut).starts_with("highway: cannot write standard output: No space left"), "{}", err(&cut));
    // What is made cannot be made again: who tries it once more must not find it in the way.
    let (full, key) = (std::fs::File::options().write(true).open("/dev/full").unwrap(), folder.path().join("made.key"));
    let made =
        Command::new(env!("CARGO_BIN_EXE_highway")).args(["key", "new", "--out"]).arg(&key).stdout(full).output();
    let made = made.unwrap();
    assert_eq!((made.status.code(), key.exists()), (Some(0), true));
    assert!(err(&made).starts_with("highway: the key is made; `highway key show` prints"), "{}", err(&made));
}

/// Whoever listens there may be anybody.
#[test]
fn what_a_program_answers_does_not_play_with_the_terminal() {
    let bad = answering(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 26\r\n\r\nwrong \x1b[2J\xc2\x9b\nhighway: good");
    let asked = highway(&["explain", "a.B", "m", "--admin", &bad]);
    assert_eq!((asked.status.code(), out(&asked)), (Some(2), String::new()), "{}", err(&asked));
    assert_eq!(err(&asked), "highway: wrong \\u{1b}[2J\\u{9b}\\nhighway: good\n");
    let good = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"a\":\"\xc2\x9b\xe2\x80\xae2J\"}");
    for more in ["--long", "--json"] {
        let shown = out(&highway(&["status", "--admin", &good, more]));
        assert!(shown.contains("2J") && !shown.contains(['\u{9b}', '\u{202e}']), "{shown:?}");
    }
}

#[test]
fn an_answer_that_breaks_off_ends_with_a_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 1024]).unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\"").unwrap();
    });
    let asked = highway(&["status", "--admin", &format!("http://{address}")]);
    server.join().unwrap();
    assert_eq!(asked.status.code(), Some(1));
    assert!(err(&asked).contains("broke off"), "{}", err(&asked));
}
