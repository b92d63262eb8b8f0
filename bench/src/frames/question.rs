//! What a consumer of 2.7 sends, and whether it was answered.
//!
//!  body      version, service, service version, method, types, argument, attachments
//!  argument  of a [`Question`]: 16 hexadecimal digits of the call's id, then a filler
//!
//! Never takes an answer for right that differs by a byte.

use super::answer::DUBBO;
use super::text::{self, append_map, append_string};
use super::{Frame, HESSIAN2, OK, REQUEST, TWO_WAY, VALUE_BESIDE, close_frame, header};

/// Hexadecimal digits of the id at the start of the argument.
const STAMP_LEN: usize = 16;
/// Shortest argument: the stamp itself.
pub const MIN_ARGUMENT_LEN: usize = STAMP_LEN;

/// What stands before and behind the argument of a call of one method: the same in each, but for id and length in the header.
pub struct Around {
    pub(super) before: Vec<u8>,
    pub(super) behind: Vec<u8>,
}

impl Around {
    /// A two-way hessian2 call of `service.method(String)` with the attachments of a 2.7 consumer that sets a timeout.
    pub fn new(service: &str, method: &str) -> Self {
        Self::of(service, method, "Ljava/lang/String;")
    }

    /// The same, of a method with an argument of this type.
    pub(super) fn of(service: &str, method: &str, descriptor: &str) -> Self {
        let mut before = header(REQUEST | TWO_WAY | HESSIAN2, 0, 0).to_vec();
        for text in ["2.0.2", service, "0.0.0", method, descriptor] {
            append_string(text.as_bytes(), &mut before);
        }
        let attachments = [
            ("path", service),
            ("remote.application", "bench-consumer"),
            ("interface", service),
            ("version", "0.0.0"),
            ("timeout", "10000"),
        ];
        let mut behind = Vec::new();
        append_map(&attachments, &mut behind);
        Self { before, behind }
    }

    /// The call with this id and this argument: ASCII of at most [`text::MAX_LEN`] bytes.
    pub fn call(&self, id: u64, argument: &str) -> Vec<u8> {
        let mut frame = Vec::with_capacity(self.before.len() + 2 + argument.len() + self.behind.len());
        frame.extend_from_slice(&self.before);
        frame[4..12].copy_from_slice(&id.to_be_bytes());
        append_string(argument.as_bytes(), &mut frame);
        frame.extend_from_slice(&self.behind);
        close_frame(&mut frame, 0);
        frame
    }
}

/// The text that a call was answered with, of at most [`text::MAX_LEN`] bytes; `None` where that is anything else, or an error.
pub fn text_of(answer: &Frame<'_>) -> Option<String> {
    let (&VALUE_BESIDE, value) = answer.body.split_first()? else { return None };
    let from = match value.first()? {
        0x00..=0x1f => 1,
        0x30..=0x33 => 2,
        _ => return None,
    };
    let found = value.get(from..text::skip_string(value, 0)?)?;
    let is_good = answer.status == OK && answer.flags == HESSIAN2;
    is_good.then(|| std::str::from_utf8(found).ok().map(str::to_owned)).flatten()
}

/// What is called, and with how long an argument.
pub struct Question {
    frame: Vec<u8>,
    pub(super) stamp_at: usize,
    answer: Vec<u8>,
    answer_stamp_at: usize,
}

impl Question {
    /// A two-way hessian2 call of `service.method(String)` with the attachments of a 2.7 consumer that sets a timeout.
    ///
    /// `argument_len` is cut to [`MIN_ARGUMENT_LEN`]..=[`text::MAX_LEN`] bytes.
    pub fn new(service: &str, method: &str, argument_len: usize) -> Self {
        let argument_len = argument_len.clamp(MIN_ARGUMENT_LEN, text::MAX_LEN);
        let filler: Vec<u8> = (b'a'..=b'z').cycle().take(argument_len).collect();
        let Around { before: mut frame, behind } = Around::new(service, method);
        append_string(&filler, &mut frame);
        let stamp_at = frame.len() - argument_len;
        frame.extend_from_slice(&behind);
        close_frame(&mut frame, 0);

        let mut answer = vec![VALUE_BESIDE];
        append_string(&filler, &mut answer);
        let answer_stamp_at = answer.len() - argument_len;
        append_map(DUBBO, &mut answer);
        Self { frame, stamp_at, answer, answer_stamp_at }
    }

    /// Appends the call with this id.
    pub fn append(&self, id: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.frame);
        out[start + 4..start + 12].copy_from_slice(&id.to_be_bytes());
        out[start + self.stamp_at..start + self.stamp_at + STAMP_LEN].copy_from_slice(&stamp(id));
    }

    /// Whether `frame` is the right answer to the call with this id: status 20, its own id, its own argument, nothing else.
    pub fn is_answered_by(&self, frame: &Frame<'_>, id: u64) -> bool {
        let (before, rest) = self.answer.split_at(self.answer_stamp_at);
        let (_, after) = rest.split_at(STAMP_LEN);
        frame.status == OK
            && frame.id == id
            && frame.flags == HESSIAN2
            && frame.body.len() == self.answer.len()
            && frame.body.starts_with(before)
            && frame.body.ends_with(after)
            && frame.body[before.len()..before.len() + STAMP_LEN] == stamp(id)
    }

    /// Bytes of one call on the wire.
    pub fn total_len(&self) -> usize {
        self.frame.len()
    }
}

fn stamp(id: u64) -> [u8; STAMP_LEN] {
    let mut digits = [0; STAMP_LEN];
    for (place, digit) in digits.iter_mut().enumerate() {
        let nibble = (id >> (60 - 4 * place) & 0xf) as usize;
        *digit = b"0123456789abcdef"[nibble];
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer_to, call, question};
    use super::super::{BAD_REQUEST, HEADER_LEN, first_frame};
    use super::*;
    use wire::dubbo::call::{Peeked, peek};
    use wire::dubbo::frame::Header;

    #[test]
    fn the_call_is_what_a_consumer_of_2_7_means() {
        let bytes = call(0xabc);
        let header = Header::decode(&bytes).unwrap().unwrap();
        let Peeked::Call(call) = peek(&header, &bytes[HEADER_LEN..]).unwrap() else { panic!("opaque") };
        assert_eq!((&*call.service, &*call.method), ("highway.bench.Echo", "echo"));
        assert_eq!((call.version, call.group, call.interface.as_deref()), (None, None, Some("highway.bench.Echo")));
        assert_eq!(call.application.as_deref(), Some("bench-consumer"));
        assert_eq!(call.timeout, Some(std::time::Duration::from_secs(10)));
        let argument = &bytes[question().stamp_at..][..300];
        assert!(argument.starts_with(b"0000000000000abcqrs"));
        assert!(argument.is_ascii());
    }

    #[test]
    fn the_right_answer_is_accepted_whatever_the_length_of_the_argument() {
        for argument_len in [0, MIN_ARGUMENT_LEN, 31, 32, 300, text::MAX_LEN, 5_000] {
            let question = Question::new("a.B", "c", argument_len);
            let mut bytes = Vec::new();
            question.append(7, &mut bytes);
            assert_eq!(bytes.len(), question.total_len());
            let answer = answer_to(&bytes);
            assert!(question.is_answered_by(&first_frame(&answer).unwrap().unwrap(), 7), "{argument_len}");
        }
    }

    #[test]
    fn a_call_around_an_argument_is_the_same_call_and_its_answer_gives_the_argument_back() {
        let bytes = call(9);
        let argument = std::str::from_utf8(&bytes[question().stamp_at..][..300]).unwrap();
        assert_eq!(Around::new("highway.bench.Echo", "echo").call(9, argument), bytes);
        let mut answer = answer_to(&bytes);
        assert_eq!(text_of(&first_frame(&answer).unwrap().unwrap()).as_deref(), Some(argument));
        answer[3] = BAD_REQUEST;
        assert_eq!(text_of(&first_frame(&answer).unwrap().unwrap()), None);
    }

    #[test]
    fn an_answer_to_another_call_is_refused() {
        let mine = answer_to(&call(7));
        let mut other = answer_to(&call(8));
        let is_right = |bytes: &[u8]| question().is_answered_by(&first_frame(bytes).unwrap().unwrap(), 7);
        assert!(is_right(&mine));
        assert!(!is_right(&other), "another id");
        other[4..12].copy_from_slice(&7_u64.to_be_bytes());
        assert!(!is_right(&other), "the right id over another call's argument");
        let mut failed = mine.clone();
        failed[3] = 100;
        assert!(!is_right(&failed), "overload status");
        for at in HEADER_LEN..mine.len() {
            let mut damaged = mine.clone();
            damaged[at] ^= 1;
            assert!(!is_right(&damaged), "byte {at}");
        }
    }

    #[test]
    fn an_exception_or_a_short_answer_is_refused() {
        let mut bytes = header(HESSIAN2, OK, 7).to_vec();
        bytes.push(0x92);
        close_frame(&mut bytes, 0);
        assert!(!question().is_answered_by(&first_frame(&bytes).unwrap().unwrap(), 7));
    }
}
