//! Ridge regression (Hoerl & Kennard 1970) in closed form.

use faer::prelude::*;
use faer::{Mat, Side};

/// A regression that can be solved for any penalty. Its cross products are computed once, over rows or columns, whichever
/// are fewer.
pub struct Ridge {
    centred: Mat<f64>,
    targets: Mat<f64>,
    cross: Mat<f64>,
    mean: Vec<f64>,
    target_mean: f64,
    dual: bool,
}

impl Ridge {
    /// Centres `rows` and `targets`.
    pub fn new(rows: &[&[f32]], targets: &[f64]) -> Self {
        let (samples, inputs) = (rows.len(), rows.first().map_or(0, |r| r.len()));
        let count = samples.max(1) as f64;
        let mean: Vec<f64> = (0..inputs).map(|j| rows.iter().map(|r| f64::from(r[j])).sum::<f64>() / count).collect();
        let target_mean = targets.iter().sum::<f64>() / count;
        let centred = Mat::from_fn(samples, inputs, |i, j| f64::from(rows[i][j]) - mean[j]);
        let targets = Mat::from_fn(samples, 1, |i, _| targets[i] - target_mean);
        let dual = samples <= inputs;
        let cross = if dual { &centred * centred.transpose() } else { centred.transpose() * &centred };
        Ridge { centred, targets, cross, mean, target_mean, dual }
    }

    /// Weights and bias. `penalty` is relative to the mean squared length of the centred rows.
    pub fn solve(&self, penalty: f64) -> (Vec<f32>, f32) {
        let size = self.cross.nrows();
        // The trace is the same over rows and columns: the sum of the squared lengths.
        let trace: f64 = (0..size).map(|i| self.cross[(i, i)]).sum();
        let ridge = (penalty * trace / self.centred.nrows().max(1) as f64).max(1e-9);
        let mut system = self.cross.clone();
        (0..size).for_each(|i| system[(i, i)] += ridge);
        let solve = |rhs: &Mat<f64>| match system.llt(Side::Lower) {
            Ok(cholesky) => cholesky.solve(rhs),
            Err(_) => Mat::zeros(size, 1),
        };
        let weight = if self.dual {
            self.centred.transpose() * solve(&self.targets)
        } else {
            solve(&(self.centred.transpose() * &self.targets))
        };
        let shift: f64 = self.mean.iter().enumerate().map(|(j, mean)| weight[(j, 0)] * mean).sum();
        ((0..self.mean.len()).map(|j| weight[(j, 0)] as f32).collect(), (self.target_mean - shift) as f32)
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn it_fits_a_plane_with_more_rows_than_columns_and_with_fewer() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let plane = |row: &[f32]| 3.0 + 2.0 * f64::from(row[4]) - f64::from(row[9]);
        for samples in [200, 12] {
            let rows: Vec<Vec<f32>> =
                (0..samples).map(|_| (0..20).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let (weight, bias) = Ridge::new(&rows, &rows.iter().map(|r| plane(r)).collect::<Vec<_>>()).solve(1e-9);
            for row in rows {
                let found: f64 = row.iter().zip(&weight).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                assert!((found + f64::from(bias) - plane(row)).abs() < 1e-3, "{samples} rows");
            }
        }
    }

    #[test]
    fn a_constant_is_answered_by_the_bias() {
        let rows: [&[f32]; 2] = [&[1.0, 2.0], &[1.0, 2.0]];
        assert_eq!(Ridge::new(&rows, &[0.5, 0.5]).solve(0.01), (vec![0.0, 0.0], 0.5));
    }
}
