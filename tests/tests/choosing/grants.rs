//! Other grants for the time of a test.

use lab::line::{Grant, Line};

/// Grants for the time of a test; whatever becomes of it, all of them are back behind it.
pub struct Grants<'a>(&'a Line);

impl<'a> Grants<'a> {
    pub fn only(line: &'a Line, pairs: &[(&str, &str)]) -> Self {
        Self::write(line, pairs);
        Self(line)
    }

    fn write(line: &Line, pairs: &[(&str, &str)]) {
        let grant = |(from, to): &(&str, &str)| Grant::new(&format!("{from}-to-{to}"), from, to, &["com.example.*"]);
        line.write_grants(&pairs.iter().map(grant).collect::<Vec<_>>()).unwrap();
    }
}

impl Drop for Grants<'_> {
    fn drop(&mut self) {
        Self::write(self.0, &[("a", "b"), ("a", "c"), ("d", "b"), ("d", "c")]);
    }
}
