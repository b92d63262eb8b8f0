//! The models of a session, where both ends agreed on them: which record stands for which later ones, and what it told of them. It
//! never decides what may be sent, and both ends come to the same models because each is made by a numbered record, in its turn.
//!
//! ```text
//!   calls    by a hash of what their heads say, but for what differs from call to call   ─▶ one of 128 places
//!   answers  by the model of the call that they answer                                   ─▶ the same place of another 128
//!
//!   a place:  empty ─ a record ─▶ its model, worth 4 ─ alike: said by it ─▶ worth more, up to 8
//!                      ╰── worth nothing ◀── not alike, or by less than half of what it once spared ╯
//! ```
//!
//! So kinds of calls that share a place do not push each other out at each turn. The other end keeps what it is told to keep, at
//! most 2 × 128 models of 3 KiB.

use std::hash::Hasher;

use rustc_hash::FxHasher;
use wire::tunnel::model::{self, MODELS, Model, ModelError};
use wire::tunnel::record::{self, HEADER_LEN};
use wire::tunnel::{Record, RecordType, Said, head};

use super::packing;

/// No model, as a place.
pub(super) const NONE: u16 = u16::MAX;
/// The place of a call whose answer is to be said as it is.
pub(super) const PLAIN: u16 = u16::MAX - 1;
/// Fewer bytes are not worth a difference.
const WORTH_IT: usize = 32;
/// What a new model is worth: so often in a row nothing is like it before another takes its place.
const NEW_WORTH: u8 = 4;
/// The most that a model is worth.
const MOST_WORTH: u8 = 8;

/// The models by which this end says what it sends.
#[derive(Debug, Default)]
pub(super) struct Telling {
    calls: Vec<Option<Place>>,
    answers: Vec<Option<Place>>,
    /// The model of the last call: the next is often like it.
    last: u16,
    /// Bytes that did not cross.
    pub(super) saved_len: u64,
}

#[derive(Debug)]
struct Place {
    model: Model,
    worth: u8,
    /// The most that it has spared of a record.
    best_len: usize,
}

/// The models by which the other end says what it sends.
#[derive(Debug, Default)]
pub(super) struct Told {
    calls: Vec<Option<Model>>,
    answers: Vec<Option<Model>>,
    kept_len: usize,
    /// Bytes that did not cross.
    pub(super) saved_len: u64,
}

/// A record that is said by models in a way that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unlike {
    #[error("record that is said by models, which this link did not agree on")]
    NotAgreed,
    #[error("record that is said to be like model {0}, which was not kept")]
    Unknown(u16),
    #[error(transparent)]
    Wrong(#[from] ModelError),
}

impl Telling {
    /// The model in this place.
    pub(super) fn model(&self, kind: RecordType, number: u16) -> Option<&Model> {
        let places = if kind == RecordType::Open { &self.calls } else { &self.answers };
        places.get(usize::from(number))?.as_ref().map(|place| &place.model)
    }

    /// Makes the record that stands in `batch` from `at` on say what it says by a model, or makes it one, where that is worth it.
    /// `place`: for an answer, that of the call's model.
    pub(super) fn say(&mut self, batch: &mut Vec<u8>, at: usize, kind: RecordType, place: u16) {
        let payload = &batch[at + HEADER_LEN..];
        let place = match kind {
            RecordType::Open => self.place_of(payload),
            _ => Some(place).filter(|place| *place != NONE),
        };
        let Some(number) = place else { return };
        let places = if kind == RecordType::Open { &mut self.calls } else { &mut self.answers };
        if places.is_empty() {
            places.resize_with(MODELS, || None);
        }
        let Some(place) = places.get_mut(usize::from(number)) else { return };
        let common = place.as_ref().and_then(|place| place.model.common(payload));
        let saved_len = common.map_or(0, |common| common.saved_len);
        if let Some(place) = place {
            let is_like = saved_len >= WORTH_IT && 2 * saved_len >= place.best_len;
            place.worth = if is_like { (place.worth + 1).min(MOST_WORTH) } else { place.worth - 1 };
            place.best_len = place.best_len.max(saved_len);
            if let Some(common) = common
                && place.worth > 0
                && saved_len >= WORTH_IT
            {
                place.model.shorten(batch, at + HEADER_LEN, common);
                record::mark(&mut batch[at..], Said::Like(number));
                self.saved_len += saved_len as u64;
            }
            if place.worth > 0 {
                return;
            }
        }
        if let Ok(model) = Model::keep(kind, &batch[at + HEADER_LEN..]) {
            *place = Some(Place { model, worth: NEW_WORTH, best_len: 0 });
            record::mark(&mut batch[at..], Said::AsModel(number));
        } else {
            *place = None;
        }
    }

    /// The place of a call, by what its head says.
    fn place_of(&mut self, payload: &[u8]) -> Option<u16> {
        let (head, _) = head::Head::split(payload).ok()?;
        let last = self.calls.get(usize::from(self.last)).and_then(Option::as_ref);
        if last.is_some_and(|place| place.model.has_head(head)) {
            return Some(self.last);
        }
        let mut hash = FxHasher::default();
        for part in head::lasting(head).ok()? {
            hash.write(part);
        }
        self.last = (hash.finish() % MODELS as u64) as u16;
        Some(self.last)
    }
}

impl Told {
    /// The model in this place.
    pub(super) fn model(&self, kind: RecordType, number: u16) -> Option<&Model> {
        let models = if kind == RecordType::Open { &self.calls } else { &self.answers };
        models.get(usize::from(number))?.as_ref()
    }

    /// A record has arrived in its turn. Puts it together in `whole` where it is said by a model; returns its payload and the place
    /// of its model.
    ///
    /// # Errors
    /// The peer says what cannot be.
    pub(super) fn hear<'a>(
        &mut self,
        kind: RecordType,
        said: Said,
        payload: &'a [u8],
        whole: &'a mut Vec<u8>,
    ) -> Result<(&'a [u8], u16), Unlike> {
        let models = if kind == RecordType::Open { &mut self.calls } else { &mut self.answers };
        match said {
            Said::Whole => Ok((payload, NONE)),
            Said::AsModel(number) => {
                if models.is_empty() {
                    models.resize_with(MODELS, || None);
                }
                let model = Model::keep(kind, payload)?;
                self.kept_len += model.kept_len();
                let before = models.get_mut(usize::from(number)).ok_or(Unlike::Unknown(number))?.replace(model);
                self.kept_len -= before.map_or(0, |before| before.kept_len());
                Ok((payload, number))
            }
            Said::Like(number) => {
                let model = models.get(usize::from(number)).and_then(Option::as_ref);
                model.ok_or(Unlike::Unknown(number))?.put_together(payload, whole)?;
                self.saved_len += (whole.len() - payload.len()) as u64;
                Ok((whole, number))
            }
        }
    }

    /// Bytes of memory that the peer has made this end keep.
    pub(super) fn kept_len(&self) -> usize {
        self.kept_len + (self.calls.len() + self.answers.len()) * size_of::<Option<Model>>()
    }
}

/// Where in an encoded open record the milliseconds stand that remain, as four bytes.
pub(super) fn remaining_at(record: &Record<'_>) -> usize {
    let at = if matches!(record.said, Said::Like(_)) { model::REMAINING_AT } else { head::REMAINING_AT };
    HEADER_LEN + packing::in_front(record) + at
}
