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
use super::pull::{Class, Item, Pull};

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

struct Decoder<'a> {
    pull: Pull<'a>,
    nodes: Vec<Node<'a>>,
    values: usize,
}

impl<'a> Document<'a> {
    /// Reads the value at the front of `bytes`; what follows it is not looked at. Of a reply that is the body from
    /// [`Answer::value`](crate::dubbo::answer::Answer::value)'s start on: nothing in front of it has a number.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let mut decoder = Decoder { pull: Pull::new(bytes), nodes: Vec::new(), values: 0 };
        let root = decoder.value(0)?;
        let end = decoder.pull.at();
        let (classes, types) = decoder.pull.into_names();
        Ok(Self { root, nodes: decoder.nodes, classes, types, end })
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
        let at = self.pull.at();
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(ReadError::TooMany { at, limit: MAX_VALUES });
        }
        if depth > MAX_NESTING {
            return Err(ReadError::TooDeep { at });
        }
        Ok(match self.pull.item()? {
            Item::Null => Value::Null,
            Item::Bool(value) => Value::Bool(value),
            Item::Int(number) => Value::Int(number),
            Item::Long(number) => Value::Long(number),
            Item::Double(number) => Value::Double(number),
            Item::Date(millis) => Value::Date(millis),
            Item::Text(text) => Value::Text(text),
            Item::Binary(bytes) => Value::Binary(bytes),
            Item::Reference(number) => Value::Node(number),
            Item::List { number, name, len } => {
                self.reserve();
                self.nodes[number] = Node::List(name, self.items(len, depth)?);
                Value::Node(number)
            }
            Item::Map { number, name } => {
                self.reserve();
                let mut entries = Vec::new();
                while !self.pull.end()? {
                    let key = self.value(depth + 1)?;
                    entries.push((key, self.value(depth + 1)?));
                }
                self.nodes[number] = Node::Map(name, entries);
                Value::Node(number)
            }
            Item::Object { number, class } => {
                self.reserve();
                let count = self.pull.class(class).map_or(0, |class| class.fields.len());
                let fields = (0..count).map(|_| self.value(depth + 1)).collect::<Result<_, _>>()?;
                self.nodes[number] = Node::Object(class, fields);
                Value::Node(number)
            }
        })
    }

    fn items(&mut self, len: Option<u32>, depth: usize) -> Result<Vec<Value<'a>>, ReadError> {
        let mut items = Vec::new();
        match len {
            Some(len) => {
                for _ in 0..len {
                    items.push(self.value(depth + 1)?);
                }
            }
            None => {
                while !self.pull.end()? {
                    items.push(self.value(depth + 1)?);
                }
            }
        }
        Ok(items)
    }

    /// A place for a node that is still being read, so that what is inside can refer to it.
    fn reserve(&mut self) {
        self.nodes.push(Node::List(None, Vec::new()));
    }
}
