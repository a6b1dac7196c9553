//! Fitting heads: each is fitted twice, without the held-out photos to measure and calibrate it, and with all photos
//! for the release.

use std::collections::BTreeMap;

use jicho::manifest::{AttributeHead, Position};
use jicho::recognize::PrototypeHead;
use rayon::prelude::*;

use super::calibrate::{HeldOut, accuracy, best, fit_scale};
use super::embed::Embedded;
use super::lda;
use super::split::hold_out;
use crate::dataset::{Example, Value};
use crate::error::Result;
use crate::release::{HeadFile, HeadTensors};

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

/// Fits a prototype head; `class` gives each photo's class, `background` rows become further prototypes by kind.
pub fn prototypes(
    embedded: &[Embedded],
    class: &[Option<usize>],
    classes: usize,
    background: &[(usize, Vec<f32>)],
    seed: u64,
) -> Result<Fit> {
    let held = hold_out(class, classes, seed);
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

/// Fits a head for every attribute but `label_attribute`, which the label head answers; adds their tensors to `file`,
/// and returns what the manifest says of them.
pub fn attributes(
    embedded: &[Embedded],
    examples: &[Example],
    label_attribute: Option<&str>,
    seed: u64,
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
            Some(Value::Text(_)) => categorical(embedded, &values, seed, &tensor, file)?,
            Some(Value::Sequence(first)) => sequence(embedded, &values, first.len(), seed, &tensor, file)?,
            Some(Value::Number(_)) => numeric(embedded, &values, seed, &tensor, file),
            None => continue,
        };
        heads.insert(name.clone(), head);
    }
    Ok(heads)
}

fn categorical(
    embedded: &[Embedded],
    values: &[Option<&Value>],
    seed: u64,
    tensor: &str,
    file: &mut HeadFile,
) -> Result<AttributeHead> {
    let text = |v: &Option<&Value>| match v {
        Some(Value::Text(t)) => Some(t.clone()),
        _ => None,
    };
    let (classes, class) = classes_of(values.iter().map(text));
    let fit = prototypes(embedded, &class, classes.len(), &[], seed)?;
    let answers = fit.answers();
    file.prototypes(tensor, &fit.head, embedded[0].plain.len(), classes.len());
    Ok(AttributeHead::Categorical { scale: fit_scale(&answers), accuracy: accuracy(&answers), classes })
}

fn sequence(
    embedded: &[Embedded],
    values: &[Option<&Value>],
    length: usize,
    seed: u64,
    tensor: &str,
    file: &mut HeadFile,
) -> Result<AttributeHead> {
    let fits: Vec<(Vec<i64>, Fit)> = (0..length)
        .into_par_iter()
        .map(|position| {
            let item = |v: &Option<&Value>| match v {
                Some(Value::Sequence(items)) => Some(items[position]),
                _ => None,
            };
            let (classes, class) = classes_of(values.iter().map(item));
            let fit = prototypes(embedded, &class, classes.len(), &[], seed)?;
            Ok((classes, fit))
        })
        .collect::<Result<_>>()?;
    // Positions hold out different photos, since each splits by its own classes; only photos that all of them held
    // out tell how often the whole sequence is right.
    let mut right: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
    let mut positions = Vec::with_capacity(length);
    for (i, (classes, fit)) in fits.into_iter().enumerate() {
        for (photo, answer) in &fit.held_out {
            let entry = right.entry(*photo).or_insert((0, true));
            entry.0 += 1;
            entry.1 &= best(&answer.cosines) == answer.class;
        }
        file.prototypes(&format!("{tensor}/{i}"), &fit.head, embedded[0].plain.len(), classes.len());
        positions.push(Position { scale: fit_scale(&fit.answers()), classes });
    }
    let whole: Vec<bool> = right.values().filter(|(n, _)| *n == length).map(|(_, right)| *right).collect();
    let accuracy = (!whole.is_empty()).then(|| whole.iter().filter(|r| **r).count() as f64 / whole.len() as f64);
    Ok(AttributeHead::Sequence { positions, accuracy })
}

fn numeric(
    embedded: &[Embedded],
    values: &[Option<&Value>],
    seed: u64,
    tensor: &str,
    file: &mut HeadFile,
) -> AttributeHead {
    let known: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(i, v)| match v {
            Some(Value::Number(n)) => Some((i, *n)),
            _ => None,
        })
        .collect();
    let held = hold_out(&vec![Some(0); known.len()], 1, seed);
    let rows = |wanted: &dyn Fn(usize) -> bool| -> (Vec<&[f32]>, Vec<f64>) {
        known
            .iter()
            .enumerate()
            .filter(|(k, _)| wanted(*k))
            .map(|(_, (i, v))| (embedded[*i].plain.as_slice(), *v))
            .unzip()
    };
    let (train, targets) = rows(&|k| !held[k]);
    let (test, truth) = rows(&|k| held[k]);
    let measure = |lambda: f64| {
        let (weight, bias) = lda::ridge(&train, &targets, lambda);
        let errors: Vec<f64> = test
            .iter()
            .zip(&truth)
            .map(|(row, truth)| {
                let sum: f64 = row.iter().zip(&weight).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                sum + f64::from(bias) - truth
            })
            .collect();
        let count = errors.len().max(1) as f64;
        let mae = errors.iter().map(|e| e.abs()).sum::<f64>() / count;
        (lambda, mae, (errors.iter().map(|e| e * e).sum::<f64>() / count).sqrt())
    };
    let mut chosen = (0.01, None);
    if !test.is_empty() {
        let tried = [1e-4, 1e-3, 1e-2, 1e-1, 1.0].map(measure);
        let least = tried.into_iter().fold(tried[0], |a, b| if b.2 < a.2 { b } else { a });
        chosen = (least.0, Some((least.1, least.2)));
    }
    let (all, targets) = rows(&|_| true);
    let (weight, bias) = lda::ridge(&all, &targets, chosen.0);
    file.numeric(tensor, &weight, bias);
    let range = targets.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [a.min(*v), b.max(*v)]);
    AttributeHead::Numeric { range, mae: chosen.1.map(|c| c.0), rmse: chosen.1.map(|c| c.1) }
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
