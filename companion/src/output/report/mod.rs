//! What a training was worth, for people: how accurate, on what it fails, and what to photograph next.
//!
//! [`Report::of`] computes all of it from the answers to held-out photos; it is data, and [`page::html`] shows it as one
//! file that needs nothing else.

mod advice;
pub mod page;
mod photos;
pub mod place;
mod products;
mod rejection;
mod resemblance;

use serde::Serialize;

use crate::dataset::Example;
use crate::learning::measure::{self, BINS, Bin, Measures, wilson};

pub use advice::Advice;
pub use photos::{Duplicates, Suspect, Wrong};
pub use products::{Confusion, Product};
pub use rejection::Rejection;

/// What a training knows when it is done.
pub struct Input<'a> {
    /// The channel.
    pub channel: &'a str,
    /// Its release.
    pub version: &'a str,
    /// When it was trained, ISO 8601.
    pub trained_at: &'a str,
    /// The backbone's name or file.
    pub backbone: &'a str,
    /// Product ids.
    pub labels: &'a [String],
    /// All photos that were trained on.
    pub photos: &'a [Photo<'a>],
    /// Rejection scores of photos of known products, by the models of the next; larger is more like a known product.
    pub known_scores: &'a [f32],
    /// Rejection scores of photos whose product was left out.
    pub unknown_scores: &'a [f32],
    /// The rejection threshold in force.
    pub threshold: f32,
    /// How well attributes are recognised.
    pub attributes: &'a [Attribute],
    /// What the reader should know beside.
    pub notes: &'a [String],
}

/// A photo with what was found of it.
pub struct Photo<'a> {
    /// File, box, name and product.
    pub example: &'a Example,
    /// Its feature vector, with as many values as all others have.
    pub features: &'a [f32],
    /// The answer of a head that did not see it, where there is one.
    pub answer: Option<Answer>,
}

/// An answer to a held-out photo.
pub struct Answer {
    /// One a label, summing to 1.
    pub probabilities: Vec<f32>,
    /// Larger is more like a known product.
    pub rejection_score: f32,
}

/// How well an attribute is recognised, on held-out photos.
#[derive(Debug, Clone, Serialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// What it is: `categorical`, `sequence`, `numeric`.
    pub kind: &'static str,
    /// Photos it was measured on.
    pub images: usize,
    /// Share that is right as a whole, 0–1; null for numbers.
    pub accuracy: Option<f64>,
    /// Mean absolute error, in the attribute's unit; null unless a number. So with the next.
    pub mae: Option<f64>,
    /// Root mean squared error.
    pub rmse: Option<f64>,
}

/// A share with its 95 % interval (Wilson 1927).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub hits: usize,
    /// Of how many.
    pub of: usize,
    /// 0–1.
    pub share: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// None of nothing.
    pub fn of(hits: usize, of: usize) -> Option<Self> {
        wilson(hits, of).map(|[low, high]| Share { hits, of, share: hits as f64 / of as f64, low, high })
    }
}

/// How often held-out photos are answered right.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accuracy {
    /// The first answer is right.
    pub top1: Share,
    /// The right one is among the first five.
    pub top5: Share,
    /// Mean of the products' recalls: every product counts the same, however many photos it has.
    pub mean_recall: f64,
}

/// Confidence against truth.
#[derive(Debug, Clone, Serialize)]
pub struct Calibration {
    /// Expected calibration error, 0–1.
    pub ece: f64,
    /// Of equal width.
    pub bins: Vec<Bin>,
}

/// What a training was worth. Of lists, the gravest comes first.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Null without a held-out photo, or with one product only; so with the next.
    pub accuracy: Option<Accuracy>,
    /// Whether confidences can be taken at their word.
    pub calibration: Option<Calibration>,
    /// How well unknown products are told from known ones; null without photos of both.
    pub rejection: Option<Rejection>,
    /// What to photograph next.
    pub advice: Vec<Advice>,
    /// One a label.
    pub per_product: Vec<Product>,
    /// Which product is taken for which.
    pub confusions: Vec<Confusion>,
    /// Held-out photos that were answered wrongly.
    pub worst: Vec<Wrong>,
    /// Photos that may bear another product's label.
    pub mislabelled: Vec<Suspect>,
    /// Photos that show the same in the same way.
    pub duplicates: Vec<Duplicates>,
    /// How well attributes are recognised.
    pub attributes: Vec<Attribute>,
    /// What the reader should know beside.
    pub notes: Vec<String>,
}

/// Answers to held-out photos with the photo's index, its label and the first answer.
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
    /// Computes all.
    pub fn of(input: &Input) -> Self {
        let mut notes = input.notes.to_vec();
        let held = held(input);
        let ranked = held.iter().map(|h| measure::Answer::ranked(h.label, &h.answer.probabilities));
        let measures = Measures::of(input.labels, ranked);
        let resemblance = resemblance::of(input.photos);
        if resemblance.is_none() {
            notes.push(format!("more than {} photos: they were not compared with each other", resemblance::MOST));
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
