//! Vectors of NEON, of 64-bit ARM.

use std::arch::aarch64::*;

use super::matmul::Arithmetic;
use super::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Neon;

impl Simd for Neon {
    const LANES: usize = 4;
    type V = float32x4_t;

    #[inline(always)]
    unsafe fn splat(value: f32) -> float32x4_t {
        // SAFETY: the caller has NEON.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> float32x4_t {
        // SAFETY: the caller has NEON, and its pointer is good for four values.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: float32x4_t) {
        // SAFETY: as for `load`.
        unsafe { vst1q_f32(to, v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: the caller has NEON.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: the caller has NEON.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: the caller has NEON.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn min(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: the caller has NEON.
        unsafe { vminq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: the caller has NEON.
        unsafe { vmaxq_f32(a, b) }
    }
}

/// Bytes by products of 16 bits: two products of at most 127 · 128 are less than 2¹⁵, so that their sum is exact.
pub(super) struct Bytes;

impl Bytes {
    pub(super) const DEPTH: usize = 4;
}

impl Arithmetic for Bytes {
    type Value = i32;
    type S = Neon;
    type V = int8x16_t;

    #[inline(always)]
    unsafe fn start(_: *const f32) -> int8x16_t {
        // SAFETY: the caller has NEON.
        unsafe { vdupq_n_s8(0) }
    }

    #[inline(always)]
    unsafe fn load(weights: *const i32) -> int8x16_t {
        // SAFETY: the caller has NEON, and its pointer is good for four words.
        unsafe { vld1q_s8(weights.cast()) }
    }

    #[inline(always)]
    unsafe fn load_splat(input: *const i32) -> int8x16_t {
        // SAFETY: the caller has NEON, and its pointer is good for one word.
        unsafe { vreinterpretq_s8_s32(vdupq_n_s32(*input)) }
    }

    #[inline(always)]
    unsafe fn add_products(input: int8x16_t, weights: int8x16_t, sums: int8x16_t) -> int8x16_t {
        // SAFETY: the caller has NEON.
        unsafe {
            let low = vmull_s8(vget_low_s8(weights), vget_low_s8(input));
            let pairs = vpaddq_s16(low, vmull_high_s8(weights, input));
            vreinterpretq_s8_s32(vpadalq_s16(vreinterpretq_s32_s8(sums), pairs))
        }
    }

    #[inline(always)]
    unsafe fn finish(sums: int8x16_t, scale: *const f32, bias: *const f32) -> float32x4_t {
        // SAFETY: the caller has NEON, and its pointers are good for four values.
        unsafe {
            let sums = vcvtq_f32_s32(vreinterpretq_s32_s8(sums));
            Neon::add(Neon::mul(sums, Neon::load(scale)), Neon::load(bias))
        }
    }
}

/// Bytes by one instruction for four products.
pub(super) struct DotBytes;

impl DotBytes {
    pub(super) const DEPTH: usize = 4;
}

impl Arithmetic for DotBytes {
    type Value = i32;
    type S = Neon;
    type V = int8x16_t;

    #[inline(always)]
    unsafe fn start(_: *const f32) -> int8x16_t {
        // SAFETY: the caller has NEON.
        unsafe { vdupq_n_s8(0) }
    }

    #[inline(always)]
    unsafe fn load(weights: *const i32) -> int8x16_t {
        // SAFETY: the caller has NEON, and its pointer is good for four words.
        unsafe { vld1q_s8(weights.cast()) }
    }

    #[inline(always)]
    unsafe fn load_splat(input: *const i32) -> int8x16_t {
        // SAFETY: the caller has NEON, and its pointer is good for one word.
        unsafe { vreinterpretq_s8_s32(vdupq_n_s32(*input)) }
    }

    #[inline(always)]
    unsafe fn add_products(input: int8x16_t, weights: int8x16_t, sums: int8x16_t) -> int8x16_t {
        let mut sums = sums;
        // The intrinsic is not stable yet.
        // SAFETY: the caller has the dot product instructions; this one reads and writes registers alone.
        unsafe {
            std::arch::asm!(
                "sdot {sums:v}.4s, {weights:v}.16b, {input:v}.16b",
                sums = inout(vreg) sums, weights = in(vreg) weights, input = in(vreg) input,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sums
    }

    #[inline(always)]
    unsafe fn finish(sums: int8x16_t, scale: *const f32, bias: *const f32) -> float32x4_t {
        // SAFETY: the caller has NEON, and its pointers are good for four values.
        unsafe {
            let sums = vcvtq_f32_s32(vreinterpretq_s32_s8(sums));
            Neon::add(Neon::mul(sums, Neon::load(scale)), Neon::load(bias))
        }
    }
}
