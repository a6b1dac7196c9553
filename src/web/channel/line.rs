//! When requests end before they are done: by the caller, or because nothing comes.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Function, Promise};
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
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// Aborts as soon as one of other signals does. Dropped, it is forgotten by them.
pub(super) struct Child {
    controller: AbortController,
    parents: Vec<AbortSignal>,
    listener: Closure<dyn FnMut()>,
}

impl Child {
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
        Child { controller, parents, listener }
    }

    pub(super) fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        for parent in &self.parents {
            let _ = parent.remove_event_listener_with_callback("abort", self.listener.as_ref().unchecked_ref());
        }
    }
}

/// A connection. Dropped before [`Line::end`], it is closed.
pub(super) struct Line {
    child: Child,
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

/// Resolves once that time has passed.
pub(super) fn passed(time: Duration) -> Promise {
    Promise::new(&mut |then, _| drop(set_timeout(&then, ms(time))))
}

fn ms(time: Duration) -> u32 {
    time.as_millis() as u32
}

impl Line {
    /// A connection that ends with `signal`, or when nothing comes for as long as `stall`.
    pub(super) fn new(signal: &AbortSignal, stall: Duration) -> Self {
        let child = Child::new(vec![signal.clone()]);
        Line { child, stall, stalled: Rc::default(), ended: Cell::new(false) }
    }

    /// To be given to `fetch`.
    pub(super) fn signal(&self) -> AbortSignal {
        self.child.signal()
    }

    /// All has come.
    pub(super) fn end(&self) {
        self.ended.set(true);
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

    /// An aborted fetch rejects with whatever reason was given, so the signals tell, not the reason.
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

impl Drop for Line {
    fn drop(&mut self) {
        if !self.ended.get() {
            self.child.controller.abort();
        }
    }
}
