//! Calibration: whether answers are right as often as their confidence claims.

use serde::Serialize;

/// Number of bins of the calibration error (Guo 2017, "On calibration of modern neural networks").
pub const BINS: usize = 15;

/// Answers of similar confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Number of answers.
    pub images: usize,
    /// Their mean confidence, 0–1; 0 without answers.
    pub confidence: f64,
    /// The share of right answers, 0–1; 0 without answers.
    pub accuracy: f64,
}

/// `bins` bins of equal width over the confidences. An answer is its confidence, 0–1, and whether it is right.
pub fn reliability(answers: &[(f32, bool)], bins: usize) -> Vec<Bin> {
    let mut found = vec![Bin::default(); bins];
    for (confidence, right) in answers {
        let bin = &mut found[((f64::from(*confidence) * bins as f64) as usize).min(bins - 1)];
        bin.images += 1;
        bin.confidence += f64::from(*confidence);
        bin.accuracy += f64::from(u8::from(*right));
    }
    for bin in found.iter_mut().filter(|bin| bin.images > 0) {
        bin.confidence /= bin.images as f64;
        bin.accuracy /= bin.images as f64;
    }
    found
}

/// Expected calibration error, 0–1: the mean gap between confidence and accuracy of the bins, weighted by their number of
/// answers. None without answers.
pub fn expected_calibration_error(answers: &[(f32, bool)], bins: usize) -> Option<f64> {
    let gap = |bin: &Bin| bin.images as f64 * (bin.confidence - bin.accuracy).abs();
    let gaps: f64 = reliability(answers, bins).iter().map(gap).sum();
    (!answers.is_empty()).then(|| gaps / answers.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_mean_gap() {
        // Bins of 0.25: (0.3, 0.4): one of two right, mean 0.35, gap 0.15. (0.9): wrong, gap 0.9. (1.0): right, with 0.9 in one bin.
        let answers = [(0.3, true), (0.4, false), (0.9, false), (1.0, true)];
        let bins = reliability(&answers, 4);
        assert_eq!(bins.iter().map(|b| b.images).collect::<Vec<_>>(), [0, 2, 0, 2]);
        assert!((bins[1].confidence - 0.35).abs() < 1e-6 && bins[1].accuracy == 0.5);
        assert!((bins[3].confidence - 0.95).abs() < 1e-6 && bins[3].accuracy == 0.5);
        let error = expected_calibration_error(&answers, 4).unwrap();
        assert!((error - (2.0 * 0.15 + 2.0 * 0.45) / 4.0).abs() < 1e-6, "{error}");
        assert_eq!(expected_calibration_error(&[], BINS), None);
        assert_eq!(expected_calibration_error(&[(1.0, true), (0.0, false)], BINS), Some(0.0));
        assert_eq!(expected_calibration_error(&[(1.0, false)], BINS), Some(1.0));
    }
}
