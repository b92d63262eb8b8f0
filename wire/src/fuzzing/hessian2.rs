//! Hessian values in every form that a reader must take, references, classes and types counted as a writer counts them.
//!
//! It never writes through [`crate::dubbo::hessian2::writer`], which knows only the forms that Highway itself needs.

use super::{Dice, text};

/// Class names: some that Java reads in ways of their own, some that it does not know.
const CLASSES: [(&str, &[&str]); 14] = [
    ("differential.Order", &["id", "name", "extra", "items", "next", "anything"]),
    ("differential.Order", &["color", "price", "date", "bytes", "counts", "names"]),
    ("java.math.BigDecimal", &["value"]),
    ("java.util.Locale", &["value"]),
    ("com.alibaba.com.caucho.hessian.io.LocaleHandle", &["value"]),
    ("java.lang.StackTraceElement", &["declaringClass", "methodName", "fileName", "lineNumber"]),
    ("java.lang.RuntimeException", &["detailMessage", "stackTrace", "cause", "suppressedExceptions"]),
    ("differential.Order$Color", &["name"]),
    ("java.util.HashMap", &["path", "group", "version"]),
    ("java.util.TreeMap", &["a"]),
    ("java.sql.Timestamp", &["value"]),
    ("java.util.concurrent.atomic.AtomicLong", &["value"]),
    ("java.lang.Class", &["name"]),
    ("com.acme.Unknown", &["path", "version", "x"]),
];

const TYPES: [&str; 16] = [
    "java.util.HashMap",
    "java.util.LinkedHashMap",
    "java.util.TreeMap",
    "java.util.IdentityHashMap",
    "java.util.Hashtable",
    "java.util.concurrent.ConcurrentHashMap",
    "org.apache.dubbo.common.utils.LRU2Cache",
    "java.util.ArrayList",
    "java.util.HashSet",
    "java.util.Collections$UnmodifiableMap",
    "[int",
    "[string",
    "[object",
    "[java.util.Date",
    "differential.Order",
    "com.acme.Unknown",
];

/// What a stream remembers.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) out: Vec<u8>,
    classes: Vec<&'static [&'static str]>,
    types: usize,
    nodes: usize,
}

/// A stream with one value.
#[must_use]
pub fn document(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut stream = Stream::default();
    stream.value(dice, 0);
    stream.out
}

impl Stream {
    /// Any value; the deeper, the plainer.
    pub(super) fn value(&mut self, dice: &mut Dice<'_>, depth: usize) {
        let kinds = if depth > 6 || dice.is_spent() { 8 } else { 16 };
        match dice.below(kinds) {
            0 => self.out.push(b'N'),
            1 | 2 => self.any_text(dice),
            3 => self.int(dice),
            4 => self.long(dice),
            5 => self.double(dice),
            6 => self.plain(dice),
            7 => self.binary(dice),
            8 | 9 => self.map(dice, depth),
            10..=12 => self.list(dice, depth),
            13 if self.nodes > 0 => {
                self.out.push(0x51);
                let number = dice.below(self.nodes.min(40));
                self.out.push(0x90 + number as u8);
            }
            _ => self.object(dice, depth),
        }
    }

    fn plain(&mut self, dice: &mut Dice<'_>) {
        match dice.below(4) {
            0 => self.out.push(b'T'),
            1 => self.out.push(b'F'),
            2 => self.tagged(dice, 0x4a, 8),
            _ => self.tagged(dice, 0x4b, 4),
        }
    }

    pub(super) fn tagged(&mut self, dice: &mut Dice<'_>, tag: u8, len: usize) {
        self.out.push(tag);
        for _ in 0..len {
            self.out.push(dice.byte());
        }
    }

    pub(super) fn int(&mut self, dice: &mut Dice<'_>) {
        match dice.below(4) {
            0 => self.out.push(0x80 + dice.below(0x40) as u8),
            1 => self.tagged_among(dice, 0xc0, 0x10, 1),
            2 => self.tagged_among(dice, 0xd0, 0x08, 2),
            _ => self.tagged(dice, b'I', 4),
        }
    }

    pub(super) fn long(&mut self, dice: &mut Dice<'_>) {
        match dice.below(5) {
            0 => self.out.push(0xd8 + dice.below(0x18) as u8),
            1 => self.tagged_among(dice, 0xf0, 0x10, 1),
            2 => self.tagged_among(dice, 0x38, 0x08, 2),
            3 => self.tagged(dice, 0x59, 4),
            _ => self.tagged(dice, b'L', 8),
        }
    }

    pub(super) fn double(&mut self, dice: &mut Dice<'_>) {
        match dice.below(6) {
            0 => self.out.push(0x5b),
            1 => self.out.push(0x5c),
            2 => self.tagged(dice, 0x5d, 1),
            3 => self.tagged(dice, 0x5e, 2),
            4 => self.tagged(dice, 0x5f, 4),
            _ => self.tagged(dice, b'D', 8),
        }
    }

    fn tagged_among(&mut self, dice: &mut Dice<'_>, first: u8, tags: usize, len: usize) {
        let tag = first + dice.below(tags) as u8;
        self.tagged(dice, tag, len);
    }

    /// Text in one piece or in several, its length in any form that can hold it.
    pub(super) fn text(&mut self, dice: &mut Dice<'_>, text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut rest = units.as_slice();
        while rest.len() > 1 && dice.once_in(12) {
            let (piece, after) = rest.split_at(1 + dice.below(rest.len() - 1));
            self.out.push(b'R');
            self.out.extend((piece.len() as u16).to_be_bytes());
            self.units(piece);
            rest = after;
        }
        match (rest.len(), dice.below(16)) {
            (len @ 0..=31, 1..) => self.out.push(len as u8),
            (len @ 0..=1023, 2..) => self.out.extend([0x30 + (len >> 8) as u8, len as u8]),
            (len, _) => {
                self.out.push(b'S');
                self.out.extend((len as u16).to_be_bytes());
            }
        }
        self.units(rest);
    }

    pub(super) fn any_text(&mut self, dice: &mut Dice<'_>) {
        let any = text(dice);
        self.text(dice, &any);
    }

    fn units(&mut self, units: &[u16]) {
        for &unit in units {
            match unit {
                0..0x80 => self.out.push(unit as u8),
                0x80..0x800 => self.out.extend([0xc0 | (unit >> 6) as u8, 0x80 | (unit & 0x3f) as u8]),
                _ => self.out.extend([
                    0xe0 | (unit >> 12) as u8,
                    0x80 | (unit >> 6 & 0x3f) as u8,
                    0x80 | (unit & 0x3f) as u8,
                ]),
            }
        }
    }

    pub(super) fn binary(&mut self, dice: &mut Dice<'_>) {
        let len = *dice.pick(&[0, 3, 15, 16, 40]);
        let bytes = dice.take(len).to_vec();
        if dice.once_in(6) {
            self.out.push(b'A');
            self.out.extend((bytes.len() as u16).to_be_bytes());
            self.out.extend(&bytes);
            self.out.push(0x20);
            return;
        }
        match (bytes.len(), dice.below(4)) {
            (len @ 0..=15, 1..) => self.out.push(0x20 + len as u8),
            (len, 2..) => self.out.extend([0x34 + (len >> 8) as u8, len as u8]),
            (len, _) => {
                self.out.push(b'B');
                self.out.extend((len as u16).to_be_bytes());
            }
        }
        self.out.extend(bytes);
    }

    pub(super) fn type_name(&mut self, dice: &mut Dice<'_>) {
        if self.types > 0 && dice.once_in(3) {
            self.out.push(0x90 + dice.below(self.types.min(40)) as u8);
            return;
        }
        let name = *dice.pick(&TYPES);
        self.text(dice, name);
        self.types += 1;
    }

    /// A map; now and then one that could be taken for attachments.
    pub(super) fn map(&mut self, dice: &mut Dice<'_>, depth: usize) {
        if dice.once_in(3) {
            self.out.push(b'M');
            self.type_name(dice);
        } else {
            self.out.push(b'H');
        }
        self.nodes += 1;
        if dice.once_in(6) {
            let path = *dice.pick(&["com.acme.Forbidden", "com.acme.Greeter", "a/b.txt", ""]);
            for (key, value) in [("path", path), ("group", "secret"), ("version", "9")] {
                self.text(dice, key);
                self.text(dice, value);
            }
        }
        for _ in 0..dice.below(4) {
            self.value(dice, depth + 1);
            self.value(dice, depth + 1);
        }
        self.out.push(b'Z');
    }

    pub(super) fn list(&mut self, dice: &mut Dice<'_>, depth: usize) {
        let count = dice.below(5);
        let form = dice.below(6);
        match form {
            0 => self.out.push(0x57),
            1 => self.out.push(0x55),
            2 => self.out.push(b'V'),
            3 => self.out.push(0x70 + count as u8),
            4 => self.out.push(0x58),
            _ => self.out.push(0x78 + count as u8),
        }
        if (1..=3).contains(&form) {
            self.type_name(dice);
        }
        if matches!(form, 2 | 4) {
            self.out.push(0x90 + count as u8);
        }
        self.nodes += 1;
        for _ in 0..count {
            self.value(dice, depth + 1);
        }
        if form < 2 {
            self.out.push(b'Z');
        }
    }

    pub(super) fn object(&mut self, dice: &mut Dice<'_>, depth: usize) {
        let known = self.classes.len().min(40);
        let index = if known == 0 || dice.once_in(2) {
            let (name, fields) = *dice.pick(&CLASSES);
            self.out.push(b'C');
            self.text(dice, name);
            self.out.push(0x90 + fields.len() as u8);
            for field in fields {
                self.text(dice, field);
            }
            self.classes.push(fields);
            self.classes.len() - 1
        } else {
            dice.below(known)
        };
        match index {
            0..=15 if !dice.once_in(4) => self.out.push(0x60 + index as u8),
            0..=47 => self.out.extend([b'O', 0x90 + index as u8]),
            _ => self.out.extend([b'O', 0xc8 + (index >> 8) as u8, index as u8]),
        }
        self.nodes += 1;
        for _ in self.classes[index] {
            self.value(dice, depth + 1);
        }
    }
}
