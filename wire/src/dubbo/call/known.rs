//! The attachments that a call is known by, picked out of the map in one pass.
//!
//! It never keeps an attachment that nobody asks for, and never guesses between two.

use std::borrow::Cow;

use super::super::attachments::{Cursor, Kind};
/// A refusal, kept small where it is handed up: copying a large one slows down every call that is not refused.
pub(super) type Refused = Box<PeekError>;

use super::{HIGHWAY, MAX_HIGHWAY, PeekError, Reverse};

/// The attachments that a call is known by.
#[derive(Default)]
pub(super) struct Known<'a> {
    pub(super) path: Option<Cow<'a, str>>,
    pub(super) interface: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) group: Option<Cow<'a, str>>,
    pub(super) generic: Option<Cow<'a, str>>,
    pub(super) token: Option<Cow<'a, str>>,
    pub(super) timeout: Option<Timeout>,
    pub(super) tag: Option<Cow<'a, str>>,
    pub(super) highway: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) remote_application: Option<Cow<'a, str>>,
    pub(super) application: Option<Cow<'a, str>>,
    pub(super) traceparent: Option<Cow<'a, str>>,
    pub(super) countdown: Option<i64>,
    pub(super) reverse: Option<Reverse>,
}

/// Attachment `timeout`, be it a number or not.
pub(super) struct Timeout {
    pub(super) millis: Option<i64>,
}

impl<'a> Known<'a> {
    /// Reads the value under `key`, or steps over it.
    pub(super) fn take(&mut self, key: Cow<'a, str>, cursor: &mut Cursor<'a>) -> Result<(), Refused> {
        match &*key {
            "path" => decide(&mut self.path, &key, cursor),
            "interface" => decide(&mut self.interface, &key, cursor),
            "version" => decide(&mut self.version, &key, cursor),
            "group" => decide(&mut self.group, &key, cursor),
            "generic" => decide(&mut self.generic, &key, cursor),
            "token" => decide(&mut self.token, &key, cursor),
            "timeout" => self.timeout(&key, cursor),
            "dubbo.tag" => decide(&mut self.tag, &key, cursor),
            "remote.application" => note(&mut self.remote_application, cursor),
            "application" => note(&mut self.application, cursor),
            "traceparent" => note(&mut self.traceparent, cursor),
            "_TO" | "_to" => self.countdown(cursor),
            "dubbo.stub.event" => {
                let mut value = None;
                note(&mut value, cursor)?;
                if !matches!(value.as_deref(), Some("" | "false")) {
                    self.reverse = Some(Reverse::StubEvent);
                }
                Ok(())
            }
            "callback.service.instid" => self.callback(cursor),
            other if other.starts_with("sys_callback_arg-") => self.callback(cursor),
            other if other.starts_with(HIGHWAY) => self.highway(key, cursor),
            other => match passes_for(other) {
                Some(known) => Err(PeekError::PassesFor { key: key.into_owned(), known }.into()),
                None => Ok(cursor.skip()?),
            },
        }
    }

    fn callback(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Refused> {
        self.reverse = Some(Reverse::Callback);
        Ok(cursor.skip()?)
    }

    fn highway(&mut self, key: Cow<'a, str>, cursor: &mut Cursor<'a>) -> Result<(), Refused> {
        let before = self.highway.iter().find(|(before, _)| *before == key).map(|(_, value)| value.clone());
        let mut value = before;
        decide(&mut value, &key, cursor)?;
        if self.highway.len() == MAX_HIGHWAY {
            return Err(PeekError::TooManyHighway.into());
        }
        self.highway.extend(value.map(|value| (key, value)));
        Ok(())
    }

    /// A decision attachment that may be a number: 3.0 consumers send an int, all others text.
    fn timeout(&mut self, key: &str, cursor: &mut Cursor<'a>) -> Result<(), Refused> {
        if self.timeout.is_some() {
            return Err(PeekError::Duplicate { key: key.to_owned() }.into());
        }
        let millis = if cursor.kind() == Kind::Integer {
            Some(cursor.integer()?)
        } else {
            let mut text = None;
            decide(&mut text, key, cursor)?;
            text.and_then(|text| text.parse().ok())
        };
        self.timeout = Some(Timeout { millis });
        Ok(())
    }

    fn countdown(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Refused> {
        self.countdown = match cursor.kind() {
            Kind::Integer => Some(cursor.integer()?),
            _ => {
                let mut value = None;
                note(&mut value, cursor)?;
                value.and_then(|value| value.parse().ok())
            }
        };
        Ok(())
    }
}

/// A decision attachment: text, and there once.
fn decide<'a>(slot: &mut Option<Cow<'a, str>>, key: &str, cursor: &mut Cursor<'a>) -> Result<(), Refused> {
    if slot.is_some() {
        return Err(PeekError::Duplicate { key: key.to_owned() }.into());
    }
    if let Some(text) = cursor.short_text() {
        *slot = Some(Cow::Borrowed(text));
        return Ok(());
    }
    if cursor.kind() != Kind::Text {
        return Err(PeekError::ValueNotText { key: key.to_owned(), at: cursor.at() }.into());
    }
    *slot = Some(cursor.text()?);
    Ok(())
}

/// An attachment that is only noted: the last text wins, anything else counts as absent.
fn note<'a>(slot: &mut Option<Cow<'a, str>>, cursor: &mut Cursor<'a>) -> Result<(), Refused> {
    *slot = cursor.short_text().map(Cow::Borrowed);
    if slot.is_some() {
        return Ok(());
    }
    if cursor.kind() == Kind::Text {
        let mut ahead = cursor.clone();
        if let Ok(text) = ahead.text() {
            *slot = Some(text);
            *cursor = ahead;
            return Ok(());
        }
    }
    Ok(cursor.skip()?)
}

/// Which key that decides where the call goes this one is to fastjson2 2.0.27, the one of Dubbo 3.1: it knows names that it has read
/// before by a number made of their letters. Of seven letters it leaves the second out, of nine it adds the fourth and the eighth up.
/// In hessian2 nobody is misled, but no honest name looks so, and one rule is enough.
fn passes_for(key: &str) -> Option<&'static str> {
    const SEVEN: [&str; 3] = ["version", "timeout", "generic"];
    const NINE: [&str; 2] = ["interface", "dubbo.tag"];
    let letters = || key.chars().map(u32::from);
    match letters().count() {
        7 => SEVEN.into_iter().find(|known| {
            let mut pairs = known.bytes().map(u32::from).zip(letters()).enumerate();
            pairs.all(|(at, (known, letter))| at == 1 || known == letter)
        }),
        9 => NINE.into_iter().find(|known| {
            let pairs = || known.bytes().map(u32::from).zip(letters()).enumerate();
            let sum = |of: fn((u32, u32)) -> u32| -> u32 {
                pairs().filter(|(at, _)| matches!(at, 3 | 7)).map(|(_, pair)| of(pair)).sum()
            };
            let same = pairs().all(|(at, (known, letter))| matches!(at, 3 | 7) || known == letter);
            same && sum(|(known, _)| known) == sum(|(_, letter)| letter)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind `version`, a provider on 3.1 took `vdrsion` for another `version`, and ran what the hub had not granted.
    #[test]
    fn what_fastjson2_takes_for_a_deciding_key_is_known() {
        for (key, known) in [
            ("vdrsion", "version"),
            ("v\"rsion", "version"),
            ("t\u{a1}meout", "timeout"),
            ("geneXic", ""),
            ("gXneric", "generic"),
            ("intdrfade", "interface"),
            ("intdrface", ""),
            ("dubco.t`g", "dubbo.tag"),
            ("traceid", ""),
            ("signature", ""),
            ("versions", ""),
        ] {
            assert_eq!(passes_for(key).unwrap_or_default(), known, "{key}");
        }
    }
}
