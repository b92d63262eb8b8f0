//! Unpacks what arrives packed: to the length that the record says, which is bounded before anything is looked at, or not at all. A peer that says what cannot be
//! ends its link, and makes this end neither hold nor work more than the bytes it was given credit for.

use wire::tunnel::{Beside, Packed, PackedError, Record, Said};

use super::super::models::Told;
use super::kept::{Instead, Kept};
use super::zstd::{Key, VERSION};

/// What unpacks.
#[derive(Debug, Default)]
pub(in super::super) struct Unpacking {
    keys: Kept<Key>,
    /// Bytes that did not cross.
    pub(in super::super) saved_len: u64,
}

/// A packed record that cannot be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unpackable {
    #[error("packed record, which this link did not agree on")]
    NotAgreed,
    #[error(transparent)]
    Head(#[from] PackedError),
    #[error("record that is packed by dictionary {0}, wanted {VERSION}")]
    Dictionary(u8),
    #[error("record that is packed beside a model, and is not like one that was kept")]
    NoModel,
    #[error("packed record whose bytes do not come to the {0} that it says")]
    Bytes(usize),
}

impl Unpacking {
    /// Puts the payload of a packed record into `out`, in place of what stands there.
    ///
    /// # Errors
    /// The peer says what cannot be.
    pub(in super::super) fn unpack(
        &mut self,
        record: &Record<'_>,
        models: Option<&Told>,
        out: &mut Vec<u8>,
    ) -> Result<(), Unpackable> {
        let packed = Packed::decode(record.payload)?;
        if packed.dictionary != VERSION {
            return Err(Unpackable::Dictionary(packed.dictionary));
        }
        let key = match (packed.beside, record.said) {
            (Beside::Dictionary, _) => Key::plain(),
            (Beside::Model, Said::Like(number)) => {
                let model = models.and_then(|models| models.model(record.kind, number)).ok_or(Unpackable::NoModel)?;
                self.keys.of((record.kind, number), Instead::OfAny, || Key::beside(model.body()))
            }
            (Beside::Model, _) => return Err(Unpackable::NoModel),
        };
        out.clear();
        out.extend_from_slice(packed.plain);
        out.resize(packed.len, 0);
        let room = &mut out[packed.plain.len()..];
        if !key.is_some_and(|key| key.fills(packed.rest, room)) {
            return Err(Unpackable::Bytes(packed.len));
        }
        self.saved_len += packed.len.saturating_sub(record.payload.len()) as u64;
        Ok(())
    }

    /// A record has arrived that may be kept as a model, in the place of an earlier one.
    pub(in super::super) fn heard(&mut self, record: &Record<'_>) {
        if let Said::AsModel(number) = record.said {
            self.keys.forget((record.kind, number));
        }
    }

    /// Bytes of memory that the peer has made this end keep.
    pub(in super::super) fn kept_len(&self) -> usize {
        self.keys.iter().map(Key::kept_len).sum()
    }
}
