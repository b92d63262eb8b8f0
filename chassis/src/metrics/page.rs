//! The text that Prometheus scrapes (format 0.0.4): `name{label="value"} number`, one a line.
//!
//! Pure. Source: "Exposition formats" in the Prometheus documentation.

use std::fmt::{Display, Write};
use std::time::Duration;

/// A page being written.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// A single counter with its header.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: u64) {
        self.header(name, help, "counter");
        self.line(name, labels, value);
    }

    /// A single gauge with its header.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.header(name, help, "gauge");
        self.line(name, labels, value);
    }

    /// All values of a name; `kind` as in [`Page::header`].
    pub fn family<'a>(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        values: impl IntoIterator<Item = (Vec<(&'a str, &'a str)>, u64)>,
    ) {
        self.header(name, help, kind);
        for (labels, value) in values {
            self.line(name, &labels, value);
        }
    }

    /// The two lines before the values of a name; once a name. `kind` is `counter`, `gauge` or `histogram`.
    pub fn header(&mut self, name: &str, help: &str, kind: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// One value.
    pub fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            self.push(format_args!("{before}{label}=\"{text}\""));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        self.push(format_args!("{close} {value}\n"));
    }

    /// The lines of one histogram: `counts` has one number a bound and one for what is over the last.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        bounds: &[Duration],
        (counts, sum): &(Vec<u64>, Duration),
    ) {
        let bucket = format!("{name}_bucket");
        let mut total = 0_u64;
        for (at, count) in counts.iter().enumerate() {
            total = total.wrapping_add(*count);
            let bound = bounds.get(at).map_or_else(|| "+Inf".to_owned(), |bound| bound.as_secs_f64().to_string());
            let mut labels = labels.to_vec();
            labels.push(("le", &bound));
            self.line(&bucket, &labels, total);
        }
        self.line(&format!("{name}_sum"), labels, sum.as_secs_f64());
        self.line(&format!("{name}_count"), labels, total);
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = self.text.write_fmt(text);
    }
}
