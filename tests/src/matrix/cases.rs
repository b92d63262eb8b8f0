//! Every case of the matrix: its name, which peers know too, and what it shows. What exactly is called stands in the peers
//! (`lab/java/peer/lab/*Cases.java`).

use super::references::Kind;
use lab::install::Release;

/// The oldest and the newest, between which most goes wrong.
const CORNERS: [Release; 2] = [Release::V2_6_12, Release::V3_3_6];

/// A few calls that are looked at together.
#[derive(Debug)]
pub struct Case {
    /// What the peers call it.
    pub name: &'static str,
    /// What is called, in a few words.
    pub about: &'static str,
    /// What it calls on.
    pub references: &'static [Kind],
    /// Whether it needs a provider for itself.
    pub load: Load,
    /// Whether every test run does it.
    pub telling: Telling,
}

/// What a case asks of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// A few small calls.
    Light,
    /// All its threads, or megabytes: nothing else may run.
    Heavy,
}

/// Whether a case belongs to the quick subset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// Only the whole matrix has it.
    No,
    /// The quick one has it between the oldest and the newest.
    AtCorners,
    /// The quick one has it for all pairs.
    Everywhere,
}

const fn of(name: &'static str, about: &'static str, references: &'static [Kind]) -> Case {
    Case { name, about, references, load: Load::Light, telling: Telling::No }
}

impl Case {
    const fn telling(mut self) -> Self {
        self.telling = Telling::AtCorners;
        self
    }

    const fn basic(mut self) -> Self {
        self.telling = Telling::Everywhere;
        self
    }

    /// Whether every test run does it for this pair.
    #[must_use]
    pub fn is_quick(&self, consumer: &str, provider: &str) -> bool {
        let corners = CORNERS.map(Release::version);
        match self.telling {
            Telling::No => false,
            Telling::AtCorners => corners.contains(&consumer) && corners.contains(&provider),
            Telling::Everywhere => true,
        }
    }

    const fn heavy(mut self) -> Self {
        self.load = Load::Heavy;
        self
    }
}

const TYPES: &[Kind] = &[Kind::Types];
const INTEROP: &[Kind] = &[Kind::Interop];
const GENERIC: &[Kind] = &[Kind::Generic("true")];

/// All of them, in the order of the documentation.
pub const ALL: [Case; 78] = [
    of("text", "empty, ASCII, control characters, Latin, the edges of UTF-8", TYPES).telling(),
    of("text.four-byte", "characters beyond the first plane", TYPES).telling(),
    of("text.long", "around and over the 32 768 characters of one chunk", TYPES).telling(),
    of("text.half-a-pair", "half of a surrogate pair, which is no UTF-8 at all", TYPES).telling(),
    of("numbers", "boolean, byte, short, int, long, float, double: edges, NaN, infinities, -0", TYPES).telling(),
    of("numbers.boxed", "the same boxed, and null", TYPES),
    of("numbers.as-number", "declared as Number", TYPES),
    of("numbers.as-object", "declared as Object", TYPES).telling(),
    of("letters", "char and Character", TYPES),
    of("decimals", "BigDecimal with its scale, BigInteger", TYPES).telling(),
    of("uuid", "java.util.UUID", TYPES),
    of("locale", "java.util.Locale", TYPES),
    of("optional", "java.util.Optional, full, empty, null", TYPES),
    of("date", "java.util.Date", TYPES).telling(),
    of("date.sql", "java.sql.Timestamp with nanoseconds, Date, Time", TYPES),
    of("date.java-time", "LocalDate, LocalTime, LocalDateTime, Instant, Duration", TYPES).telling(),
    of("date.zoned", "ZonedDateTime with a region and with an offset", TYPES),
    of("enum", "an enum and null", TYPES),
    of("enum.with-bodies", "an enum whose constants are classes", TYPES),
    of("enum.in-map", "enums as keys and values of a HashMap and of an EnumMap, in a list", TYPES).telling(),
    of("bytes", "byte[], empty, 70 000 bytes, declared as Object", TYPES).telling(),
    of("array.primitive", "int[], long[], double[], boolean[], char[]", TYPES),
    of("array.object", "String[], Integer[], Object[], arrays of objects, with null in them", TYPES).telling(),
    of("array.deep", "int[][], String[][]", TYPES),
    of("list", "ArrayList, LinkedList, Vector, a thousand objects", TYPES).telling(),
    of("list.of-jdk", "Arrays.asList, singletons, unmodifiable and immutable lists", TYPES),
    of("list.nested", "lists, maps and arrays in a list", TYPES),
    of("set", "HashSet, LinkedHashSet, TreeSet", TYPES),
    of("queue", "ArrayDeque, LinkedList, PriorityQueue", TYPES),
    of("map", "HashMap with null key and value, LinkedHashMap in order, TreeMap", TYPES).telling(),
    of("map.object-keys", "numbers, objects, enums and dates as keys", TYPES),
    of("empty", "empty lists, sets, queues, maps, arrays", TYPES),
    of("null", "null for every kind of argument and result", TYPES).telling(),
    of("object", "nested objects with lists, maps, dates, decimals, an enum; declared as Object", TYPES).basic(),
    of("object.inherited", "a subclass, declared as itself and as its parent", TYPES),
    of("object.shadowed-field", "a field that hides one of the parent", TYPES),
    of("object.generic", "a generic class with a list of objects", TYPES),
    of("object.untyped-fields", "fields declared as Object", TYPES),
    of("object.transient-field", "a transient field", TYPES),
    of("object.cycle", "objects that point at each other and at themselves", TYPES).telling(),
    of("object.shared", "one object in two places stays one object", TYPES).telling(),
    of("mixed", "seven arguments of mixed types", TYPES),
    of("thrown.declared", "a declared exception with a field of its own", INTEROP).basic(),
    of("thrown.runtime", "a runtime exception of the JDK", INTEROP).telling(),
    of("thrown.caused", "a checked exception with two causes", INTEROP),
    of("thrown.no-message", "exceptions whose message is null", INTEROP),
    of("thrown.foreign", "a runtime exception of a library, which providers rewrite", INTEROP),
    of("thrown.unknown-class", "an exception class that the consumer does not have", INTEROP).telling(),
    of("void", "a method without a result", INTEROP).telling(),
    of("null-result", "a method that returns null", INTEROP),
    of("overloads", "overloads told apart by argument types", INTEROP).telling(),
    of("one-way", "`return=false`: nobody waits, it arrives once", INTEROP).telling(),
    of("one-way.unsent", "the same with `sent=false`", &[Kind::Unsent, Kind::Interop]),
    of("async.reference", "`async=true` and the future of the RpcContext", INTEROP),
    of("async.signature", "methods that return CompletableFuture", &[Kind::Async]),
    of("echo", "`$echo` of EchoService", INTEROP).telling(),
    of("timeout", "a call that outlasts its timeout: which exception, when", INTEROP),
    of("generic", "`generic=true` with texts, numbers, overloads, null, void", GENERIC).telling(),
    of("generic.objects", "the same with maps for objects", GENERIC).telling(),
    of("generic.thrown", "exceptions of generic calls", GENERIC),
    of("generic.unknown-method", "a generic call of a method that is not there", GENERIC),
    of("generic.async", "`$invokeAsync`", GENERIC),
    of("generic.nativejava", "`generic=nativejava`", &[Kind::Generic("nativejava")]),
    of("generic.bean", "`generic=bean`", &[Kind::Generic("bean")]),
    of("generic.raw.return", "`generic=raw.return`", &[Kind::Generic("raw.return")]),
    of("generic.protobuf-json", "`generic=protobuf-json`", &[Kind::Generic("protobuf-json")]),
    of(
        "attachments.request",
        "attachments of a call: long, empty, beyond the first plane; gone with the next call",
        INTEROP,
    )
    .telling(),
    of("attachments.of-the-line", "attachments `highway.*` that providers see", INTEROP).telling(),
    of("attachments.reply", "all attachments that come with an answer", INTEROP).telling(),
    of("attachments.object", "numbers, lists and objects as attachments, both ways", INTEROP),
    of("group-and-version", "a provider by its group and version", &[Kind::Greeting]).basic(),
    of("any-group", "group `*`", &[Kind::AnyGroup]),
    of("any-version", "version `*`", &[Kind::AnyVersion]),
    of("callers", "200 callers at once, five calls each", INTEROP).heavy(),
    of("payload.reply", "an answer one byte under Dubbo's limit of 8 MiB", INTEROP).heavy(),
    of("payload.reply-over", "an answer over it", INTEROP).heavy(),
    of("payload.request-over", "a request over that limit", INTEROP).heavy(),
    // At the end: a provider that takes less ends the connection for it, and the consumer needs a while for another.
    of("payload.request", "a request whose body is one byte under the limit", INTEROP).heavy(),
];
