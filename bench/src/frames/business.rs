//! Values as business applications pass them, made up: trees of objects with ids, codes, names, amounts, dates, states and a few sentences.
//!
//! A [`Domain`] says the classes; every value of it differs. Names of people and places are made of syllables.

use super::varied::Chance;
use wire::dubbo::hessian2::writer;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Id,
    Code(&'static str),
    Name,
    Place,
    Phone,
    State(&'static [&'static str]),
    Amount,
    Count,
    Flag,
    Date,
    Sentence,
    Uuid,
    /// A map of attributes.
    Extra,
}

use Kind::{Amount, Code, Count, Date, Extra, Flag, Id, Name, Phone, Place, Sentence, State, Uuid};

/// A class and its fields.
#[derive(Debug)]
struct Class {
    name: &'static str,
    fields: &'static [(&'static str, Kind)],
}

/// A class with a list of another one in its last field.
#[derive(Debug)]
pub struct Domain {
    whole: Class,
    list: &'static str,
    item: Class,
}

const STATES: &[&str] = &["CREATED", "PAID", "SHIPPED", "COMPLETED", "CANCELLED", "PENDING", "REFUNDED", "FAILED"];
const CURRENCIES: &[&str] = &["CNY", "USD", "EUR", "HKD"];
const UNITS: &[&str] = &["PCS", "BOX", "KG", "SET"];

/// What is measured.
pub const MEASURED: Domain = Domain {
    whole: Class {
        name: "com.acme.logistics.api.dto.ShipmentDTO",
        fields: &[
            ("id", Id),
            ("shipmentNo", Code("SH")),
            ("tenantId", Id),
            ("status", State(STATES)),
            ("carrierName", Name),
            ("senderName", Name),
            ("senderPhone", Phone),
            ("senderAddress", Place),
            ("receiverName", Name),
            ("receiverPhone", Phone),
            ("receiverAddress", Place),
            ("freightAmount", Amount),
            ("currency", State(CURRENCIES)),
            ("insured", Flag),
            ("createTime", Date),
            ("updateTime", Date),
            ("traceId", Uuid),
            ("remark", Sentence),
            ("extra", Extra),
        ],
    },
    list: "parcels",
    item: Class {
        name: "com.acme.logistics.api.dto.ParcelDTO",
        fields: &[
            ("parcelNo", Code("PC")),
            ("goodsName", Name),
            ("quantity", Count),
            ("unit", State(UNITS)),
            ("weight", Amount),
            ("declaredValue", Amount),
            ("status", State(STATES)),
            ("warehouseCode", Code("WH")),
            ("updateTime", Date),
            ("attributes", Extra),
        ],
    },
};

impl Domain {
    /// What Dubbo calls the type of its values.
    pub fn descriptor(&self) -> String {
        format!("L{};", self.whole.name.replace('.', "/"))
    }

    /// A value of about `len` bytes of hessian2.
    pub fn value(&self, chance: &mut Chance, len: usize) -> Vec<u8> {
        let mut whole = Vec::new();
        let names = self.whole.fields.iter().map(|(name, _)| *name).chain([self.list]);
        writer::put_class(&mut whole, self.whole.name, names.collect::<Vec<_>>().into_iter());
        writer::put_object_head(&mut whole, 0);
        fields(&mut whole, &self.whole, chance);
        let mut items: Vec<Vec<u8>> = Vec::new();
        let class_len = {
            let mut class = Vec::new();
            self.put_item_class(&mut class);
            class.len()
        };
        while whole.len() + class_len + items.iter().map(Vec::len).sum::<usize>() < len {
            let mut item = Vec::new();
            writer::put_object_head(&mut item, 1);
            fields(&mut item, &self.item, chance);
            items.push(item);
        }
        writer::put_list_head(&mut whole, None, items.len());
        for (number, item) in items.iter().enumerate() {
            if number == 0 {
                self.put_item_class(&mut whole);
            }
            whole.extend_from_slice(item);
        }
        whole
    }

    fn put_item_class(&self, out: &mut Vec<u8>) {
        let names: Vec<&str> = self.item.fields.iter().map(|(name, _)| *name).collect();
        writer::put_class(out, self.item.name, names.into_iter());
    }
}

fn fields(out: &mut Vec<u8>, class: &Class, chance: &mut Chance) {
    for (_, kind) in class.fields {
        put(out, *kind, chance);
    }
}

fn put(out: &mut Vec<u8>, kind: Kind, chance: &mut Chance) {
    match kind {
        Id => writer::put_long(out, 1_000_000_000 + (chance.next() >> 24) as i64),
        Code(front) => {
            let text = format!(
                "{front}2026{:02}{:02}{:08}",
                1 + chance.below(12),
                1 + chance.below(28),
                chance.below(100_000_000)
            );
            writer::put_text(out, &text);
        }
        Name => writer::put_text(out, &format!("{} {}", word(chance, 2), word(chance, 1))),
        Place => {
            let (road, town, number) = (word(chance, 2), word(chance, 2), 1 + chance.below(2000));
            writer::put_text(out, &format!("{number} {road} Road, {town} District, Building {}", 1 + chance.below(40)));
        }
        Phone => writer::put_text(out, &format!("13{:09}", chance.below(1_000_000_000))),
        State(of) => writer::put_text(out, chance.pick(of)),
        Amount => writer::put_double(out, chance.below(1_000_000) as f64 / 100.0),
        Count => writer::put_int(out, chance.below(500) as i32),
        Flag => writer::put_bool(out, chance.below(3) > 0),
        Date => writer::put_date(out, 1_760_000_000_000 + chance.below(10_000_000_000 / 4) as i64 * 4),
        Sentence => {
            const WORDS: &[&str] = &[
                "please",
                "deliver",
                "before",
                "noon",
                "customer",
                "asked",
                "call",
                "first",
                "leave",
                "at",
                "the",
                "door",
                "checked",
                "by",
                "manager",
                "payment",
                "confirmed",
                "urgent",
                "order",
                "returned",
                "twice",
                "without",
                "signature",
            ];
            let words: Vec<&str> = (0..5 + chance.below(8)).map(|_| chance.pick(WORDS)).collect();
            writer::put_text(out, &words.join(" "));
        }
        Uuid => {
            let (a, b) = (chance.next(), chance.next());
            let text = format!(
                "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
                a >> 32,
                a & 0xffff,
                a >> 16 & 0xfff,
                b >> 52,
                b & 0xffff_ffff_ffff
            );
            writer::put_text(out, &text);
        }
        Extra => {
            const KEYS: &[&str] = &[
                "source",
                "version",
                "bizType",
                "operator",
                "region",
                "traceId",
                "timestamp",
                "color",
                "size",
                "priority",
            ];
            writer::put_map_head(out, None);
            let from = chance.below(KEYS.len());
            for at in 0..2 + chance.below(3) {
                writer::put_text(out, KEYS[(from + at) % KEYS.len()]);
                writer::put_text(out, &word(chance, 2));
            }
            writer::put_end(out);
        }
    }
}

/// A word that nobody has said, of so many syllables and one.
fn word(chance: &mut Chance, syllables: usize) -> String {
    const FIRST: &[&str] =
        &["b", "ch", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "q", "r", "s", "sh", "t", "w", "x", "zh"];
    const LAST: &[&str] = &[
        "a", "ai", "an", "ang", "ao", "e", "ei", "en", "eng", "i", "ia", "in", "ing", "o", "ong", "ou", "u", "ui", "un",
    ];
    let mut text: String = (0..=syllables).map(|_| [chance.pick(FIRST), chance.pick(LAST)].concat()).collect();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}
