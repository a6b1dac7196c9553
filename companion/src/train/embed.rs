//! From photos to feature vectors, on all cores.

use jicho::recognize::{Embedder, Space};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::augment::Variation;
use super::background;
use crate::dataset::{Dataset, Problem};
use crate::photo::Photo;
use crate::progress::Progress;

/// A product's photos are varied until there are about this many variations of them together, …
const VARIATIONS: usize = 24;
/// … but no photo more often than this.
const MOST: usize = 8;

/// A photo's feature vectors, or its points in a space.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// Of the photo as it is.
    pub plain: Vec<f32>,
    /// Of its variations, for training only.
    pub varied: Vec<Vec<f32>>,
}

impl Embedded {
    /// All of them.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        std::iter::once(&self.plain).chain(&self.varied).map(Vec::as_slice)
    }

    fn map<E>(&self, to: impl Fn(&[f32]) -> Result<Vec<f32>, E>) -> Result<Embedded, E> {
        Ok(Embedded {
            plain: to(&self.plain)?,
            varied: self.varied.iter().map(|row| to(row)).collect::<Result<_, _>>()?,
        })
    }
}

/// The same photos as points of a space.
///
/// # Errors
/// When the space is one of other features.
pub fn points(space: &Space, photos: &[Embedded]) -> jicho::Result<Vec<Embedded>> {
    photos.par_iter().map(|photo| photo.map(|row| space.point(row))).collect()
}

/// Embeds every photo; those that cannot be read move from the examples to the problems.
///
/// Each photo is embedded on its own, so the number of threads changes nothing.
///
/// # Errors
/// When the network itself fails.
pub fn photos(
    embedder: &Embedder,
    dataset: &mut Dataset,
    variation: Variation,
    progress: Progress,
) -> crate::error::Result<Vec<Embedded>> {
    let mut sizes = vec![0usize; dataset.labels.len()];
    dataset.examples.iter().filter_map(|e| e.label).for_each(|label| sizes[label] += 1);
    let bar = progress.stage("embed", dataset.examples.len());
    let results: Vec<_> = dataset
        .examples
        .par_iter()
        .map(|example| {
            let alike = example.label.map_or(VARIATIONS, |label| sizes[label]);
            let count = VARIATIONS.div_ceil(alike.max(1)).min(MOST);
            let result = match std::fs::read(&example.path) {
                Ok(bytes) => match Photo::decode(&bytes) {
                    Ok(photo) => embed(embedder, &photo, variation, seed(&bytes), count).map(Ok),
                    Err(reason) => Ok(Err(reason)),
                },
                Err(e) => Ok(Err(format!("cannot be read: {e}"))),
            };
            bar.advance();
            result
        })
        .collect();
    bar.finish();
    let mut embedded = Vec::new();
    let mut kept = Vec::new();
    for (example, result) in dataset.examples.drain(..).zip(results) {
        match result? {
            Ok(features) => {
                embedded.push(features);
                kept.push(example);
            }
            Err(reason) => dataset.problems.push(Problem { file: example.name, line: None, reason }),
        }
    }
    dataset.examples = kept;
    Ok(embedded)
}

/// A photo's variations depend on what it holds alone, so that a retrain need not make them again.
fn seed(photo: &[u8]) -> u64 {
    u64::from_le_bytes(*Sha256::digest(photo).first_chunk().unwrap_or(&[0; 8]))
}

fn embed(embedder: &Embedder, photo: &Photo, variation: Variation, seed: u64, count: usize) -> jicho::Result<Embedded> {
    let frame = photo.frame()?;
    let seen = embedder.pixels(&frame);
    let plain = embedder.embed(&seen)?;
    let mut varied = Vec::with_capacity(count + 1);
    if variation.mirror {
        varied.push(embedder.embed(&seen.mirrored())?);
    }
    for number in 0..count as u64 {
        let pixels = variation.pixels(&frame, embedder.preprocessing(), seen.size(), seed, number);
        varied.push(embedder.embed(&pixels)?);
    }
    Ok(Embedded { plain, varied })
}

/// Feature vectors of the frames without a product, each as a photo of its kind.
///
/// # Errors
/// When the network fails.
pub fn background(embedder: &Embedder, size: usize) -> jicho::Result<Vec<(usize, Embedded)>> {
    (0..background::KINDS * background::PER_KIND)
        .into_par_iter()
        .map(|i| {
            let kind = i / background::PER_KIND;
            let plain = embedder.embed(&background::pixels(kind, i % background::PER_KIND, size)?)?;
            Ok((kind, Embedded { plain, varied: Vec::new() }))
        })
        .collect()
}
