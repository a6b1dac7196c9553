//! From photos to feature vectors, on all cores.

use jicho::recognize::Embedder;
use rayon::prelude::*;

use super::background;
use crate::dataset::{Dataset, Problem};
use crate::photo::Photo;
use crate::progress::Progress;

/// Products with fewer photos than this are also seen brighter, darker, nearer and mirrored.
const FEW: usize = 5;

/// A photo's feature vectors.
pub struct Embedded {
    /// Of the photo as it is.
    pub plain: Vec<f32>,
    /// Of its variations, for training only.
    pub varied: Vec<Vec<f32>>,
}

/// Embeds every photo; those that cannot be read move from the examples to the problems.
///
/// Each photo is embedded on its own, so the number of threads changes nothing.
///
/// # Errors
/// When the network itself fails.
pub fn photos(embedder: &Embedder, dataset: &mut Dataset, progress: Progress) -> crate::error::Result<Vec<Embedded>> {
    let mut sizes = vec![0usize; dataset.labels.len()];
    dataset.examples.iter().filter_map(|e| e.label).for_each(|label| sizes[label] += 1);
    let bar = progress.stage("embed", dataset.examples.len());
    let results: Vec<_> = dataset
        .examples
        .par_iter()
        .map(|example| {
            let few = example.label.is_some_and(|label| sizes[label] < FEW);
            let result = match example.photo() {
                Ok(photo) => embed(embedder, &photo, few).map(Ok),
                Err(reason) => Ok(Err(reason)),
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

fn embed(embedder: &Embedder, photo: &Photo, few: bool) -> jicho::Result<Embedded> {
    let seen = embedder.pixels(&photo.frame()?);
    let plain = embedder.embed(&seen)?;
    let mut varied = Vec::new();
    if few {
        for gain in [0.75, 1.3] {
            varied.push(embedder.embed(&seen.brightened(gain))?);
        }
        varied.push(embedder.embed(&photo.frame()?.center_square(0.8, seen.size()))?);
        varied.push(embedder.embed(&seen.mirrored())?);
    }
    Ok(Embedded { plain, varied })
}

/// Feature vectors of the background frames with their kind.
///
/// # Errors
/// When the network fails.
pub fn background(embedder: &Embedder, size: usize) -> jicho::Result<Vec<(usize, Vec<f32>)>> {
    (0..background::KINDS * background::PER_KIND)
        .into_par_iter()
        .map(|i| {
            let kind = i / background::PER_KIND;
            Ok((kind, embedder.embed(&background::pixels(kind, i % background::PER_KIND, size)?)?))
        })
        .collect()
}
