//! Trials: models that learn from a part of the photos, and answer others.

use std::collections::{HashMap, HashSet};

use jicho::recognize::normalize;
use rayon::prelude::*;

use super::answers::{HeldOutAnswer, OtherVisits};
use super::content::{ContentId, without_copies};
use super::embed::Embedded;
use super::label_model::{LabelModel, SpaceSource, TrainingSet};
use crate::error::Result;

/// In shops of up to this many products, every third product is left out in turn; in larger ones a single third is.
const SMALL_SHOP: usize = 12;

/// A model, with its answers to photos that it did not learn from.
pub struct Trial {
    /// The model.
    pub model: LabelModel,
    /// The answers, with the photos' indices.
    pub answers: Vec<(usize, HeldOutAnswer)>,
}

impl Trial {
    /// The answers alone.
    pub fn answers(&self) -> Vec<HeldOutAnswer> {
        self.answers.iter().map(|(_, answer)| answer.clone()).collect()
    }
}

/// Learns from the photos that are not `held` out and answers those that are; none when there are none. When all photos of
/// a class are held out, no answer could be right: they are learnt from instead.
///
/// # Errors
/// As [`LabelModel::train`].
pub fn held_out(set: TrainingSet<'_>, source: &SpaceSource, held: &[bool]) -> Result<Option<Trial>> {
    let mut learnt = vec![false; set.classes];
    for (class, _) in set.class.iter().zip(held).filter(|(_, held)| !**held) {
        class.iter().for_each(|&k| learnt[k] = true);
    }
    let is_held = |i: usize| held[i] && set.class[i].is_some_and(|k| learnt[k]);
    let asked: Vec<usize> = (0..set.photos.len()).filter(|&i| is_held(i)).collect();
    if asked.is_empty() {
        return Ok(None);
    }
    let model = LabelModel::train_on(set, source, &set.with_class(|i| !is_held(i)), |_| true)?;
    let answers = model.answers(&set.with_class(is_held), &vec![true; set.classes])?;
    Ok(Some(Trial { model, answers: asked.into_iter().zip(answers).collect() }))
}

/// Answers as to photos of another visit: each product's photos are cut into halves in their order, and into thirds by
/// likeness; for each part a model learns from the others and answers it. Products left out of a further model, in small shops each third in turn, give the
/// scores of unknown ones; with fewer than two products, none is left out.
///
/// # Errors
/// As [`LabelModel::train`].
pub fn other_visits(set: TrainingSet<'_>, source: &SpaceSource) -> Result<OtherVisits> {
    let cuts = [Parts::in_order(set), Parts::by_likeness(set)];
    let folds: Vec<(&Parts, usize)> =
        cuts.iter().flat_map(|parts| (0..parts.count).map(move |asked| (parts, asked))).collect();
    let groups: Vec<[Vec<HeldOutAnswer>; 2]> =
        folds.par_iter().map(|(parts, asked)| ask_part(set, source, parts, *asked)).collect::<Result<_>>()?;
    let groups: Vec<Vec<HeldOutAnswer>> = groups.into_iter().flatten().filter(|group| !group.is_empty()).collect();
    let mut class_sizes = vec![0; set.classes];
    set.class.iter().flatten().for_each(|&k| class_sizes[k] += 1);
    let mut asked = vec![false; set.photos.len()];
    for (parts, part) in folds {
        asked.iter_mut().zip(parts.asked(set, part)).for_each(|(asked, here)| *asked |= here);
    }
    Ok(OtherVisits {
        photos: asked.into_iter().filter(|asked| *asked).count(),
        groups: groups.iter().map(Vec::len).collect(),
        known: groups.into_iter().flatten().collect(),
        class_sizes,
        unknown_scores: left_out(set, source, &cuts[0])?,
    })
}

/// The answers of a model that learnt from all parts but one: to that part's photos as they are, and varied.
fn ask_part(set: TrainingSet<'_>, source: &SpaceSource, parts: &Parts, part: usize) -> Result<[Vec<HeldOutAnswer>; 2]> {
    let (learnt, asked) = (parts.learnt(part), parts.asked(set, part));
    let plain = set.with_class(|i| asked[i]);
    if plain.is_empty() {
        return Ok([Vec::new(), Vec::new()]);
    }
    let model = LabelModel::train_on(set, source, &set.with_class(|i| learnt[i]), |_| true)?;
    let varied = |(photo, class): &(&Embedded, usize)| {
        let plain = photo.varied.last()?.clone();
        Some((Embedded { plain, varied: Vec::new() }, *class))
    };
    let varied: Vec<(Embedded, usize)> = plain.iter().filter_map(varied).collect();
    let varied: Vec<(&Embedded, usize)> = varied.iter().map(|(photo, class)| (photo, *class)).collect();
    let all = vec![true; set.classes];
    Ok([model.answers(&plain, &all)?, model.answers(&varied, &all)?])
}

/// Rejection scores of photos of products that a model had not learnt.
fn left_out(set: TrainingSet<'_>, source: &SpaceSource, halves: &Parts) -> Result<Vec<f32>> {
    let parts = set.classes.min(3);
    let trials = match set.classes {
        0 | 1 => 0,
        2..=SMALL_SHOP => parts,
        _ => 1,
    };
    let learnt = halves.learnt(1);
    let trial = |part: usize| -> Result<Vec<f32>> {
        let takes_part: Vec<bool> = (0..set.classes).map(|k| k % parts != part).collect();
        let class_takes_part = |i: usize| set.class[i].is_some_and(|k| takes_part[k]);
        let model = LabelModel::train_on(set, source, &set.with_class(|i| learnt[i]), |k| takes_part[k])?;
        let copied = copies_of_learnt(set, &learnt, class_takes_part);
        let unknown =
            set.with_class(|i| !set.pretrained[i] && !class_takes_part(i) && !copied.contains(&set.contents[i]));
        let unknown = model.answers(&unknown, &takes_part)?;
        Ok(unknown.into_iter().map(|answer| answer.score).collect())
    };
    let trials: Vec<Vec<f32>> = (0..trials).into_par_iter().map(trial).collect::<Result<_>>()?;
    Ok(trials.concat())
}

/// The contents of photos that a trial learns from for the products that take part.
fn copies_of_learnt(
    set: TrainingSet<'_>,
    learnt: &[bool],
    class_takes_part: impl Fn(usize) -> bool,
) -> HashSet<ContentId> {
    (0..set.photos.len()).filter(|&i| learnt[i] && class_takes_part(i)).map(|i| set.contents[i]).collect()
}

/// Rounds of the power iteration that finds the direction in which a product's photos vary most.
const ROUNDS: usize = 12;

/// Each product's photos, cut into parts. Copies of a photo are in the same part; the only photo of a product is learnt
/// from in any case.
struct Parts {
    /// How many there are.
    count: usize,
    /// The part of each photo with a class; none for photos that all models learn from.
    part: Vec<Option<usize>>,
    /// Which photos have a class.
    has_class: Vec<bool>,
}

impl Parts {
    /// Halves in the dataset's order: photos taken one after another stay together.
    fn in_order(set: TrainingSet<'_>) -> Parts {
        Parts::cut(set, 2, |photos| photos)
    }

    /// Thirds across the direction in which the photos vary most (Pearson 1901), so that they are as unlike as may be: in
    /// light, background or side. With halves, sides that look different would be asked of models that know but one.
    fn by_likeness(set: TrainingSet<'_>) -> Parts {
        Parts::cut(set, 3, |mut photos| {
            let places = along_first_direction(&photos.iter().map(|&i| &set.photos[i].plain[..]).collect::<Vec<_>>());
            let mut order: Vec<usize> = (0..photos.len()).collect();
            order.sort_by(|&a, &b| places[a].total_cmp(&places[b]).then(a.cmp(&b)));
            photos = order.into_iter().map(|place| photos[place]).collect();
            photos
        })
    }

    fn cut(set: TrainingSet<'_>, count: usize, sort: impl Fn(Vec<usize>) -> Vec<usize>) -> Parts {
        let mut members = vec![Vec::new(); set.classes];
        for (i, class) in set.class.iter().enumerate() {
            class.iter().for_each(|&k| members[k].push(i));
        }
        let mut part = vec![None; set.photos.len()];
        for photos in members {
            let sorted = sort(without_copies(&photos, set.contents));
            if sorted.len() < 2 {
                continue;
            }
            let parts = count.min(sorted.len());
            let numbered = sorted.iter().enumerate().map(|(place, &i)| (set.contents[i], place * parts / sorted.len()));
            let part_of: HashMap<ContentId, usize> = numbered.collect();
            photos.iter().for_each(|&i| part[i] = part_of.get(&set.contents[i]).copied());
        }
        Parts { count, part, has_class: set.class.iter().map(Option::is_some).collect() }
    }

    /// Which photos the model learns from that is asked about part `asked`.
    fn learnt(&self, asked: usize) -> Vec<bool> {
        let is_learnt = |part: &Option<usize>| *part != Some(asked);
        self.part.iter().zip(&self.has_class).map(|(part, has_class)| *has_class && is_learnt(part)).collect()
    }

    /// Which photos that model is asked about. None is a copy of one that it learnt from.
    fn asked(&self, set: TrainingSet<'_>, part: usize) -> Vec<bool> {
        let learnt = self.learnt(part);
        let copied = copies_of_learnt(set, &learnt, |_| true);
        let is_asked =
            |i: usize| self.has_class[i] && !learnt[i] && !set.pretrained[i] && !copied.contains(&set.contents[i]);
        (0..learnt.len()).map(is_asked).collect()
    }
}

/// Where each row lies along the direction in which the rows vary most, by power iteration.
fn along_first_direction(rows: &[&[f32]]) -> Vec<f32> {
    let [Some(first), Some(last)] = [rows.first(), rows.last()] else { return Vec::new() };
    let count = rows.len() as f32;
    let mut mean = vec![0f32; first.len()];
    rows.iter().for_each(|row| mean.iter_mut().zip(*row).for_each(|(m, v)| *m += v / count));
    let mut direction: Vec<f32> = last.iter().zip(*first).map(|(a, b)| a - b).collect();
    let places = |direction: &[f32]| -> Vec<f32> {
        rows.iter().map(|row| row.iter().zip(&mean).zip(direction).map(|((v, m), d)| (v - m) * d).sum()).collect()
    };
    for _ in 0..ROUNDS {
        let weights = places(&direction);
        direction.fill(0.0);
        for (row, weight) in rows.iter().zip(weights) {
            direction.iter_mut().zip(row.iter().zip(&mean)).for_each(|(d, (v, m))| *d += weight * (v - m));
        }
        normalize(&mut direction);
    }
    places(&direction)
}

#[cfg(test)]
mod tests {
    use super::super::content::testing::numbered;
    use super::*;

    #[test]
    fn a_copy_of_what_was_learnt_is_not_asked_about() {
        let photo = |x: f32| Embedded { plain: vec![x, 1.0], varied: Vec::new() };
        let photos: Vec<Embedded> = (0..8).map(|i| photo(i as f32)).collect();
        let class = [0, 0, 0, 0, 1, 1, 1, 1].map(Some);
        // The first product's third photo copies its first; the second's last copies the first product's second.
        let contents = numbered(&[1, 2, 1, 4, 5, 6, 7, 2]);
        let set = TrainingSet {
            photos: &photos,
            class: &class,
            contents: &contents,
            pretrained: &[false; 8],
            classes: 2,
            background: &[],
            embedding: 2,
        };
        let marked = |marks: Vec<bool>| (0..8).filter(|&i| marks[i]).collect::<Vec<_>>();
        let halves = Parts::in_order(set);
        assert_eq!(marked(halves.learnt(1)), [0, 1, 2, 4, 5], "a copy is in its photo's part");
        assert_eq!(marked(halves.asked(set, 1)), [3, 6], "the last photo's copy was learnt from");
        assert_eq!(marked(halves.learnt(0)), [3, 6, 7]);
        assert_eq!(marked(halves.asked(set, 0)), [0, 2, 4, 5], "the second photo's copy was learnt from");
    }

    #[test]
    fn parts_by_likeness_are_unlike() {
        // Photos of three visits, taken in turns.
        let photo = |i: usize| Embedded { plain: vec![(i % 3) as f32, 0.1 * i as f32 % 0.3], varied: Vec::new() };
        let photos: Vec<Embedded> = (0..9).map(photo).collect();
        let contents = numbered(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let set = TrainingSet {
            photos: &photos,
            class: &[Some(0); 9],
            contents: &contents,
            pretrained: &[false; 9],
            classes: 1,
            background: &[],
            embedding: 2,
        };
        let part = Parts::by_likeness(set).part;
        assert!((3..9).all(|i| part[i] == part[i % 3]), "{part:?}");
        assert!(part[0] != part[1] && part[1] != part[2] && part[0] != part[2], "{part:?}");
    }
}
