//! From probabilities and a rejection score to `match | unsure | unknown`.

use serde::{Deserialize, Serialize};

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

/// Decides from the rejection score (largest cosine to a product, or a classifier's largest confidence), the largest
/// cosine to a background prototype, and the first prediction's confidence. Products that the app does not know take no
/// part.
#[must_use]
pub fn decide(rule: &manifest::Decision, score: f32, background: f32, confidence: f32) -> (Decision, Reason) {
    if background > score {
        (Decision::Unknown, Reason::NoProduct)
    } else if score < rule.rejection_threshold {
        (Decision::Unknown, Reason::FarFromProducts)
    } else if confidence < rule.match_confidence {
        (Decision::Unsure, Reason::LowConfidence)
    } else {
        (Decision::Match, Reason::Confident)
    }
}
