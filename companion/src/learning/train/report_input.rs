//! Makes the report of a training from what the training knows.

use jicho::manifest::{AttributeHead, Manifest};
use jicho::recognize::softmax;

use super::Report;
use super::answers::OtherVisits;
use super::embed::Embedded;
use super::trials::Trial;
use crate::dataset::Example;
use crate::output::report::{self, Answer, Attribute, Input, Photo, page};

/// What the report is made from.
pub struct Material<'a> {
    /// The photos' examples.
    pub examples: &'a [Example],
    /// The product ids.
    pub labels: &'a [String],
    /// The photos' feature vectors.
    pub photos: &'a [Embedded],
    /// Length of the backbone's part of the feature vectors.
    pub embedding: usize,
    /// The trial on the held-out photos.
    pub trial: Option<&'a Trial>,
    /// The answers that calibrate.
    pub visits: &'a OtherVisits,
}

/// The report, and its HTML page.
pub fn make(material: &Material<'_>, manifest: &Manifest, training: &Report) -> (report::Report, String) {
    let scale = manifest.label_head.map_or(1.0, |head| head.scale);
    let mut photos: Vec<Photo<'_>> = material
        .examples
        .iter()
        .zip(material.photos)
        .map(|(example, photo)| Photo { example, features: &photo.plain[..material.embedding], answer: None })
        .collect();
    for (place, answer) in material.trial.iter().flat_map(|trial| &trial.answers) {
        let probabilities = softmax(&answer.cosines, scale);
        photos[*place].answer = Some(Answer { probabilities, rejection_score: answer.score });
    }
    let known: Vec<f32> = material.visits.known.iter().map(|answer| answer.score).collect();
    let attributes: Vec<Attribute> = manifest
        .attributes
        .iter()
        .filter_map(|(name, head)| {
            let images = material.examples.iter().filter(|e| e.attributes.contains_key(name)).count();
            let (kind, accuracy, mae, rmse) = match head {
                AttributeHead::Label => return None,
                AttributeHead::Categorical { accuracy, .. } => ("categorical", *accuracy, None, None),
                AttributeHead::Sequence { accuracy, .. } => ("sequence", *accuracy, None, None),
                AttributeHead::Numeric { mae, rmse, .. } => ("numeric", None, *mae, *rmse),
            };
            Some(Attribute { name: name.clone(), kind, images, accuracy, mae, rmse })
        })
        .collect();
    let input = Input {
        channel: &manifest.channel_id,
        version: &manifest.version,
        trained_at: &manifest.trained_at,
        backbone: &training.backbone,
        labels: material.labels,
        photos: &photos,
        known_scores: &known,
        unknown_scores: &material.visits.unknown_scores,
        threshold: manifest.decision.rejection_threshold,
        expected: training.expected,
        promises: &training.promises,
        match_precision: manifest.decision.match_precision,
        attributes: &attributes,
        notes: &training.warnings,
    };
    let details = report::Report::of(&input);
    let page = page::html(&details, &input);
    (details, page)
}
