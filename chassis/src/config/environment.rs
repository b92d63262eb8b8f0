//! Environment variables that override a configuration: `HIGHWAY__HUB__0__URL` is `hub[0].url`.
//!
//! Names are matched without regard to case, `_` standing for `-` too; a number is an index of a list, one past its end
//! adds an item. A variable with an unknown path is an unknown key, and refused like one. Pure: variables are given.

use super::place::{Key, Place, Step};
use super::tree::{Node, Value, typed};

/// What every overriding variable begins with.
pub(super) const PREFIX: &str = "HIGHWAY__";

/// Lays the variables over the tree, the shorter paths first; what cannot be laid is returned with its place.
pub(super) fn lay_over(tree: &mut Node, variables: &[(String, String)]) -> Vec<(Place, Key, String)> {
    let mut given: Vec<(Vec<Step>, &str, &str)> = variables
        .iter()
        .filter_map(|(name, text)| Some((steps(name.strip_prefix(PREFIX)?), name.as_str(), text.as_str())))
        .collect();
    given.sort();
    let mut refused = Vec::new();
    for (steps, name, text) in given {
        let place = Place::Variable(name.to_owned());
        if let Err((key, why)) = lay(tree, &steps, text, &place) {
            refused.push((place, key, why));
        }
    }
    refused
}

fn steps(name: &str) -> Vec<Step> {
    let step = |part: &str| part.parse().map_or_else(|_| Step::Name(part.to_ascii_lowercase()), Step::Index);
    name.split("__").map(step).collect()
}

fn lay(tree: &mut Node, steps: &[Step], text: &str, place: &Place) -> Result<(), (Key, String)> {
    let mut key = Key::default();
    let mut node = tree;
    for (depth, step) in steps.iter().enumerate() {
        node = match (&mut node.value, step) {
            (Value::Table(entries), step) => {
                let wanted = match step {
                    Step::Name(name) => name.clone(),
                    Step::Index(number) => number.to_string(),
                };
                let at = entries.iter().position(|(name, _)| folded(name) == folded(&wanted)).unwrap_or_else(|| {
                    entries.push((wanted, blank(steps.get(depth + 1), place)));
                    entries.len() - 1
                });
                key = key.below(Step::Name(entries[at].0.clone()));
                &mut entries[at].1
            }
            (Value::List(items), Step::Index(at)) => {
                if *at > items.len() {
                    return Err((key, format!("found index {at}, wanted one up to {}", items.len())));
                }
                if *at == items.len() {
                    items.push((*at, blank(steps.get(depth + 1), place)));
                }
                key = key.below(Step::Index(*at));
                &mut items[*at].1
            }
            (Value::List(_), Step::Name(name)) => return Err((key, format!("found {name:?}, wanted an index"))),
            _ => return Err((key, "a single value, with nothing inside it".to_owned())),
        };
    }
    *node = typed(text, place);
    Ok(())
}

/// What has to be there for the next step to go into.
fn blank(next: Option<&Step>, place: &Place) -> Node {
    let value = match next {
        Some(Step::Index(_)) => Value::List(Vec::new()),
        _ => Value::Table(Vec::new()),
    };
    Node { place: place.clone(), value }
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}
