//! The photos that a backbone is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use super::Options;
use crate::dataset::{Dataset, Example};
use crate::error::{Error, Result, at};
use crate::network::view::Square;
use crate::progress::Progress;
use crate::samples;

/// Photos in memory: squares somewhat larger than the network's input, so that parts of them are sharp.
pub struct Photos {
    /// Products, in byte order.
    pub classes: Vec<String>,
    /// Photos to learn from.
    pub squares: Vec<Square>,
    /// The product of each, where known.
    pub labels: Vec<Option<usize>>,
    /// How many of them were drawn.
    pub generated: usize,
    /// Photos to measure on.
    pub held_squares: Vec<Square>,
    /// Their products.
    pub held_labels: Vec<usize>,
}

impl Photos {
    /// Reads and draws what `options` names, for a network of `size`.
    pub fn read(options: &Options, size: usize, progress: Progress) -> Result<Photos> {
        let left_out = read_lines(options.leave_out.as_deref())?;
        let mut found = Vec::new();
        for path in &options.photos {
            found.extend(labelled(path, progress)?);
        }
        let known: BTreeSet<String> = found.iter().filter_map(|(_, label)| label.clone()).collect();
        if let Some(label) = left_out.iter().find(|label| !known.contains(*label)) {
            return Err(Error::BadInput(format!("`{label}` is to be left out, but there are no photos of it")));
        }
        found.retain(|(_, label)| label.as_ref().is_none_or(|label| !left_out.contains(label)));
        let names: BTreeSet<String> = found.iter().filter_map(|(_, label)| label.clone()).collect();
        let index: BTreeMap<&String, usize> = names.iter().zip(0..).collect();
        let side = size * 7 / 4;
        let real = decode(&found, side, progress);
        let mut held = match &options.held_out {
            Some(path) => decode(&labelled(path, progress)?, side, progress),
            None => Vec::new(),
        };
        held.retain(|(_, label)| label.as_ref().is_some_and(|label| index.contains_key(label)));
        let drawn = drawn(options, side, progress)?;
        let generated = drawn.len();
        let (squares, labels): (Vec<_>, Vec<_>) = real.into_iter().chain(drawn).unzip();
        if squares.is_empty() {
            return Err(Error::NoPhotos("no photo is left to learn from".into()));
        }
        let at = |label: Option<String>| label.and_then(|label| index.get(&label).copied());
        let (held_squares, held_labels): (Vec<_>, Vec<_>) = held.into_iter().unzip();
        Ok(Photos {
            labels: labels.into_iter().map(at).collect(),
            held_labels: held_labels.into_iter().filter_map(at).collect(),
            classes: names.iter().cloned().collect(),
            squares,
            generated,
            held_squares,
        })
    }
}

type Labelled<T> = (T, Option<String>);

fn labelled(path: &Path, progress: Progress) -> Result<Vec<Labelled<Example>>> {
    let dataset = Dataset::read(path, None)?;
    dataset.problems.iter().for_each(|problem| progress.warn(&format!("left out: {problem}")));
    let label = |label: Option<usize>| label.map(|label| dataset.labels[label].clone());
    Ok(dataset.examples.iter().map(|example| (example.clone(), label(example.label))).collect())
}

/// The photos that can be read; each is decoded on its own, and they stay in order.
fn decode(photos: &[Labelled<Example>], side: usize, progress: Progress) -> Vec<Labelled<Square>> {
    let stage = progress.stage("read", photos.len());
    let read = |(example, label): &Labelled<Example>| {
        let square = Square::read(example, 1.0, side);
        stage.advance();
        square.map(|square| (square, label.clone())).map_err(|why| format!("left out: {} {why}", example.name))
    };
    let results: Vec<_> = photos.par_iter().map(read).collect();
    stage.finish();
    let warn = |result: Result<_, String>| result.map_err(|why| progress.warn(&why)).ok();
    results.into_iter().filter_map(warn).collect()
}

/// Drawn photos, without labels.
fn drawn(options: &Options, side: usize, progress: Progress) -> Result<Vec<Labelled<Square>>> {
    if options.generated == 0 {
        return Ok(Vec::new());
    }
    let folder = tempfile::tempdir().map_err(at(std::env::temp_dir()))?;
    let drawing =
        samples::Options { photos_per_product: options.generated, seed: options.seed, ..samples::Options::default() };
    let stage = progress.stage("draw", 0);
    let seen = |done: usize, total: usize| stage.set(done as u64, Some(total as u64));
    samples::generate(folder.path(), &drawing, &seen).map_err(at(folder.path()))?;
    stage.finish();
    let photos: Vec<_> = labelled(folder.path(), progress)?.into_iter().map(|(example, _)| (example, None)).collect();
    Ok(decode(&photos, side, progress))
}

fn read_lines(path: Option<&Path>) -> Result<BTreeSet<String>> {
    let Some(path) = path else { return Ok(BTreeSet::new()) };
    let text = std::fs::read_to_string(path).map_err(at(path))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
