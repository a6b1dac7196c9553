//! The host behind `fetch`, in a page or a worker.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, ReadableStreamDefaultReader, ReadableStreamReadResult, Request, RequestCache, RequestCredentials,
    RequestInit, Response,
};

use super::failure::describe;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest;
use crate::sync::{Answer, Host};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn fetch(request: &Request) -> Promise;
}

/// Asks over HTTP until the signal aborts.
pub(super) struct FetchHost {
    pub(super) signal: Option<AbortSignal>,
}

impl Host for FetchHost {
    async fn metadata(&self, url: &str) -> Result<Answer> {
        self.read(url, RequestCache::NoCache, manifest::MAX_BYTES as u64, 0, &mut |_| {}).await
    }

    // Past the HTTP cache: the store keeps the bytes already, and a damaged copy in the cache would never heal.
    async fn blob(&self, url: &str, bytes: u64, on_bytes: &mut dyn FnMut(u64)) -> Result<Answer> {
        self.read(url, RequestCache::NoStore, bytes, bytes, on_bytes).await
    }
}

impl FetchHost {
    /// Reads a body, and stops once it is longer than `limit`.
    async fn read(
        &self,
        url: &str,
        cache: RequestCache,
        limit: u64,
        reserve: u64,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<Answer> {
        let response = self.send(url, cache).await?;
        match response.status() {
            404 => return Ok(Answer::Absent),
            _ if response.ok() => {}
            status => return Err(Error::new(ErrorKind::HttpStatus, format!("{url}: HTTP status {status}"))),
        }
        let mut body = Vec::new();
        let room = usize::try_from(reserve).is_ok_and(|reserve| body.try_reserve_exact(reserve).is_ok());
        if !room {
            let message = format!("{url}: {reserve} bytes do not fit into this device's memory");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        // The browser tells the end of a stream some time after its last byte. Who said how many there are is believed: if
        // more came, they would not be read, and what was read is verified.
        let said = header(&response, "content-length").and_then(|length| length.parse().ok());
        let whole = said.filter(|length| *length == reserve && header(&response, "content-encoding").is_none());
        let Some(stream) = response.body() else { return Ok(Answer::Bytes(body)) };
        let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
        loop {
            let chunk = JsFuture::from(reader.read()).await.map_err(|thrown| self.failed(url, &thrown))?;
            let chunk: ReadableStreamReadResult = chunk.unchecked_into();
            if chunk.get_done().unwrap_or(true) {
                return Ok(Answer::Bytes(body));
            }
            let bytes: Uint8Array = chunk.get_value().unchecked_into();
            let start = body.len();
            body.resize(start + bytes.length() as usize, 0);
            bytes.copy_to(&mut body[start..]);
            on_bytes(body.len() as u64);
            if whole == Some(body.len() as u64) {
                return Ok(Answer::Bytes(body));
            }
            if body.len() as u64 > limit {
                // Whether the rest can be cancelled changes nothing: it is not read.
                let _ = JsFuture::from(reader.cancel()).await;
                return Ok(Answer::Bytes(body));
            }
        }
    }

    async fn send(&self, url: &str, cache: RequestCache) -> Result<Response> {
        let init = RequestInit::new();
        init.set_cache(cache);
        init.set_credentials(RequestCredentials::SameOrigin);
        init.set_signal(self.signal.as_ref());
        let request = Request::new_with_str_and_init(url, &init)
            .map_err(|thrown| Error::new(ErrorKind::InvalidArgument, format!("{url}: {}", describe(&thrown))))?;
        let response = JsFuture::from(fetch(&request)).await.map_err(|thrown| self.failed(url, &thrown))?;
        Ok(response.unchecked_into())
    }

    /// An aborted fetch rejects with whatever reason the caller gave, so the signal tells, not the reason.
    fn failed(&self, url: &str, thrown: &JsValue) -> Error {
        if self.signal.as_ref().is_some_and(AbortSignal::aborted) {
            return Error::new(ErrorKind::Aborted, "aborted by the caller");
        }
        Error::new(ErrorKind::Network, format!("{url}: {}", describe(thrown)))
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).ok().flatten()
}
