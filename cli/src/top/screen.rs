//! The terminal while `highway top` has it: its other screen, no cursor, no echo. Given back as it was, however that ends.
//!
//! ```text
//!  ESC[?1049h other screen   ESC[?25l no cursor   ESC[?7l long lines end at the edge    and each with `l`/`h` the other way round at the end
//!  ESC[H home   ESC[K to the end of the line   ESC[J to the end of the screen
//! ```
//!
//! Ctrl-Z does nothing: a stopped program would leave the other screen behind. Ctrl-C is a signal as ever.

use std::io::{IsTerminal, Write, stdin, stdout};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::watch;

/// What terminals have that do not say.
const USUAL: (usize, usize) = (80, 24);
const TAKE: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";
const GIVE_BACK: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// A terminal that is taken; given back when dropped.
pub struct Screen {
    /// How its keys were, where it has some.
    keys: Option<Termios>,
}

/// Columns and lines.
pub fn size() -> (usize, usize) {
    let known = tcgetwinsize(stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    known.map_or(USUAL, |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

impl Screen {
    /// The terminal that standard output is; `None` where it is none.
    pub fn take() -> Option<Self> {
        if !stdout().is_terminal() {
            return None;
        }
        let keys = Some(stdin()).filter(IsTerminal::is_terminal).and_then(|stdin| {
            let before = tcgetattr(&stdin).ok()?;
            let mut now = before.clone();
            now.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            // A read comes back at once, with a key or without.
            now.special_codes[SpecialCodeIndex::VMIN] = 0;
            now.special_codes[SpecialCodeIndex::VTIME] = 0;
            // No key suspends, and none ends it without a word.
            now.special_codes[SpecialCodeIndex::VSUSP] = 0;
            now.special_codes[SpecialCodeIndex::VQUIT] = 0;
            tcsetattr(&stdin, OptionalActions::Now, &now).ok()?;
            Some(before)
        });
        let screen = Self { keys };
        say(TAKE);
        Some(screen)
    }

    /// Whether somebody has pressed `q`.
    pub fn is_left(&self) -> bool {
        let mut typed = [0; 64];
        self.keys.is_some() && rustix::io::read(stdin(), &mut typed).is_ok_and(|len| typed[..len].contains(&b'q'))
    }

    /// Shows these lines, which fit, below a head.
    pub fn show(&self, head: &str, width: usize, lines: &[String]) {
        let mut all = format!("\u{1b}[H{}\u{1b}[K", watch::end_cut(head, width));
        for line in lines {
            all.push_str("\r\n");
            all.push_str(line);
            all.push_str("\u{1b}[K");
        }
        all.push_str("\u{1b}[J");
        say(&all);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        say(GIVE_BACK);
        if let Some(before) = &self.keys {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

/// A terminal that is gone is told nothing.
fn say(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
