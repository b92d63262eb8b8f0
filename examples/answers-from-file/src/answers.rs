//! The file of answers.
//!
//! ```toml
//! [[answer]]
//! service = "com.acme.Greeter"          # [group/]interface[:version], exactly as its consumers call it
//! method = "sayHello"                   # every method of this name, whatever its parameters
//! text = "Hello, we are back on Monday" # what it returns; or null = true; or exception = "the message of it"
//! ```
//!
//! Every mistake is told with its line. It keeps nothing open and never looks at a call's arguments.

use std::collections::HashMap;
use std::path::PathBuf;

use chassis::Mistakes;
use chassis::config::Section;
use egress_gw::fallback::Call;
use serde::Deserialize;

/// Section `[answers]` of the program's configuration, as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawAnswers {
    file: Option<PathBuf>,
}

impl Section for RawAnswers {
    const NAME: &'static str = "answers";
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawFile {
    answer: Vec<RawAnswer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAnswer {
    service: Option<String>,
    method: Option<String>,
    text: Option<String>,
    exception: Option<String>,
    null: Option<bool>,
}

/// What a call is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A `String`.
    Text(String),
    /// Null.
    Null,
    /// A `java.lang.RuntimeException` with this message.
    Exception(String),
}

/// All answers of the file: interface, method, then whose group and version are equal.
#[derive(Debug, Default)]
pub struct Answers(HashMap<String, HashMap<String, Vec<(Wanted, Answer)>>>);

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    group: Option<String>,
    version: Option<String>,
}

impl Answers {
    /// The answer to this call, if the file has one.
    #[must_use]
    pub fn to(&self, call: &Call<'_>) -> Option<&Answer> {
        let of_method = self.0.get(&*call.service)?.get(&*call.method)?;
        let fits = |wanted: &Wanted| {
            wanted.group.as_deref() == call.group.as_deref() && wanted.version.as_deref() == call.version.as_deref()
        };
        of_method.iter().find(|(wanted, _)| fits(wanted)).map(|(_, answer)| answer)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().flat_map(HashMap::values).map(Vec::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads the file that the section names; the chassis looks at it from then on and reloads when it changes.
pub fn settle(raw: RawAnswers, mistakes: &mut Mistakes) -> Option<Answers> {
    let file = mistakes.require("answers.file", raw.file, "the file with the answers")?;
    mistakes.document("answers.file", &file, |raw: RawFile, mistakes| {
        let mut answers = Answers::default();
        for (at, answer) in raw.answer.into_iter().enumerate() {
            add(&mut answers, at, answer, mistakes);
        }
        Some(answers)
    })
}

fn add(answers: &mut Answers, at: usize, raw: RawAnswer, mistakes: &mut Mistakes) -> Option<()> {
    let key = |name: &str| format!("answer[{at}].{name}");
    let service = mistakes.require(&key("service"), raw.service, "[group/]interface[:version]");
    let method = mistakes.require(&key("method"), raw.method, "the name of a method");
    let kinds = [
        raw.text.map(Answer::Text),
        raw.exception.map(Answer::Exception),
        raw.null.filter(|null| *null).map(|_| Answer::Null),
    ];
    let mut given = kinds.into_iter().flatten();
    let (Some(answer), None) = (given.next(), given.next()) else {
        mistakes.say(&format!("answer[{at}]"), "wanted one of `text`, `exception` and `null = true`");
        return None;
    };
    let (service, method) = (service?, method?);
    let Some((interface, wanted)) = parts(&service) else {
        mistakes.wrong(&key("service"), format_args!("{service:?}"), "[group/]interface[:version]");
        return None;
    };
    let of_method = answers.0.entry(interface).or_default().entry(method).or_default();
    if of_method.iter().any(|(known, _)| *known == wanted) {
        mistakes.say(&format!("answer[{at}]"), "answers a method that an earlier one answers already");
        return None;
    }
    of_method.push((wanted, answer));
    Some(())
}

fn parts(service: &str) -> Option<(String, Wanted)> {
    let (group, rest) = service.rsplit_once('/').map_or((None, service), |(group, rest)| (Some(group), rest));
    let (interface, version) = rest.split_once(':').map_or((rest, None), |(name, version)| (name, Some(version)));
    let empty = [Some(interface), group, version].into_iter().flatten().any(str::is_empty);
    let wanted = Wanted { group: group.map(str::to_owned), version: version.map(str::to_owned) };
    (!empty).then(|| (interface.to_owned(), wanted))
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
