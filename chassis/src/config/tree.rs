//! A configuration as a tree of values that know where they were typed.
//!
//! Between the TOML parser and serde, because three things need a place: wrong values (their line), environment
//! variables (they join the tree under their own name), and values taken out after they were found wrong. Pure.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::place::{Key, Place, Step};

/// One value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What was typed.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Whole(i128),
    Real(f64),
    Truth(bool),
    /// A date or time, as text: nothing in a configuration wants one.
    Moment(String),
    /// With each item's original index, which stays when another item is taken out.
    List(Vec<(usize, Node)>),
    Table(Vec<(String, Node)>),
    /// A single value from an environment variable: what it is depends on what is wanted.
    Typed(String),
}

/// Where lines begin, to turn offsets into line numbers.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn place(&self, offset: usize) -> Place {
        Place::Line(self.0.partition_point(|start| *start <= offset))
    }
}

/// Parses a TOML text; every syntax error with its place.
pub(super) fn parse(text: &str) -> (Node, Vec<(Place, String)>) {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let errors = errors
        .into_iter()
        .map(|error| {
            let place = error.span().map_or(Place::File, |span| lines.place(span.start));
            (place, error.message().to_owned())
        })
        .collect();
    let node = Node { place: Place::File, value: of_table(table.get_ref(), &lines) };
    (node, errors)
}

fn of_table(table: &DeTable<'_>, lines: &Lines) -> Value {
    let entries = table.iter().map(|(name, value)| {
        let place = lines.place(name.span().start);
        (name.get_ref().to_string(), Node { place, value: of_value(value.get_ref(), lines) })
    });
    Value::Table(entries.collect())
}

fn of_value(value: &DeValue<'_>, lines: &Lines) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(whole) => i128::from_str_radix(whole.as_str(), whole.radix())
            .map_or_else(|_| Value::Text(whole.to_string()), Value::Whole),
        DeValue::Float(real) => {
            real.as_str().parse().map_or_else(|_| Value::Text(real.as_str().to_owned()), Value::Real)
        }
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Datetime(moment) => Value::Moment(moment.to_string()),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| {
                let place = lines.place(item.span().start);
                Node { place, value: of_value(item.get_ref(), lines) }
            });
            Value::List(items.enumerate().collect())
        }
        DeValue::Table(table) => of_table(table, lines),
    }
}

/// What a variable's text is: a list or a table if it reads as one, else left open until something is wanted.
pub(super) fn typed(text: &str, place: &Place) -> Node {
    let (node, errors) = parse(&format!("value = {text}"));
    if let (Value::Table(mut entries), true) = (node.value, errors.is_empty())
        && let (Some((_, mut node)), true) = (entries.pop(), entries.is_empty())
        && matches!(node.value, Value::List(_) | Value::Table(_))
    {
        node.stand_at(place);
        return node;
    }
    Node { place: place.clone(), value: Value::Typed(text.to_owned()) }
}

impl Node {
    /// Moves the whole subtree to one place.
    fn stand_at(&mut self, place: &Place) {
        self.place = place.clone();
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|(_, item)| item.stand_at(place)),
            Value::Table(entries) => entries.iter_mut().for_each(|(_, entry)| entry.stand_at(place)),
            _ => {}
        }
    }

    /// The place of every value in the tree.
    pub(super) fn places(&self) -> BTreeMap<Key, Place> {
        let mut places = BTreeMap::new();
        self.note(&Key::default(), &mut places);
        places
    }

    fn note(&self, key: &Key, places: &mut BTreeMap<Key, Place>) {
        places.insert(key.clone(), self.place.clone());
        match &self.value {
            Value::List(items) => items.iter().for_each(|(at, item)| item.note(&key.below(Step::Index(*at)), places)),
            Value::Table(entries) => {
                entries.iter().for_each(|(name, entry)| entry.note(&key.below(Step::Name(name.clone())), places));
            }
            _ => {}
        }
    }

    /// The value at `key`.
    pub(super) fn find(&self, key: &Key) -> Option<&Self> {
        key.steps().iter().try_fold(self, |node, step| match (&node.value, step) {
            (Value::Table(entries), Step::Name(name)) => entries.iter().find(|(n, _)| n == name).map(|(_, node)| node),
            (Value::List(items), Step::Index(at)) => items.iter().find(|(i, _)| i == at).map(|(_, node)| node),
            _ => None,
        })
    }

    /// Removes the value at `key`; whether it was there.
    pub(super) fn take_out(&mut self, key: &Key) -> bool {
        let Some((last, way)) = key.steps().split_last() else { return false };
        let mut node = self;
        for step in way {
            let next = match (&mut node.value, step) {
                (Value::Table(entries), Step::Name(name)) => {
                    entries.iter_mut().find(|(n, _)| n == name).map(|e| &mut e.1)
                }
                (Value::List(items), Step::Index(at)) => items.iter_mut().find(|(i, _)| i == at).map(|e| &mut e.1),
                _ => None,
            };
            let Some(next) = next else { return false };
            node = next;
        }
        match (&mut node.value, last) {
            (Value::Table(entries), Step::Name(name)) => {
                let before = entries.len();
                entries.retain(|(n, _)| n != name);
                entries.len() < before
            }
            (Value::List(items), Step::Index(at)) => {
                let before = items.len();
                items.retain(|(i, _)| i != at);
                items.len() < before
            }
            _ => false,
        }
    }

    /// The value as it may stand in a message, if it is a single one.
    pub(super) fn in_words(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Typed(text) => Some(format!("{text:?}")),
            Value::Whole(whole) => Some(whole.to_string()),
            Value::Real(real) => Some(real.to_string()),
            Value::Truth(truth) => Some(truth.to_string()),
            Value::Moment(text) => Some(text.clone()),
            Value::List(_) | Value::Table(_) => None,
        }
    }
}
