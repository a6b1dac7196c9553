//! Products of row-major matrices.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// A row-major matrix of `rows × columns`.
///
/// # Panics
/// When the number of `values` differs.
pub fn matrix(values: &[f32], rows: usize, columns: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, rows, columns)
}

/// `to = a · b`, row-major, on this thread alone: the other threads work on other images.
///
/// # Panics
/// When the shapes do not fit each other.
pub fn multiply(to: &mut [f32], a: MatRef<f32>, b: MatRef<f32>) {
    let to = MatMut::from_row_major_slice_mut(to, a.nrows(), b.ncols());
    matmul(to, Accum::Replace, a, b, 1.0, Par::Seq);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_sums_of_products() {
        let (a, b) = ([1., 2., 3., 4., 5., 6.], [7., 8., 9., 10., 11., 12.]);
        let mut to = [0.0; 4];
        multiply(&mut to, matrix(&a, 2, 3), matrix(&b, 3, 2));
        assert_eq!(to, [58., 64., 139., 154.]);
        let mut to = [0.0; 9];
        multiply(&mut to, matrix(&a, 2, 3).transpose(), matrix(&b, 2, 3));
        assert_eq!(to, [47., 52., 57., 64., 71., 78., 81., 90., 99.]);
    }
}
