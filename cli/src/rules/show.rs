//! `highway rules get`, `diff`, `history`: what there is, what a file would change, what there was.
//!
//! Never changes anything.

use std::time::SystemTime;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use zk_bridge::{ConfigCenter, Document, Entry, Expected, Facts, Listed, NoText, Seen};

use super::base::Base;
use super::difference::{Line, difference};
use super::file::Wanted;
use super::{End, Form};
use crate::output;
use crate::terminal::{self, shown, whole};
use crate::wrong::wrong;

/// A document after a line that says its version, or the list of all.
pub async fn get(center: &ConfigCenter, name: Option<&str>, form: Form) -> Result<End> {
    let Some(name) = name else { return list(center, form).await };
    let document = there(center, name).await?.document().map_err(no_text)?;
    match form {
        Form::People => {
            let Document { name, text, version, .. } = document;
            output::text(format_args!("{}\n{}", Base { name, version }.line(), whole(&text)))?;
        }
        Form::Programs => {
            let Document { name, text, version, written } = document;
            print_json(
                &json!({ "name": name, "version": version.to_string(), "written": time(written), "text": text }),
            )?;
        }
    }
    Ok(End::Good)
}

/// A document that has to be there.
pub async fn there(center: &ConfigCenter, name: &str) -> Result<Seen> {
    match center.read(name).await? {
        Some(document) => Ok(document),
        None => bail!("found no document {name}: `highway rules get` lists those that there are"),
    }
}

/// It cannot be shown, and what is made of what could be shown would be written over it.
fn no_text(no_text: NoText) -> anyhow::Error {
    let name = &no_text.name;
    wrong(format!(
        "{no_text}, and no gateway obeys it: read it with ZooKeeper's own client, and put a text in its place: \
         `highway rules apply FILE {name} --overwrite`"
    ))
}

async fn list(center: &ConfigCenter, form: Form) -> Result<End> {
    let listed = center.list().await?;
    match form {
        Form::Programs => {
            let all = listed.iter().map(|Listed { name, facts }| match facts {
                Some(Facts { version, len, written }) => {
                    json!({ "name": name, "version": version.to_string(), "written": time(*written), "len": len })
                }
                None => json!({ "name": name, "version": null, "written": null, "len": null }),
            });
            print_json(&all.collect())?;
        }
        Form::People if listed.is_empty() => output::line("no documents")?,
        Form::People => {
            let width = listed.iter().map(|document| document.name.len()).max().unwrap_or(0);
            for Listed { name, facts } in listed {
                match facts {
                    Some(Facts { version, len, written }) => {
                        output::line(format_args!("{name:width$}  version {version}  {}  {len} bytes", time(written)))?
                    }
                    None => output::line(format_args!("{name:width$}  may not be read"))?,
                }
            }
        }
    }
    Ok(End::Good)
}

/// What a file would change.
pub async fn diff(center: &ConfigCenter, wanted: &Wanted, form: Form) -> Result<End> {
    let found = center.read(&wanted.name).await?;
    let now = expected(found.as_ref());
    let found = found.map(Seen::document).transpose().map_err(no_text)?;
    let before = found.as_ref().map(|document| document.text.as_str());
    let differs = before != Some(wanted.text.as_str());
    if let Some(made_from) = wanted.made_from.filter(|made_from| now != Expected::Version(*made_from)) {
        let place = shown(&wanted.place);
        output::say(format_args!("highway: {place} was made from version {made_from}, and there is {now} now"));
    }
    match form {
        Form::People if differs => {
            output::line(format_args!("--- {}, {now}\n+++ {}", wanted.name, shown(&wanted.place)))?;
            print_difference(before.unwrap_or_default(), &wanted.text)?;
        }
        Form::People => output::line(format_args!("{}: no difference, {now}", wanted.name))?,
        Form::Programs => {
            let version = found.as_ref().map(|document| document.version.to_string());
            let lines = difference_json(before.unwrap_or_default(), &wanted.text);
            print_json(&json!({ "name": wanted.name, "version": version, "differs": differs, "lines": lines }))?;
        }
    }
    Ok(if differs { End::No } else { End::Good })
}

/// What was changed, the newest first.
pub async fn history(center: &ConfigCenter, name: &str, form: Form) -> Result<End> {
    let entries = center.history(name).await?;
    match form {
        Form::Programs => print_json(&serde_json::to_value(&entries)?)?,
        Form::People if entries.is_empty() => output::line(format_args!("no history of {name}"))?,
        Form::People => {
            let versions = |entry: &Entry| match (&entry.text, entry.version) {
                (None, _) => "none".to_owned(),
                (Some(_), None) => "unknown".to_owned(),
                (Some(_), Some(version)) => version.to_string(),
            };
            let width = entries.iter().map(|entry| versions(entry).len()).max().unwrap_or(0);
            for (at, entry) in entries.iter().enumerate() {
                let (before, version) = (entries.get(at + 1), versions(entry));
                let Entry { number, at, by, action, .. } = entry;
                let action = format!("{action:?}").to_lowercase();
                let (at, by, lines) = (shown(at), shown(by), counted(before, entry));
                output::line(format_args!("{number:<4} {version:width$}  {at}  {action:8}  {by}  {lines}"))?;
            }
        }
    }
    Ok(End::Good)
}

/// What there is, as a change says what it is over.
pub fn expected(found: Option<&Seen>) -> Expected {
    found.map_or(Expected::Absent, |document| Expected::Version(document.version))
}

/// How many lines an entry changed.
fn counted(before: Option<&Entry>, entry: &Entry) -> String {
    let Some(text) = &entry.text else { return "no document".to_owned() };
    let Some(before) = before else { return format!("+{} lines", text.lines().count()) };
    let lines = difference(before.text.as_deref().unwrap_or_default(), text);
    let count = |is: fn(&Line<'_>) -> bool| lines.iter().filter(|line| is(line)).count();
    let (new, gone) = (count(|line| matches!(line, Line::New(_))), count(|line| matches!(line, Line::Gone(_))));
    format!("+{new} -{gone} lines")
}

/// Prints what is different; nothing where nothing is.
pub fn print_difference(before: &str, after: &str) -> Result<()> {
    for line in difference(before, after) {
        let (sign, text) = match line {
            Line::Same(text) => (' ', text),
            Line::Gone(text) => ('-', text),
            Line::New(text) => ('+', text),
            Line::Left(count) => {
                output::line(format_args!("  … {count} lines"))?;
                continue;
            }
        };
        match text.strip_suffix('\n') {
            Some(text) => output::line(format_args!("{sign} {}", whole_line(text)))?,
            None => output::line(format_args!("{sign} {} (no end of line)", whole_line(text)))?,
        }
    }
    Ok(())
}

/// The same for programs: lines that are new and gone.
pub fn difference_json(before: &str, after: &str) -> Value {
    let lines = difference(before, after);
    let said = lines.iter().filter_map(|line| match line {
        Line::Gone(text) => Some(json!({ "gone": text })),
        Line::New(text) => Some(json!({ "new": text })),
        Line::Same(_) | Line::Left(_) => None,
    });
    said.collect()
}

fn whole_line(text: &str) -> String {
    whole(text.strip_suffix('\r').unwrap_or(text))
}

pub fn print_json(value: &Value) -> Result<()> {
    output::line(terminal::json(value)?)
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}
