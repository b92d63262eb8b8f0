//! `highway rules apply`, `rollback`, `remove`: a change of a document, over what was seen and nothing else.
//!
//! What is changed is shown before it is. A change is made once: what somebody else did meanwhile is told, not overwritten.

use std::os::unix::fs::MetadataExt;

use anyhow::{Result, bail};
use serde_json::json;
use zk_bridge::{Action, CenterFailure, ConfigCenter, Document, Edit, Entry, Expected};

use super::file::Wanted;
use super::judge::{self, meaning};
use super::show::{difference_json, print_difference, print_json, there};
use super::{End, Form, How};
use crate::terminal::shown;

/// Makes a document what a file says.
pub async fn apply(center: &ConfigCenter, file: &Wanted, how: &How, form: Form) -> Result<End> {
    if let Some(end) = refused(center, file, form).await? {
        return Ok(end);
    }
    let found = center.read(&file.name).await?;
    change(center, &file.name, found.as_ref(), Some(&file.text), Action::Apply, how, form).await
}

/// Makes a document what it was.
pub async fn rollback(center: &ConfigCenter, name: &str, to: Option<u64>, how: &How, form: Form) -> Result<End> {
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
                "found nothing of {name} that is older than what there is: `highway rules remove {name}` takes it away"
            ),
        },
    };
    let text = entry.text.clone();
    if let Some(text) = &text {
        let place = format!("change {} of {name}", entry.number);
        // Rules may have been understood otherwise then.
        let wanted = Wanted { name: name.to_owned(), text: text.clone(), place };
        if let Some(end) = refused(center, &wanted, form).await? {
            return Ok(end);
        }
    }
    change(center, name, found.as_ref(), text.as_deref(), Action::Rollback, how, form).await
}

/// What there was before what there is; the history may not know of that yet.
fn before<'e>(entries: &'e [Entry], found: Option<&Document>) -> Option<&'e Entry> {
    let now = found.map(|document| document.text.as_str());
    entries.iter().find(|entry| entry.text.as_deref() != now)
}

/// Says what is wrong with a text beside the other documents; `None` where nothing is.
async fn refused(center: &ConfigCenter, file: &Wanted, form: Form) -> Result<Option<End>> {
    let mut others = Vec::new();
    for other in center.list().await?.into_iter().filter(|other| other.name != file.name) {
        others.extend(center.read(&other.name).await?);
    }
    let others = judge::parsed(others.iter().map(|other| (other.name.as_str(), other.text.as_str())));
    let judged = judge::judge(std::slice::from_ref(file), others)?;
    let Some(bad) = judged.iter().find(|judged| judged.end() != End::Good) else { return Ok(None) };
    match form {
        Form::People => eprintln!("{}", bad.sentences().join("\n")),
        Form::Programs => print_json(&bad.json())?,
    }
    eprintln!("highway: {} is not taken: correct it, and do it again", file.place);
    Ok(Some(bad.end()))
}

/// Takes a document away.
pub async fn remove(center: &ConfigCenter, name: &str, how: &How, form: Form) -> Result<End> {
    let found = there(center, name).await?;
    change(center, name, Some(&found), None, Action::Remove, how, form).await
}

/// Makes `found` be `text`.
async fn change(
    center: &ConfigCenter,
    name: &str,
    found: Option<&Document>,
    text: Option<&str>,
    action: Action,
    how: &How,
    form: Form,
) -> Result<End> {
    let seen = found.map_or(Expected::Absent, |document| Expected::Version(document.version));
    let expected = how.expect_version.map_or(seen, Expected::Version);
    let edit = Edit { name: name.to_owned(), text: text.map(str::to_owned), expected, action, by: who() };
    let before = found.map(|document| document.text.as_str());
    let is_same = before == text;
    if form == Form::People {
        print_difference(before.unwrap_or_default(), text.unwrap_or_default());
    }
    let done = if how.dry_run || is_same {
        center.would_write(&edit).await.map(|()| expected)
    } else {
        center.write(&edit).await
    };
    let after = match done {
        Ok(after) => after,
        Err(CenterFailure::Meanwhile(meanwhile)) => {
            let meanwhile = shown(&meanwhile.to_string());
            eprintln!("highway: {meanwhile}; look at it with `highway rules get {name}`, and do it again");
            return Ok(End::No);
        }
        Err(failure) => return Err(failure.into()),
    };
    match form {
        Form::Programs => {
            let lines = difference_json(before.unwrap_or_default(), text.unwrap_or_default());
            let is_changed = !how.dry_run && !is_same;
            let version = version(after);
            let meaning = meaning(name, before, text);
            print_json(
                &json!({ "name": name, "changed": is_changed, "version": version, "lines": lines, "meaning": meaning }),
            )?;
        }
        Form::People if is_same => println!("{name}: nothing to do, {expected} is so already"),
        Form::People if how.dry_run => println!("{name}: nothing was changed, this is what would be, over {expected}"),
        Form::People => match (action, after) {
            (_, Expected::Absent) => println!("{name}: removed; `highway rules rollback {name}` brings it back"),
            (Action::Rollback, version) => println!("{name}: rolled back, {version} now"),
            (_, version) => println!("{name}: applied, {version} now"),
        },
    }
    Ok(End::Good)
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
