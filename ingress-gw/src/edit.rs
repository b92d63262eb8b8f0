//! What this gateway puts into every call that it hands to a provider: Highway's word on who calls. How the frame is written for one
//! provider is `client::ForProvider`'s.

use std::sync::Arc;
use std::time::Duration;

use client::{EditError, ForProvider, Offer, TokenOf};
use wire::tunnel::Head;

use crate::verify::Verified;

/// The calling island, which the hub vouches for.
pub const SOURCE_ISLAND: &str = "highway.source.island";
/// The calling application, as that island says.
pub const SOURCE_APPLICATION: &str = "highway.source.application";

/// What the frames for all providers of one service have in common.
#[derive(Debug, Clone)]
pub struct Target {
    /// What field 2 has to say: 2.7 and later look it up before they read the attachments.
    pub interface: Arc<str>,
    /// Whose token goes along.
    pub token: TokenOf,
}

/// Appends the frame for the provider that makes `offer`; `left` is what remains for it. The application goes along where it does not
/// make the body too long for a provider.
///
/// # Errors
/// [`EditError`]; nothing was appended. A call that can be read never goes without its island: a provider may trust one that has none.
/// One that cannot (`opaque = true` in a rule of the export) goes as it came, without its island or with whatever the caller wrote there.
pub fn append(
    verified: &Verified<'_>,
    head: &Head<'_>,
    target: &Target,
    offer: &Offer,
    left: Duration,
    id: i64,
    out: &mut Vec<u8>,
) -> Result<(), EditError> {
    let Verified { header, frame, peeked } = verified;
    let needed = &[(SOURCE_ISLAND, head.source)];
    let more = &[(SOURCE_APPLICATION, head.application)];
    let interface = &*target.interface;
    ForProvider { header, frame, peeked, interface, needed, more }.append(offer, left, id, out)
}

#[cfg(test)]
mod tests {
    use client::Endpoint;
    use wire::dubbo::call::{Peeked, peek};
    use wire::dubbo::frame::{Codec, HEADER_LEN, Header};
    use wire::dubbo::request::{Arg, Request};

    use super::*;
    use crate::verify::verify;

    const SERVICE: &str = "com.acme.Greeter";

    #[test]
    fn a_provider_hears_who_calls_from_the_hub_and_not_from_the_caller() {
        for codec in [Codec::Hessian2, Codec::Fastjson2] {
            let lies = [("highway.source.island", "the cloud"), ("highway.x", "y"), ("mine", "kept")];
            let (types, args) = ("Ljava/lang/String;", &[Arg::Text("bo")]);
            let request = Request {
                codec,
                service: SERVICE,
                version: None,
                group: None,
                method: "hello",
                types,
                args,
                attachments: &lies,
            };
            let mut frame = Vec::new();
            request.append(&mut frame, -9);
            let head = Head {
                protocol: Head::DUBBO,
                serialization: frame[2] & 0x1f,
                body_len: frame.len() as u32,
                service: SERVICE,
                method: "hello",
                source: "beijing",
                application: "shop",
                ..Head::default()
            };
            let target = Target { interface: SERVICE.into(), token: TokenOf::Caller };
            let offer = Offer::new(Endpoint::new("h1", 20880), SERVICE);
            let mut sent = Vec::new();
            let left = Duration::from_secs(1);
            append(&verify(&head, &frame).unwrap(), &head, &target, &offer, left, 77, &mut sent).unwrap();
            let header = Header::decode(&sent).unwrap().unwrap();
            let Peeked::Call(call) = peek(&header, &sent[HEADER_LEN..]).unwrap() else { panic!("opaque") };
            let found = |key| call.attachments.get(key).map(std::borrow::Cow::into_owned);
            assert_eq!(found(SOURCE_ISLAND).as_deref(), Some("beijing"));
            assert_eq!(found(SOURCE_APPLICATION).as_deref(), Some("shop"));
            assert_eq!((found("mine").as_deref(), found("highway.x")), (Some("kept"), None));
        }
    }
}
