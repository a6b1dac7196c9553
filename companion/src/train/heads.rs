//! Fitting heads: each is fitted twice, without the held-out photos to measure and calibrate it, and with all photos
//! for the release.

use std::collections::BTreeMap;

use jicho::manifest::{AttributeHead, Position};
use jicho::recognize::PrototypeHead;
use rayon::prelude::*;

use super::calibrate::{HeldOut, accuracy, best, fit_scale};
use super::embed::Embedded;
use super::lda;
use super::ridge::Ridge;
use super::split::hold_out;
use crate::dataset::{Example, Value};
use crate::error::Result;
use crate::release::{HeadFile, HeadTensors};

/// Shops of up to this many products leave out every third in turn.
const SMALL_SHOP: usize = 12;
/// Penalties of the ridge regression that are tried, and the one where none can be.
const PENALTIES: [f64; 5] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0];
const DEFAULT_PENALTY: f64 = 1e-2;

/// A fitted prototype head with its answers to held-out photos.
pub struct Fit {
    /// For the release.
    pub head: HeadTensors,
    /// Answers of the head that did not see the photo, with the photo's index.
    pub held_out: Vec<(usize, HeldOut)>,
}

impl Fit {
    /// The held-out answers alone.
    pub fn answers(&self) -> Vec<HeldOut> {
        self.held_out.iter().map(|(_, h)| h.clone()).collect()
    }
}

/// Photos with what heads share.
#[derive(Clone, Copy)]
pub struct Photos<'a> {
    /// Feature vectors.
    pub embedded: &'a [Embedded],
    /// Which photos are held out.
    pub held: &'a [bool],
    /// Places further splits.
    pub seed: u64,
}

/// Fits a prototype head; `class` gives each photo's class, `background` rows become further prototypes by kind.
pub fn prototypes(
    photos: Photos<'_>,
    class: &[Option<usize>],
    classes: usize,
    background: &[(usize, Vec<f32>)],
) -> Result<Fit> {
    let embedded = photos.embedded;
    // A class of which every photo is held out could not be answered: its photos are trained on instead.
    let mut trained = vec![false; classes];
    for (class, _) in class.iter().zip(photos.held).filter(|(_, held)| !**held) {
        class.iter().for_each(|&k| trained[k] = true);
    }
    let held: Vec<bool> =
        class.iter().zip(photos.held).map(|(class, held)| *held && class.is_some_and(|k| trained[k])).collect();
    let kinds = background.iter().map(|(kind, _)| kind + 1).max().unwrap_or(0);
    let fit = |with_held: bool| {
        let mut rows: Vec<&[f32]> = Vec::new();
        let mut row_class = Vec::new();
        for ((photo, class), held) in embedded.iter().zip(class).zip(&held) {
            let Some(class) = class.filter(|_| with_held || !held) else { continue };
            for row in std::iter::once(&photo.plain).chain(&photo.varied) {
                rows.push(row);
                row_class.push(class);
            }
        }
        for (kind, row) in background {
            rows.push(row);
            row_class.push(classes + kind);
        }
        lda::fit(&rows, &row_class, classes + kinds)
    };
    let any_held = held.contains(&true);
    let (head, measured) = rayon::join(|| fit(true), || any_held.then(|| fit(false)));
    let mut held_out = Vec::new();
    if let Some(measured) = measured {
        let inputs = embedded.first().map_or(0, |e| e.plain.len());
        let reader = PrototypeHead::new(
            inputs,
            measured.projection,
            measured.offset,
            measured.prototypes,
            if measured.dims == 0 { 0 } else { classes + kinds },
        )?;
        for (photo, class) in class.iter().enumerate().filter(|(i, _)| held[*i]) {
            let Some(class) = *class else { continue };
            let mut cosines = reader.cosines(&embedded[photo].plain);
            cosines.resize(classes, 0.0);
            held_out.push((photo, HeldOut { cosines, class }));
        }
    }
    Ok(Fit { head, held_out })
}

/// The largest cosine of each photo of a product that the head was never shown: a third of the products is left out of
/// a trial fit, and in small shops every third in turn.
pub fn strangers(
    embedded: &[Embedded],
    class: &[Option<usize>],
    classes: usize,
    background: &[(usize, Vec<f32>)],
) -> Result<Vec<f32>> {
    let parts = classes.min(3);
    let trials = match classes {
        0 | 1 => 0,
        2..=SMALL_SHOP => parts,
        _ => 1,
    };
    let kinds = background.iter().map(|(kind, _)| kind + 1).max().unwrap_or(0);
    let trial = |part: usize| -> Result<Vec<f32>> {
        // Products keep their order; those left out have no place.
        let mut count = 0;
        let place: Vec<Option<usize>> = (0..classes)
            .map(|k| {
                let kept = k % parts != part;
                count += usize::from(kept);
                kept.then(|| count - 1)
            })
            .collect();
        let mut rows: Vec<&[f32]> = Vec::new();
        let mut row_class = Vec::new();
        let mut left_out = Vec::new();
        for (photo, class) in embedded.iter().zip(class) {
            match class.map(|k| place[k]) {
                Some(Some(place)) => {
                    let all = std::iter::once(&photo.plain).chain(&photo.varied);
                    all.for_each(|row| {
                        rows.push(row);
                        row_class.push(place);
                    });
                }
                Some(None) => left_out.push(&photo.plain),
                None => {}
            }
        }
        for (kind, row) in background {
            rows.push(row);
            row_class.push(count + kind);
        }
        let head = lda::fit(&rows, &row_class, count + kinds);
        if head.dims == 0 {
            return Ok(Vec::new());
        }
        let inputs = left_out.first().map_or(0, |row| row.len());
        let reader = PrototypeHead::new(inputs, head.projection, head.offset, head.prototypes, count + kinds)?;
        let largest = |row: &&Vec<f32>| reader.cosines(row)[..count].iter().copied().fold(f32::MIN, f32::max);
        Ok(left_out.iter().map(largest).collect())
    };
    let scores: Vec<Vec<f32>> = (0..trials).into_par_iter().map(trial).collect::<Result<_>>()?;
    Ok(scores.concat())
}

/// Fits a head for every attribute but `label_attribute`, which the label head answers; adds their tensors to `file`,
/// and returns what the manifest says of them.
pub fn attributes(
    photos: Photos<'_>,
    examples: &[Example],
    label_attribute: Option<&str>,
    file: &mut HeadFile,
) -> Result<BTreeMap<String, AttributeHead>> {
    let mut names: Vec<&String> = examples.iter().flat_map(|e| e.attributes.keys()).collect();
    names.sort();
    names.dedup();
    let mut heads = BTreeMap::new();
    for name in names {
        if label_attribute == Some(name) {
            heads.insert(name.clone(), AttributeHead::Label);
            continue;
        }
        let values: Vec<Option<&Value>> = examples.iter().map(|e| e.attributes.get(name)).collect();
        let tensor = format!("attribute/{name}");
        let head = match values.iter().flatten().next() {
            Some(Value::Text(_)) => categorical(photos, &values, &tensor, file)?,
            Some(Value::Sequence(first)) => sequence(photos, &values, first.len(), &tensor, file)?,
            Some(Value::Number(_)) => numeric(photos, &values, &tensor, file),
            None => continue,
        };
        heads.insert(name.clone(), head);
    }
    Ok(heads)
}

fn categorical(
    photos: Photos<'_>,
    values: &[Option<&Value>],
    tensor: &str,
    file: &mut HeadFile,
) -> Result<AttributeHead> {
    let text = |v: &Option<&Value>| match v {
        Some(Value::Text(t)) => Some(t.clone()),
        _ => None,
    };
    let (classes, class) = classes_of(values.iter().map(text));
    let fit = prototypes(photos, &class, classes.len(), &[])?;
    let answers = fit.answers();
    file.prototypes(tensor, &fit.head, photos.embedded[0].plain.len(), classes.len());
    // With one value there is nothing to be right about.
    let accuracy = accuracy(&answers).filter(|_| classes.len() > 1);
    Ok(AttributeHead::Categorical { scale: fit_scale(&answers), accuracy, classes })
}

fn sequence(
    photos: Photos<'_>,
    values: &[Option<&Value>],
    length: usize,
    tensor: &str,
    file: &mut HeadFile,
) -> Result<AttributeHead> {
    let fits: Vec<(Vec<i64>, Fit)> = (0..length)
        .map(|position| {
            let item = |v: &Option<&Value>| match v {
                Some(Value::Sequence(items)) => Some(items[position]),
                _ => None,
            };
            let (classes, class) = classes_of(values.iter().map(item));
            let fit = prototypes(photos, &class, classes.len(), &[])?;
            Ok((classes, fit))
        })
        .collect::<Result<_>>()?;
    // A position trains on held-out photos whose value it has never seen otherwise; only photos that all positions
    // held out tell how often the whole sequence is right.
    let mut right: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
    let mut positions = Vec::with_capacity(length);
    for (i, (classes, fit)) in fits.into_iter().enumerate() {
        for (photo, answer) in &fit.held_out {
            let entry = right.entry(*photo).or_insert((0, true));
            entry.0 += 1;
            entry.1 &= best(&answer.cosines) == answer.class;
        }
        file.prototypes(&format!("{tensor}/{i}"), &fit.head, photos.embedded[0].plain.len(), classes.len());
        positions.push(Position { scale: fit_scale(&fit.answers()), classes });
    }
    let whole: Vec<bool> = right.values().filter(|(n, _)| *n == length).map(|(_, right)| *right).collect();
    let accuracy = (!whole.is_empty()).then(|| whole.iter().filter(|r| **r).count() as f64 / whole.len() as f64);
    Ok(AttributeHead::Sequence { positions, accuracy })
}

fn numeric(photos: Photos<'_>, values: &[Option<&Value>], tensor: &str, file: &mut HeadFile) -> AttributeHead {
    let known: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(i, v)| match v {
            Some(Value::Number(n)) => Some((i, *n)),
            _ => None,
        })
        .collect();
    // The penalty is chosen on photos held out of the training part, so that the held-out photos stay unseen.
    let held: Vec<bool> = known.iter().map(|(i, _)| photos.held[*i]).collect();
    let within: Vec<Option<usize>> = held.iter().map(|held| (!held).then_some(0)).collect();
    let chosen_on = hold_out(&within, 1, photos.seed);
    let rows = |wanted: &dyn Fn(usize) -> bool| -> (Vec<&[f32]>, Vec<f64>) {
        let wanted = known.iter().enumerate().filter(|(k, _)| wanted(*k));
        wanted.map(|(_, (i, v))| (photos.embedded[*i].plain.as_slice(), *v)).unzip()
    };
    let (fitted, targets) = rows(&|k| !held[k] && !chosen_on[k]);
    let ridge = Ridge::new(&fitted, &targets);
    let (tried, truth) = rows(&|k| chosen_on[k]);
    let mut penalty = DEFAULT_PENALTY;
    if !tried.is_empty() && !fitted.is_empty() {
        let errors = PENALTIES.map(|p| (p, errors(&ridge.solve(p), &tried, &truth).1));
        penalty = errors.into_iter().fold(errors[0], |a, b| if b.1 < a.1 { b } else { a }).0;
    }
    let (train, targets) = rows(&|k| !held[k]);
    let (test, truth) = rows(&|k| held[k]);
    let measured = (!test.is_empty() && !train.is_empty())
        .then(|| errors(&Ridge::new(&train, &targets).solve(penalty), &test, &truth));
    let (all, targets) = rows(&|_| true);
    let (weight, bias) = Ridge::new(&all, &targets).solve(penalty);
    file.numeric(tensor, &weight, bias);
    let range = targets.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [a.min(*v), b.max(*v)]);
    AttributeHead::Numeric { range, mae: measured.map(|m| m.0), rmse: measured.map(|m| m.1) }
}

/// Mean absolute and root mean squared error.
fn errors((weight, bias): &(Vec<f32>, f32), rows: &[&[f32]], truth: &[f64]) -> (f64, f64) {
    let error = |(row, truth): (&&[f32], &f64)| {
        let sum: f64 = row.iter().zip(weight).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
        sum + f64::from(*bias) - truth
    };
    let errors: Vec<f64> = rows.iter().zip(truth).map(error).collect();
    let count = errors.len().max(1) as f64;
    let mae = errors.iter().map(|e| e.abs()).sum::<f64>() / count;
    (mae, (errors.iter().map(|e| e * e).sum::<f64>() / count).sqrt())
}

/// The distinct values in order, and each item's index among them.
fn classes_of<T: Ord + Clone>(values: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<Option<usize>>) {
    let values: Vec<Option<T>> = values.collect();
    let mut classes: Vec<T> = values.iter().flatten().cloned().collect();
    classes.sort();
    classes.dedup();
    let class = values.iter().map(|v| v.as_ref().and_then(|v| classes.binary_search(v).ok())).collect();
    (classes, class)
}
