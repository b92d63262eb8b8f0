//! What of a provider's answer reaches the caller.

use wire::dubbo::call::ReplyForm;
use wire::dubbo::frame::Serialization;
use wire::dubbo::hessian2::writer::{put_int, put_text, put_text_map};
use wire::dubbo::{fastjson2, hessian2};

use super::*;

const ASKED: Asked = Asked { id: -42, serialization: Serialization::HESSIAN2, form: ReplyForm::WithAttachments };

fn answer(serialization: Serialization, status: Status, body: &[u8]) -> (Header, Vec<u8>) {
    let header = Header::reply(serialization, status, 77, body.len() as u32);
    (header, [&header.encode()[..], body].concat())
}

fn value_with(attachments: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    put_int(&mut body, 4);
    put_text(&mut body, "from 10.1.2.3, see local-addr");
    put_text_map(&mut body, attachments.iter().copied());
    body
}

fn bytes(shaped: Shaped<'_>) -> Vec<u8> {
    match shaped {
        Shaped::Kept(header, body) => [&header[..], body].concat(),
        Shaped::Whole(frame) => frame,
    }
}

#[test]
fn an_ordinary_answer_gets_the_callers_id_and_its_body_is_not_copied() {
    let mut body = Vec::new();
    put_int(&mut body, 1);
    put_text(&mut body, "hello");
    let (header, frame) = answer(Serialization::HESSIAN2, Status::OK, &body);
    let Shaped::Kept(front, kept) = shape(&header, &frame, &ASKED) else { panic!("written anew") };
    assert_eq!(Header::decode(&front).unwrap().unwrap().id, -42);
    assert!(std::ptr::eq(kept.as_ptr(), &frame[HEADER_LEN]));
    assert_eq!(kept, body);
}

#[test]
fn addresses_of_the_inner_network_and_routing_keys_are_taken_out_and_the_value_stays() {
    let said = [("local-addr", "10.1.2.3:1"), ("dubbo", "2.0.2"), ("remote-addr", "10.1.2.4:1"), ("highway.x", "y")];
    let (header, frame) = answer(Serialization::HESSIAN2, Status::OK, &value_with(&said));
    let shaped = bytes(shape(&header, &frame, &ASKED));
    assert_eq!(&shaped[HEADER_LEN..], value_with(&[("dubbo", "2.0.2")]));
    let header = Header::decode(&shaped).unwrap().unwrap();
    assert_eq!((header.id, header.frame_len()), (-42, shaped.len()));
}

#[test]
fn an_error_in_another_serialization_becomes_one_that_every_consumer_reads() {
    let mut body = Vec::new();
    fastjson2::writer::put_field(&mut body, |out| fastjson2::writer::put_text(out, "no such method"));
    let (header, frame) = answer(Serialization::FASTJSON2, Status::SERVICE_ERROR, &body);
    let shaped = bytes(shape(&header, &frame, &ASKED));
    let read = Header::decode(&shaped).unwrap().unwrap();
    assert_eq!((read.id, read.status(), read.serialization()), (-42, Status::SERVICE_ERROR, Serialization::HESSIAN2));
    assert_eq!(hessian2::Reader::new(&shaped[HEADER_LEN..]).text_lossy().unwrap(), "no such method");
    // To one that asked in it, it passes.
    let same = Asked { serialization: Serialization::FASTJSON2, ..ASKED };
    assert!(matches!(shape(&header, &frame, &same), Shaped::Kept(_, kept) if kept == body));
}

#[test]
fn a_providers_own_error_passes_byte_for_byte() {
    let mut body = Vec::new();
    put_text(&mut body, "thread pool is exhausted at remote-addr");
    let (header, frame) = answer(Serialization::HESSIAN2, Status::OVERLOADED, &body);
    assert!(matches!(shape(&header, &frame, &ASKED), Shaped::Kept(_, kept) if kept == body));
}

#[test]
fn what_cannot_be_read_passes_and_nothing_panics() {
    let body = b"\x94\xff-addr highway.";
    let (header, frame) = answer(Serialization::HESSIAN2, Status::OK, body);
    assert!(matches!(shape(&header, &frame, &ASKED), Shaped::Kept(_, kept) if kept == body));
    for len in 0..HEADER_LEN {
        let _ = shape(&header, &frame[..len], &ASKED);
    }
}
