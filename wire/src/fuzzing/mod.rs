//! Inputs by structure: from any bytes a valid document, request, record sequence, head or catalogue update, perhaps damaged a
//! little afterwards. For the fuzz targets and for the comparison with Java's own decoder; it never becomes part of a program.
//!
//! ```text
//!   bytes ──▶ Dice: every choice is a byte, 0 when they are spent ──▶ valid bytes ──▶ 0 to 3 wounds ──▶ decoders
//! ```
//!
//! Raw bytes seldom get past a header; here a fuzzer's every change of a byte is another choice, so its feedback steers
//! what is made.

mod fastjson2;
mod hessian2;
mod link;
mod request;

pub use fastjson2::document as fastjson2_document;
pub use hessian2::document as hessian2_document;
pub use link::{head, records, update};
pub use request::request;

/// Choices that bytes make. They never run out: behind the last byte every choice is the first one.
#[derive(Debug, Clone)]
pub struct Dice<'a> {
    bytes: &'a [u8],
}

impl<'a> Dice<'a> {
    /// Choices from these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether all that follows is 0.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((byte, rest)) => {
                self.bytes = rest;
                *byte
            }
            None => 0,
        }
    }

    /// Bytes as a number, all eight.
    pub fn number(&mut self) -> u64 {
        u64::from_be_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below `limit`, which must be 1 or more.
    pub fn below(&mut self, limit: usize) -> usize {
        let wide = if limit > 256 { usize::from(self.byte()) << 8 } else { 0 };
        (wide | usize::from(self.byte())) % limit
    }

    /// One of these.
    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// True once in `many` times.
    pub fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }

    /// The next `len` bytes or what is left of them.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(len.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }
}

/// Wounds valid bytes 0 to 3 times: a byte set, a bit turned, bytes cut out, put in or doubled.
pub fn wound(dice: &mut Dice<'_>, bytes: &mut Vec<u8>) {
    for _ in 0..*dice.pick(&[0, 0, 0, 0, 0, 1, 1, 2]) {
        if bytes.is_empty() || dice.is_spent() {
            return;
        }
        let at = dice.below(bytes.len());
        let len = 1 + dice.below((bytes.len() - at).min(40));
        match dice.below(5) {
            0 => bytes[at] = dice.byte(),
            1 => bytes[at] ^= 1 << dice.below(8),
            2 => drop(bytes.drain(at..at + len)),
            3 => drop(bytes.splice(at..at, dice.take(len).to_vec())),
            _ => bytes.extend_from_within(at..at + len),
        }
    }
}

/// A name that means something to a call or to a provider, or text of every kind.
pub(super) fn text(dice: &mut Dice<'_>) -> String {
    const WORDS: [&str; 24] = [
        "",
        "a",
        "path",
        "group",
        "version",
        "name",
        "value",
        "1.0.0",
        "0.0.0",
        "true",
        "com.acme.Greeter",
        "com.acme.Forbidden",
        "differential.Order",
        "hi",
        " hi\t",
        "$invoke",
        "-1",
        "3000",
        "RED",
        "Ünïcödé",
        "公司",
        "\u{1f600}",
        "\u{0}\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}",
        "java.util.HashMap",
    ];
    match dice.below(8) {
        0 => "x".repeat(*dice.pick(&[31, 32, 47, 48, 255, 1023, 1024, 4000])),
        1 => "é😀".repeat(dice.below(40)),
        2 => String::from_utf8_lossy(dice.take(6)).into_owned(),
        _ => (*dice.pick(&WORDS)).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::dubbo::call;
    use crate::dubbo::frame::{HEADER_LEN, Header};

    /// Else the targets would only ever see the first lines of a decoder.
    #[test]
    fn many_made_requests_are_read() {
        let (mut read, mut refused) = (0, BTreeMap::<_, u32>::new());
        let mut state = 1_u32;
        for _ in 0..4000 {
            let choices: Vec<u8> = (0..400)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let frame = request(&mut Dice::new(&choices));
            let Ok(Some(header)) = Header::decode(&frame) else { continue };
            match call::peek(&header, &frame[HEADER_LEN..]) {
                Ok(_) => read += 1,
                Err(error) => {
                    let words: String =
                        format!("{error:?}").chars().filter(|character| !character.is_ascii_digit()).collect();
                    *refused.entry(words).or_default() += 1;
                }
            }
        }
        assert!(read > 1600, "{read} of 4000 are read, wanted two in five; refused: {refused:#?}");
    }
}
