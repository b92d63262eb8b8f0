//! Which transports the way lets through, and what to do. Pure.

use super::seen::{Seen, Stream, Upgrade, Who};
use super::{Mark, Step};
use crate::doctor::{NO_LINK, YES_BUT};

/// What all steps come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Best first, by their names in the configuration.
    pub passes: Vec<&'static str>,
    pub sentence: String,
    pub code: u8,
}

/// Nothing to ask for.
const WELL: u8 = 0;

/// `set`: the transport that the configuration asks for, if it asks for one.
pub fn verdict(seen: &Seen, steps: &[Step], set: Option<&str>) -> Verdict {
    let passes = passes(seen);
    let first_bad = steps.iter().find(|step| step.mark == Mark::Bad);
    let Some(&best) = passes.first() else {
        let why = first_bad.map(|step| step.means.clone().unwrap_or_else(|| step.saw.clone()));
        let why = why.unwrap_or_else(|| "nothing that was tried passes".to_owned());
        return Verdict { passes, sentence: format!("no link can be made: {why}"), code: NO_LINK };
    };
    // Where a stream passes, nobody misses WebSocket.
    let has_bad = steps.iter().any(|step| step.mark == Mark::Bad && (step.name != "websocket" || best == "post"));
    let all = passes.join(", ");
    if let Some(set) = set.filter(|set| !passes.contains(set)) {
        let sentence = format!(
            "a link can be made, but not by {set}, which the configuration asks for; what passes: {all}. Set transport = \"{best}\""
        );
        return Verdict { passes, sentence, code: NO_LINK };
    }
    let lacks = match best {
        "post" => "; it costs more requests than a stream would: what is marked above says what to ask for",
        _ if has_bad => "; what is marked bad above can be better",
        _ => "",
    };
    let code = if best == "post" || has_bad { YES_BUT } else { WELL };
    Verdict { sentence: format!("a link can be made by {all}{lacks}"), passes, code }
}

fn passes(seen: &Seen) -> Vec<&'static str> {
    let streams = |stream: &Option<Stream>| matches!(stream, Some(Stream::Live { .. } | Stream::Begins));
    let ws = matches!(seen.upgrade, Some(Upgrade::Echoes { len, .. }) if len >= 100 << 10)
        || seen.upgrade == Some(Upgrade::Upgraded);
    let is_hub = matches!(&seen.answer, Some(Ok(heard)) if heard.who == Who::Hub);
    // Links by `post` have bodies of 48 KB at most where no more passes.
    let posts = seen.bodies.as_ref().is_some_and(|bodies| bodies.passed.is_some_and(|passed| passed >= 48 << 10));
    // Where HTTP/1.1 cannot be spoken, nothing is known of its flow.
    let speaks_one = seen.request_flow.is_some() || seen.answer_flow.is_some();
    let post = seen.passes_forms.unwrap_or(is_hub && posts && speaks_one);
    let all = [("ws", ws), ("h2", streams(&seen.h2)), ("h1", streams(&seen.h1)), ("post", post)];
    all.into_iter().filter(|(_, passes)| *passes).map(|(name, _)| name).collect()
}
