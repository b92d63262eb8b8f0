//! One Hessian value with everything in it, references included.
//!
//! ```text
//!   root ─▶ Node(0)  object MetadataInfo {services: Node(1), revision, app}
//!           Node(1)  map {"demo.Greeter:dubbo" => Node(2)}       a node's number is its reference number,
//!           Node(2)  object ServiceInfo {params: Node(3), …}     so `51 n` is just Node(n) again
//! ```
//!
//! For small answers that must be understood, not for the calls that pass through. It never keeps more than
//! [`MAX_VALUES`] values and never nests deeper than [`MAX_NESTING`]; cycles are possible, so who walks must not recurse blindly.

use std::borrow::Cow;

use super::super::read::ReadError;
use super::reader::{Reader, Tag};

/// Values in one document at most: an application of 5 000 services with 50 parameters each.
pub const MAX_VALUES: usize = 1 << 19;
/// Levels in one document at most. Decoding recurses, so it is lower than for stepping over.
pub const MAX_NESTING: usize = 128;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// byte, short, int.
    Int(i32),
    /// long.
    Long(i64),
    /// float, double.
    Double(f64),
    /// Milliseconds since 1970.
    Date(i64),
    /// String or char.
    Text(Cow<'a, str>),
    /// `byte[]`.
    Binary(Cow<'a, [u8]>),
    /// A list, map or object: its number in the document.
    Node(usize),
}

/// A list, map or object. Names stand in the document once, however many values have them.
#[derive(Debug, Clone, PartialEq)]
enum Node<'a> {
    List(Option<usize>, Vec<Value<'a>>),
    Map(Option<usize>, Vec<(Value<'a>, Value<'a>)>),
    Object(usize, Vec<Value<'a>>),
}

/// What kind of thing a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Null, boolean, number, date, text or binary.
    Plain,
    /// A list or an array.
    List,
    /// A map.
    Map,
    /// An object with fields.
    Object,
}

/// A decoded value.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<'a> {
    root: Value<'a>,
    nodes: Vec<Node<'a>>,
    classes: Vec<Class<'a>>,
    types: Vec<Cow<'a, str>>,
    end: usize,
}

#[derive(Debug, Clone, PartialEq)]
struct Class<'a> {
    name: Cow<'a, str>,
    fields: Vec<Cow<'a, str>>,
}

struct Decoder<'a> {
    reader: Reader<'a>,
    nodes: Vec<Node<'a>>,
    classes: Vec<Class<'a>>,
    types: Vec<Cow<'a, str>>,
    values: usize,
}

impl<'a> Document<'a> {
    /// Reads the value at the front of `bytes`; what follows it is not looked at. Of a reply that is the body from
    /// [`Answer::value`](crate::dubbo::answer::Answer::value)'s start on: nothing in front of it has a number.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let mut decoder = Decoder {
            reader: Reader::new(bytes),
            nodes: Vec::new(),
            classes: Vec::new(),
            types: Vec::new(),
            values: 0,
        };
        let root = decoder.value(0)?;
        let end = decoder.reader.at();
        Ok(Self { root, nodes: decoder.nodes, classes: decoder.classes, types: decoder.types, end })
    }

    /// The value itself.
    #[must_use]
    pub const fn root(&self) -> &Value<'a> {
        &self.root
    }

    /// Where the value ends in the bytes.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.end
    }

    fn node(&self, value: &Value<'a>) -> Option<&Node<'a>> {
        match value {
            Value::Node(number) => self.nodes.get(*number),
            _ => None,
        }
    }

    /// What kind of thing `value` is.
    #[must_use]
    pub fn shape(&self, value: &Value<'a>) -> Shape {
        match self.node(value) {
            None => Shape::Plain,
            Some(Node::List(..)) => Shape::List,
            Some(Node::Map(..)) => Shape::Map,
            Some(Node::Object(..)) => Shape::Object,
        }
    }

    /// The class of an object or the type of a list or map, if it says one.
    #[must_use]
    pub fn class(&self, value: &Value<'a>) -> Option<&str> {
        match self.node(value)? {
            Node::List(name, _) => self.types.get((*name)?).map(|name| &**name),
            Node::Map(name, _) => self.types.get((*name)?).map(|name| &**name),
            Node::Object(class, _) => self.classes.get(*class).map(|class| &*class.name),
        }
    }

    /// The field of an object, or what a map holds under this text.
    #[must_use]
    pub fn field(&self, value: &Value<'a>, name: &str) -> Option<&Value<'a>> {
        match self.node(value)? {
            Node::Object(..) => self.fields(value).find(|(field, _)| *field == name).map(|(_, value)| value),
            Node::Map(_, entries) => {
                entries.iter().rfind(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
            }
            Node::List(..) => None,
        }
    }

    /// The fields of an object by name; empty for anything else.
    pub fn fields(&self, value: &Value<'a>) -> impl Iterator<Item = (&str, &Value<'a>)> {
        let (names, values) = match self.node(value) {
            Some(Node::Object(class, values)) => {
                (self.classes.get(*class).map_or(&[][..], |class| &class.fields), values.as_slice())
            }
            _ => (&[][..], &[][..]),
        };
        names.iter().map(|name| &**name).zip(values)
    }

    /// The entries of a map; empty for anything else.
    #[must_use]
    pub fn entries(&self, value: &Value<'a>) -> &[(Value<'a>, Value<'a>)] {
        match self.node(value) {
            Some(Node::Map(_, entries)) => entries,
            _ => &[],
        }
    }

    /// The items of a list; empty for anything else.
    #[must_use]
    pub fn items(&self, value: &Value<'a>) -> &[Value<'a>] {
        match self.node(value) {
            Some(Node::List(_, items)) => items,
            _ => &[],
        }
    }
}

impl Value<'_> {
    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is an int or a long.
    #[must_use]
    pub const fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number as i64),
            Self::Long(number) => Some(*number),
            _ => None,
        }
    }
}

impl<'a> Decoder<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, ReadError> {
        let at = self.reader.at();
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(ReadError::TooMany { at, limit: MAX_VALUES });
        }
        if depth > MAX_NESTING {
            return Err(ReadError::TooDeep { at });
        }
        match self.reader.tag() {
            Some(Tag::Text) => self.reader.text().map(Value::Text),
            Some(Tag::Integer) => self.integer(),
            Some(Tag::Map) => self.map(depth),
            Some(Tag::Nested) => self.nested(depth),
            _ => self.plain(),
        }
    }

    fn integer(&mut self) -> Result<Value<'a>, ReadError> {
        let int = matches!(self.reader.peek_byte(), Some(b'I' | 0x80..=0xd7));
        let number = self.reader.integer()?;
        match i32::try_from(number) {
            Ok(number) if int => Ok(Value::Int(number)),
            _ => Ok(Value::Long(number)),
        }
    }

    fn plain(&mut self) -> Result<Value<'a>, ReadError> {
        let reader = &mut self.reader;
        let at = reader.at();
        let tag = reader.peek_byte().ok_or(ReadError::Ended { at, wanted: "a value" })?;
        if matches!(tag, 0x20..=0x2f | 0x34..=0x37 | b'A' | b'B') {
            return reader.binary().map(Value::Binary);
        }
        reader.byte("a value")?;
        Ok(match tag {
            b'N' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            0x5b => Value::Double(0.0),
            0x5c => Value::Double(1.0),
            0x5d => Value::Double(f64::from(i8::from_be_bytes(reader.array("a double")?))),
            0x5e => Value::Double(f64::from(i16::from_be_bytes(reader.array("a double")?))),
            0x5f => Value::Double(f64::from(i32::from_be_bytes(reader.array("a double")?)) / 1000.0),
            b'D' => Value::Double(f64::from_be_bytes(reader.array("a double")?)),
            0x4a => Value::Date(i64::from_be_bytes(reader.array("a date")?)),
            0x4b => Value::Date(i64::from(i32::from_be_bytes(reader.array("a date")?)) * 60_000),
            0x51 => {
                let number = reader.int()?;
                let known = usize::try_from(number).ok().filter(|number| *number < self.nodes.len());
                let wanted = "the number of a value before";
                Value::Node(known.ok_or(ReadError::Number { at, found: i64::from(number), wanted })?)
            }
            found => return Err(ReadError::Unexpected { at, found, wanted: "a value" }),
        })
    }

    fn map(&mut self, depth: usize) -> Result<Value<'a>, ReadError> {
        let class = match self.reader.byte("a map")? {
            b'M' => Some(self.type_name()?),
            _ => None,
        };
        let number = self.reserve();
        let mut entries = Vec::new();
        while !self.reader.end()? {
            let key = self.value(depth + 1)?;
            entries.push((key, self.value(depth + 1)?));
        }
        self.nodes[number] = Node::Map(class, entries);
        Ok(Value::Node(number))
    }

    fn nested(&mut self, depth: usize) -> Result<Value<'a>, ReadError> {
        let at = self.reader.at();
        let tag = self.reader.byte("a value")?;
        let (class, count) = match tag {
            b'C' => {
                self.define()?;
                return self.value(depth + 1);
            }
            b'O' => {
                let index = self.reader.int()?;
                return self.object(at, index, depth);
            }
            0x60..=0x6f => return self.object(at, i32::from(tag - 0x60), depth),
            0x55 => (Some(self.type_name()?), None),
            0x57 => (None, None),
            b'V' => {
                let class = self.type_name()?;
                (Some(class), Some(self.reader.count()?))
            }
            0x58 => (None, Some(self.reader.count()?)),
            0x70..=0x77 => (Some(self.type_name()?), Some(u32::from(tag - 0x70))),
            _ => (None, Some(u32::from(tag & 0x07))),
        };
        let number = self.reserve();
        let mut items = Vec::new();
        match count {
            Some(count) => {
                for _ in 0..count {
                    items.push(self.value(depth + 1)?);
                }
            }
            None => {
                while !self.reader.end()? {
                    items.push(self.value(depth + 1)?);
                }
            }
        }
        self.nodes[number] = Node::List(class, items);
        Ok(Value::Node(number))
    }

    fn object(&mut self, at: usize, index: i32, depth: usize) -> Result<Value<'a>, ReadError> {
        let wanted = "the number of a class defined before";
        let unknown = ReadError::Number { at, found: i64::from(index), wanted };
        let index = usize::try_from(index).map_err(|_| unknown)?;
        let count = self.classes.get(index).ok_or(unknown)?.fields.len();
        let number = self.reserve();
        let mut fields = Vec::new();
        for _ in 0..count {
            fields.push(self.value(depth + 1)?);
        }
        self.nodes[number] = Node::Object(index, fields);
        Ok(Value::Node(number))
    }

    fn define(&mut self) -> Result<(), ReadError> {
        let name = self.reader.text()?;
        let count = self.reader.count()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            fields.push(self.reader.text()?);
        }
        self.classes.push(Class { name, fields });
        Ok(())
    }

    /// The number of a type's name among the names so far.
    fn type_name(&mut self) -> Result<usize, ReadError> {
        if self.reader.tag() == Some(Tag::Text) {
            let name = self.reader.text()?;
            self.types.push(name);
            return Ok(self.types.len() - 1);
        }
        let at = self.reader.at();
        let found = self.reader.int()?;
        let known = usize::try_from(found).ok().filter(|index| *index < self.types.len());
        let wanted = "the number of a type named before";
        known.ok_or(ReadError::Number { at, found: i64::from(found), wanted })
    }

    /// A number for a node that is still being read, so that what is inside can refer to it.
    fn reserve(&mut self) -> usize {
        self.nodes.push(Node::List(None, Vec::new()));
        self.nodes.len() - 1
    }
}
