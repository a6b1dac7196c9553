//! A few frames of one product, or of none.

use std::collections::BTreeMap;

use half::f16;
use serde_json::Value;

use super::invalid;
use super::limits::{MAX_FACTS, MAX_FEATURES, MAX_FRAMES, MAX_ID, MAX_JPEG, MAX_LABEL};
use crate::codec::put;
use crate::error::Result;
use crate::frame::Frame;
use crate::hash;
use crate::manifest::Preprocessing;

/// The largest side of a kept picture, pixels.
pub const SIDE: usize = 320;

/// A few frames that a person showed, and what the person said they show.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// Unique on the device, such as a UUID: 1 to 64 of `A–Z a–z 0–9 _ -`. A lesson of the same id replaces it.
    pub id: String,
    /// When it was given, milliseconds since 1970.
    pub time: u64,
    /// The product's id; none where the frames show no product.
    pub label: Option<String>,
    /// What an app shows with the product, name, price, …: a JSON object, or empty for none.
    pub facts: String,
    /// Whether it corrects an answer, rather than enrols a product.
    pub correction: bool,
    /// Identifies what computed the features: [`crate::Recognizer::features_digest`].
    pub features_digest: [u8; 32],
    /// At least one.
    pub frames: Vec<LessonFrame>,
}

/// A frame of a lesson.
#[derive(Debug, Clone, PartialEq)]
pub struct LessonFrame {
    /// The feature vector.
    pub features: Vec<f16>,
    /// The frame's central square, upright, at most [`SIDE`] pixels a side, as JPEG. Empty where only the features are at
    /// hand.
    pub jpeg: Vec<u8>,
}

impl Lesson {
    /// Checks everything that can be wrong with a single lesson.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidLesson`].
    pub fn check(&self) -> Result<()> {
        let plain = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if self.id.is_empty() || self.id.len() > MAX_ID || !plain(&self.id) {
            return Err(invalid(format!("a lesson's id has 1 to {MAX_ID} of A–Z a–z 0–9 _ -")));
        }
        if let Some(label) = &self.label
            && (label.is_empty() || label.len() > MAX_LABEL || label.chars().any(char::is_control))
        {
            return Err(invalid(format!("a product's id has 1 to {MAX_LABEL} bytes and no control characters")));
        }
        if self.facts.len() > MAX_FACTS || facts(&self.facts).is_none() {
            return Err(invalid(format!("facts are a JSON object of at most {MAX_FACTS} bytes")));
        }
        if self.frames.is_empty() || self.frames.len() > MAX_FRAMES {
            return Err(invalid(format!("a lesson has 1 to {MAX_FRAMES} frames, not {}", self.frames.len())));
        }
        let length = self.frames[0].features.len();
        for LessonFrame { features, jpeg } in &self.frames {
            if features.len() != length || !(1..=MAX_FEATURES).contains(&length) {
                return Err(invalid(format!("frames of {length} and {} features", features.len())));
            }
            if !features.iter().all(|value| value.is_finite()) {
                return Err(invalid("a feature that is no number"));
            }
            if jpeg.len() > MAX_JPEG || !(jpeg.is_empty() || jpeg.starts_with(&[0xff, 0xd8, 0xff])) {
                return Err(invalid(format!("a picture that is no JPEG of at most {MAX_JPEG} bytes")));
            }
        }
        Ok(())
    }

    /// What names the lesson in a release that was trained on it: the first eight bytes of the SHA-256 of its id, its
    /// time and its product's id, each with its length, in lower-case hex. A lesson that was given anew under the same id
    /// is another one.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(&self.id, self.time, self.label.as_deref())
    }

    /// The lesson with its features alone, which is all that recognition needs.
    #[must_use]
    pub fn without_pictures(mut self) -> Self {
        self.frames.iter_mut().for_each(|frame| frame.jpeg = Vec::new());
        self
    }
}

/// As [`Lesson::digest`], of a lesson's parts.
#[must_use]
pub fn digest(id: &str, time: u64, label: Option<&str>) -> String {
    let mut text = Vec::new();
    put(&mut text, id.as_bytes());
    text.extend(time.to_le_bytes());
    text.push(u8::from(label.is_some()));
    put(&mut text, label.unwrap_or_default().as_bytes());
    hash::sha256(&text)[..16].to_owned()
}

/// The members of a JSON object; empty for an empty text, and `None` where the text is no JSON object.
#[inline(never)]
pub(crate) fn facts(json: &str) -> Option<BTreeMap<String, Value>> {
    // From bytes, as metadata.json is read, so that the module has one copy of the parser.
    if json.is_empty() { Some(BTreeMap::new()) } else { serde_json::from_slice(json.as_bytes()).ok() }
}

/// The part of a frame that a lesson keeps, as opaque RGBA, and its side in pixels: what a release with this preprocessing looks
/// at, with the surroundings that its crop leaves out.
#[must_use]
pub fn square(frame: &Frame<'_>, preprocessing: &Preprocessing) -> (Vec<u8>, usize) {
    let side = SIDE.min(frame.width()).min(frame.height());
    let pixels = frame.input_pixels(&Preprocessing { crop: 1.0, ..*preprocessing }, side);
    (pixels.rgb().as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect(), side)
}
