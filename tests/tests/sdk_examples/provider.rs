//! The provider, called by Java of its own island, which finds it in the registry, and by Java across the hub.

use lab::line::Island;
use lab::peer::{Call, GREETING, LEDGER, Peer, Refer};
use lab::process::until;
use serde_json::json;

use crate::stage::{PATIENT, stage};

/// Refers to both services in their version, and calls each.
fn calls(peer: &Peer, island: &str, from: &str) {
    for (name, interface) in [("rust-greeting", GREETING), ("rust-ledger", LEDGER)] {
        peer.refer(&Refer::new(name, interface).version("2.0.0").patient().retries(0)).unwrap();
    }
    let hello = |name| peer.call(&Call::new("rust-greeting", "sayHello", [json!(name)])).unwrap();
    assert_eq!(hello("bo").returned(), json!("Good day bo, this is Rust"), "{island}");
    let thrown = hello("").threw();
    assert_eq!((&*thrown.class, thrown.text()), ("java.lang.IllegalArgumentException", "who is it?"), "{island}");
    let record = Call::new("rust-ledger", "record", [json!("k1")]).attachment("tenant", "acme");
    let wanted = format!("k1 by java-{island} of {from}, acme");
    assert_eq!(peer.call(&record).unwrap().returned(), json!(wanted), "{island}");
}

/// Whether both services stand in an island's registry, as from elsewhere.
fn offered(island: &Island) -> Option<()> {
    let is_there = |interface| island.virtual_nodes(interface).iter().any(|node| node.contains("version%3D2.0.0"));
    [GREETING, LEDGER].into_iter().all(is_there).then_some(())
}

#[test]
fn the_provider() {
    let stage = stage();
    let [shanghai, beijing] = &stage.peers;
    let address = stage.place().listen(20881).unwrap().to_string();
    let provider = stage.start("provider", &[&address], None);
    stage.printed(&provider, &format!("dubbo://{address}\n"));
    let there = stage.line.island("beijing");
    until("the services stand in beijing's registry", PATIENT, || offered(there)).unwrap();

    calls(shanghai, "shanghai", "this island");
    calls(beijing, "beijing", "beijing");

    let status = provider.terminate(PATIENT).unwrap();
    assert!(status.success(), "{status}\n{}", provider.last_words(20));
    assert!(provider.log().ends_with("0 calls were cut off\n"), "{}", provider.log());
}
