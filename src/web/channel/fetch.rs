//! The models' host over `fetch`, in a page or a worker.

use std::time::Duration;

use js_sys::{Array, Date, Function, Promise, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestCache, RequestCredentials,
    RequestInit, RequestRedirect, Response, ResponseType, Url,
};

use super::connection::{self, Connection};
use super::unreachable_host;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Body, Head, Host, Redirect, Request};
use crate::web::failure::describe;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    pub(super) fn fetch(request: &web_sys::Request) -> Promise;
    #[wasm_bindgen(thread_local_v2, js_name = origin)]
    pub(super) static ORIGIN: Option<String>;
}

/// The backoff before the first retry; it doubles with each.
const PAUSE: Duration = Duration::from_millis(200);

/// Sends HTTP requests until the signal aborts.
pub(super) struct FetchHost {
    pub(super) signal: AbortSignal,
    /// The app's function that gives the access token.
    pub(super) token: Option<Function>,
    /// A connection that brings no byte for so long counts as broken.
    pub(super) stall: Duration,
}

/// The body of a response, or of one that has none.
pub(super) struct FetchBody {
    url: String,
    connection: Connection,
    reader: Option<ReadableStreamDefaultReader>,
}

impl Host for FetchHost {
    type Body = FetchBody;

    async fn send(&self, request: &Request<'_>) -> Result<(Head, FetchBody)> {
        let connection = Connection::new(&self.signal, self.stall);
        let response = match connection.wait(request.url, fetch(&prepare(request, &connection)?)).await {
            // A browser does not say whether the network, CORS or the page's policy is at fault.
            Err(error) if error.kind() == ErrorKind::Network && request.mutable && !connection.has_stalled() => {
                return Err(unreachable_host::explained(error, request.url, &connection, self.stall).await);
            }
            response => response?,
        };
        let response: Response = response.unchecked_into();
        let header = |name: &str| response.headers().get(name).ok().flatten();
        let elsewhere = response.redirected() && origin(&response.url()) != origin(request.url);
        let redirect = match elsewhere {
            _ if response.type_() == ResponseType::Opaqueredirect => Redirect::NotFollowed,
            true => Redirect::OtherOrigin,
            false => Redirect::SameOrigin,
        };
        let head = Head {
            status: response.status(),
            etag: header("etag"),
            length: header("content-length").and_then(|length| length.parse().ok()),
            range_start: header("content-range")
                .and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()),
            encoded: header("content-encoding").is_some(),
            redirect,
        };
        let reader = response.body().map(|stream| stream.get_reader().unchecked_into());
        Ok((head, FetchBody { url: request.url.to_owned(), connection, reader }))
    }

    async fn token(&self, refresh: bool) -> Result<Option<String>> {
        let Some(token) = &self.token else { return Ok(None) };
        // The npm package limits how long the app's function may take, and knows why it gave nothing.
        let given = match token.call1(&JsValue::UNDEFINED, &refresh.into()) {
            Ok(given) => JsFuture::from(self.unless_aborted(&Promise::resolve(&given))).await,
            Err(thrown) => Err(thrown),
        };
        self.check_aborted()?;
        let given = given.map_err(|thrown| {
            let message = format!("the app's token function failed: {}", describe(&thrown));
            Error::new(ErrorKind::Unauthorized, message)
        })?;
        if given.is_null() || given.is_undefined() {
            return Ok(None);
        }
        // Nothing else can be sent in a header. The message must not repeat the token.
        let fits = |token: &String| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        given.as_string().filter(fits).map(Some).ok_or_else(|| {
            let message = "the app's token function must give a token of visible ASCII characters, null or undefined";
            Error::new(ErrorKind::InvalidArgument, message)
        })
    }

    async fn pause(&self, retry: u32) -> Result<()> {
        let slept = connection::sleep(PAUSE * 2u32.pow(retry.min(8) - 1));
        // Only an abort rejects, and that is what comes next.
        let _ = JsFuture::from(self.unless_aborted(&slept)).await;
        self.check_aborted()
    }

    fn now(&self) -> f64 {
        Date::now()
    }

    fn check_aborted(&self) -> Result<()> {
        if self.signal.aborted() { Err(Error::new(ErrorKind::Aborted, "aborted by the caller")) } else { Ok(()) }
    }
}

impl Body for FetchBody {
    async fn read(&mut self, into: &mut Vec<u8>) -> Result<bool> {
        let Some(reader) = &self.reader else {
            self.connection.finish();
            return Ok(false);
        };
        let chunk: ReadableStreamReadResult = self.connection.wait(&self.url, reader.read()).await?.unchecked_into();
        if chunk.get_done().unwrap_or(true) {
            self.connection.finish();
            return Ok(false);
        }
        let bytes: Uint8Array = chunk.get_value().unchecked_into();
        let (start, length) = (into.len(), bytes.length() as usize);
        if into.try_reserve_exact(length).is_err() {
            let message = format!("{}: {length} more bytes do not fit into this device's memory", self.url);
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        into.resize(start + length, 0);
        bytes.copy_to(&mut into[start..]);
        Ok(true)
    }

    fn finish(&mut self) {
        // The browser reads the end by itself; an abort now would show a finished download as cancelled.
        self.connection.finish();
    }
}

impl FetchHost {
    /// Settles as `promise` does, or rejects as soon as the signal aborts.
    fn unless_aborted(&self, promise: &Promise) -> Promise {
        let aborted = Promise::new(&mut |_, reject| {
            if self.signal.aborted() {
                let _ = reject.call0(&JsValue::UNDEFINED);
            }
            // The signal belongs to one sync, and its listeners are freed with it.
            let _ = self.signal.add_event_listener_with_callback("abort", &reject);
        });
        Promise::race(&Array::of2(promise, &aborted))
    }
}

fn prepare(request: &Request<'_>, connection: &Connection) -> Result<web_sys::Request> {
    let Request { url, mutable, if_none_match, range_start, if_range, token } = *request;
    let invalid = |thrown: JsValue| Error::new(ErrorKind::InvalidArgument, format!("{url}: {}", describe(&thrown)));
    // To another origin these headers would cause a CORS preflight, which few hosts answer. There the browser's own cache
    // revalidates metadata.json, and the hash shows whether the pieces of a resumed file belong together.
    let home = ORIGIN.with(Option::clone).is_some_and(|home| origin(url) == Some(home));
    let headers = Headers::new().map_err(invalid)?;
    let set = |name: &str, value: &str| headers.set(name, value).map_err(invalid);
    let if_none_match = if_none_match.filter(|_| home);
    if let Some(etag) = if_none_match {
        set("if-none-match", etag)?;
        // Otherwise the browser sends `no-cache`, to which some servers never answer 304.
        set("cache-control", "max-age=0")?;
    }
    if range_start > 0 {
        set("range", &format!("bytes={range_start}-"))?;
        if let Some(etag) = if_range.filter(|_| home) {
            set("if-range", etag)?;
        }
    }
    if let Some(token) = token {
        set("authorization", &format!("Bearer {token}"))?;
    }
    let init = RequestInit::new();
    init.set_headers(&headers);
    // With `no-cache` the browser would turn the 304 that was asked for into a 200.
    init.set_cache(if mutable && if_none_match.is_none() { RequestCache::NoCache } else { RequestCache::NoStore });
    init.set_credentials(RequestCredentials::SameOrigin);
    init.set_redirect(if token.is_some() { RequestRedirect::Manual } else { RequestRedirect::Follow });
    init.set_signal(Some(&connection.signal()));
    web_sys::Request::new_with_str_and_init(url, &init).map_err(invalid)
}

pub(super) fn origin(url: &str) -> Option<String> {
    Url::new(url).ok().map(|url| url.origin())
}
