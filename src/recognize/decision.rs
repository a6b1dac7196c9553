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
/// `far-from-products`: unlike every product, or not like enough for a match. `no-product`: more like a frame without a product. `no-labels`: the channel
/// has attributes only. `not-known`: the app knows none of the channel's products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The confidence suffices.
    Confident,
    /// Two or more products are about as likely.
    LowConfidence,
    /// Unlike every product, or not like enough for a match.
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
/// are ignored. `precision` is the share of matches that the app asks to be right; `None` leaves it to the release.
#[must_use]
pub fn decide(
    rule: &manifest::Decision,
    score: f32,
    is_background: bool,
    confidence: f32,
    precision: Option<f32>,
) -> (Decision, Reason) {
    let is_likely = rule.unknown_confidence.is_some_and(|enough| confidence >= enough);
    if is_background {
        (Decision::Unknown, Reason::NoProduct)
    } else if score < rule.rejection_threshold && !is_likely {
        (Decision::Unknown, Reason::FarFromProducts)
    } else if confidence < rule.match_confidence_for(precision) {
        (Decision::Unsure, Reason::LowConfidence)
    } else if rule.match_score.is_some_and(|least| score < least) {
        (Decision::Unsure, Reason::FarFromProducts)
    } else {
        (Decision::Match, Reason::Confident)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Promise;

    fn rule() -> manifest::Decision {
        let promise = |precision, confidence| Promise { precision, confidence, coverage: None, interval: None };
        manifest::Decision {
            rejection_threshold: -0.4,
            true_accept_rate: None,
            false_accept_rate: None,
            match_confidence: 0.8,
            match_precision: None,
            match_score: Some(-0.2),
            unknown_confidence: Some(0.5),
            second_look: None,
            promises: vec![promise(0.9, 0.6), promise(0.97, 0.8)],
        }
    }

    #[test]
    fn a_match_takes_confidence_and_likeness() {
        let decided = |score, confidence| decide(&rule(), score, false, confidence, None);
        assert_eq!(decided(0.0, 0.8), (Decision::Match, Reason::Confident));
        assert_eq!(decided(0.0, 0.79), (Decision::Unsure, Reason::LowConfidence));
        assert_eq!(decided(-0.3, 0.9), (Decision::Unsure, Reason::FarFromProducts));
        assert_eq!(decided(-0.5, 0.9), (Decision::Unsure, Reason::FarFromProducts), "too likely to be unknown");
        assert_eq!(decided(-0.5, 0.4), (Decision::Unknown, Reason::FarFromProducts));
        assert_eq!(decide(&rule(), 0.0, true, 0.9, None), (Decision::Unknown, Reason::NoProduct));
    }

    #[test]
    fn an_app_may_ask_for_another_promise() {
        let least = |precision| rule().match_confidence_for(precision);
        assert_eq!([least(None), least(Some(0.9)), least(Some(0.95)), least(Some(0.97))], [0.8, 0.6, 0.8, 0.8]);
        assert_eq!(least(Some(0.99)), 0.99, "what nobody measured must be claimed");
        let decided = |precision| decide(&rule(), 0.0, false, 0.7, precision).0;
        assert_eq!(
            [decided(None), decided(Some(0.9)), decided(Some(0.99))],
            [Decision::Unsure, Decision::Match, Decision::Unsure]
        );
    }

    #[test]
    fn an_older_release_decides_as_it_did() {
        let rule = manifest::Decision { match_score: None, unknown_confidence: None, promises: Vec::new(), ..rule() };
        let decided = |score, confidence| decide(&rule, score, false, confidence, None).0;
        assert_eq!(
            [decided(-0.3, 0.9), decided(-0.5, 0.9), decided(0.0, 0.7)],
            [Decision::Match, Decision::Unknown, Decision::Unsure]
        );
        assert_eq!(decide(&rule, 0.0, false, 0.96, Some(0.97)).0, Decision::Unsure);
    }
}
