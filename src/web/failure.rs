//! Turns errors into plain JavaScript objects, and thrown JavaScript values into text.

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::error::{Error, ErrorKind};

/// Every error code, in declaration order.
#[must_use]
#[wasm_bindgen(js_name = errorCodes)]
pub fn error_codes() -> Vec<String> {
    ErrorKind::ALL.iter().map(|kind| kind.code().to_owned()).collect()
}

/// A plain `{ code, message }`, which survives `postMessage`.
pub(super) fn plain(error: &Error) -> JsValue {
    let object = Object::new();
    for (name, value) in [("code", error.code()), ("message", error.message())] {
        // Setting a field of a fresh object cannot fail.
        let _ = Reflect::set(&object, &name.into(), &value.into());
    }
    object.into()
}

/// Describes a thrown value: `name: message` for an Error or DOMException, otherwise its text.
pub(super) fn describe(thrown: &JsValue) -> String {
    let field = |name: &str| Reflect::get(thrown, &name.into()).ok().and_then(|v| v.as_string());
    match (field("name"), field("message")) {
        (Some(name), Some(message)) => format!("{name}: {message}"),
        (_, Some(message)) => message,
        _ => thrown.as_string().unwrap_or_else(|| format!("{thrown:?}")),
    }
}
