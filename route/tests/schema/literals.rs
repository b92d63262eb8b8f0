//! The string literals of a Rust source, with their escapes undone.
//!
//! Never a lexer of Rust: it knows comments, characters and strings. What `format!` is to fill in stays as it stands.

/// All string literals, in the order of the text.
pub fn of(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'', 'r']) {
        let here = &rest[at..];
        rest = if here.starts_with("//") {
            here.split_once('\n').map_or("", |(_, after)| after)
        } else if here.starts_with("r\"") || here.starts_with("r#") {
            let hashes = here[1..].bytes().take_while(|byte| *byte == b'#').count();
            let end = format!("\"{}", "#".repeat(hashes));
            match here[1 + hashes..].strip_prefix('"').and_then(|inside| inside.split_once(&end)) {
                Some((inside, after)) => {
                    found.push(inside.to_owned());
                    after
                }
                None => &here[1..],
            }
        } else if let Some(after) = ["'\"'", "'\\''", "'\\\"'"].iter().find_map(|sign| here.strip_prefix(sign)) {
            after
        } else if let Some(inside) = here.strip_prefix('"') {
            let (text, after) = escaped(inside);
            found.push(text);
            after
        } else {
            &here[1..]
        };
    }
    found
}

/// The text up to the closing quote, and what comes behind it.
fn escaped(inside: &str) -> (String, &str) {
    let mut text = String::new();
    let mut signs = inside.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (text, &inside[at + 1..]),
            '\\' => match signs.next().map(|(_, sign)| sign) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('\n') => {
                    let skipped = signs.as_str().len() - signs.as_str().trim_start().len();
                    signs = inside[inside.len() - signs.as_str().len() + skipped..].char_indices();
                    let (tail, after) = escaped(signs.as_str());
                    return (text + &tail, after);
                }
                Some(sign @ ('"' | '\\' | '\'')) => text.push(sign),
                Some(sign) => text.extend(['\\', sign]),
                None => {}
            },
            sign => text.push(sign),
        }
    }
    (text, "")
}
