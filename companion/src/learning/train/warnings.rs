//! What the user should know about a training that went well.

use crate::dataset::Dataset;

/// At most this many products are named in one warning.
const NAMED: usize = 5;

/// Removes labels whose photos are all unreadable, since they cannot be learnt, and says so.
pub fn drop_empty_labels(dataset: &mut Dataset) -> Vec<String> {
    let mut used = vec![false; dataset.labels.len()];
    dataset.examples.iter().filter_map(|e| e.label).for_each(|l| used[l] = true);
    let mut index = vec![None; used.len()];
    let mut kept = Vec::new();
    let mut warnings = Vec::new();
    for (i, label) in std::mem::take(&mut dataset.labels).into_iter().enumerate() {
        if used[i] {
            index[i] = Some(kept.len());
            kept.push(label);
        } else {
            warnings.push(format!("`{label}` has no usable photo and was left out"));
        }
    }
    dataset.labels = kept;
    dataset.examples.iter_mut().for_each(|e| e.label = e.label.and_then(|l| index[l]));
    warnings
}

/// Photos that the backbone was pretrained on measure nothing.
pub fn pretrained(known: usize, of: usize, is_stored_calibration: bool) -> Option<String> {
    let instead = if is_stored_calibration {
        "; the others are too few, so confidences are calibrated as its file tells"
    } else {
        ""
    };
    (known > 0).then(|| {
        format!(
            "the backbone was made from {known} of these {of} photos: they are learnt from, but measure and calibrate \
             nothing{instead}"
        )
    })
}

/// Shops with one product, or with products of one photo.
pub fn small_shop(dataset: &Dataset) -> Vec<String> {
    let mut warnings = Vec::new();
    if dataset.labels.len() == 1 {
        warnings.push("only one product: everything else is told from it by a threshold alone; add products".into());
    }
    let mut counts = vec![0usize; dataset.labels.len()];
    dataset.examples.iter().filter_map(|e| e.label).for_each(|l| counts[l] += 1);
    let single: Vec<&str> =
        dataset.labels.iter().zip(&counts).filter(|(_, n)| **n == 1).map(|(l, _)| l.as_str()).collect();
    if !single.is_empty() {
        let named = single.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = if single.len() > NAMED { ", …" } else { "" };
        warnings.push(format!(
            "{} with one photo only ({named}{more}): nothing can be held out to measure them; add photos",
            single.len()
        ));
    }
    warnings
}
