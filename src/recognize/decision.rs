//! From probabilities and a rejection score to `match | unsure | unknown`.

use serde::{Deserialize, Serialize};

use crate::manifest;

/// What an app should do with an answer.
/// `match`: take the first prediction. `unsure`: offer the first few to choose from. `unknown`: probably none of the
/// products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Take the first prediction.
    Match,
    /// Offer the first predictions to choose from.
    Unsure,
    /// Probably none of the products.
    Unknown,
}

/// Why a decision was taken.
/// `confident`: the confidence suffices. `low-confidence`: two or more products are about as likely.
/// `far-from-products`: unlike every product. `no-product`: more like a frame without a product. `no-labels`: the channel
/// has attributes only. `not-known`: the app knows none of the channel's products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The confidence suffices.
    Confident,
    /// Two or more products are about as likely.
    LowConfidence,
    /// Unlike every product.
    FarFromProducts,
    /// More like a frame with no product in it.
    NoProduct,
    /// The channel has attributes only.
    NoLabels,
    /// The app knows none of the channel's products.
    NotKnown,
}

/// How similar a point is to the known products, and to frames without a product. Each value is the largest cosine to a
/// prototype, less the mean cosine of that prototype's own photos, so that tight and wide classes can be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// To the nearest product that the app knows.
    pub product: f32,
    /// To the nearest kind of frame without a product; minus infinity without any.
    pub background: f32,
}

impl Likeness {
    /// Of a point with these `cosines` to the products, whose own photos have the mean cosines `own`. Only products with a
    /// true `takes_part` count. `background` is the similarity to frames without a product, by [`nearest`].
    #[must_use]
    pub fn of(cosines: &[f32], own: &[f32], takes_part: &[bool], background: f32) -> Likeness {
        let part = |values: &[f32]| -> Vec<f32> {
            values.iter().zip(takes_part).filter(|(_, part)| **part).map(|(value, _)| *value).collect()
        };
        Likeness { product: nearest(&part(cosines), &part(own)), background }
    }

    /// Whether the point is more similar to a frame without a product than to any product.
    #[must_use]
    pub fn is_background(&self) -> bool {
        self.background > self.product
    }

    /// The rejection score: larger is more similar to a known product; it is about 0 for a product's own photos. Where a
    /// frame without a product is more similar than any product, the difference is subtracted.
    #[must_use]
    pub fn score(&self) -> f32 {
        self.product - (self.background - self.product).max(0.0)
    }
}

/// The largest cosine, less the mean cosine of its prototype's own photos; minus infinity without any.
#[must_use]
pub fn nearest(cosines: &[f32], own: &[f32]) -> f32 {
    let pairs = cosines.iter().zip(own);
    let first = pairs.fold((f32::NEG_INFINITY, 0.0), |best, (c, own)| if *c > best.0 { (*c, *own) } else { best });
    first.0 - first.1
}

/// Decides from the rejection score ([`Likeness::score`], or a classifier's largest confidence), from whether the frame is
/// more similar to one without a product, and from the first prediction's confidence. Products that the app does not know
/// are ignored.
#[must_use]
pub fn decide(rule: &manifest::Decision, score: f32, is_background: bool, confidence: f32) -> (Decision, Reason) {
    if is_background {
        (Decision::Unknown, Reason::NoProduct)
    } else if score < rule.rejection_threshold {
        (Decision::Unknown, Reason::FarFromProducts)
    } else if confidence < rule.match_confidence {
        (Decision::Unsure, Reason::LowConfidence)
    } else {
        (Decision::Match, Reason::Confident)
    }
}
