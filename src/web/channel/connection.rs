//! Cancels a request when the caller aborts, or when its connection brings nothing for too long.

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

/// An abort signal that follows other signals: it aborts as soon as one of them does, until it is dropped.
pub(super) struct ChildSignal {
    controller: AbortController,
    parents: Vec<AbortSignal>,
    listener: Closure<dyn FnMut()>,
}

impl ChildSignal {
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
        ChildSignal { controller, parents, listener }
    }

    pub(super) fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }
}

impl Drop for ChildSignal {
    fn drop(&mut self) {
        for parent in &self.parents {
            let _ = parent.remove_event_listener_with_callback("abort", self.listener.as_ref().unchecked_ref());
        }
    }
}

/// The connection of one request. Dropped before [`Connection::end`], it cancels the request.
pub(super) struct Connection {
    child: ChildSignal,
    stall: Duration,
    stalled: Rc<Cell<bool>>,
    ended: Cell<bool>,
}

/// Runs a function later, unless it is dropped.
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

/// Settles as `promise` does, or resolves with `late` once that time has passed.
pub(super) async fn within(time: Duration, promise: &Promise, late: &JsValue) -> Result<JsValue, JsValue> {
    let mut timer = JsValue::UNDEFINED;
    let timeout = Promise::new(&mut |resolve, _| timer = set_timeout_with(&resolve, ms(time), late));
    let settled = JsFuture::from(Promise::race(&Array::of2(promise, &timeout))).await;
    clear_timeout(&timer);
    settled
}

/// Resolves once that time has passed.
pub(super) fn passed(time: Duration) -> Promise {
    Promise::new(&mut |then, _| drop(set_timeout(&then, ms(time))))
}

fn ms(time: Duration) -> u32 {
    time.as_millis() as u32
}

impl Connection {
    /// A connection that ends with `signal`, or when nothing comes for as long as `stall`.
    pub(super) fn new(signal: &AbortSignal, stall: Duration) -> Self {
        let child = ChildSignal::new(vec![signal.clone()]);
        Connection { child, stall, stalled: Rc::default(), ended: Cell::new(false) }
    }

    /// To be given to `fetch`.
    pub(super) fn signal(&self) -> AbortSignal {
        self.child.signal()
    }

    /// Everything has come, so that there is nothing left to cancel.
    pub(super) fn end(&self) {
        self.ended.set(true);
    }

    /// Whether it was given up because nothing came.
    pub(super) fn has_stalled(&self) -> bool {
        self.stalled.get()
    }

    /// Waits for what comes next from `url`.
    pub(super) async fn wait(&self, url: &str, promise: Promise) -> Result<JsValue> {
        let (stalled, abort) = (Rc::clone(&self.stalled), self.child.controller.clone());
        let _timer = Timer::new(self.stall, move || {
            stalled.set(true);
            abort.abort();
        });
        JsFuture::from(promise).await.map_err(|thrown| self.failed(url, &thrown))
    }

    /// An aborted fetch rejects with any reason that the caller chose, so the signals are asked, not the reason.
    fn failed(&self, url: &str, thrown: &JsValue) -> Error {
        if self.child.parents.iter().any(AbortSignal::aborted) {
            return Error::new(ErrorKind::Aborted, "aborted by the caller");
        }
        if self.stalled.get() {
            let seconds = self.stall.as_secs_f64();
            return Error::new(ErrorKind::Network, format!("{url}: nothing came for {seconds} s"));
        }
        Error::new(ErrorKind::Network, format!("{url}: {}", describe(thrown)))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.ended.get() {
            self.child.controller.abort();
        }
    }
}
