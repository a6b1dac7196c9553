//! From answers to photos that were not learnt from: the softmax's scale, and when an answer is a match or unknown.

use jicho::manifest::Decision;
use jicho::recognize::softmax;
use serde::Serialize;

use super::answers::{HeldOutAnswer, OtherVisits, best};
use super::promise::{self, Claim};
use crate::learning::measure::wilson;
use crate::model::backbone::pretraining::Calibration;

/// The scale when nothing could be held out; shops of ten products end at about this value.
pub const DEFAULT_SCALE: f32 = 15.0;
/// The rejection threshold when too few photos could be held out.
pub const DEFAULT_THRESHOLD: f32 = -0.5;
/// The share of photos of known products that are like enough to be a match.
pub const TRUE_ACCEPT_RATE: f64 = 0.95;
/// How much farther than the least like of them a photo must be to be unknown, measured from the median. Photos of another
/// session are less like than any that were held out.
const UNKNOWN_DISTANCE: f32 = 1.5;
/// Products of fewer photos cannot be cut into parts that stand for visits: where half of the products have fewer, no
/// promise is measured.
const PROMISING_PHOTOS: usize = 8;
/// An answer that is more likely right than wrong is not unknown for its rejection score.
pub const UNKNOWN_CONFIDENCE: f32 = 0.5;
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

/// What a trial says of a channel's answers.
pub struct Calibrated {
    /// Factor of the cosines before the softmax.
    pub scale: f32,
    /// When an answer is a match.
    pub decision: Decision,
    /// What to expect of photos of another day; none where nothing was measured.
    pub expected: Option<Expected>,
}

/// The share of right first answers to expect of photos of another day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Expected {
    /// The mean of the calibrated confidences, 0–1.
    pub share: f64,
    /// The lower end of the interval: that of the models and photos that did worst.
    pub low: f64,
    /// Its upper end: that of those that did best.
    pub high: f64,
    /// Number of different photos.
    pub photos: usize,
}

/// Calibrates on photos of other visits; or takes the scale and the threshold `stored` in the backbone's own file, in
/// which case nothing is measured. `precision` is the share of matches that should be right.
pub fn calibrate(visits: &OtherVisits, stored: Option<Calibration>, precision: f32) -> Calibrated {
    let (scale, rejection, match_score) = match stored {
        Some(Calibration { scale, rejection_threshold }) => {
            let rejection = Rejection::at_threshold(rejection_threshold, &[], &visits.unknown_scores);
            (scale, rejection, Some(rejection_threshold))
        }
        None => {
            let known: Vec<f32> = visits.known.iter().map(|answer| answer.score).collect();
            let strict = fit_rejection(&visits.known, &visits.unknown_scores);
            let is_measured = visits.photos >= MEASURABLE_PHOTOS;
            let threshold = if is_measured { unknown_threshold(&known, strict.threshold) } else { DEFAULT_THRESHOLD };
            let known: &[f32] = if is_measured { &known } else { &[] };
            let rejection = Rejection::at_threshold(threshold, known, &visits.unknown_scores);
            (visits_scale(visits), rejection, is_measured.then_some(strict.threshold))
        }
    };
    let claims: Vec<Claim> = if stored.is_some() { Vec::new() } else { claims(&visits.known, scale) };
    let measured: &[Claim] = if visits.photos >= MEASURABLE_PHOTOS { &claims } else { &[] };
    let mut sizes = visits.class_sizes.clone();
    sizes.sort_unstable();
    let is_promising = sizes.get(sizes.len() / 2).is_some_and(|usual| *usual >= PROMISING_PHOTOS);
    let promising: &[Claim] = if is_promising { measured } else { &[] };
    let mut decision = Decision {
        rejection_threshold: rejection.threshold,
        true_accept_rate: rejection.true_accept_rate,
        false_accept_rate: rejection.false_accept_rate,
        match_confidence: precision,
        match_precision: Some(precision),
        match_score,
        unknown_confidence: Some(UNKNOWN_CONFIDENCE),
        promises: promise::promises(promising, visits.photos, match_score, precision),
        second_look: None,
    };
    decision.match_confidence = decision.match_confidence_for(Some(precision));
    Calibrated { scale, decision, expected: expected(measured, visits) }
}

/// What is claimed of each photo, and whether it is right.
fn claims(answers: &[HeldOutAnswer], scale: f32) -> Vec<Claim> {
    let claim = |answer: &HeldOutAnswer| {
        let probabilities = softmax(&answer.cosines, scale);
        let first = best(&probabilities);
        Claim { confidence: probabilities[first], score: answer.score, right: first == answer.class }
    };
    answers.iter().map(claim).collect()
}

fn expected(claims: &[Claim], visits: &OtherVisits) -> Option<Expected> {
    if claims.is_empty() || visits.class_sizes.len() < 2 {
        return None;
    }
    let share = claims.iter().map(|claim| f64::from(claim.confidence)).sum::<f64>() / claims.len() as f64;
    let (mut low, mut high, mut rest) = (share, share, claims);
    for group in &visits.groups {
        let (answers, others) = rest.split_at((*group).min(rest.len()));
        rest = others;
        let right = answers.iter().filter(|claim| claim.right).count();
        if let Some([least, most]) = wilson(right, answers.len()) {
            (low, high) = (low.min(least), high.max(most));
        }
    }
    Some(Expected { share, low, high, photos: visits.photos })
}

/// The threshold below which a photo is unknown, from the scores of known products and the `strict` one that
/// [`TRUE_ACCEPT_RATE`] of them pass.
fn unknown_threshold(known: &[f32], strict: f32) -> f32 {
    let mut sorted = known.to_vec();
    sorted.sort_by(f32::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(strict);
    median - UNKNOWN_DISTANCE * (median - strict).max(0.0)
}

/// The scale for the answers of a trial. Beyond what [`fit_scale`] softens, a product of n photos is taken to have shown
/// half of 1 / (n + 2)² too little of itself: five photos of one visit say less of the next than their number does.
fn visits_scale(visits: &OtherVisits) -> f32 {
    let usual = 1.0 / (visits.known.len() as f64 + 2.0);
    fit_softened(&visits.known, |answer| {
        let photos = visits.class_sizes.get(answer.class).copied().unwrap_or(0) as f64;
        usual.max(0.5 / ((photos + 2.0) * (photos + 2.0)))
    })
}

/// The factor of the cosines before the softmax (1 ÷ temperature; Guo 2017) that makes the true classes most likely.
/// Targets are softened as Platt (1999) does, so that a few flawless answers do not claim certainty.
pub fn fit_scale(answers: &[HeldOutAnswer]) -> f32 {
    let soft = 1.0 / (answers.len() as f64 + 2.0);
    fit_softened(answers, |_| soft)
}

/// As [`fit_scale`]; `soft` is the probability of an answer that is given to all other classes together.
fn fit_softened(answers: &[HeldOutAnswer], soft: impl Fn(&HeldOutAnswer) -> f64) -> f32 {
    let classes = answers.first().map_or(0, |answer| answer.cosines.len());
    if classes < 2 {
        return DEFAULT_SCALE;
    }
    let loss = |scale: f64| -> f64 {
        answers
            .iter()
            .map(|answer| {
                let top = answer.cosines.iter().copied().fold(f32::MIN, f32::max);
                let logit = |c: f32| scale * f64::from(c - top);
                let log_sum = answer.cosines.iter().map(|c| logit(*c).exp()).sum::<f64>().ln();
                let all: f64 = answer.cosines.iter().map(|c| log_sum - logit(*c)).sum();
                let right = log_sum - logit(answer.cosines[answer.class]);
                let soft = soft(answer);
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

    /// Visits of `classes` products of `each` photos, nearly all of them told right and far from the others.
    fn visits(classes: usize, each: usize) -> OtherVisits {
        let known: Vec<HeldOutAnswer> = (0..4 * classes * each)
            .map(|i| {
                let class = i % classes;
                let mut cosines = vec![0.1; classes];
                cosines[if i % 61 == 60 { (class + 1) % classes } else { class }] =
                    if i % 61 == 60 { 0.2 } else { 0.8 };
                HeldOutAnswer { cosines, class, score: -0.1 - (i % 100) as f32 / 1000.0 }
            })
            .collect();
        let groups = vec![known.len() / 2; 2];
        let class_sizes = vec![each; classes];
        OtherVisits { known, groups, photos: classes * each, class_sizes, unknown_scores: vec![-0.6; 30] }
    }

    #[test]
    fn few_photos_a_product_claim_less_than_many() {
        let scale = |each| calibrate(&visits(10, each), None, 0.97).scale;
        assert!(scale(4) < scale(12) && scale(12) < scale(40), "{} {} {}", scale(4), scale(12), scale(40));
    }

    #[test]
    fn a_shop_with_many_photos_a_product_gets_matches() {
        let Calibrated { decision, expected, .. } = calibrate(&visits(25, 138), None, 0.97);
        let own = decision.promises.iter().find(|promise| promise.precision == 0.97).unwrap();
        assert_eq!(decision.match_confidence, own.confidence);
        assert!(own.coverage.unwrap() > 0.8, "{own:?}");
        let Expected { share, low, high, photos } = expected.unwrap();
        assert!(low <= share && share <= high && share > 0.9 && photos == 25 * 138);
    }

    #[test]
    fn unknown_takes_more_than_missing_a_match() {
        let Calibrated { decision, .. } = calibrate(&visits(10, 20), None, 0.97);
        assert!(decision.rejection_threshold < decision.match_score.unwrap());
        assert_eq!((decision.true_accept_rate, decision.false_accept_rate), (Some(1.0), Some(0.0)));
    }

    #[test]
    fn what_nobody_measured_is_claimed() {
        let stored = Calibration { scale: 14.0, rejection_threshold: -0.25 };
        let Calibrated { scale, decision, expected } = calibrate(&OtherVisits::default(), Some(stored), 0.97);
        assert_eq!((scale, decision.rejection_threshold, decision.match_score), (14.0, -0.25, Some(-0.25)));
        assert_eq!((decision.match_confidence, expected), (0.97, None));
        assert!(decision.promises.iter().all(|promise| promise.coverage.is_none()));
    }
}
