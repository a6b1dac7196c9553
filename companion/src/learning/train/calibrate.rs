//! Turning held-out answers into a temperature, an accuracy and a rejection threshold.

use jicho::recognize::softmax;

use super::learn::Visits;
use crate::learning::measure;
use crate::model::backbone::pretraining::Calibration;

/// The scale where nothing could be held out; about what shops of ten products end at.
pub const DEFAULT_SCALE: f32 = 15.0;
/// The rejection threshold where too little could be held out.
pub const DEFAULT_THRESHOLD: f32 = -0.5;
/// The share of photos of known products that the rejection threshold lets pass.
pub const TRUE_ACCEPT_RATE: f64 = 0.95;
/// Fewer held-out photos than this measure no rate.
pub const MEASURABLE_PHOTOS: usize = 20;

/// Cosines of a held-out photo to every class, and its true class.
#[derive(Debug, Clone)]
pub struct HeldOut {
    /// One a class.
    pub cosines: Vec<f32>,
    /// The right one.
    pub class: usize,
    /// How like a known product: [`jicho::recognize::Likeness::score`]; 0 where no product is asked for.
    pub score: f32,
}

/// The factor of the cosines before the softmax (1 ÷ temperature; Guo 2017) that makes the held-out answers most
/// likely. Targets are softened as Platt (1999) does, so that a few flawless photos do not claim certainty.
pub fn fit_scale(held_out: &[HeldOut]) -> f32 {
    let classes = held_out.first().map_or(0, |h| h.cosines.len());
    if classes < 2 {
        return DEFAULT_SCALE;
    }
    let soft = 1.0 / (held_out.len() as f64 + 2.0);
    let loss = |scale: f64| -> f64 {
        held_out
            .iter()
            .map(|h| {
                let top = h.cosines.iter().copied().fold(f32::MIN, f32::max);
                let logit = |c: f32| scale * f64::from(c - top);
                let log_sum = h.cosines.iter().map(|c| logit(*c).exp()).sum::<f64>().ln();
                let all: f64 = h.cosines.iter().map(|c| log_sum - logit(*c)).sum();
                let right = log_sum - logit(h.cosines[h.class]);
                (1.0 - soft) * right + soft * (all - right) / (classes - 1) as f64
            })
            .sum()
    };
    // The loss is convex in the scale, so unimodal in its logarithm: golden-section search.
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (1f64.ln(), 200f64.ln());
    for _ in 0..60 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if loss(a.exp()) < loss(b.exp()) { high = b } else { low = a }
    }
    f64::midpoint(low, high).exp() as f32
}

/// Mean of minus the logarithm of the probability that the answers give to the truth.
pub fn log_loss(held_out: &[HeldOut], scale: f32) -> f64 {
    let loss = |h: &HeldOut| -f64::from(softmax(&h.cosines, scale)[h.class].max(1e-30)).ln();
    held_out.iter().map(loss).sum::<f64>() / held_out.len().max(1) as f64
}

/// Share of held-out photos whose largest cosine is that of the right class.
pub fn accuracy(held_out: &[HeldOut]) -> Option<f64> {
    let right = held_out.iter().filter(|h| best(&h.cosines) == h.class).count();
    (!held_out.is_empty()).then(|| right as f64 / held_out.len() as f64)
}

/// Index of the largest value; the first of equals.
pub fn best(values: &[f32]) -> usize {
    values.iter().enumerate().fold(0, |best, (i, v)| if *v > values[best] { i } else { best })
}

/// The factor and the threshold by photos of other visits, or as `told` by the network's own file: what passes was then
/// not measured here.
pub fn calibrate(visits: &Visits, told: Option<Calibration>) -> (f32, Rejection) {
    match told {
        Some(told) => (told.scale, Rejection::of(told.rejection_threshold, &[], &visits.strangers)),
        None => (fit_scale(&visits.known), rejection(&visits.known, &visits.strangers)),
    }
}

/// A rejection threshold with what it was measured to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rejection {
    /// Answers with a smaller largest cosine are `unknown`.
    pub threshold: f32,
    /// Share of held-out photos that pass; none where too few were held out.
    pub true_accept_rate: Option<f64>,
    /// Share of photos of left-out products that pass; none where no product could be left out.
    pub false_accept_rate: Option<f64>,
}

impl Rejection {
    /// What passes a threshold of these scores; [`MEASURABLE_PHOTOS`] known ones at least tell a rate.
    fn of(threshold: f32, known: &[f32], strangers: &[f32]) -> Rejection {
        let passing = |scores: &[f32]| scores.iter().filter(|s| **s >= threshold).count() as f64 / scores.len() as f64;
        Rejection {
            threshold,
            true_accept_rate: (known.len() >= MEASURABLE_PHOTOS).then(|| passing(known)),
            false_accept_rate: (!strangers.is_empty()).then(|| passing(strangers)),
        }
    }
}

/// Chooses the threshold that [`TRUE_ACCEPT_RATE`] of the held-out photos pass, and tells how many photos of products
/// that took no part (`strangers`: their rejection scores) pass it too.
pub fn rejection(held_out: &[HeldOut], strangers: &[f32]) -> Rejection {
    let mut known: Vec<f32> = held_out.iter().map(|h| h.score).collect();
    known.sort_by(f32::total_cmp);
    let rank = ((1.0 - TRUE_ACCEPT_RATE) * known.len() as f64) as usize;
    // Just below, so that the photo itself passes when its cosine is computed a rounding away.
    let threshold = if known.len() >= MEASURABLE_PHOTOS { known[rank] - 1e-4 } else { DEFAULT_THRESHOLD };
    Rejection::of(threshold, &known, strangers)
}

/// Expected calibration error, 0–1; none without answers.
pub fn expected_calibration_error(held_out: &[HeldOut], scale: f32) -> Option<f64> {
    let claims: Vec<(f32, bool)> = held_out
        .iter()
        .map(|h| {
            let probabilities = softmax(&h.cosines, scale);
            let first = best(&probabilities);
            (probabilities[first], first == h.class)
        })
        .collect();
    measure::expected_calibration_error(&claims, measure::BINS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_out(cosines: &[f32], class: usize) -> HeldOut {
        HeldOut { cosines: cosines.to_vec(), class, score: cosines[0] }
    }

    #[test]
    fn flawless_photos_get_a_larger_scale_than_doubtful_ones() {
        let good: Vec<_> = (0..50).map(|i| held_out(&[if i % 2 == 0 { 0.9 } else { 0.1 }, 0.5], i % 2)).collect();
        let bad: Vec<_> = (0..50).map(|i| held_out(&[if i % 3 == 0 { 0.9 } else { 0.1 }, 0.5], i % 2)).collect();
        assert!(fit_scale(&good) > 3.0 * fit_scale(&bad));
        assert!(fit_scale(&good) < 60.0, "fifty photos are no proof of certainty");
        assert_eq!(fit_scale(&[]), DEFAULT_SCALE);
    }

    #[test]
    fn the_stated_share_of_the_known_passes() {
        let known: Vec<_> = (0..200).map(|i| held_out(&[-0.2 + i as f32 / 1000.0], 0)).collect();
        let strangers: Vec<f32> = (0..100).map(|i| -0.6 + i as f32 / 100.0).collect();
        let rejection = rejection(&known, &strangers);
        assert!((rejection.threshold + 0.19).abs() < 1e-3, "{rejection:?}");
        assert_eq!((rejection.true_accept_rate, rejection.false_accept_rate), (Some(0.95), Some(0.59)));
    }

    #[test]
    fn a_few_near_duplicates_set_no_threshold() {
        let few = rejection(&[held_out(&[0.0], 0)], &[]);
        assert_eq!(few, Rejection { threshold: DEFAULT_THRESHOLD, true_accept_rate: None, false_accept_rate: None });
    }

    #[test]
    fn calibration_error_of_certain_and_right_is_small_and_of_wrong_is_large() {
        assert!(expected_calibration_error(&[held_out(&[1.0, -1.0], 0)], 10.0).unwrap() < 0.01);
        assert!(expected_calibration_error(&[held_out(&[1.0, -1.0], 1)], 10.0).unwrap() > 0.9);
    }
}
