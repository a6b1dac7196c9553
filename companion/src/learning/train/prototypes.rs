//! Prototypes: the mean direction of each class's photos, and how near its own photos come to it on average.

use jicho::recognize::{Prototypes, normalize};

use super::embed::Embedded;
use crate::error::Result;
use crate::output::release::eight_bits;

/// The mean cosine of a class is shrunk towards the average of all classes, as if it had this many photos more that are
/// average.
const PRIOR: f64 = 2.0;
/// The mean cosine when no class has two photos.
const DEFAULT_OWN: f64 = 0.8;

/// Fits prototypes to `points` and their classes, rounded as a head file stores them. Every photo has the same weight, no
/// matter how often it is varied.
///
/// # Errors
/// When a point does not have `dims` dimensions.
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

/// The mean of a photo's vectors.
fn mean(photo: &Embedded) -> Vec<f32> {
    let mut mean = vec![0f32; photo.plain.len()];
    let count = photo.rows().count() as f32;
    for row in photo.rows() {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / count);
    }
    mean
}

/// For each class, the mean cosine of its photos to the mean of the class's other photos, shrunk.
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
    fn a_prototype_is_the_mean_direction_and_a_photo_is_compared_with_the_others() {
        let [a, b, c] = [photo(&[1.0, 0.0]), photo(&[0.6, 0.8]), photo(&[0.0, -1.0])];
        let fitted = fit(&[(&a, 0), (&b, 0), (&c, 1)], 2, 2).unwrap();
        let cosines = fitted.cosines(&[0.0, -1.0]);
        assert!((cosines[1] - 1.0).abs() < 1e-6 && cosines[0] < 0.0);
        // Of two photos, each is compared with the other. The single photo of the second class is taken to be average.
        assert!((fitted.own()[0] - 0.6).abs() < 1e-5 && (fitted.own()[1] - 0.6).abs() < 1e-5, "{:?}", fitted.own());
    }
}
