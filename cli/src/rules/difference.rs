//! What is different between two texts, line by line, with a few lines around it.
//!
//! ```text
//!    rules:
//!    - name: canary
//!  -   priority: 10
//!  +   priority: 20
//! ```
//!
//! Pure. Two long texts that have little in common are compared without looking ahead: more is shown then than has to be.

/// Lines that are shown around what is different.
const AROUND: usize = 2;
/// Pairs of lines that are compared at most, 8 MiB of memory.
const PAIRS_MAX: usize = 2 << 20;

/// A line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'t> {
    /// It is in both.
    Same(&'t str),
    /// It is not there any more.
    Gone(&'t str),
    /// It is new.
    New(&'t str),
    /// So many lines that are in both are not shown.
    Left(usize),
}

/// The lines that are different and those around them; none where the texts are equal.
pub fn difference<'t>(before: &'t str, after: &'t str) -> Vec<Line<'t>> {
    let (before, after): (Vec<&str>, Vec<&str>) = (split(before), split(after));
    let all = all(&before, &after);
    let is_near = |at: usize| {
        let near = at.saturating_sub(AROUND)..(at + AROUND + 1).min(all.len());
        all[near].iter().any(|line| !matches!(line, Line::Same(_)))
    };
    let mut shown: Vec<Line<'t>> = Vec::new();
    for (at, line) in all.iter().enumerate() {
        match shown.last_mut() {
            _ if is_near(at) => shown.push(*line),
            Some(Line::Left(count)) => *count += 1,
            _ => shown.push(Line::Left(1)),
        }
    }
    if shown.iter().all(|line| matches!(line, Line::Left(_))) { Vec::new() } else { shown }
}

/// With their ends, so that a last line without one is another line.
fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Every line of both.
fn all<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<Line<'t>> {
    let head = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let (rest_before, rest_after) = (&before[head..], &after[head..]);
    let tail = rest_before.iter().rev().zip(rest_after.iter().rev()).take_while(|(one, other)| one == other).count();
    let (middle_before, end) = rest_before.split_at(rest_before.len() - tail);
    let middle_after = &rest_after[..rest_after.len() - tail];
    let mut lines: Vec<Line<'t>> = before[..head].iter().map(|line| Line::Same(line)).collect();
    middle(middle_before, middle_after, &mut lines);
    lines.extend(end.iter().map(|line| Line::Same(line)));
    lines
}

/// By the longest list of lines that is in both.
fn middle<'t>(before: &[&'t str], after: &[&'t str], lines: &mut Vec<Line<'t>>) {
    let width = after.len() + 1;
    let mut common = Vec::new();
    if before.len().saturating_mul(after.len()) <= PAIRS_MAX {
        // common[i][j]: how many lines before[i..] and after[j..] have in common, in order.
        common = vec![0u32; (before.len() + 1) * width];
        for i in (0..before.len()).rev() {
            for j in (0..after.len()).rev() {
                common[i * width + j] = if before[i] == after[j] {
                    common[(i + 1) * width + j + 1] + 1
                } else {
                    common[(i + 1) * width + j].max(common[i * width + j + 1])
                };
            }
        }
    }
    let common = |i: usize, j: usize| common.get(i * width + j).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            lines.push(Line::Same(before[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < before.len() && (j == after.len() || common(i + 1, j) >= common(i, j + 1)) {
            lines.push(Line::Gone(before[i]));
            i += 1;
        } else {
            lines.push(Line::New(after[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_shown_with_the_lines_around_it() {
        let before = "a\nb\nc\nd\ne\nf\ng\n";
        let after = "a\nb\nc\nd\nE\nf\ng\nh\n";
        assert_eq!(
            difference(before, after),
            [
                Line::Left(2),
                Line::Same("c\n"),
                Line::Same("d\n"),
                Line::Gone("e\n"),
                Line::New("E\n"),
                Line::Same("f\n"),
                Line::Same("g\n"),
                Line::New("h\n"),
            ]
        );
        assert_eq!(difference(before, before), []);
        assert_eq!(difference("a", "a\n"), [Line::Gone("a"), Line::New("a\n")]);
        assert_eq!(difference("", "a\n"), [Line::New("a\n")]);
    }

    /// Whatever is left away, the two texts can be made from all of it.
    #[test]
    fn both_texts_are_in_it() {
        let text = |seed: usize| -> String { (0..40).map(|at| format!("{}\n", at * seed % 7)).collect() };
        for (one, other) in [(1, 2), (3, 5), (2, 4)] {
            let (one, other) = (text(one), text(other));
            let lines = all(&split(&one), &split(&other));
            let before: String = lines
                .iter()
                .filter_map(|l| if let Line::Same(t) | Line::Gone(t) = l { Some(*t) } else { None })
                .collect();
            let after: String = lines
                .iter()
                .filter_map(|l| if let Line::Same(t) | Line::New(t) = l { Some(*t) } else { None })
                .collect();
            assert_eq!((before, after), (one, other));
        }
    }

    #[test]
    fn texts_of_very_many_lines_take_no_more_memory_than_there_is() {
        let one: String = (0..60_000).map(|at| format!("{at}\n")).collect();
        let other: String = (0..60_000).map(|at| format!("{}\n", 60_000 - at)).collect();
        let (one, other) = (split(&one), split(&other));
        let lines = all(&one, &other);
        assert_eq!(lines.iter().filter(|line| !matches!(line, Line::New(_))).count(), 60_000);
        assert_eq!(lines.iter().filter(|line| !matches!(line, Line::Gone(_))).count(), 60_000);
    }
}
