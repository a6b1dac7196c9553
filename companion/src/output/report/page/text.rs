//! Numbers and names as text for people.

use maud::{Markup, html};

/// Text whose invisible characters are escaped, as on the terminal.
pub use crate::text::shown as visible;

/// As `87.2 %`. Exactly 0 and 1 are `0 %` and `100 %`; nothing else is rounded to these.
pub fn percent(share: impl Into<f64>) -> String {
    let percent = 100.0 * share.into();
    match percent {
        0.0 | 100.0 => format!("{percent:.0}\u{a0}%"),
        _ if percent < 0.1 => "<0.1\u{a0}%".into(),
        _ if percent > 99.9 => ">99.9\u{a0}%".into(),
        _ => format!("{percent:.1}\u{a0}%"),
    }
}

/// As `1,482`.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(",")
}

/// The singular or the plural, for this count.
pub fn plural<'a>(number: usize, one: &'a str, more: &'a str) -> &'a str {
    if number == 1 { one } else { more }
}

/// A number with three significant digits.
pub fn short(number: f64) -> String {
    let whole = number.abs().log10().floor().max(-9.0) as i32 + 1;
    format!("{number:.*}", (3 - whole).clamp(0, 9) as usize)
}

/// A name, isolated from the text direction around it.
pub fn name(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// At most `most` characters. The middle is left out, since the ends tell names apart.
pub fn shortened(text: &str, most: usize) -> String {
    let chars: Vec<char> = visible(text).chars().collect();
    if chars.len() <= most {
        return chars.into_iter().collect();
    }
    let (head, tail) = ((most - 1).div_ceil(2), (most - 1) / 2);
    chars[..head].iter().chain(&['…']).chain(&chars[chars.len() - tail..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.8723, 1.0].map(percent), ["0\u{a0}%", "87.2\u{a0}%", "100\u{a0}%"]);
        assert_eq!([0.0004, 0.9996].map(percent), ["<0.1\u{a0}%", ">99.9\u{a0}%"]);
        assert_eq!([7, 1482, 1_000_000].map(count), ["7", "1,482", "1,000,000"]);
        assert_eq!([0.0123, 1.5, 123.4, 98_765.0].map(short), ["0.0123", "1.50", "123", "98765"]);
    }

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(shortened("granny-smith-apple", 9), "gran…pple");
        assert_eq!(visible("a\u{202e}b\u{200f}\0"), "a\\u{202e}b\\u{200f}\\u{0}");
    }
}
