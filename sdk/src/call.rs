//! One call: its arguments are written in the thread of its caller, and so is its answer read.
//!
//! Nothing happens before it is awaited; who drops it while it waits gives it up, and it is not sent if it was not.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use wire::dubbo::frame::FrameKind;

use crate::args::Args;
use crate::blocking;
use crate::error::{CallError, CallErrorKind, Outcome};
use crate::job::{Ended, Failure, Job, Work};
use crate::observed::Observed;
use crate::options::CallOptions;
use crate::reply::{self, Reply};
use crate::request::{Request, TARGET, Unwritten, label};
use crate::scope;
use crate::service::{Referred, Service};
use crate::target::Target;
use crate::written::{self, Types};

/// A call that is made when it is awaited.
#[must_use = "nothing is called before it is awaited"]
#[derive(Debug)]
pub struct Call<A, R> {
    service: Service,
    method: Arc<str>,
    /// The method that runs in the end, where it is another one.
    meant: Option<Arc<str>>,
    args: A,
    types: Types,
    kind: FrameKind,
    options: CallOptions,
    _gives: PhantomData<fn() -> R>,
}

/// A call that was made: its end.
#[must_use = "a call that is not awaited is given up"]
pub struct Calling<T> {
    /// `None` when it has ended.
    sent: Option<Result<Sent, CallError>>,
    seen: Observed,
    read: fn(&Named, Option<Ended>) -> Result<T, CallError>,
}

/// A call that the shard has.
struct Sent {
    call: Named,
    answer: oneshot::Receiver<Ended>,
}

/// Which call it is.
struct Named {
    /// Its providers are looked up until it has ended.
    of: Arc<Referred>,
    method: Arc<str>,
}

impl Named {
    /// The call, for people: made only where one reads it.
    fn label(&self) -> String {
        label(&self.of.said.service, &self.method)
    }
}

impl<T> Future for Calling<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = match &mut self.sent {
            Some(Ok(sent)) => ready!(Pin::new(&mut sent.answer).poll(context)).ok(),
            _ => None,
        };
        if let Some(from) = ended.as_ref().and_then(Ended::answered_by) {
            self.seen.answered_by(from);
        }
        let result = match self.sent.take() {
            Some(Ok(sent)) => (self.read)(&sent.call, ended),
            Some(Err(error)) => Err(error),
            None => panic!("a call was polled after its end"),
        };
        self.seen.ended(result.as_ref().err());
        Poll::Ready(result)
    }
}

impl<T> fmt::Debug for Calling<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sent {
            Some(Ok(sent)) => write!(out, "Calling({})", sent.call.label()),
            _ => out.write_str("Calling(ended)"),
        }
    }
}

impl<A: Clone, R> Clone for Call<A, R> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            method: self.method.clone(),
            meant: self.meant.clone(),
            args: self.args.clone(),
            types: self.types.clone(),
            kind: self.kind,
            options: self.options.clone(),
            _gives: PhantomData,
        }
    }
}

impl<A: Args, R> Call<A, R> {
    pub(crate) fn new(service: Service, method: Arc<str>, args: A) -> Self {
        Self {
            service,
            method,
            meant: None,
            args,
            types: Types::Told,
            kind: FrameKind::Call,
            options: CallOptions::default(),
            _gives: PhantomData,
        }
    }

    /// How long its caller waits.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.timeout(timeout))
    }

    /// Where it goes: an island, or `local`, a provider of the own island.
    ///
    /// Which islands there are, and what they offer to this one, is known to the egress gateways alone. So a text that is no island's name
    /// fails before anything is sent, and so does a target for which no gateway stands; an island that is unknown, has withdrawn the
    /// service or does not grant it is refused by the gateway before anything leaves the island, with the islands that are known.
    /// [`Outcome::NotSent`] each, and nobody answers in its place.
    pub fn target(self, target: &str) -> Self {
        self.with(|options| options.target(target))
    }

    /// How often it may be made again if nobody knows whether it ran.
    pub fn repeats(self, repeats: u32) -> Self {
        self.with(|options| options.repeats(repeats))
    }

    /// An attachment.
    pub fn attachment(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|options| options.attachment(key, value))
    }

    /// The Java types of all parameters, as Java's source names them: `int`, `java.util.Collection`, `com.acme.Base[]`. By default they are
    /// what the arguments are.
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.types = Types::Named(types.into_iter().map(Into::into).collect());
        self
    }

    /// The descriptors of all parameters, as far as the trait of a typed client is certain of them.
    #[doc(hidden)]
    pub fn declared(mut self, types: &'static [Option<&'static str>]) -> Self {
        self.types = Types::Declared(types);
        self
    }

    /// Nobody answers it; who awaits it gets what stands for `void`.
    #[doc(hidden)]
    pub fn unanswered(mut self) -> Self {
        self.kind = FrameKind::OneWay;
        self
    }

    /// Says which method runs in the end: what is said of that one holds.
    pub(crate) fn meaning(mut self, method: &str) -> Self {
        self.meant = Some(method.into());
        self
    }

    fn with(mut self, change: impl FnOnce(CallOptions) -> CallOptions) -> Self {
        self.options = change(self.options);
        self
    }

    /// Makes the call and gives what came beside its value, too; its future ends in a [`CallError`] that says how far the call got.
    pub fn reply(self) -> Calling<Reply<R>>
    where
        R: DeserializeOwned,
    {
        self.made(FrameKind::Call, answered)
    }

    /// Makes the call and waits for no answer: nobody learns what becomes of it. It is on its connection when this has ended well.
    pub fn one_way(self) -> Calling<()> {
        let read = |call: &Named, ended| match ended {
            Some(Ended::Failed(failure)) => Err(failed(call, failure)),
            Some(_) => Ok(()),
            None => Err(CallError::not_sent(call.label(), CallErrorKind::Ended)),
        };
        self.made(FrameKind::OneWay, read)
    }

    /// Makes the call and parks this thread until it has ended: for plain threads and those of `tokio::task::spawn_blocking`. The
    /// target of the thread counts ([`enter_target`](crate::enter_target)).
    ///
    /// # Errors
    /// As of a call that is awaited. Inside of a task of tokio it is [`CallErrorKind::BlockingInTask`], and nothing is sent: the other
    /// tasks of its thread go on. A task that runs under `tokio::task::unconstrained`, or on another runtime, cannot be told from a
    /// thread; its thread stands still for as long as the call takes.
    #[doc(alias = "blocking")]
    pub fn wait(self) -> Result<R, CallError>
    where
        R: DeserializeOwned,
    {
        self.waited(Self::into_future)
    }

    /// [`Call::reply`] for threads, as [`Call::wait`] is for a value.
    ///
    /// # Errors
    /// See [`Call::wait`].
    pub fn wait_reply(self) -> Result<Reply<R>, CallError>
    where
        R: DeserializeOwned,
    {
        self.waited(Self::reply)
    }

    /// [`Call::one_way`] for threads, as [`Call::wait`] is for a value.
    ///
    /// # Errors
    /// See [`Call::wait`].
    pub fn wait_one_way(self) -> Result<(), CallError> {
        self.waited(Self::one_way)
    }

    fn waited<T>(self, make: impl FnOnce(Self) -> Calling<T>) -> Result<T, CallError> {
        if blocking::is_in_task() {
            let call = label(&self.service.0.said.service, self.meant());
            return Err(CallError::not_sent(call, CallErrorKind::BlockingInTask));
        }
        blocking::wait(make(self))
    }

    fn meant(&self) -> &str {
        self.meant.as_ref().unwrap_or(&self.method)
    }

    fn made<T>(self, kind: FrameKind, read: fn(&Named, Option<Ended>) -> Result<T, CallError>) -> Calling<T> {
        let seen = Observed::new(&self.service.0.said.service, self.meant());
        let sent = self.send(kind, &seen);
        Calling { sent: Some(sent), seen, read }
    }

    /// Hands it over to the shard.
    fn send(self, kind: FrameKind, seen: &Observed) -> Result<Sent, CallError> {
        let Self { service, method, meant, args, types, mut options, .. } = self;
        let call = Named { of: service.0, method: meant.as_ref().unwrap_or(&method).clone() };
        let referred = &call.of;
        options.add_scope(scope::current());
        let of_method = referred.methods.get(&*call.method);
        for farther in of_method.into_iter().chain([&referred.options, &referred.shared.options]) {
            options.add(farther);
        }
        let written = match options.codec {
            Some(codec) => written::said(&args, &types, codec),
            None => written::written(&args, &types, referred.wanted.forms.get()),
        };
        let (types, args) = match written {
            Ok(written) => written,
            Err(wrong) => return Err(CallError::not_sent(call.label(), wrong)),
        };
        // The same word, whoever writes it.
        let named = options.attachments.remove(TARGET).filter(|name| !name.is_empty());
        let target = options.target.take().or_else(|| named.map(|name| Target::new(&name)));
        let target = match target.transpose() {
            Ok(target) => target,
            Err(wrong) => return Err(CallError::not_sent(call.label(), wrong)),
        };
        if let Some(target) = &target {
            seen.target(target);
        }
        if let Some(outgoing) = &referred.shared.outgoing {
            seen.within(|| outgoing.add(&mut options.attachments));
        }
        let mut attachments: Vec<(Cow<'static, str>, String)> =
            options.attachments.into_iter().map(|(key, value)| (Cow::Owned(key), value)).collect();
        if let Some(target) = target.as_ref().filter(|target| !target.is_local()) {
            attachments.push((Cow::Borrowed(TARGET), target.to_string()));
        }
        let request = Request { of: referred.said.clone(), method, meant, types, args, attachments, kind };
        let (reply, answer) = oneshot::channel();
        let job = Job {
            request,
            target,
            began: Instant::now(),
            timeout: options.timeout.filter(|timeout| !timeout.is_zero()),
            repeats: options.repeats.unwrap_or(0),
            reply,
        };
        match referred.shared.inbox.put(Work::Call(job)) {
            Ok(()) => Ok(Sent { call, answer }),
            Err(refused) => Err(CallError::not_sent(call.label(), refused)),
        }
    }
}

impl<A: Args, R: DeserializeOwned> IntoFuture for Call<A, R> {
    type Output = Result<R, CallError>;
    type IntoFuture = Calling<R>;

    fn into_future(self) -> Calling<R> {
        let kind = self.kind;
        self.made(kind, value)
    }
}

/// What a call comes to, whether it is answered or one-way.
fn value<R: DeserializeOwned>(call: &Named, ended: Option<Ended>) -> Result<R, CallError> {
    match ended {
        Some(Ended::Answer { frame, .. }) => reply::value(&frame).map_err(|unread| unread.of(call.label())),
        Some(Ended::Sent) => reply::void().map_err(|unread| unread.of(call.label())),
        ended => Ok(answered(call, ended)?.value),
    }
}

fn answered<R: DeserializeOwned>(call: &Named, ended: Option<Ended>) -> Result<Reply<R>, CallError> {
    match ended {
        Some(Ended::Answer { frame, from }) => reply::read(&frame, &from).map_err(|unread| unread.of(call.label())),
        Some(Ended::Failed(failure)) => Err(failed(call, failure)),
        Some(Ended::Repeated(last)) => answered(call, Some(*last)).map_err(CallError::and_perhaps_before),
        Some(Ended::Sent) | None => Err(CallError::new(call.label(), Outcome::Unknown, CallErrorKind::Ended)),
    }
}

/// What a call that has no answer says to its caller.
fn failed(call: &Named, failure: Failure) -> CallError {
    let (outcome, kind) = told(failure);
    CallError::new(call.label(), outcome, kind)
}

/// How far it got, and why.
pub(crate) fn told(failure: Failure) -> (Outcome, CallErrorKind) {
    match failure {
        Failure::NoProvider(why) => (Outcome::NotSent, CallErrorKind::NoProvider(why)),
        Failure::Refused(why) => (Outcome::NotSent, CallErrorKind::Refused(why)),
        Failure::NotReached(why) => (Outcome::NotSent, CallErrorKind::Connection(why)),
        Failure::Busy(why) => (Outcome::NotSent, CallErrorKind::Busy(why)),
        Failure::NeverSent(timeout) => (Outcome::NotSent, CallErrorKind::DeadlinePassed(timeout)),
        Failure::Unanswered(timeout) => (Outcome::Unknown, CallErrorKind::DeadlinePassed(timeout)),
        Failure::Lost(why) => (Outcome::Unknown, CallErrorKind::Connection(why)),
        Failure::Unwritten(Unwritten::TooLong { found_len, limit_len }) => {
            (Outcome::NotSent, CallErrorKind::TooLong { found_len, limit_len })
        }
        Failure::Unwritten(Unwritten::Formless { wanted, by, why }) => {
            (Outcome::NotSent, CallErrorKind::Serialization { wanted, by, why })
        }
        Failure::AnswerTooLong { found_len, limit_len } => {
            (Outcome::Executed, CallErrorKind::TooLong { found_len, limit_len })
        }
        Failure::NoRoom { found_len } => {
            let why =
                format!("there is no room for an answer of {found_len} bytes; ask for less, or raise `Builder::held`");
            (Outcome::Executed, CallErrorKind::Busy(why))
        }
    }
}

// A reference is shared between threads, and so are calls of it.
const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Service>();
    is_shared::<Arc<crate::highway::Shared>>();
};
