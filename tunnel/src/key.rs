//! Keys of the handshake as text: one line, a header that says what it is, 32 bytes of X25519 in base64.
//!
//! ```text
//!  highway-key-1:0mBWQMTyXHRIVPLqQO2cPBzSSHRUVxlHPFTtFAzlDVU=     private: in a file that only its owner reads
//!  highway-pub-1:kH0r2mAuVTk9h9ljh4dNYQ5yHNs2CJ4M0VNsDgGjVBM=     public: in configurations and policies
//! ```
//!
//! Reads and writes text only: files are opened, and checked for who may read them, by whoever has them. A private key
//! is printed by nothing but [`PrivateKey::to_text`], and no error carries a character of what was read.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};

/// Length of either half in bytes (RFC 7748).
pub const KEY_LEN: usize = 32;

const PRIVATE_HEADER: &str = "highway-key-1:";
const PUBLIC_HEADER: &str = "highway-pub-1:";

/// The secret half: who holds it is the gateway or the hub.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey([u8; KEY_LEN]);

/// The half that others know a gateway or a hub by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY_LEN]);

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Some other text.
    #[error("found no {wanted} in front, wanted one line {wanted}BASE64")]
    NoHeader {
        /// The header that was looked for.
        wanted: &'static str,
    },
    /// A private key where a public one is wanted.
    #[error("found a private key, wanted the public half (`highway key show FILE` prints it)")]
    IsPrivate,
    /// A public key where a private one is wanted.
    #[error("found a public key, wanted the private half (`highway key new --out FILE` makes one)")]
    IsPublic,
    /// The rest of the line is not 32 bytes in base64.
    #[error("found something else than 32 bytes in base64 after the header")]
    NotBase64,
    /// The system has no randomness, or the Noise library no X25519.
    #[error("no key can be made on this system")]
    NoSource,
}

impl PrivateKey {
    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::NoSource`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut random = DefaultResolver.resolve_rng().ok_or(KeyError::NoSource)?;
        let mut pair = DefaultResolver.resolve_dh(&DHChoice::Curve25519).ok_or(KeyError::NoSource)?;
        pair.generate(random.as_mut()).map_err(|_| KeyError::NoSource)?;
        pair.privkey().try_into().map(Self).map_err(|_| KeyError::NoSource)
    }

    /// The half that others may know.
    ///
    /// # Errors
    /// [`KeyError::NoSource`].
    pub fn public(&self) -> Result<PublicKey, KeyError> {
        let mut pair = DefaultResolver.resolve_dh(&DHChoice::Curve25519).ok_or(KeyError::NoSource)?;
        pair.set(&self.0);
        pair.pubkey().try_into().map(PublicKey).map_err(|_| KeyError::NoSource)
    }

    /// The line of a key file, without its end. The one way out of here for a secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PRIVATE_HEADER}{}", STANDARD.encode(self.0))
    }

    /// The raw key, as the handshake takes it.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Reads the content of a key file; white space around the line is let through.
    ///
    /// # Errors
    /// What was found instead, without any of it.
    pub fn from_file_content(content: &[u8]) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(content).map_err(|_| KeyError::NoHeader { wanted: PRIVATE_HEADER })?;
        text.parse()
    }
}

impl PublicKey {
    /// A public key as the handshake gives it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The raw key, as the handshake takes it.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl FromStr for PrivateKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.trim().starts_with(PUBLIC_HEADER) {
            return Err(KeyError::IsPublic);
        }
        decode(text, PRIVATE_HEADER).map(Self)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.trim().starts_with(PRIVATE_HEADER) {
            return Err(KeyError::IsPrivate);
        }
        decode(text, PUBLIC_HEADER).map(Self)
    }
}

fn decode(text: &str, header: &'static str) -> Result<[u8; KEY_LEN], KeyError> {
    let digits = text.trim().strip_prefix(header).ok_or(KeyError::NoHeader { wanted: header })?;
    let bytes = STANDARD.decode(digits).map_err(|_| KeyError::NotBase64)?;
    bytes.try_into().map_err(|_| KeyError::NotBase64)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_HEADER}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748, section 6.1: Alice's pair.
    const ALICE: [u8; 32] = [
        0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c,
        0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
    ];
    const ALICE_PUBLIC: [u8; 32] = [
        0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf,
        0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a,
    ];

    #[test]
    fn the_public_half_is_the_one_of_the_standard() {
        assert_eq!(PrivateKey(ALICE).public().unwrap().bytes(), &ALICE_PUBLIC);
    }

    #[test]
    fn a_new_key_survives_its_file() {
        let key = PrivateKey::generate().unwrap();
        let again = PrivateKey::from_file_content(format!("{}\n", key.to_text()).as_bytes()).unwrap();
        assert!(again == key);
        let public = key.public().unwrap();
        assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
        assert!(PrivateKey::generate().unwrap() != key, "two keys are never the same");
    }

    #[test]
    fn a_handshake_takes_both_halves() {
        let (hub, gateway) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        let pattern = || "Noise_IK_25519_ChaChaPoly_BLAKE2s".parse().unwrap();
        let mut ours = snow::Builder::new(pattern())
            .local_private_key(gateway.bytes())
            .unwrap()
            .remote_public_key(hub.public().unwrap().bytes())
            .unwrap()
            .build_initiator()
            .unwrap();
        let mut theirs =
            snow::Builder::new(pattern()).local_private_key(hub.bytes()).unwrap().build_responder().unwrap();
        let (mut sent, mut read) = ([0; 256], [0; 256]);
        let len = ours.write_message(b"", &mut sent).unwrap();
        theirs.read_message(&sent[..len], &mut read).unwrap();
        assert_eq!(theirs.get_remote_static().unwrap(), gateway.public().unwrap().bytes());
    }

    #[test]
    fn the_wrong_half_is_named_and_nothing_of_it_is_shown() {
        let key = PrivateKey(ALICE);
        let digits = STANDARD.encode(ALICE);
        let private = key.to_text();
        let error = private.parse::<PublicKey>().unwrap_err();
        assert_eq!(error, KeyError::IsPrivate);
        assert!(!format!("{error} {error:?} {key:?}").contains(&digits[..8]));
        assert_eq!(key.public().unwrap().to_string().parse::<PrivateKey>().unwrap_err(), KeyError::IsPublic);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "highway-pub-2:AAAA", "ssh-ed25519 AAAA"] {
            assert!(matches!(text.parse::<PublicKey>(), Err(KeyError::NoHeader { .. })), "{text:?}");
        }
        for digits in ["", "AAAA", "????", &STANDARD.encode([0; 31]), &STANDARD.encode([0; 33])] {
            let text = format!("highway-pub-1:{digits}");
            assert_eq!(text.parse::<PublicKey>(), Err(KeyError::NotBase64), "{digits:?}");
        }
        assert!(PrivateKey::from_file_content(&[0xff, 0xfe]).is_err());
    }
}
