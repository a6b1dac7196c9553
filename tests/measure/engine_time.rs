//! Prints how long the compiled engine takes for one image, as JSON: `engine_time PLAN INPUT SECONDS`, where INPUT holds
//! the tensor as little-endian `f32`, rows of pixels of three channels. For `./build.sh bench`.

// This program measures time; the library knows no clock.
#![allow(clippy::disallowed_methods)]

use std::error::Error;
use std::time::{Duration, Instant};

use jicho::engine::{CompiledEngine, Engine};

/// Processor time of this process so far, where the system tells it; else the time of the clock. It may move in steps of
/// milliseconds, so only long stretches of it mean something.
fn processor_time(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plan, input, seconds] = arguments.as_slice() else { return Err("usage: PLAN INPUT SECONDS".into()) };
    let engine = CompiledEngine::load(&std::fs::read(plan)?)?;
    let input: Vec<f32> = std::fs::read(input)?.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let run = || engine.run(&mut |_, tensor| tensor.copy_from_slice(&input));
    for _ in 0..10 {
        run()?;
    }
    let limit = Duration::from_secs_f64(seconds.parse()?);
    let start = Instant::now();
    let before = processor_time(start);
    let mut runs = 0;
    while start.elapsed() < limit {
        run()?;
        runs += 1;
    }
    let each = (processor_time(start) - before).as_secs_f64() * 1e3 / f64::from(runs);
    let kernels = CompiledEngine::kernels()[0];
    println!("{{\"cpu_ms_per_image\": {each:.4}, \"runs\": {runs}, \"kernels\": \"{kernels}\"}}");
    Ok(())
}
