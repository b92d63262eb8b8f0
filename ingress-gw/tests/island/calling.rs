//! A call of a consumer elsewhere, as it comes over a link: its frame, and a head that says the same.

use std::time::Duration;

use wire::dubbo::frame::Codec;
use wire::dubbo::request::{Arg, Request};
use wire::tunnel::{Flags, Head, Stamp};

use super::{CALLERS_ID, LONG_LEN, SERVICE};

/// A call of a consumer elsewhere.
#[derive(Clone)]
pub struct Calling<'a> {
    pub service: &'a str,
    pub arg: &'a str,
    pub attachments: &'a [(&'a str, &'a str)],
    pub left: Duration,
    pub flags: Flags,
}

impl Default for Calling<'_> {
    fn default() -> Self {
        Self { service: SERVICE, arg: "you", attachments: &[], left: Duration::from_secs(10), flags: Flags::default() }
    }
}

impl Calling<'_> {
    pub fn frame(&self) -> Vec<u8> {
        let request = Request {
            codec: Codec::Hessian2,
            service: self.service,
            version: None,
            group: None,
            method: "hello",
            types: if self.arg.len() > LONG_LEN { "[B" } else { "Ljava/lang/String;" },
            args: &[if self.arg.len() > LONG_LEN { Arg::Bytes(self.arg.as_bytes()) } else { Arg::Text(self.arg) }],
            attachments: self.attachments,
        };
        let mut frame = Vec::new();
        request.append(&mut frame, CALLERS_ID);
        if self.flags.contains(Flags::ONE_WAY) {
            frame[2] &= !0x40;
        }
        frame
    }

    pub fn head(&self, frame: &[u8]) -> Head<'_> {
        Head {
            protocol: Head::DUBBO,
            hops: 1,
            flags: self.flags,
            serialization: 2,
            remaining_ms: self.left.as_millis() as u32,
            body_len: frame.len() as u32,
            stamp: Stamp { start: 9, counter: 10 },
            destination: "shanghai",
            source: "beijing",
            service: self.service,
            method: "hello",
            application: "shop",
            ..Head::default()
        }
    }
}
