//! Turns results into JavaScript values.

use js_sys::JSON;
use serde::Serialize;
use wasm_bindgen::JsValue;

use super::failure::describe;
use crate::error::{Error, ErrorKind, Result};

/// Plain data: objects, arrays, strings, numbers, booleans, null. Through JSON text, which takes any integer that a
/// fact may hold and gives an `f32` the digits that the companion prints.
pub(super) fn to_js(value: &impl Serialize) -> Result<JsValue> {
    let text = serde_json::to_string(value).map_err(|e| e.to_string());
    text.and_then(|text| JSON::parse(&text).map_err(|thrown| describe(&thrown)))
        .map_err(|e| Error::new(ErrorKind::Internal, format!("a result cannot be given to JavaScript: {e}")))
}
