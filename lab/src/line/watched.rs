//! A line whose programs are heard when a test fails. What the test itself said comes again behind them: of what a long run printed, often
//! only the end is kept.

use std::cell::RefCell;
use std::ops::Deref;
use std::panic;
use std::sync::Once;

use super::Line;

/// Behind them an error only tells how it came about.
const SAID_LINES: usize = 6;

thread_local! {
    /// What the last panic of this thread said, and where.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

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
                SAID.set(info.to_string().lines().take(SAID_LINES).collect::<Vec<_>>().join("\n"));
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
            eprintln!("{}\n--- the test\n{}", self.0.last_words(), SAID.take());
        }
    }
}
