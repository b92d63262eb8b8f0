//! Finds maps and objects inside arguments that say `path`, as the attachments do.
//!
//! A provider before 3.0 goes on after an argument that it cannot read, from wherever it stood: the next map or object inside
//! that argument becomes the attachments, and its `path` is the service that runs.
//!
//! ```text
//!   argument  [int  "x"  {path: com.acme.Secret}  attachments  {path: com.acme.Greeter}
//!                    ╰ no int: given up here ─▶ read as the attachments
//! ```
//!
//! Only for bodies in which [`Reader::skip`] has come by that key; it never recurses and never looks at any other.

use super::super::read::{MAX_DEPTH, ReadError};
use super::reader::{Opened, Reader, Tag};

/// Where the walk is inside a value.
enum Level {
    Values(u32),
    List,
    Key,
    Value { of_path: bool },
    Field { class: usize, next: u32 },
}

/// A class definition: how many fields it has, and which of them may be `path`, ascending. Of equal names the last one wins in the
/// provider's map, but a name in pieces counts as `path` too, so each of them is looked at.
struct Class {
    count: u32,
    paths: Vec<u32>,
}

/// The first `path` inside the values from `reader`'s place to `end` that `is_wrong`; text that Java reads in a way of its own
/// always is. `reader` must not have come by a class definition.
///
/// # Errors
/// [`ReadError`] where the values cannot be stepped through.
pub(in crate::dubbo) fn find_path<'a>(
    mut reader: Reader<'a>,
    end: usize,
    is_wrong: impl Fn(&str) -> bool,
) -> Result<Option<usize>, ReadError> {
    let mut levels: Vec<Level> = Vec::new();
    let mut classes: Vec<Class> = Vec::new();
    loop {
        let Some(of_path) = next(&mut levels, &classes, &mut reader)? else {
            if reader.at() >= end {
                return Ok(None);
            }
            levels.push(Level::Values(1));
            continue;
        };
        let at = reader.at();
        if of_path && reader.tag() == Some(Tag::Text) && reader.ahead().text().map_or(true, |path| is_wrong(&path)) {
            return Ok(Some(at));
        }
        while reader.peek_byte() == Some(b'C') {
            classes.push(define(&mut reader)?);
        }
        let class = reader.class_ahead()?;
        let level = match (reader.open()?, class) {
            (Opened::Nothing, _) => continue,
            (Opened::Values(_), Some(class)) => Level::Field { class, next: 0 },
            (Opened::Values(count), None) => Level::Values(count),
            (Opened::Map, _) => Level::Key,
            (Opened::List, _) => Level::List,
        };
        if levels.len() == MAX_DEPTH {
            return Err(ReadError::TooDeep { at });
        }
        levels.push(level);
    }
}

/// Closes the levels that are complete and says whether the next value stands under `path`; `None` at the end of all levels.
fn next(levels: &mut Vec<Level>, classes: &[Class], reader: &mut Reader<'_>) -> Result<Option<bool>, ReadError> {
    while let Some(level) = levels.last_mut() {
        match level {
            Level::Values(0) => {}
            Level::Values(left) => {
                *left -= 1;
                return Ok(Some(false));
            }
            Level::List | Level::Key if reader.end()? => {}
            Level::List => return Ok(Some(false)),
            Level::Key => {
                *level = Level::Value { of_path: reader.says_path() };
                return Ok(Some(false));
            }
            Level::Value { of_path } => {
                let of_path = *of_path;
                *level = Level::Key;
                return Ok(Some(of_path));
            }
            Level::Field { class, next } => {
                if let Some(class) = classes.get(*class).filter(|class| *next < class.count) {
                    *next += 1;
                    return Ok(Some(class.paths.binary_search(&(*next - 1)).is_ok()));
                }
            }
        }
        levels.pop();
    }
    Ok(None)
}

/// Takes a class definition, noting where `path` stands among its fields.
fn define(reader: &mut Reader<'_>) -> Result<Class, ReadError> {
    // The reader keeps what it needs itself; the names are read ahead of it.
    let mut names = reader.ahead();
    reader.byte("a class definition")?;
    let count = reader.define()?;
    names.byte("a class definition")?;
    names.skip()?;
    names.int()?;
    let mut paths = Vec::new();
    for index in 0..count {
        if names.says_path() {
            paths.push(index);
        }
        names.skip()?;
    }
    Ok(Class { count, paths })
}
