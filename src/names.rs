//! The names that people give to products and channels: which of them are safe to store and to show.
//!
//! A label is shown in terminals, reports and pages, and it may become a folder's name. So it must not hold characters
//! that change how the text around it is read (line breaks, control characters, bidirectional overrides), and two labels
//! of one release must not become the same folder on a file system that ignores case.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};

/// The most characters (Unicode scalar values) that a label may have.
pub const MAX_LABEL_CHARS: usize = 200;

/// What is wrong with a label. `Display` names the fault without repeating the label, so that the message is safe to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelProblem {
    /// It has no characters, or only white space.
    Empty,
    /// It begins or ends with white space, which nobody sees.
    Padded,
    /// It has more than [`MAX_LABEL_CHARS`] characters.
    TooLong,
    /// It holds a character that [`is_deceptive`].
    Deceptive(char),
    /// Windows reserves the name for a device, so no folder can have it there.
    Reserved,
}

impl std::fmt::Display for LabelProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LabelProblem::Empty => f.write_str("it is empty"),
            LabelProblem::Padded => f.write_str("it begins or ends with white space"),
            LabelProblem::TooLong => write!(f, "it has more than {MAX_LABEL_CHARS} characters"),
            LabelProblem::Deceptive(c) => {
                write!(f, "it holds U+{:04X}, a control, line break or text-direction character", u32::from(*c))
            }
            LabelProblem::Reserved => f.write_str("Windows reserves this name for a device"),
        }
    }
}

/// What is wrong with `label` as a product id or as a value that is shown, if anything is.
#[must_use]
pub fn label_problem(label: &str) -> Option<LabelProblem> {
    if let Some(c) = label.chars().find(|c| is_deceptive(*c)) {
        return Some(LabelProblem::Deceptive(c));
    }
    if label.trim().is_empty() {
        return Some(LabelProblem::Empty);
    }
    if label.trim() != label {
        return Some(LabelProblem::Padded);
    }
    if label.chars().nth(MAX_LABEL_CHARS).is_some() {
        return Some(LabelProblem::TooLong);
    }
    is_reserved(label).then_some(LabelProblem::Reserved)
}

/// Checks that `label` can be published as a product id.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`], with the label escaped by [`shown`] and what is wrong with it.
pub fn check_label(label: &str) -> Result<()> {
    label_problem(label).map_or(Ok(()), |problem| {
        let message = format!("`{}` cannot be a product id: {problem}", shown(label));
        Err(Error::new(ErrorKind::InvalidArgument, message))
    })
}

/// Whether a character changes how the text around it is read: control characters (NUL, line breaks and escape sequences
/// among them), the line and paragraph separators, and the marks that embed, override or isolate a direction of text.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `text` on one line and harmless in a terminal: every deceptive character is written as `\u{…}`, and what is beyond
/// [`MAX_LABEL_CHARS`] is replaced by an ellipsis.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == MAX_LABEL_CHARS {
            out.push('…');
            break;
        }
        if is_deceptive(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// Whether Windows reserves `name` for a device, with any ending (`nul`, `COM1.txt`), or silently changes it (a dot or a
/// blank at the end), so that no folder can have it there.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let device = ["con", "prn", "aux", "nul"].iter().any(|device| stem.eq_ignore_ascii_case(device));
    let port = match stem.as_bytes() {
        [kind @ .., digit] => {
            (kind.eq_ignore_ascii_case(b"com") || kind.eq_ignore_ascii_case(b"lpt")) && matches!(digit, b'1'..=b'9')
        }
        [] => false,
    };
    device || port || name.ends_with(['.', ' '])
}

/// Two different names that are equal where case is ignored, if there are any: file systems of Windows and macOS cannot
/// hold both.
#[must_use]
pub fn case_twins<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, &'a str)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    names.into_iter().find_map(|name| {
        let first = *seen.entry(name.to_lowercase()).or_insert(name);
        (first != name).then_some((first, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_label_may_be() {
        for label in ["apple", "Äpfel 1 kg", "苹果", "a.b", "com10", "conserve", "🍏", &"x".repeat(200)] {
            assert_eq!(label_problem(label), None, "{label}");
        }
        for (label, problem) in [
            ("", LabelProblem::Empty),
            ("  ", LabelProblem::Empty),
            (" a", LabelProblem::Padded),
            ("a\u{a0}", LabelProblem::Padded),
            ("a\nb", LabelProblem::Deceptive('\n')),
            ("a\0", LabelProblem::Deceptive('\0')),
            ("\u{1b}[31mred", LabelProblem::Deceptive('\u{1b}')),
            ("a\u{85}b", LabelProblem::Deceptive('\u{85}')),
            ("a\u{2028}b", LabelProblem::Deceptive('\u{2028}')),
            ("abc\u{202e}gpj", LabelProblem::Deceptive('\u{202e}')),
            ("a\u{2066}b", LabelProblem::Deceptive('\u{2066}')),
            ("NUL", LabelProblem::Reserved),
            ("aux.1", LabelProblem::Reserved),
            ("Com1", LabelProblem::Reserved),
            ("LPT9.txt", LabelProblem::Reserved),
            ("apple.", LabelProblem::Reserved),
        ] {
            assert_eq!(label_problem(label), Some(problem), "{label:?}");
        }
        assert_eq!(label_problem(&"ü".repeat(201)), Some(LabelProblem::TooLong));
        let message = check_label("a\n\u{202e}b").unwrap_err().to_string();
        assert!(message.contains(r"a\u{a}\u{202e}b") && !message.contains('\n'), "{message}");
    }

    #[test]
    fn names_that_one_folder_cannot_hold() {
        assert_eq!(case_twins(["apple", "bread", "Apple"]), Some(("apple", "Apple")));
        assert_eq!(case_twins(["ÄPFEL", "äpfel"]), Some(("ÄPFEL", "äpfel")));
        assert_eq!(case_twins(["apple", "apple", "pear"]), None);
    }

    #[test]
    fn what_is_shown_is_one_short_line() {
        assert_eq!(shown("a\r\nb\u{7}"), r"a\u{d}\u{a}b\u{7}");
        assert_eq!(shown(&"y".repeat(300)).chars().count(), 201);
        assert_eq!(shown("مرحبا"), "مرحبا");
    }
}
