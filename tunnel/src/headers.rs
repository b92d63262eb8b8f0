//! Headers that boxes on the way to a hub want to see: a token of a gateway, a team's name. The hub looks at none of them.
//!
//! They never take the place of what makes a request one of a link, and values never show in a message.

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Names and values together; boxes refuse a request whose head is longer than 4 to 8 KiB (design, middleboxes).
const MAX_LEN: usize = 2 * 1024;

/// Takes a header.
///
/// # Errors
/// It is none, or one that belongs to the request itself.
pub(crate) fn put(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    let wrong = |_| format!("found the name {name:?}, wanted a header's, such as \"X-Team\"");
    let name = HeaderName::try_from(name).map_err(wrong)?;
    let is_hop =
        [CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
    if name == HOST {
        return Err("wanted host = \"NAME\" in this section in its place".to_owned());
    }
    if is_hop.contains(&name) || name.as_str().starts_with("sec-websocket-") || name.as_str().starts_with("proxy-") {
        return Err("found a header that belongs to the link's own requests, wanted another".to_owned());
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| "found a value that is no line of text".to_owned())?;
    value.set_sensitive(true);
    headers.append(name, value);
    Ok(())
}

/// Takes those of a file, `NAME: VALUE` on each line.
///
/// # Errors
/// The number of the line, and what is wrong with it.
pub(crate) fn put_lines(headers: &mut HeaderMap, text: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(text).map_err(|_| "found bytes that are no text".to_owned())?;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: &str| format!("line {}: {what}", at + 1);
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("wanted NAME: VALUE"))?;
        put(headers, name.trim(), value.trim()).map_err(|what| wrong(&what))?;
    }
    Ok(())
}

/// Whether a request with these is still short enough for boxes on the way.
///
/// # Errors
/// Both lengths.
pub(crate) fn within_bounds(headers: &HeaderMap) -> Result<(), String> {
    let len: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if len > MAX_LEN {
        return Err(format!(
            "found {len} bytes of headers, wanted at most {MAX_LEN}: boxes on the way refuse long heads"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_on_each_line_and_its_values_are_not_shown() {
        let mut headers = HeaderMap::new();
        put_lines(&mut headers, b"X-Token: a:b c\n\nx-token: d\r\n").unwrap();
        let values: Vec<&HeaderValue> = headers.get_all("x-token").iter().collect();
        assert_eq!(values, ["a:b c", "d"]);
        assert!(!format!("{headers:?}").contains("a:b"));
        let told = put_lines(&mut headers, b"X-A: 1\nsecret\n").unwrap_err();
        assert_eq!(told, "line 2: wanted NAME: VALUE");
        let told = put_lines(&mut headers, b"X-A: sec\x01ret").unwrap_err();
        assert_eq!(told, "line 1: found a value that is no line of text");
    }

    #[test]
    fn what_makes_a_request_is_not_taken() {
        let mut headers = HeaderMap::new();
        for name in ["Connection", "content-type", "Sec-WebSocket-Key", "Transfer-Encoding", "Proxy-Authorization"] {
            assert!(put(&mut headers, name, "x").unwrap_err().contains("the link's own"), "{name}");
        }
        assert!(put(&mut headers, "Host", "x").unwrap_err().contains("host = "));
        assert!(put(&mut headers, "a b", "x").unwrap_err().starts_with("found the name \"a b\""));
        put(&mut headers, "User-Agent", "shop/1").unwrap();
        put(&mut headers, "X-Long", &"x".repeat(MAX_LEN)).unwrap();
        assert!(within_bounds(&headers).unwrap_err().contains("wanted at most 2048"));
    }
}
