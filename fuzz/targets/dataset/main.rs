//! Data sets as `jicho train` reads them: whatever a file holds, the answer is a data set or a typed error.

#![no_main]

#[path = "../../../companion/src/dataset/mod.rs"]
#[allow(dead_code)]
mod dataset;
#[path = "../../../companion/src/photo/mod.rs"]
#[allow(dead_code, unused_imports)]
mod photo;
mod read;
#[allow(dead_code)]
mod stubs;
use stubs::{error, progress};
#[path = "../../../companion/src/text.rs"]
#[allow(dead_code)]
mod text;

libfuzzer_sys::fuzz_target!(|input: &[u8]| read::read(input));
