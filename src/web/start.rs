//! What must happen once, before anything else runs in this instance.

use wasm_bindgen::prelude::*;
use web_sys::console;

// The linker's own function can be named in no other way.
#[allow(unsafe_code)]
unsafe extern "C" {
    /// Made by the linker: runs every static constructor of the module.
    fn __wasm_call_ctors();
}

/// Runs when the module is instantiated; test modules, which have no start function, call it themselves. A second call
/// does no harm.
///
/// tract finds its kernels through static constructors. Left alone, the linker would have every export run all of
/// them again; because they are called here, it wraps no export, and they run once.
#[wasm_bindgen(start)]
pub fn start() {
    // SAFETY: nothing else uses what the constructors build while they run, and each is idempotent (`inventory`).
    #[allow(unsafe_code)]
    unsafe {
        __wasm_call_ctors();
    }
    std::panic::set_hook(Box::new(|info| console::error_1(&format!("jicho: a defect: {info}").into())));
}
