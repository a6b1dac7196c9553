//! Files with a classifier's labels, as the usual tools write them.
//!
//! A label a line is the plain form; a number before each label (`0 Apple`, as Teachable Machine writes) gives its
//! place. JSON may be a list, a map from place to label (Hugging Face's `id2label`) or from label to place (Keras'
//! `class_indices`), or an object that holds one of these under a known name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::dataset::labels::product_id;
use crate::error::{Error, Result};
use crate::file;

/// Larger files hold no labels.
const MAX_BYTES: u64 = 16 << 20;
/// Under which names an object may hold the labels, the most telling first.
const HOLDERS: [&str; 10] = [
    "id2label",
    "label2id",
    "class_indices",
    "class_to_idx",
    "labels",
    "classes",
    "names",
    "class_names",
    "categories",
    "tags",
];
/// Under which names an entry of a list may hold its label.
const NAMES: [&str; 7] = ["name", "label", "displayName", "Name", "tagName", "title", "class"];
/// Under which names an entry of a list may hold its place.
const PLACES: [&str; 4] = ["index", "id", "class_id", "idx"];

/// Reads the labels of a file, in the order of the network's output, each as a product id. Labels that are blank or
/// repeated, in whatever case of letters, get their place as a number, since a label is what an answer is called by.
///
/// # Errors
/// `BAD_INPUT` for a file that holds no labels, or none that can be read; `IO`.
pub fn read(path: &Path) -> Result<Vec<String>> {
    let told = |why: String| Error::BadInput(format!("{}: {why}", path.display()));
    let bytes = file::read_up_to(path, MAX_BYTES)?;
    distinct(&parse(&bytes).map_err(told)?).map_err(|why| Error::BadInput(format!("{} {why}", path.display())))
}

fn parse(bytes: &[u8]) -> Result<Vec<String>, String> {
    let text = decode(bytes)?;
    let text = text.trim_start_matches('\u{feff}');
    if matches!(text.trim_start().as_bytes().first(), Some(b'{' | b'[')) {
        // A text file may begin with a bracket as well.
        return match serde_json::from_str(text) {
            Ok(value) => from_json(&value),
            Err(error) if text.trim_start().starts_with('{') => Err(format!("the JSON cannot be read: {error}")),
            Err(_) => Ok(lines(text)),
        };
    }
    Ok(lines(text))
}

/// The text of a file in UTF-8 or UTF-16.
fn decode(bytes: &[u8]) -> Result<String, String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, rest) = bytes.as_chunks();
        let text = String::from_utf16(&units.iter().copied().map(unit).collect::<Vec<_>>());
        text.ok().filter(|_| rest.is_empty()).ok_or_else(|| "it looks like UTF-16 and is cut off or damaged".to_owned())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        // Without a mark, letters of the Latin alphabet have a zero for their other byte.
        [first, 0, ..] if *first != 0 => wide(bytes, u16::from_le_bytes),
        [0, first, ..] if *first != 0 => wide(bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).map_err(|e| {
            format!("it is not UTF-8 (byte {} is wrong): save it as UTF-8", e.utf8_error().valid_up_to() + 1)
        }),
    }
}

/// A label a line; trailing blank lines are no labels.
fn lines(text: &str) -> Vec<String> {
    let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let lines = lines[..end].to_vec();
    numbered(&lines).unwrap_or(lines)
}

/// Labels by their numbers, where every line begins with one and the numbers are 0, 1, 2… or 1, 2, 3… in some order.
fn numbered(lines: &[String]) -> Option<Vec<String>> {
    // One line alone may well be called `7 Up`.
    if lines.len() < 2 {
        return None;
    }
    let mut by_place = BTreeMap::new();
    for line in lines {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = line.split_at(digits);
        let separated = rest.trim_start_matches([':', ',', ';', '.', ')', '\t', ' ']);
        // `10kg` is a label; a number alone is one too.
        if separated.len() == rest.len() || separated.is_empty() {
            return None;
        }
        by_place.insert(number.parse::<usize>().ok()?, separated.trim().to_owned());
    }
    let first = *by_place.first_key_value()?.0;
    let consecutive = by_place.len() == lines.len() && by_place.keys().copied().eq(first..first + lines.len());
    (consecutive && first <= 1).then(|| by_place.into_values().collect())
}

fn from_json(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(entries) => list(entries),
        Value::Object(object) => {
            let held = HOLDERS.iter().find_map(|name| object.get(*name).filter(|v| v.is_array() || v.is_object()));
            match held {
                Some(held) => from_json(held),
                None => map(object),
            }
        }
        _ => Err("its JSON is neither a list nor an object".into()),
    }
}

/// A list of labels, or of objects with a name each, and perhaps a place.
fn list(entries: &[Value]) -> Result<Vec<String>, String> {
    let mut named = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let label = text(entry).or_else(|| NAMES.iter().find_map(|name| entry.get(name).and_then(Value::as_str)));
        let label = label.ok_or_else(|| format!("entry {} of its list has no name", i + 1))?;
        let place = PLACES.iter().find_map(|name| entry.get(name).and_then(Value::as_u64));
        named.push((place, label.to_owned()));
    }
    let places: BTreeSet<u64> = named.iter().filter_map(|(place, _)| *place).collect();
    let first = places.first().copied().unwrap_or(0);
    if places.len() == named.len() && places.iter().copied().eq(first..first + places.len() as u64) {
        named.sort_by_key(|(place, _)| *place);
    } else if !places.is_empty() {
        return Err("the numbers of its labels have gaps, or some have none".into());
    }
    Ok(named.into_iter().map(|(_, label)| label).collect())
}

/// `{"0": "apple"}` or `{"apple": 0}`.
fn map(object: &serde_json::Map<String, Value>) -> Result<Vec<String>, String> {
    let unknown = || "its JSON is no list of labels and no map between numbers and labels".to_owned();
    let mut by_place = BTreeMap::new();
    for (key, value) in object {
        let (place, label) = match (value.as_u64(), key.parse::<u64>()) {
            (Some(place), _) => (place, key.as_str()),
            // As `["n02123045", "tabby"]` of ImageNet's list: the last is the name.
            (None, Ok(place)) => (place, text(value).or_else(|| text(value.as_array()?.last()?)).ok_or_else(unknown)?),
            (None, Err(_)) => return Err(unknown()),
        };
        if let Some(other) = by_place.insert(place, label.to_owned()) {
            return Err(format!("`{other}` and `{label}` have the same number {place}"));
        }
    }
    let first = by_place.first_key_value().map_or(0, |(place, _)| *place);
    if first > 1 || !by_place.keys().copied().eq(first..first + by_place.len() as u64) {
        return Err("the numbers of its labels have gaps or do not begin at 0".into());
    }
    Ok(by_place.into_values().collect())
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim)
}

fn distinct(labels: &[String]) -> Result<Vec<String>, String> {
    if labels.is_empty() {
        return Err("has no labels; write one a line".into());
    }
    let id = |(place, label): (usize, &String)| match label.is_empty() {
        true => Ok(format!("class-{}", place + 1)),
        false => {
            product_id(label).map_err(|why| format!("has a label that cannot be used, number {}: {why}", place + 1))
        }
    };
    let ids = labels.iter().enumerate().map(id).collect::<Result<Vec<_>, _>>()?;
    let given: BTreeSet<String> = ids.iter().map(|id| id.to_lowercase()).collect();
    let mut seen = BTreeSet::new();
    let mut taken = |id: &str| !seen.insert(id.to_lowercase());
    Ok(ids
        .into_iter()
        .enumerate()
        .map(|(place, id)| {
            if !taken(&id) {
                return id;
            }
            let mut names = (place + 1..).map(|n| format!("{id} ({n})"));
            names.find(|name| !given.contains(&name.to_lowercase()) && !taken(name)).unwrap_or(id)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(bytes: impl AsRef<[u8]>, labels: &[&str]) {
        assert_eq!(parse(bytes.as_ref()).unwrap(), labels);
    }

    #[test]
    fn lines_are_labels() {
        reads("apple\npear\n\n", &["apple", "pear"]);
        reads("\u{feff}apple\r\npear", &["apple", "pear"]);
        reads("[red]\n[green]\n", &["[red]", "[green]"]);
        reads("0\n1\n2\n", &["0", "1", "2"]);
        reads("7 Up\n", &["7 Up"]);
        reads("10kg flour\n20kg flour\n", &["10kg flour", "20kg flour"]);
        reads("2 apples\n4 apples\n", &["2 apples", "4 apples"]);
    }

    #[test]
    fn numbers_before_labels_are_their_places() {
        for text in ["0 Apple\n1 Blood orange\n", "1: Blood orange\n0: Apple", "1. Apple\n2. Blood orange"] {
            reads(text, &["Apple", "Blood orange"]);
        }
        reads("0\tApple\n1\tBlood orange\n", &["Apple", "Blood orange"]);
        reads("0,Apple\n1,Blood orange\n", &["Apple", "Blood orange"]);
    }

    #[test]
    fn utf16_is_read() {
        let text = "äpfel\nbirnen\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        reads([&[0xff, 0xfe], &little[..]].concat(), &["äpfel", "birnen"]);
        reads([&[0xfe, 0xff], &big[..]].concat(), &["äpfel", "birnen"]);
        reads(&little, &["äpfel", "birnen"]);
        reads(&big, &["äpfel", "birnen"]);
        assert!(parse(&[0xff, 0xfe, 0x41]).unwrap_err().contains("UTF-16"));
        assert!(parse(&[b'a', 0xe4, b'b']).unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn json_of_the_usual_tools_is_read() {
        let fruit = ["apple", "pear"];
        reads(r#"["apple", "pear"]"#, &fruit);
        reads(r#"{"0": "apple", "1": "pear"}"#, &fruit);
        reads(r#"{"pear": 1, "apple": 0}"#, &fruit);
        reads(r#"{"model_type": "vit", "id2label": {"1": "pear", "0": "apple"}, "label2id": {}}"#, &fruit);
        reads(r#"{"class_indices": {"pear": 1, "apple": 0}}"#, &fruit);
        reads(r#"{"tfjsVersion": "1.7.4", "labels": ["apple", "pear"], "imageSize": 224}"#, &fruit);
        reads(r#"{"classes": [{"id": 2, "name": "pear"}, {"id": 1, "name": "apple"}]}"#, &fruit);
        reads(r#"{"0": ["n07739125", "apple"], "1": ["n07767847", "pear"]}"#, &fruit);
    }

    #[test]
    fn json_that_does_not_order_its_labels_is_refused() {
        for text in [
            r#"{"a": 0, "b": 0}"#,
            r#"{"a": 0, "b": 2}"#,
            r#"{"a": "b"}"#,
            r"[1, 2]",
            r#"[{"id": 0, "name": "a"}, {"id": 5, "name": "b"}]"#,
            r#"{"a": 0,"#,
        ] {
            parse(text.as_bytes()).unwrap_err();
        }
    }

    #[test]
    fn labels_are_distinct() {
        let lines = ["same", "", "same"].map(str::to_owned);
        assert_eq!(distinct(&lines).unwrap(), ["same", "class-2", "same (3)"]);
        let lines = ["Cardigan", "cardigan", "CARDIGAN (2)", "Cardigan"].map(str::to_owned);
        assert_eq!(distinct(&lines).unwrap(), ["Cardigan", "cardigan (3)", "CARDIGAN (2)", "Cardigan (4)"]);
        assert!(distinct(&[]).unwrap_err().contains("no labels"));
    }

    #[test]
    fn labels_are_product_ids() {
        assert_eq!(distinct(&["Cafe\u{301}".to_owned()]).unwrap(), ["Caf\u{e9}"]);
        for bad in ["a\u{202e}b", "a\u{1b}[2Jb", "x".repeat(201).as_str(), "NUL"] {
            let why = distinct(&["apple".to_owned(), bad.to_owned()]).unwrap_err();
            assert!(why.contains("number 2") && !why.chars().any(crate::text::is_hidden), "{why:?}");
        }
    }
}
