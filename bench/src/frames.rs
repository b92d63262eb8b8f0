//! The Dubbo frames of a measurement: the question a 2.7 consumer sends and the answer a 2.7 provider gives.
//!
//!  byte  0    1    2      3       4 .. 11        12 .. 15
//!      | da | bb | flag | status | id (i64, BE) | len (u32) | body
//!
//!  question body  version, service, service version, method, types, argument, attachments
//!  argument       16 hexadecimal digits of the call's id, then a filler
//!  answer body    0x94 (value with attachments), the argument, { dubbo = 2.0.2 }
//!
//! Written by hand and not by `wire`, so that the programs under test are judged by frames which are not their own; the tests
//! parse them with `wire`. Never allocates once a buffer has grown. No panic on any input.
//! Source: frames of Dubbo 2.7.23 (`wire/tests/golden`).
//!
//! Long because: the frames of a call and of its answer, with the tests that hold them against recorded ones.

/// Length of the header in front of every frame.
pub const HEADER_LEN: usize = 16;
/// Longest body that is believed; a peer that announces more is broken.
const MAX_BODY_LEN: usize = 16 * 1024 * 1024;
/// Hexadecimal digits of the id at the start of the argument.
const STAMP_LEN: usize = 16;
/// Shortest argument: the stamp itself.
pub const MIN_ARGUMENT_LEN: usize = STAMP_LEN;
/// Longest argument: what one hessian2 string of the two-byte form holds.
pub const MAX_ARGUMENT_LEN: usize = 1023;

const REQUEST: u8 = 0x80;
const TWO_WAY: u8 = 0x40;
const EVENT: u8 = 0x20;
const HESSIAN2: u8 = 2;
/// What begins the body of an answer: a value, with attachments behind it.
const VALUE_BESIDE: u8 = 0x94;
const OK: u8 = 20;
const BAD_REQUEST: u8 = 40;

/// One whole frame, borrowed from the read buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Byte 2: request, two-way, event, serialization.
    pub flags: u8,
    /// Byte 3: meaningful on responses only.
    pub status: u8,
    /// Bytes 4..12, as they are.
    pub id: u64,
    /// What follows the header.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Bytes that the frame takes on the wire.
    pub fn total_len(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// Whether this answers a call (and is no heartbeat).
    pub fn is_answer(&self) -> bool {
        self.flags & (REQUEST | EVENT) == 0
    }
}

/// Why bytes are no frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The first two bytes.
    Magic(u8, u8),
    /// The announced length.
    Length(usize),
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Magic(a, b) => write!(f, "found {a:02x}{b:02x} where a frame starts, wanted dabb"),
            Self::Length(len) => write!(f, "frame body of {len} bytes is over the limit of {MAX_BODY_LEN} bytes"),
        }
    }
}

impl std::error::Error for Malformed {}

/// The first whole frame of `bytes`; `None` while it has not arrived whole.
///
/// # Errors
/// Wrong magic, or a length beyond reason: the connection is of no use any more.
pub fn first_frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, Malformed> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let [m0, m1, flags, status, i0, i1, i2, i3, i4, i5, i6, i7, l0, l1, l2, l3] = *header;
    if (m0, m1) != (0xda, 0xbb) {
        return Err(Malformed::Magic(m0, m1));
    }
    let body_len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    if body_len > MAX_BODY_LEN {
        return Err(Malformed::Length(body_len));
    }
    let Some(body) = rest.get(..body_len) else { return Ok(None) };
    Ok(Some(Frame { flags, status, id: u64::from_be_bytes([i0, i1, i2, i3, i4, i5, i6, i7]), body }))
}

/// What stands before and behind the argument of a call of one method: the same in each, but for id and length in the header.
pub struct Around {
    before: Vec<u8>,
    behind: Vec<u8>,
}

impl Around {
    /// A two-way hessian2 call of `service.method(String)` with the attachments of a 2.7 consumer that sets a timeout.
    pub fn new(service: &str, method: &str) -> Self {
        let mut before = header(REQUEST | TWO_WAY | HESSIAN2, 0, 0).to_vec();
        for text in ["2.0.2", service, "0.0.0", method, "Ljava/lang/String;"] {
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

    /// The call with this id and this argument: ASCII of at most [`MAX_ARGUMENT_LEN`] bytes.
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

/// The text that a call was answered with, of at most [`MAX_ARGUMENT_LEN`] bytes; `None` where that is anything else, or an error.
pub fn text_of(answer: &Frame<'_>) -> Option<String> {
    let (&VALUE_BESIDE, value) = answer.body.split_first()? else { return None };
    let from = match value.first()? {
        0x00..=0x1f => 1,
        0x30..=0x33 => 2,
        _ => return None,
    };
    let text = value.get(from..skip_string(value, 0)?)?;
    let is_good = answer.status == OK && answer.flags == HESSIAN2;
    is_good.then(|| std::str::from_utf8(text).ok().map(str::to_owned)).flatten()
}

/// What is called, and with how long an argument.
pub struct Question {
    frame: Vec<u8>,
    stamp_at: usize,
    answer: Vec<u8>,
    answer_stamp_at: usize,
}

impl Question {
    /// A two-way hessian2 call of `service.method(String)` with the attachments of a 2.7 consumer that sets a timeout.
    ///
    /// `argument_len` is cut to [`MIN_ARGUMENT_LEN`]..=[`MAX_ARGUMENT_LEN`] bytes.
    pub fn new(service: &str, method: &str, argument_len: usize) -> Self {
        let argument_len = argument_len.clamp(MIN_ARGUMENT_LEN, MAX_ARGUMENT_LEN);
        let filler: Vec<u8> = (b'a'..=b'z').cycle().take(argument_len).collect();
        let Around { before: mut frame, behind } = Around::new(service, method);
        append_string(&filler, &mut frame);
        let stamp_at = frame.len() - argument_len;
        frame.extend_from_slice(&behind);
        close_frame(&mut frame, 0);

        let mut answer = vec![VALUE_BESIDE];
        append_string(&filler, &mut answer);
        let answer_stamp_at = answer.len() - argument_len;
        append_map(&[("dubbo", "2.0.2")], &mut answer);
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

/// Appends what the echo provider answers to `request`: nothing to a one-way call, a one-way event or a response.
pub fn append_answer(request: &Frame<'_>, out: &mut Vec<u8>) {
    if request.flags & (REQUEST | TWO_WAY) != REQUEST | TWO_WAY {
        return;
    }
    let start = out.len();
    if request.flags & EVENT != 0 {
        out.extend_from_slice(&header(EVENT | HESSIAN2, OK, request.id));
        out.push(b'N');
    } else if request.flags & 0x1f != HESSIAN2 {
        out.extend_from_slice(&header(HESSIAN2, BAD_REQUEST, request.id));
        append_string(b"the echo provider speaks hessian2 only", out);
    } else {
        match string_argument(request.body) {
            Ok(argument) => {
                out.extend_from_slice(&header(HESSIAN2, OK, request.id));
                out.push(VALUE_BESIDE);
                out.extend_from_slice(argument);
                append_map(&[("dubbo", "2.0.2")], out);
            }
            Err(why) => {
                out.extend_from_slice(&header(HESSIAN2, BAD_REQUEST, request.id));
                append_string(why.as_bytes(), out);
            }
        }
    }
    close_frame(out, start);
}

/// The encoded first argument of a request body, which must be a string.
fn string_argument(body: &[u8]) -> Result<&[u8], &'static str> {
    let mut at = 0;
    for _ in 0..5 {
        at = skip_string(body, at).ok_or("the five leading fields are not five strings")?;
    }
    let end = skip_string(body, at).ok_or("the first argument is no string, the echo provider wants one")?;
    Ok(&body[at..end])
}

/// The offset after the hessian2 string that starts at `at`.
fn skip_string(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let tag = *body.get(at)?;
        let (units, from, last) = match tag {
            0x00..=0x1f => (usize::from(tag), at + 1, true),
            0x30..=0x33 => (usize::from(tag - 0x30) << 8 | usize::from(*body.get(at + 1)?), at + 2, true),
            b'S' | b'R' => {
                let len = u16::from_be_bytes([*body.get(at + 1)?, *body.get(at + 2)?]);
                (usize::from(len), at + 3, tag == b'S')
            }
            _ => return None,
        };
        at = skip_units(body, from, units)?;
        if last {
            return Some(at);
        }
    }
}

/// The offset after `units` UTF-16 units, each of one to three bytes.
fn skip_units(body: &[u8], from: usize, units: usize) -> Option<usize> {
    if body.get(from..from + units)?.is_ascii() {
        return Some(from + units);
    }
    let mut at = from;
    for _ in 0..units {
        at += match body.get(at)? {
            0x00..=0x7f => 1,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => return None,
        };
    }
    (at <= body.len()).then_some(at)
}

fn header(flags: u8, status: u8, id: u64) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..4].copy_from_slice(&[0xda, 0xbb, flags, status]);
    header[4..12].copy_from_slice(&id.to_be_bytes());
    header
}

/// Writes the length of the frame that starts at `start` and ends where `out` ends.
fn close_frame(out: &mut [u8], start: usize) {
    let body_len = (out.len() - start - HEADER_LEN) as u32;
    out[start + 12..start + 16].copy_from_slice(&body_len.to_be_bytes());
}

/// Appends ASCII text of at most 1 023 bytes as a hessian2 string.
fn append_string(text: &[u8], out: &mut Vec<u8>) {
    debug_assert!(text.is_ascii() && text.len() <= MAX_ARGUMENT_LEN, "one chunk of plain text");
    match text.len() {
        len @ 0..=31 => out.push(len as u8),
        len => out.extend_from_slice(&[0x30 + (len >> 8) as u8, len as u8]),
    }
    out.extend_from_slice(text);
}

fn append_map(entries: &[(&str, &str)], out: &mut Vec<u8>) {
    out.push(b'H');
    for (key, value) in entries {
        append_string(key.as_bytes(), out);
        append_string(value.as_bytes(), out);
    }
    out.push(b'Z');
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
    use super::*;
    use wire::dubbo::call::{Peeked, peek};
    use wire::dubbo::frame::{Header, Serialization, Status};

    fn question() -> Question {
        Question::new("highway.bench.Echo", "echo", 300)
    }

    fn call(id: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        question().append(id, &mut bytes);
        bytes
    }

    fn answer_to(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append_answer(&first_frame(bytes).unwrap().unwrap(), &mut out);
        out
    }

    fn golden(case: &str) -> (Vec<u8>, Vec<u8>) {
        let text = include_str!("../../wire/tests/golden/dubbo-2.7.23.jsonl");
        let of = |from: &str| {
            let wanted = format!("\"case\":\"{case}\",\"from\":\"{from}\"");
            let line = text.lines().find(|line| line.contains(&wanted)).unwrap();
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            let hex = json["frame"].as_str().unwrap();
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
        };
        (of("consumer"), of("provider"))
    }

    #[test]
    fn the_header_says_what_wire_reads() {
        let bytes = call(u64::MAX - 1);
        let header = Header::decode(&bytes).unwrap().unwrap();
        assert_eq!(header, Header::request(Serialization::HESSIAN2, -2, (bytes.len() - HEADER_LEN) as u32));
        let answer = answer_to(&bytes);
        let header = Header::decode(&answer).unwrap().unwrap();
        assert_eq!(header, Header::reply(Serialization::HESSIAN2, Status::OK, -2, (answer.len() - HEADER_LEN) as u32));
    }

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
    fn the_provider_answers_a_released_consumer_as_a_released_provider_does() {
        for case in ["echo", "echo-empty"] {
            let (request, response) = golden(case);
            assert_eq!(answer_to(&request), response, "{case}");
        }
    }

    #[test]
    fn the_right_answer_is_accepted_whatever_the_length_of_the_argument() {
        for argument_len in [0, MIN_ARGUMENT_LEN, 31, 32, 300, MAX_ARGUMENT_LEN, 5_000] {
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

    #[test]
    fn a_heartbeat_is_answered_and_one_way_frames_are_not() {
        let mut heartbeat = header(REQUEST | TWO_WAY | EVENT | HESSIAN2, 0, 3).to_vec();
        heartbeat.push(b'N');
        close_frame(&mut heartbeat, 0);
        let mut wanted = header(EVENT | HESSIAN2, OK, 3).to_vec();
        wanted.push(b'N');
        close_frame(&mut wanted, 0);
        assert_eq!(answer_to(&heartbeat), wanted);
        for flags in [REQUEST | HESSIAN2, REQUEST | EVENT | HESSIAN2, EVENT | HESSIAN2, HESSIAN2] {
            heartbeat[2] = flags;
            assert!(answer_to(&heartbeat).is_empty(), "{flags:02x}");
        }
    }

    #[test]
    fn what_the_provider_cannot_echo_is_a_bad_request() {
        let mut number = call(1);
        let at = question().stamp_at - 2;
        number[at] = 0x91;
        let mut other_serialization = call(1);
        other_serialization[2] = REQUEST | TWO_WAY | 23;
        for bytes in [number, other_serialization] {
            let answer = answer_to(&bytes);
            assert_eq!(first_frame(&answer).unwrap().unwrap().status, BAD_REQUEST);
        }
    }

    #[test]
    fn a_string_of_long_characters_is_skipped_by_its_units() {
        let mut text = vec![0x03, 0x41, 0xc3, 0xa9, 0xe2, 0x82, 0xac, b'N'];
        assert_eq!(skip_string(&text, 0), Some(7));
        text.truncate(6);
        assert_eq!(skip_string(&text, 0), None);
        assert_eq!(skip_string(&[b'R', 0, 1, b'a', b'S', 0, 1, b'b', b'N'], 0), Some(8));
    }

    #[test]
    fn a_frame_is_taken_whole_or_not_at_all() {
        let bytes = call(5);
        for cut in 0..bytes.len() {
            assert!(first_frame(&bytes[..cut]).unwrap().is_none(), "{cut} bytes");
        }
        assert_eq!(first_frame(&bytes).unwrap().unwrap().total_len(), bytes.len());
    }

    #[test]
    fn a_broken_peer_is_named() {
        assert_eq!(first_frame(&[0; 16]).err(), Some(Malformed::Magic(0, 0)));
        let mut endless = header(HESSIAN2, OK, 1);
        endless[12] = 0x7f;
        assert_eq!(first_frame(&endless).err(), Some(Malformed::Length(0x7f00_0000)));
    }
}
