//! Three servers that are one: a leader that falls, a member that hangs, no majority, addresses that lead nowhere.

use std::time::Instant;

use super::*;

/// A gateway at all three, with something real to see and something of its own to write.
async fn at(ensemble: &Ensemble, timeout: &str) -> (Running, Client) {
    let client = client_of(&ensemble.address()).await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Persistent).await;
    let config = RegistryConfig { session_timeout: Some(timeout.into()), ..RegistryConfig::at(ensemble.address()) };
    let running = Running::of(&config);
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("complete", |view| view.is_complete() && real(view, A) == 1).await;
    (running, client)
}

/// Something that happens in the tree is seen, and something new is written: the registry works.
async fn works(running: &Running, address: &str, port: u16) {
    let client = client_of(address).await;
    // While another leader is chosen nothing is written, and whether something was is not known.
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    let node = provider_node(A, port);
    let created = || async { matches!(client.create(&node, b"", &options).await, Ok(_) | Err(Error::NodeExists)) };
    eventually("the ensemble takes writes", created).await;
    running.view("what is new", |view| view.is_connected() && real(view, A) == usize::from(port - 20879)).await;
    running.published(1, 1).await;
}

#[tokio::test]
async fn a_killed_leader_costs_no_session_and_nobody_notices() {
    let mut ensemble = Ensemble::start().await;
    let (running, client) = at(&ensemble, "15s").await;
    let session = running.registry.status().session;
    let before = tree(&client, "/").await;
    let leader = ensemble.leader().await;
    ensemble.0[leader].kill().await;
    let killed = Instant::now();
    running.view("told", |view| !view.is_connected()).await;
    let view = running.view("connected", View::is_connected).await;
    assert_eq!(real(&view, A), 1);
    println!("connected to the new leader's ensemble {:?} after the old one was killed", killed.elapsed());
    assert_eq!(running.registry.status().session, session);
    let alive = (leader + 1) % 3;
    assert_eq!(tree(&ensemble.0[alive].client().await, "/").await, before);
    works(&running, &ensemble.0[alive].address(), 20881).await;
}

#[tokio::test]
async fn members_that_hang_are_left_and_a_lost_majority_changes_nothing() {
    let mut ensemble = Ensemble::start().await;
    let (running, _client) = at(&ensemble, "3s").await;
    // One after the other hangs, so ours did too.
    for (server, port) in (0..3).zip(20881..) {
        ensemble.0[server].signal("-STOP");
        let hung = Instant::now();
        works(&running, &ensemble.0[(server + 1) % 3].address(), port).await;
        println!("one of three hangs: all works {:?} later", hung.elapsed());
        ensemble.0[server].signal("-CONT");
    }
    let leader = ensemble.leader().await;
    for at in [leader, (leader + 1) % 3] {
        ensemble.0[at].kill().await;
    }
    let view = running.view("told", |view| !view.is_connected()).await;
    assert_eq!(real(&view, A), 4, "the list stays");
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(real(&running.registry.view().borrow(), A), 4, "longer than the session, and the list stays");
    ensemble.0[leader].resume().await;
    let back = Instant::now();
    running.view("connected", View::is_connected).await;
    running.published(1, 1).await;
    println!("all is published {:?} after there was a majority again", back.elapsed());
    assert!(back.elapsed().as_secs() < 10, "{:?}", back.elapsed());
}

#[tokio::test]
async fn a_dead_first_address_keeps_nobody_waiting() {
    let server = Server::start().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        taken.local_addr().unwrap()
    };
    let address = format!("{refused},{},{}", silent.local_addr().unwrap(), server.address());
    let began = Instant::now();
    let running = Running::at(&address);
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    println!("one of three answers: published {:?} after the start", began.elapsed());
    let status = running.registry.status();
    assert_eq!(status.problems, Vec::<String>::new());
}

/// `localhost` has an IPv6 address on most machines, where nobody listens.
#[tokio::test]
async fn a_name_with_several_addresses_is_tried_to_the_end() {
    let server = Server::start().await;
    let running = Running::at(&server.address().replace("127.0.0.1", "localhost"));
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
}

/// The client crate took 6 s of 15 for each dead server, and the driver gave the session up after 4 s because a live one was
/// there: one dead machine and a moment's break cost a session, and with it every node.
#[tokio::test]
async fn dead_machines_of_an_ensemble_cost_no_session() {
    at_one_of_seven(&Server::start().await, "12s").await;
}

/// What one server may take was reckoned by what was asked for, which is more than the session really has.
#[tokio::test]
async fn nor_do_they_where_a_server_grants_less_than_was_asked_for() {
    let grants = Settings { more: "maxSessionTimeout=8000", ..Settings::default() };
    at_one_of_seven(&Server::with(grants).await, "30s").await;
}

async fn at_one_of_seven(server: &Server, session_timeout: &str) {
    let cable = Cable::to(server.address()).await;
    // They take connections and say nothing, as the address of a machine that is gone does not even do.
    let mut silent = Vec::new();
    // They refuse, which costs no time.
    let mut refusing = Vec::new();
    for _ in 0..3 {
        silent.push(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
        refusing.push(tokio::net::TcpSocket::new_v4().unwrap());
        refusing.last().unwrap().bind("127.0.0.1:0".parse().unwrap()).unwrap();
    }
    let silent_at = silent.iter().map(|dead| dead.local_addr().unwrap());
    let refusing_at = refusing.iter().map(|dead| dead.local_addr().unwrap());
    let dead: Vec<String> = silent_at.chain(refusing_at).map(|address| address.to_string()).collect();
    let config = RegistryConfig {
        session_timeout: Some(session_timeout.into()),
        ..RegistryConfig::at(format!("{},{}", cable.address(), dead.join(",")))
    };
    let running = Running::of(&config);
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    let session = running.registry.status().session;
    // The servers are tried in an order that is drawn anew each time.
    for _ in 0..4 {
        cable.cut();
        running.view("told", |view| !view.is_connected()).await;
        cable.mend();
        let mended = Instant::now();
        running.view("connected", View::is_connected).await;
        println!(
            "three of seven silent and three refusing, asked for {session_timeout}: connected {:?} after a moment's break",
            mended.elapsed()
        );
        assert_eq!(running.registry.status().session, session);
    }
}
