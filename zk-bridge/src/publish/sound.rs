//! Which virtual providers can be written at all.
//!
//! What is written comes, in the end, from another island: nothing of it may break a URL, a path or a list of the
//! registry that our own island's consumers read. What is unsound is left out and said; the rest is written. Pure.

use std::collections::BTreeSet;

use crate::registry::{Desired, VirtualProvider};

/// The longest name of anything; a node name has them all and must fit into a reply with thousands of its kind.
const NAME_MAX_LEN: usize = 512;
/// More methods than any interface has.
const METHODS_MAX: usize = 4096;

/// The virtual providers that can be written, sorted, each place once; and a sentence for each that cannot.
pub(crate) fn sound(desired: &Desired) -> (Vec<&VirtualProvider>, Vec<String>) {
    let mut problems = Vec::new();
    if !is_name(&desired.gateway, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        problems.push(format!(
            "found {:?} as the gateway's id, wanted letters, digits, \"-\", \"_\" or \".\"",
            desired.gateway
        ));
        return (Vec::new(), problems);
    }
    let mut providers: Vec<&VirtualProvider> = Vec::with_capacity(desired.providers.len());
    for provider in &desired.providers {
        match fault(provider) {
            None => providers.push(provider),
            Some(what) => problems.push(format!("{} is not published: {what}", provider.key)),
        }
    }
    providers.sort_by(|a, b| place(a).cmp(&place(b)));
    let mut seen = BTreeSet::new();
    providers.retain(|provider| {
        // At instance level one address is one choice for a consumer: of two only the first would ever be called.
        let new = seen.insert((&provider.key, &provider.host, provider.port));
        if !new {
            let (key, host, port) = (&provider.key, &provider.host, provider.port);
            problems.push(format!("{key} is wanted twice at {host}:{port}, found islands or tags that share a port"));
        }
        new
    });
    (providers, problems)
}

type Place<'a> = (&'a crate::view::ServiceKey, &'a str, u16, &'a str, Option<&'a str>);

fn place(provider: &VirtualProvider) -> Place<'_> {
    (&provider.key, &provider.host, provider.port, &provider.island, provider.tag.as_deref())
}

fn fault(provider: &VirtualProvider) -> Option<String> {
    let key = &provider.key;
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '-');
    let text = |c: char| !c.is_whitespace() && !c.is_control() && !"&=?#%+,/:".contains(c);
    let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let wrong = |what: &str, found: &str| Some(format!("{what} is {found:?}"));
    let absent_or = |value: &Option<String>| value.as_deref().is_none_or(|value| is_name(value, text));
    if !is_name(&key.interface, word) || matches!(key.interface.as_str(), "." | "..") {
        return wrong("its interface", &key.interface);
    }
    if !absent_or(&key.group) {
        return wrong("its group", key.group.as_deref().unwrap_or_default());
    }
    if !absent_or(&key.version) {
        return wrong("its version", key.version.as_deref().unwrap_or_default());
    }
    if !absent_or(&provider.tag) {
        return wrong("its tag", provider.tag.as_deref().unwrap_or_default());
    }
    if !is_name(&provider.island, dashed) || provider.island.len() > 32 {
        return wrong("its island", &provider.island);
    }
    if !is_name(&provider.host, host) || provider.port == 0 {
        return wrong("its address", &format!("{}:{}", provider.host, provider.port));
    }
    let methods = provider.methods.iter().chain(provider.method_timeouts.keys()).chain(provider.method_retries.keys());
    if let Some(method) = methods.clone().find(|method| !is_name(method, word)) {
        return wrong("a method", method);
    }
    if methods.count() > METHODS_MAX {
        return Some(format!("it has more than {METHODS_MAX} methods"));
    }
    let serialization = provider.serializations.iter().find(|name| !is_name(name, word));
    serialization.and_then(|name| wrong("a serialization", name))
}

fn is_name(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX_LEN && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::ServiceKey;

    fn provider(interface: &str) -> VirtualProvider {
        VirtualProvider {
            key: ServiceKey::new(interface, None, None),
            island: "b".into(),
            host: "10.0.0.9".into(),
            port: 20990,
            ..VirtualProvider::default()
        }
    }

    fn refused(change: impl FnOnce(&mut VirtualProvider)) -> String {
        let mut bad = provider("a.B");
        change(&mut bad);
        let desired = Desired { gateway: "gw".into(), epoch: 1, providers: vec![bad, provider("a.C")] };
        let (providers, problems) = sound(&desired);
        assert_eq!(providers.len(), 1, "the sound one stays");
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].clone()
    }

    #[test]
    fn what_would_break_a_url_or_a_path_is_refused_and_the_rest_stays() {
        assert!(refused(|it| it.key.interface = "a/../B".into()).contains("interface"));
        assert!(refused(|it| it.key.interface = "..".into()).contains("interface"));
        assert!(refused(|it| it.key.group = Some("g&dubbo.tag=x".into())).contains("group"));
        assert!(refused(|it| it.key.version = Some("1?".into())).contains("version"));
        assert!(refused(|it| it.tag = Some("a b".into())).contains("tag"));
        assert!(refused(|it| it.island = "B".into()).contains("island"));
        assert!(refused(|it| it.port = 0).contains("address"));
        assert!(refused(|it| it.methods.push("a,b".into())).contains("method"));
        assert!(refused(|it| it.serializations.push("x&y".into())).contains("serialization"));
        assert!(refused(|it| it.methods = vec!["m".into(); METHODS_MAX + 1]).contains("methods"));
    }

    #[test]
    fn one_address_is_one_choice() {
        let mut tagged = provider("a.B");
        tagged.tag = Some("c".into());
        let desired = Desired { gateway: "gw".into(), epoch: 1, providers: vec![tagged, provider("a.B")] };
        let (providers, problems) = sound(&desired);
        assert_eq!(providers.len(), 1);
        assert!(problems[0].contains("share a port"), "{problems:?}");
    }

    #[test]
    fn a_gateway_without_an_id_publishes_nothing() {
        let desired = Desired { gateway: "a b".into(), epoch: 1, providers: vec![provider("a.B")] };
        let (providers, problems) = sound(&desired);
        assert!(providers.is_empty() && problems[0].contains("gateway's id"));
    }
}
