//! Where values stand that references name by a path: `$.items[2].owner`.
//!
//! What lies on a path is stepped over once: the parts of each list and object that a path led into are remembered, as far as they
//! were looked for. A name is the text of a key, also of an enum's constant or a number; `[2]` of a map is its third value.
//! It never takes a reference for a value, and never finds what is still to come.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::read::ReadError;
use super::reader::{Reader, Tag};

/// Steps of one path at most.
const MAX_STEPS: usize = 128;

/// The parts of what paths led into, by where it stands.
#[derive(Debug, Default)]
pub(super) struct Places<'a>(HashMap<usize, Parts<'a>>);

#[derive(Debug)]
struct Parts<'a> {
    /// Where each value stands.
    values: Vec<usize>,
    names: HashMap<Cow<'a, str>, usize>,
    /// Where the next part stands, and how many values a list still has.
    next: usize,
    left: Left,
}

#[derive(Debug, Clone, Copy)]
enum Left {
    Values(u32),
    UntilEnd,
}

impl<'a> Places<'a> {
    /// The offset of the value that `path` leads to from the value at `root`.
    pub(super) fn find(
        &mut self,
        reader: &Reader<'a>,
        symbols: &[Cow<'a, str>],
        root: usize,
        path: &str,
        until: usize,
    ) -> Result<Option<usize>, ReadError> {
        let Some(mut rest) = path.strip_prefix('$') else { return Ok(None) };
        let mut at = root;
        for _ in 0..MAX_STEPS {
            if rest.is_empty() {
                return Ok(Some(at).filter(|at| *at < until));
            }
            let Some((step, behind)) = step(rest) else { return Ok(None) };
            rest = behind;
            let parts = match self.0.entry(at) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(new) => match Parts::open(reader, at)? {
                    Some(parts) => new.insert(parts),
                    None => return Ok(None),
                },
            };
            parts.extend(reader, symbols, until)?;
            let value = match step {
                Step::Item(index) => parts.values.get(index),
                Step::Name(name) => parts.names.get(&name),
            };
            match value {
                Some(value) => at = *value,
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

impl<'a> Parts<'a> {
    /// Of the list or object at `at`, if it is one.
    fn open(reader: &Reader<'a>, at: usize) -> Result<Option<Self>, ReadError> {
        let mut reader = reader.clone();
        reader.set_at(at);
        if reader.tag() == Some(Tag::Typed) {
            reader.byte("a type")?;
            reader.skip_symbol()?;
        }
        let left = match reader.tag() {
            Some(Tag::Array) => Left::Values(reader.list()?),
            Some(Tag::Object) => {
                reader.byte("an object")?;
                Left::UntilEnd
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { values: Vec::new(), names: HashMap::new(), next: reader.at(), left }))
    }

    /// Looks at the parts that begin before `until`.
    fn extend(&mut self, reader: &Reader<'a>, symbols: &[Cow<'a, str>], until: usize) -> Result<(), ReadError> {
        let mut reader = reader.clone();
        reader.set_at(self.next);
        while reader.at() < until {
            match &mut self.left {
                Left::Values(0) => break,
                Left::Values(left) => *left -= 1,
                Left::UntilEnd => {
                    if reader.end()? {
                        self.left = Left::Values(0);
                        break;
                    }
                    if let Some(name) = name(&mut reader, symbols)? {
                        self.names.entry(name).or_insert(reader.at());
                    }
                }
            }
            self.values.push(reader.at());
            reader.skip()?;
        }
        self.next = reader.at();
        Ok(())
    }
}

/// A key as a path would say it.
fn name<'a>(reader: &mut Reader<'a>, symbols: &[Cow<'a, str>]) -> Result<Option<Cow<'a, str>>, ReadError> {
    if reader.tag() == Some(Tag::Typed) {
        reader.byte("a type")?;
        reader.skip_symbol()?;
    }
    match reader.tag() {
        Some(Tag::Text) => reader.text().map(Some),
        Some(Tag::Integer) => reader.integer().map(|number| Some(Cow::Owned(number.to_string()))),
        Some(Tag::Symbol) if reader.is_symbol_number() => {
            reader.byte("a name")?;
            let number = usize::try_from(reader.int()?).unwrap_or(usize::MAX);
            Ok(symbols.get(number).cloned())
        }
        Some(Tag::Symbol) => reader.key().map(Some),
        _ => reader.skip().map(|()| None),
    }
}

enum Step<'p> {
    Item(usize),
    Name(Cow<'p, str>),
}

/// The first step of a path and what is behind it. A backslash stands before whatever is no letter of a name.
fn step(path: &str) -> Option<(Step<'_>, &str)> {
    if let Some(index) = path.strip_prefix('[') {
        let (index, rest) = index.split_once(']')?;
        return Some((Step::Item(index.parse().ok()?), rest));
    }
    let path = path.strip_prefix('.')?;
    let mut escaped = false;
    let end = path.find(|letter| {
        let ends = !escaped && matches!(letter, '.' | '[');
        escaped = letter == '\\' && !escaped;
        ends
    });
    let (name, rest) = path.split_at(end.unwrap_or(path.len()));
    if !name.contains('\\') {
        return Some((Step::Name(Cow::Borrowed(name)), rest));
    }
    let mut plain = String::new();
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { letters.next()? } else { letter });
    }
    Some((Step::Name(Cow::Owned(plain)), rest))
}

/// The path to the last of `open`, which are the offsets of values that stand one in the other, the outermost first; what is behind the
/// last may be missing. `names` says what a number stands for.
///
/// # Errors
/// [`ReadError`] where one of them does not stand in the one before.
pub fn path_of<'n>(body: &[u8], open: &[usize], names: impl Fn(usize) -> Option<&'n str>) -> Result<String, ReadError> {
    let mut path = String::from("$");
    for pair in open.windows(2) {
        let mut reader = Reader::new(body, pair[0]..body.len());
        if reader.tag() == Some(Tag::Typed) {
            reader.byte("a type")?;
            reader.skip_symbol()?;
        }
        let is_list = reader.tag() == Some(Tag::Array);
        if reader.byte("a list or an object")? == 0xa4 {
            reader.int()?;
        }
        let mut index = 0;
        loop {
            let name = match is_list {
                true => None,
                false if reader.is_symbol_number() => {
                    reader.byte("a name")?;
                    let number = usize::try_from(reader.int()?).unwrap_or(usize::MAX);
                    names(number).map(|name| Cow::Owned(name.to_owned()))
                }
                false => name(&mut reader, &[])?,
            };
            if reader.at() < pair[1] {
                index += 1;
                reader.skip()?;
                continue;
            }
            match name {
                Some(name) => push_name(&mut path, &name),
                None => path.push_str(&format!("[{index}]")),
            }
            break;
        }
    }
    Ok(path)
}

fn push_name(path: &mut String, name: &str) {
    path.push('.');
    for letter in name.chars() {
        if r#"/:;`.~!@#%^&*[]<>?()-+=\"',"#.contains(letter) {
            path.push('\\');
        }
        path.push(letter);
    }
}
