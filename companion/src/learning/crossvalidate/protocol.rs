//! The protocols: which photos are learnt from, which are judged, and what is counted.

use std::collections::{BTreeMap, HashMap};

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Options, Row, Spread};
use crate::error::Result;
use crate::learning::measure::{auroc, false_accepts_at};
use crate::learning::train::calibrate::{self, MEASURABLE_PHOTOS, TRUE_ACCEPT_RATE};
use crate::learning::train::content::{ContentId, without_copies};
use crate::learning::train::embed::{self, Embedded};
use crate::learning::train::hold_out::hold_out;
use crate::learning::train::label_model::{LabelModel, TrainingSet};
use crate::learning::train::space_choice::{Choice, GivenSpace, choose};
use crate::learning::train::{HeldOutAnswer, best, expected_calibration_error, trials};
use crate::model::backbone::pretraining::Calibration;
use crate::progress::Progress;

/// Folds; the photos of a product are cut at so many places.
const FOLDS: usize = 5;

/// Photos learnt from, and photos judged.
pub type Split = (Vec<usize>, Vec<usize>);

/// Embedded photos with what is known of them.
pub struct Bench<'a> {
    /// With all variations.
    pub photos: &'a [Embedded],
    /// Of each photo.
    pub class: Vec<usize>,
    /// What each photo shows, to find copies.
    pub contents: &'a [ContentId],
    /// Whether the backbone was pretrained on each photo.
    pub pretrained: Vec<bool>,
    /// The calibration in the backbone's own file, if the backbone was pretrained on some of these photos.
    pub stored_calibration: Option<Calibration>,
    /// Of each class.
    pub kind: Vec<usize>,
    /// How many.
    pub classes: usize,
    /// Frames without a product that are learnt from.
    pub background: &'a [(usize, Embedded)],
    /// Others, to judge by.
    pub frames: Vec<Embedded>,
    /// Length of the network's part of the features.
    pub embedding: usize,
    /// The space that comes with the backbone, as training wants it.
    pub given: Option<GivenSpace>,
    /// Whether the first variation is the mirror image.
    pub mirror: bool,
}

/// What a model learnt from a split says.
struct Judged {
    /// Of the judged photos whose product was learnt, with the class's own number.
    known: Vec<HeldOutAnswer>,
    /// Rejection scores of the other judged photos.
    strangers: Vec<f32>,
    /// Rejection scores of the frames without a product.
    frames: Vec<f32>,
    /// The classes' own numbers.
    classes: Vec<usize>,
    /// Factor of the cosines.
    scale: f32,
}

impl Bench<'_> {
    /// Folds of neighbours: the photos of a product are cut into runs, which are dealt to the folds.
    pub fn folds(&self, photos: &[usize], seed: u64) -> Vec<Split> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut fold = vec![0; self.photos.len()];
        // A copy of a photo is in the photo's fold, whatever its class: else it would be learnt from and judged.
        let mut fold_of_content: HashMap<ContentId, usize> = HashMap::new();
        for class in 0..self.classes {
            let members: Vec<usize> = photos.iter().copied().filter(|&i| self.class[i] == class).collect();
            let members = without_copies(&members, self.contents);
            let shift = rng.random_range(0..members.len().div_ceil(FOLDS).max(1));
            let mut place: Vec<usize> = (0..FOLDS).collect();
            place.shuffle(&mut rng);
            for (i, photo) in members.iter().enumerate() {
                let run = ((i + shift) * FOLDS / members.len()) % FOLDS;
                fold_of_content.entry(self.contents[*photo]).or_insert(place[run]);
            }
        }
        for &photo in photos {
            fold[photo] = fold_of_content[&self.contents[photo]];
        }
        let part = |k: usize, inside: bool| photos.iter().copied().filter(|&i| (fold[i] == k) == inside).collect();
        (0..FOLDS).map(|k| (part(k, false), part(k, true))).collect()
    }

    /// All rows. `splits` gives the splits of a repetition.
    pub fn rows(
        &self,
        splits: &(dyn Fn(u64) -> Vec<Split> + Sync),
        options: &Options,
        progress: Progress,
    ) -> Result<Vec<Row>> {
        let seeds = options.seeds.max(1);
        let bar = progress.stage("validate", 0);
        let mut rows = Vec::new();
        let whole: Vec<Judged> = (0..seeds)
            .flat_map(splits)
            .collect::<Vec<_>>()
            .par_iter()
            .map(|split| self.judge(split, true))
            .collect::<Result<_>>()?;
        rows.push(self.row("all photos", &whole));
        rows.push(Row { what: "all photos: calibration".into(), measures: calibration(&whole) });
        let frames = whole.iter().map(|j| (j.known.iter().map(|k| k.score).collect(), j.frames.clone()));
        rows.push(rejection("frames without a product", frames));
        if !options.brief {
            for few in [5, 3] {
                let judged = self.repeat(seeds, splits, |split, rng| self.few(split, few, rng))?;
                rows.push(self.row(&format!("{few} photos a product"), &judged));
            }
            for products in [10, 20, 47].into_iter().filter(|n| *n < self.classes) {
                let judged = self.repeat(2 * seeds, splits, |split, rng| self.shop(split, products, rng))?;
                rows.push(self.row(&format!("shops of {products} products"), &judged));
            }
            for (what, by_kind) in [("unknown products", false), ("unknown kinds", true)] {
                let judged = self.repeat(2 * seeds, splits, |split, rng| self.left_out(split, by_kind, rng))?;
                let scores = judged.iter().map(|j| (j.known.iter().map(|k| k.score).collect(), j.strangers.clone()));
                rows.push(rejection(what, scores));
            }
        }
        bar.finish();
        Ok(rows)
    }

    /// Judges the first split of each repetition, changed by `change`.
    fn repeat(
        &self,
        seeds: u64,
        splits: &(dyn Fn(u64) -> Vec<Split> + Sync),
        change: impl Fn(Split, &mut ChaCha8Rng) -> Split + Sync,
    ) -> Result<Vec<Judged>> {
        let judge = |seed: u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(1);
            splits(seed).into_iter().next().map(|split| self.judge(&change(split, &mut rng), false)).transpose()
        };
        let judged: Vec<Option<Judged>> = (0..seeds).into_par_iter().map(judge).collect::<Result<_>>()?;
        Ok(judged.into_iter().flatten().collect())
    }

    fn few(&self, (mut train, test): Split, count: usize, rng: &mut ChaCha8Rng) -> Split {
        train.shuffle(rng);
        let mut taken = vec![0; self.classes];
        train.retain(|&i| {
            taken[self.class[i]] += 1;
            taken[self.class[i]] <= count
        });
        train.sort_unstable();
        (train, test)
    }

    /// Only products that occur among the judged photos, so that each can be judged.
    fn shop(&self, (mut train, mut test): Split, products: usize, rng: &mut ChaCha8Rng) -> Split {
        let mut classes: Vec<usize> = (0..self.classes).filter(|k| test.iter().any(|&i| self.class[i] == *k)).collect();
        classes.shuffle(rng);
        classes.truncate(products);
        train.retain(|&i| classes.contains(&self.class[i]));
        test.retain(|&i| classes.contains(&self.class[i]));
        (train, test)
    }

    fn left_out(&self, (mut train, test): Split, by_kind: bool, rng: &mut ChaCha8Rng) -> Split {
        let group = |class: usize| if by_kind { self.kind[class] } else { class };
        let mut groups: Vec<usize> = (0..self.classes).map(group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.shuffle(rng);
        groups.truncate(groups.len().div_ceil(4));
        train.retain(|&i| !groups.contains(&group(self.class[i])));
        (train, test)
    }

    /// Learns as `jicho train` does.
    fn judge(&self, (train, test): &Split, frames: bool) -> Result<Judged> {
        let mut sizes = vec![0; self.classes];
        train.iter().for_each(|&i| sizes[self.class[i]] += 1);
        let classes: Vec<usize> = (0..self.classes).filter(|&k| sizes[k] > 0).collect();
        let place = |i: usize| classes.binary_search(&self.class[i]).ok();
        let photos: Vec<Embedded> = train
            .iter()
            .map(|&i| self.photos[i].with_variations(embed::variations(sizes[self.class[i]]), self.mirror))
            .collect();
        let class: Vec<Option<usize>> = train.iter().map(|&i| place(i)).collect();
        let pretrained: Vec<bool> = train.iter().map(|&i| self.pretrained[i]).collect();
        let contents: Vec<ContentId> = train.iter().map(|&i| self.contents[i]).collect();
        let set = TrainingSet {
            photos: &photos,
            class: &class,
            contents: &contents,
            pretrained: &pretrained,
            classes: classes.len(),
            background: self.background,
            embedding: self.embedding,
        };
        let held = match self.given {
            Some(_) => hold_out(&class, classes.len(), &contents, 1),
            // There is nothing to choose.
            None => vec![false; class.len()],
        };
        let Choice { source, trial_source, .. } = choose(set, self.given.as_ref(), &held)?;
        let visits = trials::other_visits(set, &trial_source)?;
        let stored = self.stored_calibration.filter(|_| visits.known.len() < MEASURABLE_PHOTOS);
        let (scale, _) = calibrate::calibrate(&visits, stored);
        let model = LabelModel::train(set, &source)?;
        let all = vec![true; classes.len()];
        let judged = |wanted: &dyn Fn(usize) -> bool| -> Vec<(&Embedded, usize)> {
            let wanted = test.iter().filter(|&&i| wanted(i));
            wanted.map(|&i| (&self.photos[i], place(i).unwrap_or_default())).collect()
        };
        let known = model.answers(&judged(&|i| place(i).is_some()), &all)?;
        let scores = |answers: Vec<HeldOutAnswer>| answers.into_iter().map(|answer| answer.score).collect();
        let strangers = scores(model.answers(&judged(&|i| place(i).is_none()), &all)?);
        let without: Vec<(&Embedded, usize)> =
            if frames { self.frames.iter().map(|frame| (frame, 0)).collect() } else { Vec::new() };
        let frames = scores(model.answers(&without, &all)?);
        Ok(Judged { known, strangers, frames, classes, scale })
    }

    fn row(&self, what: &str, judged: &[Judged]) -> Row {
        let share = |j: &Judged, alike: &dyn Fn(usize, usize) -> bool| {
            let right = j.known.iter().filter(|h| alike(j.classes[best(&h.cosines)], j.classes[h.class])).count();
            right as f64 / j.known.len().max(1) as f64
        };
        let of = |alike: &dyn Fn(usize, usize) -> bool| {
            Spread::of(&judged.iter().map(|j| share(j, alike)).collect::<Vec<_>>())
        };
        let kinds = of(&|a, b| self.kind[a] == self.kind[b]);
        let measures = [("top1", of(&|a, b| a == b)), ("kind", kinds)];
        Row { what: what.into(), measures: present(measures) }
    }
}

fn present<const N: usize>(measures: [(&'static str, Option<Spread>); N]) -> BTreeMap<&'static str, Spread> {
    measures.into_iter().filter_map(|(name, spread)| Some((name, spread?))).collect()
}

fn calibration(judged: &[Judged]) -> BTreeMap<&'static str, Spread> {
    let error = |j: &Judged| expected_calibration_error(&j.known, j.scale);
    present([("ece", Spread::of(&judged.iter().filter_map(error).collect::<Vec<_>>()))])
}

fn rejection(what: &str, scores: impl Iterator<Item = (Vec<f32>, Vec<f32>)>) -> Row {
    let (mut areas, mut accepts) = (Vec::new(), Vec::new());
    for (known, unknown) in scores {
        areas.extend(auroc(&known, &unknown));
        accepts.extend(false_accepts_at(TRUE_ACCEPT_RATE, &known, &unknown));
    }
    Row { what: what.into(), measures: present([("auroc", Spread::of(&areas)), ("fpr95", Spread::of(&accepts))]) }
}
