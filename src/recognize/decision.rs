//! From probabilities and a rejection score to `match | unsure | unknown`.

use serde::{Deserialize, Serialize};

use super::Prototypes;
use crate::manifest;

/// What an app should do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// How like the known products a point is, and how like a frame without any. Each is the largest cosine less what the
/// prototype's own photos have on average, so that prototypes of tight and of wide classes compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// To the nearest product that takes part.
    pub product: f32,
    /// To the nearest kind of frame without a product; minus infinity without any.
    pub background: f32,
}

impl Likeness {
    /// Of a point whose cosines to the products of `head` are known; `takes_part` tells which of them count.
    #[must_use]
    pub fn of(
        head: &Prototypes,
        cosines: &[f32],
        takes_part: &[bool],
        background: &Prototypes,
        point: &[f32],
    ) -> Likeness {
        let nearest = |pairs: &mut dyn Iterator<Item = (f32, f32)>| {
            let nearest = pairs.fold((f32::NEG_INFINITY, 0.0), |best, pair| if pair.0 > best.0 { pair } else { best });
            nearest.0 - nearest.1
        };
        let pairs = cosines.iter().copied().zip(head.own().iter().copied());
        let product = nearest(&mut pairs.zip(takes_part).filter(|(_, part)| **part).map(|(pair, _)| pair));
        let background = nearest(&mut background.cosines(point).into_iter().zip(background.own().iter().copied()));
        Likeness { product, background }
    }

    /// Whether it is more like a frame without a product.
    #[must_use]
    pub fn is_background(&self) -> bool {
        self.background > self.product
    }

    /// The rejection score: larger is more like a known product, about 0 for a product's own photos. What a frame is
    /// more like a frame without a product than like a product counts against it.
    #[must_use]
    pub fn score(&self) -> f32 {
        self.product - (self.background - self.product).max(0.0)
    }
}

/// Decides from the rejection score ([`Likeness::score`], or a classifier's largest confidence), whether the frame is
/// more like one without a product, and the first prediction's confidence. Products that the app does not know take no
/// part.
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
