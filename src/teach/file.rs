//! Reads and writes a lesson's file.
//!
//! ```text
//!  0  4  magic "JCHL"
//!  4  1  format version
//!  5  8  XXH64 (seed 0) of everything from byte 13 on
//! 13  8  time, milliseconds since 1970
//!     32 what made the features
//!     1  flags: 1 a correction, 2 of no product
//!     …  id, label (empty of no product), facts (JSON object, or empty): each a length (4) and its bytes
//!     4  features a frame
//!     1  frames, then of each: the features, f16; the JPEG, a length (4) and its bytes
//! ```
//! Numbers are little-endian. Nothing may follow.

use half::f16;
use xxhash_rust::xxh64::xxh64;

use super::limits::{MAX_FEATURES, MAX_LESSON_BYTES};
use super::{Lesson, LessonFrame, invalid};
use crate::codec::{Reader, put};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: [u8; 4] = *b"JCHL";
const VERSION: u8 = 1;
const CORRECTION: u8 = 1;
const NO_PRODUCT: u8 = 2;

impl Lesson {
    /// Reads a lesson's file; nothing in it is trusted.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidLesson`]: no lesson, cut short, or damaged; [`ErrorKind::SchemaTooNew`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_LESSON_BYTES {
            return Err(invalid(format!("a lesson has at most {MAX_LESSON_BYTES} bytes, this has {}", bytes.len())));
        }
        let mut reader = Reader(bytes);
        if reader.array() != Some(MAGIC) {
            return Err(invalid("it does not begin with JCHL"));
        }
        match reader.u8() {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => {
                let message = format!("the lesson has format {newer}, this library reads {VERSION}: update the app");
                return Err(Error::new(ErrorKind::SchemaTooNew, message));
            }
            _ => return Err(invalid("it has no format version")),
        }
        if reader.u64() != Some(xxh64(reader.0, 0)) {
            return Err(invalid("the lesson is damaged: its checksum does not fit"));
        }
        let lesson =
            read(&mut reader).ok_or_else(|| invalid("the lesson does not end where it says, or is no text"))?;
        lesson.check()?;
        Ok(lesson)
    }

    /// Writes the lesson's file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidLesson`] where it could not be read again; [`ErrorKind::LessonLimit`] where it is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        let mut rest = Vec::new();
        rest.extend(self.time.to_le_bytes());
        rest.extend(self.features_digest);
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        rest.push(flag(self.correction, CORRECTION) | flag(self.label.is_none(), NO_PRODUCT));
        put(&mut rest, self.id.as_bytes());
        put(&mut rest, self.label.as_deref().unwrap_or_default().as_bytes());
        put(&mut rest, self.facts.as_bytes());
        rest.extend((self.frames[0].features.len() as u32).to_le_bytes());
        rest.push(self.frames.len() as u8);
        for LessonFrame { features, jpeg } in &self.frames {
            rest.extend(features.iter().flat_map(|value| value.to_le_bytes()));
            put(&mut rest, jpeg);
        }
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend(xxh64(&rest, 0).to_le_bytes());
        bytes.append(&mut rest);
        if bytes.len() > MAX_LESSON_BYTES {
            let message =
                format!("a lesson of {} bytes; {MAX_LESSON_BYTES} are the most: give fewer frames", bytes.len());
            return Err(Error::new(ErrorKind::LessonLimit, message));
        }
        Ok(bytes)
    }
}

fn read(reader: &mut Reader<'_>) -> Option<Lesson> {
    let time = reader.u64()?;
    let features_digest = reader.array()?;
    let flags = reader.u8().filter(|flags| *flags <= CORRECTION | NO_PRODUCT)?;
    let mut text = || String::from_utf8(reader.bytes()?.to_vec()).ok();
    let (id, label, facts) = (text()?, text()?, text()?);
    let label = if flags & NO_PRODUCT == 0 { Some(label) } else { label.is_empty().then_some(None)? };
    let length = reader.u32().map(|length| length as usize).filter(|length| *length <= MAX_FEATURES)?;
    let count = reader.u8()?;
    let frames = (0..count).map(|_| {
        let features = reader.take(2 * length)?.as_chunks().0.iter().map(|value| f16::from_le_bytes(*value)).collect();
        Some(LessonFrame { features, jpeg: reader.bytes()?.to_vec() })
    });
    let frames = frames.collect::<Option<_>>()?;
    reader.end()?;
    Some(Lesson { id, time, label, facts, correction: flags & CORRECTION != 0, features_digest, frames })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lesson() -> impl Strategy<Value = Lesson> {
        let facts =
            "([a-zé]{0,5})".prop_map(|name| if name.is_empty() { name } else { format!("{{\"name\":\"{name}\"}}") });
        let label = proptest::option::of("[a-zé-]{1,12}");
        let frames = (1usize..9).prop_flat_map(|length| {
            let features = proptest::collection::vec((-4f32..4.0).prop_map(f16::from_f32), length);
            let jpeg = proptest::collection::vec(any::<u8>(), 0..40);
            let jpeg =
                jpeg.prop_map(|rest| if rest.is_empty() { rest } else { [&[0xff, 0xd8, 0xff], &rest[..]].concat() });
            proptest::collection::vec((features, jpeg), 1..4)
        });
        ("[A-Za-z0-9_-]{1,64}", any::<u64>(), label, facts, any::<bool>(), any::<[u8; 32]>(), frames).prop_map(
            |(id, time, label, facts, correction, features_digest, frames)| {
                let frames = frames.into_iter().map(|(features, jpeg)| LessonFrame { features, jpeg }).collect();
                Lesson { id, time, label, facts, correction, features_digest, frames }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(lesson in lesson()) {
            let bytes = lesson.to_bytes().unwrap();
            prop_assert_eq!(Lesson::parse(&bytes).unwrap(), lesson);
        }

        #[test]
        fn damage_is_noticed(lesson in lesson(), at in any::<prop::sample::Index>(), change in 1u8..) {
            let mut bytes = lesson.to_bytes().unwrap();
            prop_assert!(Lesson::parse(&bytes[..at.index(bytes.len())]).is_err());
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            let error = Lesson::parse(&bytes).unwrap_err();
            prop_assert!(matches!(error.kind(), ErrorKind::InvalidLesson | ErrorKind::SchemaTooNew));
        }
    }
}
