//! The Prometheus text of a program: its lines, and the figures of calls in them.
//!
//! Pure and total: what is no line of such a text is passed over.

use chassis::metrics::tally::Tallied;

/// Calls and their times, as one program counts them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// All calls.
    pub calls: Tallied,
    /// Upper bounds in seconds and how many answers took no longer, ascending.
    pub buckets: Vec<(f64, u64)>,
}

/// How one kind of program names its figures.
struct Names {
    calls: &'static str,
    times: &'static str,
    /// Outcomes that are no failure.
    good: &'static [&'static str],
}

const NAMES: [Names; 3] = [
    Names {
        calls: "highway_hub_calls_total",
        times: "highway_hub_call_seconds",
        good: &["replied", "sent", "cancelled"],
    },
    Names { calls: "highway_egress_calls_total", times: "highway_egress_call_seconds", good: &["answered", "one-way"] },
    Names {
        calls: "highway_ingress_calls_total",
        times: "highway_ingress_provider_seconds",
        good: &["answered", "one way", "cancelled"],
    },
];

/// The figures of calls in a program's page.
#[must_use]
pub fn counts(page: &str) -> Counts {
    let mut counts = Counts::default();
    for (name, labels, value) in page.lines().filter_map(line) {
        let label = |wanted: &str| labels.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
        for names in &NAMES {
            if name == names.calls {
                let count = value as u64;
                counts.calls.calls += count;
                if !label("outcome").is_some_and(|outcome| names.good.contains(&outcome)) {
                    counts.calls.failed += count;
                }
            } else if let Some(part) = name.strip_prefix(names.times) {
                match part {
                    "_sum" => counts.calls.took_us += (value * 1e6) as u64,
                    "_count" => counts.calls.answered += value as u64,
                    "_bucket" => counts.buckets.extend(bound(label("le")).map(|bound| (bound, value as u64))),
                    _ => {}
                }
            }
        }
    }
    counts
}

fn bound(text: Option<&str>) -> Option<f64> {
    text.and_then(|text| if text == "+Inf" { Some(f64::INFINITY) } else { text.parse().ok() })
}

type Line<'a> = (&'a str, Vec<(&'a str, String)>, f64);

/// `name{label="value",…} number`, with or without labels.
fn line(line: &str) -> Option<Line<'_>> {
    if line.starts_with('#') {
        return None;
    }
    let Some((name, rest)) = line.split_once('{') else {
        let (name, value) = line.split_once(' ')?;
        return Some((name, Vec::new(), value.trim().parse().ok()?));
    };
    let mut labels = Vec::new();
    let mut rest = rest;
    loop {
        if let Some(value) = rest.strip_prefix('}') {
            return Some((name, labels, value.trim().parse().ok()?));
        }
        let (label, after) = rest.trim_start_matches(',').split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((label, value));
        rest = after;
    }
}

/// A label's value up to its closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_of_a_gateway_are_read_from_its_page() {
        let page = "# HELP highway_egress_calls_total Calls\n# TYPE highway_egress_calls_total counter\n\
                    highway_egress_calls_total{outcome=\"answered\",kind=\"\"} 90\n\
                    highway_egress_calls_total{outcome=\"one-way\",kind=\"\"} 5\n\
                    highway_egress_calls_total{outcome=\"not sent\",kind=\"a \\\"no\\\", really\"} 4\n\
                    highway_egress_calls_total{outcome=\"unknown\",kind=\"gone\"} 1\n\
                    highway_egress_call_seconds_bucket{le=\"0.001\"} 40\n\
                    highway_egress_call_seconds_bucket{le=\"+Inf\"} 90\n\
                    highway_egress_call_seconds_sum 1.5\nhighway_egress_call_seconds_count 90\n\
                    highway_egress_in_flight 3\n";
        let counts = counts(page);
        assert_eq!(counts.calls, Tallied { calls: 100, failed: 5, answered: 90, took_us: 1_500_000 });
        assert_eq!(counts.buckets, [(0.001, 40), (f64::INFINITY, 90)]);
    }

    #[test]
    fn what_is_no_page_counts_nothing() {
        for text in ["", "{", "a{b=\"", "a{b=\"c\\", "highway_hub_calls_total{outcome=\"failed\"} many", "}{ 1"] {
            assert_eq!(counts(text), Counts::default(), "{text:?}");
        }
    }
}
