//! Lessons as rows to train on: docs/formats/photos.md.

use super::Lesson;

/// One line of JSON a frame that has a picture, each with a newline. What another device needs to have the same lesson is
/// in `lesson`.
#[must_use]
pub fn rows(lesson: &Lesson) -> String {
    let Lesson { id, time, label, facts, correction, frames, .. } = lesson;
    let product = label.as_ref().map_or("null".to_owned(), |label| quoted(label));
    let facts = if facts.is_empty() { "{}" } else { facts };
    let row = |jpeg: &Vec<u8>| {
        let image = format!("\"data:image/jpeg;base64,{}\"", base64(jpeg));
        let lesson = format!("{{\"id\":\"{id}\",\"time\":{time},\"correction\":{correction}}}");
        format!("{{\"image\":{image},\"product\":{product},\"facts\":{facts},\"lesson\":{lesson}}}\n")
    };
    frames.iter().filter(|frame| !frame.jpeg.is_empty()).map(|frame| row(&frame.jpeg)).collect()
}

/// A label as JSON: it has no control characters.
fn quoted(label: &str) -> String {
    let mut text = String::from('"');
    for letter in label.chars() {
        if letter == '"' || letter == '\\' {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
    text
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }
}
