//! What of an answer is counted.

use jicho::Recognition;
use jicho::recognize::Decision;
use serde::Serialize;

use crate::learning::measure::Truth;

/// What became of one photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Whether it shows one of the channel's products.
    pub is_known: bool,
    /// Whether what it shows was told at all.
    pub is_told: bool,
    /// Whether the first answer is right.
    pub is_right: bool,
    /// Whether one of the first three is.
    pub is_among_three: bool,
    /// What was decided.
    pub decision: Decision,
    /// The first answer's probability, 0–1.
    pub confidence: f32,
    /// The rejection score.
    pub score: f32,
}

impl Outcome {
    /// Of the answer to a photo of `label`, which is `truth` among the channel's labels.
    pub fn of(answer: &Recognition, label: Option<&str>, truth: Truth) -> Self {
        let is_right = |prediction: &jicho::recognize::Prediction| Some(prediction.label.as_str()) == label;
        Outcome {
            is_known: matches!(truth, Truth::Label(_)) && !answer.predictions.is_empty(),
            is_told: label.is_some(),
            is_right: answer.predictions.first().is_some_and(is_right),
            is_among_three: answer.predictions.iter().take(3).any(is_right),
            decision: answer.decision,
            confidence: answer.predictions.first().map_or(0.0, |prediction| prediction.confidence),
            score: answer.rejection_score,
        }
    }
}

/// What of many answers matters at a till. Shares are 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The share of right answers among the matches of photos with a known product; null without such matches.
    pub match_precision: Option<f64>,
    /// The share of photos of known products that are a match; null without such photos.
    pub match_coverage: Option<f64>,
    /// The share of them that are called unknown; null without such photos.
    pub called_unknown: Option<f64>,
    /// The share of them whose product is among the first three answers; null without such photos.
    pub top3: Option<f64>,
    /// The mean of the first confidence over them, which equals top-1 where confidences are honest; null without such photos.
    pub mean_confidence: Option<f64>,
}

impl Summary {
    /// Of all photos.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let known: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.is_known).collect();
        let mean = |value: &dyn Fn(&Outcome) -> f64| {
            (!known.is_empty()).then(|| known.iter().map(|outcome| value(outcome)).sum::<f64>() / known.len() as f64)
        };
        let share = |wanted: &dyn Fn(&Outcome) -> bool| mean(&|outcome| f64::from(u8::from(wanted(outcome))));
        let matches = outcomes.iter().filter(|outcome| outcome.is_told && outcome.decision == Decision::Match);
        let right = matches.clone().filter(|outcome| outcome.is_right).count();
        let matches = matches.count();
        Summary {
            match_precision: (matches > 0).then(|| right as f64 / matches as f64),
            match_coverage: share(&|outcome| outcome.decision == Decision::Match),
            called_unknown: share(&|outcome| outcome.decision == Decision::Unknown),
            top3: share(&|outcome| outcome.is_among_three),
            mean_confidence: mean(&|outcome| f64::from(outcome.confidence)),
        }
    }
}

/// The share of right first answers among all photos of which it is told what they show; none without such photos.
pub fn top1(outcomes: &[Outcome]) -> Option<f64> {
    let told = outcomes.iter().filter(|outcome| outcome.is_told);
    let right = told.clone().filter(|outcome| outcome.is_right).count();
    let told = told.count();
    (told > 0).then(|| right as f64 / told as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_photos_that_they_speak_of() {
        let outcome = |is_known, is_right, decision, confidence| Outcome {
            is_known,
            is_told: true,
            is_right,
            is_among_three: is_right,
            decision,
            confidence,
            score: 0.0,
        };
        let outcomes = [
            outcome(true, true, Decision::Match, 0.9),
            outcome(true, false, Decision::Match, 0.7),
            outcome(true, false, Decision::Unknown, 0.1),
            outcome(true, true, Decision::Unsure, 0.3),
            // Of a product that the channel does not have.
            outcome(false, false, Decision::Match, 0.8),
        ];
        let summary = Summary::of(&outcomes);
        assert_eq!(summary.match_precision, Some(1.0 / 3.0));
        assert_eq!((summary.match_coverage, summary.called_unknown, summary.top3), (Some(0.5), Some(0.25), Some(0.5)));
        assert!((summary.mean_confidence.unwrap() - 0.5).abs() < 1e-6);
        assert_eq!(top1(&outcomes), Some(0.4));
        assert_eq!((top1(&[]), Summary::of(&[]).match_coverage), (None, None));
    }
}
