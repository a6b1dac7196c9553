//! What all channels of a backbone can share: the space, and the prototypes of frames without a product in it.
//!
//! M are the class means and g is their mean. C is the within-class covariance, shrunk by 0.3 towards its mean variance
//! (Friedman 1989), and C = L·Lᵀ. The first dimensions of the space are an orthonormal basis U of the span of L⁻¹(M − g), as
//! in a linear discriminant analysis. The other dimensions, V, are the leading directions of the whitened covariance that are
//! orthogonal to U; they have a weight of 0.3. The point of a feature vector x is WᵀL⁻¹(x − g) with W = [U, 0.3·V],
//! normalised to length 1.

use faer::linalg::solvers::Llt;
use faer::{Mat, Side};
use half::f16;
use jicho::recognize::{Prototypes, Space, tensors};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::embed::{self, Embedded};
use super::prototypes;
use crate::error::Result;
use crate::output::release::HeadFile;

/// Number of dimensions of a space.
const DIMS: usize = 256;
/// How many of the colour features are used: those that vary most. 600 of the 1,600 hold 99 % of their variance.
const COLORS: usize = 600;
/// Share of the mean variance in the shrunk covariance; 0.1 to 0.7 were equally accurate.
const SHRINKAGE: f32 = 0.3;
/// Weight of the dimensions that are orthogonal to all class differences.
const REST: f32 = 0.3;
/// Directions whose singular value is below this share of the largest one carry no class difference.
const RANK_TOLERANCE: f32 = 1e-4;
/// Rounds of the subspace iteration, and how many more directions than needed it iterates, to converge faster.
const ROUNDS: usize = 6;
const MORE: usize = 16;
/// Rows are summed in parts of this many, in a fixed order, so that the number of threads does not change the sum.
const PART: usize = 1024;

/// A space, with the background in it.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedSpace {
    /// The space.
    pub space: Space,
    /// Prototypes of the kinds of frames without a product.
    pub background: Prototypes,
}

impl SharedSpace {
    /// Fits a space to photos and their classes. All of the `classes` classes must occur. `embedding` is the length of the
    /// backbone's part of the feature vectors.
    ///
    /// # Errors
    /// `INTERNAL`, when the result is not a valid space.
    pub fn fit(
        photos: &[(&Embedded, usize)],
        classes: usize,
        background: &[(usize, Embedded)],
        embedding: usize,
    ) -> Result<SharedSpace> {
        let kinds = background.iter().map(|(kind, _)| kind + 1).max().unwrap_or(0);
        let all = photos.iter().copied().chain(background.iter().map(|(kind, photo)| (photo, classes + kind)));
        let rows: Vec<(&[f32], usize)> = all.flat_map(|(photo, class)| photo.rows().map(move |r| (r, class))).collect();
        let space = fit_space(&rows, classes + kinds, embedding)?;
        SharedSpace::with_background(space, background)
    }

    fn with_background(space: Space, background: &[(usize, Embedded)]) -> Result<SharedSpace> {
        let kinds = background.iter().map(|(kind, _)| kind + 1).max().unwrap_or(0);
        let frames: Vec<Embedded> = background.iter().map(|(_, frame)| frame.clone()).collect();
        let points = embed::points(&space, &frames)?;
        let points: Vec<(&Embedded, usize)> = points.iter().zip(background).map(|(p, (kind, _))| (p, *kind)).collect();
        let background = prototypes::fit(&points, kinds, space.dims())?;
        Ok(SharedSpace { space, background })
    }

    /// The bytes of the space file.
    ///
    /// # Errors
    /// `INTERNAL`, when a tensor's shape does not fit its bytes.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let mut file = HeadFile::default();
        file.space(&self.space);
        file.prototypes("background", &self.background, self.space.dims());
        file.serialize()
    }

    /// Reads the file of a space for feature vectors of `inputs` values.
    ///
    /// # Errors
    /// When the file is not valid or is for other features.
    pub fn read(bytes: &[u8], inputs: usize) -> Result<SharedSpace> {
        let tensors = tensors::open(bytes, "space")?;
        let space = Space::read(&tensors, inputs)?;
        let background = Prototypes::read(&tensors, "background", space.dims())?;
        Ok(SharedSpace { space, background })
    }
}

fn fit_space(rows: &[(&[f32], usize)], classes: usize, embedding: usize) -> Result<Space> {
    let inputs = rows.first().map_or(0, |(row, _)| row.len());
    let columns = columns(rows, inputs, embedding);
    let count = columns.len();
    let taken: Vec<(Vec<f32>, usize)> =
        rows.par_iter().map(|(row, class)| (columns.iter().map(|c| row[usize::from(*c)]).collect(), *class)).collect();

    let mut means = Mat::<f32>::zeros(count, classes);
    let mut sizes = vec![0f32; classes];
    for (row, class) in &taken {
        sizes[*class] += 1.0;
        means.col_mut(*class).iter_mut().zip(row).for_each(|(m, v)| *m += v);
    }
    for (class, size) in sizes.iter().enumerate() {
        means.col_mut(class).iter_mut().for_each(|m| *m /= size.max(1.0));
    }
    let center: Vec<f32> = (0..count).map(|i| means.row(i).iter().sum::<f32>() / classes.max(1) as f32).collect();
    let within = covariance(&taken, &means);
    let mut shrunk = within.clone();
    let variance = (0..count).map(|i| within[(i, i)]).sum::<f32>() / count.max(1) as f32;
    // Without any scatter, all directions count the same.
    let (share, ridge) = if variance < 1e-12 { (0.0, 1.0) } else { (1.0 - SHRINKAGE, SHRINKAGE * variance) };
    shrunk *= faer::Scale(share);
    (0..count).for_each(|i| shrunk[(i, i)] += ridge);
    let whitener = shrunk.llt(Side::Lower).map_err(|_| defect("the covariance is not positive definite"))?;

    let mut between = Mat::<f32>::from_fn(count, classes, |i, k| means[(i, k)] - center[i]);
    whitener.L().solve_lower_triangular_in_place(between.as_mut());
    let (first, rank) = basis(&between)?;
    let rest = DIMS.min(count).saturating_sub(rank);
    let others = leading_orthogonal(&first, rank, rest, &within, &whitener);
    let mut directions =
        Mat::<f32>::from_fn(
            count,
            rank + rest,
            |i, d| {
                if d < rank { first[(i, d)] } else { REST * others[(i, d - rank)] }
            },
        );
    whitener.L().transpose().solve_upper_triangular_in_place(directions.as_mut());

    let scale = directions.col_iter().flat_map(|c| c.iter()).fold(0f32, |a, v| a.max(v.abs())).max(1e-30);
    let mut projection = Vec::with_capacity(directions.ncols() * count);
    for direction in directions.col_iter() {
        projection.extend(direction.iter().map(|v| f16::from_f32(v / scale).to_f32()));
    }
    let offset = projection
        .chunks_exact(count.max(1))
        .map(|row| -row.iter().zip(&center).map(|(w, c)| f64::from(*w) * f64::from(*c)).sum::<f64>() as f32)
        .collect();
    Ok(Space::new(inputs, columns, projection, offset)?)
}

/// The indices of the features that are used: all of the backbone's, and the colours that vary most.
fn columns(rows: &[(&[f32], usize)], inputs: usize, embedding: usize) -> Vec<u16> {
    let count = rows.len().max(1) as f32;
    let mut mean = vec![0f32; inputs];
    let mut square = vec![0f32; inputs];
    for (row, _) in rows {
        for ((mean, square), v) in mean.iter_mut().zip(&mut square).zip(*row) {
            *mean += v / count;
            *square += v * v / count;
        }
    }
    let mut colors: Vec<usize> = (embedding.min(inputs)..inputs).collect();
    let variance = |i: usize| square[i] - mean[i] * mean[i];
    colors.sort_by(|a, b| variance(*b).total_cmp(&variance(*a)).then(a.cmp(b)));
    colors.truncate(COLORS);
    colors.sort_unstable();
    (0..embedding.min(inputs)).chain(colors).filter_map(|i| u16::try_from(i).ok()).collect()
}

/// The within-class covariance: the mean outer product of the differences from the class means.
fn covariance(rows: &[(Vec<f32>, usize)], means: &Mat<f32>) -> Mat<f32> {
    let inputs = means.nrows();
    let parts: Vec<Mat<f32>> = rows
        .par_chunks(PART)
        .map(|part| {
            let scatter = Mat::<f32>::from_fn(inputs, part.len(), |i, r| part[r].0[i] - means[(i, part[r].1)]);
            &scatter * scatter.transpose()
        })
        .collect();
    let mut sum = Mat::<f32>::zeros(inputs, inputs);
    parts.iter().for_each(|part| sum += part);
    sum *= faer::Scale(1.0 / rows.len().max(1) as f32);
    sum
}

/// An orthonormal basis of the span of the columns, the directions of most variance first, and its rank.
fn basis(between: &Mat<f32>) -> Result<(Mat<f32>, usize)> {
    let svd = between.thin_svd().map_err(|_| defect("the class means have no singular values"))?;
    let values = svd.S().column_vector();
    let largest = values.iter().copied().fold(0.0, f32::max);
    let rank = values.iter().filter(|s| **s > largest * RANK_TOLERANCE && **s > 1e-9).count();
    Ok((svd.U().to_owned(), rank.min(DIMS).min(between.ncols().saturating_sub(1))))
}

/// The leading directions of the whitened covariance that are orthogonal to `first`, by subspace iteration from a fixed
/// start.
fn leading_orthogonal(
    first: &Mat<f32>,
    rank: usize,
    wanted: usize,
    within: &Mat<f32>,
    whitener: &Llt<f32>,
) -> Mat<f32> {
    let inputs = within.nrows();
    let followed = (wanted + MORE).min(inputs.saturating_sub(rank));
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut block = Mat::<f32>::from_fn(inputs, followed, |_, _| rng.random_range(-1.0..1.0));
    let basis = first.as_ref().subcols(0, rank);
    for _ in 0..ROUNDS {
        block -= basis * (basis.transpose() * &block);
        whitener.L().transpose().solve_upper_triangular_in_place(block.as_mut());
        block = within * &block;
        whitener.L().solve_lower_triangular_in_place(block.as_mut());
        block -= basis * (basis.transpose() * &block);
        block = block.qr().compute_thin_Q();
    }
    block
}

fn defect(message: &str) -> jicho::Error {
    jicho::Error::new(jicho::ErrorKind::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::train::answers::best;

    /// Photos around `classes` random centres of 40 features. Three features have large noise that tells nothing; the first
    /// 30 are the backbone's.
    fn photos(classes: usize, each: usize, seed: u64) -> Vec<(Embedded, usize)> {
        let mut centers = ChaCha8Rng::seed_from_u64(7);
        let centers: Vec<Vec<f32>> =
            (0..classes).map(|_| (0..40).map(|_| centers.random_range(-1.0..1.0)).collect()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..classes * each)
            .map(|i| {
                let loud = rng.random_range(-9.0f32..9.0);
                let noisy = |(j, c): (usize, &f32)| c + rng.random_range(-0.4f32..0.4) + if j < 3 { loud } else { 0.0 };
                let plain = centers[i % classes].iter().enumerate().map(noisy).collect();
                (Embedded { plain, varied: Vec::new() }, i % classes)
            })
            .collect()
    }

    fn fit(photos: &[(Embedded, usize)], classes: usize) -> SharedSpace {
        let background: Vec<(usize, Embedded)> =
            (0..8).map(|i| (i % 2, Embedded { plain: vec![i as f32 / 8.0; 40], varied: Vec::new() })).collect();
        let photos: Vec<(&Embedded, usize)> = photos.iter().map(|(photo, class)| (photo, *class)).collect();
        SharedSpace::fit(&photos, classes, &background, 30).unwrap()
    }

    fn accuracy(
        shared: &SharedSpace,
        taught: &[(Embedded, usize)],
        asked: &[(Embedded, usize)],
        classes: usize,
    ) -> f64 {
        let at = |photos: &[(Embedded, usize)]| {
            let rows: Vec<Embedded> = photos.iter().map(|(photo, _)| photo.clone()).collect();
            embed::points(&shared.space, &rows).unwrap()
        };
        let points = at(taught);
        let points: Vec<(&Embedded, usize)> = points.iter().zip(taught).map(|(p, (_, class))| (p, *class)).collect();
        let head = prototypes::fit(&points, classes, shared.space.dims()).unwrap();
        let right = at(asked).iter().zip(asked).filter(|(p, (_, k))| best(&head.cosines(&p.plain)) == *k).count();
        right as f64 / asked.len() as f64
    }

    #[test]
    fn products_are_told_apart_whatever_the_shared_noise() {
        let (train, unseen) = (photos(6, 12, 1), photos(6, 30, 2));
        assert!(accuracy(&fit(&train, 6), &train, &unseen, 6) > 0.95);
    }

    #[test]
    fn a_space_serves_products_that_it_never_saw() {
        let all = photos(12, 12, 1);
        let (first, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, class)| *class < 6);
        let renamed = |photos: Vec<(Embedded, usize)>| photos.into_iter().map(|(p, k)| (p, k - 6)).collect::<Vec<_>>();
        let asked = photos(12, 30, 2).into_iter().filter(|(_, class)| *class >= 6).collect();
        assert!(accuracy(&fit(&first, 6), &renamed(others), &renamed(asked), 6) > 0.9);
    }

    #[test]
    fn photos_alike_and_one_product_still_make_a_space() {
        let alike: Vec<(Embedded, usize)> =
            (0..4).map(|i| (Embedded { plain: vec![1.0; 40], varied: Vec::new() }, i % 2)).collect();
        assert!(fit(&alike, 2).space.dims() > 0);
        assert!(fit(&photos(1, 3, 1), 1).space.dims() > 0);
    }

    #[test]
    fn a_file_reads_back_as_written_and_is_refused_for_other_features() {
        let shared = fit(&photos(4, 5, 1), 4);
        let bytes = shared.serialize().unwrap();
        assert_eq!(SharedSpace::read(&bytes, 40).unwrap(), shared);
        assert_eq!(fit(&photos(4, 5, 1), 4).serialize().unwrap(), bytes);
        assert!(SharedSpace::read(&bytes, 39).is_err());
        for cut in (0..bytes.len()).step_by(97) {
            assert!(SharedSpace::read(&bytes[..cut], 40).is_err());
        }
    }
}
