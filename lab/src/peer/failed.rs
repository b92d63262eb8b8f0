//! How a call of a load failed, told from the words that its caller read. Pure.

use serde::Serialize;

use super::Recorded;

/// How a call failed, by what its caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failed {
    /// In a gateway's words: it may have run, or did run and its answer is missing.
    Unknown,
    /// In a gateway's words: it was not executed.
    NotSent,
    /// In a gateway's words: nobody offers the service just now. A consumer whose registry shows that calls nobody.
    NotOffered,
    /// In the words of the gateway that was ending just then: it was not executed.
    Ending,
    /// By the consumer itself: it knew no address to call, or could not connect to any.
    NoAddress,
    /// By the consumer itself: its connection to the gateway broke under the call.
    Cut,
    /// By the consumer itself: no answer within its timeout.
    TimedOut,
    /// Anything else.
    Other,
}

impl Recorded {
    /// What the caller was told, by the words that tell it; the gateways' own first, since Dubbo's text stands around them.
    #[must_use]
    pub fn failed(&self) -> Option<Failed> {
        self.class.as_ref()?;
        let text = self.message.as_deref().unwrap_or_default();
        let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
        // In front of it stands a URL with words of its own.
        let cause = text.rsplit_once("cause: ").map_or("", |(_, cause)| cause);
        let cause_says = |words: &[&str]| words.iter().any(|words| cause.contains(words));
        Some(if says(&["the call may have been executed", "the call was executed"]) {
            Failed::Unknown
        } else if says(&["gateway is ending"]) {
            Failed::Ending
        } else if says(&["no island offers", "does not offer", "it is not listed any more"]) {
            Failed::NotOffered
        } else if says(&["the call was not executed"]) {
            Failed::NotSent
        } else if says(&["No provider available"])
            || cause_says(&["ailed to connect", "can not be connected", "Connection refused"])
        {
            Failed::NoAddress
        } else if cause_says(&["is closed", "ClosedChannel", "inactive", "not send", "to send", "Connection reset"]) {
            Failed::Cut
        } else if says(&[
            "side response timeout",
            "remote method timeout",
            "side timeout",
            "completed exceptionally: org.apache.dubbo.remoting.TimeoutException",
        ]) {
            Failed::TimedOut
        } else {
            Failed::Other
        })
    }
}
