//! What must happen once, before anything else runs in this instance.

use wasm_bindgen::prelude::*;
use web_sys::console;

// The linker's own function can be named in no other way.
#[allow(unsafe_code)]
unsafe extern "C" {
    /// Made by the linker: runs every static constructor of the module.
    fn __wasm_call_ctors();
}

/// Runs the module's static constructors, through which tract finds its kernels: without them no convolution loads.
/// A second call does no harm. Test modules have no start function and call it themselves.
///
/// Left alone, the linker would have every export run all constructors again; because they are called here, it wraps
/// no export, and they run once.
pub fn construct() {
    // SAFETY: nothing uses what the constructors build while they run, and each is idempotent (`inventory`).
    #[allow(unsafe_code)]
    unsafe {
        __wasm_call_ctors();
    }
}

/// Runs when the module is instantiated.
#[wasm_bindgen(start)]
fn start() {
    construct();
    std::panic::set_hook(Box::new(|info| console::error_1(&format!("jicho: a defect: {info}").into())));
}
