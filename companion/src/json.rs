//! Values as JSON text. A value that JSON cannot hold is a defect of the companion, so it is reported as `INTERNAL`.

use serde::Serialize;

use crate::error::{Error, Result};

/// Indented JSON, for files that people also read.
///
/// # Errors
/// `INTERNAL`, for values that JSON cannot hold.
pub fn pretty(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(Error::Json)
}

/// JSON on one line, for stdout and JSON Lines files.
///
/// # Errors
/// `INTERNAL`, for values that JSON cannot hold.
pub fn line(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::Json)
}

/// As a JSON value.
///
/// # Errors
/// `INTERNAL`, for values that JSON cannot hold.
pub fn value(value: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(Error::Json)
}
