//! From photos to feature vectors, on all cores.

use jicho::frame::Frame;
use jicho::recognize::{Embedder, Space};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::augment::Variation;
use super::background;
use crate::cache::{Cache, Key};
use crate::dataset::{Dataset, Example, Problem};
use crate::progress::Progress;

/// A product's photos are varied until there are about this many variations of them together, …
const VARIATIONS: usize = 24;
/// … but no photo more often than this.
pub const MOST: usize = 8;

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

    /// With so many of its variations besides the mirror image, if there is one.
    pub fn varied(&self, count: usize, mirror: bool) -> Embedded {
        let kept = (count + usize::from(mirror)).min(self.varied.len());
        Embedded { plain: self.plain.clone(), varied: self.varied[..kept].to_vec() }
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

/// How often a photo is varied, besides mirrored, whose product has `photos` of them.
pub fn variations(photos: usize) -> usize {
    VARIATIONS.div_ceil(photos.max(1)).min(MOST)
}

/// How photos are embedded.
pub struct Views<'a> {
    /// Network and colours.
    pub embedder: &'a Embedder,
    /// The digest of all that the features of given pixels depend on.
    pub network: String,
    /// What may be done to the photos.
    pub variation: Variation,
    /// What was embedded before.
    pub cache: &'a Cache,
}

/// Embeds every photo, with as many variations as `variations` says for so many photos of a product; those that cannot
/// be read move from the examples to the problems.
///
/// Each photo is embedded on its own, so the number of threads changes nothing.
///
/// # Errors
/// When the network itself fails.
pub fn photos(
    views: &Views<'_>,
    dataset: &mut Dataset,
    variations: impl Fn(usize) -> usize + Sync,
    progress: Progress,
) -> crate::error::Result<Vec<Embedded>> {
    let mut sizes = vec![0usize; dataset.labels.len()];
    dataset.examples.iter().filter_map(|e| e.label).for_each(|label| sizes[label] += 1);
    let bar = progress.stage("embed", dataset.examples.len());
    let results: Vec<_> = dataset
        .examples
        .par_iter()
        .map(|example| {
            let count = variations(example.label.map_or(dataset.examples.len(), |label| sizes[label]));
            let result = views.embed(example, count);
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

impl Views<'_> {
    /// The inner error says why the photo cannot be read.
    fn embed(&self, example: &Example, count: usize) -> jicho::Result<Result<Embedded, String>> {
        let bytes = match example.bytes() {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        };
        let mirrored = usize::from(self.variation.mirror);
        let wanted = 1 + mirrored + count;
        let key = Key::of(&bytes, example.region, &[self.network.as_bytes(), &[mirrored as u8]]);
        let mut rows = self.cache.get(&key).unwrap_or_default();
        if rows.len() < wanted {
            let photo = match example.decode(&bytes) {
                Ok(photo) => photo,
                Err(reason) => return Ok(Err(reason)),
            };
            for view in rows.len()..wanted {
                rows.push(self.view(&photo.frame()?, view, seed(&bytes))?);
            }
            self.cache.put(&key, &rows);
        }
        rows.truncate(wanted);
        let plain = rows.remove(0);
        Ok(Ok(Embedded { plain, varied: rows }))
    }

    /// View 0 is the photo as it is, view 1 its mirror image if that may be, the others are variations.
    fn view(&self, frame: &Frame<'_>, view: usize, seed: u64) -> jicho::Result<Vec<f32>> {
        let Views { embedder, variation, .. } = self;
        let pixels = match view {
            0 => embedder.pixels(frame),
            1 if variation.mirror => embedder.pixels(frame).mirrored(),
            _ => variation.pixels(frame, embedder.preprocessing(), embedder.image_size(), seed, view as u64),
        };
        embedder.embed(&pixels)
    }
}

/// A photo's variations depend on what it holds alone, so that a retrain need not make them again.
fn seed(photo: &[u8]) -> u64 {
    u64::from_le_bytes(*Sha256::digest(photo).first_chunk().unwrap_or(&[0; 8]))
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
