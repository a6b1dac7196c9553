//! The TypeScript `ChannelOptions`, read with an error message for each wrong field.

use std::collections::BTreeSet;
use std::time::Duration;

use js_sys::{Array, Function};
use wasm_bindgen::{JsCast, JsValue};

use super::frame::field;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::signature::PublicKey;
use crate::sync;

/// Seconds after which a connection that brings nothing counts as broken, unless the app says otherwise.
const STALL_SECONDS: f64 = 30.0;
/// A day: more milliseconds than a browser's timer needs to count.
const MAX_STALL_SECONDS: f64 = 86_400.0;

pub(super) struct Options {
    pub(super) sync: sync::Options,
    pub(super) token: Option<Function>,
    pub(super) stall: Duration,
}

impl Options {
    /// Reads `ChannelOptions`.
    pub(super) fn read(options: &JsValue) -> Result<Self> {
        let field = |name| field(options, name);
        let keys = strings(&field("keys"), "keys")?.unwrap_or_default();
        let token = present(field("token")).map(|token| token.dyn_into());
        let stall = present(field("stallSeconds")).map_or(Some(STALL_SECONDS), |seconds| seconds.as_f64());
        let stall = stall.filter(|seconds| *seconds > 0.0 && *seconds <= MAX_STALL_SECONDS);
        Ok(Options {
            sync: sync::Options {
                keys: keys.iter().map(|key| PublicKey::parse(key)).collect::<Result<_>>()?,
                threshold: threshold(&field("threshold"))?,
                products: products(&field("products"))?,
            },
            token: token.transpose().map_err(|_| invalid("`token` must be a function"))?,
            stall: Duration::from_secs_f64(
                stall.ok_or_else(|| invalid("`stallSeconds` must be a number above 0, at most 86400"))?,
            ),
        })
    }
}

/// How many of the keys must have signed a release; null or undefined asks for one.
fn threshold(value: &JsValue) -> Result<Option<usize>> {
    let Some(value) = present(value.clone()) else { return Ok(None) };
    let number = value.as_f64().filter(|number| number.fract() == 0.0 && (1.0..=32.0).contains(number));
    number.map(|number| Some(number as usize)).ok_or_else(|| invalid("`threshold` must be an integer of 1 to 32"))
}

/// The share of matches that should be right; null or undefined leaves it to the release.
pub(super) fn precision(value: &JsValue) -> Result<Option<f32>> {
    let Some(value) = present(value.clone()) else { return Ok(None) };
    let number = value.as_f64().filter(|number| *number > 0.0 && *number < 1.0);
    number.map(|number| Some(number as f32)).ok_or_else(|| invalid("`precision` must be a number between 0 and 1"))
}

/// The product ids that the app knows; null or undefined knows all.
pub(super) fn products(value: &JsValue) -> Result<Option<BTreeSet<String>>> {
    let Some(ids) = strings(value, "products")? else { return Ok(None) };
    let mut products = BTreeSet::new();
    // `collect()` would sort them first, and pull some kilobytes of sorting code into the wasm.
    for id in ids {
        products.insert(id);
    }
    Ok(Some(products))
}

fn strings(value: &JsValue, name: &str) -> Result<Option<Vec<String>>> {
    let Some(value) = present(value.clone()) else { return Ok(None) };
    let texts = value.dyn_into::<Array>().ok().and_then(|texts| texts.iter().map(|text| text.as_string()).collect());
    texts.map(Some).ok_or_else(|| invalid(&format!("`{name}` must be an array of strings")))
}

fn present(value: JsValue) -> Option<JsValue> {
    (!value.is_null() && !value.is_undefined()).then_some(value)
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
