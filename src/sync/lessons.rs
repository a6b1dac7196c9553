//! The lessons that were taught to a channel on this device, as its model uses them. The session holds them in memory; where
//! they are stored (IndexedDB or a vault) is up to the session's owner.

use std::cell::Ref;

use super::{Session, Store};
use crate::error::Result;
use crate::frame::Frame;
use crate::recognize::{Standing, Taught};
use crate::teach::{Lesson, LessonFrame, check_room};

/// What a lesson says, without its frames.
#[derive(Debug, Clone, PartialEq)]
pub struct LessonSummary {
    /// Its id.
    pub id: String,
    /// The id of the product that it shows; `None` where it shows no product.
    pub label: Option<String>,
    /// Facts about the product: a JSON object, or empty.
    pub facts: String,
    /// Whether it corrected an answer.
    pub correction: bool,
    /// When it was given, milliseconds since 1970.
    pub time: u64,
    /// How many frames it has.
    pub frames: usize,
    /// Whether the model uses it; `None` without a model.
    pub standing: Option<Standing>,
}

impl<S: Store> Session<S> {
    /// What a lesson keeps of a frame, for the model that answers now.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoModel`]; what [`crate::Recognizer::lesson_frame`] returns.
    pub fn lesson_frame(&self, frame: &Frame<'_>) -> Result<LessonFrame> {
        self.model()?.recognizer.lesson_frame(frame, Vec::new())
    }

    /// What [`Lesson::features_digest`] is of the model that answers now.
    ///
    /// # Errors
    /// As [`Session::lesson_frame`].
    pub fn features_digest(&self) -> Result<[u8; 32]> {
        self.model()?.recognizer.features_digest()
    }

    /// The lesson's file, if there is room for it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidLesson`], [`crate::ErrorKind::LessonLimit`].
    pub fn admit(&self, lesson: &Lesson) -> Result<Vec<u8>> {
        let bytes = lesson.to_bytes()?;
        let others = self.lessons.borrow();
        check_room(lesson, bytes.len(), others.iter().map(|(lesson, bytes)| (lesson, *bytes)))?;
        Ok(bytes)
    }

    /// Uses a lesson from now on, in place of one with the same id.
    ///
    /// # Errors
    /// What [`Lesson::parse`] returns.
    pub fn learn(&self, file: &[u8]) -> Result<()> {
        let lesson = Lesson::parse(file)?.without_pictures();
        let mut lessons = self.lessons.borrow_mut();
        lessons.retain(|(other, _)| other.id != lesson.id);
        if let Some(loaded) = &*self.loaded.borrow() {
            let mut taught = self.taught.borrow_mut();
            loaded.recognizer.forget(&mut taught, &lesson.id);
            loaded.recognizer.learn(&mut taught, &lesson);
        }
        lessons.push((lesson, file.len()));
        Ok(())
    }

    /// Stops using the lesson with that id.
    pub fn unlearn(&self, id: &str) {
        self.lessons.borrow_mut().retain(|(lesson, _)| lesson.id != id);
        if let Some(loaded) = &*self.loaded.borrow() {
            loaded.recognizer.forget(&mut self.taught.borrow_mut(), id);
        }
    }

    /// Every lesson, in the order in which they were learnt.
    #[must_use]
    pub fn lessons(&self) -> Vec<LessonSummary> {
        let loaded = self.loaded();
        let summary = |(lesson, _): &(Lesson, usize)| LessonSummary {
            id: lesson.id.clone(),
            label: lesson.label.clone(),
            facts: lesson.facts.clone(),
            correction: lesson.correction,
            time: lesson.time,
            frames: lesson.frames.len(),
            standing: loaded.as_ref().map(|loaded| loaded.recognizer.standing(lesson)),
        };
        self.lessons.borrow().iter().map(summary).collect()
    }

    /// The lessons as the model that answers now uses them.
    #[must_use]
    pub fn taught(&self) -> Ref<'_, Taught> {
        self.taught.borrow()
    }

    /// Gives every lesson to the model that was just loaded.
    pub(super) fn relearn(&self) {
        let mut taught = Taught::default();
        if let Some(loaded) = &*self.loaded.borrow() {
            self.lessons.borrow().iter().for_each(|(lesson, _)| loaded.recognizer.learn(&mut taught, lesson));
        }
        self.taught.replace(taught);
    }
}
