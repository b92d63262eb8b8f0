//! What stops a change: mistakes of its text, what it expects and does not get, and what gateways would not obey.
//!
//! ```text
//!                               apply                              rollback
//!  a broken text                stops                              stops
//!  an `expect:` that is not met stops, but for --despite expect    is said: what was right once may be needed now
//!  a limit that is passed       stops where the change makes it    is said
//!                               worse, but for --despite limits
//!  no folder of documents       stops, but for --first             stops, but for --first
//! ```
//!
//! What others wrote stops nobody: a document that cannot be read is left out, and said. Never writes.

use std::time::SystemTime;

use anyhow::Result;
use zk_bridge::{Action, ConfigCenter, Seen};

use super::file::Wanted;
use super::judge::{self, Judged};
use super::obeyed::{self, Doubt, Way};
use super::show::print_json;
use super::{Anyway, Despite, End, Form};
use crate::output;
use crate::terminal::shown;

/// Documents that are named when they cannot be read; anybody may make many.
const UNREAD_SHOWN: usize = 10;

/// Says what speaks against a text in place of what is there, beside the other documents; `None` where nothing stops it.
pub async fn refused(
    center: &ConfigCenter,
    file: &Wanted,
    found: Option<&Seen>,
    action: Action,
    anyway: &Anyway,
    form: Form,
) -> Result<Option<End>> {
    let listed = center.list().await?;
    let others: Vec<String> =
        listed.iter().map(|other| other.name.clone()).filter(|other| *other != file.name).collect();
    let others = center.read_all(&others).await?;
    say_unread(&others.unread);
    let others = judge::parsed(others.documents.iter().map(|other| (other.name.as_str(), other.text.as_str())));
    let (alone, now) = (std::slice::from_ref(file), SystemTime::now());
    let (judged, too_many) = match judge::judge(alone, others, now) {
        Ok(judged) => (judged, None),
        Err(too_many) => {
            let judged = judge::judge(alone, Vec::new(), now).map_err(judge::too_many)?;
            (judged.into_iter().map(Judged::untried).collect(), Some(too_many))
        }
    };
    match judged.iter().find(|judged| judged.end() != End::Good) {
        Some(bad) => {
            if let Some(end) = bad_stops(bad, file, action, anyway, form)? {
                return Ok(Some(end));
            }
        }
        None => judged.iter().flat_map(Judged::warned).for_each(output::say),
    }
    let rules_now = judge::parsed(found.and_then(|found| Some((found.name.as_str(), found.text.as_deref().ok()?))));
    let is_more = judged.iter().map(Judged::rules_len).sum::<usize>() > rules_now.iter().map(|now| now.len()).sum();
    let of_rules = too_many.map(|too_many| obeyed::limit(too_many.to_string(), is_more));
    let doubts = obeyed::doubts(center, &listed, file).await?;
    let stop = of_rules.into_iter().chain(doubts).find(|doubt| doubt_stops(doubt, file, action, anyway));
    Ok(stop.map(|_| End::No))
}

fn say_unread(unread: &[String]) {
    for what in unread.iter().take(UNREAD_SHOWN) {
        output::say(format_args!("highway: warning: {}: it is left out of account", shown(what)));
    }
    if let Some(more @ 1..) = unread.len().checked_sub(UNREAD_SHOWN) {
        output::say(format_args!("highway: warning: and {more} more documents that cannot be read"));
    }
}

/// Says what is wrong with a text, and how it ends if that stops it.
fn bad_stops(bad: &Judged, file: &Wanted, action: Action, anyway: &Anyway, form: Form) -> Result<Option<End>> {
    let (taken, what) = match (bad.end(), action) {
        (End::No, Action::Rollback) => (true, "is taken all the same, as it was before"),
        (End::No, _) if anyway.is_despite(Despite::Expect) => (true, "is taken all the same, as --despite expect says"),
        (End::No, _) => {
            (false, "is not taken: correct it, and do it again; in need, --despite expect takes it as it is")
        }
        _ => (false, "is not taken: correct it, and do it again"),
    };
    match form {
        // Where it goes on, what comes of it is the answer.
        Form::Programs if !taken => print_json(&bad.json())?,
        _ => output::say(bad.sentences().join("\n")),
    }
    output::say(format_args!("highway: {} {what}", shown(&file.place)));
    Ok((!taken).then(|| bad.end()))
}

/// Says a doubt that nobody has said to be meant, and whether it stops the change.
fn doubt_stops(doubt: &Doubt, file: &Wanted, action: Action, anyway: &Anyway) -> bool {
    if anyway.is_meant(doubt.way) {
        return false;
    }
    let (place, what) = (shown(&file.place), &doubt.what);
    let in_need = match doubt.way {
        Way::First => "",
        Way::Despite(_) if doubt.is_worse && action != Action::Rollback => "; in need, --despite limits writes it",
        Way::Despite(_) => {
            output::say(format_args!("highway: warning: {place}: {what}"));
            return false;
        }
    };
    output::say(format_args!("highway: {place} is not taken: {what}{in_need}"));
    true
}
