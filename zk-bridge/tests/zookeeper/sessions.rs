//! How long a session is, and when it is given up for another: against a server that grants what a test says.

use std::time::Duration;

use super::*;

fn of(stand_in: &StandIn, session_timeout: &str) -> Running {
    Running::of(&RegistryConfig {
        session_timeout: Some(session_timeout.into()),
        // Nobody is to be asked for it.
        server_version: Some("3.8.4".into()),
        ..RegistryConfig::at(&stand_in.address)
    })
}

/// Servers that do not agree on `maxSessionTimeout` grant now this and now that. The second grant was not looked at, so what
/// one server may take was reckoned by a longer session than the real one; and each session was asked for twice.
#[tokio::test]
async fn a_session_is_as_long_as_it_was_reckoned_with_and_the_next_asks_for_no_more() {
    const GRANTS: &[Duration] = &[Duration::from_secs(8), Duration::from_secs(6)];
    let stand_in = StandIn::granting(GRANTS, Then::Closes).await;
    let _running = of(&stand_in, "30s");
    eventually("another session is tried", || async { stand_in.asked(|asked| asked.anew.len()) > 3 }).await;
    let asked = stand_in.asked(|asked| asked.anew[..4].to_vec());
    assert_eq!(asked, [30, 8, 6, 6].map(Duration::from_secs));
}

/// A server that stalls now and then has not lost the session, and another one would do no better there; yet after eight
/// stalls the session was given up, and every node with it.
#[tokio::test]
async fn connections_lost_by_silence_cost_no_session_however_many() {
    const GRANTS: &[Duration] = &[Duration::from_secs(1)];
    let stand_in = StandIn::granting(GRANTS, Then::IsSilent).await;
    let _running = of(&stand_in, "1s");
    eventually("stalls", || async { stand_in.asked(|asked| asked.again > 10 || asked.anew.len() > 1) }).await;
    assert_eq!(stand_in.asked(|asked| asked.anew.len()), 1);
}

/// What ends each connection at once may be the session itself: another one is tried.
#[tokio::test]
async fn connections_lost_at_once_do() {
    const GRANTS: &[Duration] = &[Duration::from_secs(6)];
    let stand_in = StandIn::granting(GRANTS, Then::Closes).await;
    let _running = of(&stand_in, "6s");
    eventually("another session is tried", || async { stand_in.asked(|asked| asked.anew.len()) > 1 }).await;
}
