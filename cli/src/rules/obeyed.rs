//! Whether gateways would obey a document once it is written, and what they would obey no more: what the config center can say of that.
//!
//! Never writes.

use anyhow::Result;
use zk_bridge::{ConfigCenter, DOCUMENTS_MAX, DOCUMENTS_MAX_LEN, Listed};

use super::Despite;
use super::file::Wanted;

/// Why a change may not do what it says.
#[derive(Debug, PartialEq, Eq)]
pub struct Doubt {
    pub what: String,
    pub way: Way,
    /// The change makes it so, or more so; else it was so before, and is not the fault of this change.
    pub is_worse: bool,
}

/// How somebody says that it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Despite(Despite),
    First,
}

/// What speaks against writing a document beside those that are there.
pub async fn doubts(center: &ConfigCenter, listed: &[Listed], wanted: &Wanted) -> Result<Vec<Doubt>> {
    let mut doubts = beyond(listed, &wanted.name, wanted.text.len());
    if listed.is_empty() && !center.has_folder().await? {
        let what = "found no folder of rule documents. If there never was one, say --first. If the registry lost its tree, gateways still obey the \
                    documents that they hold, and with the first that is written they drop all others: have them all at hand (a gateway keeps them in \
                    rules.json of its state directory) before you say --first";
        doubts.push(Doubt { what: what.to_owned(), way: Way::First, is_worse: true });
    }
    Ok(doubts)
}

/// A limit of gateways that is passed.
pub fn limit(what: String, is_worse: bool) -> Doubt {
    Doubt { what, way: Way::Despite(Despite::Limits), is_worse }
}

/// Over which limits the documents would be.
fn beyond(listed: &[Listed], name: &str, len: usize) -> Vec<Doubt> {
    // What may not be read has a place among them, and a length that nobody knows.
    let len_of = |listed: &Listed| listed.facts.as_ref().map_or(0, |facts| facts.len);
    let now = listed.iter().find(|listed| listed.name == name).map(len_of);
    let others = listed.iter().filter(|other| other.name != name);
    let (count, all) = others.fold((1, len), |(count, all), other| (count + 1, all + len_of(other)));
    let too_many = (count > DOCUMENTS_MAX).then(|| {
        let what =
            format!("it would be one of {count} documents, and gateways read {DOCUMENTS_MAX}: remove others first");
        limit(what, now.is_none())
    });
    let too_long = (all > DOCUMENTS_MAX_LEN).then(|| {
        let what = format!("all documents would have {all} bytes together, and gateways take {DOCUMENTS_MAX_LEN}: remove or shorten others first");
        limit(what, now.is_none_or(|now| len > now))
    });
    too_many.into_iter().chain(too_long).collect()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use zk_bridge::{DOCUMENT_MAX_LEN, Facts, Version};

    use super::*;

    fn listed(count: usize, len: usize) -> Vec<Listed> {
        let facts = Facts { version: Version(1), len, written: SystemTime::UNIX_EPOCH };
        (0..count).map(|at| Listed { name: format!("a{at}"), facts: Some(facts.clone()) }).collect()
    }

    /// What is doubted, and whether the change is at fault.
    fn doubted(listed: &[Listed], name: &str, len: usize) -> Vec<(bool, String)> {
        beyond(listed, name, len).into_iter().map(|doubt| (doubt.is_worse, doubt.what)).collect()
    }

    #[test]
    fn one_document_more_than_gateways_read_is_doubted_and_a_change_of_one_is_not() {
        let all = listed(DOCUMENTS_MAX, 10);
        let [(true, what)] = &doubted(&all, "new", 10)[..] else { panic!() };
        assert!(what.contains("one of 1001 documents, and gateways read 1000"), "{what}");
        assert_eq!((beyond(&all, "a7", 10), beyond(&all[1..], "new", 10)), (vec![], vec![]));
        let beyond = listed(DOCUMENTS_MAX + 1, 10);
        let [(false, what)] = &doubted(&beyond, "a7", 20)[..] else { panic!() };
        assert!(what.contains("one of 1001 documents"), "no fault of a change in its place: {what}");
    }

    #[test]
    fn more_bytes_than_gateways_take_are_doubted() {
        let all = listed(DOCUMENTS_MAX_LEN / DOCUMENT_MAX_LEN, DOCUMENT_MAX_LEN);
        let [(true, what)] = &doubted(&all, "new", 1)[..] else { panic!() };
        assert!(what.contains("would have 16777217 bytes together"), "{what}");
        assert_eq!(beyond(&all, "a7", DOCUMENT_MAX_LEN), vec![], "in its own place");
        let beyond = listed(DOCUMENTS_MAX_LEN / 1000 + 1, 1000);
        let of = |name, len| doubted(&beyond, name, len).iter().map(|(is_worse, _)| *is_worse).collect::<Vec<_>>();
        assert_eq!(of("a7", 1000), [false, false], "as long as before; there are too many of them as well");
        assert_eq!(of("a7", 1001), [false, true], "longer");
        assert_eq!(of("new", 1), [true, true], "one more");
    }
}
