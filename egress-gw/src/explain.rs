//! Where a call would go, and why: the page `/explain` of the admin listener.
//!
//! ```text
//!  Question (JSON) ─▶ a Dubbo request, in memory ─▶ peek ─▶ the facts of a call ─▶ route::explain ─▶ Answer (JSON)
//!                                                    └───── what every call passes ─────┘
//! ```
//!
//! The question becomes the very bytes that such a call would have, so that nothing is understood otherwise than in a call. It sends
//! nothing anywhere, reads what shards decide by, and is not on the path of a call.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chassis::admin::axum;
use route::{Explained, Health, Plan, Snapshot, Step, Target};
use serde::{Deserialize, Serialize};
use wire::dubbo::call::peek;
use wire::dubbo::frame::{Codec, HEADER_LEN, Header};
use wire::dubbo::request::Request;
use wire::tunnel::catalogue::ServiceKey;

use crate::decide::{Asker, Seen};
use crate::knowledge::Knowledge;
use crate::probe::{Echo, Ports, Probe};
use crate::publish::registry_key;

/// A question is a few names; attachments that rules look at are short.
const QUESTION_MAX_LEN: usize = 1 << 20;

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
    /// The answer to [`Question::why_not`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What `$echo` got; nothing is sent where the call is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Echo>,
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
    /// The addresses of its providers, for `local`: those of other islands are not known here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unclear {
    /// The service is no service.
    #[error("service: found {0:?}, wanted [group/]interface[:version]")]
    Service(String),
    /// A call like this could not come in.
    #[error("such a call is refused before anything is decided: {0}")]
    Peek(#[from] wire::dubbo::call::PeekError),
    /// Its frame cannot be made.
    #[error("such a call has no frame: {0}")]
    Frame(#[from] wire::dubbo::frame::FrameError),
}

/// Where such a call would go by what is known now.
///
/// # Errors
/// [`Unclear`].
pub fn explain(question: &Question, knowledge: &Knowledge, tags: &[Arc<str>]) -> Result<Answer, Unclear> {
    let frame = frame(question)?;
    let header = Header::decode(&frame)?.ok_or_else(|| Unclear::Service(question.service.clone()))?;
    let peeked = peek(&header, frame.get(HEADER_LEN..).unwrap_or_default())?;
    let port = question.port.as_deref().map(Arc::from);
    let seen = Seen {
        peeked: &peeked,
        serialization: header.serialization(),
        consumer: question.source,
        island: port.as_ref(),
    };
    let asker = Asker::of(&seen, knowledge);
    let snapshot = &knowledge.snapshot;
    Ok(seen.facts(&asker, tags, |facts| {
        let Explained { steps, outcome } = route::explain(facts, snapshot);
        let service = facts.service.cloned().unwrap_or_default();
        let (plan, refused) = match outcome {
            Ok(plan) => (Some(plan), None),
            Err(refusal) => (None, Some(refusal.to_string())),
        };
        let targets = plan.iter().flat_map(|plan| plan.choice.targets());
        Answer {
            call: format!("{service}#{}", facts.method),
            application: facts.application.map(str::to_owned),
            targets: targets.map(|target| shown(target, &service, knowledge)).collect(),
            why_not: question.why_not.as_deref().map(|wanted| why_not(wanted, plan.as_ref(), facts, snapshot)),
            live: None,
            goes: plan.as_ref().map(|plan| plan.choice.to_string()),
            reason: plan.as_ref().map(|plan| plan.reason.to_string()),
            refused,
            steps,
        }
    }))
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

/// Answers `POST /explain`.
pub fn router(knowledge: Arc<ArcSwap<Knowledge>>, tags: Vec<Arc<str>>, ports: Ports) -> axum::Router {
    use axum::extract::{DefaultBodyLimit, rejection::JsonRejection};
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Json};
    let (tags, ports): (Arc<[Arc<str>]>, _) = (tags.into(), Arc::new(ports));
    let answer = move |question: Result<Json<Question>, JsonRejection>| {
        let (knowledge, tags, ports) = (knowledge.clone(), tags.clone(), ports.clone());
        async move {
            let Json(question) = match question {
                Ok(question) => question,
                Err(why) => return (StatusCode::BAD_REQUEST, why.body_text()).into_response(),
            };
            let answer = explain(&question, &knowledge.load(), &tags);
            match answer {
                Ok(answer) => Json(with_echo(answer, &question, &ports).await).into_response(),
                Err(unclear) => (StatusCode::BAD_REQUEST, unclear.to_string()).into_response(),
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
