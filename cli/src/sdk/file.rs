//! Where the text goes that was made: a file of its own.
//!
//! One that is there is written anew only where its first line says that it was made for the same service. Never half a file is left.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use crate::wrong::wrong;

/// How the text of a service begins.
pub fn head(service: &str) -> String {
    format!("//! `{service}`, made by `highway sdk generate`")
}

/// Writes the text of a service, and says what became of the file.
///
/// # Errors
/// There is another file, or this one cannot be written.
pub fn write(out: &Path, service: &str, text: &str) -> Result<String> {
    let name = out.display();
    match begin(out, head(service).len()) {
        Ok(found) if found == head(service).as_bytes() => {}
        Ok(_) => {
            return Err(wrong(format!(
                "found {name}, which was not made for {service}, wanted a new file or one that was; take it away first"
            )));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {name}")),
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = out.file_name().ok_or_else(|| wrong(format!("found {name} for --out, wanted the name of a file")))?;
    // Of a name that no other run has, and never one that is there.
    let new = folder.join(format!(".{}.{}.new", file.to_string_lossy(), std::process::id()));
    let mut made = fs::File::create_new(&new).with_context(|| format!("cannot write {name}"))?;
    let written = made.write_all(text.as_bytes()).and_then(|()| made.sync_all()).and_then(|()| fs::rename(&new, out));
    if let Err(error) = written {
        let _ = fs::remove_file(&new);
        return Err(anyhow!(error).context(format!("cannot write {name}")));
    }
    Ok(format!("{name} is the client of {service}"))
}

fn begin(file: &Path, len: usize) -> std::io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    fs::File::open(file)?.take(len as u64).read_to_end(&mut begin)?;
    Ok(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_this_service_is_written_anew_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("shop.rs");
        let text = |words: &str| format!("{} from {words}\n", head("a.Shop"));
        write(&out, "a.Shop", &text("one")).unwrap();
        write(&out, "a.Shop", &text("two")).unwrap();
        assert_eq!(fs::read_to_string(&out).unwrap(), text("two"));

        let error = write(&out, "a.Shops", "").unwrap_err().to_string();
        assert!(
            error.ends_with(
                "shop.rs, which was not made for a.Shops, wanted a new file or one that was; take it away first"
            ),
            "{error}"
        );
        fs::write(&out, "fn main() {}").unwrap();
        write(&out, "a.Shop", &text("three")).unwrap_err();
        assert_eq!(fs::read_to_string(&out).unwrap(), "fn main() {}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
    }

    #[test]
    fn where_nothing_can_be_written_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("none/shop.rs"), "a.Shop", "").unwrap_err();
        assert!(format!("{error:#}").contains("none/shop.rs: "), "{error:#}");
        assert!(write(folder.path(), "a.Shop", "").is_err());
    }
}
