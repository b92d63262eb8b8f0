//! The page of every configuration key, made from the files that document them, which their programs' tests hold to the types.
//!
//! ```text
//!  # What stands alone is a paragraph.
//!  [limits]                      # what the section is for
//!  # frame = "8MiB"              # what a key means, and
//!                                # goes on below it
//!        ─▶  ### `[limits]` … | `frame` | `"8MiB"` | what a key means, and goes on below it |
//! ```
//! A key that is commented out is one like any other. Pure but for reading the files.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The page.
pub const PAGE: &str = "docs/configuration.md";

const FILES: [(&str, &str); 4] = [
    ("The hub", "central-hub/central-hub.toml"),
    ("The hub's policy", "central-hub/policy.toml"),
    ("The egress gateway", "egress-gw/egress-gw.toml"),
    ("The ingress gateway", "ingress-gw/ingress-gw.toml"),
];

const HEAD: &str = "\
# Every configuration key

Written by `cargo xtask book --write` from the files that each section names; do not edit it by hand. Tests hold these files to the programs: a
key that one of them does not know is refused, and values that are said to be defaults are.

The second column has the default, or an example where a key has none. `PROGRAM --check FILE` says every mistake of a file at once, with its
place; any key can be set by an environment variable of its path (`HIGHWAY__LIMITS__HELD=512MiB`). The words stand in the [lexicon](../ARCHITECTURE.md#lexicon).
";

/// The whole page.
pub fn page(root: &Path) -> Result<String> {
    let mut page = HEAD.to_owned();
    for (title, file) in FILES {
        let text = std::fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))?;
        write!(page, "\n## {title}\n\n[{file}](../{file})\n")?;
        section(&mut page, &text).with_context(|| format!("in {file}"))?;
    }
    Ok(page)
}

/// A line of a documented file.
enum Line<'a> {
    Section {
        name: &'a str,
        comment: &'a str,
    },
    Key {
        key: &'a str,
        value: &'a str,
        comment: &'a str,
    },
    /// Goes on with the comment of the line before.
    More(&'a str),
    Paragraph(&'a str),
    Empty,
}

fn section(page: &mut String, text: &str) -> Result<()> {
    let mut rows: Vec<[String; 3]> = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    for line in text.lines() {
        match read(line).with_context(|| format!("found {line:?}"))? {
            Line::Key { key, value, comment } => {
                end_paragraph(page, &mut paragraph);
                rows.push([key.to_owned(), value.to_owned(), comment.to_owned()]);
            }
            Line::More(more) => match rows.last_mut() {
                Some([.., said]) => *said += &format!(" {more}"),
                None => *page = format!("{} {}\n", page.trim_end(), words(more)),
            },
            Line::Section { name, comment } => {
                end_rows(page, &mut rows);
                end_paragraph(page, &mut paragraph);
                write!(page, "\n### `{name}`\n")?;
                if !comment.is_empty() {
                    write!(page, "\n{}\n", words(comment))?;
                }
            }
            Line::Paragraph(words) => {
                end_rows(page, &mut rows);
                paragraph.push(words);
            }
            Line::Empty => end_paragraph(page, &mut paragraph),
        }
    }
    end_rows(page, &mut rows);
    end_paragraph(page, &mut paragraph);
    Ok(())
}

fn read(line: &str) -> Result<Line<'_>> {
    let trimmed = line.trim_start();
    let is_indented = line.len() - trimmed.len() > 10;
    let open = trimmed.strip_prefix("# ").unwrap_or(trimmed);
    let (said, comment) = split_comment(open);
    if trimmed.is_empty() {
        Ok(Line::Empty)
    } else if is_indented && trimmed.starts_with('#') {
        Ok(Line::More(open))
    } else if trimmed.starts_with('[') {
        Ok(Line::Section { name: said, comment })
    } else if let Some((key, value)) = said.split_once(" = ").filter(|(key, _)| is_key(key)) {
        Ok(Line::Key { key, value, comment })
    } else if trimmed.starts_with("# ") {
        Ok(Line::Paragraph(open))
    } else {
        bail!("wanted a section, a key, a comment or nothing");
    }
}

fn is_key(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.'))
}

/// What is said, and the comment behind it; a `#` in a text between quotes is none.
fn split_comment(line: &str) -> (&str, &str) {
    let mut is_text = false;
    for (at, letter) in line.char_indices() {
        is_text ^= letter == '"';
        if letter == '#' && !is_text {
            return (line[..at].trim(), line[at + 1..].trim());
        }
    }
    (line.trim(), "")
}

fn end_paragraph(page: &mut String, paragraph: &mut Vec<&str>) {
    if !paragraph.is_empty() {
        *page += &format!("\n{}\n", words(&paragraph.join(" ")));
        paragraph.clear();
    }
}

fn end_rows(page: &mut String, rows: &mut Vec<[String; 3]>) {
    if rows.is_empty() {
        return;
    }
    *page += "\n| key | default or example | what it does |\n|---|---|---|\n";
    for [key, value, comment] in rows.drain(..) {
        *page += &format!("| `{key}` | `{}` | {} |\n", value.replace('|', "\\|"), words(&comment));
    }
}

/// As Markdown reads it as plain words, with what stands in backticks left alone.
fn words(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.replace('*', "\\*").replace('<', "\\<").replace('[', "\\[").replace('_', "\\_").replace('|', "\\|"),
        _ => part.replace('|', "\\|"),
    });
    parts.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> String {
        let mut page = String::new();
        section(&mut page, text).unwrap();
        page
    }

    #[test]
    fn keys_become_rows_and_comments_go_on() {
        let text =
            "# All of\n# it.\n\n[a.b]        # for a\n# c = \"#1\"   # first,\n                # and a* more\nd = 2\n";
        let table = "| key | default or example | what it does |\n|---|---|---|\n| `c` | `\"#1\"` | first, and a\\* more |\n| `d` | `2` |  |\n";
        assert_eq!(made(text), format!("\nAll of it.\n\n### `[a.b]`\n\nfor a\n\n{table}"));
    }

    #[test]
    fn what_is_no_line_of_such_a_file_is_said() {
        assert!(section(&mut String::new(), "frame: 8\n").is_err());
    }
}
