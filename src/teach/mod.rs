//! What a person teaches a device, without a training: a product from a few frames, or what a frame really was.
//!
//! A [`Lesson`] keeps its frames beside their features. So a new release of the same network uses the features as they
//! are, and a release of another network computes them anew from the pictures, without the camera. What a release's
//! label head makes of all lessons is [`crate::recognize::Taught`], which does not depend on the order in which they came.
//!
//! ```
//! use half::f16;
//! use jicho::teach::{Lesson, LessonFrame};
//!
//! // A device takes the features of a frame by `Recognizer::lesson_frame`.
//! let frame = LessonFrame { features: vec![f16::ONE; 4], jpeg: Vec::new() };
//! let lesson = Lesson {
//!     id: "1f0c".into(),
//!     time: 1_790_000_000_000,
//!     label: Some("kiwi".into()),
//!     facts: r#"{"price":3}"#.into(),
//!     correction: false,
//!     features_digest: [0; 32],
//!     frames: vec![frame],
//! };
//! assert_eq!(Lesson::parse(&lesson.to_bytes()?)?, lesson);
//! # Ok::<(), jicho::Error>(())
//! ```

mod file;
mod lesson;
mod limits;
mod rows;

pub use crate::jpeg::without_metadata;
pub use lesson::{Lesson, LessonFrame, SIDE, digest, square};
pub use limits::{MAX_BYTES, MAX_FRAMES, MAX_LESSON_BYTES, MAX_LESSONS, MAX_PRODUCT_FRAMES, MAX_PRODUCTS, check_room};
pub use rows::rows;

pub(crate) use lesson::facts;

use crate::error::{Error, ErrorKind};

/// Says why something is not a lesson.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidLesson, message)
}
