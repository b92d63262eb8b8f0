//! `docs/compatibility.md`: written by a run of the whole matrix, from what it saw and from what the lists say.

use std::fmt::Write;

use super::cases::{ALL, Load};
use super::differences::{KNOWN, LEFT_OUT, LeftOut, Who};
use super::golang::{self, Golang};
use super::settings::Setting;
use super::table::{Reasons, Table};

/// The page.
#[must_use]
pub fn document(whole: &Table, go: &Golang, settings: &[(&Setting, Table)]) -> String {
    let mut text = format!("{HEAD}\n{}", whole.markdown(&KNOWN));
    text += "\n## dubbo-go\n\n";
    match go {
        Golang::Seen { calls, serves, .. } => {
            let mut reasons = Reasons::default();
            let differences = golang::differences();
            text += GO;
            let _ = write!(text, "\n{}\n", calls.rows(&differences, &mut reasons));
            text += &(serves.rows(&differences, &mut reasons) + &reasons.markdown());
        }
        Golang::LeftOut(reason) => {
            let _ = writeln!(text, "Left out of this run: {reason}.");
        }
    }
    text += "\n## Settings\n\nEvery case again, for the settings that change how applications find each other or what they speak. Each \
             provider and consumer is named by its release and the setting; who has no setting is at its defaults. The numbers are \
             those of the list behind the last table.\n";
    let mut reasons = Reasons::default();
    for (setting, table) in settings {
        let _ =
            write!(text, "\n### {}\n\n{}", capital(setting.about), table.rows(&setting.differences(), &mut reasons));
    }
    text += &reasons.markdown();
    text += "\n## Cases\n\n| case | what is called |\n|---|---|\n";
    for case in &ALL {
        let alone = if case.load == Load::Heavy { "; nothing else runs meanwhile" } else { "" };
        let _ = writeln!(text, "| `{}` | {}{alone} |", case.name, case.about);
    }
    text += "\n## What was left out\n\n";
    left_out(&mut text, "", &LEFT_OUT);
    left_out(&mut text, " as consumer", &golang::UNCALLED);
    left_out(&mut text, " as provider", &golang::UNSERVED);
    text + TAIL
}

fn left_out(text: &mut String, role: &str, list: &[LeftOut]) {
    for left in list {
        let cases: Vec<String> = left.cases.iter().map(|case| format!("`{case}`")).collect();
        let _ = writeln!(text, "* {}{role}: {}: {}.", members(left.members), cases.join(", "), left.reason);
    }
}

fn members(who: Who) -> String {
    match who {
        Who::All => "Everybody".to_owned(),
        Who::Only(these) => these.join(", "),
        Who::Not(others) => format!("All but {}", others.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

const HEAD: &str = "\
# Compatibility

Written by `cargo xtask matrix --write`; do not edit it by hand.

Released Dubbo for Java, each as consumer and as provider, with default settings: one process of each in each of two islands, a hub
between them, nothing else in common. Every case is called twice: by a consumer that reaches the provider itself, in the provider's
island, and by one of the same release and name in the other island, through Highway. Compared is everything an application could
notice: what each call returned or threw, with classes, every field, order, identity and causes, and what the provider received, asked
of the provider beside the line. Of Dubbo's own exceptions the class, the code and the sentence at their root are compared, without
addresses, times and ids.

Consumers down, providers across; in each cell: cases in which both ways are the same / cases that were run (numbers of the
differences, below). Where Dubbo itself loses something on the way (a `Queue` that arrives as a list, a `List.of` that cannot be
sent), it does so both ways, and the case counts as the same.
";

const GO: &str = "\
What the two languages do not read of each other they do not read directly either, which counts as the same; so do dubbo-go's own limits:
a body has at most 1 024 000 bytes there (it refuses to send a longer one, asked for a longer answer it sends none, and it ends the connection
at a longer request), and a group or a version `*` finds nobody. The cases `payload.*` go to its limit as well where it calls, and to Java's 8 MiB
both ways. What its peer leaves out stands at the end, with the reasons.
";

const TAIL: &str = "\
* Callbacks and stub events, protocols other than Dubbo's own (Triple), serializations other than hessian2 and fastjson2: Highway
  refuses them or carries them opaquely, see the README.
* Consumers over IPv6 are called in a test of their own (`tests/tests/ipv6.rs`), on 2.7 and later: 2.6 takes the first colon of an address in
  the registry for the one in front of its port and fails at every node with such an address. Where an island has consumers on 2.6, `egress.advertise`
  has to be IPv4; the gateway says so when it starts.
";
