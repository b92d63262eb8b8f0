//! `highway top` and `highway status` as whole programs: in a pipe, for machines, and on a terminal, which they leave as it was.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

const HIGHWAY: &str = env!("CARGO_BIN_EXE_highway");

/// An admin listener of a gateway that carries ten more calls each time that it is asked, one of which fails.
fn gateway() -> String {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (process, _teller) = chassis::Process::alone();
            process.status.source("process", || json!({ "program": "egress-gw", "pid": 1, "ready": true, "draining": false }));
            process.status.source("egress", || json!({ "island": "shanghai", "gateway": "shanghai-egress-1" }));
            let asked = AtomicU64::new(0);
            process.status.source("calls", move || {
                let calls = 10 * asked.fetch_add(1, Ordering::Relaxed);
                let tallied = json!({ "calls": calls, "failed": calls / 10, "answered": calls - calls / 10, "took_us": calls * 50 });
                json!({ "services": [{ "service": "com.example.订单服务", "target": "beijing", "calls": tallied }] })
            });
            let admin = chassis::admin::Admin { listen: vec!["127.0.0.1:0".parse().unwrap()], token: None };
            let server = chassis::admin::serve(&admin, &process).unwrap();
            tell.send(server.addresses()[0]).unwrap();
            std::future::pending::<()>().await;
        });
    });
    format!("http://{}", told.recv().unwrap())
}

fn run(arguments: &[&str]) -> Output {
    Command::new(HIGHWAY).args(arguments).output().unwrap()
}

#[test]
fn machines_get_a_line_of_json_each_time_with_rates() {
    let admin = gateway();
    let ended = run(&["top", "--admin", &admin, "--json", "--count", "2", "--interval", "0.2"]);
    let said = String::from_utf8(ended.stdout).unwrap();
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((ended.status.code(), lines.len()), (Some(0), 2), "{said}");
    for line in lines {
        let service = &line["seen"]["services"][0];
        assert_eq!((&service["service"], &service["island"]), (&json!("com.example.订单服务"), &json!("beijing")));
        let (calls, failed) = (service["calls_per_s"].as_f64().unwrap(), service["failed_per_s"].as_f64().unwrap());
        assert!(calls > 0.0 && (failed * 10.0 - calls).abs() < 0.01, "{service}");
    }
}

#[test]
fn a_pipe_gets_tables_without_colours_and_the_program_ends_with_its_reader() {
    let admin = gateway();
    let mut command = Command::new(HIGHWAY);
    command.args(["top", "--admin", &admin, "--interval", "0.1"]).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let said: Vec<String> = lines.by_ref().take(12).map(Result::unwrap).collect();
    drop(lines);
    assert!(running.wait().unwrap().success(), "nobody reads any more");
    let said = said.join("\n");
    assert!(said.contains("egress-gw  shanghai-egress-1  ready") && said.contains("订单服务  beijing"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn a_status_has_rates_and_says_who_does_not_answer() {
    let admin = gateway();
    let ended = run(&["status", "--admin", &admin, "--admin", "http://127.0.0.1:1"]);
    let (said, beside) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert!(said.contains("SERVICE") && said.contains("订单服务"), "{said}");
    assert_eq!(ended.status.code(), Some(1), "somebody that was named does not answer");
    assert!(beside.contains("http://127.0.0.1:1: cannot reach 127.0.0.1:1"), "{beside}");
    let island = run(&["status", "--admin", &admin, "--island", "urumqi"]);
    assert!(!String::from_utf8(island.stdout).unwrap().contains("订单服务"));
}

/// `script` is a terminal for what it runs; all that is written to it comes out here.
fn on_a_terminal(commands: &str) -> String {
    let ran =
        Command::new("script").args(["-q", "-e", "-c", commands, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

#[test]
fn a_terminal_is_left_as_it_was_after_ctrl_c_and_after_a_new_size() {
    let top = format!("{HIGHWAY} top --admin {} --interval 0.2", gateway());
    for signal in ["INT", "TERM", "HUP"] {
        let said = on_a_terminal(&format!(
            "stty rows 24 cols 80; here=$(tty); (sleep 1.5; stty -F $here cols 40) & timeout --foreground -s {signal} 3 {top}; echo left; stty -a"
        ));
        let (shown, after) = said.split_once("left").unwrap_or_else(|| panic!("it did not end: {said:?}"));
        let (screen, given_back) = shown.split_once("\u{1b}[?1049l").unwrap_or_else(|| panic!("{said:?}"));
        assert!(screen.contains("\u{1b}[?1049h\u{1b}[?25l") && shown.contains("\u{1b}[?25h"), "{shown:?}");
        assert!(!given_back.contains('\u{1b}'), "{given_back:?}");
        assert!(screen.contains("q ends"), "it fits into 80 columns: {screen:?}");
        let last = screen.rsplit("\u{1b}[H").next().unwrap();
        assert!(last.starts_with("highway top") && !last.contains("q ends"), "it is cut at 40: {last:?}");
        for mode in [" icanon", " echo ", "susp = ^Z"] {
            assert!(after.contains(mode), "{mode}: {after}");
        }
    }
}
