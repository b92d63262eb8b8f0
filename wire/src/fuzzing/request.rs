//! Whole requests in either serialization: fields, arguments that fit their types or do not, a map of attachments.

use crate::dubbo::call::GENERIC_TYPES;
use crate::dubbo::frame::{Codec, HEADER_LEN, Header};

use super::hessian2::Stream;
use super::{Dice, fastjson2, wound};

/// Types of parameters that Java reads in ways of their own.
const TYPES: [&str; 26] = [
    "Ljava/lang/String;",
    "I",
    "J",
    "Z",
    "D",
    "B",
    "C",
    "[B",
    "[I",
    "[Ljava/lang/String;",
    "[Ljava/lang/Object;",
    "Ljava/lang/Object;",
    "Ljava/lang/Integer;",
    "Ljava/util/List;",
    "Ljava/util/Set;",
    "Ljava/util/Map;",
    "Ljava/util/Date;",
    "Ljava/math/BigDecimal;",
    "Ljava/util/Locale;",
    "Ljava/lang/Class;",
    "Ljava/lang/Throwable;",
    "Ljava/io/InputStream;",
    "Ldifferential/Order;",
    "[Ldifferential/Order;",
    "Ldifferential/Order$Color;",
    "V",
];

const KEYS: [&str; 17] = [
    "path",
    "interface",
    "version",
    "group",
    "generic",
    "token",
    "timeout",
    "dubbo.tag",
    "highway.target",
    "highway.a",
    "_TO",
    "remote.application",
    "dubbo",
    "input",
    "x",
    "PATH",
    "@type",
];

const VALUES: [&str; 12] = [
    "com.acme.Greeter",
    "com.acme.Forbidden",
    "1.0.0",
    "0.0.0",
    "",
    "g1",
    "secret",
    "true",
    "nativejava",
    "3000",
    "-1",
    "beijing",
];

/// A request's frame, perhaps wounded; its header says the body's length unless the wound is there.
#[must_use]
pub fn request(dice: &mut Dice<'_>) -> Vec<u8> {
    let codec = *dice.pick(&[Codec::Hessian2, Codec::Hessian2, Codec::Fastjson2]);
    let mut body = match codec {
        Codec::Hessian2 => hessian2(dice),
        Codec::Fastjson2 => fastjson2(dice),
    };
    wound(dice, &mut body);
    let mut header = Header::request(codec.serialization(), 7, body.len() as u32);
    if dice.once_in(16) {
        header.flags ^= 1 << dice.below(6);
    }
    let mut frame = Vec::with_capacity(HEADER_LEN + body.len());
    frame.extend(header.encode());
    frame.extend(body);
    frame
}

/// The five leading fields; also whether the call is generic, and the types one by one.
fn leading(dice: &mut Dice<'_>) -> ([String; 5], bool, Vec<&'static str>) {
    let types: Vec<&str> = (0..dice.below(4)).map(|_| *dice.pick(&TYPES)).collect();
    let generic = dice.once_in(5);
    let method = if generic {
        *dice.pick(&["$invoke", "$invoke", "$invokeAsync"])
    } else {
        *dice.pick(&["hi", "hi", "hello", "$echo", "$invoke"])
    };
    let joined = if generic { GENERIC_TYPES.to_owned() } else { types.concat() };
    let version = *dice.pick(&["2.0.2", "2.0.2", "2.5.3", "3.0.0", ""]);
    let fields = [
        version.to_owned(),
        if dice.once_in(16) { String::new() } else { (*dice.pick(&["com.acme.Greeter", "com.acme.Other"])).to_owned() },
        (*dice.pick(&["1.0.0", "0.0.0", ""])).to_owned(),
        method.to_owned(),
        joined,
    ];
    (fields, generic, types)
}

/// Each of them with one chance in three, now and then one twice.
fn keys(dice: &mut Dice<'_>) -> Vec<&'static str> {
    let mut keys: Vec<&str> = KEYS.into_iter().filter(|_| dice.once_in(3)).collect();
    if dice.once_in(16) {
        keys.push(*dice.pick(&KEYS));
    }
    keys
}

fn hessian2(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut stream = Stream::default();
    let (fields, generic, types) = leading(dice);
    for field in &fields {
        if field.is_empty() && dice.once_in(3) {
            stream.out.push(b'N');
        } else {
            stream.text(dice, field);
        }
    }
    if generic {
        if dice.once_in(8) {
            stream.value(dice, 0)
        } else {
            stream.any_text(dice)
        }
        stream.value(dice, 0);
        stream.value(dice, 0);
    } else {
        for one in types {
            argument(&mut stream, dice, one);
        }
    }
    match dice.below(24) {
        0 => return stream_with_any(stream, dice),
        1 => {
            stream.out.push(b'N');
            return stream.out;
        }
        2 | 3 => {
            stream.out.push(b'M');
            stream.type_name(dice);
        }
        _ => stream.out.push(b'H'),
    }
    for key in keys(dice) {
        let value = *dice.pick(&VALUES);
        if dice.once_in(64) {
            stream.value(dice, 4)
        } else {
            stream.text(dice, key)
        }
        if dice.once_in(40) { stream.value(dice, 4) } else { stream.text(dice, value) }
    }
    stream.out.push(b'Z');
    stream.out
}

fn stream_with_any(mut stream: Stream, dice: &mut Dice<'_>) -> Vec<u8> {
    stream.value(dice, 0);
    stream.out
}

/// A value that fits the type, mostly.
fn argument(stream: &mut Stream, dice: &mut Dice<'_>, one: &str) {
    match one {
        _ if dice.once_in(4) => stream.value(dice, 0),
        "Ljava/lang/String;" | "C" => stream.any_text(dice),
        "I" | "B" | "Ljava/lang/Integer;" => stream.int(dice),
        "J" => stream.long(dice),
        "D" => stream.double(dice),
        "Z" => stream.out.push(*dice.pick(b"TF")),
        "[B" => stream.binary(dice),
        "V" => stream.out.push(b'N'),
        "Ljava/util/List;" | "Ljava/util/Set;" => stream.list(dice, 0),
        "Ljava/util/Map;" => stream.map(dice, 0),
        "Ljava/util/Date;" => stream.tagged(dice, 0x4a, 8),
        "Ldifferential/Order;" | "Ljava/math/BigDecimal;" | "Ljava/lang/Throwable;" | "Ljava/util/Locale;" => {
            stream.object(dice, 0);
        }
        _ => stream.value(dice, 0),
    }
}

fn fastjson2(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let (fields, generic, types) = leading(dice);
    for text in &fields {
        field(&mut out, |out| fastjson2::put_text(out, dice, text));
    }
    let types = if generic { vec!["Ljava/lang/String;", "", ""] } else { types };
    for one in types {
        field(&mut out, |out| match one {
            "Ljava/lang/String;" if !dice.once_in(6) => fastjson2::any_text(out, dice),
            _ => fastjson2::value(out, dice, 0),
        });
    }
    field(&mut out, |out| map(out, dice));
    out
}

fn map(out: &mut Vec<u8>, dice: &mut Dice<'_>) {
    match dice.below(16) {
        0 => return fastjson2::value(out, dice, 0),
        1 => return out.push(0xaf),
        2 => {
            out.push(0x92);
            let name =
                *dice.pick(&["HashMap", "java.util.TreeMap", "java.util.LinkedHashMap", "java.util.IdentityHashMap"]);
            fastjson2::put_text(out, dice, name);
            out.push(0);
        }
        _ => {}
    }
    out.push(0xa6);
    for key in keys(dice) {
        match dice.below(32) {
            0 => {
                out.push(0x7f);
                fastjson2::put_text(out, dice, key);
                out.push(dice.below(0x30) as u8);
            }
            1 => fastjson2::int(out, dice),
            _ => fastjson2::put_text(out, dice, key),
        }
        let value = *dice.pick(&VALUES);
        if dice.once_in(40) { fastjson2::value(out, dice, 4) } else { fastjson2::put_text(out, dice, value) }
    }
    out.push(0xa5);
}

fn field(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0; 4]);
    write(out);
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}
