//! Learning the label head: a space, own or shared, and a prototype a product; and the trials that tell how good it is.

use std::sync::Arc;

use jicho::recognize::{Likeness, Prototypes, nearest};
use rayon::prelude::*;

use super::calibrate::HeldOut;
use super::embed::{self, Embedded};
use super::prototypes;
use super::shared::Shared;
use crate::error::Result;

/// Shops of up to this many products leave out every third in turn.
const SMALL_SHOP: usize = 12;
/// Photos a product that a trial for other visits learns from.
const FEW: usize = 3;

/// Photos with their classes.
#[derive(Clone, Copy)]
pub struct Set<'a> {
    /// In the dataset's order.
    pub photos: &'a [Embedded],
    /// Of each photo.
    pub class: &'a [Option<usize>],
    /// Whether the network was made from each photo: of such it is too sure for them to measure or calibrate.
    pub seen: &'a [bool],
    /// How many.
    pub classes: usize,
    /// Frames without a product, by kind.
    pub background: &'a [(usize, Embedded)],
    /// Length of the network's part of the features.
    pub embedding: usize,
}

/// Where a space comes from.
#[derive(Clone)]
pub enum Source {
    /// Fitted to the channel's own photos.
    Own,
    /// As it is.
    Given(Arc<Shared>),
}

/// What was learnt.
pub struct Model {
    /// The space.
    pub shared: Arc<Shared>,
    /// The products.
    pub head: Prototypes,
}

impl Model {
    /// Learns from some photos and their classes, of `classes`. A space of its own is fitted to those for which
    /// `in_space` holds.
    fn learn(
        set: Set<'_>,
        source: &Source,
        photos: &[(&Embedded, usize)],
        in_space: impl Fn(usize) -> bool,
    ) -> Result<Model> {
        let shared = match source {
            Source::Given(shared) => Arc::clone(shared),
            Source::Own => {
                // Classes keep their order; those that take no part have no place.
                let mut place = vec![None; set.classes];
                for (_, class) in photos.iter().filter(|(_, class)| in_space(*class)) {
                    place[*class] = Some(0);
                }
                let mut count = 0;
                for place in place.iter_mut().flatten() {
                    *place = count;
                    count += 1;
                }
                let fitted: Vec<(&Embedded, usize)> =
                    photos.iter().filter_map(|(photo, class)| Some((*photo, place[*class]?))).collect();
                Arc::new(Shared::fit(&fitted, count, set.background, set.embedding)?)
            }
        };
        let own: Vec<Embedded> = photos.iter().map(|(photo, _)| (*photo).clone()).collect();
        let points = embed::points(&shared.space, &own)?;
        let points: Vec<(&Embedded, usize)> = points.iter().zip(photos).map(|(p, (_, class))| (p, *class)).collect();
        let head = prototypes::fit(&points, set.classes, shared.space.dims())?;
        Ok(Model { shared, head })
    }

    /// Learns from all photos.
    ///
    /// # Errors
    /// When the given space is one of other features.
    pub fn of(set: Set<'_>, source: &Source) -> Result<Model> {
        Model::learn(set, source, &with_class(set, |_| true), |_| true)
    }

    /// What the model says of a photo, where only the classes for which `takes_part` holds can be the answer.
    fn answer(&self, photo: &Embedded, class: usize, takes_part: &[bool]) -> Result<HeldOut> {
        let point = self.shared.space.point(&photo.plain)?;
        let cosines = self.head.cosines(&point);
        let background = &self.shared.background;
        let background = nearest(&background.cosines(&point), background.own());
        let likeness = Likeness::of(&cosines, self.head.own(), takes_part, background);
        Ok(HeldOut { cosines, class, score: likeness.score() })
    }

    /// The same of several photos.
    ///
    /// # Errors
    /// When the photos are of other features.
    pub fn answers(&self, photos: &[(&Embedded, usize)], takes_part: &[bool]) -> Result<Vec<HeldOut>> {
        photos.par_iter().map(|(photo, class)| self.answer(photo, *class, takes_part)).collect()
    }
}

fn with_class(set: Set<'_>, wanted: impl Fn(usize) -> bool) -> Vec<(&Embedded, usize)> {
    let all = set.photos.iter().zip(set.class).enumerate().filter(|(i, _)| wanted(*i));
    all.filter_map(|(_, (photo, class))| Some((photo, (*class)?))).collect()
}

/// A model with its answers to photos that it did not see.
pub struct Trial {
    /// The model.
    pub model: Model,
    /// With the photos' places.
    pub answers: Vec<(usize, HeldOut)>,
}

impl Trial {
    /// The answers alone.
    pub fn answers(&self) -> Vec<HeldOut> {
        self.answers.iter().map(|(_, answer)| answer.clone()).collect()
    }
}

/// Holds photos out; none where there are none to hold out. A class of which every photo is held out could not be
/// answered: its photos are trained on instead.
///
/// # Errors
/// As [`Model::of`].
pub fn held_out(set: Set<'_>, source: &Source, held: &[bool]) -> Result<Option<Trial>> {
    let mut trained = vec![false; set.classes];
    for (class, _) in set.class.iter().zip(held).filter(|(_, held)| !**held) {
        class.iter().for_each(|&k| trained[k] = true);
    }
    let is_held = |i: usize| held[i] && set.class[i].is_some_and(|k| trained[k]);
    let places: Vec<usize> = (0..set.photos.len()).filter(|&i| is_held(i)).collect();
    if places.is_empty() {
        return Ok(None);
    }
    let model = Model::learn(set, source, &with_class(set, |i| !is_held(i)), |_| true)?;
    let answers = model.answers(&with_class(set, is_held), &vec![true; set.classes])?;
    Ok(Some(Trial { model, answers: places.into_iter().zip(answers).collect() }))
}

/// A trial for photos of other visits: held-out neighbours of the training photos are too easy to calibrate by. Photos
/// that the network has seen are asked for neither.
#[derive(Debug, Default)]
pub struct Visits {
    /// Answers to the second half of each product's photos by a model that saw three of the first half.
    pub known: Vec<HeldOut>,
    /// Rejection scores of photos whose product took no part.
    pub strangers: Vec<f32>,
}

/// Runs the trial: a third of the products is left out, in small shops every third in turn. Of fewer than two products
/// none is left out.
///
/// # Errors
/// As [`Model::of`].
pub fn visits(set: Set<'_>, source: &Source) -> Result<Visits> {
    let parts = set.classes.min(3);
    let trials = match set.classes {
        0 | 1 => 1,
        2..=SMALL_SHOP => parts,
        _ => 1,
    };
    let mut members = vec![Vec::new(); set.classes];
    for (i, class) in set.class.iter().enumerate() {
        class.iter().for_each(|&k| members[k].push(i));
    }
    let mut first = vec![false; set.photos.len()];
    let mut second = vec![false; set.photos.len()];
    for photos in &mut members {
        // The halves are of the photos in order, but what the network has seen is learnt from first.
        photos.sort_by_key(|&i| !set.seen[i]);
        let half = photos.len().div_ceil(2);
        let few = half.min(FEW);
        (0..few).for_each(|i| first[photos[i * half / few]] = true);
        photos[half..].iter().for_each(|&i| second[i] = !set.seen[i]);
    }
    let trial = |part: usize| -> Result<Visits> {
        let takes_part: Vec<bool> = (0..set.classes).map(|k| parts < 2 || k % parts != part).collect();
        let class_takes_part = |i: usize| set.class[i].is_some_and(|k| takes_part[k]);
        let model = Model::learn(set, source, &with_class(set, |i| first[i]), |k| takes_part[k])?;
        let known = model.answers(&with_class(set, |i| second[i] && class_takes_part(i)), &takes_part)?;
        let strangers = with_class(set, |i| !set.seen[i] && !class_takes_part(i));
        let strangers = model.answers(&strangers, &takes_part)?.into_iter().map(|answer| answer.score).collect();
        Ok(Visits { known, strangers })
    };
    let trials: Vec<Visits> = (0..trials).into_par_iter().map(trial).collect::<Result<_>>()?;
    Ok(trials.into_iter().fold(Visits::default(), |mut all, trial| {
        all.known.extend(trial.known);
        all.strangers.extend(trial.strangers);
        all
    }))
}
