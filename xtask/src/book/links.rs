//! Links of a page that lead out of `docs/`: in the book they lead to the repository, and stay what they are where they are read as files.
//!
//! | a link of `docs/a.md` | in the book |
//! |---|---|
//! | `b.md`, `pictures/c.svg` | the same |
//! | `../sdk/README.md`, `../sdk` | to the repository |
//! | `docs/b.md`, where an included part of the root's README says so | `b.md` |
//!
//! Pure but for a look whether a file is there.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

const FOLDER: &str = "docs";

/// Changes every chapter of what mdBook calls a book.
pub fn of_book(root: &Path, repository: &str, book: &mut Value) {
    if let Some(path) = book.get("source_path").and_then(Value::as_str).map(PathBuf::from)
        && let Some(Value::String(content)) = book.get_mut("content")
    {
        *content = of_page(root, repository, &path, content);
    }
    match book {
        Value::Array(values) => values.iter_mut().for_each(|value| of_book(root, repository, value)),
        Value::Object(fields) => fields.values_mut().for_each(|value| of_book(root, repository, value)),
        _ => {}
    }
}

/// `page` from the folder of documents.
fn of_page(root: &Path, repository: &str, page: &Path, content: &str) -> String {
    let mut done = String::with_capacity(content.len());
    let mut is_code = false;
    for line in content.split_inclusive('\n') {
        is_code ^= line.starts_with("```");
        if is_code {
            done += line;
            continue;
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("](") {
            let Some((target, behind)) = after.split_once(')') else { break };
            done += &format!("{before}]({})", of_link(root, repository, page, target));
            rest = behind;
        }
        done += rest;
    }
    done
}

fn of_link(root: &Path, repository: &str, page: &Path, link: &str) -> String {
    if link.contains(':') || link.starts_with('#') {
        return link.to_owned();
    }
    let (name, heading) =
        link.split_once('#').map_or((link, String::new()), |(name, heading)| (name, format!("#{heading}")));
    let folder = Path::new(FOLDER).join(page.parent().unwrap_or(Path::new("")));
    let beside = plain(&folder.join(name));
    let target = if root.join(&beside).exists() { beside } else { plain(Path::new(name)) };
    match target.strip_prefix(FOLDER) {
        Ok(inside) => {
            let up = "../".repeat(page.components().count().saturating_sub(1));
            format!("{up}{}{heading}", inside.display())
        }
        Err(_) => {
            let kind = if root.join(&target).is_dir() { "tree" } else { "blob" };
            format!("{repository}/{kind}/main/{}{heading}", target.display())
        }
    }
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::Normal(name) => plain.push(name),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the book has for this text of docs/zh/a.md, beside docs/b.md, docs/zh/c.md and sdk/README.md.
    fn said(text: &str) -> String {
        let root = tempfile::tempdir().unwrap();
        for file in ["docs/b.md", "docs/zh/c.md", "sdk/README.md"] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let mut book = serde_json::json!({ "items": [{ "Chapter": { "content": text, "source_path": "zh/a.md" } }] });
        of_book(root.path(), "https://far.example/h", &mut book);
        book["items"][0]["Chapter"]["content"].as_str().unwrap().to_owned()
    }

    #[test]
    fn what_lies_in_the_book_keeps_its_place() {
        assert_eq!(
            said("[c](c.md#d) [b](../b.md) [e](#e) [f](https://f.example/a)"),
            "[c](../zh/c.md#d) [b](../b.md) [e](#e) [f](https://f.example/a)"
        );
        assert_eq!(said("```\n[sdk](../../sdk)\n```\n"), "```\n[sdk](../../sdk)\n```\n");
    }

    #[test]
    fn what_lies_outside_is_found_in_the_repository() {
        assert_eq!(
            said("see [sdk](../../sdk), [its page](../../sdk/README.md#use)"),
            "see [sdk](https://far.example/h/tree/main/sdk), [its page](https://far.example/h/blob/main/sdk/README.md#use)"
        );
    }

    #[test]
    fn what_an_included_part_of_the_root_links_to_is_found_from_here() {
        assert_eq!(
            said("[b](docs/b.md), [sdk](sdk/README.md)"),
            "[b](../b.md), [sdk](https://far.example/h/blob/main/sdk/README.md)"
        );
    }
}
