//! What must happen once, before anything else runs in an instance of the module.

use wasm_bindgen::prelude::*;
use web_sys::console;

// There is no other way to name the linker's own function.
#[allow(unsafe_code)]
unsafe extern "C" {
    /// Made by the linker: runs every static constructor of the module.
    fn __wasm_call_ctors();
}

/// Runs the module's static constructors, by which tract registers its kernels: without them no convolution loads.
/// A second call does no harm. Test modules have no start function and call it themselves.
///
/// Without this call the linker would make every export run all constructors again. Because they are called explicitly, it
/// wraps no export, and they run once.
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
