//! Links as both ends say them: at a gateway one line for each address and hub behind it, at a hub one for each gateway. What all
//! shards have together is one line.
//!
//! Pure and total.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::program::{Program, items, text};

/// A line of the table of links.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LinkRow {
    /// Who says it.
    pub at: String,
    /// The other end; empty where nobody has answered there.
    pub peer: String,
    /// The other end's island; empty for a hub.
    pub island: String,
    /// What the other end is: `hub`, `egress`, `ingress`.
    pub role: String,
    /// Links that have a connection now.
    pub up: usize,
    /// Links that there are, or are wanted.
    pub of: usize,
    /// What carries them.
    pub transports: Vec<String>,
    /// The longest round trip among them, in microseconds; `None` before the first was measured.
    pub round_trip_us: Option<u64>,
    /// `sealed`, `tls`, `tls, sealed` or `open`.
    pub cover: &'static str,
    /// The address that is dialled, and the proxy on the way; empty at a hub.
    pub way: String,
    /// Why the last attempt failed, where nothing is up.
    pub problem: Option<String>,
}

/// The links of one program.
#[must_use]
pub fn links(program: &Program) -> Vec<LinkRow> {
    let hub = &program.status["hub"];
    if hub.is_object() { at_hub(program, hub) } else { at_gateway(program) }
}

fn at_hub(program: &Program, hub: &Value) -> Vec<LinkRow> {
    let mut rows: BTreeMap<(String, String), LinkRow> = BTreeMap::new();
    for gateway in items(&hub["gateways"]).iter().filter(|gateway| gateway["revoked"] != true) {
        let (island, peer) = (text(&gateway["island"]), text(&gateway["gateway"]));
        let row = rows.entry((island.clone(), peer.clone())).or_default();
        *row = LinkRow { at: program.id.clone(), peer, island, role: text(&gateway["role"]), ..LinkRow::default() };
    }
    for link in items(&hub["links"]) {
        let (island, peer) = (text(&link["island"]), text(&link["name"]));
        let row = rows.entry((island.clone(), peer.clone())).or_default();
        *row = LinkRow { at: program.id.clone(), peer, island, role: text(&link["role"]), ..std::mem::take(row) };
        row.add(link);
        row.of += 1;
    }
    rows.into_values().collect()
}

fn at_gateway(program: &Program) -> Vec<LinkRow> {
    let shards = items(&program.status["shards"]);
    let mut rows: BTreeMap<(String, String), LinkRow> = BTreeMap::new();
    let mut problems: BTreeMap<String, String> = BTreeMap::new();
    for address in shards.iter().flat_map(|shard| items(&shard["hubs"])) {
        let proxy = address["proxy"].as_str().map(|proxy| format!(" through {proxy}")).unwrap_or_default();
        let way = text(&address["url"]) + &proxy;
        let new = |peer: &str| LinkRow {
            at: program.id.clone(),
            peer: peer.to_owned(),
            role: "hub".to_owned(),
            of: shards.len(),
            way: way.clone(),
            ..LinkRow::default()
        };
        if let Some(error) = address["last_error"].as_str() {
            problems.insert(way.clone(), error.to_owned());
        }
        let links = items(&address["links"]);
        for link in links {
            let peer = text(&link["name"]);
            rows.entry((way.clone(), peer.clone())).or_insert_with(|| new(&peer)).add(link);
        }
        if links.is_empty() {
            rows.entry((way.clone(), String::new())).or_insert_with(|| new(""));
        }
    }
    // A shard without a link there is told by the count of the others.
    let answered: Vec<String> = rows.keys().filter(|(_, peer)| !peer.is_empty()).map(|(way, _)| way.clone()).collect();
    rows.retain(|(way, peer), _| !peer.is_empty() || !answered.contains(way));
    for row in rows.values_mut().filter(|row| row.up == 0) {
        row.problem = problems.get(&row.way).cloned();
    }
    rows.into_values().collect()
}

impl LinkRow {
    fn add(&mut self, link: &Value) {
        if link["connected"] != true {
            return;
        }
        self.up += 1;
        let transport = text(&link["transport"]);
        if !self.transports.contains(&transport) {
            self.transports.push(transport);
        }
        let round_trip = link["rtt_us"].as_u64().filter(|micros| *micros > 0);
        self.round_trip_us = self.round_trip_us.max(round_trip);
        self.cover = match (link["tls"] == true, link["sealed"] == true) {
            (true, true) => "tls, sealed",
            (true, false) => "tls",
            (false, true) => "sealed",
            (false, false) => "open",
        };
    }

    /// Whether something is wrong with it: what is listed or wanted is not up.
    #[must_use]
    pub fn hurts(&self) -> bool {
        self.up < self.of.max(1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::program::tests::egress;
    use super::*;

    #[test]
    fn the_shards_of_a_gateway_are_one_line_a_hub() {
        let mut program = egress(1, 0, 0);
        let one = program.status["shards"][0].clone();
        let mut other = one.clone();
        other["hubs"][0]["links"][0]["transport"] = json!("h2");
        other["hubs"][0]["links"][0]["rtt_us"] = json!(9_000);
        let without = json!({ "hubs": [{ "url": "http://hub:8443", "last_error": "timed out", "links": [] }] });
        program.status["shards"] = json!([one, other, without]);
        let rows = links(&program);
        assert_eq!(rows.len(), 1, "{rows:?}");
        let row = &rows[0];
        assert_eq!((row.up, row.of, row.peer.as_str(), row.cover), (2, 3, "hub-1", "sealed"));
        assert_eq!((row.transports.join(" "), row.round_trip_us), ("ws h2".to_owned(), Some(9_000)));
        assert!(row.hurts() && row.problem.is_none());
    }

    #[test]
    fn an_address_where_nobody_answers_says_why() {
        let mut program = egress(1, 0, 0);
        program.status["shards"] =
            json!([{ "hubs": [{ "url": "http://hub:1", "proxy": "p:3128", "last_error": "timed out", "links": [] }] }]);
        let rows = links(&program);
        assert_eq!((rows[0].way.as_str(), rows[0].up, rows[0].of), ("http://hub:1 through p:3128", 0, 1));
        assert_eq!(rows[0].problem.as_deref(), Some("timed out"));
    }

    #[test]
    fn a_hub_shows_who_is_listed_and_has_no_link() {
        let link = json!({ "role": "ingress", "island": "b", "name": "b-in", "connected": true, "transport": "ws", "rtt_us": 5 });
        let gateways = json!([{ "island": "a", "gateway": "a-out", "role": "egress", "revoked": false },
                              { "island": "b", "gateway": "b-in", "role": "ingress", "revoked": false },
                              { "island": "c", "gateway": "c-in", "role": "ingress", "revoked": true }]);
        let status = json!({ "hub": { "id": "hub-1", "links": [link], "gateways": gateways } });
        let rows = links(&Program::read("http://x:1", status, ""));
        let told: Vec<_> = rows.iter().map(|row| (row.peer.as_str(), row.up, row.hurts())).collect();
        assert_eq!(told, [("a-out", 0, true), ("b-in", 1, false)]);
    }
}
