//! Which part of a registry is read: all of it, or what concerns some interfaces.
//!
//! ```text
//!   Everything    every interface, every application
//!   Only(A, B)    /<root>/{A,B}/providers
//!                 /<root>/mapping/{A,B} ─▶ applications ─▶ their instances and metadata
//!                 /<services>/highway-*                    where gateways of this island stand, and nothing more of them
//! ```
//!
//! An interface that no mapping names has its interface level alone, as for Dubbo 3. It reads nothing by itself.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::layout::{Category, Layout};

/// The longest name of an interface that is looked for.
const NAME_MAX_LEN: usize = 512;

/// What is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The whole registry: what a gateway reads.
    #[default]
    Everything,
    /// These interfaces.
    Only(BTreeSet<String>),
}

impl Scope {
    /// Whether the interface is part of it.
    pub(crate) fn has(&self, interface: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(interfaces) => interfaces.contains(interface),
        }
    }

    /// The folders of an interface that are read.
    pub(crate) const fn categories(&self) -> &'static [Category] {
        match self {
            Self::Everything => &[Category::Providers, Category::Consumers],
            Self::Only(_) => &[Category::Providers],
        }
    }
}

/// What the user of a registry wants to be read, now and later.
#[derive(Debug, Default)]
pub(crate) enum Interest {
    /// All of it, for ever.
    #[default]
    Everything,
    /// What was last said.
    Only {
        said: watch::Receiver<BTreeSet<String>>,
        /// What was taken of it.
        taken: Option<BTreeSet<String>>,
    },
}

impl Interest {
    /// In these interfaces.
    pub(crate) fn only(said: watch::Receiver<BTreeSet<String>>) -> Self {
        Self::Only { said, taken: None }
    }

    /// The scope, where it is another than before.
    pub(crate) fn news(&mut self) -> Option<Scope> {
        let Self::Only { said, taken } = self else { return None };
        let said = said.borrow_and_update();
        if taken.as_ref() == Some(&*said) {
            return None;
        }
        *taken = Some(said.clone());
        Some(Scope::Only(said.iter().filter(|name| is_interface(name)).cloned().collect()))
    }

    /// The next word. Cancel safe; pending for ever once nobody is left to say one.
    pub(crate) async fn changed(&mut self) {
        let is_said = match self {
            Self::Everything => false,
            Self::Only { said, .. } => said.changed().await.is_ok(),
        };
        if !is_said {
            std::future::pending::<()>().await;
        }
    }

    /// A sentence for each name that cannot be an interface's: nothing is read for it.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let taken = match self {
            Self::Only { taken, .. } => taken.as_ref(),
            Self::Everything => None,
        };
        let wrong = taken.into_iter().flatten().filter(|name| !is_interface(name));
        wrong.map(|name| format!("found {:?} as an interface, wanted a name such as \"com.acme.Greeter\"", cut(name)))
    }
}

/// Whether nodes can be called so.
fn is_interface(name: &str) -> bool {
    let is_sound = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '-');
    !name.is_empty()
        && name.len() <= NAME_MAX_LEN
        && name.chars().all(is_sound)
        && !matches!(name, "." | "..")
        && Layout::may_be_interface(name)
}

fn cut(name: &str) -> String {
    name.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn news_are_told_once_and_what_no_node_can_be_called_is_left_out_and_said() {
        let (say, said) = watch::channel(names(&["a.B", "a/B", "..", "mapping", ""]));
        let mut interest = Interest::only(said);
        assert_eq!(interest.news(), Some(Scope::Only(names(&["a.B"]))));
        assert_eq!((interest.news(), interest.problems().count()), (None, 4));
        say.send_replace(names(&["a.B", "a.Outer$Inner"]));
        assert_eq!(interest.news(), Some(Scope::Only(names(&["a.B", "a.Outer$Inner"]))));
        assert_eq!(interest.problems().count(), 0);
        // The last word stands when nobody is left to say another.
        drop(say);
        assert_eq!(interest.news(), None);
    }

    #[tokio::test]
    async fn who_will_say_nothing_more_is_waited_for_without_end_and_not_in_a_circle() {
        let (say, said) = watch::channel(names(&[]));
        let mut interest = Interest::only(said);
        drop(say);
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), interest.changed()).await;
        assert!(waited.is_err());
    }
}
