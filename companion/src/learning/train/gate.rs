//! Whether a training goes into force: only if it is not worse than the release that is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::embed::EmbeddedPhotos;
use super::trial_head::{Asked, Comparison, TrialHead};
use super::trials::Trial;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::output::publish::{self, InForce};
use crate::output::report::place::Place;

/// On which condition a training goes into force. One that does not becomes a candidate that no device takes by itself:
/// `jicho promote` puts it into force all the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// By how much it may be less accurate than the release in force, 0–1.
    pub margin: f64,
}

/// What came of the condition.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Nothing was in force.
    First,
    /// The trial heads were compared.
    Compared(Comparison),
    /// The release in force keeps no trial head; the text says of what kind it is. Another training of this program gives
    /// way to the new one; a classifier that somebody imported does not.
    NotComparable {
        /// Its version.
        version: String,
        /// Whether it gives way.
        gives_way: bool,
    },
}

impl Verdict {
    /// Whether the training goes into force.
    pub fn publishes(&self) -> bool {
        match self {
            Verdict::First => true,
            Verdict::Compared(comparison) => !comparison.worse,
            Verdict::NotComparable { gives_way, .. } => *gives_way,
        }
    }

    /// For people, in a sentence; none where there was nothing to decide.
    pub fn summary(&self) -> Option<String> {
        match self {
            Verdict::First => None,
            Verdict::Compared(comparison) => Some(comparison.summary()),
            Verdict::NotComparable { version, gives_way: true } => {
                Some(format!("{version} kept no trial head, so this model could not be compared with it"))
            }
            Verdict::NotComparable { version, gives_way: false } => Some(format!(
                "{version} is an imported classifier, with which a training cannot be compared; promote this model if it \
                 should take its place"
            )),
        }
    }
}

/// What is compared.
pub struct Compared<'a> {
    /// The models folder.
    pub models: &'a std::path::Path,
    /// The channel.
    pub channel: &'a str,
    /// Where reports are, and the trial heads beside them.
    pub reports: &'a Place,
    /// The photos, and the new head's answers to some of them.
    pub dataset: &'a Dataset,
    /// Their features by the new network.
    pub photos: &'a EmbeddedPhotos,
    /// The new trial.
    pub trial: Option<(&'a Trial, &'a TrialHead)>,
}

impl Compared<'_> {
    /// Compares the new trial head with that of the release in force.
    ///
    /// # Errors
    /// When the release in force or its trial head are damaged.
    pub fn judge(&self, in_force: Option<InForce>, gate: Gate) -> Result<Verdict> {
        let Some(InForce { version, is_classifier }) = in_force else { return Ok(Verdict::First) };
        let old = match self.folder_of(&version) {
            Some(folder) => TrialHead::read(&folder)?,
            None => None,
        };
        let (Some(old), Some((trial, new))) = (old, self.trial) else {
            return Ok(Verdict::NotComparable { version, gives_way: !is_classifier });
        };
        let asked: Vec<Asked<'_>> = trial
            .answers
            .iter()
            .map(|(place, answer)| Asked {
                content: self.photos.contents[*place],
                label: &self.dataset.labels[answer.class],
                features: &self.photos.features[*place],
                place: *place,
            })
            .collect();
        let comparison = if old.reads_features_of(new) {
            old.compare(&version, new, &asked, gate.margin, |photo| Ok(Some(photo.features.plain.clone())))?
        } else {
            let (recognizer, _) = publish::open(&self.models.join(self.channel))?;
            old.compare(&version, new, &asked, gate.margin, |photo| {
                let Ok(picture) = self.dataset.examples[photo.place].read() else { return Ok(None) };
                let features = recognizer.lesson_frame(&picture.frame()?, Vec::new()).map_err(Error::from)?.features;
                Ok(Some(features.into_iter().map(|value| value.to_f32()).collect()))
            })?
        };
        Ok(Verdict::Compared(comparison))
    }

    /// The folder of a version's private report.
    fn folder_of(&self, version: &str) -> Option<PathBuf> {
        match self.reports {
            Place::Private(root) => Some(root.join(self.channel).join(version)),
            Place::Published => None,
        }
    }
}
