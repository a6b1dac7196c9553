//! How much may be taught: many times what a shop needs, and no more than every device can hold.

use std::collections::BTreeSet;

use super::Lesson;
use crate::error::{Error, ErrorKind, Result};

/// Frames of a lesson at most.
pub const MAX_FRAMES: usize = 32;
/// Frames of a product at most, in all its lessons.
pub const MAX_PRODUCT_FRAMES: usize = 128;
/// Products that may be taught to a channel.
pub const MAX_PRODUCTS: usize = 500;
/// Lessons of a channel at most.
pub const MAX_LESSONS: usize = 2000;
/// Bytes of a lesson's file at most.
pub const MAX_LESSON_BYTES: usize = 1 << 20;
/// Bytes of all lessons of a channel at most, as files.
pub const MAX_BYTES: usize = 128 << 20;

pub(super) const MAX_ID: usize = 64;
pub(super) const MAX_LABEL: usize = 200;
pub(super) const MAX_FACTS: usize = 4 << 10;
pub(super) const MAX_FEATURES: usize = 1 << 14;
pub(super) const MAX_JPEG: usize = 256 << 10;

/// Checks that `lesson`, a file of `bytes`, may join `others`, each with the bytes of its file. One of the same id among
/// them does not count. The cost is linear in the others.
///
/// # Errors
/// [`ErrorKind::LessonLimit`].
pub fn check_room<'a>(lesson: &Lesson, bytes: usize, others: impl Iterator<Item = (&'a Lesson, usize)>) -> Result<()> {
    let (mut lessons, mut frames, mut whole) = (1, lesson.frames.len(), bytes);
    // Without what is no product, which counts as one.
    let mut products = BTreeSet::new();
    let mut has_background = lesson.label.is_none();
    for (other, bytes) in others.filter(|(other, _)| other.id != lesson.id) {
        lessons += 1;
        whole += bytes;
        if other.label == lesson.label {
            frames += other.frames.len();
            continue;
        }
        match &other.label {
            Some(label) if !products.contains(label) => drop(products.insert(label.clone())),
            Some(_) => {}
            None => has_background = true,
        }
    }
    let products = products.len() + usize::from(lesson.label.is_some()) + usize::from(has_background);
    for (count, most, what) in [
        (frames, MAX_PRODUCT_FRAMES, "frames of one product"),
        (products, MAX_PRODUCTS, "products"),
        (lessons, MAX_LESSONS, "lessons"),
        (bytes, MAX_LESSON_BYTES, "bytes in one lesson"),
        (whole, MAX_BYTES, "bytes"),
    ] {
        if count > most {
            let message = format!("no more than {most} {what} can be taught: have them trained, or forget some");
            return Err(Error::new(ErrorKind::LessonLimit, message));
        }
    }
    Ok(())
}
