//! How well several backbones would do on a channel's photos, before one is chosen: each is trained on the photos that are
//! not held out, and nothing is published.

use std::time::Instant;

use jicho::frame::InputPixels;
use serde::{Deserialize, Serialize};

use super::sources::Sources;
use super::{Options, embed_photos, embedder_features, fit, given_spaces};
use crate::error::Result;
use crate::learning::measure::wilson;
use crate::model::backbone;
use crate::progress::Progress;

/// How often a picture is embedded to take the time; the fastest counts, because other work can only make it slower.
const TIMED: usize = 5;

/// What came of a backbone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// Its name.
    pub backbone: String,
    /// Bytes that a device fetches of it; null where it could not be tried.
    pub bytes: Option<u64>,
    /// Milliseconds to embed one picture on this machine, on one thread.
    pub milliseconds: Option<f64>,
    /// Top-1 on held-out photos, 0–1; null where nothing could be held out.
    pub accuracy: Option<f64>,
    /// Its 95 % interval (Wilson 1927).
    pub interval: Option<[f64; 2]>,
    /// Photos that were held out.
    pub images: usize,
    /// Why it could not be tried; null where it was.
    pub problem: Option<String>,
}

/// Tries backbones, one after another. One that cannot be used is told with the reason, and the others go on.
///
/// # Errors
/// Photos that cannot be used.
pub fn run(options: &Options, backbones: &[String], progress: Progress) -> Result<Vec<Tried>> {
    progress.enter("read");
    // Read once beforehand, so that photos which cannot be used are no backbone's fault.
    Sources::read(options)?.dataset.require_products()?;
    let tried = |name: &String| {
        try_one(options, name, progress).unwrap_or_else(|error| Tried {
            backbone: name.clone(),
            bytes: None,
            milliseconds: None,
            accuracy: None,
            interval: None,
            images: 0,
            problem: Some(error.to_string()),
        })
    };
    Ok(backbones.iter().map(tried).collect())
}

fn try_one(options: &Options, name: &str, progress: Progress) -> Result<Tried> {
    let mut sources = Sources::read(options)?;
    let request = backbone::Request { backbone: name.to_owned(), ..options.backbone.clone() };
    let backbone = backbone::resolve(&request, progress)?;
    let features = embedder_features(&backbone);
    let embedder = backbone.embedder(features)?;
    let photos = embed_photos(options, &backbone, &embedder, &mut sources.dataset, progress)?;
    super::warnings::drop_empty_labels(&mut sources.dataset);
    let given = given_spaces(None, &backbone, embedder.feature_len(), progress);
    let (fitted, _) = fit(options, &backbone, &embedder, &sources.dataset, &photos, given, false)?;
    let pixels = InputPixels::from_rgb(backbone.size, vec![128; 3 * backbone.size * backbone.size])?;
    let mut fastest = f64::INFINITY;
    for _ in 0..TIMED {
        let started = Instant::now();
        embedder.embed(&pixels)?;
        fastest = fastest.min(started.elapsed().as_secs_f64());
    }
    let images = fitted.measures.as_ref().map_or(0, |measures| measures.images);
    let accuracy = fitted.measures.as_ref().and_then(|measures| measures.top1);
    Ok(Tried {
        backbone: name.to_owned(),
        bytes: Some(backbone.compiled.plan.as_ref().unwrap_or(&backbone.onnx).len() as u64),
        milliseconds: Some((fastest * 1e6).round() / 1e3),
        accuracy,
        interval: accuracy.and_then(|share| wilson((share * images as f64).round() as usize, images)),
        images,
        problem: None,
    })
}
