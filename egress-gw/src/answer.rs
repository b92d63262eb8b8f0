//! The one table that turns failures into what a consumer gets. Nowhere else in the gateway stands a status code.
//!
//! ```text
//!  what happened                                          consumer gets          Java repeats   dubbo-go repeats
//!  nothing sent: no link, draining, provider gone, late   status 80              yes            yes
//!  nothing sent: overload, budget, limit                  status 100             yes            yes
//!  bytes that cannot be read                              status 40              yes            yes
//!  not offered, not granted, refused, hop limit, forged   OK + RuntimeException  no             yes
//!  a body over a limit                                    OK + RuntimeException  no             yes
//!  executed, but the answer did not come through          OK + RuntimeException  no             yes
//!  outcome unknown                                        OK + RuntimeException  no             yes
//!  outcome unknown, declared idempotent                   status 31              yes            yes
//!  outcome unknown at the consumer's own timeout          status 31              yes            yes
//! ```
//!
//! At its own timeout a consumer gives up, and repeats or not, without being told: status 31 makes of it the same exception as
//! the consumer's clock would, with a sentence in it. A 2.7 consumer does not say its timeout in the call; its node in the
//! registry does.
//!
//! An exception goes out in the request's serialization and in the form its sender can read; where that cannot be
//! written it becomes status 40 with the same text. Never an empty or null text: either ends a dubbo-go session.

use wire::dubbo::frame::Status;
use wire::dubbo::reply::{self, Asked};
use wire::dubbo::rewrite::FrameBuf;
use wire::tunnel::failure::{Failure, Kind, Outcome};

/// Whether running the call twice does harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Nobody said that it does not.
    Harmful,
    /// The operator declared the method idempotent.
    Harmless,
    /// The consumer's own timeout is over: it repeats or not as it would without a word from here.
    AsItWould,
}

/// What a consumer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// This status with the text.
    Status(Status),
    /// An OK reply that holds a `java.lang.RuntimeException` with the text.
    Exception,
}

/// The table.
#[must_use]
pub fn of(failure: &Failure, repeat: Repeat) -> Answer {
    match (failure.kind, failure.outcome) {
        (Kind::Unparsable, Outcome::NotSent) => Answer::Status(Status::BAD_REQUEST),
        (
            Kind::NotOffered | Kind::NotGranted | Kind::TargetRefused | Kind::HopLimit | Kind::Forged | Kind::TooLarge,
            _,
        )
        | (_, Outcome::Executed) => Answer::Exception,
        (_, Outcome::Unknown) => match repeat {
            Repeat::Harmful => Answer::Exception,
            Repeat::Harmless | Repeat::AsItWould => Answer::Status(Status::SERVER_TIMEOUT),
        },
        (Kind::Overload, Outcome::NotSent) => Answer::Status(Status::OVERLOADED),
        (
            Kind::NoLink
            | Kind::NotYetKnown
            | Kind::LinkLost
            | Kind::Draining
            | Kind::ProviderGone
            | Kind::DeadlinePassed
            | Kind::Internal,
            Outcome::NotSent,
        ) => Answer::Status(Status::SERVER_ERROR),
    }
}

/// A failure's own sentence is cut behind so many bytes: names in it are the caller's, and may be as long as a body.
const SAID_MAX_LEN: usize = 4 * 1024;

/// The sentence a developer reads: the failure's own, then how far the call had got.
#[must_use]
pub fn text(failure: &Failure) -> String {
    let said = failure.text.trim().trim_end_matches('.');
    let told = match said.len() {
        0 => format!("{} at {}", failure.kind, failure.stage),
        1..=SAID_MAX_LEN => said.to_owned(),
        _ => format!("{} …", &said[..said.floor_char_boundary(SAID_MAX_LEN)]),
    };
    let reached = match failure.outcome {
        Outcome::NotSent => "the call was not executed",
        Outcome::Unknown => "the call may have been executed, so look before you repeat it",
        Outcome::Executed => "the call was executed, only its answer is missing",
    };
    format!("highway: {told} ({reached})")
}

/// Appends the answer to a failed two-way call.
pub fn put(out: &mut impl FrameBuf, asked: &Asked, failure: &Failure, repeat: Repeat) {
    let text = text(failure);
    match of(failure, repeat) {
        Answer::Status(status) => reply::put_error(out, asked.id, status, &text),
        Answer::Exception => reply::put_exception(out, asked, &text),
    }
}

#[cfg(test)]
mod tests {
    use wire::dubbo::call::ReplyForm;
    use wire::dubbo::frame::{Header, Serialization};
    use wire::tunnel::failure::Stage;

    use super::*;

    fn failure(kind: Kind, outcome: Outcome) -> Failure {
        Failure::new(Stage::Switch, kind, outcome, "found x, wanted y, do z")
    }

    /// Every row of the table, for every kind and outcome that can come over a link.
    #[test]
    fn every_failure_has_its_row() {
        for kind in Kind::ALL {
            for outcome in Outcome::ALL {
                let wanted = match (kind, outcome) {
                    (Kind::Unparsable, Outcome::NotSent) => Answer::Status(Status(40)),
                    (
                        Kind::NotOffered
                        | Kind::NotGranted
                        | Kind::TargetRefused
                        | Kind::HopLimit
                        | Kind::Forged
                        | Kind::TooLarge,
                        _,
                    ) => Answer::Exception,
                    (_, Outcome::Unknown | Outcome::Executed) => Answer::Exception,
                    (Kind::Overload, Outcome::NotSent) => Answer::Status(Status(100)),
                    (_, Outcome::NotSent) => Answer::Status(Status(80)),
                };
                assert_eq!(of(&failure(*kind, *outcome), Repeat::Harmful), wanted, "{kind} {outcome}");
            }
        }
    }

    #[test]
    fn only_an_unknown_outcome_of_an_idempotent_method_becomes_a_timeout_that_is_repeated() {
        for kind in Kind::ALL {
            for outcome in Outcome::ALL {
                let repeated = of(&failure(*kind, *outcome), Repeat::Harmless) == Answer::Status(Status(31));
                let refused = matches!(
                    kind,
                    Kind::NotOffered
                        | Kind::NotGranted
                        | Kind::TargetRefused
                        | Kind::HopLimit
                        | Kind::Forged
                        | Kind::TooLarge
                );
                assert_eq!(repeated, *outcome == Outcome::Unknown && !refused, "{kind} {outcome}");
            }
        }
    }

    #[test]
    fn the_text_says_how_far_the_call_had_got() {
        let text = |outcome| text(&failure(Kind::NoLink, outcome));
        assert_eq!(text(Outcome::NotSent), "highway: found x, wanted y, do z (the call was not executed)");
        assert_eq!(
            text(Outcome::Unknown),
            "highway: found x, wanted y, do z (the call may have been executed, so look before you repeat it)"
        );
        assert_eq!(
            text(Outcome::Executed),
            "highway: found x, wanted y, do z (the call was executed, only its answer is missing)"
        );
    }

    #[test]
    fn a_name_as_long_as_a_body_does_not_push_out_how_far_the_call_had_got() {
        let long = format!("no island offers `{}`", "名".repeat(100_000));
        let text = text(&Failure::new(Stage::Route, Kind::NotOffered, Outcome::NotSent, long));
        assert!(text.starts_with("highway: no island offers `名名") && text.len() < 5000, "{}", text.len());
        assert!(text.ends_with("名 … (the call was not executed)"), "{text}");
    }

    #[test]
    fn a_failure_without_a_sentence_still_has_one() {
        let silent = Failure::new(Stage::Pick, Kind::ProviderGone, Outcome::NotSent, " ");
        assert_eq!(text(&silent), "highway: provider gone at pick (the call was not executed)");
    }

    #[test]
    fn an_answer_carries_the_consumers_id_its_serialization_and_a_body() {
        for serialization in [Serialization::HESSIAN2, Serialization::FASTJSON2] {
            for form in [ReplyForm::Plain, ReplyForm::WithAttachments] {
                let asked = Asked { id: -7, serialization, form };
                let mut out = Vec::new();
                put(&mut out, &asked, &failure(Kind::NotGranted, Outcome::NotSent), Repeat::Harmful);
                let header = Header::decode(&out).unwrap().unwrap();
                assert_eq!((header.id, header.serialization(), header.status()), (-7, serialization, Status::OK));
                assert!(header.body_len > 0 && header.frame_len() == out.len());
            }
        }
    }

    #[test]
    fn where_no_exception_can_be_written_the_text_comes_as_status_40() {
        let asked = Asked { id: 3, serialization: Serialization::new(8), form: ReplyForm::Plain };
        let mut out = Vec::new();
        put(&mut out, &asked, &failure(Kind::NotGranted, Outcome::NotSent), Repeat::Harmful);
        let header = Header::decode(&out).unwrap().unwrap();
        assert_eq!((header.id, header.status(), header.serialization()), (3, Status(40), Serialization::HESSIAN2));
    }
}
