//! Vectors of x86-64: AVX2 with FMA, and AVX-512.

use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, __mmask16, _mm256_add_epi32, _mm256_add_ps, _mm256_cvtepi32_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_max_ps, _mm256_min_ps,
    _mm256_mul_ps, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_storeu_ps,
    _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_ps,
};

use super::matmul::Arithmetic;
use super::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Avx2;

impl Simd for Avx2 {
    const LANES: usize = 8;
    type V = __m256;

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m256 {
        // SAFETY: the caller has AVX2.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        // SAFETY: the caller has AVX2, and its pointer is good for eight values.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: __m256) {
        // SAFETY: as for `load`.
        unsafe { _mm256_storeu_ps(to, v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: the caller has FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the caller has AVX2.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the caller has AVX2.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn min(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the caller has AVX2.
        unsafe { _mm256_min_ps(b, a) }
    }

    #[inline(always)]
    unsafe fn max(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the caller has AVX2.
        unsafe { _mm256_max_ps(b, a) }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Avx512;

#[inline(always)]
fn first(count: usize) -> __mmask16 {
    if count >= 16 { !0 } else { (1 << count) - 1 }
}

impl Simd for Avx512 {
    const LANES: usize = 16;
    type V = __m512;

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m512 {
        // SAFETY: the caller has AVX-512F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: the caller has AVX-512F, and its pointer is good for 16 values.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: __m512) {
        // SAFETY: as for `load`.
        unsafe { _mm512_storeu_ps(to, v) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> __m512 {
        // SAFETY: masked lanes are not touched.
        unsafe { _mm512_maskz_loadu_ps(first(count), from) }
    }

    #[inline(always)]
    unsafe fn store_first(to: *mut f32, v: __m512, count: usize) {
        // SAFETY: masked lanes are not touched.
        unsafe { _mm512_mask_storeu_ps(to, first(count), v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: the caller has AVX-512F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the caller has AVX-512F.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the caller has AVX-512F.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn min(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the caller has AVX-512F.
        unsafe { _mm512_min_ps(b, a) }
    }

    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the caller has AVX-512F.
        unsafe { _mm512_max_ps(b, a) }
    }
}

/// Bytes by products of 16 bits: two products of at most 127 · 128 are less than 2¹⁵, so that their sum is exact.
pub(super) struct Avx2Bytes;

impl Avx2Bytes {
    pub(super) const DEPTH: usize = 4;
}

impl Arithmetic for Avx2Bytes {
    type Value = i32;
    type S = Avx2;
    type V = __m256i;

    #[inline(always)]
    unsafe fn start(_: *const f32) -> __m256i {
        // SAFETY: the caller has AVX2.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn load(weights: *const i32) -> __m256i {
        // SAFETY: the caller has AVX2, and its pointer is good for eight words.
        unsafe { _mm256_loadu_si256(weights.cast()) }
    }

    #[inline(always)]
    unsafe fn load_splat(input: *const i32) -> __m256i {
        // SAFETY: the caller has AVX2, and its pointer is good for one word.
        unsafe { _mm256_set1_epi32(*input) }
    }

    #[inline(always)]
    unsafe fn add_products(input: __m256i, weights: __m256i, sums: __m256i) -> __m256i {
        // SAFETY: the caller has AVX2.
        unsafe {
            let pairs = _mm256_maddubs_epi16(input, weights);
            _mm256_add_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), sums)
        }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m256i, scale: *const f32, bias: *const f32) -> __m256 {
        // SAFETY: the caller has AVX2, and its pointers are good for eight values.
        unsafe { Avx2::add(Avx2::mul(_mm256_cvtepi32_ps(sums), Avx2::load(scale)), Avx2::load(bias)) }
    }
}

/// Bytes by one instruction for four products.
pub(super) struct VnniBytes;

impl VnniBytes {
    pub(super) const DEPTH: usize = 4;
}

impl Arithmetic for VnniBytes {
    type Value = i32;
    type S = Avx512;
    type V = __m512i;

    #[inline(always)]
    unsafe fn start(_: *const f32) -> __m512i {
        // SAFETY: the caller has AVX-512F.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn load(weights: *const i32) -> __m512i {
        // SAFETY: the caller has AVX-512F, and its pointer is good for 16 words.
        unsafe { _mm512_loadu_si512(weights.cast()) }
    }

    #[inline(always)]
    unsafe fn load_splat(input: *const i32) -> __m512i {
        // SAFETY: the caller has AVX-512F, and its pointer is good for one word.
        unsafe { _mm512_set1_epi32(*input) }
    }

    #[inline(always)]
    unsafe fn add_products(input: __m512i, weights: __m512i, sums: __m512i) -> __m512i {
        // SAFETY: the caller has AVX-512 VNNI.
        unsafe { _mm512_dpbusd_epi32(sums, input, weights) }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m512i, scale: *const f32, bias: *const f32) -> __m512 {
        // SAFETY: the caller has AVX-512F, and its pointers are good for 16 values.
        unsafe { Avx512::add(Avx512::mul(_mm512_cvtepi32_ps(sums), Avx512::load(scale)), Avx512::load(bias)) }
    }
}
