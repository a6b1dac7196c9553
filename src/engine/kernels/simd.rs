//! The few vector operations that the kernels are written with, and their portable form.

use crate::engine::plan::Activation;

/// A vector of `f32` and what can be done with it.
///
/// # Safety
/// Every method needs the processor features of its implementation; pointers must be good for the values read or
/// written, at any alignment.
pub(super) trait Simd: Copy {
    /// Values in a vector.
    const LANES: usize;
    /// The vector.
    type V: Copy;

    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, v: Self::V);
    /// `a · b + c`, rounded once or twice.
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;

    /// One value in every lane.
    #[inline(always)]
    unsafe fn load_splat(from: *const f32) -> Self::V {
        // SAFETY: the caller's.
        unsafe { Self::splat(*from) }
    }

    /// Loads the first `count` values, at most [`Simd::LANES`]; the other lanes hold unspecified values.
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self::V {
        debug_assert!(count >= Self::LANES, "vectors of up to eight lanes are always whole");
        // SAFETY: the caller's.
        unsafe { Self::load(from) }
    }

    /// Writes the first `count` values, at most [`Simd::LANES`].
    #[inline(always)]
    unsafe fn store_first(to: *mut f32, v: Self::V, count: usize) {
        debug_assert!(count >= Self::LANES, "vectors of up to eight lanes are always whole");
        // SAFETY: the caller's.
        unsafe { Self::store(to, v) }
    }
}

/// An activation that kernels apply when they store a value.
#[derive(Clone, Copy)]
pub(super) struct Fused {
    low: f32,
    high: f32,
    hard_swish: bool,
}

impl Fused {
    /// `None` for activations that need a pass of their own.
    pub(super) fn new(activation: Activation) -> Option<Self> {
        let clamp = |low, high| Some(Fused { low, high, hard_swish: false });
        match activation {
            Activation::None => clamp(f32::NEG_INFINITY, f32::INFINITY),
            Activation::Relu => clamp(0.0, f32::INFINITY),
            Activation::Clamp(low, high) => clamp(low, high),
            Activation::HardSwish => Some(Fused { low: 0.0, high: 1.0, hard_swish: true }),
            _ => None,
        }
    }

    /// # Safety
    /// As [`Simd`].
    #[inline(always)]
    pub(super) unsafe fn apply<S: Simd>(self, v: S::V) -> S::V {
        // SAFETY: the caller's.
        unsafe {
            let (low, high) = (S::splat(self.low), S::splat(self.high));
            if self.hard_swish {
                let gate = S::mul_add(v, S::splat(1.0 / 6.0), S::splat(0.5));
                return S::mul(v, S::min(S::max(gate, low), high));
            }
            S::min(S::max(v, low), high)
        }
    }
}
