//! Seeded random numbers that are the same on every machine.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The stream of random numbers for one purpose, which `parts` identify, under a seed.
pub fn stream(seed: u64, parts: [u64; 3]) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (place, part) in key.as_chunks_mut::<8>().0.iter_mut().zip([seed, parts[0], parts[1], parts[2]]) {
        *place = part.to_le_bytes();
    }
    ChaCha8Rng::from_seed(key)
}

/// A number uniform in `low..high`.
pub fn uniform(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// An integer uniform in `0..count`.
pub fn below(rng: &mut ChaCha8Rng, count: usize) -> usize {
    ((u64::from(rng.next_u32()) * count as u64) >> 32) as usize
}

/// A nearly normal number with mean 0 and standard deviation 1: a sum of uniform numbers, because `ln` and `cos` of the
/// system's math library differ between machines.
pub fn normal(rng: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| uniform(rng, 0.0, 1.0)).sum::<f32>() - 6.0
}

/// Shuffles the items in place.
pub fn shuffle<T>(rng: &mut ChaCha8Rng, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i + 1));
    }
}
