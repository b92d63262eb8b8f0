//! Which wishes can be written at all.
//!
//! What is written comes, in the end, from another island or from somebody's program: nothing of it may break a URL, a path or a
//! list of the registry that our own island's consumers read. What is unsound is left out and said; the rest is written. Pure.

use std::collections::BTreeSet;

use super::is_of_gateways;
use crate::interface_level::MARK;
use crate::layout::Layout;
use crate::registry::{Desired, Stand, VirtualProvider};
use crate::view::{Consumer, Parameters, Provider, ServiceKey};

/// The longest name of anything; a node name has them all and must fit into a reply with thousands of its kind.
const NAME_MAX_LEN: usize = 512;
/// More methods than any interface has.
const METHODS_MAX: usize = 4096;
/// All parameters of a node together.
const PARAMETERS_MAX_LEN: usize = 64 * 1024;

/// What can be written, sorted, each place once; and a sentence for each wish that cannot.
#[derive(Debug, Default)]
pub(crate) struct Sound<'d> {
    pub(super) providers: Vec<&'d VirtualProvider>,
    pub(super) stands: Vec<&'d Stand>,
    pub(super) plain: Vec<&'d Provider>,
    pub(super) consumers: Vec<&'d Consumer>,
    pub(super) problems: Vec<String>,
}

/// Takes the wishes apart.
pub(crate) fn sound(desired: &Desired) -> Sound<'_> {
    let mut sound = Sound::default();
    let problems = &mut sound.problems;
    let id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_gateway = !desired.gateway.is_empty() || !desired.providers.is_empty() || !desired.stands.is_empty();
    if is_gateway && !is_name(&desired.gateway, id) {
        let found = &desired.gateway;
        problems.push(format!("found {found:?} as the gateway's id, wanted letters, digits, \"-\", \"_\" or \".\""));
    } else {
        sound.providers = written(&desired.providers, |it| it.key.to_string(), fault, problems);
        sound.stands = written(&desired.stands, |it| format!("the port for {:?}", it.island), fault_of_stand, problems);
    }
    sound.plain = written(&desired.plain, |it| it.key.to_string(), fault_of_plain, problems);
    sound.consumers =
        written(&desired.consumers, |it| format!("consumer of {}", it.interface), fault_of_consumer, problems);
    sound.providers.sort_by(|a, b| place(a).cmp(&place(b)));
    sound.plain.sort_by(|a, b| place_of_plain(a).cmp(&place_of_plain(b)));
    // At instance level one address is one choice for a consumer: of two only the first would ever be called.
    once(&mut sound.providers, |it| (&it.key, &it.host, it.port), problems);
    once(&mut sound.plain, |it| (&it.key, &it.host, it.port), problems);
    sound
}

/// Those without a fault.
fn written<'d, T>(
    all: &'d [T],
    name: impl Fn(&T) -> String,
    fault: impl Fn(&T) -> Option<String>,
    problems: &mut Vec<String>,
) -> Vec<&'d T> {
    let mut sound = Vec::with_capacity(all.len());
    for it in all {
        match fault(it) {
            None => sound.push(it),
            Some(what) => problems.push(format!("{} is not published: {what}", name(it))),
        }
    }
    sound
}

fn once<'d, T>(
    all: &mut Vec<&'d T>,
    at: impl Fn(&'d T) -> (&'d ServiceKey, &'d String, u16),
    problems: &mut Vec<String>,
) {
    let mut seen = BTreeSet::new();
    all.retain(|it| {
        let (key, host, port) = at(it);
        let new = seen.insert((key, host, port));
        if !new {
            problems.push(format!(
                "{key} is wanted twice at {host}:{port}, found islands, tags or paths that share a port"
            ));
        }
        new
    });
}

type Place<'a> = (&'a ServiceKey, &'a str, u16, &'a str, Option<&'a str>);

fn place(provider: &VirtualProvider) -> Place<'_> {
    (&provider.key, &provider.host, provider.port, &provider.island, provider.tag.as_deref())
}

fn place_of_plain(provider: &Provider) -> (&ServiceKey, &str, u16, &str) {
    (&provider.key, &provider.host, provider.port, &provider.path)
}

fn fault(provider: &VirtualProvider) -> Option<String> {
    let wrong = |what: &str, found: &str| Some(format!("{what} is {found:?}"));
    if let Some(fault) = fault_of_key(&provider.key) {
        return Some(fault);
    }
    if !provider.tag.as_deref().is_none_or(|tag| is_name(tag, text)) {
        return wrong("its tag", provider.tag.as_deref().unwrap_or_default());
    }
    if let Some(fault) = fault_of_place(&provider.island, &provider.host, provider.port) {
        return Some(fault);
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

fn fault_of_stand(stand: &Stand) -> Option<String> {
    fault_of_place(&stand.island, &stand.host, stand.port)
}

/// The same of the place of a gateway's node.
fn fault_of_place(island: &str, at: &str, port: u16) -> Option<String> {
    let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !is_name(island, dashed) || island.len() > 32 {
        return Some(format!("its island is {island:?}"));
    }
    (!is_name(at, host) || port == 0).then(|| format!("its address is {:?}", format!("{at}:{port}")))
}

/// The same of a provider that a process serves itself.
fn fault_of_plain(provider: &Provider) -> Option<String> {
    let wrong = |what: &str, found: &str| Some(format!("{what} is {found:?}"));
    let application = provider.application.as_deref().unwrap_or_default();
    let is_application =
        is_name(application, text) && !is_of_gateways(application) && Layout::may_be_interface(application);
    if let Some(fault) = fault_of_key(&provider.key) {
        return Some(fault);
    }
    if !is_application || matches!(application, "." | "..") {
        return wrong("its application", application);
    }
    if !is_name(&provider.host, host) || provider.port == 0 {
        return wrong("its address", &format!("{}:{}", provider.host, provider.port));
    }
    if !provider.path.is_empty() && !is_name(&provider.path, |c| word(c) || c == '/') {
        return wrong("its path", &provider.path);
    }
    if provider.is_virtual() || provider.parameters.0.contains_key(MARK) {
        return Some("it has the mark of a gateway".into());
    }
    fault_of_parameters(&provider.parameters)
}

/// The same of a reference.
fn fault_of_consumer(consumer: &Consumer) -> Option<String> {
    let wrong = |what: &str, found: &str| Some(format!("{what} is {found:?}"));
    // A reference may ask for several groups.
    let several = |c: char| text(c) || c == ',';
    let absent_or = |value: &Option<String>| value.as_deref().is_none_or(|value| is_name(value, several));
    if !is_interface(&consumer.interface) {
        return wrong("its interface", &consumer.interface);
    }
    if !absent_or(&consumer.group) {
        return wrong("its group", consumer.group.as_deref().unwrap_or_default());
    }
    if !absent_or(&consumer.version) {
        return wrong("its version", consumer.version.as_deref().unwrap_or_default());
    }
    if !absent_or(&consumer.application) {
        return wrong("its application", consumer.application.as_deref().unwrap_or_default());
    }
    if !is_name(&consumer.host, host) {
        return wrong("its address", &consumer.host);
    }
    fault_of_parameters(&consumer.parameters)
}

fn fault_of_key(key: &ServiceKey) -> Option<String> {
    let wrong = |what: &str, found: &str| Some(format!("{what} is {found:?}"));
    let absent_or = |value: &Option<String>| value.as_deref().is_none_or(|value| is_name(value, text));
    if !is_interface(&key.interface) {
        return wrong("its interface", &key.interface);
    }
    if !absent_or(&key.group) {
        return wrong("its group", key.group.as_deref().unwrap_or_default());
    }
    if !absent_or(&key.version) {
        return wrong("its version", key.version.as_deref().unwrap_or_default());
    }
    None
}

/// Consumers cut a URL at these, before they know what is a value.
fn fault_of_parameters(parameters: &Parameters) -> Option<String> {
    let value = |c: char| !c.is_whitespace() && !c.is_control() && !"&?#".contains(c);
    let key = |c: char| value(c) && c != '=';
    let is_sound = |(name, said): &(&String, &String)| is_name(name, key) && said.chars().all(value);
    if let Some((name, said)) = parameters.0.iter().find(|pair| !is_sound(pair)) {
        return Some(format!("its parameter {name:?} is {said:?}"));
    }
    let len = parameters.0.iter().map(|(name, said)| name.len() + said.len()).sum::<usize>();
    (len > PARAMETERS_MAX_LEN).then(|| format!("its parameters have {len} bytes, wanted at most {PARAMETERS_MAX_LEN}"))
}

fn is_interface(name: &str) -> bool {
    is_name(name, word) && !matches!(name, "." | "..")
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '-')
}

fn text(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"&=?#%+,/:".contains(c)
}

fn host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')
}

fn is_name(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX_LEN && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(interface: &str) -> VirtualProvider {
        VirtualProvider {
            key: ServiceKey::new(interface, None, None),
            island: "b".into(),
            host: "10.0.0.9".into(),
            port: 20990,
            ..VirtualProvider::default()
        }
    }

    fn of(providers: Vec<VirtualProvider>) -> Desired {
        Desired { gateway: "gw".into(), epoch: 1, providers, ..Desired::default() }
    }

    fn refused(change: impl FnOnce(&mut VirtualProvider)) -> String {
        let mut bad = provider("a.B");
        change(&mut bad);
        let desired = of(vec![bad, provider("a.C")]);
        let sound = sound(&desired);
        assert_eq!(sound.providers.len(), 1, "the sound one stays");
        only(sound.problems)
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
        let desired = of(vec![tagged, provider("a.B")]);
        let Sound { providers, problems, .. } = sound(&desired);
        assert_eq!(providers.len(), 1);
        assert!(problems[0].contains("share a port"), "{problems:?}");
    }

    #[test]
    fn a_gateway_without_an_id_publishes_nothing() {
        let stand = Stand { island: "b".into(), host: "10.0.0.9".into(), port: 20990 };
        for id in ["", "a b"] {
            let published = Desired { gateway: id.into(), ..of(vec![provider("a.B")]) };
            let standing = Desired { gateway: id.into(), stands: vec![stand.clone()], ..Desired::default() };
            for desired in [published, standing] {
                let Sound { providers, stands, problems, .. } = sound(&desired);
                assert!(providers.is_empty() && stands.is_empty() && problems[0].contains("gateway's id"), "{id:?}");
            }
        }
        let wrong = Stand { port: 0, ..stand.clone() };
        let desired = Desired { stands: vec![wrong, stand], ..of(Vec::new()) };
        let sound = sound(&desired);
        assert_eq!((sound.stands.len(), sound.problems.len()), (1, 1));
    }

    #[test]
    fn who_is_no_gateway_needs_no_id() {
        let desired = Desired { plain: vec![plain()], consumers: vec![consumer()], ..Desired::default() };
        let sound = sound(&desired);
        assert_eq!((sound.plain.len(), sound.consumers.len(), sound.problems), (1, 1, vec![]));
    }

    fn plain() -> Provider {
        Provider {
            key: ServiceKey::new("a.B", None, None),
            host: "10.0.0.7".into(),
            port: 20880,
            path: "shop/a.B".into(),
            level: crate::registry::Level::Both,
            application: Some("shop".into()),
            parameters: Parameters([("methods".to_owned(), "bye,hello".to_owned())].into()),
            highway: None,
        }
    }

    fn consumer() -> Consumer {
        Consumer {
            application: Some("web".into()),
            host: "10.0.0.9".into(),
            interface: "a.B".into(),
            group: Some("G,H".into()),
            version: Some("*".into()),
            parameters: Parameters::default(),
        }
    }

    #[test]
    fn a_process_writes_nothing_that_breaks_a_url_or_passes_for_a_gateways() {
        let refused = |change: &dyn Fn(&mut Provider)| {
            let mut bad = plain();
            change(&mut bad);
            let desired = Desired { plain: vec![bad], ..Desired::default() };
            let sound = sound(&desired);
            assert_eq!(sound.plain.len(), 0);
            only(sound.problems)
        };
        for application in ["", "highway-b-1", "metadata", "a,b", "..", "a/b"] {
            let problem = refused(&|it| it.application = Some(application.to_owned()));
            assert!(problem.contains("application"), "{problem}");
        }
        assert!(refused(&|it| it.highway = Some("gw".into())).contains("mark"));
        assert!(refused(&|it| drop(it.parameters.0.insert("highway".into(), "gw".into()))).contains("mark"));
        assert!(refused(&|it| drop(it.parameters.0.insert("x".into(), "1&side=y".into()))).contains("parameter"));
        assert!(refused(&|it| drop(it.parameters.0.insert("x=".into(), "1".into()))).contains("parameter"));
        assert!(refused(&|it| drop(it.parameters.0.insert("x".into(), "y".repeat(70_000)))).contains("bytes"));
        assert!(refused(&|it| it.path = "a?b".into()).contains("path"));
        assert!(refused(&|it| it.port = 0).contains("address"));
        assert!(refused(&|it| it.key.interface = "a/B".into()).contains("interface"));
        let refused = |change: &dyn Fn(&mut Consumer)| {
            let mut bad = consumer();
            change(&mut bad);
            let desired = Desired { consumers: vec![bad], ..Desired::default() };
            only(sound(&desired).problems)
        };
        assert!(refused(&|it| it.host = "a b".into()).contains("address"));
        assert!(refused(&|it| it.group = Some("a&b".into())).contains("group"));
        assert!(refused(&|it| it.interface = "..".into()).contains("interface"));
    }

    fn only(problems: Vec<String>) -> String {
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].clone()
    }
}
