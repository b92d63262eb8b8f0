//! What the caller said, in up to four places that must agree: attachment, tag, port, parameters of its reference.
//!
//! Nothing is looked up here: whether the target exists is asked later.

use crate::call::{Call, Word};
use crate::decide::{Stage, Trail};
use crate::plan::{LOCAL, Reason};
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::text::shown;

/// A place as the caller named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    Local,
    Island(&'a str),
}

/// A target that the caller named.
pub struct Said<'a> {
    pub place: Place<'a>,
    /// Where it was named.
    pub reason: Reason,
}

impl<'a> Place<'a> {
    fn of(name: &'a str, own: &str) -> Self {
        if name == LOCAL || name == own { Self::Local } else { Self::Island(name) }
    }

    fn as_str(self) -> &'a str {
        match self {
            Self::Local => LOCAL,
            Self::Island(name) => name,
        }
    }
}

/// What the caller said, if it agrees with itself.
pub fn said<'a>(call: &Call<'a>, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<Option<Said<'a>>, Refusal> {
    let own = snapshot.own_island();
    let reference = match call.reference {
        Some(Word::Island(island)) => Some(island),
        Some(Word::Local) => Some(LOCAL),
        Some(Word::Contradiction(_)) | None => None,
    };
    let words = [
        (call.target, Reason::Target),
        (call.tagged, Reason::Tag),
        (call.bound, Reason::Port),
        (reference, Reason::Reference),
    ];
    let mut chosen: Option<Said<'a>> = None;
    for (word, reason) in words {
        let Some(name) = word else {
            trail.note(Stage::Caller, || format!("{reason} names no island"));
            continue;
        };
        trail.note(Stage::Caller, || format!("{reason} names island `{}`", shown(name)));
        let place = Place::of(name, own);
        if place != Place::Local && !is_island_id(name) {
            return Err(Refusal::NotATarget { said: reason.to_string(), name: shown(name) });
        }
        match &chosen {
            None => chosen = Some(Said { place, reason }),
            Some(first) if first.place == place => {}
            Some(first) => return Err(contradiction(first, place.as_str(), &reason)),
        }
    }
    let Some(Word::Contradiction([first, second])) = call.reference else { return Ok(chosen) };
    trail.note(Stage::Caller, || {
        let (first, second) = (shown(first), shown(second));
        format!("the parameters of two references name `{first}` and `{second}`, so they decide nothing by themselves")
    });
    match chosen {
        // Whoever says it for each call has done what the refusal would ask for.
        Some(said) if [first, second].iter().any(|name| Place::of(name, own) == said.place) => Ok(Some(said)),
        Some(said) => Err(contradiction(&said, first, &Reason::Reference)),
        None => Err(Refusal::References {
            call: call.service.map_or_else(String::new, |service| format!("{service}#{}", shown(call.method))),
            first: shown(first),
            second: shown(second),
        }),
    }
}

fn contradiction(first: &Said<'_>, second: &str, by: &Reason) -> Refusal {
    Refusal::Contradiction {
        first: first.reason.to_string(),
        first_island: shown(first.place.as_str()),
        second: by.to_string(),
        second_island: shown(second),
    }
}

/// `[a-z0-9-]{1,32}`, the form of islands everywhere.
pub fn is_island_id(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
