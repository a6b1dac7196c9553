//! What a vault keeps, and how it lies in an envelope.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::ids::RecordId;
use super::kind::Kind;
use super::padding::{pad, unpad};
use crate::error::{Error, ErrorKind, Result};
use crate::recognize::Decision;

/// Bytes of a record's JSON at most.
const MAX_JSON: usize = 64 << 10;
/// Bytes of what belongs to a record at most.
const MAX_BLOB: usize = 1 << 20;

/// A record, sealed as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Record {
    /// Its blob is a JPEG thumbnail, if there is one.
    Scan(Scan),
    /// Without a blob.
    Correction(Correction),
    /// Its blob is the embedding, `f32` little-endian, or a lesson's file.
    Prototype(Prototype),
    /// Without a blob.
    Sale(Sale),
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

/// A product enrolled on the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prototype {
    /// The product's id.
    pub label: String,
    /// The SHA-256 of the network that made the embedding: it means nothing to another.
    pub backbone: String,
    /// Where its blob is a lesson's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<LessonName>,
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
            Record::Prototype(_) => Kind::Prototype,
            Record::Sale(_) => Kind::Sale,
        }
    }

    /// Whether it may be added.
    pub(super) fn check(&self, blob: Option<&[u8]>) -> Result<()> {
        let wrong = |message: &str| Err(Error::new(ErrorKind::InvalidArgument, message));
        match (self, blob) {
            (_, Some(blob)) if blob.len() > MAX_BLOB => return wrong("a blob of more than 1 MiB"),
            (Record::Scan(_), Some(blob)) if !blob.starts_with(&[0xff, 0xd8, 0xff]) => {
                return wrong("the thumbnail is no JPEG");
            }
            (Record::Scan(scan), _) => {
                if scan.geohash.as_deref().is_some_and(|geohash| !is_geohash(geohash)) {
                    return wrong("that is no geohash");
                }
            }
            (Record::Prototype(_), None) => return wrong("a prototype needs its embedding"),
            (Record::Prototype(Prototype { lesson: Some(_), .. }), Some(blob)) => {
                if !blob.starts_with(b"JCHL") {
                    return wrong("the file is no lesson");
                }
            }
            (Record::Prototype(_), Some(blob)) => {
                let (values, rest) = blob.as_chunks::<4>();
                if values.is_empty() || !rest.is_empty() || values.iter().any(|v| !f32::from_le_bytes(*v).is_finite()) {
                    return wrong("an embedding is finite numbers, f32 little-endian");
                }
            }
            (Record::Correction(correction), None) => drop(correction.scan.parse::<RecordId>()?),
            (Record::Sale(_), None) => {}
            (Record::Correction(_) | Record::Sale(_), Some(_)) => {
                return wrong("only scans and prototypes have a blob");
            }
        }
        Ok(())
    }

    /// What is sealed: of the record and of its blob.
    pub(super) fn write(&self, blob: Option<&[u8]>) -> Result<Plain> {
        self.check(blob)?;
        let wrong = |what| Error::new(ErrorKind::InvalidArgument, format!("a record {what}"));
        let mut record = self.clone();
        if let Record::Correction(correction) = &mut record {
            // However it was spelt.
            correction.scan = correction.scan.parse::<RecordId>()?.to_string();
        }
        let payload = Payload { record, blob_bytes: blob.map_or(0, <[u8]>::len) };
        let json = serde_json::to_vec(&payload).map_err(|_| wrong("that is no JSON".to_owned()))?;
        let json = Zeroizing::new(json);
        if json.len() > MAX_JSON {
            return Err(wrong(format!("of {} bytes; {MAX_JSON} are the most", json.len())));
        }
        // What JSON cannot hold, such as a score that is no number, must fail now and not when it is read.
        serde_json::from_slice::<Payload>(&json).map_err(|_| wrong("with a number that is none".to_owned()))?;
        Ok(Plain { record: pad(&json), blob: blob.map(pad) })
    }
}

/// A record and its blob, padded, in no envelope or just out of one.
pub(super) struct Plain {
    pub(super) record: Zeroizing<Vec<u8>>,
    pub(super) blob: Option<Zeroizing<Vec<u8>>>,
}

impl Plain {
    /// `with_blob`: whether the blob was read, if there is one.
    pub(super) fn read(&self, kind: Kind, id: RecordId, time: u64, with_blob: bool) -> Result<Entry> {
        let damaged = |what: &str| Error::new(ErrorKind::RecordDamaged, what);
        let payload: Payload = serde_json::from_slice(unpad(&self.record)?)
            .map_err(|_| damaged("it is no record that this version can read: update the app"))?;
        if payload.record.kind() != kind {
            return Err(damaged("it is of another kind"));
        }
        let blob = self.blob.as_deref().map(|blob| unpad(blob)).transpose()?.map(<[u8]>::to_vec);
        if with_blob && blob.as_ref().map_or(0, Vec::len) != payload.blob_bytes {
            return Err(damaged("what belongs to it is gone"));
        }
        Ok(Entry { id, time, record: payload.record, blob_bytes: payload.blob_bytes, blob })
    }
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
