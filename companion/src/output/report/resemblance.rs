//! Which photos are similar to the network.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

use super::Photo;

/// More photos than this are not compared, since every photo is compared with every other.
pub const MAX_PHOTOS: usize = 8192;
/// Number of neighbours that are found for each photo.
pub const NEAREST: usize = 5;
/// Photos are near-duplicates if their distance is below this share of the usual distance between two products.
const NEAR: f32 = 0.04;
/// At most this many near-duplicates are recorded per photo, among the photos after it. That is enough to link a group, and
/// keeps a large group from taking quadratic memory.
const LINKS: usize = 16;
/// Number of rows that are compared at a time.
const BLOCK: usize = 128;
/// Number of pairs of photos from which the usual distance is estimated.
const SAMPLE: usize = 4096;

/// Similar photos, by index.
#[derive(Default)]
pub struct Resemblance {
    /// For each photo its nearest others that are not near-duplicates, the nearest first.
    pub nearest: Vec<Vec<usize>>,
    /// Pairs of near-duplicates in rising order, the smaller index first, with one minus their cosine. There are enough
    /// pairs to link each group.
    pub pairs: Vec<(usize, usize, f32)>,
}

/// None when there are too many photos. Photos whose features differ in number from the first photo's are similar to none.
pub fn of(photos: &[Photo]) -> Option<Resemblance> {
    if photos.len() > MAX_PHOTOS {
        return None;
    }
    let (count, length) = (photos.len(), photos.first().map_or(0, |p| p.features.len()));
    if length == 0 {
        return Some(Resemblance { nearest: vec![Vec::new(); count], pairs: Vec::new() });
    }
    let unit: Vec<Vec<f32>> = photos.iter().map(|photo| unit(photo.features)).collect();
    let columns = Mat::<f32>::from_fn(length, count, |i, photo| unit[photo].get(i).copied().unwrap_or(0.0));
    let near = NEAR * usual_distance(photos, &unit);
    let found: Vec<Resemblance> = (0..count.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let start = block * BLOCK;
            let size = BLOCK.min(count - start);
            let mut cosines = Mat::<f32>::zeros(count, size);
            let some = columns.subcols(start, size);
            matmul(cosines.as_mut(), Accum::Replace, columns.transpose(), some, 1.0, Par::Seq);
            let (mut nearest, mut pairs) = (Vec::new(), Vec::new());
            for column in 0..size {
                let photo = start + column;
                let distance = |other: usize| 1.0 - cosines[(other, column)];
                let far = |other: &usize| *other != photo && distance(*other) > near;
                let mut others: Vec<usize> = (0..count).filter(far).collect();
                let by_distance = |a: &usize, b: &usize| distance(*a).total_cmp(&distance(*b)).then_with(|| a.cmp(b));
                if others.len() > NEAREST {
                    others.select_nth_unstable_by(NEAREST, by_distance);
                    others.truncate(NEAREST);
                }
                others.sort_by(by_distance);
                nearest.push(others);
                let alike = (photo + 1..count).filter(|other| distance(*other) <= near);
                pairs.extend(alike.take(LINKS).map(|other| (photo, other, distance(other).max(0.0))));
            }
            Resemblance { nearest, pairs }
        })
        .collect();
    let mut all = Resemblance::default();
    for block in found {
        all.nearest.extend(block.nearest);
        all.pairs.extend(block.pairs);
    }
    Some(all)
}

/// The median distance of two photos of different products, estimated from a sample; of any two photos, if no labels differ.
/// Networks differ in how far apart they place photos, so what counts as near must depend on it.
fn usual_distance(photos: &[Photo], unit: &[Vec<f32>]) -> f32 {
    let count = photos.len();
    let sample = |different: bool| {
        // A multiplicative walk over all pairs, so that the sample is always the same.
        let mut distances: Vec<f32> = (0..SAMPLE as u64)
            .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31))
            .map(|draw| ((draw >> 32) as usize % count, (draw & 0xffff_ffff) as usize % count))
            .filter(|(a, b)| a != b && (!different || photos[*a].example.label != photos[*b].example.label))
            .map(|(a, b)| {
                let product = |(x, y): (&f32, &f32)| x * y;
                1.0 - unit[a].iter().zip(&unit[b]).map(product).sum::<f32>()
            })
            .collect();
        distances.sort_by(f32::total_cmp);
        distances.get(distances.len() / 2).copied()
    };
    sample(true).or_else(|| sample(false)).unwrap_or(0.0)
}

fn unit(features: &[f32]) -> Vec<f32> {
    let mut features = features.to_vec();
    jicho::recognize::normalize(&mut features);
    features
}
