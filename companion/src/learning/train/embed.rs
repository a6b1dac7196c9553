//! Embeds photos: from picture files to feature vectors, on all cores.

use jicho::frame::Frame;
use jicho::recognize::{Embedder, Space};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::augment::Variation;
use super::background;
use super::content::ContentId;
use crate::cache::{Cache, Key};
use crate::dataset::{Dataset, Example, Problem};
use crate::photo::PhotoError;
use crate::progress::Progress;

/// Each photo of a product is varied until the product has about this many variations, ...
const VARIATIONS: usize = 24;
/// ... but no photo is varied more often than this.
pub const MAX_VARIATIONS: usize = 8;

/// A photo's feature vectors, or its points in a space.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// The vector of the photo as it is.
    pub plain: Vec<f32>,
    /// The vectors of its variations, for training only. The mirror image comes first, if there is one.
    pub varied: Vec<Vec<f32>>,
}

impl Embedded {
    /// All vectors.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        std::iter::once(&self.plain).chain(&self.varied).map(Vec::as_slice)
    }

    /// The same photo with only the first `count` variations, besides the mirror image if there is one.
    pub fn with_variations(&self, count: usize, mirror: bool) -> Embedded {
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

/// The same photos as points of `space`.
///
/// # Errors
/// When the space is for other features.
pub fn points(space: &Space, photos: &[Embedded]) -> jicho::Result<Vec<Embedded>> {
    photos.par_iter().map(|photo| photo.map(|row| space.point(row))).collect()
}

/// How often a photo is varied, besides being mirrored, when its product has `photos` photos.
pub fn variations(photos: usize) -> usize {
    VARIATIONS.div_ceil(photos.max(1)).min(MAX_VARIATIONS)
}

/// Embeds photos, as they are and varied.
pub struct PhotoEmbedder<'a> {
    /// The backbone with the colour features.
    pub embedder: &'a Embedder,
    /// The digest of everything that the features of given pixels depend on.
    pub network: String,
    /// How photos are varied.
    pub variation: Variation,
    /// Vectors that were computed before.
    pub cache: &'a Cache,
}

/// Embedded photos: one entry of each list per example of the dataset.
pub struct EmbeddedPhotos {
    /// The feature vectors.
    pub features: Vec<Embedded>,
    /// What each photo shows, to find copies.
    pub contents: Vec<ContentId>,
}

/// Embeds every photo. `variations` gives the number of variations of a photo whose product has so many photos. Photos
/// that cannot be read move from the dataset's examples to its problems.
///
/// Each photo is embedded on its own, so the number of threads does not change the result.
///
/// # Errors
/// When the network itself fails.
pub fn photos(
    embedder: &PhotoEmbedder<'_>,
    dataset: &mut Dataset,
    variations: impl Fn(usize) -> usize + Sync,
    progress: Progress,
) -> crate::error::Result<EmbeddedPhotos> {
    let mut sizes = vec![0usize; dataset.labels.len()];
    dataset.examples.iter().filter_map(|e| e.label).for_each(|label| sizes[label] += 1);
    let bar = progress.stage("embed", dataset.examples.len());
    let results: Vec<_> = dataset
        .examples
        .par_iter()
        .map(|example| {
            let count = variations(example.label.map_or(dataset.examples.len(), |label| sizes[label]));
            let result = embedder.embed(example, count);
            bar.advance();
            result
        })
        .collect();
    bar.finish();
    let mut embedded = EmbeddedPhotos { features: Vec::new(), contents: Vec::new() };
    let mut kept = Vec::new();
    for (example, result) in dataset.examples.drain(..).zip(results) {
        match result? {
            Ok((features, content)) => {
                embedded.features.push(features);
                embedded.contents.push(content);
                kept.push(example);
            }
            Err(error) => dataset.problems.push(Problem::of(example.name, &error)),
        }
    }
    dataset.examples = kept;
    Ok(embedded)
}

impl PhotoEmbedder<'_> {
    /// The inner error says why the photo cannot be read.
    fn embed(&self, example: &Example, count: usize) -> jicho::Result<Result<(Embedded, ContentId), PhotoError>> {
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
        Ok(Ok((Embedded { plain, varied: rows }, ContentId::of(&bytes, example.region))))
    }

    /// View 0 is the photo as it is. View 1 is its mirror image, unless mirroring is off. All others are variations.
    fn view(&self, frame: &Frame<'_>, view: usize, seed: u64) -> jicho::Result<Vec<f32>> {
        let PhotoEmbedder { embedder, variation, .. } = self;
        let pixels = match view {
            0 => embedder.input_pixels(frame),
            1 if variation.mirror => embedder.input_pixels(frame).mirrored(),
            _ => variation.pixels(frame, embedder.preprocessing(), embedder.image_size(), seed, view as u64),
        };
        embedder.embed(&pixels)
    }
}

/// A photo's variations depend only on its bytes, so a retrain finds them in the cache.
fn seed(photo: &[u8]) -> u64 {
    u64::from_le_bytes(*Sha256::digest(photo).first_chunk().unwrap_or(&[0; 8]))
}

/// Feature vectors of generated frames without a product, with their kind.
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
