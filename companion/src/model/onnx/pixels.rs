//! How a network wants its pixels, as its own `metadata_props` tell.
//!
//! Understood are `jicho.preprocessing` (the JSON of metadata.json's `preprocessing`) and ONNX's own image keys
//! (`Image.BitmapPixelFormat`, `Image.NominalPixelRange`; onnx/onnx docs/MetadataProps.md).

use jicho::manifest::{ColorOrder, Layout, Preprocessing};
use tract_onnx::pb::ModelProto;

use super::build::property;

/// The key under which Jicho writes a network's preprocessing.
pub const KEY: &str = "jicho.preprocessing";

/// What `metadata_props` say, if they say enough. `layout` is that of the input's shape.
///
/// # Errors
/// A message when a known key has a value that makes no sense.
pub fn from_properties(model: &ModelProto, layout: Option<Layout>) -> Result<Option<Preprocessing>, String> {
    let get = |key: &str| model.metadata_props.iter().find(|p| p.key == key).map(|p| p.value.as_str());
    if let Some(json) = get(KEY) {
        return serde_json::from_str(json).map(Some).map_err(|e| format!("its metadata `{KEY}` cannot be read: {e}"));
    }
    let (Some(format), Some(range), Some(layout)) =
        (get("Image.BitmapPixelFormat"), get("Image.NominalPixelRange"), layout)
    else {
        return Ok(None);
    };
    let color = match format {
        "Rgb8" => ColorOrder::Rgb,
        "Bgr8" => ColorOrder::Bgr,
        other => return Err(format!("its metadata asks for pixels as {other}; Rgb8 and Bgr8 are supported")),
    };
    let range = match range {
        "NominalRange_0_255" => [0.0, 255.0],
        "Normalized_0_1" => [0.0, 1.0],
        "Normalized_1_1" => [-1.0, 1.0],
        "NominalRange_16_235" => [16.0, 235.0],
        other => return Err(format!("its metadata has an unknown pixel range {other}")),
    };
    Ok(Some(Preprocessing { layout, color, range, mean: [0.0; 3], std: [1.0; 3], crop: 1.0, whole_above: None }))
}

/// Writes a network's preprocessing into its `metadata_props`, replacing what they said.
pub fn write(model: &mut ModelProto, preprocessing: &Preprocessing) {
    model.metadata_props.retain(|p| p.key != KEY);
    let json = serde_json::to_string(preprocessing).unwrap_or_default();
    model.metadata_props.push(property(KEY, &json));
}
