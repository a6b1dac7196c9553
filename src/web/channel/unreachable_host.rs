//! Why a host cannot be reached: `fetch` says "Failed to fetch" for a missing network, a missing CORS header and a page's
//! policy alike.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{EventTarget, RequestCache, RequestCredentials, RequestInit, RequestMode};

use super::connection::{self, Connection};
use super::fetch::{ORIGIN, fetch, origin};
use crate::error::{Error, ErrorKind};

const VIOLATION: &str = "securitypolicyviolation";

/// `error`, with the cause where it can be found out: a request to another origin that `fetch` refused is sent once more
/// without asking to read the answer.
pub(super) async fn explained(error: Error, url: &str, connection: &Connection, limit: Duration) -> Error {
    let home = ORIGIN.with(Option::clone);
    if home.is_none() || origin(url) == home {
        return error;
    }
    let init = RequestInit::new();
    init.set_mode(RequestMode::NoCors);
    init.set_cache(RequestCache::NoStore);
    init.set_credentials(RequestCredentials::Omit);
    init.set_signal(Some(&connection.signal()));
    let Ok(probe) = web_sys::Request::new_with_str_and_init(url, &init) else { return error };

    let violated = Rc::new(Cell::new(false));
    let seen = Rc::clone(&violated);
    let listener = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
        let directive = Reflect::get(&event, &"effectiveDirective".into()).ok().and_then(|d| d.as_string());
        seen.set(seen.get() || directive.is_some_and(|directive| directive == "connect-src"));
    });
    let global: EventTarget = js_sys::global().unchecked_into();
    // Adding and removing a listener cannot fail.
    let _ = global.add_event_listener_with_callback(VIOLATION, listener.as_ref().unchecked_ref());
    let late = JsValue::UNDEFINED;
    let answered = connection::within(limit, &fetch(&probe), &late).await.is_ok_and(|answer| answer != late);
    if !answered {
        // The event of a violation comes as a task of its own.
        let _ = JsFuture::from(connection::sleep(Duration::ZERO)).await;
    }
    let _ = global.remove_event_listener_with_callback(VIOLATION, listener.as_ref().unchecked_ref());
    let cause = if violated.get() {
        format!("{url}: the page's Content-Security-Policy does not allow this host: add it to connect-src")
    } else if answered {
        let home = home.unwrap_or_default();
        format!(
            "{url}: the host answers, but its answer may not be read here (CORS): it must send \
             `Access-Control-Allow-Origin: {home}`, and with an access token allow the header `Authorization`"
        )
    } else {
        return error;
    };
    Error::new(ErrorKind::Network, cause)
}
