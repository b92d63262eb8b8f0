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
use std::time::SystemTime;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use zk_bridge::{Action, CenterFailure, ConfigCenter, Document, Edit, Entry, Expected, Readers};

use super::file::Wanted;
use super::judge::{self, Judged, meaning};
use super::obeyed;
use super::show::{difference_json, expected, print_difference, print_json, there};
use super::{Anyway, Despite, End, Form, How};
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
    found: Option<&'c Document>,
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
    if let Some(end) = refused(center, file, Action::Apply, anyway, form).await? {
        return Ok(end);
    }
    let found = center.read(&file.name).await?;
    let over = match (how.expect_version, over, file.made_from) {
        (Some(said), ..) => Some(said),
        (None, Over::Anything, _) => Some(expected(found.as_ref())),
        (None, Over::MadeFrom, made_from) => made_from.map(Expected::Version),
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
    let entries = center.history(name).await?;
    let found = center.read(name).await?;
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
        if let Some(end) = refused(center, &wanted, Action::Rollback, anyway, form).await? {
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
fn before<'e>(entries: &'e [Entry], found: Option<&Document>) -> Option<&'e Entry> {
    let now = found.map(|document| document.text.as_str());
    if entries.first()?.text.as_deref() != now {
        return entries.first();
    }
    let last = entries.iter().position(|entry| entry.action != Action::Rollback)?;
    entries.get(last + 1)
}

/// Says what speaks against a text beside the other documents; `None` where nothing does, or it is wanted all the same. A rollback is held up by
/// mistakes alone: what was right once may be needed now, whatever it expects of the other documents.
async fn refused(
    center: &ConfigCenter,
    file: &Wanted,
    action: Action,
    anyway: &Anyway,
    form: Form,
) -> Result<Option<End>> {
    let listed = center.list().await?;
    let others: Vec<String> =
        listed.iter().map(|other| other.name.clone()).filter(|other| *other != file.name).collect();
    let others = center.read_all(&others).await?;
    let others = judge::parsed(others.iter().map(|other| (other.name.as_str(), other.text.as_str())));
    let (alone, now) = (std::slice::from_ref(file), SystemTime::now());
    let judged = match judge::judge(alone, others, now) {
        // More rules than gateways take: what it does beside them cannot be said.
        Err(_) if anyway.is_despite(Despite::Limits) => judge::judge(alone, Vec::new(), now)?,
        judged => judged?,
    };
    if let Some(bad) = judged.iter().find(|judged| judged.end() != End::Good) {
        let place = shown(&file.place);
        let (taken, what) = match (bad.end(), action) {
            (End::No, Action::Rollback) => (true, "is taken all the same, as it was before"),
            (End::No, _) if anyway.is_despite(Despite::Expect) => {
                (true, "is taken all the same, as --despite expect says")
            }
            (End::No, _) => {
                (false, "is not taken: correct it, and do it again; in need, --despite expect takes it as it is")
            }
            _ => (false, "is not taken: correct it, and do it again"),
        };
        match form {
            // Where it goes on, what comes of it is the answer.
            Form::Programs if !taken => print_json(&bad.json())?,
            _ => eprintln!("{}", bad.sentences().join("\n")),
        }
        eprintln!("highway: {place} {what}");
        if !taken {
            return Ok(Some(bad.end()));
        }
    }
    judged.iter().flat_map(Judged::warned).for_each(|warning| eprintln!("{warning}"));
    for doubt in obeyed::doubts(center, &listed, file).await? {
        if anyway.is_meant(doubt.way) {
            continue;
        }
        eprintln!("highway: {} is not taken: {}", shown(&file.place), doubt.what);
        return Ok(Some(End::No));
    }
    Ok(None)
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
    let before = found.map(|document| document.text.as_str());
    let is_same = before == text;
    if form == Form::People {
        print_difference(before.unwrap_or_default(), text.unwrap_or_default());
    }
    let after = if is_same {
        Some(seen)
    } else {
        let Some(expected) = over.or((seen == Expected::Absent).then_some(seen)) else {
            eprintln!(
                "highway: document {name} is there already, {seen}, and the text does not say which one it was made from: change what \
                 `highway rules get {name}` prints, or say --expect-version, or --overwrite"
            );
            return Ok(End::No);
        };
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
                eprintln!("highway: {meanwhile}; look at it with `highway rules get {name}`, and do it again");
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
    match form {
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
            }))?;
        }
        Form::People => println!("{name}: {}", outcome(&wanted, after, readers.as_ref(), how)),
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
    if found.map(|document| document.text.as_str()) == *text {
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
