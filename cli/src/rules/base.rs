//! Which text of a document a file was made from: its first line says it, as `highway rules get` writes it and `apply` reads it.
//!
//! ```text
//!  # highway: version 0x10000002a of shop       taken off before the text is written: no document has this line
//!  application: shop
//!  …
//! ```
//!
//! Pure.

use zk_bridge::{Version, is_document_name};

/// How the line begins.
const MARK: &str = "# highway: version ";

/// What the first line of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub name: String,
    pub version: Version,
}

impl Base {
    /// The line, without its end.
    pub fn line(&self) -> String {
        format!("{MARK}{} of {}", self.version, self.name)
    }

    /// What the first line says, and the text after it; no base where it is another line.
    ///
    /// # Errors
    /// It begins as the line does, and says something else.
    pub fn split(text: &str) -> Result<(Option<Self>, &str), String> {
        if !text.starts_with(MARK) {
            return Ok((None, text));
        }
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        let line = line.trim_end();
        let said = line.strip_prefix(MARK).unwrap_or_default();
        let read = said.split_once(" of ").and_then(|(version, name)| Some((version.parse().ok()?, name)));
        match read.filter(|(_, name)| is_document_name(name)) {
            Some((version, name)) => Ok((Some(Self { name: name.to_owned(), version }), rest)),
            None => Err(format!(
                "found {line:?}, wanted the line that `highway rules get` writes, such as \"{MARK}0x10000002a of shop\", or none"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_read_as_it_is_written_and_the_text_is_as_it_was() {
        let base = Base { name: "com.acme.A:1.0".into(), version: Version(0x1_0000_002a) };
        for text in ["application: shop\n", "", "# highway: version 0x2a of shop\nrules: []"] {
            let file = format!("{}\n{text}", base.line());
            assert_eq!(Base::split(&file), Ok((Some(base.clone()), text)));
        }
        assert_eq!(Base::split(&base.line()), Ok((Some(base.clone()), "")), "without an end");
        assert_eq!(Base::split(&format!("{}\r\nrules: []\r\n", base.line())), Ok((Some(base), "rules: []\r\n")));
        for text in ["application: shop\n", "# highway: for the shop\n", "", "\n# highway: version 0x2a of shop\n"] {
            assert_eq!(Base::split(text), Ok((None, text)));
        }
        for line in ["# highway: version 7 of shop", "# highway: version 0x2a", "# highway: version 0x2a of a b"] {
            assert!(
                Base::split(line).unwrap_err().contains("wanted the line that `highway rules get` writes"),
                "{line}"
            );
        }
    }
}
