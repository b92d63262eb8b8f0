//! The 16-byte header in front of every Dubbo frame, and the frames that are little more than a header: events.
//!
//! ```text
//!  byte  0    1    2      3       4 .. 11        12 .. 15
//!      | da | bb | flag | status | id (i64, BE) | len (i32, BE, without the header) |
//!                  |       `- responses only
//!                  `- 0x80 request, 0x40 two-way, 0x20 event, 0x1f serialization id
//! ```
//!
//! Pure and total: no IO, no panic on any input; it never looks for a frame behind a wrong magic.
//! Source: `ExchangeCodec`, `Request`, `Response` and `serialize.Constants` of apache/dubbo.
//!
//! Long because: the header's numbers with their names are one table.

use bytes::BufMut;
use thiserror::Error;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 16;
/// A frame that claims more than this is none that somebody meant: skipping it would mean reading on for minutes, so that
/// its connection is of no use any more.
pub const BEYOND_REASON_LEN: usize = 256 << 20;
/// The first two bytes of every frame.
pub const MAGIC: [u8; 2] = [0xda, 0xbb];

const REQUEST: u8 = 0x80;
const TWO_WAY: u8 = 0x40;
const EVENT: u8 = 0x20;
const SERIALIZATION: u8 = 0x1f;

/// Why bytes are no Dubbo frame. After either error the connection cannot be read further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The first two bytes are others than [`MAGIC`].
    #[error("a frame starts with {:02x} {:02x}, wanted the magic da bb: the peer does not speak Dubbo here", found[0], found[1])]
    BadMagic {
        /// The two bytes that stood there.
        found: [u8; 2],
    },
    /// The length is negative as Java reads it.
    #[error("a frame says that its body has {found} bytes, wanted 0 or more")]
    NegativeLength {
        /// The length as it stood there.
        found: i32,
    },
}

/// The serialization of a body: the low five bits of the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serialization(u8);

/// A serialization that this crate can read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Hessian 2 in hessian-lite's dialect, the default of every release.
    Hessian2,
    /// JSONB of fastjson2, the preference of 3.2 and later providers.
    Fastjson2,
}

impl Serialization {
    /// Id 2.
    pub const HESSIAN2: Self = Self(2);
    /// Id 23.
    pub const FASTJSON2: Self = Self(23);

    /// The serialization with this id; only the low five bits count, as on the wire.
    #[must_use]
    pub const fn new(id: u8) -> Self {
        Self(id & SERIALIZATION)
    }

    /// The id, 0 to 31.
    #[must_use]
    pub const fn id(self) -> u8 {
        self.0
    }

    /// How to read it, or `None` where the bytes are opaque.
    #[must_use]
    pub const fn codec(self) -> Option<Codec> {
        match self.0 {
            2 => Some(Codec::Hessian2),
            23 => Some(Codec::Fastjson2),
            _ => None,
        }
    }

    /// Dubbo's name for it; `unknown` for ids that no release defines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            2 => "hessian2",
            3 => "java",
            4 => "compactedjava",
            6 => "fastjson",
            7 => "nativejava",
            8 => "kryo",
            9 => "fst",
            10 => "native-hessian",
            11 => "avro",
            12 => "protostuff",
            16 => "gson",
            18 => "jackson",
            21 => "protobuf-json",
            22 => "protobuf",
            23 => "fastjson2",
            25 => "kryo2",
            27 => "msgpack",
            28 => "fury",
            31 => "custom-msgpack",
            _ => "unknown",
        }
    }
}

impl Codec {
    /// The id that goes into the flags.
    #[must_use]
    pub const fn serialization(self) -> Serialization {
        match self {
            Self::Hessian2 => Serialization::HESSIAN2,
            Self::Fastjson2 => Serialization::FASTJSON2,
        }
    }

    /// The body that is a serialized null: a heartbeat.
    #[must_use]
    pub const fn null_body(self) -> &'static [u8] {
        match self {
            Self::Hessian2 => &[0x4e],
            Self::Fastjson2 => &[0, 0, 0, 1, 0xaf],
        }
    }
}

impl std::fmt::Display for Serialization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.0, self.name())
    }
}

/// The status of a reply. Any byte is possible; the ones that Dubbo knows have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

impl Status {
    /// 20: a result or an exception of the application.
    pub const OK: Self = Self(20);
    /// 25: the provider could not serialize the result (too large).
    pub const SERIALIZATION_ERROR: Self = Self(25);
    /// 30: never written in time.
    pub const CLIENT_TIMEOUT: Self = Self(30);
    /// 31: written, unanswered; Java repeats the call.
    pub const SERVER_TIMEOUT: Self = Self(31);
    /// 35: the connection went away with the call pending.
    pub const CHANNEL_INACTIVE: Self = Self(35);
    /// 40: the request could not be decoded.
    pub const BAD_REQUEST: Self = Self(40);
    /// 50: the result could not be encoded.
    pub const BAD_RESPONSE: Self = Self(50);
    /// 60: defined, sent by nobody.
    pub const SERVICE_NOT_FOUND: Self = Self(60);
    /// 70: exporter lookup or a filter failed.
    pub const SERVICE_ERROR: Self = Self(70);
    /// 80: dispatch failed; from a gateway: not sent.
    pub const SERVER_ERROR: Self = Self(80);
    /// 90: the consumer could not decode the reply.
    pub const CLIENT_ERROR: Self = Self(90);
    /// 100: the thread pool is full; Dubbo's word for overload.
    pub const OVERLOADED: Self = Self(100);

    /// Every status that a release of Dubbo defines.
    pub const ALL: [Self; 12] = [
        Self::OK,
        Self::SERIALIZATION_ERROR,
        Self::CLIENT_TIMEOUT,
        Self::SERVER_TIMEOUT,
        Self::CHANNEL_INACTIVE,
        Self::BAD_REQUEST,
        Self::BAD_RESPONSE,
        Self::SERVICE_NOT_FOUND,
        Self::SERVICE_ERROR,
        Self::SERVER_ERROR,
        Self::CLIENT_ERROR,
        Self::OVERLOADED,
    ];

    /// Dubbo's name for it, `unknown` for any other byte.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            20 => "OK",
            25 => "SERIALIZATION_ERROR",
            30 => "CLIENT_TIMEOUT",
            31 => "SERVER_TIMEOUT",
            35 => "CHANNEL_INACTIVE",
            40 => "BAD_REQUEST",
            50 => "BAD_RESPONSE",
            60 => "SERVICE_NOT_FOUND",
            70 => "SERVICE_ERROR",
            80 => "SERVER_ERROR",
            90 => "CLIENT_ERROR",
            100 => "SERVER_THREADPOOL_EXHAUSTED_ERROR",
            _ => "unknown",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.0, self.name())
    }
}

/// What a frame is for, by its flags alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A request that wants a reply.
    Call,
    /// A request that gets no reply, whatever happens.
    OneWay,
    /// The reply to a call.
    Reply,
    /// An event that wants a reply: a heartbeat.
    EventCall,
    /// An event that wants none: readonly, writable.
    EventOneWay,
    /// The reply to an event; it is never matched to a call.
    EventReply,
}

/// What an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The body is a serialized null.
    Heartbeat,
    /// `R`: no new calls on this connection.
    Readonly,
    /// `W`: new calls are welcome again (3.2 and later).
    Writable,
    /// Something that no release defines, or a serialization that is not understood.
    Other,
}

/// A decoded header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The third byte as it came.
    pub flags: u8,
    /// The status byte; 0 on requests.
    pub status: u8,
    /// The request id: any value, unique only on one connection in one direction.
    pub id: i64,
    /// Bytes that follow the header; never above `i32::MAX`.
    pub body_len: u32,
}

impl Header {
    /// Reads a header from the front of `bytes`; `None` while fewer than 16 have arrived.
    ///
    /// # Errors
    /// [`FrameError::BadMagic`] as soon as two bytes are there, [`FrameError::NegativeLength`].
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, FrameError> {
        if let [a, b, ..] = *bytes
            && [a, b] != MAGIC
        {
            return Err(FrameError::BadMagic { found: [a, b] });
        }
        let Some(h) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(None) };
        let id = i64::from_be_bytes([h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11]]);
        let len = i32::from_be_bytes([h[12], h[13], h[14], h[15]]);
        let body_len = u32::try_from(len).map_err(|_| FrameError::NegativeLength { found: len })?;
        Ok(Some(Self { flags: h[2], status: h[3], id, body_len }))
    }

    /// A request's header.
    #[must_use]
    pub const fn request(serialization: Serialization, id: i64, body_len: u32) -> Self {
        Self { flags: REQUEST | TWO_WAY | serialization.0, status: 0, id, body_len }
    }

    /// The header of a request that gets no reply.
    #[must_use]
    pub const fn one_way(serialization: Serialization, id: i64, body_len: u32) -> Self {
        Self { flags: REQUEST | serialization.0, status: 0, id, body_len }
    }

    /// A reply's header.
    #[must_use]
    pub const fn reply(serialization: Serialization, status: Status, id: i64, body_len: u32) -> Self {
        Self { flags: serialization.0, status: status.0, id, body_len }
    }

    /// The 16 bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[..2].copy_from_slice(&MAGIC);
        out[2] = self.flags;
        out[3] = self.status;
        out[4..12].copy_from_slice(&self.id.to_be_bytes());
        out[12..].copy_from_slice(&self.body_len.to_be_bytes());
        out
    }

    /// Header and body together, in bytes.
    #[must_use]
    pub const fn frame_len(&self) -> usize {
        HEADER_LEN + self.body_len as usize
    }

    /// What the frame is for.
    #[must_use]
    pub const fn kind(&self) -> FrameKind {
        match (self.is_request(), self.is_event(), self.is_two_way()) {
            (true, false, true) => FrameKind::Call,
            (true, false, false) => FrameKind::OneWay,
            (false, false, _) => FrameKind::Reply,
            (true, true, true) => FrameKind::EventCall,
            (true, true, false) => FrameKind::EventOneWay,
            (false, true, _) => FrameKind::EventReply,
        }
    }

    /// Bit 7: a request (else a reply).
    #[must_use]
    pub const fn is_request(&self) -> bool {
        self.flags & REQUEST != 0
    }

    /// Bit 6: a reply is expected; means something on requests only.
    #[must_use]
    pub const fn is_two_way(&self) -> bool {
        self.flags & TWO_WAY != 0
    }

    /// Bit 5: an event, no call.
    #[must_use]
    pub const fn is_event(&self) -> bool {
        self.flags & EVENT != 0
    }

    /// Bits 0 to 4.
    #[must_use]
    pub const fn serialization(&self) -> Serialization {
        Serialization::new(self.flags)
    }

    /// The status; means something on replies only.
    #[must_use]
    pub const fn status(&self) -> Status {
        Status(self.status)
    }

    /// What an event frame with this body says. Call it for events only.
    ///
    /// Two nulls are a heartbeat too: dubbo-go answers with them.
    #[must_use]
    pub fn event(&self, body: &[u8]) -> Event {
        match (self.serialization().codec(), body) {
            (Some(Codec::Hessian2), [0x4e] | [0x4e, 0x4e]) | (Some(Codec::Fastjson2), [0, 0, 0, 1, 0xaf]) => {
                Event::Heartbeat
            }
            // dubbo-go answers with Hessian bytes, whatever the flags say.
            (_, [0x4e, 0x4e]) => Event::Heartbeat,
            (Some(Codec::Hessian2), [0x01, letter]) => Event::of(*letter),
            (Some(Codec::Fastjson2), [0, 0, 0, 2, 0x4a, letter]) => Event::of(*letter),
            _ => Event::Other,
        }
    }
}

impl Event {
    const fn of(letter: u8) -> Self {
        match letter {
            b'R' => Self::Readonly,
            b'W' => Self::Writable,
            _ => Self::Other,
        }
    }
}

/// Replaces the id in place. `false`, and nothing changed, where `frame` is shorter than a header.
pub fn set_id(frame: &mut [u8], id: i64) -> bool {
    match frame.get_mut(4..12) {
        Some(place) => {
            place.copy_from_slice(&id.to_be_bytes());
            true
        }
        None => false,
    }
}

/// Appends a two-way heartbeat.
pub fn put_heartbeat_request(out: &mut impl BufMut, id: i64, codec: Codec) {
    put_event(out, REQUEST | TWO_WAY | EVENT | codec.serialization().0, 0, id, codec.null_body());
}

/// Appends the answer to a two-way event: the same id and serialization, status OK, a null.
///
/// In a serialization that is not understood the null is Hessian's, as dubbo-go answers. Call it only where
/// [`FrameKind::EventCall`] arrived: nobody wants an answer to another event.
pub fn put_heartbeat_reply(out: &mut impl BufMut, asked: &Header) {
    let serialization = asked.serialization();
    let body = serialization.codec().unwrap_or(Codec::Hessian2).null_body();
    put_event(out, EVENT | serialization.0, Status::OK.0, asked.id, body);
}

/// Appends a one-way event: [`Event::Readonly`] or [`Event::Writable`]; any other event appends nothing.
pub fn put_event_notice(out: &mut impl BufMut, id: i64, codec: Codec, event: Event) {
    let letter = match event {
        Event::Readonly => b'R',
        Event::Writable => b'W',
        Event::Heartbeat | Event::Other => return,
    };
    let flags = REQUEST | EVENT | codec.serialization().0;
    match codec {
        Codec::Hessian2 => put_event(out, flags, 0, id, &[0x01, letter]),
        Codec::Fastjson2 => put_event(out, flags, 0, id, &[0, 0, 0, 2, 0x4a, letter]),
    }
}

fn put_event(out: &mut impl BufMut, flags: u8, status: u8, id: i64, body: &[u8]) {
    out.put_slice(&Header { flags, status, id, body_len: body.len() as u32 }.encode());
    out.put_slice(body);
}
