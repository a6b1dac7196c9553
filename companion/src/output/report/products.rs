//! Products, and which of them are taken for which.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Duplicates, Held, Input, Share};
use crate::learning::measure::Measures;

/// A product.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its id.
    pub label: String,
    /// Photos of it, all in all.
    pub photos: usize,
    /// Those that do not repeat another one.
    pub distinct_photos: usize,
    /// Of its held-out photos, those that are answered with it; null without any.
    pub recall: Option<Share>,
    /// Of the held-out photos that are answered with it, those that show it; null without any.
    pub precision: Option<Share>,
    /// Of its held-out photos, those below the rejection threshold; null without any.
    pub rejected: Option<Share>,
}

/// A product that is taken for another one.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Confusion {
    /// What the photos show.
    pub label: String,
    /// What the answer was.
    pub answer: String,
    /// In how many photos.
    pub images: usize,
    /// Of how many held-out photos of the product.
    pub of: usize,
    /// Index of `label`, and of `answer`.
    #[serde(skip)]
    pub place: (usize, usize),
}

/// A row a label, in their order.
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

/// The most photos first.
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
