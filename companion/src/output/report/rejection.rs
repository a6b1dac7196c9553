//! How well unknown products are told from known ones.

use serde::Serialize;

use super::{Input, Share};
use crate::learning::measure::{self, Point};

/// The curve is thinned to at most this many points.
const CURVE: usize = 200;

/// How well known and unknown products are told apart.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// The probability that a known photo has a larger score than an unknown one.
    pub auroc: f64,
    /// The share of unknown photos accepted by the threshold that accepts 95 % of the known ones, 0–1.
    pub fpr95: f64,
    /// The threshold of the release.
    pub threshold: f32,
    /// The share of known photos that it accepts.
    pub true_accepts: Share,
    /// The share of unknown photos that it accepts.
    pub false_accepts: Share,
    /// What other thresholds would do, from the largest down.
    pub curve: Vec<Point>,
}

/// None without photos of both.
pub fn of(input: &Input) -> Option<Rejection> {
    let (known, unknown) = (input.known_scores, input.unknown_scores);
    let accepted = |scores: &[f32]| Share::of(scores.iter().filter(|s| **s >= input.threshold).count(), scores.len());
    let points = measure::roc(known, unknown)?;
    let step = (points.len() - 1).div_ceil(CURVE - 1).max(1);
    let last = points.len() - 1;
    let curve = points.iter().enumerate().filter(|(i, _)| i % step == 0 || *i == last).map(|(_, p)| *p).collect();
    Some(Rejection {
        auroc: measure::auroc(known, unknown)?,
        fpr95: measure::false_accepts_at(0.95, known, unknown)?,
        threshold: input.threshold,
        true_accepts: accepted(known)?,
        false_accepts: accepted(unknown)?,
        curve,
    })
}
