//! The training report: how accurate a model is, where it fails, and what to photograph next.
//!
//! [`Report::of`] computes it from the answers to held-out photos. [`page::html`] shows it as one HTML file that needs nothing
//! else. [`place::Place`] says where both go.

mod advice;
pub mod page;
mod photos;
pub mod place;
mod products;
mod rejection;
mod resemblance;

use jicho::manifest::Promise;
use serde::Serialize;

use crate::dataset::Example;
use crate::learning::measure::{self, BINS, Bin, Measures, wilson};
use crate::learning::train::calibrate::Expected;

pub use advice::Advice;
pub use photos::{Duplicates, Suspect, Wrong};
pub use products::{Confusion, Product};
pub use rejection::Rejection;

/// What a training knows when it is done.
pub struct Input<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The version of its release.
    pub version: &'a str,
    /// When it was trained, ISO 8601.
    pub trained_at: &'a str,
    /// The name of the backbone or of its file.
    pub backbone: &'a str,
    /// Product ids.
    pub labels: &'a [String],
    /// All photos that were learnt from.
    pub photos: &'a [Photo<'a>],
    /// Rejection scores of photos of known products; larger is more like a known product.
    pub known_scores: &'a [f32],
    /// Rejection scores of photos whose product the models had not learnt.
    pub unknown_scores: &'a [f32],
    /// The rejection threshold of the release.
    pub threshold: f32,
    /// What to expect of photos of another day; none where nothing was measured.
    pub expected: Option<Expected>,
    /// What a match takes for each promise of precision.
    pub promises: &'a [Promise],
    /// The share of matches that the channel promises to be right.
    pub match_precision: Option<f32>,
    /// How well attributes are recognised.
    pub attributes: &'a [Attribute],
    /// What the reader should know besides.
    pub notes: &'a [String],
}

/// A photo, with what is known about it.
pub struct Photo<'a> {
    /// Its file, box, name and product.
    pub example: &'a Example,
    /// Its feature vector. All photos have vectors of the same length.
    pub features: &'a [f32],
    /// The answer of a head that did not learn from it, if it was held out.
    pub answer: Option<Answer>,
}

/// An answer to a held-out photo.
pub struct Answer {
    /// One probability per label; they sum to 1.
    pub probabilities: Vec<f32>,
    /// Larger is more like a known product.
    pub rejection_score: f32,
}

/// How well an attribute is recognised, on held-out photos.
#[derive(Debug, Clone, Serialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its kind: `categorical`, `sequence` or `numeric`.
    pub kind: &'static str,
    /// Number of photos that have the attribute.
    pub images: usize,
    /// Share of answers that are right as a whole, 0–1; null for numbers.
    pub accuracy: Option<f64>,
    /// Mean absolute error, in the attribute's unit; only for numbers.
    pub mae: Option<f64>,
    /// Root mean squared error, in the attribute's unit; only for numbers.
    pub rmse: Option<f64>,
}

/// A share with its 95 % interval (Wilson 1927).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Number of hits.
    pub hits: usize,
    /// Number of photos.
    pub of: usize,
    /// Hits ÷ photos, 0–1.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Share {
    /// None when `of` is 0.
    pub fn of(hits: usize, of: usize) -> Option<Self> {
        wilson(hits, of).map(|[low, high]| Share { hits, of, share: hits as f64 / of as f64, low, high })
    }
}

/// How often held-out photos are answered correctly.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accuracy {
    /// Photos whose first answer is right.
    pub top1: Share,
    /// Photos with the right answer among the first five.
    pub top5: Share,
    /// The mean of the products' recalls: every product counts the same, no matter how many photos it has.
    pub mean_recall: f64,
}

/// How confidence compares with accuracy.
#[derive(Debug, Clone, Serialize)]
pub struct Calibration {
    /// Expected calibration error, 0–1.
    pub ece: f64,
    /// Bins of equal width over the confidence.
    pub bins: Vec<Bin>,
}

/// The report. Lists begin with the most serious entry.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Null without held-out photos, or with one product only.
    pub accuracy: Option<Accuracy>,
    /// Whether confidences can be believed; null as `accuracy`.
    pub calibration: Option<Calibration>,
    /// How well unknown products are told from known ones; null without photos of both.
    pub rejection: Option<Rejection>,
    /// What to photograph next.
    pub advice: Vec<Advice>,
    /// One entry per label.
    pub per_product: Vec<Product>,
    /// Which products are taken for which.
    pub confusions: Vec<Confusion>,
    /// Held-out photos that were answered wrongly.
    pub worst: Vec<Wrong>,
    /// Photos that may have a wrong label.
    pub mislabelled: Vec<Suspect>,
    /// Groups of near-duplicates.
    pub duplicates: Vec<Duplicates>,
    /// How well attributes are recognised.
    pub attributes: Vec<Attribute>,
    /// What the reader should know besides.
    pub notes: Vec<String>,
}

/// The answer to a held-out photo, with the photo's index, its label and the first answer's label.
struct Held<'a> {
    photo: usize,
    label: usize,
    first: usize,
    answer: &'a Answer,
}

impl Held<'_> {
    fn confidence(&self) -> f32 {
        self.answer.probabilities[self.first]
    }

    fn right(&self) -> bool {
        self.first == self.label
    }
}

impl Report {
    /// Computes the report.
    pub fn of(input: &Input) -> Self {
        let mut notes = input.notes.to_vec();
        let held = held(input);
        let ranked = held.iter().map(|h| measure::Answer::ranked(h.label, &h.answer.probabilities));
        let measures = Measures::of(input.labels, ranked);
        let resemblance = resemblance::of(input.photos);
        if resemblance.is_none() {
            notes.push(format!("more than {} photos: they were not compared with each other", resemblance::MAX_PHOTOS));
        }
        let resemblance = resemblance.unwrap_or_default();
        let duplicates = photos::duplicates(input, &resemblance);
        let mislabelled = photos::mislabelled(input, &held, &resemblance);
        let per_product = products::rows(input, &held, &measures, &duplicates);
        let confusions = products::confusions(&measures);
        let measurable = input.labels.len() > 1;
        let claims: Vec<(f32, bool)> = held.iter().map(|h| (h.confidence(), h.right())).collect();
        let ece = measure::expected_calibration_error(&claims, BINS).filter(|_| measurable);
        Report {
            accuracy: accuracy(&measures, &per_product).filter(|_| measurable),
            calibration: ece.map(|ece| Calibration { ece, bins: measure::reliability(&claims, BINS) }),
            rejection: rejection::of(input),
            advice: advice::of(&per_product, &confusions, &duplicates, &mislabelled),
            worst: photos::worst(input, &held),
            per_product,
            confusions,
            mislabelled,
            duplicates,
            attributes: input.attributes.to_vec(),
            notes,
        }
    }
}

fn held<'a>(input: &'a Input) -> Vec<Held<'a>> {
    let answered = input.photos.iter().enumerate().filter_map(|(photo, p)| {
        let answer = p.answer.as_ref().filter(|a| a.probabilities.len() == input.labels.len())?;
        let values = &answer.probabilities;
        let first = (0..values.len()).reduce(|best, k| if values[k] > values[best] { k } else { best })?;
        Some(Held { photo, label: p.example.label?, first, answer })
    });
    answered.collect()
}

fn accuracy(measures: &Measures, products: &[Product]) -> Option<Accuracy> {
    let hits = |share: Option<f64>| share.map(|share| (share * measures.images as f64).round() as usize);
    let recalls: Vec<f64> = products.iter().filter_map(|p| p.recall).map(|r| r.share).collect();
    Some(Accuracy {
        top1: Share::of(hits(measures.top1)?, measures.images)?,
        top5: Share::of(hits(measures.top5)?, measures.images)?,
        mean_recall: recalls.iter().sum::<f64>() / recalls.len().max(1) as f64,
    })
}

#[cfg(test)]
mod tests;
