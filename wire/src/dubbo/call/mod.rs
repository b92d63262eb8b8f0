//! What a request asks for: the effective call, as a provider will see it.
//!
//! ```text
//!   field   1 dubbo version  2 service  3 version  4 method  5 types   arguments   attachments
//!                                 \_________|________|_____________________|___________/
//!   effective    attachment `path`, `version`, `group` over fields 2 and 3;
//!                field 4, or argument 1 of `$invoke`/`$invokeAsync` with the generic descriptor
//! ```
//!
//! Providers obey the attachments, not the leading fields, and of two equal keys the last; what could be read in two
//! ways is refused. Reading a call never looks into an argument but that one ([`Call::texts`] does when asked), and never
//! decides anything.
//! Source: `DecodeableRpcInvocation`, `RpcUtils`, `GenericFilter` of apache/dubbo, and released providers.

mod arguments;
mod error;
mod known;
mod peek;

use std::borrow::Cow;
use std::time::Duration;

use super::attachments::Attachments;
use super::frame::{Codec, Serialization};

pub use error::PeekError;
pub use peek::peek;

/// The only parameter types with which `$invoke` is a generic call (a provider refuses others since CVE-2020-1948).
pub const GENERIC_TYPES: &str = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";

/// What Highway's own attachments begin with.
pub const HIGHWAY: &str = "highway.";
/// The attachment that names the island a call is for.
pub const TARGET: &str = "highway.target";
/// Attachments of Highway's own in one call at most; more are refused.
pub const MAX_HIGHWAY: usize = 32;

/// The five fields in front of the arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leading<'a> {
    /// Field 1: the protocol version, `2.0.2` today, a release such as `2.5.3` from old peers.
    pub dubbo_version: Cow<'a, str>,
    /// Field 2.
    pub service: Cow<'a, str>,
    /// Field 3: `0.0.0` or empty when none.
    pub version: Cow<'a, str>,
    /// Field 4.
    pub method: Cow<'a, str>,
    /// Field 5: JVM descriptors of the parameters.
    pub types: Cow<'a, str>,
    /// Number of parameters that field 5 names.
    pub arg_count: usize,
    /// Offset in the body at which the arguments begin.
    pub end: usize,
}

/// Which form of OK reply the requester can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyForm {
    /// Types 0 to 2.
    Plain,
    /// Types 3 to 5: with attachments.
    WithAttachments,
}

/// How a generic call writes its arguments (attachment `generic`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generic {
    /// `true`, and `$invoke` without the attachment: objects as maps.
    True,
    /// `nativejava`: Java serialization inside.
    NativeJava,
    /// `bean`.
    Bean,
    /// `gson`.
    Gson,
    /// `raw.return`.
    RawReturn,
    /// `protobuf-json`.
    ProtobufJson,
    /// Anything else.
    Other,
}

/// A call that needs calls in the other direction on the same connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reverse {
    /// An argument is a callback (`sys_callback_arg-*`).
    Callback,
    /// A stub event (`dubbo.stub.event`).
    StubEvent,
}

/// A request, read as far as routing needs. Offsets are into the body.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// How the body is written.
    pub codec: Codec,
    /// The five leading fields.
    pub leading: Leading<'a>,
    /// The effective service: attachment `path`, else field 2. This is what a Java provider looks up.
    pub service: Cow<'a, str>,
    /// Attachment `interface`, as it came. See [`Call::conflicting_interface`].
    pub interface: Option<Cow<'a, str>>,
    /// The effective version; `None` for absent, empty and `0.0.0`.
    pub version: Option<Cow<'a, str>>,
    /// The effective group; `None` for absent and empty.
    pub group: Option<Cow<'a, str>>,
    /// The effective method: argument 1 of a generic call, trimmed as the provider trims it.
    pub method: Cow<'a, str>,
    /// How the arguments of a generic call are written; `None` for an ordinary call.
    pub generic: Option<Generic>,
    /// Attachment `dubbo.tag`, `None` when empty.
    pub tag: Option<Cow<'a, str>>,
    /// Attachment `highway.target`, `None` when empty.
    pub target: Option<Cow<'a, str>>,
    /// Attachment `token`. A secret: never log it.
    pub token: Option<Cow<'a, str>>,
    /// Attachment `remote.application`, else `application`: a claim.
    pub application: Option<Cow<'a, str>>,
    /// Attachment `traceparent`.
    pub traceparent: Option<Cow<'a, str>>,
    /// The smaller of attachments `timeout` and `_TO`, each as text or (3.0 consumers) as a number; `None` for absent, 0, negative and unparsable.
    pub timeout: Option<Duration>,
    /// Whether the call needs calls in the other direction.
    pub reverse: Option<Reverse>,
    /// Every attachment whose key begins with `highway.`, in the order of the wire. See [`Call::highway`].
    highway: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The whole map.
    pub attachments: Attachments<'a>,
}

/// What [`peek`] found.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // it lives on the stack for one call; a box would be the only allocation of the path
pub enum Peeked<'a> {
    /// A call that was read.
    Call(Call<'a>),
    /// A serialization that is not understood.
    Opaque(Serialization),
}

impl Generic {
    /// Providers compare without regard to case; a value that is absent means `true`.
    fn of(value: Option<&str>) -> Self {
        const NAMES: [(&str, Generic); 7] = [
            ("", Generic::True),
            ("true", Generic::True),
            ("nativejava", Generic::NativeJava),
            ("bean", Generic::Bean),
            ("gson", Generic::Gson),
            ("raw.return", Generic::RawReturn),
            ("protobuf-json", Generic::ProtobufJson),
        ];
        let value = value.unwrap_or_default();
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(value)).map_or(Self::Other, |(_, generic)| *generic)
    }

    /// The word for it in heads, grants and audit lines: Dubbo's own, `other` for what it does not know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::NativeJava => "nativejava",
            Self::Bean => "bean",
            Self::Gson => "gson",
            Self::RawReturn => "raw.return",
            Self::ProtobufJson => "protobuf-json",
            Self::Other => "other",
        }
    }
}

impl ReplyForm {
    /// The form for a requester whose field 1 says `dubbo_version`: types 3 to 5 from 2.0.2 to 2.0.99 only, by the
    /// strictest reader's rule. `2.5.3`, `2.8.4` (dubbox) and empty mean the plain form.
    /// Source: `Version.isSupportResponseAttachment` of 2.7 and later.
    #[must_use]
    pub fn for_version(dubbo_version: &str) -> Self {
        if dubbo_version == "2.0.2" {
            return Self::WithAttachments;
        }
        let mut numbers = [0_u64; 4];
        let mut count = 0;
        for part in dubbo_version.split('.') {
            let digits = part.find(|character: char| !character.is_ascii_digit()).map_or(part, |end| &part[..end]);
            let (Some(place), Ok(number)) = (numbers.get_mut(count), digits.parse::<u32>()) else { return Self::Plain };
            *place = u64::from(number);
            count += 1;
        }
        let [a, b, c, d] = numbers;
        let number = a * 1_000_000 + b * 10_000 + c * 100 + d;
        if count >= 3 && (2_000_200..=2_009_900).contains(&number) { Self::WithAttachments } else { Self::Plain }
    }
}

impl Call<'_> {
    /// The form of OK reply that this requester can read.
    #[must_use]
    pub fn reply_form(&self) -> ReplyForm {
        ReplyForm::for_version(&self.leading.dubbo_version)
    }

    /// Whether the requester is dubbo-go, known by its empty version field: its default timeout is 3 s.
    #[must_use]
    pub fn is_dubbo_go(&self) -> bool {
        self.leading.version.is_empty()
    }

    /// The `interface` attachment where it names another service than [`Call::service`]: Java providers run the one,
    /// dubbo-go providers the other, so whoever guards services must refuse it or rewrite both.
    #[must_use]
    pub fn conflicting_interface(&self) -> Option<&str> {
        self.interface.as_deref().filter(|interface| *interface != self.service)
    }

    /// Every attachment whose key begins with `highway.`, with its value.
    pub fn highway(&self) -> impl Iterator<Item = (&str, &str)> {
        self.highway.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Appends what a decision may depend on: serialization, leading fields, effective method of a generic call, and the
    /// decision attachments and the claimed application, but neither `timeout` nor `token`. Calls with equal bytes get
    /// equal decisions as long as rules and catalogue stay. Where they end can be told.
    ///
    /// ```text
    ///  serialization │ generic │ reverse │ highway.* │ form of each part │ len, leading fields │ len, part │ …
    /// ```
    pub fn decision_key(&self, out: &mut Vec<u8>) {
        let led = |text, led: &str| if text == Some(led) { Part::AsLed } else { Part::of(text) };
        let parts = [
            led(Some(&*self.service), &self.leading.service),
            led(self.interface.as_deref(), &self.leading.service),
            led(self.version.as_deref(), &self.leading.version),
            Part::of(self.generic.map(|_| &*self.method)),
            Part::of(self.group.as_deref()),
            Part::of(self.tag.as_deref()),
            Part::of(self.application.as_deref()),
        ];
        let [service, interface, version, method, group, tag, application] = parts.each_ref().map(Part::form);
        out.extend_from_slice(&[
            self.codec.serialization().id(),
            self.generic.map_or(0, |generic| generic as u8 + 1),
            self.reverse.map_or(0, |reverse| reverse as u8 + 1),
            self.highway.len() as u8,
            service,
            interface,
            version,
            method,
            group,
            tag,
            application,
        ]);
        put_part(out, self.attachments.body().get(..self.leading.end).unwrap_or_default());
        for part in &parts {
            if let Part::Other(text) = part {
                put_part(out, text.as_bytes());
            }
        }
        for (key, value) in &self.highway {
            put_part(out, key.as_bytes());
            put_part(out, value.as_bytes());
        }
    }
}

/// A text in the key of a decision.
enum Part<'a> {
    None,
    /// A leading field says it, as nearly always.
    AsLed,
    Other(&'a str),
}

impl<'a> Part<'a> {
    fn of(text: Option<&'a str>) -> Self {
        text.map_or(Self::None, Self::Other)
    }

    fn form(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::AsLed => 1,
            Self::Other(_) => 2,
        }
    }
}

/// Length and bytes, so that no two lists of parts look alike.
fn put_part(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u32).to_be_bytes());
    out.extend_from_slice(part);
}
