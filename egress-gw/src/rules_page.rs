//! What looks odd about a rule document beside what this gateway knows: the page `/rules` of the admin listener, which `highway rules check
//! --live` asks.
//!
//! Obeys nothing of what it is asked about, and keeps none of it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use chassis::admin::axum;
use route::Snapshot;
use route::rules::{self, Surroundings, Warning};
use serde::Deserialize;

use crate::knowledge::Knowledge;

/// A document, each byte of it as the six that JSON may take for one.
const QUESTION_MAX_LEN: usize = 6 * rules::DOCUMENT_MAX_LEN + 4096;

/// A document as it stands in a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    name: String,
    text: String,
}

/// What looks odd about it here.
fn warnings(question: &Question, snapshot: &Snapshot) -> Result<Vec<Warning>, rules::Broken> {
    let document = rules::parse(&question.name, &question.text)?;
    Ok(Surroundings::of(snapshot).nobody_offers(&document))
}

/// Answers `POST /rules`.
pub fn router(knowledge: Arc<ArcSwap<Knowledge>>) -> axum::Router {
    use axum::extract::{DefaultBodyLimit, rejection::JsonRejection};
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Json};
    let answer = move |question: Result<Json<Question>, JsonRejection>| {
        let knowledge = knowledge.clone();
        async move {
            let Json(question) = match question {
                Ok(question) => question,
                Err(why) => return (StatusCode::BAD_REQUEST, why.body_text()).into_response(),
            };
            match warnings(&question, &knowledge.load().snapshot) {
                Ok(warnings) => Json(warnings).into_response(),
                Err(broken) => (StatusCode::BAD_REQUEST, broken.to_string()).into_response(),
            }
        }
    };
    axum::Router::new().route("/rules", axum::routing::post(answer)).layer(DefaultBodyLimit::max(QUESTION_MAX_LEN))
}

#[cfg(test)]
mod tests {
    use route::{Known, View};
    use serde_json::json;

    use super::*;

    fn ask(text: &str) -> Result<Vec<Warning>, rules::Broken> {
        let known = Known { own_island: "cloud".into(), view: View::Complete, ..Known::default() };
        let question = serde_json::from_value(json!({ "name": "shop", "text": text })).unwrap();
        warnings(&question, &Snapshot::new(1, known))
    }

    #[test]
    fn what_this_gateway_does_not_know_is_told_by_its_line() {
        let odd = ask("rules:\n- { name: r, act: { failover: [cloud, mars] } }\n").unwrap();
        assert_eq!((odd.len(), odd[0].line), (1, 2), "{odd:?}");
        assert!(odd[0].what.contains("island `mars`"), "{odd:?}");
        assert!(ask("rules: 5").unwrap_err().to_string().contains("line 1, column 8"));
    }
}
