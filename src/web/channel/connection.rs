//! Cancels a request when its caller aborts, or when its connection stalls.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal};

use crate::error::{Error, ErrorKind, Result};
use crate::web::failure::describe;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, ms: u32) -> JsValue;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout_with(then: &Function, ms: u32, argument: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// An abort signal that follows others: it aborts as soon as one of them does. Dropped, it stops listening to them.
pub(super) struct FollowingAbort {
    controller: AbortController,
    parents: Vec<AbortSignal>,
    listener: Closure<dyn FnMut()>,
}

impl FollowingAbort {
    pub(super) fn new(parents: Vec<AbortSignal>) -> Self {
        // The constructor cannot throw.
        let controller = AbortController::new().unwrap_throw();
        let abort = controller.clone();
        let listener = Closure::new(move || abort.abort());
        for parent in &parents {
            // Nor can adding a listener.
            let _ = parent.add_event_listener_with_callback("abort", listener.as_ref().unchecked_ref());
            if parent.aborted() {
                controller.abort();
            }
        }
        FollowingAbort { controller, parents, listener }
    }

    pub(super) fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }
}

impl Drop for FollowingAbort {
    fn drop(&mut self) {
        for parent in &self.parents {
            let _ = parent.remove_event_listener_with_callback("abort", self.listener.as_ref().unchecked_ref());
        }
    }
}

/// A request with its response. Dropped before [`Connection::finish`], it is cancelled.
pub(super) struct Connection {
    abort: FollowingAbort,
    /// After so long without a byte it counts as broken.
    stall: Duration,
    stalled: Rc<Cell<bool>>,
    finished: Cell<bool>,
}

/// Runs a function after some time, unless it is dropped before.
struct Timer {
    id: JsValue,
    _then: Closure<dyn FnMut()>,
}

impl Timer {
    fn new(after: Duration, then: impl FnMut() + 'static) -> Self {
        let then = Closure::<dyn FnMut()>::new(then);
        Timer { id: set_timeout(then.as_ref().unchecked_ref(), ms(after)), _then: then }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

/// Settles as `promise` does, or resolves with `late` after `time`.
pub(super) async fn within(time: Duration, promise: &Promise, late: &JsValue) -> Result<JsValue, JsValue> {
    let mut timer = JsValue::UNDEFINED;
    let timeout = Promise::new(&mut |resolve, _| timer = set_timeout_with(&resolve, ms(time), late));
    let settled = JsFuture::from(Promise::race(&Array::of2(promise, &timeout))).await;
    clear_timeout(&timer);
    settled
}

/// A promise that resolves after `time`.
pub(super) fn sleep(time: Duration) -> Promise {
    Promise::new(&mut |then, _| drop(set_timeout(&then, ms(time))))
}

fn ms(time: Duration) -> u32 {
    time.as_millis() as u32
}

impl Connection {
    /// A connection that is cancelled with `signal`, or when no byte comes for as long as `stall`.
    pub(super) fn new(signal: &AbortSignal, stall: Duration) -> Self {
        let abort = FollowingAbort::new(vec![signal.clone()]);
        Connection { abort, stall, stalled: Rc::default(), finished: Cell::new(false) }
    }

    /// The signal to give to `fetch`.
    pub(super) fn signal(&self) -> AbortSignal {
        self.abort.signal()
    }

    /// Says that the whole response was read.
    pub(super) fn finish(&self) {
        self.finished.set(true);
    }

    /// Whether it was cancelled because no byte came.
    pub(super) fn has_stalled(&self) -> bool {
        self.stalled.get()
    }

    /// Waits for the next event of the connection to `url`: its response, or a chunk of it.
    pub(super) async fn wait(&self, url: &str, promise: Promise) -> Result<JsValue> {
        let (stalled, abort) = (Rc::clone(&self.stalled), self.abort.controller.clone());
        let _timer = Timer::new(self.stall, move || {
            stalled.set(true);
            abort.abort();
        });
        JsFuture::from(promise).await.map_err(|thrown| self.failed(url, &thrown))
    }

    /// An aborted fetch rejects with whatever reason was given to `abort`, so the cause is read from the signals.
    fn failed(&self, url: &str, thrown: &JsValue) -> Error {
        if self.abort.parents.iter().any(AbortSignal::aborted) {
            return Error::new(ErrorKind::Aborted, "aborted by the caller");
        }
        if self.stalled.get() {
            let seconds = self.stall.as_secs_f64();
            return Error::new(ErrorKind::Network, format!("{url}: no byte came for {seconds} s"));
        }
        Error::new(ErrorKind::Network, format!("{url}: {}", describe(thrown)))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.finished.get() {
            self.abort.controller.abort();
        }
    }
}
