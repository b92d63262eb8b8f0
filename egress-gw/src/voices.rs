//! All that a caller's references in the registry say, as one number: a call is decided by it without a look at tens of thousands of
//! references, and machines whose references say the same share their decisions.
//!
//! ```text
//!  address ─▶ all, nameless, application ─▶ sum of its references      voice of a caller that says its application   its own + nameless
//!  connection ─ the voice of its last caller, until what is known changes                              that says none    all
//! ```
//!
//! A reference counts as 128 bits made with keys that no other process has, of what calls are decided by and nothing else. So the voice
//! stays when the registry is read anew, and nobody who writes there can make two that say different things sound alike.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use crate::knowledge::Reference;

/// What a caller's references say. Equal only where they say the same; of who is unknown it is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Voice(u128);

/// The voices at each address.
#[derive(Debug, Default)]
pub struct Voices {
    /// No two in this process that know different references have the same.
    edition: u64,
    by_address: HashMap<IpAddr, Speakers>,
}

/// Who speaks at one address.
#[derive(Debug, Default)]
struct Speakers {
    all: Voice,
    nameless: Voice,
    named: BTreeMap<Arc<str>, Voice>,
}

/// The voice of the last caller on a connection: one process calls there, so nearly always also that of the next.
#[derive(Debug, Default)]
pub struct LastVoice {
    edition: Cell<u64>,
    voice: Cell<Voice>,
    is_named: Cell<bool>,
    application: RefCell<String>,
}

/// Longer names are not remembered.
const NAME_MAX_LEN: usize = 256;

/// Of the SipHash of the standard library, a pseudo-random function: what it makes of a text tells nothing of what it makes of another.
static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);
static EDITIONS: AtomicU64 = AtomicU64::new(0);

impl Voice {
    /// What one reference to `interface` adds.
    fn of(interface: &str, reference: &Reference) -> Self {
        let Reference { application, group, version, said, until, node: _ } = reference;
        let what = (interface, application, group, version, &said.words, &said.parameters, until.is_some());
        let [high, low] = [&KEYS[0], &KEYS[1]].map(|key| u128::from(key.hash_one(what)));
        Self(high << 64 | low)
    }

    fn add(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// For the keys of decisions.
    #[inline]
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl Voices {
    /// Adds what a reference says.
    pub fn add(&mut self, address: IpAddr, interface: &str, reference: &Reference) {
        self.edition = EDITIONS.fetch_add(1, Ordering::Relaxed) + 1;
        let Speakers { all, nameless, named } = self.by_address.entry(address).or_default();
        let own = match &reference.application {
            Some(application) => named.entry(application.clone()).or_default(),
            None => nameless,
        };
        let voice = Voice::of(interface, reference);
        all.add(voice);
        own.add(voice);
    }

    /// The voice of a caller at `address` that says, or does not, that it is this application: of all references that may be its own.
    #[must_use]
    pub fn of(&self, address: IpAddr, application: Option<&str>) -> Voice {
        let Some(Speakers { all, nameless, named }) = self.by_address.get(&address) else { return Voice::default() };
        let Some(application) = application else { return *all };
        let mut voice = *nameless;
        voice.add(named.get(application).copied().unwrap_or_default());
        voice
    }
}

impl LastVoice {
    /// The voice of a caller on this connection, which comes from `address`.
    #[inline]
    #[must_use]
    pub fn of(&self, voices: &Voices, address: IpAddr, application: Option<&str>) -> Voice {
        let is_same = self.edition.get() == voices.edition
            && self.is_named.get() == application.is_some()
            && *self.application.borrow() == application.unwrap_or_default();
        if is_same { self.voice.get() } else { self.anew(voices, address, application) }
    }

    #[cold]
    fn anew(&self, voices: &Voices, address: IpAddr, application: Option<&str>) -> Voice {
        let voice = voices.of(address, application);
        if application.is_none_or(|application| application.len() <= NAME_MAX_LEN) {
            application.unwrap_or_default().clone_into(&mut self.application.borrow_mut());
            self.edition.set(voices.edition);
            self.is_named.set(application.is_some());
            self.voice.set(voice);
        }
        voice
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::knowledge::Said;
    use crate::reference::Prefixes;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 8));
    const NOBODY: Voice = Voice(0);

    fn of(application: Option<&str>, said: Said) -> Reference {
        Reference { application: application.map(Arc::from), said: Arc::new(said), ..Reference::default() }
    }

    fn texts(key: &str, value: &str) -> BTreeMap<String, String> {
        [(key.to_owned(), value.to_owned())].into()
    }

    fn zone(zone: &str) -> Said {
        Said { parameters: texts("zone", zone), ..Said::default() }
    }

    fn voices(all: &[(IpAddr, &str, &Reference)]) -> Voices {
        let mut voices = Voices::default();
        all.iter().for_each(|(address, interface, reference)| voices.add(*address, interface, reference));
        voices
    }

    #[test]
    fn references_that_say_the_same_have_one_voice_wherever_and_in_whatever_order_they_stand() {
        let (shop, till) = (of(Some("shop"), zone("a")), of(Some("shop"), zone("b")));
        let here = voices(&[(HERE, "a.A", &shop), (HERE, "a.B", &till), (THERE, "a.B", &till), (THERE, "a.A", &shop)]);
        assert_eq!(here.of(HERE, Some("shop")), here.of(THERE, Some("shop")));
        assert_ne!(here.of(HERE, Some("shop")), NOBODY);
        let crossed = voices(&[(HERE, "a.A", &till), (HERE, "a.B", &shop)]);
        assert_ne!(crossed.of(HERE, Some("shop")), here.of(HERE, Some("shop")), "each of the other interface");
        let twice = voices(&[(HERE, "a.A", &shop), (HERE, "a.A", &shop)]);
        assert_ne!(twice.of(HERE, None), voices(&[(HERE, "a.A", &shop)]).of(HERE, None));
    }

    #[test]
    fn a_voice_is_of_what_calls_are_decided_by_and_of_nothing_else() {
        let voice = |reference: &Reference| voices(&[(HERE, "a.A", reference)]).of(HERE, None);
        let words = |island| Prefixes::default().read(&texts(&format!("highway.{island}"), "ALL"));
        let silent = || of(Some("shop"), Said::default());
        let differ = [
            silent(),
            of(None, Said::default()),
            of(Some("till"), Said::default()),
            of(Some("shop"), zone("a")),
            of(Some("shop"), zone("b")),
            of(Some("shop"), Said { words: words("beijing"), ..Said::default() }),
            of(Some("shop"), Said { words: words("shanghai"), ..Said::default() }),
            Reference { group: Some("g".into()), ..silent() },
            Reference { version: Some("g".into()), ..silent() },
            Reference { until: Some(Instant::now()), ..silent() },
        ];
        let different: std::collections::BTreeSet<u128> = differ.iter().map(|one| voice(one).0).collect();
        assert_eq!(different.len(), differ.len());
        let timeout = Some(Duration::from_secs(1));
        let method_timeouts = BTreeMap::from([("greet".to_owned(), Duration::from_secs(2))]);
        let slow = of(Some("shop"), Said { timeout, method_timeouts, ..Said::default() });
        assert_eq!(voice(&slow), voice(&silent()));
    }

    #[test]
    fn a_caller_speaks_with_its_own_references_and_a_nameless_one_with_all() {
        let [shop, till, nameless] = [Some("shop"), Some("till"), None].map(|name| of(name, zone("a")));
        let all = voices(&[(HERE, "a.A", &shop), (HERE, "a.A", &till), (HERE, "a.A", &nameless)]);
        let only = |references: &[&Reference], application| {
            let references: Vec<_> = references.iter().map(|one| (HERE, "a.A", *one)).collect();
            voices(&references).of(HERE, application)
        };
        assert_eq!(all.of(HERE, Some("shop")), only(&[&shop, &nameless], Some("shop")));
        assert_eq!(all.of(HERE, Some("other")), only(&[&nameless], Some("other")));
        assert_ne!(all.of(HERE, None), only(&[&shop, &nameless], None));
        assert_eq!((all.of(THERE, None), all.of(THERE, Some("shop"))), (NOBODY, NOBODY));
    }

    #[test]
    fn a_connection_remembers_a_voice_until_another_calls_or_something_else_is_known() {
        let (shop, till) = (of(Some("shop"), zone("a")), of(Some("till"), zone("b")));
        let before = voices(&[(HERE, "a.A", &shop), (HERE, "a.A", &till)]);
        let after = voices(&[(HERE, "a.A", &of(Some("shop"), zone("b"))), (HERE, "a.A", &till)]);
        let (last, long) = (LastVoice::default(), "x".repeat(NAME_MAX_LEN + 1));
        let names = [Some("shop"), Some("shop"), Some("till"), None, Some(""), Some(&*long), Some("shop")];
        for voices in [&before, &after, &Voices::default(), &before] {
            for name in names {
                assert_eq!(last.of(voices, HERE, name), voices.of(HERE, name), "{name:?}");
            }
        }
        assert!(last.application.borrow().capacity() <= NAME_MAX_LEN);
    }
}
