//! What the user gives to a training: photos, lessons, facts and the score rule, read and checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jicho::manifest::{AttributeHead, ScoreRule};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Options;
use crate::dataset::{Dataset, Reading};
use crate::error::{Error, Result};
use crate::file;

/// Longer than any file of facts or of a score rule.
const MAX_JSON: u64 = 64 << 20;

/// Facts by label, then by name.
pub type Facts = BTreeMap<String, BTreeMap<String, Value>>;

/// The user's input.
pub struct Sources {
    /// All photos, those of lessons among them.
    pub dataset: Dataset,
    /// Facts from `--facts`, and those that rows tell of labels without any.
    pub facts: Facts,
    /// The score rule.
    pub score: Option<ScoreRule>,
}

impl Sources {
    /// Reads what the options name.
    ///
    /// # Errors
    /// When a file cannot be read, or the score rule is not valid.
    pub fn read(options: &Options) -> Result<Sources> {
        let mut facts: Facts = read_json(options.facts.as_deref())?.unwrap_or_default();
        let score: Option<ScoreRule> = read_json(options.score.as_deref())?;
        if let Some(problem) = score.as_ref().and_then(ScoreRule::problem) {
            return Err(Error::BadInput(problem));
        }
        let mut dataset = read_dataset(&options.photos, &options.reading, &options.lessons)?;
        for (label, known) in std::mem::take(&mut dataset.facts) {
            facts.entry(label).or_insert(known);
        }
        Ok(Sources { dataset, facts, score })
    }

    /// Checks that every term of the score rule can count: one that never could would be a mistake nobody notices.
    ///
    /// # Errors
    /// `BAD_INPUT`, for a term whose source does not exist or lacks a range or values.
    pub fn check_score(&self, attributes: &BTreeMap<String, AttributeHead>) -> Result<()> {
        for term in self.score.iter().flat_map(|rule| &rule.terms) {
            let is_usable = match term.source.split_once('.') {
                Some(("attributes", name)) => match attributes.get(name) {
                    Some(AttributeHead::Numeric { .. }) => term.range.is_some(),
                    Some(AttributeHead::Label | AttributeHead::Categorical { .. }) => term.values.is_some(),
                    Some(AttributeHead::Sequence { .. }) | None => false,
                },
                Some(("facts", name)) => self.facts.values().any(|facts| facts.contains_key(name)),
                _ => true,
            };
            if !is_usable {
                return Err(Error::BadInput(format!(
                    "the score's source `{}` can never count: attributes must exist (numbers with a range, strings with \
                     values), facts must be given for at least one label",
                    term.source
                )));
            }
        }
        Ok(())
    }
}

fn read_dataset(photos: &Path, reading: &Reading, lessons: &[PathBuf]) -> Result<Dataset> {
    let mut dataset = Dataset::read(photos, reading)?;
    for file in lessons {
        dataset.join(Dataset::read_lessons(file)?)?;
    }
    Ok(dataset)
}

fn read_json<T: DeserializeOwned>(path: Option<&Path>) -> Result<Option<T>> {
    let Some(path) = path else { return Ok(None) };
    let bytes = file::read_up_to(path, MAX_JSON)?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|e| Error::BadInput(format!("{}: {e}", path.display())).caused_by(e))
}
