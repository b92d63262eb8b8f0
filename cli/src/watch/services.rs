//! Services here and there: what an ingress exports, what an egress sees of other islands, and what came of calls to each.
//!
//! Pure and total.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::flow::Flow;
use super::program::{Program, items, text};

/// A line of the table of services.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ServiceRow {
    /// Who says it.
    pub at: String,
    /// `[group/]interface[:version]`.
    pub service: String,
    /// The island that serves it; `here` for what an ingress exports, `local` for calls that an egress leaves in its island.
    pub island: String,
    /// `up`, `down`, `not imported`; empty where the program does not say.
    pub state: &'static str,
    /// Its providers, where the program sees them.
    pub providers: Option<usize>,
    #[serde(flatten)]
    pub flow: Flow,
}

/// The services that one program knows.
#[must_use]
pub fn services(program: &Program, before: Option<(&Program, Duration)>) -> Vec<ServiceRow> {
    let mut rows: BTreeMap<(String, String), ServiceRow> = BTreeMap::new();
    let new = |island: &str, service: &str| ServiceRow {
        at: program.id.clone(),
        service: service.to_owned(),
        island: island.to_owned(),
        ..ServiceRow::default()
    };
    for service in items(&program.status["egress"]["services"]) {
        let name = text(&service["service"]);
        for offer in items(&service["islands"]) {
            let island = text(&offer[0]);
            let state = match (offer[1] == true, offer[2] == true) {
                (_, false) => "not imported",
                (true, true) => "up",
                (false, true) => "down",
            };
            rows.insert((island.clone(), name.clone()), ServiceRow { state, ..new(&island, &name) });
        }
    }
    for service in items(&program.status["exports"]["services"]) {
        let name = text(&service["service"]);
        let state = if service["healthy"] == true { "up" } else { "down" };
        let providers = Some(items(&service["providers"]).len());
        rows.insert((HERE.to_owned(), name.clone()), ServiceRow { state, providers, ..new(HERE, &name) });
    }
    for kind in program.tallies.keys().filter(|(_, service)| !service.is_empty()) {
        rows.entry(kind.clone()).or_insert_with(|| new(&kind.0, &kind.1));
    }
    for (kind, row) in &mut rows {
        row.flow = program.flow(kind, before);
    }
    rows.into_values().collect()
}

const HERE: &str = "here";

/// Services that a program knows and did not name.
#[must_use]
pub fn not_named(program: &Program) -> u64 {
    let status = &program.status;
    let counts = [&status["egress"]["services_not_shown"], &status["hub"]["services_not_shown"]];
    counts.iter().filter_map(|count| count.as_u64()).sum()
}

impl ServiceRow {
    /// Whether it cannot be called.
    #[must_use]
    pub fn hurts(&self) -> bool {
        self.state == "down"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::program::tests::egress;
    use super::*;

    #[test]
    fn an_egress_says_of_each_offer_whether_it_can_be_called() {
        let rows = services(&egress(1, 10, 0), None);
        let told: Vec<_> = rows.iter().map(|row| (row.service.as_str(), row.island.as_str(), row.state)).collect();
        let (greeting, stock) = ("com.example.Greeting", "com.example.Stock");
        assert_eq!(told, [(greeting, "beijing", "up"), (stock, "beijing", "down"), (stock, "urumqi", "not imported")]);
        assert_eq!((rows[0].flow.calls, rows[1].flow.calls), (10, 0));
    }

    #[test]
    fn an_ingress_shows_what_it_exports() {
        let exports = json!({ "services": [{ "service": "a.B", "providers": ["10.0.0.1:20880", "10.0.0.2:20880"], "healthy": true }] });
        let rows = services(&Program::read("http://x:1", json!({ "exports": exports }), ""), None);
        assert_eq!((rows[0].island.as_str(), rows[0].state, rows[0].providers), ("here", "up", Some(2)));
    }
}
