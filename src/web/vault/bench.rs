//! Envelopes alone, for the benchmark.

use std::rc::Rc;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use super::browser::Browser;
use super::handle::promise;
use super::storage::Storage;
use crate::vault::MemoryStore;
use crate::vault::bench::Sealer;
use crate::web::failure::plain;
use crate::web::random;

/// Seals and opens by the module's own AES.
#[wasm_bindgen]
pub struct BenchSealer(Rc<Sealer>);

#[wasm_bindgen]
impl BenchSealer {
    /// With a random key.
    #[wasm_bindgen(constructor)]
    #[must_use]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let mut key = [0; 32];
        random::fill(&mut key);
        BenchSealer(Rc::new(Sealer::new(key)))
    }

    /// # Errors
    /// A plain `{ code, message }`.
    pub fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, JsValue> {
        let mut nonce = [0; 12];
        random::fill(&mut nonce);
        self.0.seal(nonce, bytes).map_err(|e| plain(&e))
    }

    /// # Errors
    /// A plain `{ code, message }`.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, JsValue> {
        self.0.open(sealed).map_err(|e| plain(&e))
    }

    /// As the vault does, by the platform where that is faster.
    #[wasm_bindgen(js_name = sealOn, unchecked_return_type = "Promise<Uint8Array>")]
    pub fn seal_on(&self, bytes: Vec<u8>) -> Promise {
        let sealer = Rc::clone(&self.0);
        let mut nonce = [0; 12];
        random::fill(&mut nonce);
        promise(async move { Ok(Uint8Array::from(&*sealer.seal_on(&browser(), nonce, &bytes).await?).into()) })
    }

    /// As the vault does, by the platform where that is faster.
    #[wasm_bindgen(js_name = openOn, unchecked_return_type = "Promise<Uint8Array>")]
    pub fn open_on(&self, sealed: Vec<u8>) -> Promise {
        let sealer = Rc::clone(&self.0);
        promise(async move { Ok(Uint8Array::from(&*sealer.open_on(&browser(), &sealed).await?).into()) })
    }
}

fn browser() -> Browser {
    Browser(Rc::new(Storage::Memory(MemoryStore::default())))
}
