//! Random bytes from the browser. Unlike `crypto.subtle`, this works on pages without https, too.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// Fills at most 65,536 bytes.
pub(super) fn fill(bytes: &mut [u8]) {
    get_random_values(bytes);
}

#[cfg(feature = "channel")]
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}
