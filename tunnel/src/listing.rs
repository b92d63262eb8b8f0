//! What a hub's policy says of a gateway, as the lines that an operator puts into it. One text for everybody who says what is missing
//! there: whoever makes a key, a gateway that is checked, and a hub that refuses one.

use crate::key::PublicKey;
use crate::{ClientHello, Role};

/// A gateway as a policy lists it.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// Its island.
    pub island: &'a str,
    /// Its id.
    pub gateway: &'a str,
    /// Which half it is.
    pub role: Role,
    /// The public half of its key.
    pub key: &'a PublicKey,
}

impl<'a> Listing<'a> {
    /// The gateway that says this of itself, with the key that it has proved.
    #[must_use]
    pub fn of(hello: &'a ClientHello, key: &'a PublicKey) -> Self {
        Self { island: &hello.island, gateway: &hello.gateway, role: hello.role, key }
    }

    /// The entry for a policy that does not have the island yet.
    #[must_use]
    pub fn entry(&self) -> String {
        format!("[[island]]\nid = {}\n{}", quoted(self.island), self.gateway_entry())
    }

    /// The part of it that belongs below an island that is there.
    #[must_use]
    pub fn gateway_entry(&self) -> String {
        let Self { gateway, role, key, .. } = self;
        let gateway = quoted(gateway);
        format!("  [[island.gateway]]\n  id = {gateway}\n  role = \"{role}\"\n  key = \"{key}\"\n")
    }

    /// The same in one line, for sentences.
    #[must_use]
    pub fn in_a_line(&self) -> String {
        let Self { gateway, role, key, .. } = self;
        format!("[[island.gateway]] with id = {}, role = \"{role}\", key = \"{key}\"", quoted(gateway))
    }
}

/// A text of TOML, whatever a stranger calls itself.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::PrivateKey;

    #[test]
    fn an_entry_is_what_a_policy_has_and_no_name_breaks_out_of_it() {
        let key = PrivateKey::generate().unwrap().public().unwrap();
        let listing = Listing { island: "beijing", gateway: "gw\"\n[[grant]]\\", role: Role::Ingress, key: &key };
        let wanted = format!(
            "[[island]]\nid = \"beijing\"\n  [[island.gateway]]\n  id = \"gw\\\"\\u000A[[grant]]\\\\\"\n  role = \"ingress\"\n  key = \"{key}\"\n"
        );
        assert_eq!(listing.entry(), wanted);
        assert!(!listing.in_a_line().contains('\n'));
    }
}
