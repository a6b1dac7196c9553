//! What a network's file tells of how the network was made: which photos it has seen, and how far to trust what it says
//! of others.
//!
//! Of photos that a network was trained on it is surer than of any others, even by heads that never saw them. They can
//! neither measure nor calibrate. `jicho pretrain` writes the digests of its photos into the file, with the calibration
//! measured on photos that took no part, for channels that have no other photos.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tract_onnx::pb::ModelProto;

use crate::dataset::Example;
use crate::model::onnx::build::property;

const KEY: &str = "jicho.pretraining";
/// Bytes of a photo's sha256 that are kept: of a million photos two agree with a probability of 3e-8.
const DIGEST: usize = 8;

type Digest = [u8; DIGEST];

/// Factor of the cosines and rejection threshold, as metadata.json has them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    /// 1 ÷ temperature.
    pub scale: f32,
    /// Answers with a smaller rejection score are `unknown`.
    pub rejection_threshold: f32,
}

/// What is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Pretraining {
    photos: HashSet<Digest>,
    /// Measured on photos that took no part; none where there were too few.
    pub calibration: Option<Calibration>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    /// Digests one after another, in base64.
    photos: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calibration: Option<Calibration>,
}

impl Pretraining {
    /// Of a network made from these photos.
    pub fn of(photos: &[Example], calibration: Option<Calibration>) -> Pretraining {
        Pretraining { photos: photos.par_iter().filter_map(digest).collect(), calibration }
    }

    /// Whether the network has seen each of these photos.
    pub fn saw(&self, photos: &[Example]) -> Vec<bool> {
        photos.par_iter().map(|photo| digest(photo).is_some_and(|digest| self.photos.contains(&digest))).collect()
    }

    /// Takes it out of a file's `metadata_props`, if they have it.
    ///
    /// # Errors
    /// A message when it cannot be read.
    pub fn take(model: &mut ModelProto) -> Result<Option<Pretraining>, String> {
        let Some(at) = model.metadata_props.iter().position(|p| p.key == KEY) else { return Ok(None) };
        let found = model.metadata_props.swap_remove(at).value;
        parse(&found).map(Some).map_err(|why| format!("the network's metadata `{KEY}` cannot be read: {why}"))
    }

    /// Writes it into the file's `metadata_props`.
    pub fn write(&self, model: &mut ModelProto) {
        model.metadata_props.retain(|p| p.key != KEY);
        model.metadata_props.push(property(KEY, &self.to_text()));
    }

    /// It as text; see [`Pretraining::from_text`].
    pub fn to_text(&self) -> String {
        let mut digests: Vec<Digest> = self.photos.iter().copied().collect();
        digests.sort_unstable();
        let written = Written { photos: BASE64_STANDARD.encode(digests.as_flattened()), calibration: self.calibration };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// It from [`Pretraining::to_text`].
    ///
    /// # Errors
    /// A message when it cannot be read.
    pub fn from_text(text: &str) -> Result<Pretraining, String> {
        parse(text)
    }
}

fn parse(text: &str) -> Result<Pretraining, String> {
    let written: Written = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let bytes = BASE64_STANDARD.decode(&written.photos).map_err(|e| e.to_string())?;
    let (digests, rest) = bytes.as_chunks::<DIGEST>();
    if !rest.is_empty() {
        return Err(format!("a digest has {DIGEST} bytes"));
    }
    if let Some(Calibration { scale, rejection_threshold }) = written.calibration
        && !(scale > 0.0 && scale.is_finite() && rejection_threshold.is_finite())
    {
        return Err("the scale must be above 0, and both numbers finite".into());
    }
    Ok(Pretraining { photos: digests.iter().copied().collect(), calibration: written.calibration })
}

/// None for a photo that is gone.
fn digest(photo: &Example) -> Option<Digest> {
    Sha256::digest(photo.bytes().ok()?).first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(bytes: &[u8]) -> Example {
        Example { bytes: Some(bytes.into()), ..Example::default() }
    }

    fn written(value: &str) -> ModelProto {
        ModelProto { metadata_props: vec![property(KEY, value)], ..Default::default() }
    }

    #[test]
    fn a_file_knows_its_photos_again_and_no_others() {
        let calibration = Calibration { scale: 14.5, rejection_threshold: -0.25 };
        let made = Pretraining::of(&[photo(b"one"), photo(b"two"), photo(b"one")], Some(calibration));
        let mut model = ModelProto::default();
        made.write(&mut model);
        made.write(&mut model);
        assert_eq!(model.metadata_props.len(), 1);
        let read = Pretraining::take(&mut model).unwrap().unwrap();
        assert_eq!(read, made);
        assert_eq!(read.saw(&[photo(b"two"), photo(b"three"), photo(b"one")]), [true, false, true]);
        assert_eq!(Pretraining::take(&mut model), Ok(None));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let error = |value: &str| Pretraining::take(&mut written(value)).unwrap_err();
        for value in ["", "{}", r#"{"photos":"?"}"#, r#"{"photos":"AAAA"}"#] {
            assert!(error(value).contains(KEY), "{value}");
        }
        let calibrated = |scale: &str, threshold: &str| {
            error(&format!(r#"{{"photos":"","calibration":{{"scale":{scale},"rejectionThreshold":{threshold}}}}}"#))
        };
        for scale in ["0", "-1"] {
            assert!(calibrated(scale, "0").contains("the scale must be above 0"), "{scale}");
        }
        // Whether the parser refuses what no `f32` holds, or makes it infinite, depends on serde_json's features.
        for (scale, threshold) in [("1e39", "0"), ("1e400", "0"), ("1", "1e39"), ("1", "-1e39")] {
            assert!(calibrated(scale, threshold).contains(KEY), "{scale} {threshold}");
        }
        let bare = Pretraining::take(&mut written(r#"{"photos":""}"#)).unwrap().unwrap();
        assert_eq!(bare.calibration, None);
    }
}
