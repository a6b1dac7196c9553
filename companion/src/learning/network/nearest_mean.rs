//! How well features tell products apart: the accuracy of the nearest class mean on held-out photos.

use jicho::manifest::Preprocessing;
use rayon::prelude::*;

use super::Network;
use super::model::Tape;
use super::view::{Augmentation, Crop, Square};

/// The features of whole photos at `size`×`size` pixels, normalised to length 1.
pub fn features(network: &Network, squares: &[Square], size: usize, pixels: &Preprocessing) -> Vec<Vec<f32>> {
    let rows = squares.par_iter().map_init(Tape::default, |tape, square| {
        let view = square.view(&Crop::WHOLE, &Augmentation::PLAIN, size, pixels);
        let mut row = network.forward(1, size, &view, false, tape);
        jicho::recognize::normalize(&mut row);
        row
    });
    rows.collect()
}

/// The share of `asked` whose nearest class mean is that of their own class, `truth`. Class means are those of `known` with
/// `labels`; nearness is the cosine after subtracting the mean of all. None without photos to ask about or to answer by.
pub fn accuracy(known: &[Vec<f32>], labels: &[usize], asked: &[Vec<f32>], truth: &[usize]) -> Option<f64> {
    let length = known.first()?.len();
    let classes = labels.iter().max()? + 1;
    let add = |to: &mut Vec<f32>, row: &[f32]| to.iter_mut().zip(row).for_each(|(to, v)| *to += v);
    let (mut sums, mut center, mut counts) = (vec![vec![0.0; length]; classes], vec![0.0; length], vec![0; classes]);
    for (row, &label) in known.iter().zip(labels) {
        add(&mut sums[label], row);
        add(&mut center, row);
        counts[label] += 1;
    }
    center.iter_mut().for_each(|v| *v /= known.len() as f32);
    let centered = |row: &[f32], scale: f32| {
        let mut row: Vec<f32> = row.iter().zip(&center).map(|(v, c)| v * scale - c).collect();
        jicho::recognize::normalize(&mut row);
        row
    };
    let means: Vec<(usize, Vec<f32>)> = (0..classes)
        .filter(|class| counts[*class] > 0)
        .map(|class| (class, centered(&sums[class], 1.0 / counts[class] as f32)))
        .collect();
    let right = asked.iter().zip(truth).filter(|(row, truth)| {
        let row = centered(row, 1.0);
        let score = |mean: &[f32]| mean.iter().zip(&row).map(|(a, b)| a * b).sum::<f32>();
        let best = means.iter().max_by(|a, b| score(&a.1).total_cmp(&score(&b.1)));
        best.is_some_and(|(class, _)| class == *truth)
    });
    (!asked.is_empty()).then(|| right.count() as f64 / asked.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mean_answers() {
        let known = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]].map(Vec::from);
        let asked = [[0.8, 0.2], [0.3, 0.7], [0.9, 0.2]].map(Vec::from);
        let share = accuracy(&known, &[0, 0, 1, 1], &asked, &[0, 1, 1]).unwrap();
        assert!((share - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(accuracy(&known, &[0, 0, 1, 1], &[], &[]), None);
        assert_eq!(accuracy(&[], &[], &asked, &[0, 1, 1]), None);
    }
}
