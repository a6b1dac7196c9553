//! The photos that a backbone is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use super::Options;
use super::teacher::BYTES;
use crate::dataset::{self, Dataset, Example, Reading, Split};
use crate::error::{Error, Result, at};
use crate::file;
use crate::learning::network::view::Square;
use crate::model::backbone::pretraining::Pretraining;
use crate::progress::Progress;
use crate::samples;

/// Photos in memory, as squares that are somewhat larger than the network's input, so that crops of them are sharp.
pub struct Photos {
    /// Product ids, in byte order.
    pub classes: Vec<String>,
    /// The examples that can be read, without drawn photos. Their labels are indices into `classes`.
    pub examples: Vec<Example>,
    /// The pictures to learn from: those of `examples`, then the drawn ones.
    pub squares: Vec<Square>,
    /// The class of each of `squares`, if known.
    pub labels: Vec<Option<usize>>,
    /// Number of drawn photos.
    pub generated: usize,
    /// The held-out pictures.
    pub held_squares: Vec<Square>,
    /// The examples of the held-out pictures.
    pub held_examples: Vec<Example>,
}

impl Photos {
    /// Reads and draws the photos that `options` name, for a network whose input has `size` pixels a side.
    pub fn read(options: &Options, size: usize, progress: Progress) -> Result<Photos> {
        let left_out = read_lines(options.leave_out.as_deref())?;
        let mut found = Vec::new();
        for path in &options.photos {
            found.extend(labelled(path, &options.reading, progress)?);
        }
        let known: BTreeSet<String> = found.iter().filter_map(|(_, label)| label.clone()).collect();
        if let Some(label) = left_out.iter().find(|label| !known.contains(*label)) {
            return Err(Error::BadInput(format!("`{label}` is to be left out, but there are no photos of it")));
        }
        found.retain(|(_, label)| label.as_ref().is_none_or(|label| !left_out.contains(label)));
        let names: BTreeSet<String> = found.iter().filter_map(|(_, label)| label.clone()).collect();
        let index: BTreeMap<&String, usize> = names.iter().zip(0..).collect();
        let at = |label: &Option<String>| label.as_ref().and_then(|label| index.get(label).copied());
        let side = size * 7 / 4;
        let named = |photos: Vec<Labelled<Example>>| -> Vec<Example> {
            photos.into_iter().map(|(photo, label)| Example { label: at(&label), ..photo }).collect()
        };
        let (mut squares, examples) = decode(named(found), side, progress);
        let mut held = match &options.held_out {
            Some(path) => named(labelled(path, &options.reading, progress)?),
            None => Vec::new(),
        };
        held.retain(|example| example.label.is_some());
        let total = held.len();
        let mut seen = Pretraining::of(&examples, None).saw(&held).into_iter();
        held.retain(|_| seen.next() != Some(true));
        if held.len() < total {
            let both = total - held.len();
            progress.warn(&format!(
                "{both} of the held-out photos are also learnt from, so they measure nothing and are left out"
            ));
        }
        let (held_squares, held_examples) = decode(held, side, progress);
        let drawn = drawn(options, side, progress)?;
        let generated = drawn.len();
        squares.extend(drawn);
        if squares.is_empty() {
            return Err(Error::NoPhotos("no photo is left to learn from".into()));
        }
        let labels = examples.iter().map(|example| example.label);
        Ok(Photos {
            labels: labels.chain(std::iter::repeat_n(None, generated)).collect(),
            classes: names.iter().cloned().collect(),
            squares,
            examples,
            generated,
            held_squares,
            held_examples,
        })
    }
}

type Labelled<T> = (T, Option<String>);

fn labelled(path: &Path, reading: &Reading, progress: Progress) -> Result<Vec<Labelled<Example>>> {
    let mut dataset = Dataset::read(path, reading)?;
    dataset.tell(progress);
    if dataset.has_splits() {
        dataset.examples.retain(|example| !example.split.is_some_and(Split::is_apart));
    }
    dataset::tell_left_out(&dataset.problems, progress);
    let label = |label: Option<usize>| label.map(|label| dataset.labels[label].clone());
    Ok(dataset.examples.iter().map(|example| (example.clone(), label(example.label))).collect())
}

/// Decodes the photos, in order. Those that cannot be read are left out with a warning.
fn decode(photos: Vec<Example>, side: usize, progress: Progress) -> (Vec<Square>, Vec<Example>) {
    let stage = progress.stage("read", photos.len());
    let read = |example: Example| {
        let square = Square::read(&example, &BYTES, side);
        stage.advance();
        square.map_err(|why| format!("left out: {} {why}", example.name)).map(|square| (square, example))
    };
    let results: Vec<_> = photos.into_par_iter().map(read).collect();
    stage.finish();
    let warn = |result: Result<_, String>| result.map_err(|why| progress.warn(&why)).ok();
    results.into_iter().filter_map(warn).unzip()
}

/// Drawn photos, without labels.
fn drawn(options: &Options, side: usize, progress: Progress) -> Result<Vec<Square>> {
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
    let photos =
        labelled(folder.path(), &Reading::default(), progress)?.into_iter().map(|(example, _)| example).collect();
    Ok(decode(photos, side, progress).0)
}

fn read_lines(path: Option<&Path>) -> Result<BTreeSet<String>> {
    let Some(path) = path else { return Ok(BTreeSet::new()) };
    Ok(file::read_lines(path)?.into_iter().collect())
}
