//! A file with a rule document, the name that the document has, and the text that it was made from.
//!
//! Never reads more than a document may have.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use zk_bridge::{DOCUMENT_MAX_LEN, Version, is_document_name};

use super::base::Base;
use crate::wrong::wrong;

/// The longest first line that says a version.
const BASE_MAX_LEN: usize = 256;

/// A document as it is to be.
#[derive(Debug)]
pub struct Wanted {
    pub name: String,
    pub text: String,
    /// How its file is called in sentences.
    pub place: String,
    /// Lines of the file before the text.
    pub lines_before: usize,
    /// The version that the file says it was made from.
    pub made_from: Option<Version>,
}

/// Reads a file; `-` is standard input. Without a name it is the one in the first line, which the file's, without `.yaml` or `.yml`, must not
/// contradict; else the file's.
pub fn read(file: &Path, name: Option<String>) -> Result<Wanted> {
    let is_input = file == Path::new("-");
    let place = if is_input { "standard input".to_owned() } else { file.display().to_string() };
    let content = if is_input { content_of(std::io::stdin().lock()) } else { opened(file) };
    let content = content.with_context(|| format!("cannot read {place}"))?;
    let too_long = || wrong(format!("{place} has more than {DOCUMENT_MAX_LEN} bytes, wanted a rule document"));
    if content.len() > DOCUMENT_MAX_LEN + BASE_MAX_LEN {
        return Err(too_long());
    }
    let Ok(content) = String::from_utf8(content) else {
        return Err(wrong(format!("{place} is no text in UTF-8, wanted a rule document")));
    };
    let (base, text) = Base::split(&content).map_err(|what| wrong(format!("{place}:1: {what}")))?;
    if text.len() > DOCUMENT_MAX_LEN {
        return Err(too_long());
    }
    let own = if is_input { None } else { Some(name_of(file)) };
    let name = match (name, &base, own) {
        (Some(name), _, _) => name,
        (None, Some(base), Some(own)) if base.name != own => {
            let said = &base.name;
            return Err(wrong(format!(
                "{place} begins as document {said} does and is called as {own} is, wanted one of the names after the file"
            )));
        }
        (None, Some(base), _) => base.name.clone(),
        (None, None, Some(own)) => own,
        (None, None, None) => {
            let what = "found no name for what comes from standard input, wanted one after the -";
            return Err(wrong(what.to_owned()));
        }
    };
    if !is_document_name(&name) {
        let what =
            format!("found {name:?} for a name, wanted 1 to 128 of A-Z a-z 0-9 . _ : ~ -: say one after the file");
        return Err(wrong(what));
    }
    let lines_before = usize::from(base.is_some());
    // Of another document it says nothing about this one.
    let made_from = base.filter(|base| base.name == name).map(|base| base.version);
    Ok(Wanted { name, text: text.to_owned(), place, lines_before, made_from })
}

fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = [".yaml", ".yml"].into_iter().find_map(|ending| name.strip_suffix(ending));
    stem.map_or_else(|| name.clone(), str::to_owned)
}

fn opened(file: &Path) -> std::io::Result<Vec<u8>> {
    content_of(std::fs::File::open(file)?)
}

fn content_of(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    source.take((DOCUMENT_MAX_LEN + BASE_MAX_LEN) as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_called_like_its_file() {
        for (file, name) in [
            ("rules/shop.yaml", "shop"),
            ("com.acme.Greeter.yml", "com.acme.Greeter"),
            ("com.acme.Greeter", "com.acme.Greeter"),
        ] {
            assert_eq!(name_of(Path::new(file)), name);
        }
    }

    #[test]
    fn more_than_a_document_may_have_is_not_read() {
        let content = content_of(std::io::repeat(b'x')).unwrap();
        assert_eq!(content.len(), DOCUMENT_MAX_LEN + BASE_MAX_LEN + 1);
    }

    #[test]
    fn a_file_says_what_it_was_made_from_and_for_another_document_it_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let text = "# highway: version 0x2a of shop\nrules: []\n";
        let shop = read(&file("shop.yaml", text), None).unwrap();
        assert_eq!((shop.name.as_str(), shop.text.as_str()), ("shop", "rules: []\n"));
        assert_eq!((shop.made_from, shop.lines_before), (Some(Version(0x2a)), 1));
        let copy = file("stock.yaml", text);
        let unclear = read(&copy, None).unwrap_err().to_string();
        assert!(unclear.contains("begins as document shop does and is called as stock is"), "{unclear}");
        let stock = read(&copy, Some("stock".into())).unwrap();
        assert_eq!((stock.made_from, stock.text.as_str()), (None, "rules: []\n"));
        let longest = format!("# highway: version 0x2a of shop\n{}", "#".repeat(DOCUMENT_MAX_LEN));
        assert_eq!(read(&file("shop.yaml", &longest), None).unwrap().text.len(), DOCUMENT_MAX_LEN);
        assert!(read(&file("shop.yaml", &(longest + "#")), None).is_err());
    }
}
