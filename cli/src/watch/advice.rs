//! What is not well, in a sentence each, and what comes next. Pure.

use super::links::links;
use super::program::{Program, items, text};

/// So many are told of one program; more than that has one cause.
const OF_ONE: usize = 6;

/// What there is to say of a program.
#[must_use]
pub fn advice(program: &Program) -> Vec<String> {
    let mut said = Vec::new();
    links_of(program, &mut said);
    let process = &program.status["process"];
    let conditions = items(&process["conditions"]).iter().filter_map(|condition| condition.as_str());
    said.extend(
        conditions.filter(|condition| !condition.ends_with(": met")).map(|condition| format!("not ready: {condition}")),
    );
    let registries = items(&program.status["egress"]["registries"]).iter().chain(items(&program.status["registries"]));
    for registry in registries {
        let name = text(&registry["name"]);
        said.extend(items(&registry["problems"]).iter().map(|problem| format!("registry {name}: {}", text(problem))));
    }
    offers_of(program, &mut said);
    let more = said.len().saturating_sub(OF_ONE);
    said.truncate(OF_ONE);
    if more > 0 {
        said.push(format!("and {more} more; `highway status --long --admin {}` has all", program.admin));
    }
    said.into_iter().map(|what| format!("{}: {what}", program.id)).collect()
}

/// Links that are not up, as both ends see it.
fn links_of(program: &Program, said: &mut Vec<String>) {
    let is_hub = program.status["hub"].is_object();
    let config = text(&program.status["process"]["config"]);
    for row in links(program).iter().filter(|row| row.up == 0) {
        if is_hub {
            said.push(format!(
                "{} gateway {} of island {} is listed and has no link here: start it there; `highway status` there says what it waits for",
                row.role, row.peer, row.island
            ));
            continue;
        }
        let why = row.problem.as_deref().unwrap_or("not made yet");
        let next = if why.starts_with("refused by the hub") {
            "what it says is done at the hub, and the link comes by itself".to_owned()
        } else {
            format!("next: `highway doctor --config {config}` says what the way lets through")
        };
        said.push(format!("no link to {}: {why}; {next}", row.way));
    }
}

/// What is offered to others, and by others.
fn offers_of(program: &Program, said: &mut Vec<String>) {
    let status = &program.status;
    if status["exports"]["revision"].as_u64().is_some_and(|revision| revision > 0)
        && items(&status["exports"]["services"]).is_empty()
    {
        said.push("nothing is exported: wanted are a provider in this island's registry and an [[export.rule]] that has its service".to_owned());
    }
    let egress = &status["egress"];
    let services = items(&egress["services"]);
    if egress["catalogue_complete"] == true && services.is_empty() {
        said.push(format!(
            "no island offers anything to {island}: wanted are an [[export.rule]] in the other island and, at the hub, a [[grant]] with from = [\"{island}\"]",
            island = program.island
        ));
    }
    let offers = services.iter().map(|service| (service, items(&service["islands"])));
    let mut unwanted =
        offers.filter(|(_, islands)| !islands.is_empty() && islands.iter().all(|offer| offer[2] != true)).peekable();
    if let Some((first, islands)) = unwanted.peek().copied() {
        said.push(format!(
            "{} of the services that are offered are not imported, such as {} of {}: an [[import.rule]] takes them in",
            unwanted.count(),
            text(&first["service"]),
            text(&islands[0][0]),
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::program::tests::egress;
    use super::*;

    #[test]
    fn a_gateway_that_is_well_has_nothing_to_say() {
        assert_eq!(advice(&egress(1, 5, 0)), Vec::<String>::new());
    }

    #[test]
    fn a_gateway_without_a_link_is_told_what_to_run_or_who_has_to_act() {
        let mut program = egress(1, 0, 0);
        let without = |error: &str| json!([{ "hubs": [{ "url": "http://hub:1", "last_error": error, "links": [] }] }]);
        program.status["shards"] = without("connection refused");
        let said = advice(&program).join("\n");
        assert!(
            said.contains(
                "no link to http://hub:1: connection refused; next: `highway doctor --config egress-gw.toml`"
            ),
            "{said}"
        );
        program.status["shards"] = without("refused by the hub: no gateway has this key");
        let said = advice(&program).join("\n");
        assert!(said.contains("done at the hub") && !said.contains("doctor"), "{said}");
    }

    #[test]
    fn what_keeps_services_away_is_named() {
        let mut program = egress(1, 0, 0);
        program.status["egress"]["services"] = json!([{ "service": "a.B", "islands": [["beijing", true, false]] }]);
        assert!(advice(&program)[0].contains("a.B of beijing: an [[import.rule]]"), "{:?}", advice(&program));
        program.status["egress"]["services"] = json!([]);
        assert!(advice(&program)[0].contains("from = [\"shanghai\"]"), "{:?}", advice(&program));
    }

    #[test]
    fn a_program_with_many_troubles_says_how_many_more_there_are() {
        let mut program = egress(1, 0, 0);
        let conditions: Vec<_> = (0..20).map(|number| format!("registry {number}: not read yet")).collect();
        program.status["process"]["conditions"] = json!(conditions);
        let said = advice(&program);
        assert_eq!(said.len(), OF_ONE + 1);
        assert!(said[OF_ONE].contains("and 14 more"), "{said:?}");
    }
}
