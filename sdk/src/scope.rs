//! What a piece of code is in: the target of its calls, and attachments that they take along.
//!
//! ```text
//!   thread ─ scope ──┐  a guard sets it, its end sets back what was there before
//!   task ─ each poll ┘  the same, for as long as the task is polled: it follows its task through awaits and threads, and no other
//! ```
//!
//! It never reaches a task that is spawned inside: who wants that says [`carried`].

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use crate::reply::Attachments;
use crate::target::{NotATarget, Target};

thread_local! {
    static CURRENT: RefCell<Scope> = const { RefCell::new(Scope { target: None, attachments: None }) };
}

/// What calls are told that are made here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// A name that is no target fails them.
    pub target: Option<Result<Target, NotATarget>>,
    pub attachments: Option<Arc<Attachments>>,
}

impl Scope {
    /// These beside those that are here already.
    pub fn and(mut self, mut attachments: Attachments) -> Self {
        for (key, value) in self.attachments.iter().flat_map(|here| &**here) {
            attachments.entry(key.clone()).or_insert_with(|| value.clone());
        }
        self.attachments = Some(Arc::new(attachments));
        self
    }
}

/// What the running code is in.
pub(crate) fn current() -> Scope {
    CURRENT.with_borrow(Clone::clone)
}

/// The scope before comes back when this is dropped.
#[derive(Debug)]
pub(crate) struct ScopeGuard {
    before: Scope,
    _of_this_thread: PhantomData<*const ()>,
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        // A thread that ends has no scope to set back.
        let _ = CURRENT.try_with(|current| current.replace(std::mem::take(&mut self.before)));
    }
}

/// Runs on in this scope until the guard is dropped.
pub(crate) fn enter(scope: Scope) -> ScopeGuard {
    ScopeGuard { before: CURRENT.replace(scope), _of_this_thread: PhantomData }
}

/// The target that the running code is in, `None` where nobody set one.
#[must_use]
pub fn current_target() -> Option<Target> {
    CURRENT.with_borrow(|scope| scope.target.as_ref()?.as_ref().ok().cloned())
}

/// Sets the target of this thread until the guard is dropped, which sets back the one before.
///
/// For blocking code. In a task use [`with_target`]: a guard that is held over an `await` would be the target of whatever else its thread
/// polls meanwhile, so it cannot be sent to another thread.
#[must_use = "the target is set for as long as the guard lives"]
pub fn enter_target(target: Target) -> TargetGuard {
    TargetGuard { _scope: enter(Scope { target: Some(Ok(target)), ..current() }) }
}

/// Sets back the target that was there before.
#[derive(Debug)]
pub struct TargetGuard {
    _scope: ScopeGuard,
}

/// Runs a future with this target: all calls that it makes, through its awaits, on whatever thread it is polled. What it spawns does not
/// have it: see [`carried`].
pub async fn with_target<F: Future>(target: Target, future: F) -> F::Output {
    within(Scope { target: Some(Ok(target)), ..current() }, future).await
}

/// Runs a future all of whose calls take these attachments along, beside those of the code around it, as [`with_target`] does with a
/// target. What a call says of itself counts before them.
///
/// ```no_run
/// # async fn f(orders: highway_sdk::Service) -> Result<(), highway_sdk::CallError> {
/// use highway_sdk::{Attachments, with_attachments};
///
/// let tenant = Attachments::from([("tenant".to_owned(), "acme".to_owned())]);
/// let paid: bool = with_attachments(tenant, async { orders.call("isPaid", (7_i64,)).await }).await?;
/// # Ok(()) }
/// ```
pub async fn with_attachments<F: Future>(attachments: Attachments, future: F) -> F::Output {
    within(current().and(attachments), future).await
}

/// Takes the target and the attachments of the running code along into a future that will be spawned.
///
/// ```
/// # use highway_sdk::{Target, carried, with_target, current_target};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// with_target(Target::new("shanghai")?, async {
///     let bare = tokio::spawn(async { current_target() });
///     let with_it = tokio::spawn(carried(async { current_target() }));
///     assert_eq!(bare.await.unwrap(), None);
///     assert_eq!(with_it.await.unwrap(), Target::new("shanghai").ok());
/// })
/// .await;
/// # Ok::<(), highway_sdk::NotATarget>(())
/// # }).unwrap();
/// ```
pub fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    within(current(), future)
}

async fn within<F: Future>(scope: Scope, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _here = enter(scope.clone());
        future.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        Target::new(name).unwrap()
    }

    fn seen() -> String {
        current_target().map_or_else(|| "-".to_owned(), |target| target.to_string())
    }

    #[test]
    fn guards_nest_and_set_back_what_was_there() {
        let outer = enter_target(target("a"));
        {
            let _inner = enter_target(target("b"));
            assert_eq!(seen(), "b");
        }
        assert_eq!(seen(), "a");
        drop(outer);
        assert_eq!(seen(), "-");
    }

    #[test]
    fn a_guard_is_gone_after_a_panic() {
        let _ = std::panic::catch_unwind(|| {
            let _here = enter_target(target("a"));
            panic!("in between");
        });
        assert_eq!(seen(), "-");
    }

    #[tokio::test]
    async fn two_tasks_of_one_thread_keep_their_own_through_awaits() {
        let task = |name: &'static str| {
            with_target(target(name), async move {
                let mut all = Vec::new();
                for _ in 0..3 {
                    all.push(seen());
                    tokio::task::yield_now().await;
                }
                let inner = with_target(target("inner"), async { seen() }).await;
                (all, inner, seen())
            })
        };
        let (a, b) = tokio::join!(task("a"), task("b"));
        assert_eq!(a, (vec!["a".to_owned(); 3], "inner".to_owned(), "a".to_owned()));
        assert_eq!(b, (vec!["b".to_owned(); 3], "inner".to_owned(), "b".to_owned()));
        assert_eq!(seen(), "-");
    }

    #[tokio::test]
    async fn attachments_come_beside_those_around_them_and_a_target_leaves_them() {
        let all = |names: &[(&str, &str)]| {
            names.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Attachments>()
        };
        let here = || current().attachments.map(|attachments| Attachments::clone(&attachments)).unwrap_or_default();
        with_attachments(all(&[("a", "1"), ("b", "1")]), async {
            tokio::task::yield_now().await;
            with_target(
                target("x"),
                with_attachments(all(&[("b", "2")]), async {
                    assert_eq!((here(), seen()), (all(&[("a", "1"), ("b", "2")]), "x".to_owned()));
                    assert_eq!(
                        tokio::spawn(carried(async move { here() })).await.unwrap(),
                        all(&[("a", "1"), ("b", "2")])
                    );
                    assert_eq!(tokio::spawn(async move { here() }).await.unwrap(), all(&[]));
                }),
            )
            .await;
            assert_eq!((here(), seen()), (all(&[("a", "1"), ("b", "1")]), "-".to_owned()));
        })
        .await;
        assert_eq!(here(), all(&[]));
    }
}
