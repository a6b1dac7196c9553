//! 128-bit vectors of WebAssembly; with relaxed SIMD, products and sums are rounded as the device does it fastest.

use std::arch::wasm32::*;

use super::matmul::Arithmetic;
use super::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Simd128;

impl Simd for Simd128 {
    const LANES: usize = 4;
    type V = v128;

    #[inline(always)]
    unsafe fn splat(value: f32) -> v128 {
        f32x4_splat(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> v128 {
        // SAFETY: the caller's pointer is good for four values.
        unsafe { v128_load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_splat(from: *const f32) -> v128 {
        // SAFETY: the caller's pointer is good for one value.
        unsafe { v128_load32_splat(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: v128) {
        // SAFETY: the caller's pointer is good for four values.
        unsafe { v128_store(to.cast(), v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: v128, b: v128, c: v128) -> v128 {
        #[cfg(target_feature = "relaxed-simd")]
        return f32x4_relaxed_madd(a, b, c);
        #[cfg(not(target_feature = "relaxed-simd"))]
        f32x4_add(f32x4_mul(a, b), c)
    }

    #[inline(always)]
    unsafe fn add(a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }

    #[inline(always)]
    unsafe fn mul(a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }

    // The pseudo-minimum and -maximum are one instruction on x86-64; `f32x4_min` is many, for the sake of NaN.
    #[inline(always)]
    unsafe fn min(a: v128, b: v128) -> v128 {
        f32x4_pmin(a, b)
    }

    #[inline(always)]
    unsafe fn max(a: v128, b: v128) -> v128 {
        f32x4_pmax(a, b)
    }
}

/// Bytes by dot products: of four bytes at once where there is relaxed SIMD, else of two values of 16 bits. The relaxed
/// instruction gives the same sums everywhere as long as one factor has 7 bits, as the inputs here.
pub(super) struct Bytes;

impl Bytes {
    pub(super) const DEPTH: usize = if cfg!(target_feature = "relaxed-simd") { 4 } else { 2 };
}

impl Arithmetic for Bytes {
    type Value = i32;
    type S = Simd128;
    type V = v128;

    #[inline(always)]
    unsafe fn start(_: *const f32) -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    unsafe fn load(weights: *const i32) -> v128 {
        // SAFETY: the caller's pointer is good for four words.
        unsafe { v128_load(weights.cast()) }
    }

    #[inline(always)]
    unsafe fn load_splat(input: *const i32) -> v128 {
        // SAFETY: the caller's pointer is good for one word.
        unsafe { v128_load32_splat(input.cast()) }
    }

    #[inline(always)]
    unsafe fn add_products(input: v128, weights: v128, sums: v128) -> v128 {
        #[cfg(target_feature = "relaxed-simd")]
        return i32x4_relaxed_dot_i8x16_i7x16_add(weights, input, sums);
        #[cfg(not(target_feature = "relaxed-simd"))]
        i32x4_add(i32x4_dot_i16x8(weights, input), sums)
    }

    #[inline(always)]
    unsafe fn finish(sums: v128, scale: *const f32, bias: *const f32) -> v128 {
        // SAFETY: the caller's pointers are good for four values.
        let (scale, bias) = unsafe { (Simd128::load(scale), Simd128::load(bias)) };
        f32x4_add(f32x4_mul(f32x4_convert_i32x4(sums), scale), bias)
    }
}
