//! Photos with what is known of them: from a folder per product, from JSONL rows, or from COCO annotations.

mod coco;
mod folder;
mod join;
mod jsonl;
mod rows;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use crate::error::{Result, at};
use crate::photo::{self, Photo, Region};

/// Photos to train or evaluate on.
#[derive(Debug, Default)]
pub struct Dataset {
    /// Product ids, in byte order.
    pub labels: Vec<String>,
    /// The attribute that `labels` were taken from and that is also reported as an attribute.
    pub label_attribute: Option<String>,
    /// In a fixed order: by label, then by file name, numbers in names compared as numbers.
    pub examples: Vec<Example>,
    /// Files and rows that were left out, with the reason.
    pub problems: Vec<Problem>,
    /// What rows say of products, by product id.
    pub facts: BTreeMap<String, BTreeMap<String, Json>>,
}

/// One photo.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The file; the JSONL file of a photo that lies in its own row.
    pub path: PathBuf,
    /// The photo's bytes, where they are no file of their own.
    pub bytes: Option<Arc<[u8]>>,
    /// Its name in reports: relative to the folder (or file) it came from; with `#` and the annotation's id (JSONL: the
    /// line) where a box tells it from others of the same file.
    pub name: String,
    /// The part of the file's picture that it is, where not the whole.
    pub region: Option<Region>,
    /// The [digest](jicho::teach::digest) of the lesson that it is a frame of, where a device exported it.
    pub lesson: Option<String>,
    /// Index into the labels.
    pub label: Option<usize>,
    /// Further attributes.
    pub attributes: BTreeMap<String, Value>,
}

impl Example {
    /// The bytes of its file.
    ///
    /// # Errors
    /// Why they cannot be read, without the path; so with the other methods.
    pub fn bytes(&self) -> Result<Arc<[u8]>, String> {
        self.bytes.clone().map_or_else(|| photo::read_bytes(&self.path).map(Into::into), Ok)
    }

    /// The photo in `bytes`, cut to its region.
    pub fn decode(&self, bytes: &[u8]) -> Result<Photo, String> {
        let photo = Photo::decode(bytes)?;
        self.region.iter().try_fold(photo, Photo::cropped)
    }

    /// Its photo, from its file.
    pub fn read(&self) -> Result<Photo, String> {
        self.decode(&self.bytes()?)
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
    /// Reads a folder of products, a JSONL file or a COCO file, which its content tells; `label` names the field or
    /// attribute that holds the product id, in files.
    ///
    /// # Errors
    /// The path cannot be read, a product id is there twice, or nothing usable was found.
    pub fn read(photos: &Path, label: Option<&str>) -> Result<Dataset> {
        if photos.is_file() { Self::read_file(photos, label) } else { folder::read(photos) }
    }

    /// Reads photos of which no product matters, in the same forms; folders may then have any names.
    ///
    /// # Errors
    /// As with [`Dataset::read`].
    pub fn read_unlabelled(photos: &Path) -> Result<Dataset> {
        if photos.is_file() { Self::read_file(photos, None) } else { folder::read_unlabelled(photos) }
    }

    fn read_file(photos: &Path, label: Option<&str>) -> Result<Dataset> {
        let bytes = std::fs::read(photos).map_err(at(photos))?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        if coco::is_coco(photos, bytes) { coco::read(photos, bytes, label) } else { jsonl::read(photos, bytes, label) }
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
