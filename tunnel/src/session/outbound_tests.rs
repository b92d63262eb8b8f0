//! What goes out, in what order, and what goes again.

use super::*;

fn push(out: &mut Outbound, text: &str) {
    out.push(RecordType::Notice, End::No, 0, &[text.as_bytes()]);
}

fn texts(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let Ok(Decoded::Record(record, len)) = Record::decode(bytes) {
        texts.push(String::from_utf8(record.payload.to_vec()).unwrap());
        bytes = &bytes[len..];
    }
    texts
}

fn taken(out: &mut Outbound) -> Vec<String> {
    let mut all = Vec::new();
    out.take(Instant::now(), |parts| all = parts.concat());
    texts(&all)
}

fn resumed(out: &mut Outbound, count: u64) -> Result<Vec<String>, Impossible> {
    let mut all = Vec::new();
    out.resume(Instant::now(), count, |bytes| all.extend_from_slice(bytes))?;
    Ok(texts(&all))
}

#[test]
fn what_the_peer_has_not_is_sent_again_from_the_middle_of_a_batch() {
    let mut out = Outbound::default();
    for text in ["1", "2", "3"] {
        push(&mut out, text);
    }
    assert_eq!(taken(&mut out), ["1", "2", "3"]);
    push(&mut out, &"4".repeat(JOINED_LEN));
    taken(&mut out);
    push(&mut out, "5");
    taken(&mut out);
    push(&mut out, "6");
    let four = "4".repeat(JOINED_LEN);
    assert_eq!(resumed(&mut out, 1).unwrap(), ["2", "3", &four, "5"]);
    assert_eq!(resumed(&mut out, 2).unwrap(), ["3", &four, "5"]);
    assert_eq!(resumed(&mut out, 3).unwrap(), [&four, "5"]);
    assert_eq!(resumed(&mut out, 5).unwrap(), [""; 0]);
    assert_eq!(taken(&mut out), ["6"]);
}

#[test]
fn an_acknowledgement_frees_whole_batches_only() {
    let mut out = Outbound::default();
    for text in ["1", "2"] {
        push(&mut out, text);
    }
    taken(&mut out);
    let held = out.held_len();
    out.acknowledge(1).unwrap();
    assert_eq!(out.held_len(), held);
    out.acknowledge(2).unwrap();
    assert_eq!(out.held_len(), 0);
}

#[test]
fn an_acknowledgement_of_what_was_never_written_is_refused() {
    let mut out = Outbound::default();
    push(&mut out, "1");
    assert!(out.acknowledge(1).is_err());
    taken(&mut out);
    out.acknowledge(1).unwrap();
    assert!(out.acknowledge(2).is_err());
    assert!(resumed(&mut out, 0).is_err());
    assert!(resumed(&mut out, 2).is_err());
}

#[test]
fn who_sends_nothing_for_a_while_keeps_no_buffer() {
    let mut out = Outbound::default();
    let kept = |out: &Outbound| {
        out.batch.capacity() + out.spare.iter().map(Vec::capacity).sum::<usize>() + out.control.capacity()
    };
    for number in 1..=SPARES as u64 {
        push(&mut out, &"x".repeat(JOINED_LEN));
        taken(&mut out);
        out.acknowledge(number).unwrap();
        out.rest();
    }
    assert!(kept(&out) > JOINED_LEN, "who is busy goes on with its buffers");
    push(&mut out, "not written yet");
    (0..2).for_each(|_| out.rest());
    assert_eq!(taken(&mut out), ["not written yet"]);
    (0..2).for_each(|_| out.rest());
    assert!(out.held_len() > 0, "not acknowledged yet");
    out.acknowledge(SPARES as u64 + 1).unwrap();
    out.rest();
    assert_eq!(kept(&out), 0);
}

#[test]
fn control_records_go_first_and_are_not_sent_again() {
    let mut out = Outbound::default();
    push(&mut out, "1");
    out.push_control(RecordType::Ping, &[b"ping"]);
    assert_eq!(taken(&mut out), ["ping", "1"]);
    assert_eq!(resumed(&mut out, 0).unwrap(), ["1"]);
}
