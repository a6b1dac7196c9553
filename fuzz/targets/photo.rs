//! Photos as the companion decodes them: whatever a file holds, the answer is a frame or a typed error.

#![no_main]

#[path = "../../companion/src/photo/mod.rs"]
#[allow(dead_code, unused_imports)]
mod photo;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    match photo::Photo::decode(input) {
        Ok(photo) => assert!(photo.frame().is_ok()),
        Err(error) => assert!(!error.to_string().is_empty() && !error.cause().is_empty()),
    }
});
