//! `[[export.rule]]` and `[[provider]]`: what others may call, and providers that no registry lists.

use std::sync::Arc;

use chassis::{Mistakes, Time};
use client::{DEFAULT_WEIGHT, Endpoint, Offer, Token};
use wire::tunnel::catalogue::ServiceKey;

use super::raw::{RawAction, RawProvider, RawRule};
use crate::export::{Action, ExportPolicy, ExportRule, Terms, Verdict};
use crate::listed::StaticProvider;

/// Java's own limit of a weight is an int; beyond this nobody means anything.
const WEIGHT_MAX: u32 = 1_000_000;

/// Checks the rules.
pub fn policy(typed: Vec<RawRule>, mistakes: &mut Mistakes) -> ExportPolicy {
    let rules = typed.into_iter().enumerate();
    ExportPolicy { rules: rules.filter_map(|(at, raw)| rule(at, raw, mistakes)).collect() }
}

fn rule(at: usize, raw: RawRule, mistakes: &mut Mistakes) -> Option<ExportRule> {
    let name = |key: &str| format!("export.rule[{at}].{key}");
    let service = mistakes.require(&name("service"), raw.service, "a service pattern such as \"com.acme.*\"");
    let service = service.and_then(|text| said(text.parse(), &name("service"), mistakes));
    let application = match raw.application {
        Some(text) => Some(said(text.parse(), &name("application"), mistakes)?),
        None => None,
    };
    let action = match raw.action {
        None | Some(RawAction::Allow) => Action::Allow,
        Some(RawAction::Deny) => Action::Deny,
    };
    let terms = Terms {
        supply_token: raw.supply_token,
        opaque: raw.opaque,
        any_generic: raw.any_generic,
        show_addresses: raw.show_addresses,
    };
    if action == Action::Deny && terms != Terms::default() {
        mistakes.say(&name("action"), "denies, and says on which terms as well; wanted one of the two");
    }
    Some(ExportRule { service: service?, application, action, terms })
}

fn said<T>(parsed: Result<T, wire::pattern::BadPattern>, key: &str, mistakes: &mut Mistakes) -> Option<T> {
    match parsed {
        Ok(value) => Some(value),
        Err(error) => {
            mistakes.say(key, error.to_string());
            None
        }
    }
}

/// Checks the static providers; each must be met by a rule, or nobody could have meant it.
pub fn providers(typed: Vec<RawProvider>, policy: &ExportPolicy, mistakes: &mut Mistakes) -> Vec<StaticProvider> {
    let mut settled: Vec<StaticProvider> = Vec::new();
    for (at, raw) in typed.into_iter().enumerate() {
        let Some(provider) = provider(at, raw, mistakes) else { continue };
        let place = format!("provider[{at}]");
        if policy.verdict(&provider.key, &provider.application) == Verdict::NoRule {
            mistakes
                .say(&place, format!("no [[export.rule]] fits {}, wanted one that allows or denies it", provider.key));
        }
        let same =
            |other: &StaticProvider| other.key == provider.key && other.offer.endpoint == provider.offer.endpoint;
        if settled.iter().any(same) {
            mistakes.say(&place, format!("{} at {} is there twice", provider.key, provider.offer.endpoint));
        }
        settled.push(provider);
    }
    settled
}

fn provider(at: usize, raw: RawProvider, mistakes: &mut Mistakes) -> Option<StaticProvider> {
    let name = |key: &str| format!("provider[{at}].{key}");
    let address = mistakes.require(&name("address"), raw.address, "HOST:PORT of a Dubbo provider");
    let endpoint = address.and_then(|text| {
        let read = endpoint(&text);
        if read.is_none() {
            mistakes.wrong(
                &name("address"),
                format_args!("{text:?}"),
                "HOST:PORT, such as \"10.1.2.3:20880\" or \"[2001:db8::7]:20880\"",
            );
        }
        read
    });
    let service = mistakes.require(&name("service"), raw.service, "the interface's full name");
    let service = service.filter(|text| plain(&name("service"), text, mistakes));
    let version = raw.version.filter(|version| version != "0.0.0").unwrap_or_default();
    let group = raw.group.unwrap_or_default();
    for (key, text) in [("group", &group), ("version", &version)] {
        if !text.is_empty() {
            plain(&name(key), text, mistakes);
        }
    }
    let token = match raw.token_file {
        Some(file) => Some(token(&name("token_file"), &file, mistakes)?),
        None => None,
    };
    let weight = raw.weight.unwrap_or(DEFAULT_WEIGHT);
    if weight > WEIGHT_MAX {
        mistakes.wrong(&name("weight"), weight, format_args!("0 to {WEIGHT_MAX}"));
    }
    let (service, endpoint) = (service?, endpoint?);
    let endpoint = if raw.tls { endpoint.with_tls() } else { endpoint };
    let mut offer = Offer::new(endpoint, raw.path.as_deref().unwrap_or(&service));
    offer.methods = raw.methods.iter().map(|method| Arc::from(method.as_str())).collect();
    offer.weight = weight;
    offer.token = token;
    Some(StaticProvider {
        key: ServiceKey { interface: service, group, version },
        offer,
        timeout: raw.timeout.map(|Time(time)| time),
        application: raw.application.unwrap_or_default(),
    })
}

fn endpoint(text: &str) -> Option<Endpoint> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().ok().map(|_| address)?,
        None if host.contains(':') => return None,
        None => host,
    };
    let sound = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/');
    sound.then(|| Endpoint::new(host, port))
}

/// A name is one where it is a pattern without a `*`.
fn plain(key: &str, text: &str, mistakes: &mut Mistakes) -> bool {
    let sound = text.parse::<wire::pattern::NamePattern>().is_ok() && !text.contains('*');
    if !sound {
        mistakes.wrong(key, format_args!("{text:?}"), "a name without `*`, `/` and `:`");
    }
    sound
}

fn token(key: &str, file: &chassis::SecretFile, mistakes: &mut Mistakes) -> Option<Token> {
    let secret = mistakes.secret(key, file)?;
    match std::str::from_utf8(secret.trimmed()) {
        Ok(text) => Some(Token::new(text)),
        Err(_) => {
            mistakes.say(key, "the file is not text, wanted the provider's token");
            None
        }
    }
}
