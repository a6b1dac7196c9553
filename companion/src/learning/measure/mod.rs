//! Measures of a set of answers: top-1, top-5, precision and recall per product, the confusion matrix, calibration,
//! rejection, confidence intervals, and photos as another camera might have taken them.

mod calibration;
mod interval;
mod rejection;
pub mod shift;

use serde::Serialize;

pub use calibration::{BINS, Bin, expected_calibration_error, reliability};
pub use interval::wilson;
pub use rejection::{Point, auroc, false_accepts_at, roc};

/// The answer to one photo.
pub struct Answer {
    /// What the photo shows.
    pub truth: Truth,
    /// Indices of labels, the most likely first.
    pub ranking: Vec<usize>,
}

impl Answer {
    /// The answer with one probability per label.
    pub fn ranked(truth: usize, probabilities: &[f32]) -> Self {
        let mut ranking: Vec<usize> = (0..probabilities.len()).collect();
        ranking.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]).then(a.cmp(&b)));
        Answer { truth: Truth::Label(truth), ranking }
    }
}

/// What a photo truly shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// One of the channel's labels.
    Label(usize),
    /// A product that the channel does not have, so that no answer can be right.
    Foreign,
    /// Not known: the answer is not counted.
    Untold,
}

/// Measures over all answers.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measures {
    /// Number of answered photos.
    pub images: usize,
    /// The share of photos with a known product whose first label is right, 0–1, regardless of the decision; null without
    /// such photos.
    pub top1: Option<f64>,
    /// The share of the same photos with the right label among the first five; null without such photos.
    pub top5: Option<f64>,
    /// One entry per label that has photos or was an answer.
    pub products: Vec<Product>,
    /// The labels of the confusion matrix's columns and of its first rows.
    pub labels: Vec<String>,
    /// `confusion[truth][answer]` counts photos. If there are photos of products that the channel does not have, a last row
    /// counts them.
    pub confusion: Vec<Vec<usize>>,
}

/// Measures of one product.
#[derive(Debug, Clone, Serialize)]
pub struct Product {
    /// The product's id.
    pub label: String,
    /// Number of photos that show it.
    pub images: usize,
    /// The share of photos answered with it that show it; null without such answers.
    pub precision: Option<f64>,
    /// The share of photos that show it that are answered with it; null without such photos.
    pub recall: Option<f64>,
}

impl Measures {
    /// The measures of `answers`, whose indices refer to `labels`.
    pub fn of(labels: &[String], answers: impl Iterator<Item = Answer>) -> Self {
        let count = labels.len();
        let mut confusion = vec![vec![0usize; count]; count + 1];
        let (mut images, mut judged, mut first, mut five) = (0usize, 0usize, 0usize, 0usize);
        for answer in answers {
            images += 1;
            let row = match answer.truth {
                Truth::Label(label) => label,
                Truth::Foreign => count,
                Truth::Untold => continue,
            };
            judged += 1;
            if let Some(&top) = answer.ranking.first() {
                confusion[row][top] += 1;
            }
            if let Truth::Label(truth) = answer.truth {
                first += usize::from(answer.ranking.first() == Some(&truth));
                five += usize::from(answer.ranking.iter().take(5).any(|l| *l == truth));
            }
        }
        let share = |n: usize, of: usize| (of > 0).then(|| n as f64 / of as f64);
        let products = (0..count)
            .map(|k| {
                let shown: usize = confusion[k].iter().sum();
                let answered: usize = confusion.iter().map(|row| row[k]).sum();
                Product {
                    label: labels[k].clone(),
                    images: shown,
                    precision: share(confusion[k][k], answered),
                    recall: share(confusion[k][k], shown),
                }
            })
            .filter(|p| p.images > 0 || p.precision.is_some())
            .collect();
        if confusion[count].iter().all(|n| *n == 0) {
            confusion.pop();
        }
        let (top1, top5) = (share(first, judged), share(five, judged));
        Measures { images, top1, top5, products, labels: labels.to_vec(), confusion }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shares() {
        let labels = ["a".to_owned(), "b".to_owned()];
        let answers = [
            Answer::ranked(0, &[0.9, 0.1]),
            Answer::ranked(0, &[0.2, 0.8]),
            Answer::ranked(1, &[0.3, 0.7]),
            Answer { truth: Truth::Foreign, ranking: vec![1, 0] },
            Answer { truth: Truth::Untold, ranking: vec![1, 0] },
        ];
        let measures = Measures::of(&labels, answers.into_iter());
        assert_eq!((measures.images, measures.top1, measures.top5), (5, Some(0.5), Some(0.75)));
        assert_eq!(measures.confusion, [[1, 1], [0, 1], [0, 1]]);
        assert_eq!(measures.products[0].recall, Some(0.5));
        assert_eq!(measures.products[1].precision, Some(1.0 / 3.0));
    }
}
