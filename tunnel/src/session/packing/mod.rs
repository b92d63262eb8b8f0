//! Packs what a session sends, where both ends of its link want that: the bytes of a call or an answer, each by itself. It changes nothing
//! that is not a whole call or answer, and what does not get shorter goes as it is.
//!
//! ```text
//!   record in the batch ─ short, or its kind does not shrink ─▶ as it is
//!                       ─ said by a model ─▶ beside the dictionary and the model's own body
//!                       ─ else ─▶ beside the dictionary
//!
//!   a kind that did not shrink is left alone for 16 records, then 32, … 1024 before the next try
//! ```

mod kept;
mod unpacking;
mod zstd;

use wire::tunnel::model::MODELS;
use wire::tunnel::packed::PACKED_HEAD_LEN;
use wire::tunnel::record::{self, Decoded, HEADER_LEN};
use wire::tunnel::{Beside, Packed, Record, RecordType, Said};

use super::models::Telling;
use kept::{Instead, Kept};
pub(super) use unpacking::{Unpackable, Unpacking};
use zstd::{Press, VERSION};

/// Fewer bytes are not worth it.
pub(super) const WORTH_IT: usize = 96;
/// Records of a kind that are left alone after the first try that brought nothing, and after many.
const LEFT_ALONE: (u16, u16) = (16, 1024);

/// Whether a session packs, while it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packs {
    Nothing,
    Calls,
}

/// What packs.
#[derive(Debug)]
pub(super) struct Packing {
    /// Whether it does.
    pub(super) now: Packs,
    /// By place of calls, of answers, and of what has no model.
    tries: Vec<Tries>,
    presses: Kept<Press>,
    /// Bytes that did not cross.
    pub(super) saved_len: u64,
}

/// What became of the tries to pack records of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Tries {
    /// Records that are still left alone.
    left_alone: u16,
    /// As many as were left alone last.
    last: u16,
}

impl Packing {
    pub(super) fn new() -> Packing {
        Packing {
            now: Packs::Calls,
            tries: vec![Tries::default(); 2 * MODELS + 1],
            presses: Kept::default(),
            saved_len: 0,
        }
    }

    /// Packs the record that stands in `batch` from `at` on, where that is worth it. It was said by `models` already, where there are some.
    pub(super) fn pack(&mut self, batch: &mut Vec<u8>, at: usize, kind: RecordType, models: Option<&Telling>) {
        let Ok(Decoded::Record(record, _)) = Record::decode(&batch[at..]) else { return };
        let (said, len) = (record.said, record.payload.len());
        if let Said::AsModel(number) = said {
            self.presses.forget((kind, number));
        }
        let model = match said {
            Said::Like(number) => models.and_then(|models| models.model(kind, number)).map(|model| (number, model)),
            _ => None,
        };
        let plain_len = Packed::plain_len(kind, model.map(|(_, model)| model));
        let is_worth_it = len >= usize::from(plain_len) + WORTH_IT;
        if self.now == Packs::Nothing || !is_worth_it || !self.tries[place(kind, said)].is_due() {
            return;
        }
        let of_model = model.and_then(|(number, model)| {
            self.presses.of((kind, number), Instead::OfUnused, || Press::beside(model.body()))
        });
        let beside = if of_model.is_some() { Beside::Model } else { Beside::Dictionary };
        let payload_at = at + HEADER_LEN;
        let shrank = of_model
            .or_else(Press::plain)
            .is_some_and(|press| press.shortens(batch, payload_at + usize::from(plain_len)));
        self.tries[place(kind, said)].ended(shrank);
        if shrank {
            batch.splice(payload_at..payload_at, Packed::head(VERSION, beside, plain_len, len));
            record::mark_packed(&mut batch[at..]);
            self.saved_len += (len + payload_at).saturating_sub(batch.len()) as u64;
        }
    }
}

impl Tries {
    fn is_due(&mut self) -> bool {
        if self.left_alone == 0 {
            return true;
        }
        self.left_alone -= 1;
        false
    }

    fn ended(&mut self, shrank: bool) {
        self.last = if shrank { 0 } else { (2 * self.last).clamp(LEFT_ALONE.0, LEFT_ALONE.1) };
        self.left_alone = self.last;
    }
}

/// Where what became of tries stands.
fn place(kind: RecordType, said: Said) -> usize {
    match said {
        Said::Whole => 2 * MODELS,
        Said::AsModel(number) | Said::Like(number) => {
            usize::from(number) + if kind == RecordType::Open { 0 } else { MODELS }
        }
    }
}

/// Bytes that stand in front of a packed payload's plain ones.
pub(super) fn in_front(record: &Record<'_>) -> usize {
    if record.packed { PACKED_HEAD_LEN } else { 0 }
}
