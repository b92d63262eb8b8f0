//! Steps over whole values, whatever is in them: one match over the tags of the format, in the order of their numbers.
//!
//! Only the field counts of class definitions matter for that; type numbers and object numbers matter to who decodes. It never
//! recurses: what is open stands in a list of levels.

use super::super::super::read::{Few, MAX_DEPTH, ReadError};
use super::{Reader, Tag};

/// Class definitions in one stream. Java has no bound; a body of a Dubbo call has a definition for each class in it, and tables that
/// grow with the body would make a reader dear to clone.
pub(in crate::dubbo::hessian2) const MAX_CLASSES: usize = 1024;

/// Levels of [`Reader::skip`]: below these, the number of values still to come.
const MAP_KEY: u32 = u32::MAX;
const MAP_VALUE: u32 = u32::MAX - 1;
const LIST: u32 = u32::MAX - 2;

/// What a value's first bytes open.
pub(in crate::dubbo::hessian2) enum Opened {
    Nothing,
    Values(u32),
    Map,
    List,
}

impl Reader<'_> {
    /// Steps over one value, whatever is in it.
    ///
    /// # Errors
    /// [`ReadError`]; the place is then somewhere inside the value.
    pub fn skip(&mut self) -> Result<(), ReadError> {
        match self.open()? {
            Opened::Nothing => Ok(()),
            opened => self.skip_rest(opened),
        }
    }

    /// Steps over what is in a value whose own bytes are behind.
    fn skip_rest(&mut self, mut opened: Opened) -> Result<(), ReadError> {
        let mut levels = Few::default();
        loop {
            let level = match opened {
                Opened::Nothing | Opened::Values(0) => None,
                Opened::Values(count) => Some(count),
                Opened::Map => Some(MAP_KEY),
                Opened::List => Some(LIST),
            };
            if let Some(level) = level {
                if levels.len() == MAX_DEPTH {
                    return Err(ReadError::TooDeep { at: self.at });
                }
                levels.push(level);
            }
            if !self.next_in(&mut levels)? {
                return Ok(());
            }
            opened = self.open()?;
        }
    }

    /// Closes the levels that are complete; `false` when the outermost is.
    fn next_in(&mut self, levels: &mut Few) -> Result<bool, ReadError> {
        loop {
            let Some(level) = levels.last_mut() else { return Ok(false) };
            match *level {
                0 => levels.pop(),
                MAP_KEY | LIST if self.end()? => levels.pop(),
                LIST => return Ok(true),
                MAP_KEY => {
                    *level = MAP_VALUE;
                    self.came_by_path |= self.says_path();
                    return Ok(true);
                }
                MAP_VALUE => {
                    *level = MAP_KEY;
                    return Ok(true);
                }
                _ => {
                    *level -= 1;
                    return Ok(true);
                }
            }
        }
    }

    /// Steps over a value's own bytes, but not over the values in it.
    pub(in crate::dubbo::hessian2) fn open(&mut self) -> Result<Opened, ReadError> {
        loop {
            let start = self.at;
            let tag = self.byte("a value")?;
            match tag {
                0x00..=0x1f | 0x30..=0x33 | b'R' | b'S' => {
                    self.at = start;
                    self.skip_text()?;
                }
                0x20..=0x2f | 0x34..=0x37 | b'A' | b'B' => {
                    self.at = start;
                    self.skip_binary()?;
                }
                b'N' | b'T' | b'F' | 0x5b | 0x5c | 0x80..=0xbf | 0xd8..=0xef => {}
                0x5d | 0xc0..=0xcf | 0xf0..=0xff => self.advance(1)?,
                0x38..=0x3f | 0x5e | 0xd0..=0xd7 => self.advance(2)?,
                b'I' | 0x4b | 0x59 | 0x5f => self.advance(4)?,
                b'D' | 0x4a | b'L' => self.advance(8)?,
                0x51 => {
                    self.int()?;
                }
                b'C' => {
                    self.define()?;
                    continue;
                }
                b'O' => {
                    let index = self.int()?;
                    return self.fields(start, index);
                }
                0x60..=0x6f => return self.fields(start, i32::from(tag - 0x60)),
                b'H' => return Ok(Opened::Map),
                b'M' => {
                    self.skip_type()?;
                    return Ok(Opened::Map);
                }
                0x55 => {
                    self.skip_type()?;
                    return Ok(Opened::List);
                }
                0x57 => return Ok(Opened::List),
                b'V' => {
                    self.skip_type()?;
                    return Ok(Opened::Values(self.count()?));
                }
                0x58 => return Ok(Opened::Values(self.count()?)),
                0x70..=0x77 => {
                    self.skip_type()?;
                    return Ok(Opened::Values(u32::from(tag - 0x70)));
                }
                0x78..=0x7f => return Ok(Opened::Values(u32::from(tag - 0x78))),
                b'Z' | 0x40 | 0x45 | 0x47 | 0x50 => {
                    return Err(ReadError::Unexpected { at: start, found: tag, wanted: "a value" });
                }
            }
            return Ok(Opened::Nothing);
        }
    }

    fn fields(&self, at: usize, index: i32) -> Result<Opened, ReadError> {
        let count = usize::try_from(index).ok().and_then(|index| self.classes.get(index));
        match count {
            Some(count) => Ok(Opened::Values(count)),
            None => {
                Err(ReadError::Number { at, found: i64::from(index), wanted: "the number of a class defined before" })
            }
        }
    }

    /// The rest of a class definition, after its `C`; returns the number of its fields.
    pub(in crate::dubbo::hessian2) fn define(&mut self) -> Result<u32, ReadError> {
        if self.classes.len() == MAX_CLASSES {
            return Err(ReadError::TooMany { at: self.at, limit: MAX_CLASSES });
        }
        self.skip_text()?;
        let count = self.count()?;
        for _ in 0..count {
            self.came_by_path |= self.says_path();
            self.skip_text()?;
        }
        self.classes.push(count);
        Ok(count)
    }

    /// The number of the class of which the next value is an object, if it is one.
    pub(in crate::dubbo::hessian2) fn class_ahead(&self) -> Result<Option<usize>, ReadError> {
        match self.peek_byte() {
            Some(tag @ 0x60..=0x6f) => Ok(Some(usize::from(tag - 0x60))),
            Some(b'O') => {
                let mut ahead = self.ahead();
                ahead.at += 1;
                Ok(usize::try_from(ahead.int()?).ok())
            }
            _ => Ok(None),
        }
    }

    /// A count of values or names still to come, each at least one byte.
    pub(in crate::dubbo::hessian2) fn count(&mut self) -> Result<u32, ReadError> {
        let at = self.at;
        let found = self.int()?;
        u32::try_from(found)
            .ok()
            .filter(|count| *count as usize <= self.bytes.len() - self.at)
            .ok_or(ReadError::Number { at, found: i64::from(found), wanted: "a count that fits the bytes left" })
    }

    /// Steps over the type of a list or a map: a name or a number.
    pub(super) fn skip_type(&mut self) -> Result<(), ReadError> {
        match self.tag() {
            Some(Tag::Text) => self.skip_text(),
            _ => self.int().map(drop),
        }
    }
}
