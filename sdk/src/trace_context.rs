//! The W3C trace context of a request, as attachments of calls that are made for it.
//!
//! ```text
//!   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//!                │  trace, 16 bytes, not all zero    parent, 8 bytes  └ flags
//!                └ version, not ff; a later one may say more behind the flags
//! ```
//!
//! It makes no ids of its own: who exports spans puts theirs in with `Builder::outgoing`. What is no trace context is left out, as the
//! Recommendation says. Source: W3C Trace Context, sections 3.2 and 3.3.

use crate::reply::Attachments;

pub(crate) const PARENT: &str = "traceparent";
pub(crate) const STATE: &str = "tracestate";

/// What has to be carried at least; more is left out.
const STATE_LEN_MAX: usize = 512;
/// A `traceparent` of version 00.
const PARENT_LEN: usize = 55;
/// Room for what later versions may say.
const PARENT_LEN_MAX: usize = 256;

/// The attachments for these two headers; `None` without a sound `traceparent`.
pub(crate) fn attachments(parent: Option<String>, state: Option<String>) -> Option<Attachments> {
    let parent = parent.filter(|parent| is_sound(parent))?;
    let state = state.filter(|state| !state.is_empty() && state.len() <= STATE_LEN_MAX && is_plain(state));
    let mut attachments = Attachments::from([(PARENT.to_owned(), parent)]);
    attachments.extend(state.map(|state| (STATE.to_owned(), state)));
    Some(attachments)
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn is_sound(parent: &str) -> bool {
    let mut fields = parent.splitn(5, '-');
    let mut hex = |len: usize| {
        let field = fields.next().filter(|field| field.len() == len)?;
        field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(field)
    };
    let is_zero = |id: &str| id.bytes().all(|byte| byte == b'0');
    let (Some(version), Some(trace), Some(span), Some(_flags)) = (hex(2), hex(32), hex(16), hex(2)) else {
        return false;
    };
    let len_is_right = if version == "00" { parent.len() == PARENT_LEN } else { parent.len() <= PARENT_LEN_MAX };
    version != "ff" && !is_zero(trace) && !is_zero(span) && len_is_right && is_plain(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn carried(parent: &str, state: Option<&str>) -> Option<Attachments> {
        attachments(Some(parent.to_owned()), state.map(str::to_owned))
    }

    #[test]
    fn a_sound_context_is_carried_as_it_is() {
        let both = carried(SOUND, Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")).unwrap();
        assert_eq!((both[PARENT].as_str(), both[STATE].as_str()), (SOUND, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
        let later = SOUND.replacen("00", "cc", 1) + "-what-comes";
        assert_eq!(carried(&later, None).unwrap()[PARENT], later);
    }

    #[test]
    fn what_is_no_context_is_left_out() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let more = format!("{SOUND}-00");
        let (upper, unknown) = (SOUND.to_uppercase(), SOUND.replacen("00", "ff", 1));
        let endless = SOUND.replacen("00", "cc", 1) + "-" + &"x".repeat(256);
        let unclean = SOUND.replacen("00", "cc", 1) + "-\u{e9}";
        let wrong = ["", "00", &SOUND[..54], zero_trace, zero_span, &more, &upper, &unknown, &endless, &unclean];
        for parent in wrong {
            assert_eq!(carried(parent, Some("a=b")), None, "{parent}");
        }
        assert_eq!(attachments(None, Some("a=b".to_owned())), None);
        for state in ["", "a=\u{0}", &"x".repeat(513)] {
            assert_eq!(carried(SOUND, Some(state)).unwrap().len(), 1, "{state}");
        }
    }
}
