//! Where a call would go, and why: the page `/explain` of the admin listener.
//!
//! ```text
//!  Question (JSON) ─▶ a Dubbo request, in memory ─▶ peek ─▶ the facts of a call ─▶ route::explain ─▶ head ─▶ hubs ─▶ Answer (JSON)
//!                                                    └───────────── what every call passes ─────────────┘
//! ```
//!
//! The question becomes the very bytes that such a call would have, so that nothing is understood otherwise than in a call, and hubs are
//! told the head that it would have ([`crate::hub_says`]). It sends no call unless asked for a probe, and is not on the path of one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chassis::admin::axum;
use route::{Explained, Health, LOCAL, Plan, Snapshot, Step, Target, Word, is_island_id};
use serde::{Deserialize, Serialize};
use wire::dubbo::call::peek;
use wire::dubbo::frame::{Codec, HEADER_LEN, Header};
use wire::dubbo::request::Request;
use wire::tunnel::catalogue::ServiceKey;
use wire::tunnel::head::Head;
use wire::tunnel::question::AskedCall;

use crate::decide::{Asker, Seen, route};
use crate::hub_says::{HubSays, Hubs, Says};
use crate::knowledge::Knowledge;
use crate::probe::{Echo, Ports, Probe};
use crate::publish::registry_key;
use crate::tags::Tags;

/// A question is a few names; attachments that rules look at are short.
const QUESTION_MAX_LEN: usize = 1 << 20;
/// Islands that hubs are asked about for one question.
const ISLANDS_MAX: usize = 8;

/// What a call would be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// `[group/]interface[:version]`.
    pub service: String,
    /// The method.
    pub method: String,
    /// The caller's application.
    pub application: Option<String>,
    /// The caller's address; without one nothing is known of its node in the registry, and rules on addresses do not match.
    pub source: Option<IpAddr>,
    /// The island whose port it comes in on.
    pub port: Option<String>,
    /// Its attachments, `highway.target` and `dubbo.tag` among them.
    #[serde(default)]
    pub attachments: BTreeMap<String, String>,
    /// An island, or `local`: why does the call not go there?
    pub why_not: Option<String>,
    /// Whether to send `$echo` there ([`crate::probe`]).
    #[serde(default)]
    pub live: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The call as it was understood.
    pub call: String,
    /// Who calls, as the call and the registry say together.
    pub application: Option<String>,
    /// Where it goes, in words; `None` where it is refused.
    pub goes: Option<String>,
    /// Who said so.
    pub reason: Option<String>,
    /// The sentence that the caller reads instead.
    pub refused: Option<String>,
    /// Every step, in its order.
    pub steps: Vec<Step>,
    /// What is known of each place where it may go.
    pub targets: Vec<ShownTarget>,
    /// What the hubs say of such a call to each of these islands, and of the one in [`Question::why_not`]; of those that were named or
    /// offer it, where nothing else is known.
    pub policy: Vec<Policy>,
    /// Whether such a call gets anywhere by all that is said above: it goes somewhere, and not every hub that answered refuses it.
    pub passes: bool,
    /// The answer to [`Question::why_not`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What `$echo` got; nothing is sent where the call is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Echo>,
}

/// What the hubs say of such a call to one island.
#[derive(Debug, Serialize)]
pub struct Policy {
    /// The island.
    pub target: String,
    /// Each hub of this gateway.
    pub hubs: Vec<HubSays>,
}

/// A place where calls may go.
#[derive(Debug, Serialize)]
pub struct ShownTarget {
    /// The island, or `local`.
    pub target: String,
    /// Whether a provider is up there; a hub lets this island see only what it grants.
    pub up: bool,
    /// The hubs that show it; none for `local`.
    pub hubs: Vec<String>,
    /// The addresses of its providers, for `local`; those of other islands stand in [`Answer::policy`], where they show them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unclear {
    /// The service is no service.
    #[error("service: found {0:?}, wanted [group/]interface[:version]")]
    Service(String),
    /// The gateway has no such port.
    #[error("port: found {found:?}, wanted {}", ports_known(.known))]
    Port {
        /// What was asked for.
        found: String,
        /// The islands that have one.
        known: Vec<String>,
    },
    /// A call like this could not come in.
    #[error("such a call is refused before anything is decided: {0}")]
    Peek(#[from] wire::dubbo::call::PeekError),
    /// Its frame cannot be made.
    #[error("such a call has no frame: {0}")]
    Frame(#[from] wire::dubbo::frame::FrameError),
}

fn ports_known(known: &[String]) -> String {
    match known {
        [] => "none: this gateway gives no island a port of its own ([egress.ports])".to_owned(),
        known => format!("an island that has a port of its own here: {}", known.join(", ")),
    }
}

/// Where such a call would go by what is known here now, and the calls about which hubs have to be asked for the rest.
///
/// # Errors
/// [`Unclear`].
pub fn explain(
    question: &Question,
    knowledge: &Knowledge,
    tags: &Tags,
    ports: &Ports,
) -> Result<(Answer, Vec<AskedCall>), Unclear> {
    if let Some(found) = question.port.as_deref().filter(|port| !ports.islands().any(|known| known == *port)) {
        let mut known: Vec<String> = ports.islands().map(str::to_owned).collect();
        known.sort_unstable();
        known.dedup();
        return Err(Unclear::Port { found: found.to_owned(), known });
    }
    let frame = frame(question)?;
    let header = Header::decode(&frame)?.ok_or_else(|| Unclear::Service(question.service.clone()))?;
    let peeked = peek(&header, frame.get(HEADER_LEN..).unwrap_or_default())?;
    let port = question.port.as_deref().map(Arc::from);
    let seen = Seen {
        peeked: &peeked,
        serialization: header.serialization(),
        consumer: question.source,
        island: port.as_ref(),
        last: None,
    };
    let asker = Asker::of(&seen, knowledge);
    let snapshot = &knowledge.snapshot;
    Ok(seen.facts(&asker, tags, knowledge, |facts| {
        let Explained { steps, outcome } = route::explain(facts, snapshot);
        let service = facts.service.cloned().unwrap_or_default();
        let (plan, refused) = match outcome {
            Ok(plan) => (Some(plan), None),
            Err(refusal) => (None, Some(refusal.to_string())),
        };
        let targets = plan.iter().flat_map(|plan| plan.choice.targets());
        let calls = islands(question, plan.as_ref(), facts, snapshot).into_iter().filter_map(|island| {
            let way = route(&seen, facts, &island, knowledge).ok()?;
            AskedCall::of(&Head::decode(&way.head).ok()?)
        });
        let calls = calls.collect();
        let answer = Answer {
            call: format!("{service}#{}", facts.method),
            application: facts.application.map(str::to_owned),
            targets: targets.map(|target| shown(target, &service, knowledge)).collect(),
            why_not: question.why_not.as_deref().map(|wanted| why_not(wanted, plan.as_ref(), facts, snapshot)),
            live: None,
            policy: Vec::new(),
            passes: plan.is_some(),
            goes: plan.as_ref().map(|plan| plan.choice.to_string()),
            reason: plan.as_ref().map(|plan| plan.reason.to_string()),
            refused,
            steps,
        };
        (answer, calls)
    }))
}

/// The islands about which hubs are asked: where the call may go and where it was expected. Where it goes nowhere: whom it names,
/// else who offers it.
fn islands(question: &Question, plan: Option<&Plan>, facts: &route::Call<'_>, snapshot: &Snapshot) -> Vec<Arc<str>> {
    let mut names: Vec<&str> = plan.iter().flat_map(|plan| plan.choice.targets()).map(Target::as_str).collect();
    names.extend(question.why_not.as_deref());
    if plan.is_none() {
        let reference = match facts.reference {
            Some(Word::Island(island)) => Some(island),
            _ => None,
        };
        let words = [facts.target, facts.tagged, facts.bound, reference];
        names.extend(words.into_iter().flatten());
    }
    if names.is_empty() {
        let offers = facts.service.map(|service| snapshot.offers(service)).unwrap_or_default();
        names.extend(offers.iter().map(|offer| &*offer.island));
    }
    names.retain(|name| is_island_id(name) && *name != LOCAL && *name != snapshot.own_island());
    let mut islands: Vec<Arc<str>> = Vec::new();
    for name in names {
        if !islands.iter().any(|known| **known == *name) && islands.len() < ISLANDS_MAX {
            islands.push(name.into());
        }
    }
    islands
}

/// The request that such a call would be.
fn frame(question: &Question) -> Result<Vec<u8>, Unclear> {
    let (interface, group, version) =
        parts(&question.service).ok_or_else(|| Unclear::Service(question.service.clone()))?;
    let own = question.application.as_deref().map(|name| ("remote.application", name));
    let said = question.attachments.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let attachments: Vec<(&str, &str)> = own.into_iter().chain(said).collect();
    let request = Request {
        codec: Codec::Hessian2,
        service: interface,
        version,
        group,
        method: &question.method,
        types: "",
        args: &[],
        attachments: &attachments,
    };
    let mut frame = Vec::new();
    request.append(&mut frame, 1);
    Ok(frame)
}

/// Why a call does not go where somebody expected it: what would be said to a caller who named that place.
fn why_not(wanted: &str, plan: Option<&Plan>, facts: &route::Call<'_>, snapshot: &Snapshot) -> String {
    if plan.is_some_and(|plan| plan.choice.targets().any(|target| target.as_str() == wanted)) {
        return format!("it may go to `{wanted}`");
    }
    let named = route::Call { target: Some(wanted), tagged: None, bound: None, reference: None, ..*facts };
    match (route::decide(&named, snapshot), plan) {
        (Err(refusal), _) => refusal.to_string(),
        (Ok(_), Some(plan)) => {
            format!("it could go to `{wanted}`, but `{}` stands above: {}", plan.reason, plan.choice)
        }
        (Ok(_), None) => format!("it could go to `{wanted}` if the caller named that alone"),
    }
}

fn shown(target: &Target, service: &ServiceKey, knowledge: &Knowledge) -> ShownTarget {
    let snapshot = &knowledge.snapshot;
    match target {
        Target::Local => {
            let here = knowledge.local.service(&registry_key(service));
            let through: Vec<String> = here
                .map(|service| {
                    knowledge
                        .local
                        .offers(service)
                        .iter()
                        .map(|offer| format!("{}:{}", offer.endpoint.host, offer.endpoint.port))
                        .collect()
                })
                .unwrap_or_default();
            ShownTarget { target: target.to_string(), up: !through.is_empty(), hubs: Vec::new(), providers: through }
        }
        Target::Island(island) => {
            let offer = snapshot.offers(service).iter().find(|offer| offer.island == *island);
            ShownTarget {
                target: target.to_string(),
                up: offer.is_some_and(|offer| offer.health == Health::Healthy),
                hubs: knowledge.hubs.get(&**island).cloned().unwrap_or_default(),
                providers: Vec::new(),
            }
        }
    }
}

impl Answer {
    /// With what the hubs say of the calls about which they were asked.
    fn judged(mut self, calls: &[String], said: Vec<Vec<HubSays>>) -> Self {
        let policy = calls.iter().zip(said).map(|(target, hubs)| Policy { target: target.clone(), hubs });
        self.policy = policy.collect();
        let is_refused = |target: &ShownTarget| {
            let policy = self.policy.iter().find(|policy| policy.target == target.target);
            let hubs = || policy.into_iter().flat_map(|policy| &policy.hubs);
            hubs().any(|hub| hub.verdict == Says::Refused) && !hubs().any(|hub| hub.verdict == Says::Granted)
        };
        self.passes = self.targets.iter().any(|target| !is_refused(target));
        self
    }
}

/// Answers `POST /explain`.
pub fn router(knowledge: Arc<ArcSwap<Knowledge>>, tags: Tags, ports: Ports, hubs: Hubs) -> axum::Router {
    use axum::extract::{DefaultBodyLimit, rejection::JsonRejection};
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Json};
    let ports = Arc::new(ports);
    let answer = move |question: Result<Json<Question>, JsonRejection>| {
        let (knowledge, tags, ports, hubs) = (knowledge.clone(), tags.clone(), ports.clone(), hubs.clone());
        async move {
            let Json(question) = match question {
                Ok(question) => question,
                Err(why) => return (StatusCode::BAD_REQUEST, why.body_text()).into_response(),
            };
            let explained = explain(&question, &knowledge.load(), &tags, &ports);
            let (answer, calls) = match explained {
                Ok(explained) => explained,
                Err(unclear) => return (StatusCode::BAD_REQUEST, unclear.to_string()).into_response(),
            };
            let targets: Vec<String> = calls.iter().map(|call| call.destination.clone()).collect();
            match hubs.ask(calls).await {
                Ok(said) => Json(with_echo(answer.judged(&targets, said), &question, &ports).await).into_response(),
                Err(busy) => (StatusCode::TOO_MANY_REQUESTS, busy.to_string()).into_response(),
            }
        }
    };
    axum::Router::new().route("/explain", axum::routing::post(answer)).layer(DefaultBodyLimit::max(QUESTION_MAX_LEN))
}

/// The answer, with a probe where that was asked for.
async fn with_echo(answer: Answer, question: &Question, ports: &Ports) -> Answer {
    let Some(target) = answer.targets.first().filter(|_| question.live) else { return answer };
    let Some(service) = parts(&question.service) else { return answer };
    let (application, port) = (answer.application.as_deref(), question.port.as_deref());
    let echo = ports.send(&Probe { service, application, port, target: &target.target }).await;
    Answer { live: Some(echo), ..answer }
}

/// Interface, group and version of `[group/]interface[:version]`.
fn parts(service: &str) -> Option<(&str, Option<&str>, Option<&str>)> {
    let (group, rest) = service.split_once('/').map_or((None, service), |(group, rest)| (Some(group), rest));
    let (interface, version) = rest.split_once(':').map_or((rest, None), |(rest, version)| (rest, Some(version)));
    let are_names = [Some(interface), group, version].into_iter().flatten().all(|part| !part.is_empty());
    are_names.then_some((interface, group, version))
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "explained_tests.rs"]
mod explained;
