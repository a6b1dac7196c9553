//! How well each product is recognised, and which products are taken for which.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Duplicates, Held, Input, Share};
use crate::learning::measure::Measures;

/// How well a product is recognised.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The product's id.
    pub label: String,
    /// Number of its photos.
    pub photos: usize,
    /// Number of its photos without near-duplicates.
    pub distinct_photos: usize,
    /// The share of its held-out photos that are answered with it; null without held-out photos.
    pub recall: Option<Share>,
    /// The share of held-out photos answered with it that show it; null without such answers.
    pub precision: Option<Share>,
    /// The share of its held-out photos below the rejection threshold; null without held-out photos.
    pub rejected: Option<Share>,
}

/// A product that is taken for another one.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Confusion {
    /// The product that the photos show.
    pub label: String,
    /// The product that was answered.
    pub answer: String,
    /// Number of photos that are answered so.
    pub images: usize,
    /// Number of held-out photos of the product.
    pub of: usize,
    /// The indices of `label` and `answer`.
    #[serde(skip)]
    pub place: (usize, usize),
}

/// One row per label, in the order of labels.
pub fn rows(input: &Input, held: &[Held], measures: &Measures, duplicates: &[Duplicates]) -> Vec<Product> {
    let labels = input.labels.len();
    let (mut photos, mut repeats) = (vec![0usize; labels], vec![0usize; labels]);
    input.photos.iter().filter_map(|p| p.example.label).for_each(|label| photos[label] += 1);
    for group in duplicates {
        let mut seen = BTreeSet::new();
        for label in group.photos.iter().filter_map(|p| input.photos[p.index].example.label) {
            repeats[label] += usize::from(!seen.insert(label));
        }
    }
    let mut rejected = vec![0usize; labels];
    for h in held {
        rejected[h.label] += usize::from(h.answer.rejection_score < input.threshold);
    }
    (0..labels)
        .map(|k| {
            let right = measures.confusion[k][k];
            let shown: usize = measures.confusion[k].iter().sum();
            let answered: usize = measures.confusion.iter().map(|row| row[k]).sum();
            Product {
                label: input.labels[k].clone(),
                photos: photos[k],
                distinct_photos: photos[k] - repeats[k],
                recall: Share::of(right, shown),
                precision: Share::of(right, answered),
                rejected: Share::of(rejected[k], shown),
            }
        })
        .collect()
}

/// All confusions, those with the most photos first.
pub fn confusions(measures: &Measures) -> Vec<Confusion> {
    let mut found = Vec::new();
    for (k, row) in measures.confusion.iter().enumerate() {
        let of = row.iter().sum();
        for (answer, images) in row.iter().enumerate().filter(|(answer, images)| *answer != k && **images > 0) {
            let names = (measures.labels[k].clone(), measures.labels[answer].clone());
            found.push(Confusion { label: names.0, answer: names.1, images: *images, of, place: (k, answer) });
        }
    }
    found.sort_by(|a, b| b.images.cmp(&a.images).then(a.of.cmp(&b.of)).then(a.place.cmp(&b.place)));
    found
}
