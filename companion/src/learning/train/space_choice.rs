//! Whether a channel takes the space that its backbone's other channels share, or one fitted to its own photos.

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
    /// The space.
    pub shared: Arc<SharedSpace>,
    /// Whether it may have been fitted to the very photos that are learnt from.
    pub knows_photos: bool,
}

/// A space that was tried.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// `own` (fitted to these photos) or `shared` (of releases of the same backbone, or the backbone's own).
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

/// Tries the given space, if any, and one fitted to the photos.
///
/// # Errors
/// When the given space is for other features.
pub fn choose(set: TrainingSet<'_>, given: Option<&GivenSpace>, held: &[bool]) -> Result<Choice> {
    let shared = given.map(|given| ("shared", SpaceSource::Given(Arc::clone(&given.shared))));
    let mut tried = Vec::new();
    for (space, source) in shared.into_iter().chain([("own", SpaceSource::Own)]) {
        let trial = trials::held_out(set, &source, held)?;
        let accuracy = trial.as_ref().and_then(|trial| answers::accuracy(&trial.answers()));
        tried.push((Candidate { space, accuracy, chosen: false }, source, trial));
    }
    let own = tried.len() - 1;
    let gain = tried[own].0.accuracy.unwrap_or(0.0) - tried[0].0.accuracy.unwrap_or(0.0);
    let chosen = if gain > WORTH_ITS_BYTES { own } else { 0 };
    tried[chosen].0.chosen = true;
    let source = tried[chosen].1.clone();
    let measured = if given.is_some_and(|given| given.knows_photos) { own } else { chosen };
    let (_, trial_source, held_out) = &mut tried[measured];
    let (trial_source, held_out) = (trial_source.clone(), held_out.take());
    let candidates = tried.into_iter().map(|(candidate, ..)| candidate).collect();
    Ok(Choice { source, trial_source, held_out, candidates })
}
