//! Values as business applications pass them, made up: trees of objects with ids, codes, names, amounts, dates, states and a few sentences, half of them in
//! Chinese, half in English.
//!
//! A [`Domain`] says the classes; every value of it differs. What is alike within a value is what is alike in real ones: it is of one moment, so that its dates and the
//! fronts of its codes and ids are near each other; it has one currency, its amounts are `java.math.BigDecimal`, and one field in six that may be is null.

mod domains;
mod words;

use super::varied::Chance;
use wire::dubbo::hessian2::writer;
use words::{Language, Words};

pub use domains::{LEARNT, MEASURED};

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A number that says when it was made, by whom, and which it is of that moment.
    Id,
    /// This, a day, and digits.
    Code(&'static str),
    Name,
    Place,
    Phone,
    Mail,
    Goods,
    State(&'static [&'static str]),
    Currency,
    /// A `BigDecimal` with two digits behind the point.
    Amount,
    /// A double.
    Measure,
    Count,
    Flag,
    Date,
    Sentence,
    Uuid,
    /// A map of attributes.
    Extra,
}

/// A class and its fields.
#[derive(Debug)]
struct Class {
    name: &'static str,
    fields: &'static [(&'static str, Kind)],
}

/// A class with a list of another one in its last field.
#[derive(Debug)]
pub struct Domain {
    words: &'static Words,
    whole: Class,
    list: &'static str,
    item: Class,
}

const DECIMAL: Class = Class { name: "java.math.BigDecimal", fields: &[("value", Kind::Amount)] };
const CURRENCIES: &[&str] = &["CNY", "USD", "EUR", "HKD"];
/// The first moment of a value, and for how many milliseconds there are others.
const MOMENTS: (u64, usize) = (1_760_000_000_000, 90 * DAY as usize);
const DAY: u64 = 24 * 3_600_000;

impl Domain {
    /// What Dubbo calls the type of its values.
    pub fn descriptor(&self) -> String {
        format!("L{};", self.whole.name.replace('.', "/"))
    }

    /// A value of about `len` bytes of hessian2.
    pub fn value(&self, chance: &mut Chance, len: usize) -> Vec<u8> {
        let mut value = Value::new(self.words, chance);
        let names: Vec<&str> = self.whole.fields.iter().map(|(name, _)| *name).chain([self.list]).collect();
        value.head(self.whole.name, &names);
        value.fields(&self.whole);
        // How many items there are stands in front of them; how long one is shows only once it is there.
        let (mut count, mut items) = (0, value.clone());
        let mut last_len = 0;
        while items.out.len() + last_len / 2 < len {
            let before = items.out.len();
            let names: Vec<&str> = self.item.fields.iter().map(|(name, _)| *name).collect();
            items.head(self.item.name, &names);
            items.fields(&self.item);
            last_len = items.out.len() - before;
            count += 1;
        }
        let at = value.out.len();
        writer::put_list_head(&mut value.out, None, count);
        value.out.extend_from_slice(&items.out[at..]);
        value.out
    }
}

/// A value that is being made.
#[derive(Debug, Clone)]
struct Value {
    out: Vec<u8>,
    /// Names of the classes that it has defined.
    classes: Vec<&'static str>,
    words: &'static Words,
    language: &'static Language,
    chance: Chance,
    currency: &'static str,
    moment: u64,
}

impl Value {
    fn new(words: &'static Words, chance: &mut Chance) -> Value {
        let mut chance = Chance::new(chance.next());
        let language = if chance.below(2) == 0 { &words.chinese } else { &words.english };
        let currency = chance.pick(CURRENCIES);
        let moment = MOMENTS.0 + chance.below(MOMENTS.1) as u64;
        Value { out: Vec::new(), classes: Vec::new(), words, language, chance, currency, moment }
    }

    /// The head of an object, behind its class where that is new.
    fn head(&mut self, name: &'static str, fields: &[&str]) {
        let number = self.classes.iter().position(|known| *known == name).unwrap_or_else(|| {
            writer::put_class(&mut self.out, name, fields.iter().copied());
            self.classes.push(name);
            self.classes.len() - 1
        });
        writer::put_object_head(&mut self.out, number);
    }

    fn fields(&mut self, class: &Class) {
        for (_, kind) in class.fields {
            self.put(*kind);
        }
    }

    fn text(&mut self, text: &str) {
        writer::put_text(&mut self.out, text);
    }

    fn put(&mut self, kind: Kind) {
        use Kind::{
            Amount, Code, Count, Currency, Date, Extra, Flag, Goods, Id, Mail, Measure, Name, Phone, Place, Sentence,
            State, Uuid,
        };
        let may_be_null = matches!(kind, Name | Place | Mail | Sentence | Extra | Amount | Date | Measure);
        if may_be_null && self.chance.below(6) == 0 {
            return writer::put_null(&mut self.out);
        }
        match kind {
            Id => {
                let (age, worker, number) =
                    (self.chance.below(DAY as usize), self.chance.below(64), self.chance.below(64));
                let millis = self.moment - age as u64 - 1_577_836_800_000;
                writer::put_long(&mut self.out, (millis << 22 | (worker as u64) << 12 | number as u64) as i64);
            }
            Code(front) => {
                let text = format!("{front}{}{:08}", day(self.moment), self.chance.below(100_000_000));
                self.text(&text);
            }
            Name => {
                let text = self.name();
                self.text(&text);
            }
            Place => {
                let text = self.place();
                self.text(&text);
            }
            Phone => {
                let text = format!("1{}{:08}", 30 + self.chance.below(70), self.chance.below(100_000_000));
                self.text(&text);
            }
            Mail => {
                let (number, of) = (self.chance.below(10_000), self.chance.pick(self.words.english.surnames));
                self.text(&format!("{}{number}@example.com", of.to_lowercase()));
            }
            Goods => {
                let (goods, number) = (self.chance.pick(self.language.goods), self.chance.below(100));
                self.text(&format!("{goods} {number:02}"));
            }
            State(of) => {
                let text = self.chance.pick(of);
                self.text(text);
            }
            Currency => self.text(self.currency),
            Amount => {
                let cents = self.chance.below(1_000_000);
                let [(value, _)] = DECIMAL.fields else { return };
                self.head(DECIMAL.name, &[value]);
                self.text(&format!("{}.{:02}", cents / 100, cents % 100));
            }
            Measure => writer::put_double(&mut self.out, self.chance.below(100_000) as f64 / 100.0),
            Count => writer::put_int(&mut self.out, self.chance.below(500) as i32),
            Flag => writer::put_bool(&mut self.out, self.chance.below(3) > 0),
            Date => {
                let later = self.chance.below(DAY as usize / 4) as u64;
                writer::put_date(&mut self.out, (self.moment + later) as i64);
            }
            Sentence => {
                let mark = if std::ptr::eq(self.language, &self.words.chinese) { "，" } else { ", " };
                let phrases: Vec<&str> =
                    (0..1 + self.chance.below(3)).map(|_| self.chance.pick(self.language.phrases)).collect();
                self.text(&phrases.join(mark));
            }
            Uuid => {
                let (a, b) = (self.chance.next(), self.chance.next());
                let (a, middle, b) = (a >> 32, [a & 0xffff, a >> 16 & 0xfff, b >> 52], b & 0xffff_ffff_ffff);
                self.text(&format!("{a:08x}-{:04x}-4{:03x}-a{:03x}-{b:012x}", middle[0], middle[1], middle[2]));
            }
            Extra => self.extra(),
        }
    }

    fn name(&mut self) -> String {
        let (surname, first) = (self.chance.pick(self.language.surnames), self.chance.pick(self.language.given));
        if !std::ptr::eq(self.language, &self.words.chinese) {
            return format!("{first} {surname}");
        }
        let second = if self.chance.below(3) > 0 { self.chance.pick(self.language.given) } else { "" };
        [surname, first, second].concat()
    }

    fn place(&mut self) -> String {
        let (province, city) = (self.chance.pick(self.language.provinces), self.chance.pick(self.language.cities));
        let (road, number, unit) =
            (self.chance.pick(self.language.roads), 1 + self.chance.below(999), 1 + self.chance.below(40));
        if std::ptr::eq(self.language, &self.words.chinese) {
            format!("{province}{city}{road}路{number}号{unit}栋{:02}01室", 1 + self.chance.below(30))
        } else {
            format!("{number} {road} Road, Building {unit}, {city}, {province}")
        }
    }

    fn extra(&mut self) {
        writer::put_map_head(&mut self.out, None);
        let from = self.chance.below(self.words.keys.len());
        for at in 0..2 + self.chance.below(3) {
            self.text(self.words.keys[(from + at) % self.words.keys.len()]);
            match self.chance.below(3) {
                0 => {
                    let text = self.name();
                    self.text(&text);
                }
                1 => {
                    let text = format!("{:06}", self.chance.below(1_000_000));
                    self.text(&text);
                }
                _ => {
                    let text = self.chance.pick(self.language.goods);
                    self.text(text);
                }
            }
        }
        writer::put_end(&mut self.out);
    }
}

/// The day of a moment as `20251009`, by Howard Hinnant's reckoning of civil days.
fn day(moment: u64) -> u64 {
    let days = moment / DAY + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (month, day) = (if month < 10 { month + 3 } else { month - 9 }, of_year - (153 * month + 2) / 5 + 1);
    let year = era * 400 + year + u64::from(month <= 2);
    year * 10_000 + month * 100 + day
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dubbo::hessian2::Reader;

    #[test]
    fn a_value_of_every_domain_is_one_whole_value_and_differs_from_the_next() {
        let mut chance = Chance::new(3);
        for domain in LEARNT.iter().chain([&MEASURED]) {
            let values: Vec<Vec<u8>> = (0..20).map(|_| domain.value(&mut chance, 2048)).collect();
            for value in &values {
                let mut reader = Reader::new(value);
                assert!(reader.skip().is_ok() && reader.at() == value.len(), "{}", domain.descriptor());
                assert!((1848..2248).contains(&value.len()), "{}", value.len());
            }
            assert!(values.windows(2).all(|two| two[0] != two[1]));
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let of = |days: u64| day(days * DAY);
        assert_eq!([of(0), of(59), of(20_454), of(20_148)], [19_700_101, 19_700_301, 20_260_101, 20_250_301]);
    }
}
