//! What was taught to a channel on this device, and what its model makes of it. Who keeps the lessons decides whoever
//! holds the session.

use std::cell::Ref;

use super::{Session, Store};
use crate::error::Result;
use crate::frame::Frame;
use crate::recognize::{Standing, Taught};
use crate::teach::{Lesson, LessonFrame, check_room};

/// A lesson, described.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
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

    /// Has a lesson take part from now on; one of the same id is replaced.
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

    /// Takes the lesson of that id out.
    pub fn unlearn(&self, id: &str) {
        self.lessons.borrow_mut().retain(|(lesson, _)| lesson.id != id);
        if let Some(loaded) = &*self.loaded.borrow() {
            loaded.recognizer.forget(&mut self.taught.borrow_mut(), id);
        }
    }

    /// Every lesson, in the order in which they were learnt.
    #[must_use]
    pub fn lessons(&self) -> Vec<Told> {
        let loaded = self.loaded();
        let told = |(lesson, _): &(Lesson, usize)| Told {
            id: lesson.id.clone(),
            label: lesson.label.clone(),
            facts: lesson.facts.clone(),
            correction: lesson.correction,
            time: lesson.time,
            frames: lesson.frames.len(),
            standing: loaded.as_ref().map(|loaded| loaded.recognizer.standing(lesson)),
        };
        self.lessons.borrow().iter().map(told).collect()
    }

    /// What the model that answers now makes of the lessons.
    #[must_use]
    pub fn taught(&self) -> Ref<'_, Taught> {
        self.taught.borrow()
    }

    /// Another model has its own view of every lesson.
    pub(super) fn learn_anew(&self) {
        let mut taught = Taught::default();
        if let Some(loaded) = &*self.loaded.borrow() {
            self.lessons.borrow().iter().for_each(|(lesson, _)| loaded.recognizer.learn(&mut taught, lesson));
        }
        self.taught.replace(taught);
    }
}
