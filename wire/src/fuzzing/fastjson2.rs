//! JSONB values in every form that a reader must take.
//!
//! It never writes through [`crate::dubbo::fastjson2::writer`], which knows only the forms that Highway itself needs.

use super::{Dice, text};

const TYPES: [&str; 8] = [
    "HashMap",
    "java.util.LinkedHashMap",
    "java.util.TreeMap",
    "java.util.IdentityHashMap",
    "org.apache.dubbo.common.utils.LRU2Cache",
    "differential.Order",
    "com.acme.Unknown",
    "JO1",
];

/// One value.
#[must_use]
pub fn document(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    value(&mut out, dice, 0);
    out
}

/// Any value; the deeper, the plainer.
pub(super) fn value(out: &mut Vec<u8>, dice: &mut Dice<'_>, depth: usize) {
    let kinds = if depth > 6 || dice.is_spent() { 8 } else { 13 };
    match dice.below(kinds) {
        0 => out.push(0xaf),
        1 | 2 => any_text(out, dice),
        3 => int(out, dice),
        4 => integer(out, dice),
        5 | 6 => plain(out, dice),
        7 => binary(out, dice),
        8 => {
            out.push(0x93);
            put_text(out, dice, "$");
        }
        9 => {
            out.push(0x92);
            let name = *dice.pick(&TYPES);
            symbol(out, dice, name);
            value(out, dice, depth + 1);
        }
        10 => {
            let count = dice.below(5);
            match dice.below(3) {
                0 => out.extend([0xa4, count as u8]),
                _ => out.push(0x94 + count as u8),
            }
            for _ in 0..count {
                value(out, dice, depth + 1);
            }
        }
        _ => {
            out.push(0xa6);
            for _ in 0..dice.below(4) {
                key(out, dice);
                value(out, dice, depth + 1);
            }
            out.push(0xa5);
        }
    }
}

fn key(out: &mut Vec<u8>, dice: &mut Dice<'_>) {
    let name = text(dice);
    match dice.below(4) {
        0 => {
            out.push(0x7f);
            symbol(out, dice, &name);
        }
        1 => int(out, dice),
        _ => put_text(out, dice, &name),
    }
}

/// Text and its number, or a number alone.
fn symbol(out: &mut Vec<u8>, dice: &mut Dice<'_>, name: &str) {
    if !dice.once_in(4) {
        put_text(out, dice, name);
    }
    out.push(dice.below(0x30) as u8);
}

fn tagged(out: &mut Vec<u8>, dice: &mut Dice<'_>, tag: u8, len: usize) {
    out.push(tag);
    for _ in 0..len {
        out.push(dice.byte());
    }
}

pub(super) fn int(out: &mut Vec<u8>, dice: &mut Dice<'_>) {
    match dice.below(5) {
        0 => out.push(dice.below(0x30) as u8),
        1 => out.push(0xf0 + dice.below(0x10) as u8),
        2 => tagged(out, dice, 0x38, 1),
        3 => tagged(out, dice, 0x44, 2),
        _ => tagged(out, dice, 0x48, 4),
    }
}

fn integer(out: &mut Vec<u8>, dice: &mut Dice<'_>) {
    match dice.below(7) {
        0 => out.push(0xd8 + dice.below(0x18) as u8),
        1 => tagged(out, dice, 0xd0, 1),
        2 => tagged(out, dice, 0xc4, 2),
        3 => tagged(out, dice, 0xbf, 4),
        4 => tagged(out, dice, 0xbe, 8),
        5 => tagged(out, dice, 0xbd, 1),
        _ => tagged(out, dice, 0xbc, 2),
    }
}

fn plain(out: &mut Vec<u8>, dice: &mut Dice<'_>) {
    match dice.below(14) {
        0 => out.push(0xb0),
        1 => out.push(0xb1),
        2 => out.push(0xb2),
        3 => tagged(out, dice, 0xb5, 8),
        4 => tagged(out, dice, 0xb7, 4),
        5 => tagged(out, dice, 0xa9, 4),
        6 => tagged(out, dice, 0xab, 8),
        7 => tagged(out, dice, 0xac, 4),
        8 => {
            tagged(out, dice, 0xa7, 3);
            int(out, dice);
        }
        9 => {
            tagged(out, dice, 0xa8, 7);
            int(out, dice);
        }
        10 => {
            out.push(0xae);
            integer(out, dice);
            int(out, dice);
        }
        11 => {
            out.push(0xb9);
            int(out, dice);
            integer(out, dice);
        }
        12 => {
            out.push(0xba);
            integer(out, dice);
        }
        _ => {
            out.push(0x90);
            int(out, dice);
        }
    }
}

fn binary(out: &mut Vec<u8>, dice: &mut Dice<'_>) {
    let bytes = dice.take(12);
    out.push(*dice.pick(&[0x91, 0x91, 0xbb]));
    out.push(bytes.len() as u8);
    out.extend(bytes);
}

pub(super) fn any_text(out: &mut Vec<u8>, dice: &mut Dice<'_>) {
    let any = text(dice);
    put_text(out, dice, &any);
}

/// Text in an encoding that can hold it.
pub(super) fn put_text(out: &mut Vec<u8>, dice: &mut Dice<'_>, text: &str) {
    let latin1: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    let (tag, bytes) = match (dice.below(240), latin1) {
        (0, _) => (0x7c, text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        (1, _) => (0x7d, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        (2, _) | (_, None) => (0x7a, text.as_bytes().to_vec()),
        (3, Some(bytes)) => (0x79, bytes),
        (_, Some(bytes)) if bytes.len() <= 47 => (0x49 + bytes.len() as u8, bytes),
        (_, Some(bytes)) => (0x79, bytes),
    };
    out.push(tag);
    if tag >= 0x79 {
        let len = bytes.len() as u32;
        match len {
            0..=0x2f => out.push(len as u8),
            0x30..=0x7ff => out.extend([0x38 + (len >> 8) as u8, len as u8]),
            _ => {
                out.push(0x48);
                out.extend(len.to_be_bytes());
            }
        }
    }
    out.extend(bytes);
}
