//! Photos with what is known of them: from a folder per product, or from JSONL rows.

mod folder;
mod join;
mod jsonl;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use crate::error::Result;
use crate::photo::Photo;

/// Photos to train or evaluate on.
#[derive(Debug, Default)]
pub struct Dataset {
    /// Product ids, in byte order.
    pub labels: Vec<String>,
    /// The JSONL attribute that `labels` were taken from and that is also reported as an attribute.
    pub label_attribute: Option<String>,
    /// In a fixed order: by label, then by file name, numbers in names compared as numbers.
    pub examples: Vec<Example>,
    /// Files and rows that were left out, with the reason.
    pub problems: Vec<Problem>,
    /// What rows say of products, by product id.
    pub facts: BTreeMap<String, BTreeMap<String, Json>>,
}

/// One photo.
#[derive(Debug, Clone)]
pub struct Example {
    /// The file; the JSONL file of a photo that lies in its own row.
    pub path: PathBuf,
    /// The photo's bytes, where they are no file of their own.
    pub bytes: Option<Arc<[u8]>>,
    /// Its name in reports: relative to the folder (or JSONL file) it came from.
    pub name: String,
    /// Index into the labels.
    pub label: Option<usize>,
    /// Further attributes.
    pub attributes: BTreeMap<String, Value>,
}

impl Example {
    /// Reads and decodes the photo; the error says why that fails, without its name.
    pub fn photo(&self) -> Result<Photo, String> {
        match &self.bytes {
            Some(bytes) => Photo::decode(bytes),
            None => Photo::read(&self.path),
        }
    }
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One of several strings.
    Text(String),
    /// A number.
    Number(f64),
    /// Integers, one categorical head a position.
    Sequence(Vec<i64>),
}

/// A file or row that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line in it, from 1, for JSONL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Why.
    pub reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.reason),
            None => write!(f, "{} {}", self.file, self.reason),
        }
    }
}

impl Dataset {
    /// Reads a folder of products or a JSONL file; `label` names the JSONL field that holds the product id.
    ///
    /// # Errors
    /// The path cannot be read, a product id is there twice, or nothing usable was found.
    pub fn read(photos: &Path, label: Option<&str>) -> Result<Dataset> {
        if photos.is_file() { jsonl::read(photos, label) } else { folder::read(photos) }
    }
}

/// Compares names with their digit runs as numbers, so that `a2` comes before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let (a_run, b_run) = (digits(a_rest), digits(b_rest));
        if a_run > 0 && b_run > 0 {
            let (x, y) = (a_rest[..a_run].trim_start_matches('0'), b_rest[..b_run].trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order.is_ne() {
                return order;
            }
            (a_rest, b_rest) = (&a_rest[a_run..], &b_rest[b_run..]);
            continue;
        }
        let (mut x, mut y) = (a_rest.chars(), b_rest.chars());
        match (x.next(), y.next()) {
            // Names that differ only in leading zeros still need one fixed order.
            (None, None) => return a.cmp(b),
            (p, q) if p == q => (a_rest, b_rest) = (x.as_str(), y.as_str()),
            (p, q) => return p.cmp(&q),
        }
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["a10.jpg", "a2.jpg", "b1", "a02.jpg", "a", "é3", "a2b"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "a02.jpg", "a2.jpg", "a2b", "a10.jpg", "b1", "é3"]);
    }

    proptest! {
        #[test]
        fn natural_order_is_total(a in "[a0-2]{0,6}", b in "[a0-2]{0,6}", c in "[a0-2]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }
    }
}
