//! What somebody else does between two reads of one command.
//!
//! ```text
//!   highway ══▶ relay: lets the first of two reads pass, a document's and its history's; before the other one somebody is quicker ══▶ ZooKeeper
//! ```

use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::operator::{Operator, island, rule};

/// Where the relay listens in the island.
const RELAY_PORT: u16 = 20_981;

/// What is done before the second read.
type Meanwhile = Box<dyn FnOnce() + Send>;

/// What the relay has seen and has yet to do.
struct Watch {
    paths: [String; 2],
    /// Which of the paths came first.
    first: Option<usize>,
    meanwhile: Option<Meanwhile>,
}

impl Watch {
    /// What is to be done before this request goes on.
    fn due(&mut self, request: &[u8]) -> Option<Meanwhile> {
        let is_in = |path: &String| request.windows(path.len()).any(|part| part == path.as_bytes());
        let asked = self.paths.iter().position(is_in)?;
        if *self.first.get_or_insert(asked) == asked { None } else { self.meanwhile.take() }
    }
}

/// Starts the relay, which ends with the process; where it listens.
fn relay(paths: [String; 2], meanwhile: Meanwhile) -> SocketAddrV4 {
    let place = island().lab.net.island("a");
    let (listen, registry) = (place.listen(RELAY_PORT).unwrap(), island().zookeeper.address());
    let watch = Arc::new(Mutex::new(Watch { paths, first: None, meanwhile: Some(meanwhile) }));
    // Its threads stay in the island's network.
    place
        .inside(|| {
            let listener = TcpListener::bind(listen).unwrap();
            std::thread::spawn(move || {
                for near in listener.incoming() {
                    let (near, far) = (near.unwrap(), TcpStream::connect(registry).unwrap());
                    let (mut back_from, mut back_to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                    std::thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
                    let watch = watch.clone();
                    std::thread::spawn(move || pass(near, far, &watch));
                }
            });
        })
        .unwrap();
    listen
}

/// Passes requests on; the tool sends each of the two alone, since it waits for the answer.
fn pass(mut near: TcpStream, mut far: TcpStream, watch: &Mutex<Watch>) {
    let mut request = vec![0; 64 * 1024];
    while let Ok(len @ 1..) = near.read(&mut request) {
        let due = watch.lock().unwrap().due(&request[..len]);
        if let Some(meanwhile) = due {
            meanwhile();
        }
        if far.write_all(&request[..len]).is_err() {
            break;
        }
    }
    let _ = far.shutdown(std::net::Shutdown::Both);
}

/// The story of a mend that was undone: ann takes back what is bad, and bob's mend comes while she looks.
#[test]
fn a_rollback_never_undoes_what_somebody_wrote_while_it_looked() {
    let (ann, bob) = (Operator::new("sixteen", "ann"), Operator::new("sixteen", "bob"));
    ann.first(&rule("good"));
    ann.file("shop.yaml", &rule("bad"));
    ann.good(&["apply", "shop.yaml", "--overwrite"]);
    bob.file("shop.yaml", &rule("mended"));
    let paths = ["highway", "highway-history"].map(|folder| format!("/sixteen/config/{folder}/shop"));
    let meanwhile = move || drop(bob.good(&["apply", "shop.yaml", "--overwrite"]));
    let address = relay(paths, Box::new(meanwhile));
    ann.file("relayed.toml", &format!("[[registry]]\naddress = \"{address}\"\nconfig_root = \"sixteen/config\"\n"));
    let (code, said) = ann.does_by("relayed.toml", &["rollback", "shop"]);
    assert_eq!(ann.text(), rule("mended"), "{said}");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("somebody else changed document shop") && said.contains("of bob@"), "{said}");
    assert!(
        ann.good(&["rollback", "shop"]).contains("as it was after change 2"),
        "looked at again, it takes back bob's"
    );
}
