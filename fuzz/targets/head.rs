#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jicho_fuzz::head(input));
