//! The blocking face: calls of plain threads and of `spawn_blocking`, and what a blocking call inside of a task ends in.

use std::thread;
use std::time::Duration;

use highway_sdk::{CallError, CallErrorKind, Outcome, Service};
use tokio::runtime;

use crate::greeter::greeter;

fn hello(service: &Service) -> Result<String, CallError> {
    service.call("greet", ("bo",)).wait()
}

#[test]
fn plain_threads_wait_each_for_their_own_answer() {
    let greeter = greeter();
    thread::scope(|scope| {
        for number in 0..8 {
            let service = &greeter.service;
            scope.spawn(move || {
                for _ in 0..25 {
                    let name = format!("caller {number}");
                    let answer: String = service.call("greet", (&name,)).wait().unwrap();
                    assert_eq!(answer, format!("hello {name}"));
                }
            });
        }
    });
    let reply = greeter.service.call::<_, String>("greet", ("bo",)).wait_reply().unwrap();
    assert_eq!((reply.value.as_str(), reply.attachments["back"].as_str()), ("hello bo", "yes"));
    greeter.service.call::<_, ()>("note", ()).wait_one_way().unwrap();
    greeter.runtime.block_on(greeter.noted.notified());
}

#[test]
fn a_thread_that_waits_for_nobody_is_let_go_when_its_time_is_over() {
    let greeter = greeter();
    let short = Duration::from_millis(200);
    let error = greeter.service.call::<_, ()>("silent", ()).timeout(short).wait().unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(matches!(error.kind(), CallErrorKind::DeadlinePassed(found) if *found == short), "{error}");
}

#[test]
fn spawn_blocking_waits_and_a_task_is_refused_before_anything_is_sent_on_any_runtime() {
    let greeter = greeter();
    let runtimes = [runtime::Builder::new_current_thread(), runtime::Builder::new_multi_thread()];
    for mut runtime in runtimes {
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            let service = greeter.service.clone();
            assert_eq!(tokio::task::spawn_blocking(move || hello(&service)).await.unwrap().unwrap(), "hello bo");

            let service = greeter.service.clone();
            let in_task = tokio::spawn(async move {
                let refused = [
                    hello(&service).unwrap_err(),
                    service.call::<_, String>("greet", ("bo",)).wait_reply().unwrap_err(),
                    service.call::<_, ()>("note", ()).wait_one_way().unwrap_err(),
                ];
                // The task and its runtime go on.
                (refused, service.call::<_, String>("greet", ("bo",)).await.unwrap())
            });
            let (refused, answer) = in_task.await.unwrap();
            assert_eq!(answer, "hello bo");
            for error in refused {
                assert!(matches!(error.kind(), CallErrorKind::BlockingInTask), "{error}");
                assert_eq!(error.outcome(), Outcome::NotSent);
            }
            let said = hello(&greeter.service).unwrap_err().to_string();
            let wanted = "`com.acme.Greeter#greet` was not sent: a blocking call was made inside of an asynchronous task; await it, or make it in `spawn_blocking`";
            assert_eq!(said, wanted);
        });
    }
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let service = greeter.service;
    let in_place = runtime.spawn(async move { tokio::task::block_in_place(|| hello(&service)) });
    assert_eq!(runtime.block_on(in_place).unwrap().unwrap(), "hello bo");
}
