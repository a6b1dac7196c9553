//! Photos with what is known of them: from a folder per product, from JSONL rows, or from COCO annotations.

mod boundary;
mod categories;
mod coco;
mod csv;
mod fields;
mod folder;
mod format;
mod join;
mod jsonl;
pub mod labels;
mod layout;
mod refusal;
mod rows;
mod voc;
mod yolo;
mod zip;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::photo::{self, Photo, PhotoError, Region};
use crate::progress::Progress;
use crate::text::shown;
pub use format::Format;

/// How a data set is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reading {
    /// What it is, where its content is not to tell.
    pub format: Format,
    /// In files, the field or attribute that holds the product id.
    pub label: Option<String>,
    /// In folders, which of them names the product.
    pub labels: LabelFolder,
    /// In files, the fields that are attributes although annotation tools write them for themselves.
    pub attributes: Vec<String>,
    /// Whether it may name files outside its own folder.
    pub allow_outside: bool,
    /// Whether the rows of a file stand in the order in which the photos were taken. Where they do not, the names of the
    /// photos tell it: neighbours are held out together.
    pub in_order: bool,
}

/// Which folder above a photo names its product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, Serialize, Deserialize)]
pub enum LabelFolder {
    /// The first, but the one that holds the photo where the folders above it are categories (Fruit/Apple/Granny-Smith)
    #[default]
    Auto,
    /// The first below the given folder, as ImageFolder and Keras have it
    First,
    /// The one that directly holds the photo
    Deepest,
}

/// Which part of a data set a photo belongs to, where its maker says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// To learn from.
    Train,
    /// To choose by.
    Valid,
    /// To measure with.
    Test,
}

impl Split {
    /// The name that people know it by.
    fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        }
    }

    /// Whether its photos measure rather than teach.
    pub fn is_apart(self) -> bool {
        self != Split::Train
    }

    /// By the name of a folder or a field, in any case.
    fn parse(name: &str) -> Option<Split> {
        match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Split::Train),
            "valid" | "validation" | "val" | "dev" => Some(Split::Valid),
            "test" | "testing" => Some(Split::Test),
            _ => None,
        }
    }
}

/// Photos to train or evaluate on.
#[derive(Debug, Default)]
pub struct Dataset {
    /// Product ids, in byte order.
    pub labels: Vec<String>,
    /// The attribute that `labels` were taken from and that is also reported as an attribute.
    pub label_attribute: Option<String>,
    /// In a fixed order: by label, then by file name, numbers in names compared as numbers; or as
    /// [`Reading::in_order`] tells.
    pub examples: Vec<Example>,
    /// Files and rows that were left out, with the reason.
    pub problems: Vec<Problem>,
    /// What rows say of products, by product id.
    pub facts: BTreeMap<String, BTreeMap<String, Json>>,
    /// How it was understood, a sentence each.
    pub notes: Vec<String>,
    /// What may be a mistake of who made it, likewise.
    pub warnings: Vec<String>,
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
    /// The part of the data set that it belongs to.
    pub split: Option<Split>,
    /// Where its file lies for as long as it is needed, if the data set was packed.
    pub unpacked: Option<Arc<TempDir>>,
    /// Further attributes.
    pub attributes: BTreeMap<String, Value>,
}

impl Example {
    /// Whether it measures rather than teaches.
    fn is_apart(&self) -> bool {
        self.split.is_some_and(Split::is_apart)
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// Why they cannot be read, without the path; so with the other methods.
    pub fn bytes(&self) -> Result<Arc<[u8]>, PhotoError> {
        self.bytes.clone().map_or_else(|| photo::read_bytes(&self.path).map(Into::into), Ok)
    }

    /// The photo in `bytes`, cut to its region.
    pub fn decode(&self, bytes: &[u8]) -> Result<Photo, PhotoError> {
        let photo = Photo::decode(bytes)?;
        self.region.iter().try_fold(photo, Photo::cropped)
    }

    /// Its photo, from its file.
    pub fn read(&self) -> Result<Photo, PhotoError> {
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
    /// The same in a word or two, to count by.
    pub cause: &'static str,
}

impl Problem {
    /// A photo that cannot be used.
    pub fn of(file: String, error: &PhotoError) -> Self {
        Problem { file, line: None, reason: error.to_string(), cause: error.cause() }
    }
}

/// Warns of each file and row that was left out, and sums them up.
pub fn tell_left_out(problems: &[Problem], progress: Progress) {
    problems.iter().for_each(|problem| progress.warn(&format!("left out: {problem}")));
    left_out(problems).iter().filter(|_| problems.len() > 1).for_each(|sum| progress.warn(sum));
}

/// How many files and rows were left out, by cause; `None` for none.
pub fn left_out(problems: &[Problem]) -> Option<String> {
    let counts = by_cause(problems);
    let parts: Vec<String> = counts.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
    (!problems.is_empty()).then(|| format!("{} left out: {}", problems.len(), parts.join(", ")))
}

/// How many files and rows were left out for each cause.
pub fn by_cause(problems: &[Problem]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    problems.iter().for_each(|problem| *counts.entry(problem.cause).or_default() += 1);
    counts
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", shown(&self.file), shown(&self.reason)),
            None => write!(f, "{} {}", shown(&self.file), shown(&self.reason)),
        }
    }
}

impl Dataset {
    /// Reads a data set of any [`Format`], which its content tells unless `reading` does.
    ///
    /// # Errors
    /// The path cannot be read, a product id is there twice, or nothing usable was found.
    pub fn read(photos: &Path, reading: &Reading) -> Result<Dataset> {
        format::read(photos, reading, true)
    }

    /// Reads photos of which no product matters, in the same forms; folders may then have any names.
    ///
    /// # Errors
    /// As with [`Dataset::read`].
    pub fn read_unlabelled(photos: &Path, reading: &Reading) -> Result<Dataset> {
        format::read(photos, &Reading { label: None, ..reading.clone() }, false)
    }

    /// Reads lessons that a device exported.
    ///
    /// # Errors
    /// As with [`Dataset::read`].
    pub fn read_lessons(file: &Path) -> Result<Dataset> {
        jsonl::read_lessons(file, &format::read_file(file)?)
    }

    /// Refuses a data set that names no product.
    ///
    /// # Errors
    /// Where none does.
    pub fn require_products(&self) -> Result<()> {
        if !self.labels.is_empty() {
            return Ok(());
        }
        let mut fields: Vec<&str> =
            self.examples.iter().flat_map(|example| example.attributes.keys().map(String::as_str)).collect();
        fields.sort_unstable();
        fields.dedup();
        let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
        Err(Error::BadInput(format!(
            "the data set names no product, so there would be nothing to recognise. Name the products in a field \
             `product`, or say with --label which field holds their names (fields: {fields})"
        )))
    }

    /// Whether its maker set photos apart to measure with, and left others. What is in no split is learnt from.
    pub fn has_splits(&self) -> bool {
        self.examples.iter().any(Example::is_apart) && !self.examples.iter().all(Example::is_apart)
    }

    /// Leaves the photos that its maker set apart to test with, if any; else those to validate with, if any.
    pub fn keep_measured(&mut self) {
        for split in [Split::Test, Split::Valid] {
            if self.has_splits() && self.examples.iter().any(|example| example.split == Some(split)) {
                self.examples.retain(|example| example.split == Some(split));
                self.notes.push(format!("measured on its split `{}` alone", split.name()));
                return;
            }
        }
    }

    /// Tells how it was understood, before anything is done with it.
    pub fn tell(&self, progress: Progress) {
        progress.note(&self.summary());
        self.notes.iter().for_each(|note| progress.note(note));
        self.warnings.iter().for_each(|warning| progress.warn(warning));
        progress.event(&serde_json::json!({
            "event": "dataset",
            "products": self.labels.len(),
            "images": self.examples.len(),
            "notes": self.notes,
        }));
    }

    /// All that was understood of it, a sentence each.
    pub fn understood(&self) -> Vec<String> {
        std::iter::once(self.summary()).chain(self.notes.iter().cloned()).collect()
    }

    /// What it was understood to be, in a sentence.
    pub fn summary(&self) -> String {
        const LISTED: usize = 5;
        let names: Vec<&str> = self.labels.iter().take(LISTED).map(String::as_str).collect();
        let more = if self.labels.len() > LISTED { ", …" } else { "" };
        let mut text = format!("{} products", self.labels.len());
        if !names.is_empty() {
            text += &format!(" ({}{more})", names.join(", "));
        }
        text += &format!(", {} photos", self.examples.len());
        if self.has_splits() {
            let count = |split| self.examples.iter().filter(|example| example.split == Some(split)).count();
            let [valid, test] = [Split::Valid, Split::Test].map(count);
            let train = self.examples.len() - valid - test;
            text += &format!(": {train} to learn from, {valid} to validate, {test} to test");
        }
        text
    }
}

/// Compares names with their digit runs as numbers, so that `a2` comes before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    // Names that differ only in leading zeros still need one fixed order, which is that of their bytes: the split into
    // photos to learn from and photos to measure with depends on it.
    alphanumeric_sort::compare_str(without_leading_zeros(a), without_leading_zeros(b)).then_with(|| a.cmp(b))
}

/// A name in which no digit run begins with a zero, unless the run is that zero.
fn without_leading_zeros(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    for (at, char) in name.char_indices() {
        let begins = !kept.ends_with(|last: char| last.is_ascii_digit());
        let goes_on = name.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
        if !(char == '0' && begins && goes_on) {
            kept.push(char);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
