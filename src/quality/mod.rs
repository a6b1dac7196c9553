//! How usable a frame is, and what the person at the till can do about it.
//!
//! ```
//! use jicho::Frame;
//! use jicho::quality::{Defect, assess};
//!
//! let black = [0, 0, 0, 255].repeat(320 * 240);
//! let (quality, _) = assess(&Frame::new(320, 240, &black)?, None);
//! assert_eq!(quality.findings[0].defect, Defect::TooDark);
//! assert_eq!(quality.findings[0].reason, "Too dark: bring more light");
//! # Ok::<(), jicho::Error>(())
//! ```
//!
//! The measures are taken of what recognition looks at: the central square, resized as for a network, to at most
//! [`SIDE`] pixels. So a fault too fine to reach the network is not reported, and the cost hardly grows with the camera's
//! resolution. Sums are in integers: the same frame gets the same scores natively and in wasm. docs/quality.md says
//! where the limits come from.

mod exposure;
mod luma;
mod motion;
mod sequence;
mod sharpness;
mod subject;

use serde::{Deserialize, Serialize};

use crate::frame::Frame;
use exposure::Exposure;
use luma::Luma;
pub use motion::Glimpse;
pub use sequence::{Assessor, Moment, RECENT_MS};

/// Side of the square that is looked at, pixels. Smaller frames are looked at as they are.
pub const SIDE: usize = 256;

/// What can be wrong with a frame. Causes come before what they cause: who moves gets a blurred picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Defect {
    /// Hardly any light.
    TooDark,
    /// Overexposed all over.
    TooBright,
    /// A lamp is reflected.
    Glare,
    /// Haze: a dirty lens, or light that falls into it.
    LowContrast,
    /// What there is to see covers few pixels: it is far away, or the frame is tiny.
    TooSmall,
    /// The picture changed since the frame before.
    Motion,
    /// Out of focus, or shaken.
    Blur,
}

/// What a score may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Less is a defect.
    Least(f32),
    /// More is a defect.
    Most(f32),
}

impl Limit {
    fn is_broken_by(self, score: f32) -> bool {
        match self {
            Limit::Least(least) => score < least,
            Limit::Most(most) => score > most,
        }
    }
}

impl Defect {
    /// Every defect, in the order in which findings come.
    pub const ALL: [Defect; 7] = [
        Defect::TooDark,
        Defect::TooBright,
        Defect::Glare,
        Defect::LowContrast,
        Defect::TooSmall,
        Defect::Motion,
        Defect::Blur,
    ];

    /// The limit of the defect's score.
    #[must_use]
    pub fn limit(self) -> Limit {
        match self {
            Defect::TooDark => Limit::Least(100.0),
            Defect::TooBright => Limit::Most(0.3),
            Defect::Glare => Limit::Most(0.025),
            Defect::LowContrast => Limit::Least(0.35),
            Defect::TooSmall => Limit::Least(110.0),
            Defect::Motion => Limit::Most(0.015),
            Defect::Blur => Limit::Least(0.28),
        }
    }

    /// What to do, in a few plain words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Defect::TooDark => "Too dark: bring more light",
            Defect::TooBright => "Too bright: turn away from the light",
            Defect::Glare => "Glare: tilt the product a little",
            Defect::LowContrast => "Washed out: wipe the lens or turn away from the light",
            Defect::TooSmall => "Too small: move closer",
            Defect::Motion => "Moving: hold still",
            Defect::Blur => "Blurred: hold still until it is sharp, or move back a little",
        }
    }
}

/// What was measured of the central square that recognition looks at, resized to at most 256 pixels a side: one score
/// a [`Defect`]. docs/quality.md says how the limits were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "QualityScores"))]
#[serde(rename_all = "camelCase")]
pub struct Scores {
    /// Luma that a twentieth of the pixels reach, 0–255; a defect below 100.
    pub too_dark: f32,
    /// Share of the picture's 64 tiles in which a tenth of the pixels or more are clipped in some channel, 0–1; a
    /// defect above 0.3.
    pub too_bright: f32,
    /// Share of the pixels, away from the rim, that are clipped to white, 0–1; a defect above 0.025.
    pub glare: f32,
    /// Michelson contrast of the darkest and the brightest hundredth, 0–1; a defect below 0.35.
    pub low_contrast: f32,
    /// Pixels from end to end of the detail along its longer axis, 0–256; a defect below 110.
    pub too_small: f32,
    /// How far the picture moved since the frame before, as a share of its side, 0 to about 0.1, where it saturates; a
    /// defect above 0.015. Absent where no frame of the same video was recognised or assessed within the half second
    /// before: photos, canvases and bitmaps have no motion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub motion: Option<f32>,
    /// How much of an edge's whole step its steepest pixel makes, 0–1, of the axis with the softer edges; a defect below
    /// 0.28.
    pub blur: f32,
}

impl Scores {
    /// The score of a defect; none of motion where there was no frame before.
    #[must_use]
    pub fn of(&self, defect: Defect) -> Option<f32> {
        Some(match defect {
            Defect::TooDark => self.too_dark,
            Defect::TooBright => self.too_bright,
            Defect::Glare => self.glare,
            Defect::LowContrast => self.low_contrast,
            Defect::TooSmall => self.too_small,
            Defect::Motion => return self.motion,
            Defect::Blur => self.blur,
        })
    }
}

/// A defect that a frame has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which. To show it in another language, choose the words by this.
    pub defect: Defect,
    /// Its score.
    pub score: f32,
    /// What the score broke: the least or the most that it may be.
    pub limit: f32,
    /// What to do, for whoever holds the camera: one short English sentence.
    pub reason: &'static str,
}

/// How usable a frame is. It never changes what is recognised.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Quality {
    /// What was measured.
    pub scores: Scores,
    /// What is wrong, causes first; empty where the frame is good. Show the first one's reason.
    pub findings: Vec<Finding>,
}

impl Quality {
    /// Judges scores by the limits.
    #[must_use]
    pub fn of(scores: Scores) -> Self {
        let find = |defect: Defect| {
            let (score, limit) = (scores.of(defect)?, defect.limit());
            let (Limit::Least(value) | Limit::Most(value)) = limit;
            let finding = Finding { defect, score, limit: value, reason: defect.reason() };
            limit.is_broken_by(score).then_some(finding)
        };
        Quality { scores, findings: Defect::ALL.into_iter().filter_map(find).collect() }
    }
}

/// Measures a frame. The [`Glimpse`] is what the next frame's motion is told by; hand the one of the frame before.
#[must_use]
pub fn assess(frame: &Frame<'_>, before: Option<&Glimpse>) -> (Quality, Glimpse) {
    let side = SIDE.min(frame.width()).min(frame.height());
    let pixels = frame.center_square(1.0, side);
    let luma = Luma::of(&pixels);
    let exposure = Exposure::of(&pixels, &luma);
    let glimpse = Glimpse::of(&luma);
    let scores = Scores {
        too_dark: exposure.highlights(),
        too_bright: exposure.clipped_tiles(),
        glare: exposure.blown(),
        low_contrast: exposure.contrast(),
        too_small: subject::extent(&luma),
        motion: before.map(|before| glimpse.moved_since(before)),
        blur: sharpness::slope(&luma),
    };
    (Quality::of(scores), glimpse)
}
