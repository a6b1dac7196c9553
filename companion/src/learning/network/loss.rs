//! The losses of training. Each is a sum over the rows, multiplied by `share`, with its gradient.

/// A loss and its gradient.
pub struct Loss {
    /// The value of the loss.
    pub value: f64,
    /// Its derivative by each entry of the rows.
    pub gradient: Vec<f32>,
}

/// The label of an image into which another may be mixed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MixedLabel {
    /// The image's own class, if known.
    pub class: Option<usize>,
    /// The class of the image that is mixed in, if known.
    pub other: Option<usize>,
    /// The share of the image that is mixed in, 0 to 1.
    pub share: f32,
}

impl From<Option<usize>> for MixedLabel {
    fn from(class: Option<usize>) -> MixedLabel {
        MixedLabel { class, ..MixedLabel::default() }
    }
}

/// Cross-entropy of the rows' softmax with the labels. `smoothing` is the share of a label's weight that is spread evenly
/// over all classes. Images without a label do not count.
pub fn cross_entropy(rows: &[f32], labels: &[MixedLabel], smoothing: f32, share: f32) -> Loss {
    let classes = rows.len() / labels.len().max(1);
    let mut loss = Loss { value: 0.0, gradient: vec![0.0; rows.len()] };
    let lines = rows.chunks_exact(classes.max(1)).zip(loss.gradient.chunks_exact_mut(classes.max(1)));
    for ((row, gradient), label) in lines.zip(labels) {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|v| (v - most).exp()).sum();
        for (label, weight) in [(label.class, 1.0 - label.share), (label.other, label.share)] {
            let Some(label) = label else { continue };
            for (class, (v, gradient)) in row.iter().zip(&mut *gradient).enumerate() {
                let hit = if class == label { 1.0 - smoothing } else { 0.0 };
                let target = hit + smoothing / classes as f32;
                loss.value += f64::from(target * (most + sum.ln() - v) * weight * share);
                *gradient += ((v - most).exp() / sum - target) * weight * share;
            }
        }
    }
    loss
}

/// One minus the cosine of each row with its target, a unit vector of `length` entries.
pub fn cosine_distance(rows: &[f32], targets: &[f32], length: usize, share: f32) -> Loss {
    let mut loss = Loss { value: 0.0, gradient: vec![0.0; rows.len()] };
    let lines = rows.chunks_exact(length).zip(loss.gradient.chunks_exact_mut(length));
    for ((row, gradient), target) in lines.zip(targets.chunks_exact(length)) {
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
        let cosine = row.iter().zip(target).map(|(v, t)| v * t).sum::<f32>() / norm;
        loss.value += f64::from((1.0 - cosine) * share);
        for ((gradient, v), t) in gradient.iter_mut().zip(row).zip(target) {
            *gradient = (cosine * v / norm - t) / norm * share;
        }
    }
    loss
}
