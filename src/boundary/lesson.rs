//! What a channel tells of lessons, and what it is told of them.

use serde::Serialize;

use crate::recognize::Standing;
use crate::sync::LessonSummary;

/// A lesson that a channel has learnt.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Lesson {
    /// Its id.
    id: String,
    /// Product id; null stands for none of the products.
    label: Option<String>,
    /// What it says of the product: a JSON object as text, or empty.
    facts: String,
    /// Whether it corrected an answer, rather than taught a product.
    correction: bool,
    /// When it was given, milliseconds since 1970.
    time: u64,
    /// How many frames it has.
    frames: usize,
    /// What the model makes of it; null without a model.
    standing: Option<Standing>,
}

impl From<LessonSummary> for Lesson {
    fn from(LessonSummary { id, label, facts, correction, time, frames, standing }: LessonSummary) -> Self {
        Lesson { id, label, facts, correction, time, frames, standing }
    }
}

/// What a lesson says beside its frames.
#[cfg(test)]
#[derive(ts_rs::TS)]
#[expect(dead_code, reason = "read by reflection, field by field; written here for its TypeScript")]
pub(crate) struct LessonText {
    /// Unique on the device; a lesson of the same id is replaced.
    id: String,
    /// When it was given, milliseconds since 1970.
    time: f64,
    /// Product id; null stands for none of the products.
    label: Option<String>,
    /// What an app shows with the product: a JSON object as text, or empty.
    facts: String,
    /// Whether it corrects an answer, rather than teaches a product.
    correction: bool,
}

/// What a lesson keeps of a frame.
#[cfg(test)]
#[derive(ts_rs::TS)]
#[expect(dead_code, reason = "made field by field; written here for its TypeScript")]
pub(crate) struct LessonFrame {
    /// The feature vector, for `Channel.lesson`.
    #[ts(type = "Uint8Array")]
    features: Vec<u8>,
    /// The frame's central square as opaque RGBA, `side` pixels a side: to be kept as JPEG.
    #[ts(type = "Uint8Array")]
    square: Vec<u8>,
    /// Side of the square, pixels.
    side: u32,
    /// Whether the frame shows anything at all: not a lens that a finger covers.
    usable: bool,
    /// How good it is.
    quality: crate::Quality,
}
