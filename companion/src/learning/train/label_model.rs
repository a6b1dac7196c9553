//! The label head's model: a space, and a prototype per product in it.

use std::sync::Arc;

use jicho::recognize::{Likeness, Prototypes, nearest};
use rayon::prelude::*;

use super::answers::HeldOutAnswer;
use super::content::ContentId;
use super::embed::{self, Embedded};
use super::prototypes;
use super::shared_space::SharedSpace;
use crate::error::Result;

/// Photos with their classes, and what training needs besides. The slices have one entry per photo.
#[derive(Clone, Copy)]
pub struct TrainingSet<'a> {
    /// Feature vectors, in the dataset's order.
    pub photos: &'a [Embedded],
    /// The class of each photo; photos without one are not learnt from.
    pub class: &'a [Option<usize>],
    /// What each photo shows, to find copies.
    pub contents: &'a [ContentId],
    /// Whether the backbone was pretrained on the photo. It is too sure of those, so they neither measure nor calibrate.
    pub pretrained: &'a [bool],
    /// Number of classes.
    pub classes: usize,
    /// Frames without a product, with their kind.
    pub background: &'a [(usize, Embedded)],
    /// Length of the backbone's part of the feature vectors; colour features follow it.
    pub embedding: usize,
}

impl<'a> TrainingSet<'a> {
    /// The photos with a class whose index is `wanted`.
    pub fn with_class(&self, wanted: impl Fn(usize) -> bool) -> Vec<(&'a Embedded, usize)> {
        let all = self.photos.iter().zip(self.class).enumerate().filter(|(i, _)| wanted(*i));
        all.filter_map(|(_, (photo, class))| Some((photo, (*class)?))).collect()
    }
}

/// Where a model's space comes from.
#[derive(Clone)]
pub enum SpaceSource {
    /// It is fitted to the photos that the model learns from.
    Own,
    /// It is given, and stays as it is.
    Given(Arc<SharedSpace>),
}

/// A space with the prototypes of products in it.
pub struct LabelModel {
    /// The space, with the prototypes of frames without a product.
    pub shared: Arc<SharedSpace>,
    /// The products' prototypes.
    pub head: Prototypes,
}

impl LabelModel {
    /// Learns from all photos that have a class.
    ///
    /// # Errors
    /// When the given space is for other features.
    pub fn train(set: TrainingSet<'_>, source: &SpaceSource) -> Result<LabelModel> {
        LabelModel::train_on(set, source, &set.with_class(|_| true), |_| true)
    }

    /// Learns from `photos`, with their classes. A space of its own is fitted to the classes for which `in_space` holds.
    ///
    /// # Errors
    /// As [`LabelModel::train`].
    pub fn train_on(
        set: TrainingSet<'_>,
        source: &SpaceSource,
        photos: &[(&Embedded, usize)],
        in_space: impl Fn(usize) -> bool,
    ) -> Result<LabelModel> {
        let shared = match source {
            SpaceSource::Given(shared) => Arc::clone(shared),
            SpaceSource::Own => Arc::new(fit_space(set, photos, in_space)?),
        };
        let own: Vec<Embedded> = photos.iter().map(|(photo, _)| (*photo).clone()).collect();
        let points = embed::points(&shared.space, &own)?;
        let points: Vec<(&Embedded, usize)> = points.iter().zip(photos).map(|(p, (_, class))| (p, *class)).collect();
        let head = prototypes::fit(&points, set.classes, shared.space.dims())?;
        Ok(LabelModel { shared, head })
    }

    /// Answers photos, given with their true class, when only the classes marked in `takes_part` can be the answer.
    ///
    /// # Errors
    /// When the photos have other features than the model.
    pub fn answers(&self, photos: &[(&Embedded, usize)], takes_part: &[bool]) -> Result<Vec<HeldOutAnswer>> {
        photos.par_iter().map(|(photo, class)| self.answer(photo, *class, takes_part)).collect()
    }

    fn answer(&self, photo: &Embedded, class: usize, takes_part: &[bool]) -> Result<HeldOutAnswer> {
        let point = self.shared.space.point(&photo.plain)?;
        let cosines = self.head.cosines(&point);
        let background = &self.shared.background;
        let background = nearest(&background.cosines(&point), background.own());
        let likeness = Likeness::of(&cosines, self.head.own(), takes_part, background);
        Ok(HeldOutAnswer { cosines, class, score: likeness.score() })
    }
}

/// Fits a space to the photos of the classes for which `in_space` holds. They are renumbered without gaps, in order.
fn fit_space(
    set: TrainingSet<'_>,
    photos: &[(&Embedded, usize)],
    in_space: impl Fn(usize) -> bool,
) -> Result<SharedSpace> {
    let mut number = vec![None; set.classes];
    for (_, class) in photos.iter().filter(|(_, class)| in_space(*class)) {
        number[*class] = Some(0);
    }
    let mut count = 0;
    for number in number.iter_mut().flatten() {
        *number = count;
        count += 1;
    }
    let fitted: Vec<(&Embedded, usize)> =
        photos.iter().filter_map(|(photo, class)| Some((*photo, number[*class]?))).collect();
    SharedSpace::fit(&fitted, count, set.background, set.embedding)
}
