//! The bytes of a frame that are here while others are still to come. It never reads and holds nothing of a whole frame.

use crate::{Close, SCRATCH_LEN, Taken};

/// A rest up to this long is copied in front of the next read; a longer one is gathered apart.
pub(crate) const COPIED_REST_LEN: usize = 16 * 1024;

/// The bytes of a frame that is not complete yet.
#[derive(Default)]
pub(crate) struct Rest {
    bytes: Vec<u8>,
    /// The length the frame will have, 0 if not known.
    need: usize,
}

impl Rest {
    /// Copies a small rest to the front of the scratch buffer; says how many bytes.
    pub(crate) fn put_in_front(&self, scratch: &mut [u8]) -> usize {
        if self.bytes.len() > COPIED_REST_LEN {
            return 0;
        }
        scratch[..self.bytes.len()].copy_from_slice(&self.bytes);
        self.bytes.len()
    }

    /// Whether it is a frame of a known length whose end is still to come.
    pub(crate) fn is_awaited(&self) -> bool {
        self.need > 0
    }

    pub(crate) fn hand_over(
        &mut self,
        scratch: &[u8],
        kept: usize,
        mut received: impl FnMut(&[u8]) -> Result<Taken, Close>,
    ) -> Result<(), Close> {
        if kept == self.bytes.len() {
            if scratch.len() < self.need {
                self.bytes.extend_from_slice(&scratch[kept..]);
                return Ok(());
            }
            let taken = received(scratch)?;
            self.bytes.clear();
            self.bytes.extend_from_slice(scratch.get(taken.used..).unwrap_or_default());
            self.need = taken.need;
        } else {
            self.bytes.extend_from_slice(scratch);
            if self.bytes.len() < self.need {
                return Ok(());
            }
            let taken = received(&self.bytes)?;
            self.bytes.drain(..taken.used.min(self.bytes.len()));
            self.need = taken.need;
        }
        if self.bytes.is_empty() || self.bytes.capacity() > SCRATCH_LEN + self.need {
            self.bytes.shrink_to_fit();
        }
        Ok(())
    }
}
