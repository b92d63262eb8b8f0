//! JVM parameter descriptors (`Ljava/lang/String;I[B`), as they stand in field 5 of a request.
//!
//! Counting them says how many arguments come before the attachments, so it must count as a provider counts. Java finds
//! descriptors with a pattern and steps over what does not match; whatever that pattern would step over is refused here,
//! so that both always agree. It never looks at what a class is, but for the one that Java does not read to its end.
//! Source: `ReflectUtils.desc2classArray` of apache/dubbo.

/// The number of parameters, or where the text stops being a descriptor.
///
/// `V` counts: dubbo-go writes it for a null argument.
///
/// # Errors
/// The byte offset at which no descriptor begins or one breaks off.
pub fn count(text: &str) -> Result<usize, usize> {
    let bytes = text.as_bytes();
    let mut count = 0;
    let mut at = 0;
    while at < bytes.len() {
        at = one(bytes, at).ok_or(at)?;
        count += 1;
    }
    Ok(count)
}

/// The descriptors one by one; ends early where the text breaks off.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let end = one(text.as_bytes(), at)?;
        let one = text.get(at..end)?;
        at = end;
        Some(one)
    })
}

/// The end of the descriptor that begins at `at`.
fn one(bytes: &[u8], mut at: usize) -> Option<usize> {
    while *bytes.get(at)? == b'[' {
        at += 1;
    }
    match bytes[at] {
        b'V' | b'Z' | b'B' | b'C' | b'D' | b'F' | b'I' | b'J' | b'S' => Some(at + 1),
        // A provider reads a stream when it is used, and takes its bytes for the arguments and attachments behind it.
        b'L' => class(bytes, at + 1).filter(|end| bytes[at + 1..end - 1] != *b"java/io/InputStream"),
        _ => None,
    }
}

/// `name(/name)*;` with ASCII names, the only ones that Java's pattern knows.
fn class(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        if !matches!(*bytes.get(at)?, b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$') {
            return None;
        }
        while matches!(*bytes.get(at)?, b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'0'..=b'9') {
            at += 1;
        }
        match bytes[at] {
            b'/' => at += 1,
            b';' => return Some(at + 1),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primitives_arrays_and_classes_count_one_each() {
        assert_eq!(count(""), Ok(0));
        assert_eq!(count("IJ"), Ok(2));
        assert_eq!(count("Ljava/lang/String;I[BJ"), Ok(4));
        assert_eq!(count("[[Ljava/lang/String;V"), Ok(2));
        assert_eq!(count("Lcom/acme/A$B_1;"), Ok(1));
    }

    #[test]
    fn what_java_would_step_over_is_refused_with_its_place() {
        for (text, at) in
            [("I I", 1), ("x", 0), ("Ljava/lang/String", 0), ("I[", 1), ("LI I;", 0), ("L;", 0), ("La//b;", 0)]
        {
            assert_eq!(count(text), Err(at), "{text}");
        }
        assert_eq!(count("Lcom/公司/A;"), Err(0));
    }

    #[test]
    fn a_stream_is_refused_alone_and_in_an_array() {
        assert_eq!(count("ILjava/io/InputStream;"), Err(1));
        assert_eq!(count("[Ljava/io/InputStream;"), Err(0));
        assert_eq!(count("Ljava/io/InputStreamReader;"), Ok(1));
    }

    #[test]
    fn the_parts_put_together_are_the_text() {
        let text = "[[ILjava/util/Map;Z[Ljava/lang/Object;";
        assert_eq!(split(text).collect::<String>(), text);
        assert_eq!(split(text).count(), 4);
    }
}
