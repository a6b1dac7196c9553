//! Measures the channel on its photos as another camera might have taken them.

use jicho::Recognition;
use jicho::frame::Frame;
use jicho::recognize::Recognizer;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::outcome::{Outcome, Summary, top1};
use crate::dataset::Example;
use crate::error::{Error, Result};
use crate::learning::measure::shift::{self, Condition};
use crate::photo::PhotoError;
use crate::progress::Progress;

/// What was measured under one condition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The condition; `plain` are the photos as they are.
    pub shift: &'static str,
    /// The share of right first answers; null where no photo tells what it shows.
    pub top1: Option<f64>,
    /// The rest.
    #[serde(flatten)]
    pub summary: Summary,
}

impl Row {
    fn of(shift: &'static str, outcomes: &[Outcome]) -> Row {
        Row { shift, top1: top1(outcomes), summary: Summary::of(outcomes) }
    }
}

/// A row of the photos as they are, whose outcomes are `plain`, and one of each condition. The same photos give the same rows.
///
/// # Errors
/// A photo that can no longer be read, or a network that fails.
pub fn rows(
    recognizer: &Recognizer,
    answered: &[(Example, Recognition)],
    plain: &[Outcome],
    outcome: &(impl Fn(&Example, &Recognition) -> Outcome + Sync),
    progress: Progress,
) -> Result<Vec<Row>> {
    let bar = progress.stage("shift", answered.len());
    let shifted: Vec<Vec<Outcome>> = answered
        .par_iter()
        .map(|(example, _)| {
            let unreadable = |e: PhotoError| Error::BadInput(format!("{}: {e}", example.name));
            let bytes = example.bytes().map_err(unreadable)?;
            let photo = example.decode(&bytes).map_err(unreadable)?;
            let picture = shift::picture(&photo.frame()?);
            let seed = u64::from_le_bytes(*Sha256::digest(&bytes).first_chunk().unwrap_or(&[0; 8]));
            let outcomes = Condition::all().map(|condition| {
                let changed = condition.apply(&picture, seed);
                let rgba = shift::rgba(&changed);
                let answer = recognizer.recognize(&Frame::new(changed.width(), changed.height(), &rgba)?)?;
                Ok(outcome(example, &answer))
            });
            let outcomes = outcomes.collect::<Result<Vec<Outcome>>>();
            bar.advance();
            outcomes
        })
        .collect::<Result<_>>()?;
    bar.finish();
    let conditions = Condition::all().enumerate().map(|(i, condition)| {
        let outcomes: Vec<Outcome> = shifted.iter().map(|photo| photo[i]).collect();
        Row::of(condition.name(), &outcomes)
    });
    Ok([Row::of("plain", plain)].into_iter().chain(conditions).collect())
}
