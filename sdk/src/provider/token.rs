//! What callers show to be let in: Dubbo's `token`, which registries tell to consumers and to the ingress gateway.
//!
//! It is compared in constant time and shown to nobody: neither the own one nor what came in its place.
//! Source: `TokenFilter` of apache/dubbo, which lets `$echo` through as well.

use client::Token;
use subtle::ConstantTimeEq;
use wire::dubbo::call::Call;
use wire::dubbo::frame::Status;

use super::lookup::refuse;
use super::service::Service;
use super::thrown::Refusal;

/// The attachment, and the parameter of a URL.
pub(super) const TOKEN: &str = "token";
/// Longer ones no URL of a registry has room for.
const LEN_MAX: usize = 256;

/// What is wrong with a token that URLs have to carry, without the token.
pub(super) fn mistake(token: &Token) -> Option<String> {
    let text = token.reveal();
    let is_sound = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let wanted = "1 to 256 of A-Z, a-z, 0-9 and `-._~`";
    match text.len() {
        1..=LEN_MAX if is_sound => None,
        1..=LEN_MAX => Some(format!("found another character in it, wanted {wanted}")),
        len => Some(format!("found {len} bytes, wanted {wanted}")),
    }
}

/// Lets a call in that shows this.
pub(super) fn admit(token: &Token, call: &Call<'_>, service: &Service) -> Result<(), Refusal> {
    let shown = call.attachments.get(TOKEN).unwrap_or_default();
    if bool::from(shown.as_bytes().ct_eq(token.reveal().as_bytes())) {
        return Ok(());
    }
    let found = if shown.is_empty() { "none" } else { "another one" };
    // As Java's own begins, so that whoever looks for it finds it.
    let text = format!(
        "Invalid token! Forbid invoke remote service {}: found {found} in the attachment `{TOKEN}`, wanted that of this provider's URL in its registry",
        service.name()
    );
    Err(refuse(Status::SERVICE_ERROR, text))
}
