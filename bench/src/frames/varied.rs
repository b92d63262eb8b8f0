//! Questions whose arguments are others from call to call: what repeats in them is what repeats in the calls of an application, and
//! nothing that the load put there.
//!
//! Each of some hundred arguments is made before the first call; which one a call has is said by its id alone, so that its answer can be
//! compared whole.

use super::answer::DUBBO;
use super::business;
use super::question::Around;
use super::text::{append_map, append_string};
use super::{Frame, HESSIAN2, OK, VALUE_BESIDE, close_frame};

/// Arguments that take turns.
const ARGUMENTS: usize = 509;
/// The longest piece of text of an argument that is one text.
const PIECE_LEN: usize = 1000;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Payload {
    /// A text with the call's id, the same else in each call.
    Filler,
    /// A list of texts of random letters, digits and two more: six bits of chance in each byte.
    Random,
    /// A tree of objects as applications have them.
    Business,
}

impl Payload {
    /// The method that takes such an argument: one for each, as in an application. Calls of one method have a model in common.
    pub const fn method(self) -> &'static str {
        match self {
            Payload::Filler => "echo",
            Payload::Random => "echoTexts",
            Payload::Business => "echoShipment",
        }
    }
}

/// Calls with arguments of about `argument_len` bytes.
pub struct Varied {
    around: Around,
    arguments: Vec<Vec<u8>>,
    behind: Vec<u8>,
}

impl Varied {
    /// Calls of `service.method` with arguments of this kind.
    pub fn new(service: &str, method: &str, payload: Payload, argument_len: usize) -> Varied {
        let mut chance = Chance::new(7);
        let descriptor = match payload {
            Payload::Business => business::MEASURED.descriptor(),
            _ => "Ljava/util/List;".to_owned(),
        };
        let mut argument = || match payload {
            Payload::Business => business::MEASURED.value(&mut chance, argument_len),
            _ => random(&mut chance, argument_len),
        };
        let arguments = (0..ARGUMENTS).map(|_| argument()).collect();
        let mut behind = Vec::new();
        append_map(DUBBO, &mut behind);
        Varied { around: Around::of(service, method, &descriptor), arguments, behind }
    }

    /// Appends the call with this id.
    pub fn append(&self, id: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.around.before);
        out[start + 4..start + 12].copy_from_slice(&id.to_be_bytes());
        out.extend_from_slice(self.argument(id));
        out.extend_from_slice(&self.around.behind);
        close_frame(out, start);
    }

    /// Whether `frame` is the right answer to the call with this id.
    pub fn is_answered_by(&self, frame: &Frame<'_>, id: u64) -> bool {
        let argument = self.argument(id);
        let value = frame.body.strip_prefix(&[VALUE_BESIDE]).and_then(|body| body.strip_prefix(argument));
        frame.status == OK && frame.id == id && frame.flags == HESSIAN2 && value == Some(&self.behind[..])
    }

    fn argument(&self, id: u64) -> &[u8] {
        // Ids count up in their upper bits and name a place in their lower ones.
        let mixed = (id ^ id >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        &self.arguments[mixed as usize % ARGUMENTS]
    }
}

/// Numbers that look like chance and are the same in each run: xorshift, of no quality that matters here.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Numbers of one kind of chance.
    pub fn new(kind: u64) -> Chance {
        Chance(kind.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    /// One of them.
    pub fn pick<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }
}

/// A list of texts without anything that repeats.
fn random(chance: &mut Chance, len: usize) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut pieces: Vec<usize> = vec![PIECE_LEN; len / PIECE_LEN];
    if !len.is_multiple_of(PIECE_LEN) {
        pieces.push(len % PIECE_LEN);
    }
    let mut out = vec![0x78 + pieces.len() as u8];
    for piece in pieces {
        let text: Vec<u8> = (0..piece).map(|_| LETTERS[(chance.next() >> 58) as usize]).collect();
        append_string(&text, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::first_frame;
    use super::super::tests::answer_to;
    use super::*;
    use wire::dubbo::call::{Peeked, peek};
    use wire::dubbo::frame::Header;

    #[test]
    fn calls_are_readable_differ_and_are_answered_by_their_own_argument_alone() {
        for payload in [Payload::Random, Payload::Business] {
            let varied = Varied::new("a.B", "c", payload, 2048);
            let len = varied.arguments[0].len();
            assert!((1948..=2148).contains(&len), "{payload:?}: {len}");
            let call = |id| {
                let mut bytes = Vec::new();
                varied.append(id, &mut bytes);
                bytes
            };
            let bytes = call(1 << 10);
            let header = Header::decode(&bytes).unwrap().unwrap();
            assert!(matches!(peek(&header, &bytes[16..]).unwrap(), Peeked::Call(call) if call.method == "c"));
            let answer = answer_to(&bytes);
            let answer = first_frame(&answer).unwrap().unwrap();
            assert!(varied.is_answered_by(&answer, 1 << 10));
            assert_ne!(bytes[16..], call(2 << 10)[16..]);
            let other = answer_to(&call(2 << 10));
            let other = Frame { id: 1 << 10, ..first_frame(&other).unwrap().unwrap() };
            assert!(!varied.is_answered_by(&other, 1 << 10));
        }
    }
}
