//! The lessons that were taught to a channel on this device, as its model uses them. The session holds them in memory; where
//! they are stored (`IndexedDB` or a vault) is up to the session's owner.

use std::cell::Ref;

use super::{Session, Store};
use crate::error::Result;
use crate::frame::Frame;
use crate::recognize::{Standing, Taught};
use crate::teach::{Lesson, LessonFrame, check_room};

/// A lesson, described.
#[derive(Debug, Clone, PartialEq)]
pub struct LessonSummary {
    /// Its id.
    pub id: String,
    /// The product's; none of no product.
    pub label: Option<String>,
    /// What it says of the product: a JSON object, or empty.
    pub facts: String,
    /// Whether it corrected an answer.
    pub correction: bool,
    /// When it was given, milliseconds since 1970.
    pub time: u64,
    /// How many frames it has.
    pub frames: usize,
    /// What the model makes of it; none without a model.
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

    /// What a lesson keeps of a frame; see [`teach::square`](crate::teach::square).
    ///
    /// # Errors
    /// As [`Session::lesson_frame`].
    pub fn lesson_square(&self, frame: &Frame<'_>) -> Result<(Vec<u8>, usize)> {
        Ok(crate::teach::square(frame, &self.model()?.recognizer.manifest().preprocessing))
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
        self.take_out(&lesson.id);
        self.lesson_ids.borrow_mut().insert(lesson.id.clone());
        self.lessons.borrow_mut().push((lesson, file.len()));
        Ok(())
    }

    /// Stops using the lesson with that id.
    pub fn unlearn(&self, id: &str) {
        self.take_out(id);
    }

    fn take_out(&self, id: &str) {
        self.changed_lessons.borrow_mut().insert(id.to_owned());
        if self.lesson_ids.borrow_mut().remove(id) {
            self.lessons.borrow_mut().retain(|(lesson, _)| lesson.id != id);
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
    ///
    /// Lessons that changed are only noted until this is called, so that many changes cost one pass: otherwise opening a
    /// device with N lessons would cost N² steps.
    #[must_use]
    pub fn taught(&self) -> Ref<'_, Taught> {
        let changed = self.changed_lessons.take();
        if let (false, Some(loaded)) = (changed.is_empty(), &*self.loaded.borrow()) {
            let lessons = self.lessons.borrow();
            let lessons = lessons.iter().map(|(lesson, _)| lesson);
            loaded.recognizer.update_taught(&mut self.taught.borrow_mut(), &changed, lessons);
        }
        self.taught.borrow()
    }

    /// Gives every lesson to the model that was just loaded.
    pub(super) fn relearn(&self) {
        self.taught.take();
        self.changed_lessons.replace(self.lesson_ids.borrow().clone());
    }
}
