//! A line whose programs are heard when a test fails. What the test itself said comes again behind them: of what a long run printed, often
//! only the end is kept.

use std::cell::RefCell;
use std::ops::Deref;
use std::panic;
use std::sync::{Mutex, Once, PoisonError};

use super::Line;

/// Behind them an error only tells how it came about.
const SAID_LINES: usize = 6;

thread_local! {
    /// What the last panic of this thread said, and where.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}
/// The last one of any thread: a test may hand on the panic of one that worked for it.
static LAST: Mutex<String> = Mutex::new(String::new());

/// A line whose programs are heard when a test fails.
#[derive(Debug)]
pub struct Watched<'a>(&'a Line);

impl Line {
    /// Says what everything said last, if a test fails while the guard is alive.
    #[must_use]
    pub fn watched(&self) -> Watched<'_> {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let print = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let said = info.to_string().lines().take(SAID_LINES).collect::<Vec<_>>().join("\n");
                LAST.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&said);
                SAID.set(said);
                print(info);
            }));
        });
        Watched(self)
    }
}

impl Deref for Watched<'_> {
    type Target = Line;

    fn deref(&self) -> &Line {
        self.0
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let own = SAID.take();
            let said = if own.is_empty() { LAST.lock().unwrap_or_else(PoisonError::into_inner).clone() } else { own };
            eprintln!("{}\n--- the test\n{said}", self.0.last_words());
        }
    }
}
