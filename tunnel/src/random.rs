//! Numbers that nobody can guess, from the system. It never falls back to something weaker.

use std::io;

use snow::resolvers::{CryptoResolver, DefaultResolver};

/// 16 random bytes.
///
/// # Errors
/// The system gives none.
pub(crate) fn bytes() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    let mut source = DefaultResolver.resolve_rng().ok_or_else(|| io::Error::other("no source of randomness"))?;
    source.try_fill_bytes(&mut bytes).map_err(|_| io::Error::other("the system gives no randomness"))?;
    Ok(bytes)
}

/// A random number.
///
/// # Errors
/// The system gives none.
pub(crate) fn number() -> io::Result<u64> {
    let [a, b, c, d, e, f, g, h, ..] = bytes()?;
    Ok(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
