//! The expectations of a document, read as the rest of it is.

use std::collections::BTreeMap;

use super::document::{Expectation, Goes};
use super::read::{LIST_MAX, Reading, SAY_MAX_LEN};
use super::reader::Fields;
use super::values::{self, A_MOMENT};
use super::yaml::{Node, Value};
use crate::plan::Target;

pub(super) const EXPECT: &[&str] = &["call", "at", "offered", "local", "goes"];
pub(super) const CALL: &[&str] = &["service", "method", "application", "target", "attachments", "parameters", "source"];
pub(super) const GOES: &[&str] = &["split"];

impl Reading<'_> {
    /// What must come of one call.
    pub(super) fn expectation(&mut self, node: &Node) -> Option<Expectation> {
        let fields = self.reader.fields(node, EXPECT)?;
        let goes = self.reader.require(&fields, "goes", "a target, { split: … } or refused");
        let goes = goes.and_then(|node| self.goes(node));
        let mut offered = Vec::new();
        for item in self.items(&fields, "offered", "a list of islands", LIST_MAX) {
            match self.target(item) {
                Some(Target::Island(island)) => offered.push(island),
                Some(Target::Local) => self.reader.wrong(item.at, "found `local`, wanted islands and `local: true`"),
                None => {}
            }
        }
        let at = fields.get("at").map(|node| self.reader.made(node, A_MOMENT, values::moment));
        let local = fields.get("local").and_then(|node| self.reader.truth(node));
        let call = self.reader.require(&fields, "call", "the call that is expected to go there")?;
        let call = self.reader.fields(call, CALL)?;
        let service = self.reader.require(&call, "service", "the service that is called")?;
        let service = self.reader.made(service, "[group/]interface[:version] of one service", values::service);
        let mut text = |key| call.get(key).and_then(|node| self.reader.text(node, "a text", SAY_MAX_LEN));
        let [method, application, target] = ["method", "application", "target"].map(&mut text);
        let source = call.get("source").map(|node| self.reader.made(node, "an address", |text| text.parse().ok()));
        let [attachments, parameters] = ["attachments", "parameters"].map(|key| self.texts(&call, key));
        Some(Expectation {
            line: node.at.line,
            at: at.flatten(),
            service: service?,
            method: method.unwrap_or_default().into(),
            application: application.map(Into::into),
            target: target.map(Into::into),
            attachments,
            parameters,
            source: source.flatten(),
            offered,
            local: local.unwrap_or(false),
            goes: goes?,
        })
    }

    fn goes(&mut self, node: &Node) -> Option<Goes> {
        match &node.value {
            Value::Mapping(_) => {
                let fields = self.reader.fields(node, GOES)?;
                let split = self.reader.require(&fields, "split", "weights by target")?;
                self.shares(split).map(Goes::Split)
            }
            Value::Text(text) if &**text == "refused" => Some(Goes::Refused),
            _ => self.target(node).map(Goes::To),
        }
    }

    fn texts(&mut self, fields: &Fields<'_>, key: &str) -> BTreeMap<String, String> {
        let keys = fields.get(key).and_then(|node| self.bounded(node, "a mapping of keys to texts"));
        let text = |(key, node)| {
            let text = self.reader.text(node, "a text", SAY_MAX_LEN)?;
            Some((String::from(key), text.to_owned()))
        };
        keys.unwrap_or_default().into_iter().filter_map(text).collect()
    }
}
