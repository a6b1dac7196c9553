//! Fits a discriminant head: linear discriminant analysis with shrinkage, in closed form.
//!
//! M are the class means and g is their mean. C is the within-class covariance, shrunk towards its mean variance (Friedman
//! 1989), and C = L·Lᵀ. The centred and whitened means L⁻¹(M − g) span at most K − 1 dimensions; U is an orthonormal basis of
//! that span. A feature vector x is projected to UᵀL⁻¹(x − g); the answer is its cosine to the projected class means
//! ([`jicho::recognize::DiscriminantHead`]).

use faer::{Mat, MatRef, Side};
use half::f16;
use jicho::recognize::normalize;

use crate::output::release::HeadTensors;

/// Share of the mean variance in the shrunk covariance. Of 0.1, 0.3, 0.5 and 0.8, 0.5 was as accurate as any on the grocery
/// validation photos and kept their cosines highest.
const SHRINKAGE: f64 = 0.5;
/// Directions whose singular value is below this share of the largest one carry no class difference.
const RANK_TOLERANCE: f64 = 1e-7;

/// Fits a head to `rows` (one feature vector each) and their classes. All of the `classes` classes must occur.
///
/// It runs on one thread in a fixed order, so the same rows give the same bytes.
pub fn fit(rows: &[&[f32]], class: &[usize], classes: usize) -> HeadTensors {
    let inputs = rows.first().map_or(0, |r| r.len());
    let mut means = Mat::<f64>::zeros(inputs, classes);
    let mut counts = vec![0f64; classes];
    for (row, &k) in rows.iter().zip(class) {
        counts[k] += 1.0;
        means.col_mut(k).iter_mut().zip(*row).for_each(|(m, v)| *m += f64::from(*v));
    }
    for (k, count) in counts.iter().enumerate() {
        means.col_mut(k).iter_mut().for_each(|m| *m /= count.max(1.0));
    }
    let center: Vec<f64> = (0..inputs).map(|i| means.row(i).iter().sum::<f64>() / classes.max(1) as f64).collect();

    let scatter = Mat::<f64>::from_fn(rows.len(), inputs, |i, j| f64::from(rows[i][j]) - means[(j, class[i])]);
    let covariance = shrunk(scatter.as_ref());
    let centred = Mat::<f64>::from_fn(inputs, classes, |i, k| means[(i, k)] - center[i]);
    // Shrinkage keeps the covariance positive definite. Without any scatter it is the identity.
    let Ok(cholesky) = covariance.llt(Side::Lower) else { return HeadTensors::default() };
    let lower = cholesky.L();
    let mut whitened = centred.clone();
    lower.solve_lower_triangular_in_place(whitened.as_mut());
    let Ok(svd) = whitened.thin_svd() else { return HeadTensors::default() };
    let values = svd.S().column_vector();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let dims = values.iter().filter(|s| **s > largest * RANK_TOLERANCE && **s > 1e-12).count().min(classes - 1);
    if dims == 0 {
        return HeadTensors::default();
    }
    // The rows of UᵀL⁻¹ are the columns of L⁻ᵀU.
    let mut directions = Mat::<f64>::from_fn(inputs, dims, |i, d| svd.U()[(i, d)]);
    lower.transpose().solve_upper_triangular_in_place(directions.as_mut());
    let scale = directions.col_iter().flat_map(|c| c.iter()).fold(0f64, |a, v| a.max(v.abs()));
    let projection: Vec<f32> = (0..dims)
        .flat_map(|d| (0..inputs).map(move |i| (d, i)))
        .map(|(d, i)| f16::from_f64(directions[(i, d)] / scale).to_f32())
        .collect();
    let project = |point: &dyn Fn(usize) -> f64| -> Vec<f64> {
        projection
            .chunks_exact(inputs)
            .map(|row| row.iter().enumerate().map(|(i, w)| f64::from(*w) * point(i)).sum())
            .collect()
    };
    let offset: Vec<f32> = project(&|i| center[i]).into_iter().map(|v| -v as f32).collect();
    let prototypes = (0..classes)
        .flat_map(|k| {
            let mut point: Vec<f32> = project(&|i| means[(i, k)] - center[i]).into_iter().map(|v| v as f32).collect();
            normalize(&mut point);
            point
        })
        .collect();
    HeadTensors { dims, projection, offset, prototypes }
}

/// The within-class covariance, shrunk.
fn shrunk(scatter: MatRef<'_, f64>) -> Mat<f64> {
    let inputs = scatter.ncols();
    let mut covariance = scatter.transpose() * scatter;
    let samples = scatter.nrows().max(1) as f64;
    let variance = (0..inputs).map(|i| covariance[(i, i)]).sum::<f64>() / samples / inputs.max(1) as f64;
    if variance < 1e-12 {
        return Mat::identity(inputs, inputs);
    }
    covariance *= faer::Scale((1.0 - SHRINKAGE) / samples);
    (0..inputs).for_each(|i| covariance[(i, i)] += SHRINKAGE * variance);
    covariance
}

#[cfg(test)]
mod tests {
    use jicho::recognize::DiscriminantHead;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::learning::train::answers::best;

    /// Rows around `classes` random centres, with large noise in one direction, which tells nothing about the class.
    fn rows(classes: usize, each: usize, seed: u64) -> (Vec<Vec<f32>>, Vec<usize>) {
        let mut centers = ChaCha8Rng::seed_from_u64(7);
        let centers: Vec<Vec<f32>> =
            (0..classes).map(|_| (0..20).map(|_| centers.random_range(-1.0..1.0)).collect()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..classes * each)
            .map(|i| {
                let loud = rng.random_range(-9.0f32..9.0);
                let noisy = |(j, c): (usize, &f32)| c + rng.random_range(-0.5f32..0.5) + if j < 3 { loud } else { 0.0 };
                (centers[i % classes].iter().enumerate().map(noisy).collect(), i % classes)
            })
            .unzip()
    }

    fn fit_rows(rows: &[Vec<f32>], class: &[usize], classes: usize) -> HeadTensors {
        fit(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), class, classes)
    }

    #[test]
    fn separable_classes_are_told_apart_whatever_the_shared_noise() {
        let (train, class) = rows(6, 12, 1);
        let HeadTensors { dims, projection, offset, prototypes } = fit_rows(&train, &class, 6);
        assert!(dims <= 5);
        let head = DiscriminantHead::new(20, projection, offset, prototypes, 6).unwrap();
        let (unseen, truth) = rows(6, 30, 2);
        let right = unseen.iter().zip(&truth).filter(|(row, k)| best(&head.cosines(row)) == **k).count();
        assert!(right as f64 > 0.95 * unseen.len() as f64, "{right} of {}", unseen.len());
    }

    #[test]
    fn rows_alike_and_one_class_give_a_head_without_dimensions() {
        assert_eq!(fit_rows(&[vec![1.0, 2.0], vec![3.0, 1.0]], &[0, 0], 1).dims, 0);
        assert_eq!(fit_rows(&[vec![1.0, 2.0], vec![1.0, 2.0]], &[0, 1], 2).dims, 0);
    }

    #[test]
    fn one_row_a_class_is_enough() {
        let (train, class) = rows(4, 1, 1);
        assert_eq!(fit_rows(&train, &class, 4).dims, 3);
    }
}
