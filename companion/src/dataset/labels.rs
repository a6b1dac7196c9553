//! Product ids: what may be one, and that no two can be taken for each other.

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};
use crate::text::{is_hidden, shown};

/// Characters of the longest product id.
const LONGEST: usize = 200;
/// Names that Windows keeps for devices, whatever ending they have.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The one form of a product id: composed (NFC), without blanks around it. An error says why there is none.
pub fn product_id(name: &str) -> Result<String, String> {
    let id: String = name.trim().nfc().collect();
    if id.is_empty() {
        return Err("the product's name is empty".into());
    }
    if id.chars().count() > LONGEST {
        let start: String = id.chars().take(24).collect();
        return Err(format!("the product's name is longer than {LONGEST} characters: `{}…`", shown(&start)));
    }
    if let Some(bad) = id.chars().find(|c| is_hidden(*c)) {
        return Err(format!(
            "the product's name `{}` holds a character that cannot be seen (U+{:04X}); rename it",
            shown(&id),
            u32::from(bad)
        ));
    }
    if is_reserved(&id) {
        return Err(format!("the product's name `{id}` is one that Windows keeps for devices; rename it"));
    }
    Ok(id)
}

/// Refuses ids that differ by case alone: folders of many machines cannot tell them apart, and nor can people.
///
/// # Errors
/// The first such pair.
pub fn check_cases(labels: &[String]) -> Result<()> {
    let mut folded: Vec<(String, &String)> = labels.iter().map(|label| (label.to_lowercase(), label)).collect();
    folded.sort();
    match folded.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(Error::BadInput(format!(
            "the products `{}` and `{}` differ by case alone; give both the same name, or other ones",
            pair[0].1, pair[1].1
        ))),
        None => Ok(()),
    }
}

fn is_reserved(id: &str) -> bool {
    let stem = id.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    RESERVED.contains(&stem.as_str()) || port.is_some_and(|n| matches!(n.as_bytes(), [b'1'..=b'9']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_form() {
        assert_eq!(product_id(" cafe\u{301} ").unwrap(), "caf\u{e9}");
        assert_eq!(product_id("Äpfel & Birnen (1 kg)").unwrap(), "Äpfel & Birnen (1 kg)");
        assert_eq!(product_id("苹果").unwrap(), "苹果");
    }

    #[test]
    fn what_cannot_be_an_id_is_refused_and_shown_safely() {
        let long = "x".repeat(201);
        for bad in
            ["", "  ", "a\nb", "a\0b", "a\u{202e}b", "a\u{200b}b", "a\u{1b}[31m", "CON", "nul.jpg", "com7", &long]
        {
            let why = product_id(bad).unwrap_err();
            assert!(!why.chars().any(is_hidden), "{why:?}");
        }
        for good in ["console", "com10", "common", "nullarbor", &long[..200]] {
            assert_eq!(product_id(good).as_deref(), Ok(good));
        }
    }

    #[test]
    fn case_alone_is_no_difference() {
        let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(check_cases(&labels(&["kiwi", "kiwi-2"])).is_ok());
        let error = check_cases(&labels(&["Kiwi", "apple", "kiwi"])).unwrap_err().to_string();
        assert!(error.contains("`Kiwi` and `kiwi`"), "{error}");
        assert!(check_cases(&labels(&["ÄPFEL", "äpfel"])).is_err());
    }
}
