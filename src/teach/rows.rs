//! Lessons as rows to train on: docs/formats/photos.md.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use serde::Serialize;
use serde_json::Value;

use super::lesson::{Lesson, facts};
use crate::error::{Error, ErrorKind, Result};
use crate::jpeg::without_metadata;

/// A frame of a lesson.
#[derive(Serialize)]
struct Row<'a> {
    /// A data URI of its JPEG.
    image: String,
    /// Null of what is no product.
    product: Option<&'a str>,
    facts: &'a BTreeMap<String, Value>,
    lesson: RowLesson<'a>,
}

/// What another device needs to have the same lesson.
#[derive(Serialize)]
struct RowLesson<'a> {
    id: &'a str,
    time: u64,
    correction: bool,
}

/// One line of JSON for each frame that has a picture, each with a newline. The pictures are without metadata.
///
/// # Errors
/// [`ErrorKind::InvalidFrame`]: a picture is no JPEG file that can be read.
pub fn rows(lesson: &Lesson) -> Result<String> {
    let Lesson { id, time, label, correction, frames, .. } = lesson;
    let facts = facts(&lesson.facts).unwrap_or_default();
    let row = |jpeg: &[u8]| {
        let jpeg = without_metadata(jpeg).ok_or_else(|| {
            let message = format!("a picture of the lesson `{id}` is no JPEG file that can be read: teach it anew");
            Error::new(ErrorKind::InvalidFrame, message)
        })?;
        let row = Row {
            image: format!("data:image/jpeg;base64,{}", Base64::encode_string(&jpeg)),
            product: label.as_deref(),
            facts: &facts,
            lesson: RowLesson { id, time: *time, correction: *correction },
        };
        // Text, numbers and JSON values: nothing in a row can fail to be written.
        Ok(serde_json::to_string(&row).unwrap_or_default() + "\n")
    };
    frames.iter().map(|frame| &frame.jpeg[..]).filter(|jpeg| !jpeg.is_empty()).map(row).collect()
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::teach::LessonFrame;

    #[test]
    fn a_row_has_the_picture_without_metadata_and_labels_of_any_letters() {
        let jpeg = |metadata: &[u8]| [&[0xff, 0xd8][..], metadata, &[0xff, 0xd9]].concat();
        let frame = |jpeg| LessonFrame { features: vec![f16::ONE], jpeg };
        let lesson = Lesson {
            id: "a".into(),
            time: 7,
            label: Some("\"ki\\wi\" é".into()),
            facts: r#"{"price":3}"#.into(),
            correction: true,
            features_digest: [0; 32],
            frames: vec![frame(jpeg(&[0xff, 0xfe, 0, 4, 1, 2])), frame(Vec::new())],
        };
        let row: Value = serde_json::from_str(&rows(&lesson).unwrap()).unwrap();
        let bare = format!("data:image/jpeg;base64,{}", Base64::encode_string(&jpeg(&[])));
        assert_eq!(row["image"], bare);
        assert_eq!(row["product"], "\"ki\\wi\" é");
        assert_eq!(row["facts"]["price"], 3);
        let cut = Lesson { frames: vec![frame(vec![0xff, 0xd8, 0xff, 0])], ..lesson.clone() };
        assert_eq!(rows(&cut).unwrap_err().kind(), ErrorKind::InvalidFrame);
        assert_eq!(row["lesson"], serde_json::json!({ "id": "a", "time": 7, "correction": true }));
    }
}
