//! Vectors in plain Rust, for processors without SIMD.

use super::matmul::Arithmetic;
use super::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Portable;

macro_rules! lanes {
    ($f:expr) => {
        std::array::from_fn($f)
    };
}

impl Simd for Portable {
    const LANES: usize = 4;
    type V = [f32; 4];

    #[inline(always)]
    unsafe fn splat(value: f32) -> [f32; 4] {
        [value; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 4] {
        // SAFETY: the caller's pointer is good for four values.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: [f32; 4]) {
        // SAFETY: the caller's pointer is good for four values.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        lanes!(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| a[i] + b[i])
    }

    #[inline(always)]
    unsafe fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| a[i] * b[i])
    }

    #[inline(always)]
    unsafe fn min(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| if b[i] < a[i] { b[i] } else { a[i] })
    }

    #[inline(always)]
    unsafe fn max(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| if a[i] < b[i] { b[i] } else { a[i] })
    }
}

/// Bytes by plain multiplications of whole numbers, one a word.
pub(super) struct Bytes;

impl Bytes {
    pub(super) const DEPTH: usize = 1;
}

impl Arithmetic for Bytes {
    type Value = i32;
    type S = Portable;
    type V = [i32; 4];

    #[inline(always)]
    unsafe fn start(_: *const f32) -> [i32; 4] {
        [0; 4]
    }

    #[inline(always)]
    unsafe fn load(weights: *const i32) -> [i32; 4] {
        // SAFETY: the caller's pointer is good for four words.
        unsafe { weights.cast::<[i32; 4]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_splat(input: *const i32) -> [i32; 4] {
        // SAFETY: the caller's pointer is good for one word.
        unsafe { [*input; 4] }
    }

    #[inline(always)]
    unsafe fn add_products(input: [i32; 4], weights: [i32; 4], sums: [i32; 4]) -> [i32; 4] {
        lanes!(|i| input[i] * weights[i] + sums[i])
    }

    #[inline(always)]
    unsafe fn finish(sums: [i32; 4], scale: *const f32, bias: *const f32) -> [f32; 4] {
        // SAFETY: the caller's pointers are good for four values.
        let (scale, bias) = unsafe { (Portable::load(scale), Portable::load(bias)) };
        lanes!(|i| sums[i] as f32 * scale[i] + bias[i])
    }
}
