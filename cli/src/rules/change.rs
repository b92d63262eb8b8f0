//! `highway rules apply`, `rollback`, `remove`: a change of a document, over what was seen and nothing else.
//!
//! ```text
//!  apply     made from a version (first line, --expect-version) ─▶ over that version alone
//!            made from nothing ─▶ where there is no document; over one only with --overwrite
//!  rollback, remove ─▶ over what is there, which is shown
//! ```
//!
//! What is changed is shown before it is. A change is made once: what somebody else did meanwhile is told, not overwritten.

use std::os::unix::fs::MetadataExt;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use zk_bridge::{Action, CenterFailure, ConfigCenter, Edit, Entry, Expected, Readers, Seen};

use super::file::Wanted;
use super::judge::meaning;
use super::refused::refused;
use super::show::{difference_json, expected, print_difference, print_json, there};
use super::{Anyway, End, Form, How};
use crate::output;
use crate::terminal::shown;

/// What a change may be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// What is there, whatever it is.
    Anything,
    /// What the file was made from, or nothing where it does not say.
    MadeFrom,
}

/// A change that is about to be made.
struct Change<'c> {
    name: &'c str,
    found: Option<&'c Seen>,
    text: Option<&'c str>,
    action: Action,
    /// What it must be over; `None`: only where nothing is.
    over: Option<Expected>,
    /// What is said of a rollback: the change that it goes back to.
    back_to: Option<&'c Entry>,
}

/// Makes a document what a file says.
pub async fn apply(
    center: &ConfigCenter,
    file: &Wanted,
    over: Over,
    anyway: &Anyway,
    how: &How,
    form: Form,
) -> Result<End> {
    let found = center.read(&file.name).await?;
    if let Some(end) = refused(center, file, found.as_ref(), Action::Apply, anyway, form).await? {
        return Ok(end);
    }
    let over = match (how.expect_version, over, &found) {
        (Some(said), ..) => Some(said),
        (None, Over::Anything, found) => Some(expected(found.as_ref())),
        // No file can be made from what is no text.
        (None, Over::MadeFrom, Some(Seen { text: Err(no_text), .. })) => {
            let place = shown(&file.place);
            output::say(format_args!(
                "highway: {place} is not taken: {no_text}, and no history would have it any more; in need, --overwrite writes over it"
            ));
            return Ok(End::No);
        }
        (None, Over::MadeFrom, _) => file.made_from.map(Expected::Version),
    };
    let (name, text) = (file.name.as_str(), Some(file.text.as_str()));
    let wanted = Change { name, found: found.as_ref(), text, action: Action::Apply, over, back_to: None };
    change(center, wanted, how, form).await
}

/// Makes a document what it was: before the last change that was no rollback, or after the one with the number `to`.
pub async fn rollback(
    center: &ConfigCenter,
    name: &str,
    to: Option<u64>,
    anyway: &Anyway,
    how: &How,
    form: Form,
) -> Result<End> {
    // The document first: every change up to it is in the history then, and one after it makes the write fail. The other way round, what somebody
    // wrote between the two would be taken for what there is to take back.
    let found = center.read(name).await?;
    let entries = center.history(name).await?;
    let entry = match to {
        Some(number) => match entries.iter().find(|entry| entry.number == number) {
            Some(entry) => entry,
            None => {
                bail!("found no change {number} of {name}: `highway rules history {name}` shows those that are kept")
            }
        },
        None => match before(&entries, found.as_ref()) {
            Some(entry) => entry,
            None => bail!(
                "found nothing of {name} that is older than what was last applied: `highway rules remove {name}` takes it away"
            ),
        },
    };
    if let Some(text) = &entry.text {
        let place = format!("change {} of {name}", entry.number);
        // Rules may have been understood otherwise then.
        let wanted = Wanted { name: name.to_owned(), text: text.clone(), place, lines_before: 0, made_from: None };
        if let Some(end) = refused(center, &wanted, found.as_ref(), Action::Rollback, anyway, form).await? {
            return Ok(end);
        }
    }
    let over = Some(how.expect_version.unwrap_or_else(|| expected(found.as_ref())));
    let (found, text) = (found.as_ref(), entry.text.as_deref());
    let wanted = Change { name, found, text, action: Action::Rollback, over, back_to: Some(entry) };
    change(center, wanted, how, form).await
}

/// What there was before the last change that was no rollback: a second rollback goes no further back, and no way forward. The history may not
/// know of what somebody else wrote; that is the last change then.
fn before<'e>(entries: &'e [Entry], found: Option<&Seen>) -> Option<&'e Entry> {
    if !is(found, entries.first()?.text.as_deref()) {
        return entries.first();
    }
    let last = entries.iter().position(|entry| entry.action != Action::Rollback)?;
    entries.get(last + 1)
}

/// Whether what is there is this text, or nothing where there is none.
fn is(found: Option<&Seen>, text: Option<&str>) -> bool {
    match (found, text) {
        (Some(found), Some(text)) => found.text.as_deref() == Ok(text),
        (found, text) => found.is_none() && text.is_none(),
    }
}

/// Takes a document away.
pub async fn remove(center: &ConfigCenter, name: &str, how: &How, form: Form) -> Result<End> {
    let found = there(center, name).await?;
    let over = Some(how.expect_version.unwrap_or(Expected::Version(found.version)));
    let wanted = Change { name, found: Some(&found), text: None, action: Action::Remove, over, back_to: None };
    change(center, wanted, how, form).await
}

/// Makes what was found be what is wanted.
async fn change(center: &ConfigCenter, wanted: Change<'_>, how: &How, form: Form) -> Result<End> {
    let Change { name, found, text, action, over, .. } = wanted;
    let seen = expected(found);
    let before = found.and_then(|found| found.text.as_deref().ok());
    let is_same = is(found, text);
    if form == Form::People {
        print_difference(before.unwrap_or_default(), text.unwrap_or_default())?;
    }
    let after = if is_same {
        Some(seen)
    } else {
        let Some(expected) = over.or((seen == Expected::Absent).then_some(seen)) else {
            output::say(format_args!(
                "highway: document {name} is there already, {seen}, and the text does not say which one it was made from: change what \
                 `highway rules get {name}` prints, or say --expect-version, or --overwrite"
            ));
            return Ok(End::No);
        };
        if let Some(unkept) = found.and_then(Seen::unkept) {
            output::say(format_args!("highway: warning: {unkept}: what was there is in no history once it is changed"));
        }
        let edit = Edit { name: name.to_owned(), text: text.map(str::to_owned), expected, action, by: who() };
        let done = if how.dry_run {
            center.would_write(&edit).await.map(|()| Some(expected))
        } else {
            center.write(&edit).await
        };
        match done {
            Ok(after) => after,
            Err(CenterFailure::Meanwhile(meanwhile)) => {
                let meanwhile = shown(&meanwhile.to_string());
                output::say(format_args!(
                    "highway: {meanwhile}; look at it with `highway rules get {name}`, and do it again"
                ));
                return Ok(End::No);
            }
            Err(failure) => return Err(failure.into()),
        }
    };
    let readers = match after {
        Some(Expected::Absent) => None,
        // It is done; that nobody says who may read it changes nothing.
        _ => center.readers(name).await.unwrap_or(None),
    };
    let said = match form {
        Form::Programs => {
            let lines = difference_json(before.unwrap_or_default(), text.unwrap_or_default());
            print_json(&json!({
                "name": name,
                "changed": !how.dry_run && !is_same,
                "version": after.and_then(version),
                "back_to": wanted.back_to.map(|entry| entry.number),
                "readers": readers.map(readers_json),
                "lines": lines,
                "meaning": meaning(name, before, text),
            }))
        }
        Form::People => output::line(format_args!("{name}: {}", outcome(&wanted, after, readers.as_ref(), how))),
    };
    match said {
        // It is done, whatever can be said of it.
        Err(error) if !how.dry_run && !is_same => output::say(format_args!("highway: {error:#}")),
        said => said?,
    }
    Ok(End::Good)
}

/// What came of it, for people.
fn outcome(wanted: &Change<'_>, after: Option<Expected>, readers: Option<&Readers>, how: &How) -> String {
    let Change { name, found, text, action, back_to, .. } = wanted;
    let back = back_to.map(|Entry { number, at, by, action, .. }| {
        let action = format!("{action:?}").to_lowercase();
        format!("as it was after change {number}, {action} of {} at {}", shown(by), shown(at))
    });
    let now = match after {
        Some(after) => format!("{after} now"),
        None => format!("which somebody else has changed since: look at it with `highway rules get {name}`"),
    };
    if is(*found, *text) {
        return match back {
            Some(back) => format!("nothing to do, it is {back}; `--to N` goes further back"),
            None => format!("nothing to do, {} is so already; {}", expected(*found), read_by(readers)),
        };
    }
    if how.dry_run {
        let to = back.map(|back| format!("it would be {back}; ")).unwrap_or_default();
        return format!("{to}nothing was changed, this is what would be, over {}", expected(*found));
    }
    match (action, text, back) {
        (Action::Rollback, Some(_), Some(back)) => format!("rolled back, {back}; {now}; {}", read_by(readers)),
        (_, Some(_), _) => format!("applied, {now}; {}", read_by(readers)),
        (_, None, Some(back)) => format!("rolled back, {back}: removed"),
        (_, None, None) if found.is_some_and(|found| found.unkept().is_some()) => "removed".to_owned(),
        (_, None, None) => format!("removed; `highway rules rollback {name}` brings it back"),
    }
}

/// Whether gateways can read it, for people.
fn read_by(readers: Option<&Readers>) -> String {
    match readers {
        Some(Readers::Everybody) => "every gateway may read it".to_owned(),
        Some(Readers::Only(only)) => {
            let only = if only.is_empty() { "nobody".to_owned() } else { shown(&only.join(", ")) };
            format!(
                "only {only} may read it: a gateway that logs in as somebody else, or as nobody, does not obey it; give it and its folder \
                 the right world:anyone:r"
            )
        }
        None => "who may read it cannot be said, since its rights may not be read".to_owned(),
    }
}

fn readers_json(readers: Readers) -> Value {
    match readers {
        Readers::Everybody => json!("everybody"),
        Readers::Only(only) => json!(only),
    }
}

fn version(of: Expected) -> Option<String> {
    match of {
        Expected::Absent => None,
        Expected::Version(version) => Some(version.to_string()),
    }
}

/// Who is at this machine, `user@host`: for the history, not for any right.
fn who() -> String {
    let said = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let user = said.filter(|user| !user.is_empty()).unwrap_or_else(user);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "unknown" } else { host.trim() };
    format!("{user}@{host}")
}

/// The name of who runs this process, else the number.
fn user() -> String {
    let Ok(own) = std::fs::metadata("/proc/self") else { return "unknown".to_owned() };
    let id = own.uid().to_string();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let fields = known.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let name = fields
        .filter(|fields| fields.get(2) == Some(&id.as_str()))
        .find_map(|fields| Some((*fields.first()?).to_owned()));
    name.unwrap_or_else(|| format!("uid-{id}"))
}
