//! Which classes stand in each other in a circle, without a list or a map between them: a field that closes one has to be in a `Box`, or its
//! struct would contain itself.
//!
//! ```text
//!   Order ─▶ Customer ─▶ Order ─▶ …   one circle: both fields are boxed
//!   Order ─▶ Item                     none
//! ```
//!
//! Each class and each field is looked at once, whatever a definition holds. Source: Tarjan, Depth-first search and linear graph
//! algorithms, 1972; with a list of its own in place of calls of itself, since classes may be nested deep.

use std::collections::BTreeMap;

use super::definition::Class;
use super::java_name::JavaName;

/// The circle of each class, as a number; one that stands in none has its own.
pub struct Circles<'d>(BTreeMap<&'d str, usize>);

/// What is known of a class that was met.
#[derive(Clone, Copy)]
struct Met {
    at: usize,
    /// The first one met that can be reached from it and is still open.
    lowest: usize,
    is_open: bool,
}

impl<'d> Circles<'d> {
    /// Those of all classes of a definition.
    pub fn of(classes: &'d BTreeMap<String, Class>) -> Self {
        let numbers: BTreeMap<&str, usize> = classes.keys().map(String::as_str).zip(0..).collect();
        let inside: Vec<Vec<usize>> = classes.values().map(|class| stands_in(class, &numbers)).collect();
        let circles = circles(&inside);
        Self(numbers.into_iter().map(|(class, number)| (class, circles[number])).collect())
    }

    /// Whether a field of class `inner` in class `outer` closes a circle.
    pub fn close(&self, outer: &str, inner: &str) -> bool {
        self.0.get(outer).is_some_and(|circle| self.0.get(inner) == Some(circle))
    }
}

/// The classes whose objects stand in one of this class.
fn stands_in(class: &Class, numbers: &BTreeMap<&str, usize>) -> Vec<usize> {
    let Class::Object(fields) = class else { return Vec::new() };
    let types = fields.iter().map(|(_, ty)| JavaName::parse(ty)).filter(|ty| ty.dimensions == 0);
    types.filter_map(|ty| numbers.get(ty.class.as_str()).copied()).collect()
}

/// The circle of each of these, of which is known what stands in it.
fn circles(inside: &[Vec<usize>]) -> Vec<usize> {
    let mut circles = vec![0; inside.len()];
    let mut met: Vec<Option<Met>> = vec![None; inside.len()];
    let (mut count, mut open) = (0, Vec::new());
    for start in 0..inside.len() {
        if met[start].is_some() {
            continue;
        }
        // Each with how many of those inside of it were gone into.
        let mut way = vec![(start, 0)];
        while let Some((class, gone_into)) = way.pop() {
            if gone_into == 0 {
                met[class] = Some(Met { at: count, lowest: count, is_open: true });
                (count, _) = (count + 1, open.push(class));
            } else if let Some(inner) = inside[class].get(gone_into - 1) {
                let lowest = met[*inner].map(|inner| inner.lowest);
                lower(&mut met, class, lowest);
            }
            let rest = inside[class].iter().enumerate().skip(gone_into);
            let mut next = None;
            for (at, &inner) in rest {
                match met[inner] {
                    None => {
                        next = Some((at, inner));
                        break;
                    }
                    Some(one) if one.is_open => lower(&mut met, class, Some(one.at)),
                    Some(_) => {}
                }
            }
            if let Some((at, inner)) = next {
                way.extend([(class, at + 1), (inner, 0)]);
            } else if met[class].is_some_and(|one| one.lowest == one.at) {
                while let Some(inner) = open.pop() {
                    circles[inner] = class;
                    if let Some(one) = &mut met[inner] {
                        one.is_open = false;
                    }
                    if inner == class {
                        break;
                    }
                }
            }
        }
    }
    circles
}

fn lower(met: &mut [Option<Met>], class: usize, to: Option<usize>) {
    if let (Some(one), Some(to)) = (&mut met[class], to) {
        one.lowest = one.lowest.min(to);
    }
}
