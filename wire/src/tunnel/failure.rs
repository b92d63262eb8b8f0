//! How a call ended without an answer: where, why, and how far it had got. It never turns itself into a Dubbo status:
//! the egress gateway's one table does that.
//!
//! ```text
//!  byte  0       1      2         3             4 .. 5
//!      | stage | kind | outcome | count of hubs | length (u16) | text | count × ( length (u8) | hub id )
//! ```

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// The longest text; a longer one is cut at a character.
pub const MAX_TEXT_LEN: usize = 1024;
/// The most hub ids.
pub const MAX_HUBS: usize = 16;

macro_rules! byte_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $byte:literal, $text:literal;)+ } else $other:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_meta])* $variant = $byte,)+ }

        impl $name {
            /// The value of this byte; one from the future is the most careful known one.
            pub fn from_byte(byte: u8) -> $name {
                match byte { $($byte => $name::$variant,)+ _ => $name::$other }
            }

            /// All values.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($name::$variant => $text,)+ })
            }
        }
    };
}

byte_enum! {
    /// The stage of the line at which a call ended.
    Stage {
        /// The consumer's connection.
        Session = 1, "session";
        /// Reading the frame.
        Peek = 2, "peek";
        /// Choosing the island.
        Route = 3, "route";
        /// Between gateway and hub.
        Tunnel = 4, "tunnel";
        /// The hub's policy.
        Admit = 5, "admit";
        /// The hub's choice of a link.
        Switch = 6, "switch";
        /// Choosing a provider.
        Pick = 7, "pick";
        /// At the provider.
        Provider = 8, "provider";
    } else Tunnel
}

byte_enum! {
    /// Why a call ended.
    Kind {
        /// No link that leads there.
        NoLink = 1, "no link";
        /// A queue, a budget or a limit is full.
        Overload = 2, "overload";
        /// A body over a limit.
        TooLarge = 3, "too large";
        /// Bytes that cannot be read.
        Unparsable = 4, "unparsable";
        /// Nobody offers the service.
        NotOffered = 5, "not offered";
        /// Policy does not allow it.
        NotGranted = 6, "not granted";
        /// The target is unknown, contradicts itself or is not for the caller.
        TargetRefused = 7, "target refused";
        /// It has passed a hub already.
        HopLimit = 8, "hop limit";
        /// The head says other than the frame.
        Forged = 9, "forged";
        /// Nobody waits any more.
        DeadlinePassed = 10, "deadline passed";
        /// The provider's connection ended before its answer.
        ProviderGone = 11, "provider gone";
        /// Whoever should have taken it is stopping.
        Draining = 12, "draining";
        /// The link was lost with the call on it.
        LinkLost = 13, "link lost";
        /// A defect of ours.
        Internal = 14, "internal";
        /// The target has a link, and has not said yet whether it offers the service.
        NotYetKnown = 15, "not yet known";
    } else Internal
}

byte_enum! {
    /// How far a call had got.
    Outcome {
        /// No provider has seen it: it may be sent again.
        NotSent = 1, "not sent";
        /// Nobody can say.
        Unknown = 2, "outcome unknown";
        /// A provider ran it.
        Executed = 3, "executed";
    } else Unknown
}

/// How a call ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// Why.
    pub kind: Kind,
    /// How far it had got.
    pub outcome: Outcome,
    /// A sentence: what was found, what was wanted, what to do. Never a secret or a body.
    pub text: Cow<'static, str>,
    /// Hubs that have a link to the target, where this one has none and knows of them. Ours never does: each knows its own links
    /// alone, and an egress knows who shows it an island.
    pub hubs: Vec<String>,
}

/// Bytes that are no failure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("failure record of {0} bytes runs off its end")]
pub struct FailureError(usize);

impl Failure {
    /// A failure with a sentence and no hubs.
    pub fn new(stage: Stage, kind: Kind, outcome: Outcome, text: impl Into<Cow<'static, str>>) -> Failure {
        Failure { stage, kind, outcome, text: text.into(), hubs: Vec::new() }
    }

    /// Reads a failure. Values from the future become the most careful ones of today.
    ///
    /// # Errors
    /// A length runs off the end.
    pub fn decode(bytes: &[u8]) -> Result<Failure, FailureError> {
        let short = FailureError(bytes.len());
        let Some((&[stage, kind, outcome, count, l0, l1], rest)) = bytes.split_first_chunk::<6>() else {
            return Err(short);
        };
        let text_len = usize::from(u16::from_be_bytes([l0, l1]));
        let Some((text, mut rest)) = rest.split_at_checked(text_len) else { return Err(short) };
        let mut hubs = Vec::new();
        for _ in 0..count {
            let Some((&len, tail)) = rest.split_first() else { return Err(short) };
            let Some((hub, tail)) = tail.split_at_checked(usize::from(len)) else { return Err(short) };
            if hubs.len() < MAX_HUBS {
                hubs.push(String::from_utf8_lossy(hub).into_owned());
            }
            rest = tail;
        }
        let text = String::from_utf8_lossy(cut(text)).into_owned();
        Ok(Failure {
            stage: Stage::from_byte(stage),
            kind: Kind::from_byte(kind),
            outcome: Outcome::from_byte(outcome),
            text: text.into(),
            hubs,
        })
    }

    /// Puts the failure behind `out`; a text over [`MAX_TEXT_LEN`] is cut, hubs over [`MAX_HUBS`] are left out.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let text = cut(self.text.as_bytes());
        let hubs = self.hubs.iter().filter(|hub| hub.len() <= usize::from(u8::MAX)).take(MAX_HUBS);
        out.extend_from_slice(&[self.stage as u8, self.kind as u8, self.outcome as u8, hubs.clone().count() as u8]);
        out.extend_from_slice(&(text.len() as u16).to_be_bytes());
        out.extend_from_slice(text);
        for hub in hubs {
            out.push(hub.len() as u8);
            out.extend_from_slice(hub.as_bytes());
        }
    }
}

/// The front of a text, at most [`MAX_TEXT_LEN`] bytes and never half a character.
fn cut(text: &[u8]) -> &[u8] {
    if text.len() <= MAX_TEXT_LEN {
        return text;
    }
    let mut len = MAX_TEXT_LEN;
    while len > MAX_TEXT_LEN - 4 && text[len] & 0xc0 == 0x80 {
        len -= 1;
    }
    &text[..len]
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ({}): {}", self.kind, self.stage, self.outcome, self.text)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(failure: &Failure) -> Vec<u8> {
        let mut out = Vec::new();
        failure.encode_into(&mut out);
        out
    }

    #[test]
    fn the_layout_is_what_the_header_says() {
        let mut failure = Failure::new(Stage::Switch, Kind::NoLink, Outcome::NotSent, "gone");
        failure.hubs = vec!["h2".to_owned()];
        assert_eq!(encoded(&failure), [6, 1, 1, 1, 0, 4, b'g', b'o', b'n', b'e', 2, b'h', b'2']);
        assert_eq!(failure.to_string(), "no link at switch (not sent): gone");
    }

    #[test]
    fn an_outcome_from_the_future_is_unknown_and_never_not_sent() {
        let mut bytes = encoded(&Failure::new(Stage::Pick, Kind::Overload, Outcome::NotSent, ""));
        bytes[..3].copy_from_slice(&[99, 99, 99]);
        let read = Failure::decode(&bytes).unwrap();
        assert_eq!((read.stage, read.kind, read.outcome), (Stage::Tunnel, Kind::Internal, Outcome::Unknown));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"寿".repeat(1000);
            let read =
                Failure::decode(&encoded(&Failure::new(Stage::Peek, Kind::Internal, Outcome::Unknown, text.clone())))
                    .unwrap();
            assert!(text.starts_with(&*read.text) && read.text.len() > MAX_TEXT_LEN - 4, "{}", read.text.len());
        }
    }

    #[test]
    fn every_cut_is_refused() {
        let mut failure = Failure::new(Stage::Admit, Kind::NotGranted, Outcome::NotSent, "no grant");
        failure.hubs = vec!["a".to_owned(), "bc".to_owned()];
        let bytes = encoded(&failure);
        for len in 0..bytes.len() {
            assert_eq!(Failure::decode(&bytes[..len]), Err(FailureError(len)));
        }
        assert_eq!(Failure::decode(&bytes), Ok(failure));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(failure) = Failure::decode(&bytes) {
                let again = Failure::decode(&encoded(&failure)).unwrap();
                prop_assert_eq!(again.outcome, failure.outcome);
            }
        }
    }
}
