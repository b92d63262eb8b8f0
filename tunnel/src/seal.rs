//! Sealed batches: what crosses devices that end TLS. It never seals a record by itself: a flush is sealed at once, so that
//! its calls share the cost.
//!
//! ```text
//!  | length (u16) | ciphertext: at most 65535 bytes, 16 of them the tag |   length (u16) | …      records may span them
//! ```

use snow::TransportState;
use thiserror::Error;

/// The longest Noise message (Noise specification, section 3).
const MESSAGE_LEN: usize = 65_535;
/// Bytes of authentication in each.
const TAG_LEN: usize = 16;
/// Bytes in front of each.
const LENGTH_LEN: usize = 2;

/// The keys of one connection.
pub(crate) struct Seal(TransportState);

/// A message that was changed on the way, lost or sent again.
#[derive(Debug, Error)]
#[error("sealed message of {0} bytes that does not open: changed on the way, or out of order")]
pub(crate) struct Broken(usize);

impl Seal {
    pub(crate) fn new(state: TransportState) -> Seal {
        Seal(state)
    }

    /// Puts `parts`, sealed, behind `out`.
    ///
    /// # Errors
    /// The keys are used up (after 2^64 messages).
    pub(crate) fn seal(&mut self, parts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Broken> {
        let joined;
        let plain = match parts {
            [part] | [part, []] | [[], part] => part,
            _ => {
                joined = parts.concat();
                &joined[..]
            }
        };
        for piece in plain.chunks(MESSAGE_LEN - TAG_LEN) {
            let len = piece.len() + TAG_LEN;
            let from = out.len() + LENGTH_LEN;
            out.extend_from_slice(&(len as u16).to_be_bytes());
            out.resize(from + len, 0);
            self.0.write_message(piece, &mut out[from..]).map_err(|_| Broken(piece.len()))?;
        }
        Ok(())
    }

    /// Opens all whole messages at the front of `sealed`, puts what was in them behind `out` and returns how many bytes it
    /// used.
    ///
    /// # Errors
    /// [`Broken`]; the connection is over.
    pub(crate) fn open(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<usize, Broken> {
        let mut used = 0;
        while let Some((length, rest)) = sealed[used..].split_first_chunk::<LENGTH_LEN>() {
            let len = usize::from(u16::from_be_bytes(*length));
            let Some(message) = rest.get(..len) else { break };
            let from = out.len();
            out.resize(from + len, 0);
            let opened = self.0.read_message(message, &mut out[from..]).map_err(|_| Broken(len))?;
            out.truncate(from + opened);
            used += LENGTH_LEN + len;
        }
        Ok(used)
    }
}
