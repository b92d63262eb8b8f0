//! What an island offers, as its ingress gateways tell the hub and the hub tells egress gateways. It never decides who
//! may see what.
//!
//! ```text
//!  update: origin (island, gateway, start) · revision · base · added · removed · complete      JSON, one record each
//!
//!  base 0          a snapshot: what it does not name, this origin does not offer, once `complete` has come
//!  base = r        what changed since revision r
//!  complete false  more parts of the same revision follow
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::record::SEGMENT_LEN;

/// The longest update in one record, in bytes of JSON.
pub const MAX_UPDATE_LEN: usize = SEGMENT_LEN;

/// What a service is known by. Empty text is an absent group or version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct ServiceKey {
    /// The interface's full name.
    pub interface: String,
    /// The group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
}

/// `[group/]interface[:version]`, as Dubbo writes it.
impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        f.write_str(&self.interface)?;
        if !self.version.is_empty() {
            write!(f, ":{}", self.version)?;
        }
        Ok(())
    }
}

/// One service that an origin offers. Within an origin the key is its name: a later entry with the same key replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// What it is known by.
    pub key: ServiceKey,
    /// The path providers export it under, where it is not the interface's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Its methods; empty if nobody knows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Names of the serializations its providers take (`hessian2`, `fastjson2`), the preferred one first; empty: Dubbo's default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serializations: Vec<String>,
    /// The providers' timeout in milliseconds, if they say one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// The providers' retries, if they say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// What single methods say otherwise, by method name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_method: BTreeMap<String, MethodSettings>,
    /// The providers' Dubbo release.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub release: String,
    /// Whether a provider can take calls now.
    pub healthy: bool,
    /// The gateway that exports it.
    pub gateway: String,
    /// The providing application.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub application: String,
}

/// What one method says otherwise than its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MethodSettings {
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Tries after the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

/// Who offers: one start of one gateway of one island. Revisions count within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The island; the hub puts in the one it knows.
    pub island: String,
    /// The gateway's id.
    pub gateway: String,
    /// The number the gateway's process drew when it started: another process has another. Which is the later one is known by
    /// the order of links, not by this: clocks step back.
    pub start: u64,
}

/// A snapshot or a difference of what one origin offers, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Who offers.
    pub origin: Origin,
    /// The state this update leads to; rises with every change.
    pub revision: u64,
    /// The revision it starts from; 0: from nothing.
    pub base: u64,
    /// New and changed services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Entry>,
    /// Services that are not offered any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<ServiceKey>,
    /// Whether this is the last part of its revision.
    pub complete: bool,
}

/// An update that cannot be read or written.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// Not JSON, or not of this shape.
    #[error("catalogue update that cannot be read: {0}")]
    Unreadable(serde_json::Error),
    /// One entry alone is over the limit.
    #[error("catalogue entry of {0} with {1} bytes is over the limit of {MAX_UPDATE_LEN} bytes")]
    TooLong(ServiceKey, usize),
    /// The origin's names alone are over the limit.
    #[error("catalogue origin of {0} bytes is over the limit of {MAX_UPDATE_LEN} bytes")]
    Origin(usize),
}

impl Update {
    /// Reads one record.
    ///
    /// # Errors
    /// [`UpdateError::Unreadable`].
    pub fn decode(bytes: &[u8]) -> Result<Update, UpdateError> {
        serde_json::from_slice(bytes).map_err(UpdateError::Unreadable)
    }

    /// The payloads of the records that carry this update. One service that fits no record does not keep the others back.
    ///
    /// # Errors
    /// [`UpdateError::Origin`].
    pub fn encode(&self) -> Result<Encoded, UpdateError> {
        let mut encoded = Encoded::default();
        let mut part = Part::new(self);
        if part.len > MAX_UPDATE_LEN {
            return Err(UpdateError::Origin(part.len));
        }
        for entry in &self.added {
            let json = to_json(entry)?;
            if part.make_room(&json, &entry.key, &mut encoded) {
                part.added.push(json);
            }
        }
        for key in &self.removed {
            let json = to_json(key)?;
            if part.make_room(&json, key, &mut encoded) {
                part.removed.push(json);
            }
        }
        encoded.parts.push(part.take(self.complete));
        Ok(encoded)
    }
}

/// An update as it goes over a link.
#[derive(Debug, Default)]
pub struct Encoded {
    /// The payloads of its records, each at most [`MAX_UPDATE_LEN`] bytes, in order.
    pub parts: Vec<Vec<u8>>,
    /// [`UpdateError::TooLong`] for each service that fits no record; nobody is told of it.
    pub left_out: Vec<UpdateError>,
}

fn to_json(value: &impl Serialize) -> Result<String, UpdateError> {
    serde_json::to_string(value).map_err(UpdateError::Unreadable)
}

/// A record under construction: its frame is written once, entries are counted as they come.
struct Part {
    front: String,
    added: Vec<String>,
    removed: Vec<String>,
    len: usize,
}

impl Part {
    fn new(update: &Update) -> Part {
        let origin = serde_json::json!({ "origin": update.origin, "revision": update.revision, "base": update.base });
        let mut front = origin.to_string();
        front.pop();
        Part { len: front.len() + TAIL_LEN, front, added: Vec::new(), removed: Vec::new() }
    }

    /// False: it fits no record.
    fn make_room(&mut self, json: &str, key: &ServiceKey, encoded: &mut Encoded) -> bool {
        if self.front.len() + TAIL_LEN + json.len() + 1 > MAX_UPDATE_LEN {
            encoded.left_out.push(UpdateError::TooLong(key.clone(), json.len()));
            return false;
        }
        if self.len + json.len() + 1 > MAX_UPDATE_LEN {
            encoded.parts.push(self.take(false));
        }
        self.len += json.len() + 1;
        true
    }

    fn take(&mut self, complete: bool) -> Vec<u8> {
        self.len = self.front.len() + TAIL_LEN;
        let (added, removed) = (std::mem::take(&mut self.added), std::mem::take(&mut self.removed));
        format!(
            "{},\"added\":[{}],\"removed\":[{}],\"complete\":{complete}}}",
            self.front,
            added.join(","),
            removed.join(",")
        )
        .into_bytes()
    }
}

/// Room for what stands around the entries.
const TAIL_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize) -> Entry {
        Entry {
            key: ServiceKey { interface: format!("com.example.Service{number}"), ..ServiceKey::default() },
            methods: vec!["sayHello".to_owned(), "\"quoted\"".to_owned()],
            timeout_ms: Some(3000),
            healthy: true,
            gateway: "in-1".to_owned(),
            per_method: [("sayHello".to_owned(), MethodSettings { timeout_ms: Some(1), retries: None })].into(),
            ..Entry::default()
        }
    }

    fn update(entries: usize, removed: usize) -> Update {
        Update {
            origin: Origin { island: "shanghai".to_owned(), gateway: "in-1".to_owned(), start: u64::MAX },
            revision: 7,
            base: 0,
            added: (0..entries).map(entry).collect(),
            removed: (0..removed).map(|number| entry(number).key).collect(),
            complete: true,
        }
    }

    #[test]
    fn a_service_is_written_as_dubbo_writes_it() {
        let key = |group: &str, version: &str| ServiceKey {
            interface: "a.B".into(),
            group: group.into(),
            version: version.into(),
        };
        let shown: Vec<String> =
            [key("", ""), key("g", ""), key("", "1"), key("g", "1")].iter().map(ServiceKey::to_string).collect();
        assert_eq!(shown, ["a.B", "g/a.B", "a.B:1", "g/a.B:1"]);
    }

    #[test]
    fn a_small_update_is_one_record() {
        for update in [update(0, 0), update(3, 2)] {
            let parts = update.encode().unwrap().parts;
            assert_eq!(parts.len(), 1);
            assert_eq!(Update::decode(&parts[0]).unwrap(), update);
        }
    }

    #[test]
    fn a_large_update_goes_in_parts_that_fit_and_only_the_last_is_complete() {
        let whole = update(3000, 3000);
        let parts = whole.encode().unwrap().parts;
        assert!(parts.len() > 5);
        assert!(parts.iter().all(|part| part.len() <= MAX_UPDATE_LEN));
        let parts: Vec<Update> = parts.iter().map(|part| Update::decode(part).unwrap()).collect();
        let (last, others) = parts.split_last().unwrap();
        assert!(last.complete && others.iter().all(|part| !part.complete));
        assert_eq!(parts.iter().flat_map(|part| part.added.clone()).collect::<Vec<_>>(), whole.added);
        assert_eq!(parts.iter().flat_map(|part| part.removed.clone()).collect::<Vec<_>>(), whole.removed);
    }

    #[test]
    fn an_entry_that_fits_no_record_is_named_and_the_others_go() {
        let mut update = update(3, 0);
        update.added[1].methods = vec!["m".repeat(MAX_UPDATE_LEN)];
        let encoded = update.encode().unwrap();
        assert!(
            matches!(&encoded.left_out[..], [UpdateError::TooLong(key, _)] if key.interface == "com.example.Service1")
        );
        update.added.remove(1);
        assert_eq!(Update::decode(&encoded.parts[0]).unwrap(), update);
    }

    #[test]
    fn fields_from_the_future_are_ignored() {
        let mut text = String::from_utf8(update(1, 0).encode().unwrap().parts.remove(0)).unwrap();
        text.insert_str(1, "\"colour\":\"blue\",");
        assert_eq!(Update::decode(text.as_bytes()).unwrap(), update(1, 0));
    }
}
