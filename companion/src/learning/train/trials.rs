//! Trials: models that learn from a part of the photos, and answer others.

use std::collections::HashSet;

use rayon::prelude::*;

use super::answers::{HeldOutAnswer, OtherVisits};
use super::content::{ContentId, without_copies};
use super::label_model::{LabelModel, SpaceSource, TrainingSet};
use crate::error::Result;

/// In shops of up to this many products, every third product is left out in turn; in larger ones a single third is.
const SMALL_SHOP: usize = 12;
/// How many photos per product a trial for other visits learns from.
const FEW: usize = 3;

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

/// Answers as to photos of another visit, by models that leave a third of the products out: in small shops every third in
/// turn. With fewer than two products, none is left out.
///
/// # Errors
/// As [`LabelModel::train`].
pub fn other_visits(set: TrainingSet<'_>, source: &SpaceSource) -> Result<OtherVisits> {
    let parts = set.classes.min(3);
    let trials = match set.classes {
        0 | 1 => 1,
        2..=SMALL_SHOP => parts,
        _ => 1,
    };
    let Halves { learnt, asked } = Halves::of(set);
    let trial = |part: usize| -> Result<OtherVisits> {
        let takes_part: Vec<bool> = (0..set.classes).map(|k| parts < 2 || k % parts != part).collect();
        let class_takes_part = |i: usize| set.class[i].is_some_and(|k| takes_part[k]);
        let model = LabelModel::train_on(set, source, &set.with_class(|i| learnt[i]), |k| takes_part[k])?;
        let known = model.answers(&set.with_class(|i| asked[i] && class_takes_part(i)), &takes_part)?;
        let copied = copies_of_learnt(set, &learnt, class_takes_part);
        let unknown =
            set.with_class(|i| !set.pretrained[i] && !class_takes_part(i) && !copied.contains(&set.contents[i]));
        let unknown = model.answers(&unknown, &takes_part)?;
        Ok(OtherVisits { known, unknown_scores: unknown.into_iter().map(|answer| answer.score).collect() })
    };
    let trials: Vec<OtherVisits> = (0..trials).into_par_iter().map(trial).collect::<Result<_>>()?;
    Ok(trials.into_iter().fold(OtherVisits::default(), |mut all, trial| {
        all.known.extend(trial.known);
        all.unknown_scores.extend(trial.unknown_scores);
        all
    }))
}

/// The contents of photos that a trial learns from for the products that take part.
fn copies_of_learnt(
    set: TrainingSet<'_>,
    learnt: &[bool],
    class_takes_part: impl Fn(usize) -> bool,
) -> HashSet<ContentId> {
    (0..set.photos.len()).filter(|&i| learnt[i] && class_takes_part(i)).map(|i| set.contents[i]).collect()
}

/// Which photos a trial for other visits learns from, and which it may be asked about. No photo is in both, nor are copies.
struct Halves {
    learnt: Vec<bool>,
    asked: Vec<bool>,
}

impl Halves {
    fn of(set: TrainingSet<'_>) -> Halves {
        let mut members = vec![Vec::new(); set.classes];
        for (i, class) in set.class.iter().enumerate() {
            class.iter().for_each(|&k| members[k].push(i));
        }
        let mut halves = Halves { learnt: vec![false; set.photos.len()], asked: vec![false; set.photos.len()] };
        for photos in members {
            let mut photos = without_copies(&photos, set.contents);
            // Halves are cut in the dataset's order, except that photos the backbone was pretrained on come first: they
            // cannot be asked about.
            photos.sort_by_key(|&i| !set.pretrained[i]);
            let half = photos.len().div_ceil(2);
            let few = half.min(FEW);
            (0..few).for_each(|i| halves.learnt[photos[i * half / few]] = true);
            photos[half..].iter().for_each(|&i| halves.asked[i] = !set.pretrained[i]);
        }
        let learnt = copies_of_learnt(set, &halves.learnt, |_| true);
        halves.asked.iter_mut().zip(set.contents).for_each(|(asked, content)| *asked &= !learnt.contains(content));
        halves
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::testing::numbered;
    use super::super::embed::Embedded;
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
        let Halves { learnt, asked } = Halves::of(set);
        let marked = |marks: Vec<bool>| (0..8).filter(|&i| marks[i]).collect::<Vec<_>>();
        assert_eq!(marked(learnt), [0, 1, 4, 5]);
        assert_eq!(marked(asked), [3, 6]);
    }
}
