//! Dubbo's URL inside a node name: `enc("dubbo://host:port/path?key=value&…")`.
//!
//! The whole text is encoded once more as `java.net.URLEncoder` does it; a value that was encoded before comes out of
//! [`Url::decode`] still encoded, as Java keeps it. Reading is tolerant (bad escapes stay as they are, parts without
//! `=` are dropped), writing is strict: parameters sorted by key, empty values left out.
//! Source: `URL.valueOf`, `URL.toFullString`, `URL.encode` of apache/dubbo.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The URL of a provider or a consumer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Url {
    /// `dubbo`, `tri`, `consumer`, …
    pub(crate) protocol: String,
    /// Without brackets around an IPv6 address.
    pub(crate) host: String,
    /// 0 where none is said.
    pub(crate) port: u16,
    /// Without the slash in front.
    pub(crate) path: String,
    /// As they came.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Url {
    /// Reads a node name; `None` where it is no URL.
    pub(crate) fn decode(node_name: &str) -> Option<Self> {
        Self::parse(&percent_decode(node_name))
    }

    /// Reads a URL that is not encoded.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (place, query) = text.split_once('?').map_or((text, ""), |(place, query)| (place, query));
        let (protocol, rest) = place.split_once("://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let (host, port) = split_address(address)?;
        if protocol.is_empty() || host.is_empty() {
            return None;
        }
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let parameters =
            pairs.filter(|(key, _)| !key.is_empty()).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Some(Self { protocol: protocol.to_owned(), host: host.to_owned(), port, path: path.to_owned(), parameters })
    }

    /// The URL as text.
    pub(crate) fn text(&self) -> String {
        let brackets = self.host.contains(':');
        let mut out = String::with_capacity(256);
        let _ = match brackets {
            true => write!(out, "{}://[{}]", self.protocol, self.host),
            false => write!(out, "{}://{}", self.protocol, self.host),
        };
        if self.port != 0 {
            let _ = write!(out, ":{}", self.port);
        }
        let _ = write!(out, "/{}", self.path);
        let mut separator = '?';
        for (key, value) in self.parameters.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(out, "{separator}{key}={value}");
            separator = '&';
        }
        out
    }

    /// The node name.
    pub(crate) fn encode(&self) -> String {
        percent_encode(&self.text())
    }
}

/// Host and port; the port is 0 where none is said.
fn split_address(address: &str) -> Option<(&str, u16)> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let port = after.strip_prefix(':').unwrap_or("0");
        return Some((host, port.parse().ok()?));
    }
    match address.rsplit_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((address, 0)),
    }
}

/// `java.net.URLEncoder` with UTF-8: letters, digits and `.-*_` stay, a space becomes `+`.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// `java.net.URLDecoder` with UTF-8, but for bad escapes: they stay as they are.
pub(crate) fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As a 2.6 provider writes it (dubbo-wire 4.1).
    const NODE_26: &str = "dubbo%3A%2F%2F10.1.2.3%3A21880%2Fdemo.Svc%3Fanyhost%3Dtrue%26application%3Dprobe-provider%26\
        dubbo%3D2.0.2%26generic%3Dfalse%26group%3Dg1%26interface%3Ddemo.Svc%26logger%3Dlog4j%26methods%3Darr%2Cfail%2C\
        nul%2Cecho%2CvoidCall%26pid%3D14449%26revision%3D1.0.0%26side%3Dprovider%26timestamp%3D1795249688070%26\
        token%3Dtok%26version%3D1.0.0";

    #[test]
    fn a_node_of_a_real_provider_is_read_and_written_back_byte_for_byte() {
        let url = Url::decode(NODE_26).unwrap();
        assert_eq!((url.protocol.as_str(), url.host.as_str(), url.port), ("dubbo", "10.1.2.3", 21880));
        assert_eq!(url.path, "demo.Svc");
        assert_eq!(url.parameters["methods"], "arr,fail,nul,echo,voidCall");
        assert_eq!(url.parameters.len(), 14);
        assert_eq!(url.encode(), NODE_26);
    }

    #[test]
    fn a_value_that_was_encoded_before_stays_encoded() {
        let url = Url::decode("route%3A%2F%2F0.0.0.0%2Fa.B%3Frule%3Dmethod%253Dx%2526y").unwrap();
        assert_eq!(url.parameters["rule"], "method%3Dx%26y");
        assert_eq!(url.encode(), "route%3A%2F%2F0.0.0.0%2Fa.B%3Frule%3Dmethod%253Dx%2526y");
    }

    #[test]
    fn a_path_may_have_a_context_in_front_of_the_interface() {
        let url = Url::parse("dubbo://h:1/shanghai/com.acme.Greeter?interface=com.acme.Greeter").unwrap();
        assert_eq!(url.path, "shanghai/com.acme.Greeter");
    }

    #[test]
    fn an_address_may_be_ipv6_have_no_port_or_a_user() {
        let url = Url::parse("dubbo://[fd00::7]:20880/a.B").unwrap();
        assert_eq!((url.host.as_str(), url.port), ("fd00::7", 20880));
        assert_eq!(url.text(), "dubbo://[fd00::7]:20880/a.B");
        let url = Url::parse("consumer://10.0.0.1/a.B?x=1").unwrap();
        assert_eq!((url.host.as_str(), url.port), ("10.0.0.1", 0));
        assert_eq!(url.text(), "consumer://10.0.0.1/a.B?x=1");
        assert_eq!(Url::parse("dubbo://user:secret@h:1/a.B").unwrap().host, "h");
    }

    #[test]
    fn an_inner_class_and_unicode_are_encoded_as_java_does() {
        assert_eq!(percent_encode("a.B$C é*"), "a.B%24C+%C3%A9*");
        assert_eq!(percent_decode("a.B%24C+%C3%A9*"), "a.B$C é*");
    }

    #[test]
    fn what_is_no_url_is_none() {
        for text in ["", "dubbo", "%3A%2F%2F", "dubbo%3A%2F%2F", "dubbo%3A%2F%2Fh%3A99999%2Fx", "dubbo://[::1/x"] {
            assert_eq!(Url::decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn encoding_loses_nothing(text in "\\PC*") {
            prop_assert_eq!(percent_decode(&percent_encode(&text)), text);
        }

        #[test]
        fn no_node_name_panics(text in any::<String>()) {
            let _ = Url::decode(&text);
        }
    }
}
