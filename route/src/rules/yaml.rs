//! YAML to a tree whose every node knows its line and column; and no more of YAML than a document of rules needs.
//!
//! All scalars are texts: whether `1.0` is a number is for the reader to know who wants one. Refused are anchors and aliases
//! (so nothing grows beyond the text it was written in), tags, directives, several documents in one text and keys that come
//! twice. Depth is bounded by the parser, and this recursion with it.

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// A document of rules has a depth of seven.
const DEPTH_MAX: usize = 12;

/// Where a node begins, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At {
    pub line: usize,
    pub column: usize,
}

/// A value with its place.
#[derive(Debug)]
pub struct Node {
    pub at: At,
    pub value: Value,
}

#[derive(Debug)]
pub enum Value {
    /// Nothing was written, or `~` or `null`.
    Nothing,
    Text(Box<str>),
    List(Vec<Node>),
    /// The entries in the order of the text; no key comes twice.
    Mapping(Vec<(Node, Node)>),
}

/// Reads one document.
///
/// # Errors
/// The first place where it is no such document, and what is wrong there.
pub fn parse(text: &str) -> Result<Node, (At, String)> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    options.block_nesting_limit = DEPTH_MAX;
    options.flow_nesting_limit = DEPTH_MAX;
    options.disallow_directives = true;
    let mut events = Events(Parser::new_from_str_with_options(text, options));
    let mut root = None;
    loop {
        let (event, at) = events.next()?;
        match event {
            Event::StreamStart | Event::DocumentEnd => {}
            Event::DocumentStart(..) if root.is_some() => {
                return Err((at, "found a second document after `---`, wanted one".to_owned()));
            }
            Event::DocumentStart(..) => {
                let (event, at) = events.next()?;
                root = Some(node(event, at, &mut events, 0)?);
            }
            Event::StreamEnd => break,
            event => return Err((at, format!("found {event:?}, wanted a document"))),
        }
    }
    Ok(root.unwrap_or(Node { at: At { line: 1, column: 1 }, value: Value::Nothing }))
}

struct Events<'a>(Parser<'a, granit_parser::StrInput<'a>>);

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, At), (At, String)> {
        match self.0.next_event() {
            Some(Ok((event, span))) => Ok((event, at(&span))),
            Some(Err(error)) => Err(broken(&error)),
            None => Err((At::default(), "the text ends within a document".to_owned())),
        }
    }
}

fn at(span: &Span) -> At {
    At { line: span.start.line(), column: span.start.col() + 1 }
}

fn broken(error: &ScanError) -> (At, String) {
    let marker = error.marker();
    let place = At { line: marker.line(), column: marker.col() + 1 };
    (place, format!("this is no YAML that is read here: {}", error.info()))
}

fn node(event: Event<'_>, at: At, events: &mut Events<'_>, depth: usize) -> Result<Node, (At, String)> {
    if depth > DEPTH_MAX {
        return Err((at, format!("found more than {DEPTH_MAX} levels within each other")));
    }
    let (anchor, tag) = match &event {
        Event::Scalar(_, _, anchor, tag)
        | Event::SequenceStart(_, anchor, tag)
        | Event::MappingStart(_, anchor, tag) => (*anchor, tag.is_some()),
        Event::Alias(_) => (1, false),
        _ => (0, false),
    };
    if anchor != 0 {
        return Err((at, "found an anchor or an alias, wanted what it stands for: they are not read here".to_owned()));
    }
    if tag {
        return Err((at, "found a tag, wanted the value alone".to_owned()));
    }
    let value = match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~" | "null") => Value::Nothing,
        Event::Scalar(text, ..) => Value::Text(text.into()),
        Event::SequenceStart(..) => Value::List(list(events, depth)?),
        Event::MappingStart(..) => Value::Mapping(mapping(events, depth)?),
        event => return Err((at, format!("found {event:?}, wanted a value"))),
    };
    Ok(Node { at, value })
}

fn list(events: &mut Events<'_>, depth: usize) -> Result<Vec<Node>, (At, String)> {
    let mut items = Vec::new();
    loop {
        match events.next()? {
            (Event::SequenceEnd, _) => return Ok(items),
            (event, at) => items.push(node(event, at, events, depth + 1)?),
        }
    }
}

fn mapping(events: &mut Events<'_>, depth: usize) -> Result<Vec<(Node, Node)>, (At, String)> {
    let mut entries = Vec::new();
    let mut seen = std::collections::HashSet::new();
    loop {
        let key = match events.next()? {
            (Event::MappingEnd, _) => return Ok(entries),
            (event, at) => node(event, at, events, depth + 1)?,
        };
        let Value::Text(name) = &key.value else {
            return Err((key.at, "found a key that is no text, wanted a name".to_owned()));
        };
        if !seen.insert(name.clone()) {
            return Err((key.at, format!("found `{}` a second time, wanted each key once", crate::text::shown(name))));
        }
        let (event, at) = events.next()?;
        let value = node(event, at, events, depth + 1)?;
        entries.push((key, value));
    }
}
