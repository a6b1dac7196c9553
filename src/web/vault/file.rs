//! Exported files as a browser has them: blobs, which need not be in memory.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Blob};

use crate::error::{Error, ErrorKind, Result};
use crate::vault::ExportSource;
use crate::web::failure::describe;

/// A file that is imported.
pub(super) struct ChosenFile {
    pub(super) file: Blob,
    /// Ends the import.
    pub(super) signal: Option<AbortSignal>,
}

impl ChosenFile {
    fn check_signal(&self) -> Result<()> {
        if self.signal.as_ref().is_some_and(AbortSignal::aborted) {
            return Err(Error::new(ErrorKind::Aborted, "the import was aborted by the caller"));
        }
        Ok(())
    }
}

impl ExportSource for ChosenFile {
    fn length(&self) -> u64 {
        self.file.size() as u64
    }

    async fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.check_signal()?;
        let gone = |thrown: JsValue| {
            let message = format!("the exported file cannot be read any more: {}", describe(&thrown));
            Error::new(ErrorKind::InvalidExport, message)
        };
        let end = offset + length as u64;
        let piece = self.file.slice_with_f64_and_f64(offset as f64, end as f64).map_err(gone)?;
        let bytes = JsFuture::from(array_buffer(&piece)).await.map_err(gone)?;
        // An abort that came while Argon2id kept the thread busy is known by now.
        self.check_signal()?;
        Ok(Uint8Array::new(&bytes).to_vec())
    }
}

fn array_buffer(blob: &Blob) -> Promise {
    Promise::from(JsValue::from(blob.array_buffer()))
}

/// A file that is written: each piece becomes a blob at once, which the browser may put on its disk.
#[derive(Default)]
pub(super) struct GrowingFile(Array);

impl GrowingFile {
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<()> {
        let parts = Array::of1(&Uint8Array::from(piece));
        let blob = Blob::new_with_u8_array_sequence(&parts).map_err(full)?;
        self.0.push(&blob.into());
        Ok(())
    }

    pub(super) fn finish(self) -> Result<JsValue> {
        Blob::new_with_blob_sequence(&self.0).map(JsValue::from).map_err(full)
    }
}

fn full(thrown: JsValue) -> Error {
    Error::new(ErrorKind::Storage, format!("the exported file cannot be kept: {}", describe(&thrown)))
}
