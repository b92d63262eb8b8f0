//! What fastjson2 calls Java's own classes: by their simple names, and arrays by letters.
//!
//! In Rust a class has one name for both serializations, that of hessian2. Java's strict mode knows these by the names of this table,
//! so that they are written too. It never touches the name of an application's class.
//! Source: `TypeUtils` of alibaba/fastjson2.

use std::borrow::Cow;

/// Classes that go by their simple name.
const SIMPLE: [&str; 72] = [
    "java.lang.Object",
    "java.lang.Cloneable",
    "java.lang.AutoCloseable",
    "java.lang.Exception",
    "java.lang.RuntimeException",
    "java.lang.IllegalAccessError",
    "java.lang.IllegalAccessException",
    "java.lang.IllegalArgumentException",
    "java.lang.IllegalMonitorStateException",
    "java.lang.IllegalStateException",
    "java.lang.IllegalThreadStateException",
    "java.lang.IndexOutOfBoundsException",
    "java.lang.InstantiationError",
    "java.lang.InstantiationException",
    "java.lang.InternalError",
    "java.lang.InterruptedException",
    "java.lang.LinkageError",
    "java.lang.NegativeArraySizeException",
    "java.lang.NoClassDefFoundError",
    "java.lang.NoSuchFieldError",
    "java.lang.NoSuchFieldException",
    "java.lang.NoSuchMethodError",
    "java.lang.NoSuchMethodException",
    "java.lang.NullPointerException",
    "java.lang.NumberFormatException",
    "java.lang.OutOfMemoryError",
    "java.lang.SecurityException",
    "java.lang.StackOverflowError",
    "java.lang.StringIndexOutOfBoundsException",
    "java.lang.TypeNotPresentException",
    "java.lang.VerifyError",
    "java.lang.StackTraceElement",
    "java.lang.Boolean",
    "java.lang.Character",
    "java.lang.Byte",
    "java.lang.Short",
    "java.lang.Integer",
    "java.lang.Long",
    "java.lang.Float",
    "java.lang.Double",
    "java.lang.Number",
    "java.lang.String",
    "java.math.BigDecimal",
    "java.math.BigInteger",
    "java.text.SimpleDateFormat",
    "java.util.BitSet",
    "java.util.Calendar",
    "java.util.Currency",
    "java.util.Date",
    "java.util.HashSet",
    "java.util.Hashtable",
    "java.util.IdentityHashMap",
    "java.util.LinkedHashSet",
    "java.util.LinkedList",
    "java.util.Locale",
    "java.util.TreeMap",
    "java.util.TreeSet",
    "java.util.UUID",
    "java.util.WeakHashMap",
    "java.util.concurrent.ConcurrentHashMap",
    "java.util.concurrent.ConcurrentLinkedDeque",
    "java.util.concurrent.ConcurrentLinkedQueue",
    "java.util.concurrent.ConcurrentSkipListMap",
    "java.util.concurrent.ConcurrentSkipListSet",
    "java.util.concurrent.TimeUnit",
    "java.util.concurrent.atomic.AtomicBoolean",
    "java.util.concurrent.atomic.AtomicInteger",
    "java.util.concurrent.atomic.AtomicLong",
    "java.util.Collections$EmptyMap",
    // By names of their own in the next table, but known by these too.
    "java.util.ArrayList",
    "java.util.HashMap",
    "java.util.LinkedHashMap",
];

/// Names that are no simple ones: of fastjson2, and of Java.
const OWN: [(&str, &str); 3] =
    [("A", "java.util.ArrayList"), ("M", "java.util.HashMap"), ("LM", "java.util.LinkedHashMap")];

/// What an array is of: in fastjson2, and in hessian2.
const ARRAYS: [(&str, &str); 12] = [
    ("B", "byte"),
    ("S", "short"),
    ("I", "int"),
    ("J", "long"),
    ("F", "float"),
    ("D", "double"),
    ("C", "char"),
    ("Z", "boolean"),
    ("O", "object"),
    ("Object", "object"),
    ("String", "string"),
    ("Date", "date"),
];

/// The name of a class of fastjson2 in Rust's types.
pub(super) fn from_wire(name: Cow<'_, str>) -> Cow<'_, str> {
    let of = name.trim_start_matches('[');
    let depth = name.len() - of.len();
    let array = ARRAYS.iter().find(|(wire, _)| depth > 0 && *wire == of).map(|(_, java)| *java);
    let own = || OWN.iter().find(|(wire, _)| *wire == of).map(|(_, java)| *java);
    let simple = || SIMPLE.iter().find(|java| simple(java) == of).copied();
    match array.or_else(own).or_else(simple) {
        Some(java) if depth == 0 => Cow::Borrowed(java),
        Some(java) => Cow::Owned(format!("{}{java}", &name[..depth])),
        None => name,
    }
}

/// The name of a class in Rust's types as fastjson2 has it.
pub(super) fn to_wire(name: &str) -> Cow<'_, str> {
    let of = name.trim_start_matches('[');
    let depth = name.len() - of.len();
    let array = ARRAYS.iter().find(|(_, java)| depth > 0 && *java == of).map(|(wire, _)| *wire);
    let own = || OWN.iter().find(|(_, java)| *java == of).map(|(wire, _)| *wire);
    let simple = || SIMPLE.iter().find(|java| **java == of).map(|java| simple(java));
    match array.or_else(own).or_else(simple) {
        Some(wire) if depth == 0 => Cow::Borrowed(wire),
        Some(wire) => Cow::Owned(format!("{}{wire}", &name[..depth])),
        None => Cow::Borrowed(name),
    }
}

fn simple(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or(class)
}
