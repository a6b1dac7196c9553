//! What a person teaches a device, without a training: a product from a few frames, or what a frame really was.
//!
//! A [`Lesson`] keeps its frames beside their features, so that another release of the same network needs neither camera
//! nor picture, and another network needs no camera. What a release's label head makes of all lessons is
//! [`crate::recognize::Taught`], which does not depend on the order in which they came.

mod file;
mod lesson;
mod limits;
mod rows;

pub use lesson::{Lesson, LessonFrame, SIDE, digest, square};
pub use limits::{MAX_BYTES, MAX_FRAMES, MAX_LESSON_BYTES, MAX_LESSONS, MAX_PRODUCT_FRAMES, MAX_PRODUCTS, check_room};
pub use rows::rows;

pub(crate) use lesson::facts;

use crate::error::{Error, ErrorKind};

/// An error of what is no lesson.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidLesson, message)
}
