//! What models answered to photos that they did not learn from, and how good those answers are.

use jicho::recognize::softmax;

use crate::learning::measure;

/// A model's answer to a photo that it did not learn from, with the truth.
#[derive(Debug, Clone)]
pub struct HeldOutAnswer {
    /// The photo's cosine to each class's prototype.
    pub cosines: Vec<f32>,
    /// The photo's true class.
    pub class: usize,
    /// The rejection score, [`jicho::recognize::Likeness::score`]; 0 from heads of attributes, which reject nothing.
    pub score: f32,
}

/// Answers that stand for photos of another visit to the shop. Held-out neighbours of the training photos are too easy to
/// calibrate by, so these come from models that learnt from some of each product's photos and were asked about the others,
/// which are cut off in the photos' order and by likeness. Each photo is asked as it is and varied. Photos
/// that the backbone was pretrained on are not asked.
#[derive(Debug, Default)]
pub struct OtherVisits {
    /// Answers to photos whose product the model had learnt. Answers of one group follow each other.
    pub known: Vec<HeldOutAnswer>,
    /// How many of `known` belong to each group: to one model, asked with photos as they are, or varied.
    pub groups: Vec<usize>,
    /// How many different photos were asked about.
    pub photos: usize,
    /// How many photos each class has.
    pub class_sizes: Vec<usize>,
    /// Rejection scores of photos whose product the model had not learnt.
    pub unknown_scores: Vec<f32>,
}

/// Index of the largest value; the first of equals.
pub fn best(values: &[f32]) -> usize {
    values.iter().enumerate().fold(0, |best, (i, v)| if *v > values[best] { i } else { best })
}

/// The share of answers whose largest cosine is that of the true class; none without answers.
pub fn accuracy(answers: &[HeldOutAnswer]) -> Option<f64> {
    let right = answers.iter().filter(|answer| best(&answer.cosines) == answer.class).count();
    (!answers.is_empty()).then(|| right as f64 / answers.len() as f64)
}

/// The mean negative logarithm of the probability that the answers give to the true class. `scale` multiplies the
/// cosines before the softmax.
pub fn log_loss(answers: &[HeldOutAnswer], scale: f32) -> f64 {
    let loss = |answer: &HeldOutAnswer| -f64::from(softmax(&answer.cosines, scale)[answer.class].max(1e-30)).ln();
    answers.iter().map(loss).sum::<f64>() / answers.len().max(1) as f64
}

/// Expected calibration error of the largest probability, 0–1; none without answers.
pub fn expected_calibration_error(answers: &[HeldOutAnswer], scale: f32) -> Option<f64> {
    let claims: Vec<(f32, bool)> = answers
        .iter()
        .map(|answer| {
            let probabilities = softmax(&answer.cosines, scale);
            let first = best(&probabilities);
            (probabilities[first], first == answer.class)
        })
        .collect();
    measure::expected_calibration_error(&claims, measure::BINS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_error_of_certain_and_right_is_small_and_of_wrong_is_large() {
        let answer = |class| HeldOutAnswer { cosines: vec![1.0, -1.0], class, score: 1.0 };
        assert!(expected_calibration_error(&[answer(0)], 10.0).unwrap() < 0.01);
        assert!(expected_calibration_error(&[answer(1)], 10.0).unwrap() > 0.9);
    }
}
