//! Islands as a hub and as an egress gateway know them: who is linked, how much is offered, how far it is, what calls come to.
//!
//! At a hub the calls are those that the island sends, at an egress those that go to it. Pure and total.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use super::flow::Flow;
use super::program::{Program, items, text};

/// A line of the table of islands.
#[derive(Debug, Clone, Default, Serialize)]
pub struct IslandRow {
    /// Who says it.
    pub at: String,
    /// The island.
    pub island: String,
    /// Gateways of it that have a link, and that are listed; `None` at a gateway, which cannot know.
    pub gateways: Option<(usize, usize)>,
    /// Services that it offers, as far as the program sees.
    pub services: usize,
    /// How far it is, in microseconds.
    pub round_trip_us: Option<u64>,
    /// Which calls are counted: `sent` by the island, or that went `to it`.
    pub calls_are: &'static str,
    #[serde(flatten)]
    pub flow: Flow,
}

/// The islands that one program knows.
#[must_use]
pub fn islands(program: &Program, before: Option<(&Program, Duration)>) -> Vec<IslandRow> {
    let mut rows = if program.status["hub"].is_object() { at_hub(program) } else { at_egress(program) };
    for row in &mut rows {
        row.flow = program.flow(&(row.island.clone(), String::new()), before);
    }
    rows
}

fn at_hub(program: &Program) -> Vec<IslandRow> {
    let hub = &program.status["hub"];
    let new = |island: &str| IslandRow {
        at: program.id.clone(),
        island: island.to_owned(),
        gateways: Some((0, 0)),
        calls_are: "sent",
        ..IslandRow::default()
    };
    let mut rows: BTreeMap<String, IslandRow> = BTreeMap::new();
    for island in items(&hub["sent"]).iter().map(|sent| text(&sent["island"])) {
        rows.insert(island.clone(), new(&island));
    }
    let linked: BTreeSet<(String, String)> = items(&hub["links"])
        .iter()
        .filter(|link| link["connected"] == true)
        .map(|link| (text(&link["island"]), text(&link["name"])))
        .collect();
    for gateway in items(&hub["gateways"]).iter().filter(|gateway| gateway["revoked"] != true) {
        let (island, id) = (text(&gateway["island"]), text(&gateway["gateway"]));
        let row = rows.entry(island.clone()).or_insert_with(|| new(&island));
        let (up, of) = row.gateways.unwrap_or_default();
        row.gateways = Some((up + usize::from(linked.contains(&(island, id))), of + 1));
    }
    for offer in items(&hub["offers"]) {
        let services = offer["services"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        // Gateways of one island offer the same.
        if let Some(row) = rows.get_mut(&text(&offer["island"])) {
            row.services = row.services.max(services);
        }
    }
    for link in items(&hub["links"]).iter().filter(|link| link["connected"] == true) {
        if let Some(row) = rows.get_mut(&text(&link["island"])) {
            let round_trip = link["rtt_us"].as_u64().filter(|micros| *micros > 0);
            row.round_trip_us = row.round_trip_us.max(round_trip);
        }
    }
    rows.into_values().collect()
}

fn at_egress(program: &Program) -> Vec<IslandRow> {
    let egress = &program.status["egress"];
    let mut offered: BTreeMap<String, usize> = BTreeMap::new();
    for island in items(&egress["islands"]) {
        offered.insert(text(island), 0);
    }
    for offer in items(&egress["services"]).iter().flat_map(|service| items(&service["islands"])) {
        *offered.entry(text(&offer[0])).or_default() += 1;
    }
    let row = |(island, services): (String, usize)| IslandRow {
        at: program.id.clone(),
        gateways: None,
        services,
        round_trip_us: egress["round_trips_us"][&island].as_u64(),
        calls_are: "to it",
        island,
        flow: Flow::default(),
    };
    offered.into_iter().map(row).collect()
}

impl IslandRow {
    /// Whether something of it is away.
    #[must_use]
    pub fn hurts(&self) -> bool {
        self.gateways.is_some_and(|(up, of)| up < of)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::program::tests::egress;
    use super::*;

    #[test]
    fn an_egress_counts_what_islands_offer_and_what_goes_there() {
        let rows = islands(&egress(1, 300, 3), Some((&egress(1, 100, 0), Duration::from_secs(1))));
        let told: Vec<_> = rows.iter().map(|row| (row.island.as_str(), row.services, row.round_trip_us)).collect();
        assert_eq!(told, [("beijing", 2, Some(30_000)), ("urumqi", 1, None)]);
        assert_eq!((rows[0].flow.calls_per_s, rows[0].flow.failed_per_s), (Some(200.0), Some(3.0)));
    }

    #[test]
    fn a_hub_counts_linked_gateways_and_what_islands_send() {
        let status = json!({ "hub": { "id": "hub-1",
            "links": [{ "role": "ingress", "island": "b", "name": "b-in", "connected": true, "rtt_us": 700 },
                      { "role": "ingress", "island": "b", "name": "b-in", "connected": true, "rtt_us": 900 }],
            "gateways": [{ "island": "b", "gateway": "b-in", "role": "ingress", "revoked": false },
                         { "island": "b", "gateway": "b-out", "role": "egress", "revoked": false }],
            "offers": [{ "island": "b", "gateway": "b-in", "services": 12, "linked": true }],
            "sent": [{ "island": "a", "calls": { "calls": 9, "failed": 1, "answered": 8, "took_us": 80 } }, { "island": "b", "calls": {} }] } });
        let rows = islands(&Program::read("http://x:1", status, ""), None);
        assert_eq!((rows[0].island.as_str(), rows[0].gateways, rows[0].flow.calls), ("a", Some((0, 0)), 9));
        assert_eq!((rows[1].gateways, rows[1].services, rows[1].round_trip_us), (Some((1, 2)), 12, Some(900)));
        assert!(rows[1].hurts() && !rows[0].hurts());
    }
}
