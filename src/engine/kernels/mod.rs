//! The arithmetic of the engine. Besides module start-up, the only folder with `unsafe`: the vector operations of each
//! processor ([`simd`], and one file per processor), and the two kernels that take nearly all the time, written once for
//! all processors: matrix products, of `f32` and of bytes, and depthwise convolutions. Everything else is plain Rust.

#![allow(unsafe_code, reason = "vector instructions, and loops without bounds checks")]

mod depthwise;
mod matmul;
#[cfg(target_arch = "aarch64")]
mod neon;
pub(super) mod plain;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
mod simd;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::plan::{Activation, Bytes, LARGEST_BYTE, Window};
use depthwise::Depthwise;
use matmul::{Arithmetic, Floats, Matmul, Pixels};
use simd::{Fused, Simd};

/// The kernels of one processor.
pub(super) struct Kernels {
    /// A name for people.
    pub(super) name: &'static str,
    /// Matrix products of `f32`.
    pub(super) floats: Tiles<f32>,
    /// Matrix products of bytes, of which a word holds [`Kernels::depth`].
    pub(super) bytes: Tiles<i32>,
    /// Neighbouring channels that a word of bytes holds: 4 of 8 bits each, 2 of 16, or 1.
    pub(super) depth: usize,
    depthwise: unsafe fn(&Depthwise<'_>, usize, &mut [f32]),
    quantise: unsafe fn(&[f32], Quantise, &mut [i32]),
}

/// A matrix product and the panels of weights that it reads.
pub(super) struct Tiles<T> {
    /// Columns of a panel of weights.
    pub(super) panel: usize,
    /// Columns of the narrowest panel, the last.
    lanes: usize,
    matmul: unsafe fn(&Matmul<'_, T>, Pixels<T>),
}

/// Defines the kernels of one kind of vectors, in a module of their own: tiles of `f32`, tiles of bytes, and the vectors
/// of a depthwise convolution whose channels are no multiple of the wide ones.
macro_rules! kernels {
    (
        $name:literal, $(#[$features:meta])? $module:ident: $floats:ty, $rows:literal x $vectors:literal,
        $bytes:ty, $byte_rows:literal x $byte_vectors:literal, $narrow:ty
    ) => {{
        mod $module {
            use super::*;
            $(#[$features])?
            pub(super) unsafe fn floats(matmul: &Matmul<'_, f32>, pixels: Pixels<f32>) {
                // SAFETY: the caller's.
                unsafe { super::matmul::run::<Floats<$floats>, $rows, $vectors>(matmul, pixels) }
            }
            $(#[$features])?
            pub(super) unsafe fn bytes(matmul: &Matmul<'_, i32>, pixels: Pixels<i32>) {
                // SAFETY: the caller's.
                unsafe { super::matmul::run::<$bytes, $byte_rows, $byte_vectors>(matmul, pixels) }
            }
            $(#[$features])?
            pub(super) unsafe fn depthwise(conv: &Depthwise<'_>, y: usize, output: &mut [f32]) {
                // SAFETY: the caller's.
                unsafe { super::depthwise::row::<$floats, $narrow>(conv, y, output) }
            }
            $(#[$features])?
            pub(super) unsafe fn quantise(values: &[f32], quantise: Quantise, words: &mut [i32]) {
                quantise.words::<{ <$bytes>::DEPTH }>(values, words);
            }
        }
        let bytes_lanes = <<$bytes as Arithmetic>::S as Simd>::LANES;
        Kernels {
            name: $name,
            floats: Tiles { panel: <$floats>::LANES * $vectors, lanes: <$floats>::LANES, matmul: $module::floats },
            bytes: Tiles { panel: bytes_lanes * $byte_vectors, lanes: bytes_lanes, matmul: $module::bytes },
            depth: <$bytes>::DEPTH,
            depthwise: $module::depthwise,
            quantise: $module::quantise,
        }
    }};
}

impl Kernels {
    /// The fastest set.
    pub(super) fn best() -> Kernels {
        Kernels::all().swap_remove(0)
    }

    /// Every set that this processor can run, the fastest first.
    pub(super) fn all() -> Vec<Kernels> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = avx2 && is_x86_feature_detected!("avx512f");
            if avx512 && is_x86_feature_detected!("avx512vnni") {
                all.push(kernels!(
                    "AVX-512 VNNI",
                    #[target_feature(enable = "avx512f,avx512vnni,avx2,fma")]
                    vnni: x86::Avx512, 14 x 2, x86::VnniBytes, 14 x 2, x86::Avx2
                ));
            }
            if avx512 {
                all.push(kernels!(
                    "AVX-512",
                    #[target_feature(enable = "avx512f,avx2,fma")]
                    avx512: x86::Avx512, 14 x 2, x86::Avx2Bytes, 4 x 2, x86::Avx2
                ));
            }
            if avx2 {
                all.push(kernels!(
                    "AVX2",
                    #[target_feature(enable = "avx2,fma")]
                    avx2: x86::Avx2, 6 x 2, x86::Avx2Bytes, 4 x 2, x86::Avx2
                ));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            if std::arch::is_aarch64_feature_detected!("dotprod") {
                all.push(kernels!(
                    "NEON dotprod",
                    #[target_feature(enable = "neon,dotprod")]
                    dotprod: neon::Neon, 8 x 2, neon::DotBytes, 8 x 2, neon::Neon
                ));
            }
            all.push(kernels!(
                "NEON",
                #[target_feature(enable = "neon")]
                vectors: neon::Neon, 8 x 2, neon::Bytes, 8 x 2, neon::Neon
            ));
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        all.push(kernels!("SIMD128", simd128: wasm::Simd128, 4 x 2, wasm::Bytes, 4 x 2, wasm::Simd128));
        // A wasm module is built either with vectors or without, so one set is enough.
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        all.push(kernels!(
            "portable",
            anywhere: portable::Portable, 2 x 2, portable::Bytes, 2 x 2, portable::Portable
        ));
        all
    }
}

/// How values become bytes.
#[derive(Clone, Copy)]
pub(super) struct Quantise {
    inverse: f32,
    zero: f32,
}

impl Quantise {
    pub(super) fn new(bytes: Bytes) -> Self {
        Quantise { inverse: 1.0 / bytes.scale, zero: f32::from(bytes.zero) }
    }

    /// The byte of a value, 0 to 127; of NaN, 0. Every operation is rounded by itself, so that all processors agree.
    #[inline(always)]
    fn byte(self, value: f32) -> u8 {
        let value = value * self.inverse + self.zero;
        let value = if value > 0.0 { value } else { 0.0 };
        let largest = f32::from(LARGEST_BYTE);
        let value = if value < largest { value } else { largest };
        // At 2²³ neighbouring numbers are 1 apart: the sum rounds to the nearest, of two the even one, and its last bits
        // are the whole number.
        (value + 8_388_608.0).to_bits() as u8
    }

    /// Groups of `DEPTH` values as one word each.
    #[inline(always)]
    fn words<const DEPTH: usize>(self, values: &[f32], words: &mut [i32]) {
        for (words, values) in words.chunks_exact_mut(8 / DEPTH).zip(values.as_chunks::<8>().0) {
            let bytes = values.map(|value| self.byte(value));
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<DEPTH>().0) {
                *word = word_of(bytes.map(|byte| byte as i8));
            }
        }
    }
}

/// A word that holds 4 values of 8 bits, 2 of 16, or 1 of 32.
#[inline(always)]
pub(super) fn word_of<const DEPTH: usize>(values: [i8; DEPTH]) -> i32 {
    match DEPTH {
        1 => i32::from(values[0]),
        2 => i32::from(values[0]) & 0xffff | i32::from(values[1]) << 16,
        _ => i32::from_le_bytes(std::array::from_fn(|i| values[i % DEPTH].cast_unsigned())),
    }
}

/// A convolution over all channels, its weights in panels.
pub(super) struct Convolution<'a, T> {
    /// `height × width` pixels, `stride` values from one to the next.
    pub input: &'a [T],
    /// Of the input.
    pub width: usize,
    /// Of the input.
    pub stride: usize,
    /// Channels that are read of each pixel.
    pub channels: usize,
    /// Where the kernel lies. It never reaches past the image: padding was written out before.
    pub window: Window,
    /// In panels.
    pub weights: &'a [T],
    /// As many values as the panels have columns; of `f32`, none.
    pub scale: &'a [f32],
    /// As many values as the panels have columns.
    pub bias: &'a [f32],
    /// Like the output.
    pub residual: Option<&'a [f32]>,
    /// Must be one of [`is_fused`].
    pub activation: Activation,
    /// Rows and columns of the output.
    pub output_size: [usize; 2],
    /// Values from one pixel of the output to the next: a multiple of 8.
    pub columns: usize,
}

/// Whether kernels apply this activation as they store.
pub(super) fn is_fused(activation: Activation) -> bool {
    Fused::new(activation).is_some()
}

impl<T> Tiles<T> {
    /// # Panics
    /// When a slice is too short for what the rest says.
    pub(super) fn convolve(&self, conv: &Convolution<'_, T>, output: &mut [f32]) {
        let Window { size, stride, dilation, .. } = conv.window;
        let [height, width] = conv.output_size;
        let line = conv.width * conv.stride;
        // Contiguous where neighbouring taps read neighbouring pixels that have no padding between them.
        let joined = size[1] == 1 || (dilation[1] == 1 && conv.stride == conv.channels);
        let (length, taps) = if joined { (size[1] * conv.channels, 1) } else { (conv.channels, size[1]) };
        let segments: Vec<usize> = (0..size[0])
            .flat_map(|y| (0..taps).map(move |x| y * dilation[0] * line + x * dilation[1] * conv.stride))
            .collect();
        let rows = size[0] * size[1] * conv.channels;
        let last = segments.last().map_or(0, |s| s + length);
        // One row of pixels where nothing lies between the rows of the image.
        let flat = size == [1, 1] && stride == [1, 1] && width == conv.width;
        let (lines, count) = if flat { (1, height * width) } else { (height, width) };
        let end = ((lines - 1) * stride[0]) * line + (count - 1) * stride[1] * conv.stride + last;
        let panels = self.panel_columns(conv.columns);
        assert!(conv.input.len() >= end && output.len() == height * width * conv.columns);
        assert!(conv.residual.is_none_or(|r| r.len() == output.len()) && conv.columns.is_multiple_of(8));
        assert!(conv.weights.len() == panels * rows && conv.bias.len() == panels);
        assert!(conv.scale.is_empty() || conv.scale.len() == panels);
        let matmul = Matmul {
            segments: &segments,
            length,
            pixel_step: stride[1] * conv.stride,
            weights: conv.weights,
            scale: conv.scale,
            bias: conv.bias,
            columns: conv.columns,
            activation: Fused::new(conv.activation).expect("only fused activations come here"),
        };
        for y in 0..lines {
            let place = y * count * conv.columns;
            let pixels = Pixels {
                input: conv.input[y * stride[0] * line..].as_ptr(),
                residual: conv.residual.map_or(std::ptr::null(), |r| r[place..].as_ptr()),
                output: output[place..].as_mut_ptr(),
                count,
            };
            // SAFETY: `Kernels::all` made sure of the features; the assertions above of the lengths.
            unsafe { (self.matmul)(&matmul, pixels) }
        }
    }

    /// Columns of all panels of a matrix with that many columns: the last panel is as narrow as vectors allow.
    pub(super) fn panel_columns(&self, columns: usize) -> usize {
        let left = columns % self.panel;
        let last = if left == 0 || left > self.lanes { left.next_multiple_of(self.panel) } else { self.lanes };
        columns - left + last
    }
}

impl Kernels {
    /// # Panics
    /// When a slice is too short for what the rest says.
    #[expect(clippy::too_many_arguments, reason = "what a depthwise convolution is made of")]
    pub(super) fn depthwise(
        &self,
        input: &[f32],
        [height, width]: [usize; 2],
        channels: usize,
        window: Window,
        weights: &[f32],
        bias: &[f32],
        activation: Activation,
        output_width: usize,
        output: &mut [f32],
    ) {
        assert!(input.len() == height * width * channels && channels.is_multiple_of(8));
        assert!(weights.len() == window.size[0] * window.size[1] * channels && bias.len() == channels);
        let activation = Fused::new(activation).expect("only fused activations come here");
        let conv = Depthwise { input, height, width, channels, window, weights, bias, output_width, activation };
        for (y, row) in output.chunks_exact_mut(output_width * channels).enumerate() {
            // SAFETY: `Kernels::all` made sure of the features; the assertions above of the lengths.
            unsafe { (self.depthwise)(&conv, y, row) }
        }
    }

    /// A word of which every value is `byte`.
    pub(super) fn word_of(&self, byte: u8) -> i32 {
        let byte = byte.cast_signed();
        match self.depth {
            1 => word_of([byte]),
            2 => word_of([byte; 2]),
            _ => word_of([byte; 4]),
        }
    }

    /// The values of an image as bytes, in words of [`Kernels::depth`] neighbouring channels.
    ///
    /// # Panics
    /// When there are not as many words as the values take.
    pub(super) fn quantise(&self, values: &[f32], bytes: Bytes, words: &mut [i32]) {
        assert!(values.len() == words.len() * self.depth && values.len().is_multiple_of(8));
        // SAFETY: `Kernels::all` made sure of the features.
        unsafe { (self.quantise)(values, Quantise::new(bytes), words) }
    }
}
