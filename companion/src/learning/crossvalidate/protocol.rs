//! The protocols: which photos are learnt from, which are measured on, and what is counted.

use std::collections::{BTreeMap, HashMap};

use jicho::recognize::{Decision, decide, softmax};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Options, Row, Spread};
use crate::error::Result;
use crate::learning::measure::{auroc, false_accepts_at, wilson};
use crate::learning::train::calibrate::{self, Calibrated, MEASURABLE_PHOTOS, TRUE_ACCEPT_RATE};
use crate::learning::train::content::{ContentId, without_copies};
use crate::learning::train::embed::{self, Embedded};
use crate::learning::train::hold_out::hold_out;
use crate::learning::train::label_model::{LabelModel, TrainingSet};
use crate::learning::train::promise::MATCH_PRECISION;
use crate::learning::train::space_choice::{Choice, GivenSpace, choose};
use crate::learning::train::{HeldOutAnswer, best, expected_calibration_error, trials};
use crate::model::backbone::pretraining::Calibration;
use crate::progress::Progress;

/// Number of folds.
const FOLDS: usize = 5;
/// How large the drawn shops are that show whether the promise of a match is kept: the logarithms of the number of products
/// and of photos a product are uniform.
const SHOP_PRODUCTS: [f64; 2] = [5.0, 47.0];
const SHOP_PHOTOS: [f64; 2] = [5.0, 40.0];

/// Indices of the photos that are learnt from, and of those that are measured on.
pub type Split = (Vec<usize>, Vec<usize>);

/// Embedded photos, with what is known about them. Lists have one entry per photo unless stated otherwise.
pub struct Bench<'a> {
    /// The feature vectors, with all variations.
    pub photos: &'a [Embedded],
    /// The class of each photo.
    pub class: Vec<usize>,
    /// What each photo shows, to find copies.
    pub contents: &'a [ContentId],
    /// Whether the backbone was pretrained on each photo.
    pub pretrained: Vec<bool>,
    /// The calibration in the backbone's own file, if the backbone was pretrained on some of these photos.
    pub stored_calibration: Option<Calibration>,
    /// The kind of each class.
    pub kind: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Frames without a product to learn from, with their kind.
    pub background: &'a [(usize, Embedded)],
    /// Frames without a product to measure on.
    pub frames: Vec<Embedded>,
    /// Length of the backbone's part of the feature vectors.
    pub embedding: usize,
    /// The space that comes with the backbone.
    pub given: Vec<GivenSpace>,
    /// Whether the first variation is the mirror image.
    pub mirror: bool,
}

/// The answers of a model that learnt from one part of a split to the photos of the other part.
struct Answers {
    /// Answers to photos whose product was learnt. Classes are numbered as in `classes`.
    known: Vec<HeldOutAnswer>,
    /// Rejection scores of photos whose product was not learnt.
    unknown_scores: Vec<f32>,
    /// Rejection scores of frames without a product.
    frame_scores: Vec<f32>,
    /// The classes that were learnt.
    classes: Vec<usize>,
    /// Factor of the cosines before the softmax.
    scale: f32,
    /// What was decided of `known`, with the first label's probability and whether it is right.
    decided: Vec<(Decision, f32, bool)>,
    /// How many of the photos whose product was not learnt became a match.
    false_matches: usize,
}

impl Bench<'_> {
    /// Folds of neighbouring photos: the photos of each product are cut into runs, which are dealt to the folds.
    pub fn folds(&self, photos: &[usize], seed: u64) -> Vec<Split> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut fold = vec![0; self.photos.len()];
        // A copy of a photo is in the photo's fold, whatever its class; otherwise it would be learnt from and measured on.
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

    /// All rows of the table. `splits` gives the splits of a repetition.
    pub fn rows(
        &self,
        splits: &(dyn Fn(u64) -> Vec<Split> + Sync),
        options: &Options,
        progress: Progress,
    ) -> Result<Vec<Row>> {
        let seeds = options.seeds.max(1);
        let bar = progress.stage("validate", 0);
        let mut rows = Vec::new();
        let whole: Vec<Answers> = (0..seeds)
            .flat_map(splits)
            .collect::<Vec<_>>()
            .par_iter()
            .map(|split| self.judge(split, true))
            .collect::<Result<_>>()?;
        rows.push(self.row("all photos", &whole));
        rows.push(Row { what: "all photos: calibration".into(), measures: calibration(&whole) });
        rows.push(decisions("all photos: decisions", &whole));
        let frames = whole.iter().map(|j| (j.known.iter().map(|k| k.score).collect(), j.frame_scores.clone()));
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
                let scores =
                    judged.iter().map(|j| (j.known.iter().map(|k| k.score).collect(), j.unknown_scores.clone()));
                rows.push(rejection(what, scores));
            }
        }
        if options.shops > 0 {
            let judged = self.repeat(options.shops, splits, |split, rng| self.drawn_shop(split, rng))?;
            rows.push(decisions(&format!("{} drawn shops: decisions", options.shops), &judged));
        }
        bar.finish();
        Ok(rows)
    }

    /// Measures on the first split of each repetition, after `change` has changed it.
    fn repeat(
        &self,
        seeds: u64,
        splits: &(dyn Fn(u64) -> Vec<Split> + Sync),
        change: impl Fn(Split, &mut ChaCha8Rng) -> Split + Sync,
    ) -> Result<Vec<Answers>> {
        let judge = |seed: u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(1);
            splits(seed).into_iter().next().map(|split| self.judge(&change(split, &mut rng), false)).transpose()
        };
        let judged: Vec<Option<Answers>> = (0..seeds).into_par_iter().map(judge).collect::<Result<_>>()?;
        Ok(judged.into_iter().flatten().collect())
    }

    /// Learns from `count` photos per product only.
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

    /// Keeps a random choice of `products` products, among those that are measured on.
    fn shop(&self, (mut train, mut test): Split, products: usize, rng: &mut ChaCha8Rng) -> Split {
        let mut classes: Vec<usize> = (0..self.classes).filter(|k| test.iter().any(|&i| self.class[i] == *k)).collect();
        classes.shuffle(rng);
        classes.truncate(products);
        train.retain(|&i| classes.contains(&self.class[i]));
        test.retain(|&i| classes.contains(&self.class[i]));
        (train, test)
    }

    /// Keeps a random choice of products and a run of each product's photos. Photos of other products stay to be asked about.
    fn drawn_shop(&self, (train, test): Split, rng: &mut ChaCha8Rng) -> Split {
        let between = |[low, high]: [f64; 2], rng: &mut ChaCha8Rng| {
            (rng.random_range(low.ln()..high.ln()).exp().round() as usize).max(1)
        };
        let (products, photos) = (between(SHOP_PRODUCTS, rng), between(SHOP_PHOTOS, rng));
        let mut classes: Vec<usize> = (0..self.classes).filter(|k| test.iter().any(|&i| self.class[i] == *k)).collect();
        classes.shuffle(rng);
        classes.truncate(products);
        let mut kept = Vec::new();
        for class in classes {
            let members: Vec<usize> = train.iter().copied().filter(|&i| self.class[i] == class).collect();
            let start = rng.random_range(0..=members.len().saturating_sub(photos));
            kept.extend(members.into_iter().skip(start).take(photos));
        }
        kept.sort_unstable();
        (kept, test)
    }

    /// Learns from all but a quarter of the products, or of the kinds of products.
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

    /// Trains on one part of the split as `jicho train` does, and answers the other part.
    fn judge(&self, (train, test): &Split, frames: bool) -> Result<Answers> {
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
        // Without a given space there is nothing to choose.
        let held = if self.given.is_empty() {
            vec![false; class.len()]
        } else {
            hold_out(&class, classes.len(), &contents, 1)
        };
        let Choice { source, trial_source, .. } = choose(set, &self.given, &held)?;
        let visits = trials::other_visits(set, &trial_source)?;
        let stored = self.stored_calibration.filter(|_| visits.photos < MEASURABLE_PHOTOS);
        let Calibrated { scale, decision, .. } = calibrate::calibrate(&visits, stored, MATCH_PRECISION);
        let model = LabelModel::train(set, &source)?;
        let all = vec![true; classes.len()];
        let judged = |wanted: &dyn Fn(usize) -> bool| -> Vec<(&Embedded, usize)> {
            let wanted = test.iter().filter(|&&i| wanted(i));
            wanted.map(|&i| (&self.photos[i], place(i).unwrap_or_default())).collect()
        };
        let known = model.answers(&judged(&|i| place(i).is_some()), &all)?;
        let scores = |answers: Vec<HeldOutAnswer>| answers.into_iter().map(|answer| answer.score).collect();
        let unknown = model.answers(&judged(&|i| place(i).is_none()), &all)?;
        let decided = |answer: &HeldOutAnswer| {
            let probabilities = softmax(&answer.cosines, scale);
            let first = best(&probabilities);
            let confidence = probabilities[first];
            let (decision, _) = decide(&decision, answer.score, false, confidence, None);
            (decision, confidence, first == answer.class)
        };
        let false_matches = unknown.iter().filter(|answer| decided(answer).0 == Decision::Match).count();
        let decided: Vec<_> = known.iter().map(decided).collect();
        let unknown_scores = scores(unknown);
        let without: Vec<(&Embedded, usize)> =
            if frames { self.frames.iter().map(|frame| (frame, 0)).collect() } else { Vec::new() };
        let frame_scores = scores(model.answers(&without, &all)?);
        Ok(Answers { known, unknown_scores, frame_scores, classes, scale, decided, false_matches })
    }

    fn row(&self, what: &str, judged: &[Answers]) -> Row {
        let share = |j: &Answers, alike: &dyn Fn(usize, usize) -> bool| {
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

fn calibration(judged: &[Answers]) -> BTreeMap<&'static str, Spread> {
    let error = |j: &Answers| expected_calibration_error(&j.known, j.scale);
    present([("ece", Spread::of(&judged.iter().filter_map(error).collect::<Vec<_>>()))])
}

/// Pooled over all answers: the share of matches that are right (`match`, with the standard error of Wilson's interval), of
/// photos that get a match, of known products called unknown, and of photos of unknown products that become a match; and
/// the mean gap of confidence and accuracy over models.
fn decisions(what: &str, judged: &[Answers]) -> Row {
    let all: Vec<(Decision, f32, bool)> = judged.iter().flat_map(|j| j.decided.iter().copied()).collect();
    let share = |hits: usize, of: usize| {
        wilson(hits, of).map(|[low, high]| Spread { mean: hits as f64 / of as f64, sd: (high - low) / (2.0 * 1.96) })
    };
    let count = |wanted: Decision| all.iter().filter(|(decision, ..)| *decision == wanted).count();
    let right = all.iter().filter(|(decision, _, right)| *decision == Decision::Match && *right).count();
    let gap = |j: &Answers| {
        let claimed: f64 = j.decided.iter().map(|(_, confidence, _)| f64::from(*confidence)).sum();
        let right = j.decided.iter().filter(|(.., right)| *right).count() as f64;
        (!j.decided.is_empty()).then(|| (claimed - right) / j.decided.len() as f64)
    };
    let unknown: usize = judged.iter().map(|j| j.unknown_scores.len()).sum();
    Row {
        what: what.into(),
        measures: present([
            ("match right", share(right, count(Decision::Match))),
            ("matches", share(count(Decision::Match), all.len())),
            ("called unknown", share(count(Decision::Unknown), all.len())),
            ("false matches", share(judged.iter().map(|j| j.false_matches).sum(), unknown)),
            ("confidence less top-1", Spread::of(&judged.iter().filter_map(gap).collect::<Vec<_>>())),
        ]),
    }
}

fn rejection(what: &str, scores: impl Iterator<Item = (Vec<f32>, Vec<f32>)>) -> Row {
    let (mut areas, mut accepts) = (Vec::new(), Vec::new());
    for (known, unknown) in scores {
        areas.extend(auroc(&known, &unknown));
        accepts.extend(false_accepts_at(TRUE_ACCEPT_RATE, &known, &unknown));
    }
    Row { what: what.into(), measures: present([("auroc", Spread::of(&areas)), ("fpr95", Spread::of(&accepts))]) }
}
