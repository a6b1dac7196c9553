//! Whether a new model is worse than the one in force: their trial heads are compared, pair by pair, on photos that neither
//! learnt from.
//!
//! A trial head is fitted without the held-out photos. A release's own head has learnt them all, so comparing releases
//! would favour whichever saw the photos; and comparing the accuracies of two trials would compare two sets of photos.
//! Each training therefore keeps its trial head beside its report, with the ids of the photos that it learnt from.

use std::collections::BTreeSet;
use std::path::Path;

use jicho::recognize::{Prototypes, Space, tensors};
use serde::{Deserialize, Serialize};

use super::answers;
use super::content::ContentId;
use super::embed::Embedded;
use super::label_model::LabelModel;
use super::shared_space::SharedSpace;
use super::trials::Trial;
use crate::error::{Error, Result, at};
use crate::json;
use crate::output::release::HeadFile;

/// The files of a trial head, beside report.json.
const FACTS: &str = "trial.json";
const TENSORS: &str = "trial.safetensors";
/// Raised when older files can no longer be compared with.
const FORMAT: u32 = 1;

/// A head that did not learn the held-out photos, with all that a comparison needs.
pub struct TrialHead {
    facts: Facts,
    model: LabelModel,
}

/// What trial.json holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    format: u32,
    /// The digest of all that the features of given pixels depend on.
    network: String,
    /// Length of the feature vectors.
    inputs: usize,
    /// Product ids, in the order of the head's classes.
    labels: Vec<String>,
    /// The photos that it learnt from.
    learnt: BTreeSet<ContentId>,
}

/// A photo that a new trial did not learn from, with what the comparison needs of it.
pub struct Asked<'a> {
    /// What it shows.
    pub content: ContentId,
    /// Its product's id.
    pub label: &'a str,
    /// Its features by the new network.
    pub features: &'a Embedded,
    /// Its place among the examples.
    pub place: usize,
}

/// How two trial heads did on the same photos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The version in force that was compared with.
    pub version: String,
    /// Photos that neither learnt from, of products that both know.
    pub photos: usize,
    /// Products that both know.
    pub products: usize,
    /// How many of the photos the head in force named rightly, with their 95 % interval.
    pub before: Rate,
    /// The same of the new head.
    pub after: Rate,
    /// Photos that only the head in force named rightly.
    pub lost: usize,
    /// Photos that only the new head named rightly.
    pub gained: usize,
    /// How probable so many losses or more are among the photos on which the heads differ, if neither is better: the
    /// one-sided exact sign test (McNemar 1947). Null where they differ on none.
    pub chance: Option<f64>,
    /// By how much the new head may be less accurate, 0–1.
    pub margin: f64,
    /// Whether it is less accurate by more than that.
    pub worse: bool,
}

/// A share with its 95 % interval (Wilson 1927).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Rightly named photos.
    pub right: usize,
    /// Their share, 0–1; null without photos.
    pub share: Option<f64>,
    /// Its lower and upper bound.
    pub interval: Option<[f64; 2]>,
}

impl Rate {
    fn of(right: usize, count: usize) -> Rate {
        let share = (count > 0).then(|| right as f64 / count as f64);
        Rate { right, share, interval: crate::learning::measure::wilson(right, count) }
    }
}

impl Comparison {
    /// From the two heads' answers to each photo, whether right.
    pub fn of(version: &str, products: usize, pairs: &[(bool, bool)], margin: f64) -> Comparison {
        let count = |wanted: fn(&(bool, bool)) -> bool| pairs.iter().filter(|pair| wanted(pair)).count();
        let (lost, gained) = (count(|(before, after)| *before && !after), count(|(before, after)| !before && *after));
        let photos = pairs.len();
        Comparison {
            version: version.to_owned(),
            photos,
            products,
            before: Rate::of(count(|(before, _)| *before), photos),
            after: Rate::of(count(|(_, after)| *after), photos),
            lost,
            gained,
            chance: at_least(lost, lost + gained),
            margin,
            // The tolerance keeps a difference of exactly the margin from counting as more in floating point.
            worse: (lost as f64 - gained as f64) > margin * photos as f64 + 1e-9,
        }
    }

    /// For people, in a sentence.
    pub fn summary(&self) -> String {
        let Comparison { version, photos, products, before, after, .. } = self;
        if *photos == 0 {
            return format!("no photo is new to both this model and {version}, so they could not be compared");
        }
        let verdict = if self.worse { "it is worse" } else { "it is not worse" };
        format!(
            "{verdict} than {version}: on {photos} photos of {products} products that neither learnt from, it names {} rightly \
             and {version} {}",
            after.right, before.right
        )
    }
}

/// The probability of at least `hits` heads in `flips` tosses of a fair coin; none without tosses.
fn at_least(hits: usize, flips: usize) -> Option<f64> {
    if flips == 0 {
        return None;
    }
    // Terms of the binomial distribution, each from the one before it: ln C(n, k + 1) = ln C(n, k) + ln((n − k) / (k + 1)).
    let mut log_term = -(flips as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for k in 0..=flips {
        if k >= hits {
            sum += log_term.exp();
        }
        log_term += ((flips - k) as f64 / (k + 1) as f64).ln();
    }
    Some(sum.min(1.0))
}

impl TrialHead {
    /// The head of a trial. `contents` and `class` have an entry per photo, `network` is the digest of what gave features
    /// of `inputs` values.
    pub fn of(
        trial: &Trial,
        labels: &[String],
        class: impl Iterator<Item = Option<usize>>,
        contents: &[ContentId],
        network: String,
        inputs: usize,
    ) -> TrialHead {
        let asked: BTreeSet<usize> = trial.answers.iter().map(|(place, _)| *place).collect();
        let photos = contents.iter().zip(class).enumerate();
        let learnt = photos.filter(|(i, (_, class))| class.is_some() && !asked.contains(i)).map(|(_, (id, _))| *id);
        let facts = Facts { format: FORMAT, network, inputs, labels: labels.to_vec(), learnt: learnt.collect() };
        let model = LabelModel { shared: trial.model.shared.clone(), head: trial.model.head.clone() };
        TrialHead { facts, model }
    }

    /// Its files, by name.
    ///
    /// # Errors
    /// When its tensors cannot be stored.
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let LabelModel { shared, head } = &self.model;
        let mut file = HeadFile::default();
        file.space(&shared.space);
        file.prototypes("background", &shared.background, shared.space.dims());
        file.prototypes("label", head, shared.space.dims());
        Ok(vec![(FACTS, json::line(&self.facts)?.into_bytes()), (TENSORS, file.serialize()?)])
    }

    /// Reads it from the folder of a report; none where there is none that this program can compare with.
    ///
    /// # Errors
    /// When files are there and cannot be read.
    pub fn read(folder: &Path) -> Result<Option<TrialHead>> {
        let path = folder.join(FACTS);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(at(&path))?,
        };
        let damaged = |why: String| Error::BadInput(format!("{} is damaged: {why}; move it away", path.display()));
        let facts: Facts = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        if facts.format != FORMAT {
            return Ok(None);
        }
        let path = folder.join(TENSORS);
        let bytes = std::fs::read(&path).map_err(at(&path))?;
        let tensors = tensors::open(&bytes, "trial head")?;
        let space = Space::read(&tensors, facts.inputs)?;
        let background = Prototypes::read(&tensors, "background", space.dims())?;
        let head = Prototypes::read(&tensors, "label", space.dims())?;
        if head.count() != facts.labels.len() {
            return Err(damaged(format!("{} prototypes for {} products", head.count(), facts.labels.len())));
        }
        let shared = SharedSpace { space, background }.into();
        Ok(Some(TrialHead { facts, model: LabelModel { shared, head } }))
    }

    /// Whether it reads the same features as `other`.
    pub fn reads_features_of(&self, other: &TrialHead) -> bool {
        self.facts.network == other.facts.network && self.facts.inputs == other.facts.inputs
    }

    /// Compares this head, of the `version` in force, with `new`, on the photos of `asked` that neither learnt from.
    /// `features` gives a photo's features by this head's network; none where they cannot be had.
    ///
    /// # Errors
    /// When features do not fit a head.
    pub fn compare(
        &self,
        version: &str,
        new: &TrialHead,
        asked: &[Asked<'_>],
        margin: f64,
        features: impl Fn(&Asked<'_>) -> Result<Option<Vec<f32>>>,
    ) -> Result<Comparison> {
        let shared: BTreeSet<&str> = self.facts.labels.iter().map(String::as_str).collect();
        let shared: BTreeSet<&str> =
            new.facts.labels.iter().map(String::as_str).filter(|label| shared.contains(label)).collect();
        let mut pairs = Vec::new();
        for photo in asked.iter().filter(|photo| shared.contains(photo.label)) {
            if self.facts.learnt.contains(&photo.content) || new.facts.learnt.contains(&photo.content) {
                continue;
            }
            let Some(old_features) = features(photo)? else { continue };
            let before = self.names(&old_features, &shared)?;
            let after = new.names(&photo.features.plain, &shared)?;
            pairs.push((before == Some(photo.label), after == Some(photo.label)));
        }
        Ok(Comparison::of(version, shared.len(), &pairs, margin))
    }

    /// The nearest product among `known`.
    fn names(&self, features: &[f32], known: &BTreeSet<&str>) -> Result<Option<&str>> {
        let point = self.model.shared.space.point(features)?;
        let cosines = self.model.head.cosines(&point);
        let places: Vec<usize> =
            (0..self.facts.labels.len()).filter(|&k| known.contains(self.facts.labels[k].as_str())).collect();
        let among: Vec<f32> = places.iter().map(|&k| cosines[k]).collect();
        Ok(places.get(answers::best(&among)).map(|&k| self.facts.labels[k].as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(both: usize, lost: usize, gained: usize, neither: usize) -> Vec<(bool, bool)> {
        let of = |pair, count| std::iter::repeat_n(pair, count);
        of((true, true), both)
            .chain(of((true, false), lost))
            .chain(of((false, true), gained))
            .chain(of((false, false), neither))
            .collect()
    }

    #[test]
    fn a_head_is_worse_when_it_loses_more_than_the_margin() {
        let worse = |both, lost, gained, margin| Comparison::of("v", 5, &pairs(both, lost, gained, 0), margin).worse;
        assert!(!worse(50, 0, 0, 0.0) && !worse(45, 2, 3, 0.0) && !worse(45, 3, 3, 0.0));
        assert!(worse(49, 1, 0, 0.0) && worse(45, 3, 2, 0.0));
        // Exactly the margin is allowed: 2 of 100.
        assert!(!worse(98, 2, 0, 0.02) && worse(97, 3, 0, 0.02));
        assert!(!Comparison::of("v", 0, &[], 0.0).worse, "nothing to compare is no evidence");
    }

    #[test]
    fn the_sign_test_is_exact() {
        assert_eq!(at_least(0, 0), None);
        let of = |hits, flips| at_least(hits, flips).unwrap();
        // By hand: 1, 1/2 + …, C(5,4) + C(5,5) = 6 of 32, 1 of 1024.
        for (hits, flips, expected) in [(0, 4, 1.0), (1, 1, 0.5), (4, 5, 6.0 / 32.0), (10, 10, 1.0 / 1024.0)] {
            assert!((of(hits, flips) - expected).abs() < 1e-12, "{hits} of {flips}");
        }
        // Far beyond what factorials in 64 bits hold; by symmetry.
        assert!((of(501, 1001) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn counts_of_a_comparison_are_those_of_the_pairs() {
        let comparison = Comparison::of("v", 3, &pairs(5, 2, 1, 4), 0.5);
        assert_eq!((comparison.photos, comparison.before.right, comparison.after.right), (12, 7, 6));
        assert_eq!((comparison.lost, comparison.gained, comparison.worse), (2, 1, false));
        assert!(comparison.summary().contains("12 photos of 3 products"));
    }
}
