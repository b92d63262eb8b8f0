//! What `/status` says of this hub: its links, what islands offer, who is listed, and what came of calls. Bounded, never a key.

use std::collections::BTreeMap;

use chassis::metrics::tally::worst;
use serde_json::{Value, json};
use tunnel::Link;

use super::Switch;

/// Services of islands whose calls are shown at most: those that fail most, then those that are called most.
const SHOWN_SERVICES: usize = 1000;

impl Switch {
    /// What `/status` says.
    pub fn status(&self) -> Value {
        let links: Vec<_> = self.links.borrow().all().map(Link::status).collect();
        let (services, services_not_shown) = worst(self.links.borrow().tallied(), SHOWN_SERVICES);
        let services = services
            .into_iter()
            .map(|((island, service), calls)| json!({ "island": island, "service": service, "calls": calls }));
        let policy = self.policy.borrow();
        json!({
            "id": &*self.id,
            "islands": policy.islands().count(),
            "grants": policy.grants_len(),
            "links": links,
            "offers": self.offers(),
            "calls_open": self.calls.borrow().len(),
            "gateways": self.listed(),
            "sent": self.sent(),
            "services": services.collect::<Vec<_>>(),
            "services_not_shown": services_not_shown,
        })
    }

    /// How much each gateway offers.
    fn offers(&self) -> Vec<Value> {
        let catalogue = self.catalogue.borrow();
        let offers = catalogue.origins().map(|(who, services, linked)| {
            json!({ "island": who.island, "gateway": who.gateway, "services": services, "linked": linked })
        });
        offers.collect()
    }

    /// Every gateway of the policy once, by island and id, linked or not.
    fn listed(&self) -> Vec<Value> {
        let policy = self.policy.borrow();
        let mut listed = BTreeMap::new();
        for gateway in policy.gateways() {
            // Of one with two keys, while the key is changed, only one may be revoked.
            let revoked = listed.entry((&*gateway.island, &*gateway.id)).or_insert((gateway.role, true));
            revoked.1 &= gateway.revoked;
        }
        let shown = listed.into_iter().map(|((island, id), (role, revoked))| {
            json!({ "island": island, "gateway": id, "role": role.to_string(), "revoked": revoked })
        });
        shown.collect()
    }

    /// What came of the calls of each island that the policy has.
    fn sent(&self) -> Vec<Value> {
        let policy = self.policy.borrow();
        let mut islands: Vec<&str> = policy.islands().map(|(id, _)| id).collect();
        islands.sort_unstable();
        let sent =
            islands.into_iter().map(|island| json!({ "island": island, "calls": self.limits.of(island).sent().get() }));
        sent.collect()
    }
}
