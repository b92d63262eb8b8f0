//! What a provider of 2.7 answers that gives each call its argument back.
//!
//!  body  0x94 (value with attachments), the argument, { dubbo = 2.0.2 }
//!
//! Never reads further than to the end of the first argument: a string, or whatever else stands before attachments that begin as a
//! consumer's do.

use super::text::{append_map, append_string, skip_string};
use super::{BAD_REQUEST, EVENT, Frame, HESSIAN2, OK, REQUEST, TWO_WAY, VALUE_BESIDE, close_frame, header};

/// What a provider says beside each value.
pub(super) const DUBBO: &[(&str, &str)] = &[("dubbo", "2.0.2")];
/// How the attachments of a consumer begin: behind an argument that is no text, the last such place is taken for theirs.
const ATTACHMENTS: &[u8] = b"H\x04path";

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
        match argument(request.body) {
            Ok(argument) => {
                out.extend_from_slice(&header(HESSIAN2, OK, request.id));
                out.push(VALUE_BESIDE);
                out.extend_from_slice(argument);
                append_map(DUBBO, out);
            }
            Err(why) => {
                out.extend_from_slice(&header(HESSIAN2, BAD_REQUEST, request.id));
                append_string(why.as_bytes(), out);
            }
        }
    }
    close_frame(out, start);
}

/// The encoded first argument of a request body.
fn argument(body: &[u8]) -> Result<&[u8], &'static str> {
    let mut at = 0;
    for _ in 0..5 {
        at = skip_string(body, at).ok_or("the five leading fields are not five strings")?;
    }
    let attachments = || body[at..].windows(ATTACHMENTS.len()).rposition(|place| place == ATTACHMENTS);
    let end = skip_string(body, at).or_else(|| Some(at + attachments()?));
    Ok(&body[at..end.ok_or("the first argument is no string, and no attachments begin with `path` behind it")?])
}

#[cfg(test)]
mod tests {
    use super::super::first_frame;
    use super::super::tests::{answer_to, call, question};
    use super::*;

    fn golden(case: &str) -> (Vec<u8>, Vec<u8>) {
        let text = include_str!("../../../wire/tests/golden/dubbo-2.7.23.jsonl");
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
    fn the_provider_answers_a_released_consumer_as_a_released_provider_does() {
        for case in ["echo", "echo-empty"] {
            let (request, response) = golden(case);
            assert_eq!(answer_to(&request), response, "{case}");
        }
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
        let mut without_attachments = call(1);
        let at = question().stamp_at - 2;
        without_attachments[at] = 0x91;
        let map = without_attachments.windows(ATTACHMENTS.len()).position(|place| place == ATTACHMENTS).unwrap();
        without_attachments[map] = b'N';
        let mut other_serialization = call(1);
        other_serialization[2] = REQUEST | TWO_WAY | 23;
        for bytes in [without_attachments, other_serialization] {
            let answer = answer_to(&bytes);
            assert_eq!(first_frame(&answer).unwrap().unwrap().status, BAD_REQUEST);
        }
    }
}
