//! Fits the heads of attributes to points of the space. Each head is fitted twice: without the held-out photos, to measure
//! and calibrate it, and with all photos, for the release.

use std::collections::BTreeMap;

use jicho::manifest::{AttributeHead, Position};
use jicho::recognize::DiscriminantHead;

use super::answers::{HeldOutAnswer, accuracy, best};
use super::calibrate::fit_scale;
use super::content::ContentId;
use super::embed::Embedded;
use super::hold_out::hold_out;
use super::lda;
use super::ridge::Ridge;
use crate::dataset::{Example, Value};
use crate::error::Result;
use crate::output::release::{HeadFile, HeadTensors};

/// The ridge penalties that are tried, and the one that is used when there are too few photos to try any.
const PENALTIES: [f64; 5] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0];
const DEFAULT_PENALTY: f64 = 1e-2;

/// A fitted discriminant head, with answers to held-out photos.
struct Fit {
    /// The head of the release, fitted to all photos.
    head: HeadTensors,
    /// Answers of the head that did not learn from the held-out photos, with the photos' indices.
    held_out: Vec<(usize, HeldOutAnswer)>,
}

impl Fit {
    fn answers(&self) -> Vec<HeldOutAnswer> {
        self.held_out.iter().map(|(_, answer)| answer.clone()).collect()
    }
}

/// Photos, as all heads see them. The slices have one entry per example.
#[derive(Clone, Copy)]
pub struct Photos<'a> {
    /// Points of the space.
    pub points: &'a [Embedded],
    /// Which photos are held out.
    pub held: &'a [bool],
    /// Which photos the release does not learn from.
    pub apart: &'a [bool],
    /// What each photo shows, to find copies.
    pub contents: &'a [ContentId],
    /// Places the split within the training part.
    pub seed: u64,
}

/// Fits a discriminant head to photos with these classes.
fn discriminant(photos: Photos<'_>, class: &[Option<usize>], classes: usize) -> Result<Fit> {
    let points = photos.points;
    // When all photos of a class are held out, no answer could be right: they are learnt from instead.
    let mut trained = vec![false; classes];
    for (class, _) in class.iter().zip(photos.held).filter(|(_, held)| !**held) {
        class.iter().for_each(|&k| trained[k] = true);
    }
    let held: Vec<bool> =
        class.iter().zip(photos.held).map(|(class, held)| *held && class.is_some_and(|k| trained[k])).collect();
    let fit = |with_held: bool| {
        let mut rows: Vec<&[f32]> = Vec::new();
        let mut row_class = Vec::new();
        for (((photo, class), held), apart) in points.iter().zip(class).zip(&held).zip(photos.apart) {
            let Some(class) = class.filter(|_| !held || with_held && !apart) else { continue };
            for row in photo.rows() {
                rows.push(row);
                row_class.push(class);
            }
        }
        lda::fit(&rows, &row_class, classes)
    };
    let any_held = held.contains(&true);
    let (head, measured) = rayon::join(|| fit(true), || any_held.then(|| fit(false)));
    let mut held_out = Vec::new();
    if let Some(measured) = measured {
        let inputs = points.first().map_or(0, |e| e.plain.len());
        let reader = DiscriminantHead::new(
            inputs,
            measured.projection,
            measured.offset,
            measured.prototypes,
            if measured.dims == 0 { 0 } else { classes },
        )?;
        for (photo, class) in class.iter().enumerate().filter(|(i, _)| held[*i]) {
            let Some(class) = *class else { continue };
            let mut cosines = reader.cosines(&points[photo].plain);
            cosines.resize(classes, 0.0);
            held_out.push((photo, HeldOutAnswer { cosines, class, score: 0.0 }));
        }
    }
    Ok(Fit { head, held_out })
}

/// Fits a head for every attribute except `label_attribute`, which the label head answers. Adds the heads' tensors to
/// `file` and returns their entries in the manifest.
pub fn fit(
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
    let fit = discriminant(photos, &class, classes.len())?;
    let answers = fit.answers();
    file.discriminant(tensor, &fit.head, photos.points[0].plain.len(), classes.len());
    // With a single value every answer is right, which measures nothing.
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
            let fit = discriminant(photos, &class, classes.len())?;
            Ok((classes, fit))
        })
        .collect::<Result<_>>()?;
    // A position learns from held-out photos whose value would otherwise be unknown to it. Only photos that all positions
    // held out tell how often the whole sequence is right.
    let mut right: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
    let mut positions = Vec::with_capacity(length);
    for (i, (classes, fit)) in fits.into_iter().enumerate() {
        for (photo, answer) in &fit.held_out {
            let entry = right.entry(*photo).or_insert((0, true));
            entry.0 += 1;
            entry.1 &= best(&answer.cosines) == answer.class;
        }
        file.discriminant(&format!("{tensor}/{i}"), &fit.head, photos.points[0].plain.len(), classes.len());
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
    // The penalty is chosen on photos held out of the training part: the held-out photos must not influence it.
    let held: Vec<bool> = known.iter().map(|(i, _)| photos.held[*i]).collect();
    let within: Vec<Option<usize>> = held.iter().map(|held| (!held).then_some(0)).collect();
    let contents: Vec<ContentId> = known.iter().map(|(i, _)| photos.contents[*i]).collect();
    let chosen_on = hold_out(&within, 1, &contents, photos.seed);
    let rows = |wanted: &dyn Fn(usize) -> bool| -> (Vec<&[f32]>, Vec<f64>) {
        let wanted = known.iter().enumerate().filter(|(k, _)| wanted(*k));
        wanted.map(|(_, (i, v))| (photos.points[*i].plain.as_slice(), *v)).unzip()
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
    let (all, targets) = rows(&|k| !photos.apart[known[k].0]);
    let (weight, bias) = Ridge::new(&all, &targets).solve(penalty);
    file.numeric(tensor, &weight, bias);
    let range = targets.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [a.min(*v), b.max(*v)]);
    AttributeHead::Numeric { range, mae: measured.map(|m| m.0), rmse: measured.map(|m| m.1) }
}

/// Mean absolute error and root mean squared error.
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

/// The distinct values, sorted, and each item's index among them.
fn classes_of<T: Ord + Clone>(values: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<Option<usize>>) {
    let values: Vec<Option<T>> = values.collect();
    let mut classes: Vec<T> = values.iter().flatten().cloned().collect();
    classes.sort();
    classes.dedup();
    let class = values.iter().map(|v| v.as_ref().and_then(|v| classes.binary_search(v).ok())).collect();
    (classes, class)
}
