#![no_main]

use jicho_fuzz::mutate::mutate;
use libfuzzer_sys::fuzzer_mutate;

libfuzzer_sys::fuzz_target!(|input: &[u8]| jicho_fuzz::plan(input));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match mutate(&data[..size], seed).filter(|changed| changed.len() <= max_size) {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
