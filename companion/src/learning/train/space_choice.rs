//! Whether a channel takes the space that its backbone's other channels share, the one that comes with the backbone, or one
//! fitted to its own photos.

use std::sync::Arc;

use serde::Serialize;

use super::answers;
use super::label_model::{SpaceSource, TrainingSet};
use super::shared_space::SharedSpace;
use super::trials::{self, Trial};
use crate::error::Result;

/// An own space must raise the accuracy on held-out photos by more than this: devices may have the shared one already, and
/// it knows more products.
const WORTH_ITS_BYTES: f64 = 0.01;

/// A space that exists already.
#[derive(Clone)]
pub struct GivenSpace {
    /// What it is called in the report, as [`Candidate::space`].
    pub name: &'static str,
    /// The space.
    pub shared: Arc<SharedSpace>,
    /// Whether it may have been fitted to the very photos that are learnt from.
    pub knows_photos: bool,
}

/// A space that was tried.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// `shared` (of published releases of the same backbone), `backbone` (comes with the backbone), or `own` (fitted to these
    /// photos).
    pub space: &'static str,
    /// Top-1 on the held-out photos; null where none could be held out.
    pub accuracy: Option<f64>,
    /// Whether the release has it.
    pub chosen: bool,
}

/// The chosen space, with its answers to the held-out photos.
pub struct Choice {
    /// The space of the release.
    pub source: SpaceSource,
    /// The space for further trials. It differs from the release's when that may have been fitted to these photos: such a
    /// space cannot tell how well it does on photos it has not seen.
    pub trial_source: SpaceSource,
    /// The trial on the held-out photos.
    pub held_out: Option<Trial>,
    /// All spaces that were tried.
    pub candidates: Vec<Candidate>,
}

/// Tries the given spaces, of which devices are most likely to have the first, and one fitted to the photos.
///
/// # Errors
/// When a given space is for other features.
pub fn choose(set: TrainingSet<'_>, given: &[GivenSpace], held: &[bool]) -> Result<Choice> {
    let spaces = given.iter().map(|given| (given.name, SpaceSource::Given(Arc::clone(&given.shared))));
    let mut tried = Vec::new();
    for (space, source) in spaces.chain([("own", SpaceSource::Own)]) {
        let trial = trials::held_out(set, &source, held)?;
        let accuracy = trial.as_ref().and_then(|trial| answers::accuracy(&trial.answers()));
        tried.push((Candidate { space, accuracy, chosen: false }, source, trial));
    }
    let own = tried.len() - 1;
    let accuracies: Vec<Option<f64>> = tried.iter().map(|(candidate, ..)| candidate.accuracy).collect();
    let know_photos: Vec<bool> = given.iter().map(|given| given.knows_photos).collect();
    let chosen = best(&accuracies, &know_photos);
    tried[chosen].0.chosen = true;
    let source = tried[chosen].1.clone();
    let measured = if given.get(chosen).is_some_and(|given| given.knows_photos) { own } else { chosen };
    let (_, trial_source, held_out) = &mut tried[measured];
    let (trial_source, held_out) = (trial_source.clone(), held_out.take());
    let candidates = tried.into_iter().map(|(candidate, ..)| candidate).collect();
    Ok(Choice { source, trial_source, held_out, candidates })
}

/// The index of the space to take, of the given ones and, last, the shop's own; `know_photos` tells of each given one whether it
/// may have been fitted to the shop's photos. The first is kept unless another is better by
/// more than its bytes are worth. Where nothing could be measured, the space that comes with the backbone is safest: the one of
/// another channel may have been fitted to few products.
fn best(accuracies: &[Option<f64>], know_photos: &[bool]) -> usize {
    if accuracies.iter().all(Option::is_none) {
        return know_photos.iter().position(|knows| !knows).unwrap_or(0);
    }
    let of = |index: usize| accuracies[index].unwrap_or(0.0);
    let best = (0..accuracies.len()).reduce(|best, next| if of(next) > of(best) { next } else { best }).unwrap_or(0);
    if of(best) - of(0) > WORTH_ITS_BYTES { best } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_space_is_kept_unless_another_is_clearly_better() {
        assert_eq!(best(&[Some(0.8), Some(0.805), Some(0.809)], &[true, false]), 0);
        assert_eq!(best(&[Some(0.8), Some(0.85), Some(0.84)], &[true, false]), 1);
        assert_eq!(best(&[Some(0.8), Some(0.8), Some(0.9)], &[true, false]), 2);
        assert_eq!(best(&[Some(0.8)], &[]), 0);
    }

    #[test]
    fn unmeasured_the_backbones_own_space_is_taken() {
        assert_eq!(best(&[None, None, None], &[true, false]), 1);
        assert_eq!(best(&[None, None], &[true]), 0);
        assert_eq!(best(&[None], &[]), 0);
    }
}
