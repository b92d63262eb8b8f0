//! Whether gateways would obey a document once it is written, and what they would obey no more: what the config center can say of that.
//!
//! Never writes.

use anyhow::Result;
use zk_bridge::{ConfigCenter, DOCUMENTS_MAX, DOCUMENTS_MAX_LEN, Listed};

use super::Despite;
use super::file::Wanted;

/// Why a change may not do what it says.
pub struct Doubt {
    pub what: String,
    pub way: Way,
}

/// How somebody says that it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Despite(Despite),
    First,
}

/// What speaks against writing a document beside those that are there.
pub async fn doubts(center: &ConfigCenter, listed: &[Listed], wanted: &Wanted) -> Result<Vec<Doubt>> {
    let mut doubts: Vec<Doubt> = beyond(listed, &wanted.name, wanted.text.len())
        .map(|what| Doubt {
            what: format!("{what}; in need, --despite limits writes it"),
            way: Way::Despite(Despite::Limits),
        })
        .into_iter()
        .collect();
    if listed.is_empty() && !center.has_folder().await? {
        let what = "found no folder of rule documents. If there never was one, say --first. If the registry lost its tree, gateways still obey the \
                    documents that they hold, and with the first that is written they drop all others: have them all at hand (a gateway keeps them in \
                    rules.json of its state directory) before you say --first";
        doubts.push(Doubt { what: what.to_owned(), way: Way::First });
    }
    Ok(doubts)
}

/// Over which limit the documents would be.
fn beyond(listed: &[Listed], name: &str, len: usize) -> Option<String> {
    let others = listed.iter().filter(|other| other.name != name);
    let (count, all) = others.fold((1, len), |(count, all), other| (count + 1, all + other.len));
    if count > DOCUMENTS_MAX {
        return Some(format!(
            "it would be one of {count} documents, and gateways read {DOCUMENTS_MAX}: remove others first"
        ));
    }
    (all > DOCUMENTS_MAX_LEN).then(|| {
        format!("all documents would have {all} bytes together, and gateways take {DOCUMENTS_MAX_LEN}: remove or shorten others first")
    })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use zk_bridge::{DOCUMENT_MAX_LEN, Version};

    use super::*;

    fn listed(count: usize, len: usize) -> Vec<Listed> {
        let one = |at| Listed { name: format!("a{at}"), version: Version(1), len, written: SystemTime::UNIX_EPOCH };
        (0..count).map(one).collect()
    }

    #[test]
    fn one_document_more_than_gateways_read_is_doubted_and_a_change_of_one_is_not() {
        let all = listed(DOCUMENTS_MAX, 10);
        assert!(beyond(&all, "new", 10).unwrap().contains("one of 1001 documents, and gateways read 1000"));
        assert_eq!((beyond(&all, "a7", 10), beyond(&all[1..], "new", 10)), (None, None));
    }

    #[test]
    fn more_bytes_than_gateways_take_are_doubted() {
        let all = listed(DOCUMENTS_MAX_LEN / DOCUMENT_MAX_LEN, DOCUMENT_MAX_LEN);
        assert!(beyond(&all, "new", 1).unwrap().contains("would have 16777217 bytes together"));
        assert_eq!(beyond(&all, "a7", DOCUMENT_MAX_LEN), None, "in its own place");
    }
}
