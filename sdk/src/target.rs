//! Where calls of a task or thread go: the target that a piece of code is in.
//!
//! ```text
//!   thread ─ target ─┐  a guard sets it, its end sets back what was there before
//!   task ─ each poll ┘  the same, for as long as the task is polled: it follows its task through awaits and threads, and no other
//! ```
//!
//! It never reaches a task that is spawned inside: who wants that says [`carried`].

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use thiserror::Error;

thread_local! {
    static CURRENT: RefCell<Option<Target>> = const { RefCell::new(None) };
}

/// Where a call goes: an island, or `local`, a provider of the caller's own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target(Arc<str>);

/// A text that names no target.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("found target {found:?}, wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`")]
pub struct NotATarget {
    found: String,
}

impl Target {
    /// The target of this name.
    ///
    /// # Errors
    /// [`NotATarget`]. Whether there is such an island is asked with each call.
    pub fn new(name: &str) -> Result<Self, NotATarget> {
        if name == route::LOCAL || route::is_island_id(name) {
            return Ok(Self(name.into()));
        }
        Err(NotATarget { found: name.chars().take(64).collect() })
    }

    /// A provider of the caller's own island.
    #[must_use]
    pub fn local() -> Self {
        Self(route::LOCAL.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the caller's own island.
    #[must_use]
    pub fn is_local(&self) -> bool {
        &*self.0 == route::LOCAL
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<&str> for Target {
    type Error = NotATarget;

    fn try_from(name: &str) -> Result<Self, NotATarget> {
        Self::new(name)
    }
}

/// The target that the running code is in, `None` where nobody set one.
#[must_use]
pub fn current_target() -> Option<Target> {
    CURRENT.with_borrow(Clone::clone)
}

/// Sets the target of this thread until the guard is dropped, which sets back the one before.
///
/// For blocking code. In a task use [`with_target`]: a guard that is held over an `await` would be the target of whatever else its thread
/// polls meanwhile, so it cannot be sent to another thread.
#[must_use = "the target is set for as long as the guard lives"]
pub fn enter_target(target: Target) -> TargetGuard {
    enter(Some(target))
}

/// Sets back the target that was there before.
#[derive(Debug)]
pub struct TargetGuard {
    before: Option<Target>,
    _of_this_thread: PhantomData<*const ()>,
}

impl Drop for TargetGuard {
    fn drop(&mut self) {
        // A thread that ends has no target to set back.
        let _ = CURRENT.try_with(|current| current.replace(self.before.take()));
    }
}

fn enter(target: Option<Target>) -> TargetGuard {
    TargetGuard { before: CURRENT.replace(target), _of_this_thread: PhantomData }
}

/// Runs a future with this target: all calls that it makes, through its awaits, on whatever thread it is polled. What it spawns does not
/// have it: see [`carried`].
pub async fn with_target<F: Future>(target: Target, future: F) -> F::Output {
    within(Some(target), future).await
}

/// Takes the target of the running code along into a future that will be spawned.
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
    within(current_target(), future)
}

async fn within<F: Future>(target: Option<Target>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _here = enter(target.clone());
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

    #[test]
    fn what_is_no_target_is_refused_with_what_was_found() {
        for name in ["", "Shanghai", "a b", "x".repeat(33).as_str()] {
            assert!(Target::new(name).is_err(), "{name}");
        }
        let said = Target::new("Shanghai").unwrap_err().to_string();
        assert_eq!(said, "found target \"Shanghai\", wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`");
        assert!(target("local").is_local() && !target("shanghai").is_local());
    }
}
