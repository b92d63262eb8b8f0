//! The nearest known word to a mistyped one.
//!
//! Pure: edit distance with neighbouring letters swapped counted once. Nothing is suggested that is not close.

/// The known word closest to `typed`, if it is close enough to be meant.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (distance(typed, word), word))
        .filter(|(far, _)| *far <= reach)
        .min_by_key(|(far, _)| *far)
        .map(|(_, word)| word)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, letters folded to lower case and
/// `-` to `_`.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        text.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
    };
    let (a, b) = (fold(a), fold(b));
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_word() {
        let known = ["listen", "level", "format", "token_file"];
        assert_eq!(nearest("levl", known), Some("level"));
        assert_eq!(nearest("lisetn", known), Some("listen"));
        assert_eq!(nearest("token-file", known), Some("token_file"));
        assert_eq!(nearest("Format", known), Some("format"));
    }

    #[test]
    fn something_else_finds_nothing() {
        assert_eq!(nearest("password", ["listen", "level"]), None);
        assert_eq!(nearest("xy", ["abc"]), None);
        assert_eq!(nearest("a", []), None);
    }
}
