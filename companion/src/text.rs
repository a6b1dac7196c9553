//! Text of others, such as file names, as it may be shown on a terminal.

/// What cannot be seen, or changes how the rest is read, is escaped: `\\u{202e}`.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// The same for text of our own with names of others in it, which may have several lines.
pub fn printable(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

/// At most so many characters of a text, and an ellipsis where there are more.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Control characters, line separators, and those that turn the direction of text or join it invisibly. Not among them are
/// the joiners that Persian and the languages of India are written with.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_is_escaped() {
        assert_eq!(shown("a\u{1b}[31m\u{202e}b\n"), "a\\u{1b}[31m\\u{202e}b\\u{a}");
        assert_eq!(printable("one\ntwo\r"), "one\ntwo\\u{d}");
        assert_eq!((shortened("añb", 3), shortened("añb", 2)), ("añb".to_owned(), "añ…".to_owned()));
        assert_eq!(shown("نمی\u{200c}خواهم 苹果 é"), "نمی\u{200c}خواهم 苹果 é");
    }
}
