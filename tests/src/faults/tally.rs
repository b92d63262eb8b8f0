//! What callers saw, held against what providers wrote down: figures of one reference in one trial. Pure.
//!
//! A call is known by its key, each attempt of it by a number that the consumer's filter gives it. So a key that ran twice under
//! two numbers was repeated by its own consumer, and a number that ran twice was repeated by us.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use lab::peer::{Failed as Kind, Recorded};

/// The times of a trial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    /// When it broke, in milliseconds since 1970.
    pub(super) broken_ms: u64,
    /// When everything ran again.
    pub(super) back_ms: u64,
    /// Whether all were steady in the end.
    pub(super) steady: bool,
    /// The caller's timeout.
    pub(super) timeout: Duration,
}

/// What came of the calls.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    /// Calls that were made.
    pub calls: usize,
    /// Calls that were answered.
    pub answered: usize,
    /// Calls that failed, by kind.
    pub failed: BTreeMap<Kind, usize>,
    /// Failed calls that a gateway which lived on had, that never ran, of which it said so, and that had a way: the same consumer
    /// began another call later, at the same gateway, that was answered while this one still had to wait.
    pub lost: usize,
    /// Attempts that ran more than once.
    pub twice: usize,
    /// Calls that ran more than once since their own consumer repeated them.
    pub repeated: usize,
    /// Calls that were answered and that no provider wrote down.
    pub never_ran: usize,
    /// Of the failed calls those that never ran.
    pub failed_unrun: usize,
    /// From the fault until everything ran again.
    pub back_ms: u64,
    /// The longest time without an answer.
    pub silence_ms: u64,
    /// From the fault until the last call failed; 0 if none did, nothing if calls still failed in the end.
    pub healed_ms: Option<u64>,
    /// Each different failure, with how often it came.
    pub sentences: BTreeMap<String, usize>,
}

impl Figures {
    /// Calls that failed, however.
    #[must_use]
    pub fn failed_calls(&self) -> usize {
        self.failed.values().sum()
    }

    /// Calls that failed so.
    #[must_use]
    pub fn failed_as(&self, kind: Kind) -> usize {
        self.failed.get(&kind).copied().unwrap_or(0)
    }
}

/// Figures of these calls.
pub(super) fn tally<'a>(calls: impl Iterator<Item = &'a Recorded> + Clone, ledger: &str, moments: &Moments) -> Figures {
    let keys: HashSet<&str> = calls.clone().map(|call| call.key.as_str()).collect();
    let runs = runs(ledger, &keys);
    let mut figures = Figures { back_ms: moments.back_ms - moments.broken_ms, ..Figures::default() };
    let wait_ms = u64::try_from(unsent_wait(moments.timeout).as_millis()).unwrap_or(u64::MAX);
    let answered = || calls.clone().filter(|call| call.class.is_none());
    let mut answers: Vec<(u64, u64)> = answered().map(|call| (call.began_ms, call.ended_ms())).collect();
    answers.sort_unstable();
    // Two gateways have links of their own, and one may be back before the other.
    let had_a_way = |call: &Recorded| {
        answered().any(|other| {
            other.asked == call.asked && other.began_ms > call.began_ms && other.ended_ms() < call.began_ms + wait_ms
        })
    };
    let mut last_failure = None;
    for call in calls.clone() {
        figures.calls += 1;
        let ran = runs.get(call.key.as_str());
        if ran.is_some_and(|attempts| attempts.len() > 1) {
            figures.repeated += 1;
        }
        figures.twice += ran.map_or(0, |attempts| attempts.values().filter(|count| **count > 1).count());
        let Some(kind) = call.failed() else {
            figures.answered += 1;
            figures.never_ran += usize::from(ran.is_none());
            continue;
        };
        *figures.failed.entry(kind).or_default() += 1;
        *figures.sentences.entry(sentence(call)).or_default() += 1;
        figures.failed_unrun += usize::from(ran.is_none());
        last_failure = last_failure.max(Some(call.ended_ms()));
        figures.lost += usize::from(kind == Kind::NotSent && ran.is_none() && had_a_way(call));
    }
    figures.silence_ms = longest_silence(&answers);
    let since = |at: u64| at.saturating_sub(moments.broken_ms);
    figures.healed_ms = moments.steady.then(|| last_failure.map_or(0, since));
    figures
}

/// How long an egress gateway lets a call wait that is not sent, by the page on faults: what is left is for the sentence, which its
/// consumer shall read before it gives up by itself.
fn unsent_wait(timeout: Duration) -> Duration {
    timeout - (timeout / 16).min(Duration::from_millis(500))
}

/// How often each attempt of these keys ran.
fn runs<'a>(ledger: &'a str, keys: &HashSet<&str>) -> HashMap<&'a str, HashMap<&'a str, u32>> {
    let mut runs: HashMap<&str, HashMap<&str, u32>> = HashMap::new();
    for line in ledger.lines() {
        // A key has blanks in it: the numbers are the last two words.
        let mut words = line.rsplitn(3, ' ');
        let (Some(_), Some(attempt), Some(key)) = (words.next(), words.next(), words.next()) else { continue };
        if keys.contains(key) {
            *runs.entry(key).or_default().entry(attempt).or_default() += 1;
        }
    }
    runs
}

fn longest_silence(answers: &[(u64, u64)]) -> u64 {
    let mut ends: Vec<u64> = answers.iter().map(|(_, ended)| *ended).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
}

/// The failure without what differs from call to call.
fn sentence(call: &Recorded) -> String {
    let class = call.class.as_deref().unwrap_or_default().rsplit('.').next().unwrap_or_default();
    let text = call.message.as_deref().unwrap_or_default();
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            other if other.is_control() => plain.push(' '),
            other => plain.push(other),
        }
    }
    // Dubbo's own story of a retry stands in front of what went wrong.
    let told = ["highway: ", "cause: "].iter().find_map(|words| Some(&plain[plain.rfind(words)?..]));
    let short: String = told.unwrap_or(&plain).chars().take(260).collect();
    format!("{class}: {short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENTS: Moments = Moments { broken_ms: 1000, back_ms: 2000, steady: true, timeout: Duration::from_secs(1) };

    fn answered(key: &str, began_ms: u64, took_ms: u64) -> Recorded {
        Recorded { key: key.to_owned(), began_ms, took_us: took_ms * 1000, ..Recorded::default() }
    }

    fn failed(key: &str, began_ms: u64, took_ms: u64, message: &str) -> Recorded {
        let (class, message) = (Some("a.b.RpcException".to_owned()), Some(message.to_owned()));
        Recorded { class, message, ..answered(key, began_ms, took_ms) }
    }

    fn of(calls: &[Recorded], ledger: &str) -> Figures {
        tally(calls.iter(), ledger, &MOMENTS)
    }

    #[test]
    fn a_number_that_ran_twice_is_ours_and_a_key_with_two_numbers_its_consumers() {
        let calls = [answered("k 1", 0, 5), answered("k 2", 0, 5), answered("k 3", 0, 5)];
        let figures = of(&calls, "k 1 7 100\nk 1 7 101\nk 2 8 100\nk 2 9 101\nk 3 10 100\nother 11 1\nother 11 1\n");
        assert_eq!((figures.answered, figures.twice, figures.repeated, figures.never_ran), (3, 1, 1, 0));
    }

    #[test]
    fn an_answer_without_a_run_is_noticed() {
        assert_eq!(of(&[answered("k", 0, 5)], "").never_ran, 1);
    }

    #[test]
    fn a_call_is_lost_if_it_never_ran_and_a_later_one_was_answered_while_it_had_to_wait() {
        let refused = "x highway: no link (the call was not executed), dubbo version";
        let calls = |answer_at| [failed("f", 1000, 10, refused), answered("later", answer_at, 20)];
        assert_eq!(of(&calls(1500), "later 1 1\n").lost, 1);
        assert_eq!(of(&calls(1910), "later 1 1\n").lost, 1, "in the last moment");
        assert_eq!(of(&calls(1920), "later 1 1\n").lost, 0, "when it was told, as it has to be");
        assert_eq!(of(&calls(900), "later 1 1\n").lost, 0, "begun before");
        assert_eq!(of(&calls(1500), "later 1 1\nf 2 1\n").lost, 0, "it ran");
        let mut elsewhere = calls(1500);
        elsewhere[1].asked = Some("another:20990".to_owned());
        assert_eq!(of(&elsewhere, "later 1 1\n").lost, 0, "the other gateway had a link, this one none");
    }

    #[test]
    fn what_the_caller_was_told_decides_the_kind() {
        for (text, wanted) in [
            ("Last error is: highway: island (the call may have been executed, so look)", Kind::Unknown),
            ("highway: this egress gateway is ending (the call was not executed)", Kind::Ending),
            ("highway: no island offers `a.B` to this island (the call was not executed)", Kind::NotOffered),
            ("highway: no link within 1 s timeout (the call was not executed)", Kind::NotSent),
            ("No provider available from registry", Kind::NoAddress),
            ("x?timeout=1, cause: client(url: dubbo://) failed to connect to server", Kind::NoAddress),
            ("Waiting server-side response timeout by scan timer", Kind::TimedOut),
            ("x?timeout=1, cause: message can not send, because channel is closed . url:dubbo", Kind::Cut),
            ("who knows", Kind::Other),
        ] {
            let figures = of(&[failed("k", 1000, 1, text)], "");
            assert_eq!(figures.failed, [(wanted, 1)].into(), "{text}");
        }
    }

    #[test]
    fn times_count_from_the_fault() {
        let calls = [
            answered("a", 900, 50),
            failed("b", 1100, 200, "who knows"),
            answered("c", 2400, 50),
            answered("d", 2500, 50),
        ];
        let figures = of(&calls, "");
        assert_eq!((figures.back_ms, figures.silence_ms, figures.healed_ms), (1000, 1500, Some(300)));
        let restless = tally(calls.iter(), "", &Moments { steady: false, ..MOMENTS });
        assert_eq!(restless.healed_ms, None);
    }

    #[test]
    fn sentences_that_differ_in_numbers_only_are_one() {
        let figures = of(&[failed("a", 1, 1, "port 123"), failed("b", 1, 1, "port 45")], "");
        assert_eq!(figures.sentences, [("RpcException: port #".to_owned(), 2)].into());
    }
}
