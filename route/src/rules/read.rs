//! From the tree of a document to the document; all its mistakes at once, each with its place.
//!
//! The keys of every mapping stand in one constant each; `docs/rules.schema.json` is held to them by a test.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use wire::pattern::{NamePattern, ServicePattern};

use super::document::{Act, Broken, Condition, Document, Mistake, Rule, Scope, Switch, Validity, Wanted};
use super::reader::{Fields, Reader};
use super::values::{self, A_MOMENT, A_NETWORK, A_TARGET, Network};
use super::yaml::{self, At, Node, Value};
use crate::plan::{Sticky, Target};

/// Longest text of a document, in bytes. A longer one is refused unread.
pub const DOCUMENT_MAX_LEN: usize = 256 * 1024;
/// Rules and switches of all documents together.
pub const RULES_MAX: usize = 10_000;
/// Longest name of a document, a rule, a switch or an attachment, in characters.
pub(super) const NAME_MAX_LEN: usize = 128;
/// Longest text that a caller reads, in characters.
pub(super) const SAY_MAX_LEN: usize = 1000;
/// Most patterns, targets or keys in one list or mapping.
pub(super) const LIST_MAX: usize = 64;
/// Most expectations of a document.
const EXPECT_MAX: usize = 1000;
/// All weights of a split together.
const WEIGHTS_MAX: u32 = 10_000;
/// When nothing is said, calls come back to a local provider after so long.
const BACK_AFTER: Duration = Duration::from_secs(30);

pub(super) const DOCUMENT: &[&str] = &["application", "service", "switches", "rules", "expect"];
pub(super) const SWITCH: &[&str] =
    &["name", "island", "application", "service", "methods", "say", "enabled", "from", "until"];
pub(super) const RULE: &[&str] = &["name", "priority", "enabled", "from", "until", "match", "act"];
pub(super) const MATCH: &[&str] = &["application", "service", "methods", "attachments", "source", "parameters"];
pub(super) const WANTED: &[&str] = &["present"];
pub(super) const ACT: &[&str] = &["island", "split", "failover", "local-first", "nearest", "refuse"];
pub(super) const SPLIT: &[&str] = &["to", "sticky"];
pub(super) const STICKY: &[&str] = &["attachment"];
pub(super) const LOCAL_FIRST: &[&str] = &["then", "back-after"];

/// Reads the text of the document of this name.
///
/// # Errors
/// [`Broken`] with every mistake that could be found.
pub fn parse(name: &str, text: &str) -> Result<Document, Broken> {
    let document: Arc<str> = name.into();
    let broken = |mistakes| Broken { document: crate::text::shown(name).into(), mistakes };
    let one = |at: At, what: String| broken(vec![Mistake { line: at.line, column: at.column, what }]);
    let start = At { line: 1, column: 1 };
    if !is_document_name(name) {
        return Err(one(
            start,
            "found another name, wanted 1 to 128 of letters, digits, `.`, `_`, `:`, `~` and `-`".into(),
        ));
    }
    if text.len() > DOCUMENT_MAX_LEN {
        let what = format!("found a text of {} bytes, wanted at most {DOCUMENT_MAX_LEN}; divide it", text.len());
        return Err(one(start, what));
    }
    let root = yaml::parse(text).map_err(|(at, what)| one(at, what))?;
    let mut reader = Reader::default();
    let read = Reading { document: &document, reader: &mut reader }.document(&root);
    let mistakes = reader.mistakes();
    match read {
        Some(document) if mistakes.is_empty() => Ok(document),
        _ => Err(broken(mistakes)),
    }
}

/// `[A-Za-z0-9._:~-]{1,128}`, which is also safe as a part of a path.
#[must_use]
pub fn is_document_name(name: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._:~-".contains(&byte);
    (1..=NAME_MAX_LEN).contains(&name.len()) && name.bytes().all(is_sign) && !matches!(name, "." | "..")
}

pub(super) struct Reading<'r> {
    pub document: &'r Arc<str>,
    pub reader: &'r mut Reader,
}

impl Reading<'_> {
    fn document(mut self, root: &Node) -> Option<Document> {
        let fields = self.reader.fields(root, DOCUMENT)?;
        let scope = self.scope(&fields);
        let (mut switches, mut rules, mut expectations) = (Vec::new(), Vec::new(), Vec::new());
        let mut names = HashSet::new();
        for node in self.items(&fields, "switches", "a list of switches", RULES_MAX) {
            switches.extend(self.switch(node, &mut names));
        }
        names.clear();
        for node in self.items(&fields, "rules", "a list of rules", RULES_MAX) {
            rules.extend(self.rule(node, &mut names));
        }
        for node in self.items(&fields, "expect", "a list of expectations", EXPECT_MAX) {
            expectations.extend(self.expectation(node));
        }
        let (switches, rules, expectations) = (switches.into(), rules.into(), expectations.into());
        Some(Document { name: self.document.clone(), scope, switches, rules, expectations })
    }

    pub(super) fn items<'n>(&mut self, fields: &Fields<'n>, key: &str, wanted: &str, max: usize) -> &'n [Node] {
        fields.get(key).map_or(&[], |node| self.reader.list(node, wanted, max))
    }

    /// A star says what nothing said says, so that everybody after this has one thing to look at.
    fn scope(&mut self, fields: &Fields<'_>) -> Scope {
        let application = fields.get("application");
        let service = fields.get("service");
        Scope {
            application: application
                .and_then(|node| self.reader.parsed(node, "a pattern of applications"))
                .filter(|pattern: &NamePattern| !pattern.is_all()),
            service: service
                .and_then(|node| self.reader.parsed(node, "a pattern [group/]interface[:version]"))
                .filter(|pattern: &ServicePattern| !pattern.is_all()),
        }
    }

    /// The name of a rule or switch, which no other of the document has.
    fn name(&mut self, fields: &Fields<'_>, names: &mut HashSet<Arc<str>>) -> Option<Arc<str>> {
        let node = self.reader.require(fields, "name", "a name that is shown where it decides")?;
        let short = self.reader.text(node, "a name", NAME_MAX_LEN)?;
        let name: Arc<str> = format!("{}/{short}", self.document).into();
        if !names.insert(name.clone()) {
            self.reader.wrong(node.at, format!("found the name `{short}` a second time, wanted one of its own"));
        }
        Some(name)
    }

    fn validity(&mut self, fields: &Fields<'_>) -> Validity {
        let mut read = |key| {
            let node = fields.get(key)?;
            self.reader.made(node, A_MOMENT, values::moment)
        };
        let (from, until): (Option<SystemTime>, Option<SystemTime>) = (read("from"), read("until"));
        if let (Some(from), Some(until), Some(node)) = (from, until, fields.get("until"))
            && until <= from
        {
            self.reader.wrong(node.at, "found an end that is not after the beginning, wanted `from` before `until`");
        }
        Validity { from, until }
    }

    fn enabled(&mut self, fields: &Fields<'_>) -> bool {
        fields.get("enabled").and_then(|node| self.reader.truth(node)).unwrap_or(true)
    }

    fn methods(&mut self, fields: &Fields<'_>) -> Box<[NamePattern]> {
        let Some(node) = fields.get("methods") else { return Box::default() };
        let items = self.some(node, "a list of patterns of methods");
        let patterns: Vec<NamePattern> =
            items.iter().filter_map(|item| self.reader.parsed(item, "a pattern of methods")).collect();
        if patterns.iter().any(NamePattern::is_all) { Box::default() } else { patterns.into() }
    }

    /// A list that is not empty: an empty one would mean everything to one reader and nothing to the next.
    fn some<'n>(&mut self, node: &'n Node, wanted: &str) -> &'n [Node] {
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            self.reader.wrong(node.at, format!("found an empty list, wanted {wanted} with at least one"));
        }
        self.reader.list(node, wanted, LIST_MAX)
    }

    fn switch(&mut self, node: &Node, names: &mut HashSet<Arc<str>>) -> Option<Switch> {
        let fields = self.reader.fields(node, SWITCH)?;
        let name = self.name(&fields, names);
        let say = self.reader.require(&fields, "say", "what the caller is to read");
        let say = say.and_then(|node| self.reader.text(node, "what the caller is to read", SAY_MAX_LEN));
        let island = fields.get("island").map(|node| (node, self.reader.parsed(node, "a pattern of islands")));
        let switch = Switch {
            enabled: self.enabled(&fields),
            line: node.at.line,
            validity: self.validity(&fields),
            // A pattern that is wrong must not become one that means every island.
            island: match island {
                Some((_, pattern)) => Some(pattern?),
                None => None,
            },
            scope: self.scope(&fields),
            methods: self.methods(&fields),
            name: name?,
            say: say?.into(),
        };
        Some(switch)
    }

    fn rule(&mut self, node: &Node, names: &mut HashSet<Arc<str>>) -> Option<Rule> {
        let fields = self.reader.fields(node, RULE)?;
        let name = self.name(&fields, names);
        let in_range = |text: &str| text.parse().ok().filter(|number| (-1000..=1000).contains(number));
        let priority = fields.get("priority");
        let priority = priority.and_then(|node| self.reader.made(node, "a number from -1000 to 1000", in_range));
        let when = fields.get("match").map(|node| self.condition(node));
        let act = self.reader.require(&fields, "act", "where such calls go");
        let act = act.and_then(|node| self.act(node));
        let rule = Rule {
            enabled: self.enabled(&fields),
            line: node.at.line,
            priority: priority.unwrap_or_default(),
            validity: self.validity(&fields),
            when: when.unwrap_or_default(),
            name: name?,
            act: act?,
        };
        Some(rule)
    }

    fn condition(&mut self, node: &Node) -> Condition {
        let Some(fields) = self.reader.fields(node, MATCH) else { return Condition::default() };
        let source = match fields.get("source") {
            Some(node) => {
                let items = self.some(node, "a list of networks");
                items.iter().filter_map(|item| self.reader.made(item, A_NETWORK, Network::parse)).collect()
            }
            None => Box::default(),
        };
        Condition {
            scope: self.scope(&fields),
            methods: self.methods(&fields),
            attachments: self.wanted(&fields, "attachments"),
            source,
            parameters: self.wanted(&fields, "parameters"),
        }
    }

    /// Keys with what is wanted of each.
    fn wanted(&mut self, fields: &Fields<'_>, key: &str) -> Box<[(Box<str>, Wanted)]> {
        let Some(node) = fields.get(key) else { return Box::default() };
        let Some(keys) = self.bounded(node, "a mapping of keys to patterns") else { return Box::default() };
        let mut all = Vec::new();
        for (key, node) in keys {
            let wanted = match &node.value {
                Value::Mapping(_) => self.presence(node),
                _ => self.reader.parsed(node, "a pattern, or { present: true }").map(Wanted::Text),
            };
            all.extend(wanted.map(|wanted| (key.into(), wanted)));
        }
        all.into()
    }

    fn presence(&mut self, node: &Node) -> Option<Wanted> {
        let fields = self.reader.fields(node, WANTED)?;
        let present = self.reader.require(&fields, "present", "true or false")?;
        self.reader.truth(present).map(|present| if present { Wanted::Present } else { Wanted::Absent })
    }

    /// A mapping with any keys of a bounded length.
    pub(super) fn bounded<'n>(&mut self, node: &'n Node, wanted: &str) -> Option<Vec<(&'n str, &'n Node)>> {
        let fields = self.reader.mapping(node, wanted)?;
        let keys: Vec<(&str, &Node)> = fields.entries().collect();
        if keys.len() > LIST_MAX {
            self.reader.wrong(node.at, format!("found {} keys, wanted at most {LIST_MAX}", keys.len()));
        }
        for (key, value) in &keys {
            let length = key.chars().count();
            if length == 0 || length > NAME_MAX_LEN || key.chars().any(char::is_control) {
                let what = format!("found a key of {length} characters, wanted 1 to {NAME_MAX_LEN}, none for control");
                self.reader.wrong(value.at, what);
            }
        }
        Some(keys)
    }

    fn act(&mut self, node: &Node) -> Option<Act> {
        let fields = self.reader.fields(node, ACT)?;
        let mut said = fields.entries();
        let (Some((key, act)), None) = (said.next(), said.next()) else {
            let count = fields.entries().count();
            self.reader.wrong(node.at, format!("found {count} ways to act, wanted exactly one of {}", ACT.join(", ")));
            return None;
        };
        match key {
            "island" => self.target(act).map(Act::Island),
            "split" => self.split(act),
            "failover" => self.targets(act).map(Act::Failover),
            "local-first" => self.local_first(act),
            "nearest" if matches!(&act.value, Value::List(items) if items.is_empty()) => {
                Some(Act::Nearest(Box::default()))
            }
            "nearest" => self.targets(act).map(Act::Nearest),
            "refuse" => {
                self.reader.text(act, "what the caller is to read", SAY_MAX_LEN).map(|say| Act::Refuse(say.into()))
            }
            // An unknown key is noted already.
            _ => None,
        }
    }

    pub(super) fn target(&mut self, node: &Node) -> Option<Target> {
        self.reader.made(node, A_TARGET, values::target)
    }

    fn targets(&mut self, node: &Node) -> Option<Box<[Target]>> {
        let items = self.some(node, "a list of targets");
        let mut targets = Vec::new();
        for item in items {
            let Some(target) = self.target(item) else { continue };
            if targets.contains(&target) {
                self.reader.wrong(item.at, format!("found `{target}` a second time, wanted each target once"));
            }
            targets.push(target);
        }
        (!targets.is_empty()).then(|| targets.into())
    }

    fn split(&mut self, node: &Node) -> Option<Act> {
        let fields = self.reader.fields(node, SPLIT)?;
        let sticky = fields.get("sticky").map(|node| self.sticky(node));
        let to = self.reader.require(&fields, "to", "weights by target, such as { shanghai: 90, beijing: 10 }")?;
        let to = self.shares(to)?;
        Some(Act::Split { to, sticky: sticky.flatten() })
    }

    pub(super) fn shares(&mut self, node: &Node) -> Option<Box<[(Target, u32)]>> {
        let keys = self.bounded(node, "weights by target, such as { shanghai: 90, beijing: 10 }")?;
        let mut to = Vec::new();
        for (key, node) in keys {
            let target = values::target(key);
            if target.is_none() {
                self.reader.wrong(node.at, format!("found `{}`, wanted {A_TARGET}", crate::text::shown(key)));
            }
            let in_range = |text: &str| text.parse().ok().filter(|weight| (1..=WEIGHTS_MAX).contains(weight));
            let wanted = format!("a weight of 1 to {WEIGHTS_MAX}; leave a target out that is to get nothing");
            to.extend(target.zip(self.reader.made(node, &wanted, in_range)));
        }
        let sum: u32 = to.iter().map(|(_, weight)| *weight).sum();
        if sum > WEIGHTS_MAX {
            self.reader.wrong(node.at, format!("found weights that make {sum} together, wanted at most {WEIGHTS_MAX}"));
        }
        if matches!(&node.value, Value::Mapping(entries) if entries.is_empty()) {
            self.reader.wrong(node.at, "found no target, wanted at least one");
        }
        (!to.is_empty()).then(|| to.into())
    }

    fn sticky(&mut self, node: &Node) -> Option<Sticky> {
        const ONE_OF: &str = "source, application or { attachment: KEY }";
        let Value::Mapping(_) = &node.value else {
            let read = |text: &str| match text {
                "source" => Some(Sticky::Source),
                "application" => Some(Sticky::Application),
                _ => None,
            };
            return self.reader.made(node, ONE_OF, read);
        };
        let fields = self.reader.fields(node, STICKY)?;
        let key = self.reader.require(&fields, "attachment", "the key of an attachment")?;
        self.reader.text(key, "the key of an attachment", NAME_MAX_LEN).map(|key| Sticky::Attachment(key.into()))
    }

    fn local_first(&mut self, node: &Node) -> Option<Act> {
        let fields = self.reader.fields(node, LOCAL_FIRST)?;
        let wanted = "a length of time such as 30s, at most 1h";
        let back_after = fields.get("back-after").map(|node| self.reader.made(node, wanted, values::length));
        let then = self.reader.require(&fields, "then", "a list of islands")?;
        let targets = self.targets(then)?;
        if targets.contains(&Target::Local) {
            self.reader.wrong(then.at, "found `local`, wanted islands: `local` is first as it is");
        }
        Some(Act::LocalFirst { then: targets, back_after: back_after.flatten().unwrap_or(BACK_AFTER) })
    }
}
