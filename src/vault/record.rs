//! What a vault keeps, and how it lies in an envelope.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::ids::RecordId;
use super::kind::Kind;
use super::padding::{pad, unpad};
use crate::error::{Error, ErrorKind, Result};
use crate::jpeg::without_metadata;
use crate::recognize::Decision;
use crate::teach;

/// Bytes of a record's JSON at most.
pub(super) const MAX_JSON: usize = 64 << 10;
/// Bytes of what belongs to a record at most.
pub(super) const MAX_BLOB: usize = 1 << 20;

/// A record, sealed as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", from = "AnyRecord")]
pub enum Record {
    /// Its blob is a JPEG thumbnail, if there is one.
    Scan(Scan),
    /// Without a blob.
    Correction(Correction),
    /// Its blob is the lesson's file, [`crate::teach::Lesson`].
    Lesson(Lesson),
    /// Its blob is the embedding, `f32` little-endian. Kept as a lesson is, under [`Kind::Lesson`].
    Prototype(Prototype),
    /// Without a blob.
    Sale(Sale),
}

/// A record of this version or a former one, which wrote a lesson as a prototype without a label.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum AnyRecord {
    Scan(Scan),
    Correction(Correction),
    Lesson(Lesson),
    Prototype(FormerPrototype),
    Sale(Sale),
}

/// A prototype, or where `lesson` is there a lesson.
#[derive(Deserialize)]
struct FormerPrototype {
    label: String,
    backbone: String,
    lesson: Option<LessonName>,
}

impl From<AnyRecord> for Record {
    fn from(record: AnyRecord) -> Self {
        match record {
            AnyRecord::Scan(scan) => Record::Scan(scan),
            AnyRecord::Correction(correction) => Record::Correction(correction),
            AnyRecord::Lesson(lesson) => Record::Lesson(lesson),
            AnyRecord::Prototype(FormerPrototype { lesson: Some(lesson), .. }) => Record::Lesson(Lesson { lesson }),
            AnyRecord::Prototype(FormerPrototype { label, backbone, .. }) => {
                Record::Prototype(Prototype { label, backbone })
            }
            AnyRecord::Sale(sale) => Record::Sale(sale),
        }
    }
}

/// A recognition as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scan {
    /// What came of it, where it was a recognition.
    pub decision: Option<Decision>,
    /// The likeliest first.
    pub predictions: Vec<Prediction>,
    /// By name, as recognised.
    pub attributes: BTreeMap<String, Value>,
    /// 0–100.
    pub score: Option<f64>,
    /// The frame's measures by name.
    pub quality: BTreeMap<String, f64>,
    /// 1 to 12 characters.
    pub geohash: Option<String>,
    /// The model's version.
    pub version: Option<String>,
}

/// A label and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    /// The product's id.
    pub label: String,
    /// 0–1.
    pub confidence: f32,
}

/// The right label of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// The scan's id.
    pub scan: String,
    /// What it was; none for no product.
    pub label: Option<String>,
}

/// A lesson that a channel was taught by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lesson {
    /// Which one it is.
    pub lesson: LessonName,
}

/// A product's embedding, which an app made itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prototype {
    /// The product's id.
    pub label: String,
    /// The SHA-256 of the network that made the embedding: it means nothing to another.
    pub backbone: String,
}

/// Which lesson a record is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LessonName {
    /// The lesson's own id.
    pub id: String,
    /// What tells the channel that was taught from others.
    pub channel: String,
}

/// A sale as the app keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sale {
    /// Any JSON.
    pub order: Value,
}

/// A record read from a vault.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: RecordId,
    /// When it was added, in milliseconds since 1970.
    pub time: u64,
    /// Itself.
    pub record: Record,
    /// Bytes of its blob.
    pub blob_bytes: usize,
    /// Its blob, where it was asked for and there is one.
    pub blob: Option<Vec<u8>>,
}

/// What lies in a record's envelope.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    record: Record,
    /// So that a blob that is gone is noticed.
    blob_bytes: usize,
}

impl Record {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Record::Scan(_) => Kind::Scan,
            Record::Correction(_) => Kind::Correction,
            Record::Lesson(_) | Record::Prototype(_) => Kind::Lesson,
            Record::Sale(_) => Kind::Sale,
        }
    }

    /// Whether it may be added. A thumbnail and a lesson's file are looked at when they are written.
    fn check(&self, blob: Option<&[u8]>, limits: Limits) -> Result<()> {
        let wrong = |message: &str| Err(Error::new(ErrorKind::InvalidArgument, message));
        match (self, blob) {
            (_, Some(blob)) if blob.len() > MAX_BLOB => return wrong("a blob of more than 1 MiB"),
            (Record::Scan(scan), _) => {
                if !scan.is_finite() {
                    return wrong("a scan's score, confidences and measures are finite numbers");
                }
                if let Some(geohash) = &scan.geohash {
                    if !is_geohash(geohash) {
                        return wrong("that is no geohash");
                    }
                    if geohash.len() > limits.geohash_length.into() {
                        return wrong(
                            "the geohash is longer than this vault allows: it would tell a street or a house",
                        );
                    }
                }
            }
            (Record::Lesson(_), None) => return wrong("a lesson needs its file"),
            (Record::Lesson(_), Some(_)) => {}
            (Record::Prototype(_), None) => return wrong("a prototype needs its embedding"),
            (Record::Prototype(_), Some(blob)) => {
                let (values, rest) = blob.as_chunks::<4>();
                if values.is_empty() || !rest.is_empty() || values.iter().any(|v| !f32::from_le_bytes(*v).is_finite()) {
                    return wrong("an embedding is finite numbers, f32 little-endian");
                }
            }
            (Record::Correction(correction), None) => drop(correction.scan.parse::<RecordId>()?),
            (Record::Sale(_), None) => {}
            (Record::Correction(_) | Record::Sale(_), Some(_)) => {
                return wrong("only scans, lessons and prototypes have a blob");
            }
        }
        Ok(())
    }

    /// The same with what another vault's limits allowed cut down to those of this one, and without pictures that are no
    /// JPEG. `None` for a lesson whose file cannot be read.
    pub(super) fn fitted(
        mut self,
        mut blob: Option<Vec<u8>>,
        limits: Limits,
    ) -> Result<Option<(Self, Option<Vec<u8>>)>> {
        match (&mut self, &blob) {
            (Record::Scan(scan), _) => {
                if let Some(geohash) = scan.geohash.as_mut().filter(|geohash| is_geohash(geohash)) {
                    geohash.truncate(limits.geohash_length.into());
                }
                blob = blob.filter(|jpeg| without_metadata(jpeg).is_some());
            }
            (Record::Lesson(_), Some(file)) => match lesson_without_metadata(file, true) {
                Ok(clean) => blob = Some(clean),
                Err(error) if error.kind() == ErrorKind::SchemaTooNew => return Err(error),
                Err(_) => return Ok(None),
            },
            _ => {}
        }
        Ok(Some((self, blob)))
    }

    /// What is sealed: of the record and of its blob.
    pub(super) fn write(&self, blob: Option<&[u8]>, limits: Limits) -> Result<Plain> {
        self.check(blob, limits)?;
        let wrong = |what| Error::new(ErrorKind::InvalidArgument, format!("a record {what}"));
        let mut record = self.clone();
        if let Record::Correction(correction) = &mut record {
            // However it was spelt.
            correction.scan = correction.scan.parse::<RecordId>()?.to_string();
        }
        let clean = match (self, blob) {
            (Record::Scan(_), Some(jpeg)) => {
                let foreign = || Error::new(ErrorKind::InvalidArgument, "the thumbnail is no JPEG");
                Some(Zeroizing::new(without_metadata(jpeg).ok_or_else(foreign)?))
            }
            (Record::Lesson(_), Some(file)) => {
                let foreign = |error: Error| Error::new(ErrorKind::InvalidArgument, error.message());
                Some(Zeroizing::new(lesson_without_metadata(file, false).map_err(foreign)?))
            }
            _ => None,
        };
        let blob = clean.as_ref().map(|clean| &clean[..]).or(blob);
        let payload = Payload { record, blob_bytes: blob.map_or(0, <[u8]>::len) };
        let json = serde_json::to_vec(&payload).map_err(|_| wrong("that is no JSON".to_owned()))?;
        let json = Zeroizing::new(json);
        if json.len() > MAX_JSON {
            return Err(wrong(format!("of {} bytes; {MAX_JSON} are the most", json.len())));
        }
        // What JSON cannot hold must fail now and not when it is read.
        serde_json::from_slice::<Payload>(&json).map_err(|_| wrong("with a number that is none".to_owned()))?;
        Ok(Plain::new(&json, blob))
    }
}

/// What a vault allows of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Characters of a geohash.
    pub(super) geohash_length: u8,
}

impl Scan {
    /// Whether its numbers can be kept: JSON has no others.
    fn is_finite(&self) -> bool {
        let confidences = self.predictions.iter().map(|prediction| f64::from(prediction.confidence));
        confidences.chain(self.score).chain(self.quality.values().copied()).all(f64::is_finite)
    }
}

/// A record and its blob, padded, in no envelope or just out of one.
pub(super) struct Plain {
    pub(super) record: Zeroizing<Vec<u8>>,
    pub(super) blob: Option<Zeroizing<Vec<u8>>>,
}

impl Plain {
    /// Of a record's JSON and its blob.
    pub(super) fn new(json: &[u8], blob: Option<&[u8]>) -> Self {
        Plain { record: pad(json), blob: blob.map(pad) }
    }

    /// The record's JSON.
    pub(super) fn json(&self) -> Result<&[u8]> {
        unpad(&self.record)
    }

    /// The blob.
    pub(super) fn blob(&self) -> Result<Option<&[u8]>> {
        self.blob.as_deref().map(|blob| unpad(blob)).transpose()
    }

    /// Bytes of both.
    pub(super) fn length(&self) -> usize {
        self.record.len() + self.blob.as_ref().map_or(0, |blob| blob.len())
    }

    /// `with_blob`: whether the blob was read, if there is one.
    pub(super) fn read(&self, kind: Kind, id: RecordId, time: u64, with_blob: bool) -> Result<Entry> {
        let damaged = |what: &str| Error::new(ErrorKind::RecordDamaged, what);
        let payload: Payload = serde_json::from_slice(self.json()?)
            .map_err(|_| damaged("it is no record that this version can read: update the app"))?;
        if payload.record.kind() != kind {
            return Err(damaged("it is of another kind"));
        }
        let blob = self.blob()?.map(<[u8]>::to_vec);
        if with_blob && blob.as_ref().map_or(0, Vec::len) != payload.blob_bytes {
            return Err(damaged("what belongs to it is gone"));
        }
        Ok(Entry { id, time, record: payload.record, blob_bytes: payload.blob_bytes, blob })
    }
}

/// A lesson's file whose pictures are without metadata. One that is no JPEG is left out, or fails.
fn lesson_without_metadata(file: &[u8], leave_out: bool) -> Result<Vec<u8>> {
    let mut lesson = teach::Lesson::parse(file)?;
    for frame in lesson.frames.iter_mut().filter(|frame| !frame.jpeg.is_empty()) {
        frame.jpeg = match without_metadata(&frame.jpeg) {
            Some(clean) => clean,
            None if leave_out => Vec::new(),
            None => return Err(Error::new(ErrorKind::InvalidLesson, "a picture of the lesson is no JPEG")),
        };
    }
    lesson.to_bytes()
}

/// Whether it is 1 to 12 characters of geohash's alphabet.
fn is_geohash(text: &str) -> bool {
    (1..=12).contains(&text.len()) && text.bytes().all(|b| b"0123456789bcdefghjkmnpqrstuvwxyz".contains(&b))
}

/// Whether it is the beginning of a geohash.
pub(super) fn check_prefix(prefix: &str) -> Result<()> {
    let wrong = || Error::new(ErrorKind::InvalidArgument, "that is no beginning of a geohash");
    is_geohash(prefix).then_some(()).ok_or_else(wrong)
}
