//! What handlers can do with a call, and what they cannot get wrong.

use std::cell::RefCell;
use std::time::Duration;

use wire::dubbo::answer::{self, AnswerType};
use wire::dubbo::frame::{Codec, HEADER_LEN, Status};

use super::*;
use crate::config::Limits;
use crate::testing::*;

struct Retired;

impl Fallback for Retired {
    fn name(&self) -> &str {
        "retired"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        match request.call() {
            Some(call) if call.method == "old" => request.refuse("retired, use `new`"),
            Some(call) if call.method == "fixed" => request.answer_frame(&ok_reply(b"\x05fixed")),
            _ => request.pass(),
        }
    }
}

/// Takes every call and answers none.
struct Keeping(Rc<RefCell<Vec<Later>>>);

impl Fallback for Keeping {
    fn name(&self) -> &str {
        "keeping"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        let (handled, later) = request.later();
        self.0.borrow_mut().push(later);
        handled
    }
}

#[test]
fn a_handler_takes_what_it_knows_and_passes_the_rest_on() {
    on_shard(async {
        let gate = GateBuilder { chain: vec![Box::new(Retired), Box::new(Routing)], ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "old", &[]), call(2, "fixed", &[]), call(3, "greet", &[])].concat()).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (1, Status::OK));
        assert_eq!(told.text, "highway: retired, use `new` (the call was not executed)");
        assert_eq!(consumer.frame().await[11], 2);
        assert_eq!(gate.link().calls(1).await[0].frame[11], 3);
    });
}

struct NotToBeijing;

impl Fallback for NotToBeijing {
    fn name(&self) -> &str {
        "not to beijing"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        match request.decide() {
            Ok(decision) if decision.targets().any(|target| target == "beijing") => request.refuse("closed"),
            Ok(decision) => request.carry(decision),
            Err(failure) => request.fail(&failure),
        }
    }
}

/// The first of a list is not all of it: the call would go on to the next where it was not sent.
#[test]
fn a_handler_sees_everywhere_that_a_call_may_go() {
    on_shard(async {
        let rule = "rules: [{name: r, match: {methods: [listed]}, act: {failover: [shanghai, beijing]}}]";
        let rules = route::rules::parse("shop", rule).unwrap();
        let rules = route::rules::Rules::new([Arc::new(rules)], std::time::SystemTime::UNIX_EPOCH).unwrap();
        let snapshot = Arc::new(snapshot_ruled(1, &["shanghai", "beijing"], rules));
        let knowledge = Knowledge { snapshot, ..Knowledge::default() };
        let gate = GateBuilder { chain: vec![Box::new(NotToBeijing)], knowledge, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        let there = [("highway.target", "shanghai")];
        consumer.send(&[call(1, "listed", &[]), call(2, "greet", &there)].concat()).await;
        assert!(consumer.answer().await.text.contains("closed"));
        assert_eq!(gate.link().calls(1).await[0].frame[11], 2);
    });
}

#[test]
fn what_no_handler_takes_is_answered_in_words() {
    on_shard(async {
        let gate = GateBuilder { chain: vec![Box::new(Retired)], ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[])).await;
        assert!(consumer.answer().await.text.contains("no handler of this egress gateway takes the call"));
    });
}

#[test]
fn a_handler_can_answer_later_but_only_once_and_only_in_time() {
    on_shard(async {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let gate = GateBuilder { chain: vec![Box::new(Keeping(kept.clone()))], ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "a", &[]), call(2, "b", &[]), call(3, "c", &[("timeout", "32")])].concat()).await;
        until(|| kept.borrow().len() == 3).await;
        let too_late = kept.borrow_mut().pop().unwrap();
        let told = consumer.answer().await;
        assert_eq!(told.id, 3);
        assert!(told.text.contains("gave no answer within its time"), "{}", told.text);
        too_late.answer_frame(&ok_reply(b"\x02hi"));
        kept.borrow_mut().pop().unwrap().answer_frame(&ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 2);
        drop(kept.borrow_mut().pop());
        let told = consumer.answer().await;
        assert_eq!(told.id, 1);
        assert!(told.text.contains("gave the call up without an answer"), "{}", told.text);
        consumer.nothing_but_a_heartbeat().await;
    });
}

/// Does what the method's name says.
struct Obedient;

impl Fallback for Obedient {
    fn name(&self) -> &str {
        "obedient"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        let call = request.call().unwrap();
        let said = call.texts().next().unwrap_or_default();
        match &*call.method {
            "say" => request.answer(Value::Text(&said)),
            "nothing" => request.answer(Value::Null),
            "throw" => request.throw(&said),
            "where" => {
                let target = request.decide().map(|decision| decision.target().to_owned());
                request.answer(Value::Text(&target.unwrap_or_else(|failure| failure.text.to_string())))
            }
            "panic" => panic!("a handler of this test panics"),
            _ => request.pass(),
        }
    }
}

fn obedient() -> Gate {
    GateBuilder { chain: vec![Box::new(Obedient), Box::new(Routing)], ..GateBuilder::default() }.open()
}

/// The next frame's type of answer, and the bytes of its value.
async fn value(consumer: &mut Peer) -> (AnswerType, Vec<u8>) {
    let frame = consumer.frame().await;
    let (header, body) = (Header::decode(&frame).unwrap().unwrap(), &frame[HEADER_LEN..]);
    assert_eq!(header.status(), Status::OK);
    let answer = answer::peek(&header, body).unwrap().unwrap();
    assert!(answer.attachments.is_some(), "what a consumer that says 2.0.2 expects");
    (answer.kind, body[answer.value].to_vec())
}

#[test]
fn a_handler_answers_in_the_callers_serialization_without_knowing_it() {
    on_shard(async {
        let gate = obedient();
        let mut consumer = gate.consumer().await;
        for (codec, text) in [(Codec::Hessian2, b"\x02hi".as_slice()), (Codec::Fastjson2, b"\x4bhi")] {
            let ask = |method| call_in(codec, "com.acme.Greeter", 7, method, "hi", &[]);
            consumer.send(&ask("say")).await;
            assert_eq!(value(&mut consumer).await, (AnswerType::Value, text.to_vec()));
            consumer.send(&ask("nothing")).await;
            assert_eq!(value(&mut consumer).await, (AnswerType::Null, Vec::new()));
            consumer.send(&ask("throw")).await;
            let (kind, thrown) = value(&mut consumer).await;
            assert_eq!(kind, AnswerType::Exception);
            assert!(thrown.windows(text.len()).any(|part| part == text), "its own words and no others: {thrown:?}");
        }
        assert_eq!((gate.core.counters.answered_calls(), gate.core.counters.failed_calls()), (6, 0));
    });
}

#[test]
fn an_answer_over_the_limit_becomes_an_exception_that_says_so() {
    on_shard(async {
        let limits = Limits { reply_len: 100, ..Limits::default() };
        let gate = GateBuilder { chain: vec![Box::new(Obedient)], limits, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call_in(Codec::Hessian2, "com.acme.Greeter", 1, "say", &"x".repeat(200), &[])).await;
        let told = consumer.answer().await.text;
        assert!(told.contains("over the limit of 100 bytes"), "{told}");
    });
}

#[test]
fn a_one_way_call_is_answered_by_no_handler() {
    on_shard(async {
        let gate = obedient();
        let mut consumer = gate.consumer().await;
        for method in ["say", "nothing", "throw"] {
            consumer.send(&one_way(call(1, method, &[]))).await;
        }
        consumer.nothing_but_a_heartbeat().await;
    });
}

#[test]
fn a_handler_can_ask_where_a_call_would_go() {
    on_shard(async {
        let gate = obedient();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "where", &[])).await;
        assert_eq!(value(&mut consumer).await.1, b"\x08shanghai");
        consumer.send(&call_in(Codec::Hessian2, "com.acme.Unknown", 1, "where", "", &[])).await;
        let refused = String::from_utf8_lossy(&value(&mut consumer).await.1).into_owned();
        assert!(refused.contains("com.acme.Unknown"), "{refused}");
        assert!(gate.link().opened.borrow().is_empty());
    });
}

#[test]
fn a_handler_that_panics_ends_its_connection_and_no_other() {
    on_shard(async {
        let gate = obedient();
        let mut other = gate.consumer().await;
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "panic", &[])).await;
        consumer.closed().await;
        other.send(&call(1, "say", &[])).await;
        assert_eq!(value(&mut other).await.1, b"\x02bo");
    });
}

/// Answers from a task that waits for another thread.
struct FromAnotherThread;

impl Fallback for FromAnotherThread {
    fn name(&self) -> &str {
        "from another thread"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        let (handled, later) = request.later();
        let (told, answer) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || told.send("from a thread"));
        tokio::task::spawn_local(async move { later.answer(Value::Text(answer.await.unwrap())) });
        handled
    }
}

#[test]
fn an_answer_can_come_from_another_thread() {
    on_shard(async {
        let gate = GateBuilder { chain: vec![Box::new(FromAnotherThread)], ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "any", &[])).await;
        assert_eq!(value(&mut consumer).await, (AnswerType::Value, b"\x0dfrom a thread".to_vec()));
    });
}

#[test]
fn a_call_that_waits_for_a_handler_stays_charged_until_its_consumer_leaves_or_it_is_answered() {
    on_shard(async {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let gate = GateBuilder { chain: vec![Box::new(Keeping(kept.clone()))], ..GateBuilder::default() }.open();
        let held = || gate.core.allowance.budget().held();
        let large = "x".repeat(100_000);
        let (mut stays, mut leaves) = (gate.consumer().await, gate.consumer().await);
        let ask = || call_in(Codec::Hessian2, "com.acme.Greeter", 1, "a", &large, &[("timeout", "60000")]);
        leaves.send(&ask()).await;
        until(|| kept.borrow().len() == 1).await;
        stays.send(&ask()).await;
        until(|| kept.borrow().len() == 2).await;
        assert!(held() > 200_000, "{}", held());
        drop(leaves);
        until(|| !kept.borrow()[0].is_wanted()).await;
        assert!((100_000..200_000).contains(&held()), "{}", held());
        let last = kept.borrow_mut().pop().unwrap();
        assert!(last.is_wanted());
        last.throw("enough");
        assert_eq!(value(&mut stays).await.0, AnswerType::Exception);
        until(|| held() == 0).await;
    });
}

#[test]
fn a_gateway_that_ends_waits_for_its_handlers_and_asks_them_nothing_new() {
    on_shard(async {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let gate = GateBuilder { chain: vec![Box::new(Keeping(kept.clone()))], ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "a", &[])).await;
        until(|| kept.borrow().len() == 1).await;
        gate.core.ending.set(true);
        consumer.send(&call(2, "b", &[])).await;
        assert_eq!(consumer.answer().await.id, 2);
        assert_eq!((gate.core.calls.len(), kept.borrow().len()), (1, 1), "one waits, none came");
        kept.borrow_mut().pop().unwrap().answer(Value::Null);
        assert_eq!(value(&mut consumer).await.0, AnswerType::Null);
        assert!(gate.core.calls.is_empty());
    });
}

/// A handler that has to ask somebody first must not be the end of a call that it then does not want.
#[test]
fn a_call_that_waited_for_a_handler_goes_on_to_the_next_one_as_it_came() {
    on_shard(async {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let chain: Vec<Box<dyn Fallback>> = vec![Box::new(Keeping(kept.clone())), Box::new(Retired), Box::new(Routing)];
        let gate = GateBuilder { chain, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        let large = "x".repeat(100_000);
        let greet = || call_in(Codec::Hessian2, "com.acme.Greeter", 2, "greet", &large, &[("timeout", "60000")]);
        let calls = [call(1, "old", &[]), greet(), call(3, "late", &[("timeout", "32")])];
        consumer.send(&[calls.concat(), one_way(call(4, "tell", &[]))].concat()).await;
        until(|| kept.borrow().len() == 4).await;
        assert_eq!(consumer.answer().await.id, 3, "its time is over");
        let held = || gate.core.allowance.budget().held();
        let full = held();
        for later in kept.borrow_mut().drain(..) {
            later.pass();
        }
        // The next handler has the first, routing the others; the one that is over is nobody's.
        let told = consumer.answer().await;
        assert_eq!((told.id, told.text.contains("retired")), (1, true), "{}", told.text);
        let sent = gate.link().calls(2).await;
        assert_eq!([sent[0].frame[11], sent[1].frame[11]], [2, 4]);
        assert!(sent[0].frame == greet());
        // The time of the third has passed for the second too.
        let left = sent[0].head().remaining_ms;
        assert!((30_000..=60_000 - 16).contains(&left), "{left}");
        gate.reply(sent[0].token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 2);
        until(|| held() + 100_000 <= full && gate.core.calls.is_empty()).await;
    });
}

#[test]
fn a_call_is_not_passed_on_after_its_deadline() {
    on_shard(async {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let chain: Vec<Box<dyn Fallback>> = vec![Box::new(Keeping(kept.clone())), Box::new(Routing)];
        let gate = GateBuilder { chain, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("timeout", "200")])).await;
        until(|| kept.borrow().len() == 1).await;
        // The shard is busy, so that no tick has noticed the deadline.
        std::thread::sleep(Duration::from_millis(250));
        kept.borrow_mut().drain(..).for_each(Later::pass);
        assert_eq!(consumer.answer().await.id, 1, "its time is over");
        assert!(gate.link().opened.borrow().is_empty());
    });
}

#[test]
fn the_chain_is_shown_in_its_order() {
    on_shard(async {
        assert_eq!(obedient().core.handlers(), ["obedient", "routing"]);
    });
}
