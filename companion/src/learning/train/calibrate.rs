//! From answers to photos that were not learnt from: the softmax's scale and the rejection threshold.

use super::answers::{HeldOutAnswer, OtherVisits};
use crate::model::backbone::pretraining::Calibration;

/// The scale when nothing could be held out; shops of ten products end at about this value.
pub const DEFAULT_SCALE: f32 = 15.0;
/// The rejection threshold when too few photos could be held out.
pub const DEFAULT_THRESHOLD: f32 = -0.5;
/// The share of photos of known products that the rejection threshold accepts.
pub const TRUE_ACCEPT_RATE: f64 = 0.95;
/// With fewer held-out photos than this, no rate is measured and no threshold is fitted.
pub const MEASURABLE_PHOTOS: usize = 20;

/// A rejection threshold, with what it was measured to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rejection {
    /// Answers with a smaller rejection score are `unknown`. The score is how much nearer a photo is to its best product
    /// than that product's own photos are on average, reduced when a frame without a product is nearer still
    /// ([`jicho::recognize::Likeness::score`]); about 0 for photos of known products.
    pub threshold: f32,
    /// The share of photos of known products that is accepted; none when too few were held out.
    pub true_accept_rate: Option<f64>,
    /// The share of photos of products not learnt that is accepted; none when no product could be left out.
    pub false_accept_rate: Option<f64>,
}

/// The scale and the rejection: measured on photos of other visits; or those `stored` in the backbone's own file, in which
/// case the share of known photos that is accepted is not measured.
pub fn calibrate(visits: &OtherVisits, stored: Option<Calibration>) -> (f32, Rejection) {
    match stored {
        Some(stored) => {
            (stored.scale, Rejection::at_threshold(stored.rejection_threshold, &[], &visits.unknown_scores))
        }
        None => (fit_scale(&visits.known), fit_rejection(&visits.known, &visits.unknown_scores)),
    }
}

/// The factor of the cosines before the softmax (1 ÷ temperature; Guo 2017) that makes the true classes most likely.
/// Targets are softened as Platt (1999) does, so that a few flawless answers do not claim certainty.
pub fn fit_scale(answers: &[HeldOutAnswer]) -> f32 {
    let classes = answers.first().map_or(0, |answer| answer.cosines.len());
    if classes < 2 {
        return DEFAULT_SCALE;
    }
    let soft = 1.0 / (answers.len() as f64 + 2.0);
    let loss = |scale: f64| -> f64 {
        answers
            .iter()
            .map(|answer| {
                let top = answer.cosines.iter().copied().fold(f32::MIN, f32::max);
                let logit = |c: f32| scale * f64::from(c - top);
                let log_sum = answer.cosines.iter().map(|c| logit(*c).exp()).sum::<f64>().ln();
                let all: f64 = answer.cosines.iter().map(|c| log_sum - logit(*c)).sum();
                let right = log_sum - logit(answer.cosines[answer.class]);
                (1.0 - soft) * right + soft * (all - right) / (classes - 1) as f64
            })
            .sum()
    };
    // The loss is convex in the scale, hence unimodal in its logarithm: golden-section search finds the minimum.
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (1f64.ln(), 200f64.ln());
    for _ in 0..60 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if loss(a.exp()) < loss(b.exp()) { high = b } else { low = a }
    }
    f64::midpoint(low, high).exp() as f32
}

/// The threshold that accepts [`TRUE_ACCEPT_RATE`] of the answers about known products, and the share of
/// `unknown_scores` (rejection scores of photos of products that were not learnt) that it accepts too.
pub fn fit_rejection(answers: &[HeldOutAnswer], unknown_scores: &[f32]) -> Rejection {
    let mut known: Vec<f32> = answers.iter().map(|answer| answer.score).collect();
    known.sort_by(f32::total_cmp);
    let rank = ((1.0 - TRUE_ACCEPT_RATE) * known.len() as f64) as usize;
    // Slightly below the score, so that the photo itself is accepted when another build rounds its score differently.
    let threshold = if known.len() >= MEASURABLE_PHOTOS { known[rank] - 1e-4 } else { DEFAULT_THRESHOLD };
    Rejection::at_threshold(threshold, &known, unknown_scores)
}

impl Rejection {
    /// What a threshold does to these scores. A true accept rate takes at least [`MEASURABLE_PHOTOS`] known ones.
    fn at_threshold(threshold: f32, known: &[f32], unknown: &[f32]) -> Rejection {
        let accepted = |scores: &[f32]| scores.iter().filter(|s| **s >= threshold).count() as f64 / scores.len() as f64;
        Rejection {
            threshold,
            true_accept_rate: (known.len() >= MEASURABLE_PHOTOS).then(|| accepted(known)),
            false_accept_rate: (!unknown.is_empty()).then(|| accepted(unknown)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(cosines: &[f32], class: usize) -> HeldOutAnswer {
        HeldOutAnswer { cosines: cosines.to_vec(), class, score: cosines[0] }
    }

    #[test]
    fn flawless_answers_get_a_larger_scale_than_doubtful_ones() {
        let good: Vec<_> = (0..50).map(|i| answer(&[if i % 2 == 0 { 0.9 } else { 0.1 }, 0.5], i % 2)).collect();
        let bad: Vec<_> = (0..50).map(|i| answer(&[if i % 3 == 0 { 0.9 } else { 0.1 }, 0.5], i % 2)).collect();
        assert!(fit_scale(&good) > 3.0 * fit_scale(&bad));
        assert!(fit_scale(&good) < 60.0, "fifty photos are no proof of certainty");
        assert_eq!(fit_scale(&[]), DEFAULT_SCALE);
    }

    #[test]
    fn the_stated_share_of_known_photos_is_accepted() {
        let known: Vec<_> = (0..200).map(|i| answer(&[-0.2 + i as f32 / 1000.0], 0)).collect();
        let unknown: Vec<f32> = (0..100).map(|i| -0.6 + i as f32 / 100.0).collect();
        let rejection = fit_rejection(&known, &unknown);
        assert!((rejection.threshold + 0.19).abs() < 1e-3, "{rejection:?}");
        assert_eq!((rejection.true_accept_rate, rejection.false_accept_rate), (Some(0.95), Some(0.59)));
    }

    #[test]
    fn too_few_photos_set_no_threshold() {
        let few = fit_rejection(&[answer(&[0.0], 0)], &[]);
        assert_eq!(few, Rejection { threshold: DEFAULT_THRESHOLD, true_accept_rate: None, false_accept_rate: None });
    }
}
