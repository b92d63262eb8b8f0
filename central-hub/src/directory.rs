//! Which gateways may link: the policy in force, asked by the handshake. It changes nothing; a replayed first message gets
//! here too.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tunnel::key::PublicKey;
use tunnel::{ClientHello, Directory, Listing, Peer, Refusal, RefusalReason};

use crate::policy::Policy;

/// The shard's view of the policy, replaced as a whole.
pub type InForce = Rc<RefCell<Arc<Policy>>>;

/// The gateways of the policy in force.
pub struct Gateways(pub InForce);

impl Directory for Gateways {
    fn allow(&self, key: &PublicKey, hello: &ClientHello) -> Result<Peer, Refusal> {
        let policy = self.0.borrow();
        let Some(gateway) = policy.gateway(key) else {
            let text = format!(
                "no gateway has the key {key}; ask the hub's operator to list it under island `{}`: {}",
                hello.island,
                Listing::of(hello, key).in_a_line()
            );
            return Err(Refusal::new(RefusalReason::UnknownKey, text));
        };
        if gateway.revoked {
            return Err(Refusal::new(
                RefusalReason::Revoked,
                format!("the key of gateway `{}` is revoked", gateway.id),
            ));
        }
        if gateway.island != hello.island {
            let text =
                format!("this key is of island `{}`, found `{}`; correct `island.id`", gateway.island, hello.island);
            return Err(Refusal::new(RefusalReason::Island, text));
        }
        if gateway.role != hello.role {
            let text = format!(
                "this key is of an {} gateway, found an {}; each role has a key of its own",
                gateway.role, hello.role
            );
            return Err(Refusal::new(RefusalReason::Role, text));
        }
        if gateway.id != hello.gateway {
            let text =
                format!("this key is of gateway `{}`, found `{}`; correct `island.gateway`", gateway.id, hello.gateway);
            return Err(Refusal::new(RefusalReason::Island, text));
        }
        Ok(Peer {
            role: gateway.role,
            island: gateway.island.as_str().into(),
            name: gateway.id.as_str().into(),
            key: *key,
        })
    }

    fn takes_forms(&self, peer: &Peer) -> bool {
        self.0.borrow().takes_forms(&peer.island)
    }
}
