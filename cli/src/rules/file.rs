//! A file with a rule document, and the name that the document has.
//!
//! Never reads more than a document may have.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use zk_bridge::{DOCUMENT_MAX_LEN, is_document_name};

/// A document as it is to be.
pub struct Wanted {
    pub name: String,
    pub text: String,
    /// How its file is called in sentences.
    pub place: String,
}

/// Reads a file; `-` is standard input. Without a name the file's is taken, without `.yaml` or `.yml`.
pub fn read(file: &Path, name: Option<String>) -> Result<Wanted> {
    let is_input = file == Path::new("-");
    let place = if is_input { "standard input".to_owned() } else { file.display().to_string() };
    let name = match name {
        Some(name) => name,
        None if is_input => bail!("found no name for what comes from standard input, wanted one after the -"),
        None => name_of(file),
    };
    if !is_document_name(&name) {
        bail!("found {name:?} for a name, wanted 1 to 128 of A-Z a-z 0-9 . _ : ~ -: say one after the file");
    }
    let content = if is_input { content_of(std::io::stdin().lock()) } else { opened(file) };
    let content = content.with_context(|| format!("cannot read {place}"))?;
    if content.len() > DOCUMENT_MAX_LEN {
        bail!("{place} has more than {DOCUMENT_MAX_LEN} bytes, wanted a rule document");
    }
    let Ok(text) = String::from_utf8(content) else { bail!("{place} is no text in UTF-8, wanted a rule document") };
    Ok(Wanted { name, text, place })
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
    source.take(DOCUMENT_MAX_LEN as u64 + 1).read_to_end(&mut content)?;
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
        assert_eq!(content.len(), DOCUMENT_MAX_LEN + 1);
    }
}
