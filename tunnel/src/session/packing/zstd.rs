//! zstd, and the dictionary that both ends have: bytes in, bytes out, each time by itself. Nothing of one call is left for the next, and what is unpacked never
//! gets longer than the room it was given.
//!
//! ```text
//!   Press   dictionary │ body of a model, where there is one   ─▶ compress      (sender)
//!   Key     the same                                           ─▶ decompress    (receiver)
//! ```
//!
//! The dictionary is trained by `bench dictionary` (`tunnel/dictionary/README.md`). A new one gets a new version; what an earlier release says by
//! version 1 can be read for as long as that file is here.

use std::cell::RefCell;
use std::fmt;
use std::sync::LazyLock;

use zstd_safe::{CCtx, CDict, DCtx, DDict};

/// The dictionary's version, which is also its id within zstd.
pub(super) const VERSION: u8 = 1;
const DICTIONARY: &[u8] = include_bytes!("../../../dictionary/1.zstd-dictionary");
/// The quickest: higher ones take twice the time for a hundredth less.
const LEVEL: i32 = 1;

/// What compresses.
pub(super) struct Press(CDict<'static>);

/// What decompresses.
pub(super) struct Key(DDict<'static>);

static PRESS: LazyLock<Option<Press>> = LazyLock::new(|| Press::beside(&[]));
static KEY: LazyLock<Option<Key>> = LazyLock::new(|| Key::beside(&[]));

thread_local! {
    static COMPRESSING: RefCell<Option<(CCtx<'static>, Vec<u8>)>> = const { RefCell::new(None) };
    static DECOMPRESSING: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

impl Press {
    /// By the dictionary alone.
    pub(super) fn plain<'a>() -> Option<&'a Press> {
        PRESS.as_ref()
    }

    /// By the dictionary and these bytes behind it.
    pub(super) fn beside(model: &[u8]) -> Option<Press> {
        CDict::try_create(&[DICTIONARY, model].concat(), LEVEL).map(Press)
    }

    /// Compresses what stands in `bytes` from `at` on, in its place; false if it does not get at least a sixteenth shorter.
    pub(super) fn shortens(&self, bytes: &mut Vec<u8>, at: usize) -> bool {
        let len = bytes.len() - at;
        let room = len - len / 16;
        COMPRESSING.with_borrow_mut(|kept| {
            if kept.is_none() {
                *kept = CCtx::try_create().map(|context| (context, Vec::new()));
            }
            let Some((context, out)) = kept else { return false };
            if out.len() < room {
                out.resize(room, 0);
            }
            let Ok(len) = context.compress_using_cdict(&mut out[..room], &bytes[at..], &self.0) else { return false };
            bytes.truncate(at);
            bytes.extend_from_slice(&out[..len]);
            true
        })
    }
}

impl Key {
    /// By the dictionary alone.
    pub(super) fn plain() -> Option<&'static Key> {
        KEY.as_ref()
    }

    /// By the dictionary and these bytes behind it.
    pub(super) fn beside(model: &[u8]) -> Option<Key> {
        DDict::try_create(&[DICTIONARY, model].concat()).map(Key)
    }

    /// Bytes of memory that it takes.
    pub(super) fn kept_len(&self) -> usize {
        self.0.sizeof()
    }

    /// Whether `packed` fills `room` to the last byte, as it does now.
    pub(super) fn fills(&self, packed: &[u8], room: &mut [u8]) -> bool {
        let wanted = room.len();
        DECOMPRESSING.with_borrow_mut(|kept| {
            if kept.is_none() {
                *kept = DCtx::try_create();
            }
            let Some(context) = kept else { return false };
            context.decompress_using_ddict(room, packed, &self.0) == Ok(wanted)
        })
    }
}

impl fmt::Debug for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Press")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_is_one_of_zstd_with_its_version_as_its_id() {
        assert_eq!(zstd_safe::get_dict_id_from_dict(DICTIONARY).map(|id| id.get()), Some(u32::from(VERSION)));
        assert!(Press::plain().is_some() && Key::plain().is_some());
        assert!(DICTIONARY.len() <= 4096);
    }

    #[test]
    fn what_is_packed_is_unpacked_beside_the_same_model_alone() {
        let model = b"com.acme.own.names.that.no.dictionary.has ".repeat(20);
        let bytes = [&b"java.math.BigDecimal updateTime "[..], &model[..200], b"own"].concat();
        let presses = [Press::beside(&[]), Press::beside(&model)];
        let keys = [Key::beside(&[]), Key::beside(&model)];
        for (with, press) in presses.iter().enumerate() {
            let mut packed = [b"in front", &bytes[..]].concat();
            assert!(press.as_ref().unwrap().shortens(&mut packed, 8));
            let packed = packed.strip_prefix(b"in front").unwrap();
            for (by, key) in keys.iter().enumerate() {
                let mut room = vec![0; bytes.len()];
                let filled = key.as_ref().unwrap().fills(packed, &mut room);
                // Packed without a model it may be unpacked with one: the dictionary stands behind everything else, and nothing reaches that far.
                assert_eq!(filled && room == bytes, with == by, "{with} {by}");
            }
            for wrong in [bytes.len() - 1, bytes.len() + 1, 0] {
                assert!(!keys[with].as_ref().unwrap().fills(packed, &mut vec![0; wrong]), "{wrong}");
            }
        }
    }
}
