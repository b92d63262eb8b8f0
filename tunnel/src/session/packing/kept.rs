//! What is made ready of a model, for a few of the models of a session: making it takes longer than a call does, and it takes more memory than the model. It knows nothing of
//! what it keeps.

use wire::tunnel::RecordType;

/// The most that are kept: calls and answers of eight kinds.
const KEPT: usize = 16;
/// One that was not used among so many is not needed.
const UNUSED: u64 = 256;

/// Whose place one more may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// Of one that was not used for long; else it is not made.
    OfUnused,
    /// Of the one that was not used for longest.
    OfAny,
}

/// What is kept of models, each under its kind and place.
#[derive(Debug)]
pub(super) struct Kept<T> {
    all: Vec<One<T>>,
    turn: u64,
}

#[derive(Debug)]
struct One<T> {
    of: (RecordType, u16),
    used: u64,
    made: T,
}

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept { all: Vec::new(), turn: 0 }
    }
}

impl<T> Kept<T> {
    /// What was made of this model, or is made of it now; `None` if there is no place for it or it cannot be made.
    pub(super) fn of(
        &mut self,
        of: (RecordType, u16),
        instead: Instead,
        make: impl FnOnce() -> Option<T>,
    ) -> Option<&T> {
        self.turn += 1;
        let at = match self.all.iter().position(|one| one.of == of) {
            Some(at) => at,
            None => {
                if self.all.len() == KEPT {
                    let (at, used) = self.all.iter().map(|one| one.used).enumerate().min_by_key(|(_, used)| *used)?;
                    if instead == Instead::OfUnused && self.turn - used < UNUSED {
                        return None;
                    }
                    self.all.swap_remove(at);
                }
                self.all.push(One { of, used: 0, made: make()? });
                self.all.len() - 1
            }
        };
        let one = &mut self.all[at];
        one.used = self.turn;
        Some(&one.made)
    }

    /// There is another model in its place.
    pub(super) fn forget(&mut self, of: (RecordType, u16)) {
        self.all.retain(|one| one.of != of);
    }

    /// All that is kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.all.iter().map(|one| &one.made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_takes_the_place_of_what_was_not_used_for_long_or_of_any() {
        for instead in [Instead::OfUnused, Instead::OfAny] {
            let mut kept = Kept::default();
            let mut made = |number: u16| {
                let mut is_new = false;
                let found = kept.of((RecordType::Open, number), instead, || {
                    is_new = true;
                    Some(number)
                });
                (found.copied(), is_new)
            };
            for number in 0..KEPT as u16 {
                assert_eq!(made(number), (Some(number), true));
                assert_eq!(made(number), (Some(number), false));
            }
            let one_more = KEPT as u16;
            let is_any = instead == Instead::OfAny;
            assert_eq!(made(one_more), (is_any.then_some(one_more), is_any));
            for _ in 0..UNUSED {
                assert_eq!(made(1), (Some(1), false));
            }
            assert_eq!(made(one_more + 1), (Some(one_more + 1), true));
            assert_eq!(made(1), (Some(1), false), "what was used stayed");
        }
    }

    #[test]
    fn what_is_forgotten_is_made_anew() {
        let mut kept = Kept::default();
        assert_eq!(kept.of((RecordType::Open, 1), Instead::OfAny, || Some(1)), Some(&1));
        assert_eq!(kept.of((RecordType::Reply, 1), Instead::OfAny, || Some(2)), Some(&2));
        kept.forget((RecordType::Open, 1));
        assert_eq!(kept.of((RecordType::Open, 1), Instead::OfAny, || Some(3)), Some(&3));
        assert_eq!(kept.of((RecordType::Reply, 1), Instead::OfAny, || None), Some(&2));
    }
}
