//! Documents that are made to hurt, put straight into ZooKeeper as somebody would with its own command line: each is refused in words, the
//! last good text is obeyed meanwhile, and the gateway neither grows nor stops.

use lab::line::Line;
use lab::process::until;

use super::documents::Documents;
use super::load::while_all_call;
use super::stage::{FOLLOWED, hello, stage, until_answered_by};

/// What ZooKeeper takes in one request by default (`jute.maxbuffer`), less what is around the text.
const FITS_LEN: usize = 1024 * 1024 - 512;
/// What gateways read of a document, as their sentence says.
const READ_LEN: usize = 256 * 1024;
/// What a gateway may grow by over all of it: twice what stands in ZooKeeper then, and as much again for what else it does meanwhile.
const GROWS_LEN: u64 = 16 * 1024 * 1024;

/// Ten to the power of nine texts, if somebody made of it what it says. In one line, for the command line.
fn bomb() -> String {
    let mut text = "{a: &a [x,x,x,x,x,x,x,x,x,x]".to_owned();
    for (next, last) in ('b'..='i').zip('a'..) {
        text += &format!(", {next}: &{next} [{}]", vec![format!("*{last}"); 10].join(","));
    }
    text + ", rules: *i}"
}

/// The same with more around it.
fn padded(len: usize) -> String {
    let bomb = bomb();
    format!("{{pad: \"{}\", bomb: {bomb}}}", "x".repeat(len - bomb.len() - 17))
}

/// What the first gateway of this island says is wrong with documents.
fn said(line: &Line) -> String {
    let Ok(status) = line.island("a").egress().status() else { return String::new() };
    let of_texts = status["egress"]["rules"].as_array().into_iter().flatten().map(|document| &document["refused"]);
    let of_center = status["egress"]["registries"][0]["problems"].as_array().into_iter().flatten();
    of_texts.chain(of_center).filter_map(|told| told.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_bomb_in_zookeeper_is_refused_in_words_while_the_last_good_text_is_obeyed() {
    let (stage, line, _mine) = stage();
    let (zookeeper, egress) = (&line.island("a").zookeeper, line.island("a").egress());
    let documents = Documents::of(&line);
    documents.act("island: b");
    stage.each(|name, consumer| until_answered_by(name, consumer, &hello("plain"), "b"));
    let too_long = |len: usize| format!("has {len} bytes, wanted at most {READ_LEN}: its last good text stays");
    let (short, long) = (bomb(), padded(READ_LEN));
    let anchor = |text: &str| format!("line 1, column {}: found an anchor or an alias", text.find('[').unwrap() + 1);
    let (of_short, of_long) = (anchor(&short), anchor(&long));
    let texts = [
        ("a bomb", short, of_short),
        ("a bomb as long as gateways read", long, of_long),
        ("a word as long as gateways read", "a".repeat(READ_LEN), "found `aaaaaa".to_owned()),
        ("depth as long as gateways read", "[".repeat(READ_LEN), "recursion limit exceeded".to_owned()),
        ("a bomb as long as ZooKeeper takes", padded(FITS_LEN), too_long(FITS_LEN)),
        ("depth, a byte shorter", "[".repeat(FITS_LEN - 1), too_long(FITS_LEN - 1)),
    ];
    let before = egress.peak_memory().unwrap();
    let put = |text: &str| zookeeper.command_line(&[format!("set {} '{text}'", documents.path())]);
    let called = while_all_call(stage, &hello("plain"), |load| {
        load.goes_to("b");
        for (what, text, wanted) in &texts {
            put(text).unwrap();
            let refused = until(&format!("{what} is refused"), FOLLOWED, || {
                Some(said(&line)).filter(|said| said.contains(wanted))
            });
            let refused = refused.unwrap_or_else(|error| panic!("{error}; it says {}", said(&line)));
            println!("{what}, {} bytes: {refused:.300}", text.len());
            assert!(refused.contains("last good text"), "{what}: {refused}");
            load.goes_to("b");
        }
        // ZooKeeper itself takes no more than that.
        let written = documents.committed();
        let told = put(&"x".repeat(5 * 1024 * 1024));
        println!(
            "five megabytes: {}",
            told.map_or_else(|error| error.to_string(), |()| "the command line does not say".to_owned())
        );
        assert_eq!(documents.committed(), written, "ZooKeeper has taken five megabytes");
        load.goes_to("b");
    });
    for (name, called) in called {
        println!("{name}: {:?}, slowest {:?}, failed {:?}", called.answers, called.slowest, called.failed);
        assert!(called.failed.is_empty(), "{name}: {:?}", called.failed);
        assert!(called.answers.keys().eq(["b"]), "{name}: {:?}", called.answers);
    }
    let grown = egress.peak_memory().unwrap().saturating_sub(before);
    println!("the gateway had {before} bytes at most, and has grown by {grown}");
    assert!(grown <= GROWS_LEN, "{grown} bytes more than {before}");
    // The tool writes over the longest text that there can be.
    documents.act("island: c");
    stage.each(|name, consumer| until_answered_by(name, consumer, &hello("plain"), "c"));
    until("nothing is refused any more", FOLLOWED, || said(&line).is_empty().then_some(())).unwrap();
}
