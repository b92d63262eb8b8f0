//! What handlers can do with a call, and what they cannot get wrong.

use std::cell::RefCell;

use wire::dubbo::frame::Status;

use super::*;
use crate::forward::Routing;
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
