//! Frames one after another: which of them tells the next one's motion.

use super::{Glimpse, Quality, assess};
use crate::frame::Frame;

/// How long a frame tells the next one's motion, milliseconds. In longer times a hand that holds still drifts as far as a
/// hasty one moves.
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

/// Assesses frames as they come, and remembers the last one of a video. Photos, which have no moment, have no motion
/// either, and are not remembered: one among the frames of a video changes nothing for these.
#[derive(Debug, Clone, Default)]
pub struct Assessor {
    last: Option<(Moment, Glimpse)>,
}

impl Assessor {
    /// Measures a frame; its motion only where the last one is of the same video, and at most [`RECENT_MS`] old.
    pub fn assess(&mut self, frame: &Frame<'_>, moment: Option<Moment>) -> Quality {
        let before = self.last.as_ref().filter(|(last, _)| moment.is_some_and(|now| now.follows(*last)));
        let (quality, glimpse) = assess(frame, before.map(|(_, glimpse)| glimpse));
        if let Some(moment) = moment {
            self.last = Some((moment, glimpse));
        }
        quality
    }
}
