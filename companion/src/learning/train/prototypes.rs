//! Prototypes: of each class the mean direction of its photos, and how near its own photos come.

use jicho::recognize::{Prototypes, normalize};

use super::embed::Embedded;
use crate::error::Result;
use crate::output::release::eight_bits;

/// A class's mean cosine counts as if this many photos of average classes were among its own.
const PRIOR: f64 = 2.0;
/// The mean cosine where no class has two photos.
const DEFAULT_OWN: f64 = 0.8;

/// Fits prototypes to `points` and their classes, as a head file stores them. Every photo weighs the same, however
/// often it was varied.
///
/// # Errors
/// When a point has not `dims` dimensions.
pub fn fit(points: &[(&Embedded, usize)], classes: usize, dims: usize) -> Result<Prototypes> {
    let means: Vec<Vec<f32>> = points.iter().map(|(photo, _)| mean(photo)).collect();
    let mut sums = vec![vec![0f32; dims]; classes];
    let mut sizes = vec![0usize; classes];
    for (mean, (_, class)) in means.iter().zip(points) {
        sizes[*class] += 1;
        sums[*class].iter_mut().zip(mean).for_each(|(s, v)| *s += v);
    }
    let own = own(points, &means, &sums, &sizes);
    let directions = sums.iter_mut().flat_map(|sum| {
        let mut stored: Vec<f32> = eight_bits(sum).into_iter().map(f32::from).collect();
        normalize(&mut stored);
        stored
    });
    Ok(Prototypes::new(dims, directions.collect(), own)?)
}

fn mean(photo: &Embedded) -> Vec<f32> {
    let mut mean = vec![0f32; photo.plain.len()];
    let count = photo.rows().count() as f32;
    for row in photo.rows() {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / count);
    }
    mean
}

/// The mean cosine of each class's photos to the prototype of the class's others.
fn own(points: &[(&Embedded, usize)], means: &[Vec<f32>], sums: &[Vec<f32>], sizes: &[usize]) -> Vec<f32> {
    let mut cosines = vec![0f64; sums.len()];
    for ((photo, class), mean) in points.iter().zip(means).filter(|((_, class), _)| sizes[*class] > 1) {
        let mut others: Vec<f32> = sums[*class].iter().zip(mean).map(|(s, m)| s - m).collect();
        normalize(&mut others);
        cosines[*class] += others.iter().zip(&photo.plain).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    }
    let measured: usize = sizes.iter().filter(|n| **n > 1).sum();
    let average = if measured > 0 { cosines.iter().sum::<f64>() / measured as f64 } else { DEFAULT_OWN };
    let shrunk = |(sum, size): (f64, &usize)| {
        let size = if *size > 1 { *size as f64 } else { 0.0 };
        ((sum + PRIOR * average) / (size + PRIOR)) as f32
    };
    cosines.into_iter().zip(sizes).map(shrunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(plain: &[f32]) -> Embedded {
        Embedded { plain: plain.to_vec(), varied: Vec::new() }
    }

    #[test]
    fn a_prototype_is_the_mean_direction_and_own_leaves_the_photo_out() {
        let [a, b, c] = [photo(&[1.0, 0.0]), photo(&[0.6, 0.8]), photo(&[0.0, -1.0])];
        let fitted = fit(&[(&a, 0), (&b, 0), (&c, 1)], 2, 2).unwrap();
        let cosines = fitted.cosines(&[0.0, -1.0]);
        assert!((cosines[1] - 1.0).abs() < 1e-6 && cosines[0] < 0.0);
        // Of two photos each is the other's prototype; the single one is taken to be average.
        assert!((fitted.own()[0] - 0.6).abs() < 1e-5 && (fitted.own()[1] - 0.6).abs() < 1e-5, "{:?}", fitted.own());
    }
}
