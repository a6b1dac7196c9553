//! Frames of a video one after another: against which earlier frame the motion of the next is measured.

use super::{Glimpse, Quality, assess};
use crate::frame::Frame;

/// The longest time, in milliseconds, over which the motion between two frames is measured. Over longer times a hand that
/// holds still drifts as far as a hasty one moves.
pub const RECENT_MS: f64 = 500.0;

/// When a frame of a video was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Which video: any number.
    pub video: u32,
    /// Milliseconds of any clock that never goes back.
    pub at: f64,
}

impl Moment {
    fn follows(self, before: Moment) -> bool {
        self.video == before.video && (0.0..=RECENT_MS).contains(&(self.at - before.at))
    }
}

/// Assesses frames as they come, and remembers the last one of a video. Photos have no moment, so they have no motion and
/// are not remembered: a photo between two frames of a video does not change how these are assessed.
#[derive(Debug, Clone, Default)]
pub struct Assessor {
    last: Option<(Moment, Glimpse)>,
}

impl Assessor {
    /// Assesses a frame. Its motion is measured only where the last frame is of the same video, and at most [`RECENT_MS`]
    /// older.
    pub fn assess(&mut self, frame: &Frame<'_>, moment: Option<Moment>) -> Quality {
        let before = self.last.as_ref().filter(|(last, _)| moment.is_some_and(|now| now.follows(*last)));
        let (quality, glimpse) = assess(frame, before.map(|(_, glimpse)| glimpse));
        if let Some(moment) = moment {
            self.last = Some((moment, glimpse));
        }
        quality
    }
}
