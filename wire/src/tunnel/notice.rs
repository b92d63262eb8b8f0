//! What ends of a link tell each other beside calls and catalogues. It never carries what a call depends on: a notice that
//! is not understood is ignored.

use serde::{Deserialize, Serialize};

use super::question::{AskedCall, Providers, Verdict};

/// A notice, as JSON: `{"notice":"policy-changed","revision":7}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    /// The hub's policy has changed; what was decided under an older revision may be decided anew.
    PolicyChanged {
        /// The policy's revision.
        revision: u64,
    },
    /// The hub has told everything there is for this gateway to see: each ingress gateway of its policy has said what it offers,
    /// or did not come within the hold-down of the hub's start. Once a link.
    CatalogueTold,
    /// An ingress gateway found a call whose frame is not what its head says.
    Forgery {
        /// The island it came from, as the hub had put it in.
        source: String,
        /// The start id of the call's stamp.
        stamp_start: u64,
        /// The counter of the call's stamp.
        stamp_counter: u64,
        /// What the head said.
        claimed: String,
        /// What the frame says.
        found: String,
    },
    /// Calls to this island can be switched again, after the hub had refused some on this link for want of a link there.
    Reachable {
        /// The island.
        island: String,
    },
    /// A word from the hub to this island's nearest gateway and back takes this long. Said to egresses, of islands that they see.
    Distance {
        /// The island.
        island: String,
        /// Microseconds, smoothed.
        micros: u64,
    },
    /// What would become of such a call? An egress asks its hub, and the hub the gateways that offer it: [`super::question`].
    Asked {
        /// By which the answers are known; of the link that it is asked on.
        question: u64,
        /// The call.
        call: Box<AskedCall>,
    },
    /// What the hub would say to it. An answer for each of [`Verdict::gateways`] follows, or none where that one does not know the question.
    Judged {
        /// The question's number.
        question: u64,
        /// What it says.
        verdict: Box<Verdict>,
    },
    /// Who stands behind it: an ingress to the hub, and the hub to the egress.
    Staffed {
        /// The question's number.
        question: u64,
        /// Whose providers these are; from an ingress empty, the hub knows it by its key.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        gateway: String,
        /// As one of its shards sees them.
        providers: Providers,
    },
    /// The other end takes no new exchanges from now on.
    GoingAway {
        /// Why, in a sentence.
        reason: String,
    },
    /// One from the future.
    #[serde(other)]
    Other,
}

impl Notice {
    /// Reads a notice; what cannot be read is [`Notice::Other`].
    pub fn decode(bytes: &[u8]) -> Notice {
        serde_json::from_slice(bytes).unwrap_or(Notice::Other)
    }

    /// The payload of its record.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_survives_and_one_from_the_future_does_no_harm() {
        let forgery = Notice::Forgery {
            source: "beijing".into(),
            stamp_start: u64::MAX,
            stamp_counter: 2,
            claimed: "a.B".into(),
            found: "c.D".into(),
        };
        assert_eq!(Notice::decode(&forgery.encode()), forgery);
        assert_eq!(Notice::CatalogueTold.encode(), br#"{"notice":"catalogue-told"}"#);
        assert_eq!(Notice::PolicyChanged { revision: 7 }.encode(), br#"{"notice":"policy-changed","revision":7}"#);
        let asked = br#"{"notice":"asked","question":7,"call":{"destination":"b","service":"a.B","serialization":2,"flags":0}}"#;
        let Notice::Asked { question: 7, call } = Notice::decode(asked) else { panic!("no question") };
        assert_eq!(Notice::Asked { question: 7, call }.encode(), asked);
        let staffed = br#"{"notice":"staffed","question":7,"providers":{"listed":2,"up":1,"ejected":1}}"#;
        let Notice::Staffed { providers, .. } = Notice::decode(staffed) else { panic!("no answer") };
        assert_eq!((providers.listed, providers.up, providers.ejected), (2, 1, 1));
        assert_eq!(Notice::decode(br#"{"notice":"new","x":[1]}"#), Notice::Other);
        assert_eq!(Notice::decode(b"\xff"), Notice::Other);
    }
}
