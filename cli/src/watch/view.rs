//! All programs in one picture: rows of four tables, filtered, the worst first.
//!
//! Pure, but that a [`History`] remembers what each program said last, also of one that was away meanwhile.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::advice::advice;
use super::flow::Flow;
use super::islands::{IslandRow, islands};
use super::links::{LinkRow, links};
use super::look::Look;
use super::program::{Program, ProgramRow};
use super::services::{ServiceRow, not_named, services};

/// What is shown of all that is seen.
#[derive(Debug, Clone, Default, Args)]
pub struct Filter {
    /// Only what is of this island; what is not well is said all the same.
    #[arg(long)]
    pub island: Option<String>,
    /// Only services with this in their name.
    #[arg(long)]
    pub service: Option<String>,
}

/// What programs said last, by their listeners.
#[derive(Debug, Default)]
pub struct History(BTreeMap<String, (Instant, Program)>);

/// One picture.
#[derive(Debug, Serialize)]
pub struct View {
    pub programs: Vec<ProgramRow>,
    pub links: Vec<LinkRow>,
    pub islands: Vec<IslandRow>,
    pub services: Vec<ServiceRow>,
    /// Services that the programs know and did not name.
    pub services_not_named: u64,
    /// What is not well, and what comes next.
    pub advice: Vec<String>,
}

impl History {
    /// The picture of a look, compared with what was said before; then this is what was said.
    pub fn view(&mut self, look: Look, filter: &Filter) -> View {
        let mut view = View {
            programs: Vec::new(),
            links: Vec::new(),
            islands: Vec::new(),
            services: Vec::new(),
            services_not_named: 0,
            advice: Vec::new(),
        };
        for program in &look.programs {
            let before = self.0.get(&program.admin);
            let before = before.map(|(at, before)| (before, look.at.saturating_duration_since(*at)));
            view.programs.push(program.row(before));
            view.links.extend(links(program));
            view.islands.extend(islands(program, before));
            view.services.extend(services(program, before));
            view.services_not_named += not_named(program);
            view.advice.extend(advice(program));
        }
        for (admin, why) in &look.silent {
            if let Some((_, program)) = self.0.get(admin) {
                view.programs.push(ProgramRow::away(program));
                view.advice.push(format!("{}: it does not answer any more: {why:#}", program.id));
            }
        }
        for program in look.programs {
            self.0.insert(program.admin.clone(), (look.at, program));
        }
        view.filter(filter);
        view.sort();
        view
    }

    /// What is said of listeners that were named and never answered.
    pub fn never_heard(&self, look: &Look) -> Vec<String> {
        let never = look.silent.iter().filter(|(admin, _)| !self.0.contains_key(admin));
        never.map(|(admin, why)| format!("{admin}: {why:#}")).collect()
    }
}

impl View {
    fn filter(&mut self, filter: &Filter) {
        if let Some(island) = &filter.island {
            // Of its own island a gateway says nothing, `here` or `local`.
            let at = |program: &&ProgramRow| program.island == *island;
            let own: Vec<&str> = self.programs.iter().filter(at).map(|program| &*program.id).collect();
            let is_own = |at: &str, of: &str| matches!(of, "" | "here" | "local") && own.contains(&at);
            self.links.retain(|row| row.island == *island || is_own(&row.at, &row.island));
            self.islands.retain(|row| row.island == *island);
            self.services.retain(|row| row.island == *island || is_own(&row.at, &row.island));
        }
        if let Some(part) = &filter.service {
            self.services.retain(|row| row.service.contains(part.as_str()));
        }
    }

    /// Failing calls first, then what is not up, then what is called most; names decide between equals, so that lines stand still.
    fn sort(&mut self) {
        fn worst(flow: &Flow, hurts: bool) -> impl Ord + use<> {
            let (failing, calls, failed, all) = flow.pain();
            std::cmp::Reverse((failing, hurts, calls, failed, all))
        }
        self.links.sort_by(|one, other| {
            let key = |row: &LinkRow| (!row.hurts(), row.at.clone(), row.island.clone(), row.peer.clone());
            key(one).cmp(&key(other))
        });
        self.islands.sort_by_key(|row| (worst(&row.flow, row.hurts()), row.island.clone(), row.at.clone()));
        self.services.sort_by_key(|row| {
            (worst(&row.flow, row.hurts()), row.service.clone(), row.island.clone(), row.at.clone())
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::program::tests::egress;
    use super::*;

    fn look(at: Instant, programs: Vec<Program>) -> Look {
        let silent = if programs.is_empty() {
            vec![("http://127.0.0.1:20901".to_owned(), anyhow::anyhow!("connection refused"))]
        } else {
            Vec::new()
        };
        Look { at, programs, silent }
    }

    fn rate(view: &View) -> Option<f64> {
        view.services.iter().find(|row| row.service.ends_with("Greeting")).and_then(|row| row.flow.calls_per_s)
    }

    #[test]
    fn a_program_that_goes_away_and_comes_back_keeps_its_rates_true() {
        let (mut history, start) = (History::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let all = Filter::default();
        let first = history.view(look(at(0), vec![egress(1, 100, 0)]), &all);
        assert_eq!(rate(&first), None);
        let gone = history.view(look(at(1), Vec::new()), &all);
        assert_eq!((gone.programs[0].state, gone.services.len()), ("away", 0));
        assert!(gone.advice[0].contains("does not answer any more: connection refused"), "{:?}", gone.advice);
        let back = history.view(look(at(4), vec![egress(1, 500, 0)]), &all);
        assert_eq!(rate(&back), Some(100.0), "over the four seconds");
        let anew = history.view(look(at(5), vec![egress(2, 20, 0)]), &all);
        assert_eq!((rate(&anew), anew.programs[0].flow.calls_per_s), (Some(20.0), Some(20.0)));
    }

    #[test]
    fn what_hurts_stands_first_and_equals_stand_still() {
        let (mut history, start) = (History::default(), Instant::now());
        let all = Filter::default();
        history.view(look(start, vec![egress(1, 0, 0)]), &all);
        let quiet = history.view(look(start + Duration::from_secs(1), vec![egress(1, 0, 0)]), &all);
        let names = |view: &View| view.services.iter().map(|row| (row.service.clone(), row.state)).collect::<Vec<_>>();
        assert_eq!(names(&quiet)[0], ("com.example.Stock".to_owned(), "down"));
        let failing = history.view(look(start + Duration::from_secs(2), vec![egress(1, 10, 10)]), &all);
        assert_eq!(names(&failing)[0], ("com.example.Greeting".to_owned(), "up"));
    }

    #[test]
    fn a_filter_takes_rows_and_no_programs() {
        let of = |island: Option<&str>, service: Option<&str>| {
            let filter = Filter { island: island.map(str::to_owned), service: service.map(str::to_owned) };
            let view = History::default().view(look(Instant::now(), vec![egress(1, 0, 0)]), &filter);
            (view.programs.len(), view.islands.len(), view.services.len())
        };
        let links = |island: &str| {
            let filter = Filter { island: Some(island.to_owned()), service: None };
            History::default().view(look(Instant::now(), vec![egress(1, 0, 0)]), &filter).links.len()
        };
        assert_eq!((links("shanghai"), links("beijing")), (1, 0), "the gateway's own links are its island's");
        assert_eq!(of(None, None), (1, 2, 3));
        assert_eq!(of(Some("urumqi"), None), (1, 1, 1));
        assert_eq!(of(Some("beijing"), Some("Stock")), (1, 1, 1));
        assert_eq!(of(None, Some("nothing")), (1, 2, 0));
    }
}
