//! This machine's clock beside the one of whoever answered for the hub (header `Date`). A call's time left is counted and never read off a
//! clock; what goes by clocks is said where one is wrong.

use std::time::{Duration, SystemTime};

use super::step::Step;

/// Seconds are what the header counts, and an answer takes a while.
const FINE: Duration = Duration::from_secs(3);
/// From here on what goes by clocks goes wrong.
const HARMFUL: Duration = Duration::from_secs(60);

const MEANS: &str = "certificates are taken for over or not yet valid, rules with a time begin and end at another, what this gateway registers \
                     may look older than what it registered before, and its log does not fit the hub's audit; calls' deadlines go by no clock";

/// `here` and `there` at the same moment; `there` is `None` without a header.
pub fn step(here: SystemTime, there: Option<SystemTime>) -> Step {
    let Some(there) = there else {
        return Step::good("clock", "not known: the answer has no Date header to compare this machine's clock with");
    };
    let (apart, word) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let seconds = apart.as_secs();
    if apart <= FINE {
        return Step::good("clock", format!("{}, as whoever answered has it", humantime::format_rfc3339_seconds(here)));
    }
    let saw = format!("{seconds} s {word} the Date of the answer");
    let ask = "keep this machine's clock by NTP (chronyc tracking, timedatectl); if it is right, tell who runs the hub or what stands before it";
    match apart > HARMFUL {
        true => Step::bad("clock", saw, MEANS, ask),
        false => Step::note(
            "clock",
            saw,
            "a little more and what goes by clocks goes wrong: certificates, rules with a time",
            ask,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::step::Mark;
    use super::*;

    #[test]
    fn a_clock_is_told_by_how_far_it_is_off_and_in_which_direction() {
        let there = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let of = |here| step(here, Some(there));
        assert_eq!(of(there + Duration::from_secs(2)).mark, Mark::Good);
        let ahead = of(there + Duration::from_secs(20));
        assert_eq!((ahead.mark, ahead.saw.as_str()), (Mark::Note, "20 s ahead of the Date of the answer"));
        let behind = of(there - Duration::from_secs(7200));
        assert_eq!((behind.mark, behind.saw.as_str()), (Mark::Bad, "7200 s behind the Date of the answer"));
        assert!(step(there, None).saw.contains("no Date header"));
    }
}
