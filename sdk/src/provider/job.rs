//! One call while its handler runs: off the shard on a runtime of the user's, or on the shard. Whatever becomes of the handler, the shard
//! hears of the call exactly once.
//!
//! ```text
//!  handler ─┬─ value, exception ─▶ Done
//!           ├─ panic ────────────▶ Done: an exception that says so
//!           └─ dropped ──────────▶ Done: the runtime has ended, or the consumer is gone and nobody listens
//! ```
//!
//! It never writes to a socket.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll};
use std::time::Instant;

use shard::{Budget, Key, Permit};
use tokio::sync::mpsc;
use wire::dubbo::answer::AnswerType;
use wire::dubbo::frame::{Codec, Status};
use wire::dubbo::{fastjson2, hessian2};

use super::answer::{Answer, Said};
use super::generic;
use super::invocation::{Invocation, Knows, Reply};
use super::lookup::{Run, refuse};
use super::serve::{Outcome, Serve};
use super::thrown::{Refusal, Thrown};
use crate::fastjson2::FIELD_LEN;

/// An answer up to this length is not asked room for: the number of calls bounds them.
const SMALL_LEN: usize = 16 * 1024;

/// A call and what runs it.
pub(super) struct Job {
    pub(super) run: Run,
    pub(super) call: Invocation,
    pub(super) unanswered: Unanswered,
    pub(super) budget: Budget,
    pub(super) payload_len: usize,
}

/// What the shard is told of a call.
pub(super) struct Done {
    pub(super) key: Key,
    pub(super) told: Result<Told, Refusal>,
}

/// An answer on its way to the shard.
pub(super) struct Told {
    pub(super) said: Said,
    pub(super) attachments: Vec<(String, String)>,
    /// What it takes of the budget until the connection has it.
    pub(super) _permit: Option<Permit>,
}

impl Job {
    /// Runs the handler to its end. A call that nobody waits for any more is not begun, and nothing of it is sent.
    pub(super) async fn run(self) {
        let Job { run, call, unanswered, budget, payload_len } = self;
        if !call.is_one_way() && call.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
            let text = "its time was over before its handler could begin; it was not run";
            return unanswered.answer(Err(refuse(Status::SERVER_TIMEOUT, text)));
        }
        let (reply, consumer, codec) = (call.reply(), call.knows(), call.codec());
        let handler = run.handler();
        let result = match Guarded::call(&*handler.serve, handler.index, call) {
            Ok(outcome) => outcome.await,
            Err(panic) => Err(panic),
        };
        let result = result.unwrap_or_else(|panic| {
            let name = format!("{} of {}", handler.method.name(), run.service.name());
            tracing::error!(method = name, "a handler has panicked; its call is answered with an exception");
            Err(Thrown::new(format!("the handler of {name} has panicked: {}", words(&*panic))))
        });
        unanswered.answer(told(result, &reply, (consumer, codec), &budget, payload_len));
    }
}

fn told(
    result: Result<Answer, Thrown>,
    reply: &Reply,
    (consumer, codec): (Knows, Codec),
    budget: &Budget,
    payload_len: usize,
) -> Result<Told, Refusal> {
    let said = match result {
        Ok(answer) if answer.bytes().0 != codec => {
            let text = "the answer was made by another call, which came in another serialization";
            return Err(refuse(Status::BAD_RESPONSE, text));
        }
        Ok(answer) if consumer == Knows::Nothing => generic::without_classes(answer)?.into_said(),
        Ok(answer) => answer.into_said(),
        Err(thrown) => {
            let thrown = if consumer != Knows::Classes { thrown.by_name() } else { thrown };
            Said { kind: AnswerType::Exception, codec, value: thrown.written(codec)? }
        }
    };
    let attachments = std::mem::take(&mut *reply.lock().unwrap_or_else(PoisonError::into_inner));
    let len = said.value.len() + len_beside(codec, &attachments);
    if len > payload_len {
        let text = format!(
            "the answer is too large: {len}, max payload: {payload_len}; answer less, or raise `payload` here and at the consumer"
        );
        return Err(refuse(Status::SERIALIZATION_ERROR, text));
    }
    let permit = match len > SMALL_LEN {
        false => None,
        true => Some(budget.take(len).ok_or_else(|| {
            let text = format!(
                "there is no room for an answer of {len} bytes: {} of {} are held",
                budget.held(),
                budget.limit()
            );
            refuse(Status::OVERLOADED, text)
        })?),
    };
    Ok(Told { said, attachments, _permit: permit })
}

/// Of all that stands in the body of an answer beside its value: the type, in one byte or as a field of two, and the attachments.
fn len_beside(codec: Codec, attachments: &[(String, String)]) -> usize {
    let mut map = Vec::new();
    let entries = attachments.iter().map(|(key, value)| (&**key, &**value));
    match codec {
        Codec::Hessian2 => {
            hessian2::writer::put_text_map(&mut map, entries);
            1 + map.len()
        }
        Codec::Fastjson2 => {
            fastjson2::writer::put_text_map(&mut map, entries);
            FIELD_LEN + 2 + FIELD_LEN + map.len()
        }
    }
}

/// What a panic says, if it says it in words.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

/// A handler's future whose panic is a value.
struct Guarded(Outcome);

impl Guarded {
    fn call(serve: &dyn Serve, index: usize, call: Invocation) -> Result<Self, Box<dyn Any + Send>> {
        catch_unwind(AssertUnwindSafe(|| serve.call(index, call))).map(Self)
    }
}

impl Future for Guarded {
    type Output = Result<Result<Answer, Thrown>, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

/// Tells the shard, at the latest when it is dropped. There is always room: the channel has as many places as there are calls.
pub(super) struct Unanswered(Option<(Key, mpsc::Sender<Done>)>);

impl Unanswered {
    pub(super) const fn new(key: Key, done: mpsc::Sender<Done>) -> Self {
        Self(Some((key, done)))
    }

    fn answer(mut self, told: Result<Told, Refusal>) {
        self.tell(|| told);
    }

    fn tell(&mut self, told: impl FnOnce() -> Result<Told, Refusal>) {
        if let Some((key, done)) = self.0.take() {
            let _ = done.try_send(Done { key, told: told() });
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.tell(|| {
            Err(refuse(
                Status::SERVER_ERROR,
                "the runtime of this provider's handlers has ended; the call may have been run in part",
            ))
        });
    }
}

#[cfg(test)]
mod tests {
    use wire::dubbo::call::ReplyForm;
    use wire::dubbo::frame::HEADER_LEN;
    use wire::dubbo::reply::{Asked, put_ok};

    use super::*;

    #[test]
    fn the_length_of_an_answer_is_counted_as_it_goes_out() {
        let beside = vec![("traceparent".to_owned(), "00-🚀".to_owned())];
        for codec in [Codec::Hessian2, Codec::Fastjson2] {
            let asked = Asked { id: 1, serialization: codec.serialization(), form: ReplyForm::WithAttachments };
            for attachments in [&[][..], &beside] {
                for value in [None, Some("x"), Some("y".repeat(70_000).as_str())] {
                    let said = Answer::of(codec, &value).unwrap().into_said();
                    let found = said.value.len() + len_beside(codec, attachments);
                    let mut frame = Vec::new();
                    let entries = attachments.iter().map(|(key, value)| (&**key, &**value));
                    put_ok(&mut frame, &asked, codec, said.kind, entries, |out| out.extend_from_slice(said.bytes()));
                    assert_eq!(found, frame.len() - HEADER_LEN, "{codec:?} {value:?}");
                }
            }
        }
    }
}
