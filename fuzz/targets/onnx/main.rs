//! ONNX files as the companion and the browser load them: whatever a file holds, the answer is a network or a typed
//! error.

#![no_main]

mod digest {
    /// As the companion's; the fuzzer needs no digest.
    pub fn sha256(_: &[u8]) -> String {
        "0".repeat(64)
    }
}
#[path = "../../../companion/src/error.rs"]
#[allow(dead_code)]
mod error;
mod load;
#[allow(dead_code)]
mod model;
mod mutate;

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, Once};

use libfuzzer_sys::fuzzer_mutate;

static PANIC: Mutex<String> = Mutex::new(String::new());

// libFuzzer's own hook ends the program at every panic; here only those that nobody caught count.
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        panic::set_hook(Box::new(|info| *PANIC.lock().expect("nobody panics while holding it") = info.to_string()));
    });
    if panic::catch_unwind(AssertUnwindSafe(|| load::load(input))).is_err() {
        eprintln!("escaped: {}", PANIC.lock().expect("nobody panics while holding it"));
        std::process::abort();
    }
});

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match mutate::mutate(&data[..size], seed).filter(|changed| changed.len() <= max_size) {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
