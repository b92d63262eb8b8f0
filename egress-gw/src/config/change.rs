//! What of a configuration can change while the gateway runs: `[import]`, `egress.allow`, `[egress.tls]`, `[local.tls]` and, in the chassis,
//! `[log]`. Everything else is named, so that a reload is taken as a whole or not at all.

use super::Config;

impl Config {
    /// The sections in which `new` differs and that need a restart.
    #[must_use]
    pub fn fixed_differences(&self, new: &Self) -> Vec<&'static str> {
        let hubs = |config: &Self| {
            let of = |hub: &tunnel::HubAddress| {
                let known =
                    (hub.url.clone(), hub.server_name.clone(), hub.keys.clone(), hub.transport, hub.tls.is_some());
                (known, hub.proxy.clone(), hub.host.clone(), hub.headers.clone())
            };
            config.hubs.addresses.iter().map(of).collect::<Vec<_>>()
        };
        let registries = |config: &Self| config.registries.iter().map(|r| format!("{r:?}")).collect::<Vec<_>>();
        let link = |config: &Self| (config.hubs.seal, config.hubs.ping);
        let same_key = *self.hubs.key == *new.hubs.key;
        let face = |config: &Self| {
            let listen = (config.listen.clone(), config.advertise, config.ports.clone());
            (listen, config.tagging, config.serve_after_leaving, config.reference_prefixes.clone())
        };
        [
            ("shards", self.shards != new.shards),
            ("[island]", (&self.island, &self.gateway) != (&new.island, &new.gateway)),
            ("[[hub]]", hubs(self) != hubs(new)),
            ("[link]", link(self) != link(new) || !same_key),
            ("[[registry]]", registries(self) != registries(new)),
            ("[egress]", face(self) != face(new)),
            ("[limits]", self.limits != new.limits),
            ("[timeouts]", self.timeouts != new.timeouts),
            ("[state]", self.state_dir != new.state_dir),
        ]
        .into_iter()
        .filter_map(|(section, differs)| differs.then_some(section))
        .collect()
    }
}
