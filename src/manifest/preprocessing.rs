//! How a network wants its pixels.

use serde::{Deserialize, Serialize};

/// How pixels become the input tensor. A channel's value is
/// `((byte / 255) * (range[1] - range[0]) + range[0] - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Order of the tensor's axes.
    pub layout: Layout,
    /// Order of the channels.
    pub color: ColorOrder,
    /// What the bytes 0 and 255 become before mean and std.
    pub range: [f32; 2],
    /// Subtracted, in the network's own channel order.
    pub mean: [f32; 3],
    /// Divided by, in the network's own channel order.
    pub std: [f32; 3],
    /// Side of the central square that is used, as a share (0–1] of the frame's shorter side.
    pub crop: f64,
    /// A picture whose longer side is more than this many times the shorter one is not cut to a square: its central part with the
    /// same sides' ratio is resized to the network's square, so that a long object keeps its ends. `None` always cuts.
    #[serde(rename = "wholeAbove", default, skip_serializing_if = "Option::is_none")]
    pub whole_above: Option<f64>,
}

/// Order of the input tensor's axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// Order of the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

impl Preprocessing {
    /// The tensor value of a byte in `channel` of the network.
    #[must_use]
    pub fn value(&self, channel: usize, byte: u8) -> f32 {
        let [low, high] = self.range;
        ((f32::from(byte) / 255.0) * (high - low) + low - self.mean[channel]) / self.std[channel]
    }

    /// [`Preprocessing::value`] of `N` bytes at once, whose channels take turns: the same operations in vectors.
    pub(crate) fn repeated<const N: usize>(&self) -> impl Fn([u8; N]) -> [f32; N] {
        let [low, high] = self.range;
        let mean: [f32; N] = std::array::from_fn(|i| self.mean[i % 3]);
        let std: [f32; N] = std::array::from_fn(|i| self.std[i % 3]);
        move |bytes| std::array::from_fn(|i| ((f32::from(bytes[i]) / 255.0) * (high - low) + low - mean[i]) / std[i])
    }

    /// Width and height of the central part of a picture that becomes the network's square, before rounding.
    #[must_use]
    pub fn seen(&self, width: usize, height: usize) -> [f64; 2] {
        let [shorter, longer] = [width.min(height) as f64, width.max(height) as f64];
        let is_whole = self.whole_above.is_some_and(|above| longer > above * shorter);
        let sides = if is_whole { [width as f64, height as f64] } else { [shorter; 2] };
        sides.map(|side| side * self.crop)
    }

    /// Why these values make no sense, if they do not.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let finite = self.range.iter().chain(&self.mean).chain(&self.std).all(|v| v.is_finite());
        if !finite {
            return Some("range, mean and std must be finite".into());
        }
        if self.range[0] >= self.range[1] {
            return Some(format!("range {:?} must rise", self.range));
        }
        if self.std.iter().any(|s| *s <= 0.0) {
            return Some(format!("std {:?} must be above 0", self.std));
        }
        if !(self.crop > 0.0 && self.crop <= 1.0) {
            return Some(format!("crop {} must be in (0, 1]", self.crop));
        }
        if let Some(above) = self.whole_above.filter(|above| !(above.is_finite() && *above >= 1.0)) {
            return Some(format!("wholeAbove {above} must be at least 1"));
        }
        None
    }
}
