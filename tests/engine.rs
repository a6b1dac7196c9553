//! The compiled engine against a plain interpreter: every kernel set, natively, in Chromium, under QEMU and Miri.

mod plans;

use jicho::engine::plan::{Window, reference};
use jicho::engine::{CompiledEngine, Engine};
use jicho::error::ErrorKind;
use jicho::frame::InputPixels;
use jicho::manifest::{ColorOrder, Layout, Preprocessing};

use plans::{Choices, Limits, Random, case, check, run};

const LIMITS: Limits = if cfg!(miri) { Limits::TINY } else { Limits::USUAL };
/// How many random plans where there is no proptest.
const CASES: u32 = if cfg!(miri) { 8 } else { 2000 };

fn window(size: [usize; 2], stride: usize, padding: [usize; 4]) -> Window {
    Window { size, stride: [stride; 2], dilation: [1; 2], padding }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn random_plans_are_answered_as_by_the_reference() {
    for seed in 0..CASES {
        check(&case(&mut Choices::seeded(seed), LIMITS));
    }
}

/// Every number of output channels and of pixels in a row, by kernels whose rows are one stretch, joined, and apart.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn tails_of_panels_and_rows() {
    let (channels, lengths) = if cfg!(miri) { (7..=9, 2..=3) } else { (1..=70, 1..=30) };
    for channels in channels {
        for length in lengths.clone() {
            let seed = (100 * channels + length) as u32;
            check(&plans::chain(seed, length, |b| {
                let row = plans::convolve(b, 0, window([length, 1], 1, [0; 4]), 1 + seed as usize % 9, None);
                let kernel = b.choices.of(&[window([1, 1], 1, [0; 4]), window([2, 3], 1, [1, 1, 0, 1])]);
                let residual = plans::convolve(b, row, kernel, channels, None);
                plans::convolve(b, row, kernel, channels, Some(residual));
            }));
        }
    }
}

/// The unrolled kernels and the others, with images narrower than their blocks, and padding wider than the image.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn depthwise_kernels_over_every_width() {
    let widths = if cfg!(miri) { 4..6 } else { 1..20 };
    for width in widths {
        for size in [1, 2, 3, 5, 7] {
            for stride in [1, 2, 3] {
                for padding in [[0; 4], [1; 4], [0, 0, 1, 1], [size / 2; 4], [size + 1; 4]] {
                    let slow = !(2..4).contains(&size) || stride > 2 || padding[0] > size;
                    if width + padding[0] + padding[2] < size || (cfg!(miri) && slow) {
                        continue;
                    }
                    check(&plans::chain((width * size) as u32, width, |b| {
                        let image = plans::convolve(b, 0, window([1, 1], 1, [0; 4]), 1 + width % 20, None);
                        // The output may take the place of the image, so that the memory ends where the input does.
                        b.live.retain(|tensor| *tensor != 0);
                        plans::convolve_each(b, image, window([size; 2], stride, padding));
                    }));
                }
            }
        }
    }
}

/// Sums of bytes are whole numbers: the same on every processor, to the last bit, at every extreme.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn bytes_are_multiplied_exactly() {
    for seed in 0..if cfg!(miri) { 2 } else { 600 } {
        let case = plans::bytes::case(&mut Choices::seeded(seed));
        let bytes = case.plan.to_bytes().unwrap();
        let expected = reference::run(&case.plan, &case.image);
        for kernels in CompiledEngine::kernels() {
            let engine = CompiledEngine::load_with(&bytes, kernels).unwrap();
            for time in 0..2 {
                assert_eq!(run(&engine, &case.image), expected, "{kernels}, seed {seed}, time {time}");
            }
        }
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn another_image_leaves_nothing_behind() {
    for seed in 0..if cfg!(miri) { 2 } else { 60 } {
        let case = case(&mut Choices::seeded(seed), LIMITS);
        let bytes = case.plan.to_bytes().unwrap();
        let other: Vec<f32> = case.image.iter().map(|v| 3.0 - 2.0 * v).collect();
        for kernels in CompiledEngine::kernels() {
            let engine = CompiledEngine::load_with(&bytes, kernels).unwrap();
            let first = run(&engine, &case.image);
            let _ = engine.run(&mut |_, tensor| tensor.copy_from_slice(&other));
            assert_eq!(run(&engine, &case.image), first, "{kernels}");
        }
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn pixels_are_written_as_the_network_is_told() {
    for size in if cfg!(miri) { vec![1, 3] } else { vec![1, 2, 3, 5, 8, 13] } {
        let mut random = Random(size as u32);
        let pixels = InputPixels::from_rgb(size, (0..3 * size * size).map(|_| random.next() as u8).collect()).unwrap();
        for color in [ColorOrder::Rgb, ColorOrder::Bgr] {
            let preprocessing = Preprocessing {
                layout: Layout::Nchw,
                color,
                range: [-1.0, 1.0],
                mean: [0.485, 0.456, 0.406],
                std: [0.229, 0.224, 0.225],
                crop: 1.0,
                whole_above: None,
            };
            let value = |pixel: usize, channel: usize| {
                let source = if color == ColorOrder::Bgr { 2 - channel } else { channel };
                let value = f64::from(pixels.rgb()[3 * pixel + source]) / 255.0 * 2.0 - 1.0;
                (value - f64::from(preprocessing.mean[channel])) / f64::from(preprocessing.std[channel])
            };
            let area = size * size;
            for layout in [Layout::Nchw, Layout::Nhwc] {
                let mut tensor = vec![f32::NAN; 3 * area];
                pixels.write_tensor(&preprocessing, layout, &mut tensor);
                for (i, got) in tensor.iter().enumerate() {
                    let expected = match layout {
                        Layout::Nchw => value(i % area, i / area),
                        Layout::Nhwc => value(i / 3, i % 3),
                    };
                    assert!((f64::from(*got) - expected).abs() < 1e-5, "{size} {color:?} {layout:?} {i}: {got}");
                }
            }
            // The engine asks for its own layout, whatever the release says.
            let case = plans::chain(1, size, |b| {
                plans::convolve(b, 0, window([1, 1], 1, [0; 4]), 2, None);
            });
            let engine = CompiledEngine::load(&case.plan.to_bytes().unwrap()).unwrap();
            let mut tensor = vec![0.0; 3 * area];
            pixels.write_tensor(&preprocessing, Layout::Nhwc, &mut tensor);
            assert_eq!(engine.run_pixels(&pixels, &preprocessing).unwrap(), run(&engine, &tensor));
            let larger = InputPixels::from_rgb(size + 1, vec![0; 3 * (size + 1) * (size + 1)]).unwrap();
            let refused = engine.run_pixels(&larger, &preprocessing).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        }
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn unknown_kernels_and_infinite_answers_are_errors() {
    let case = plans::chain(3, 2, |b| {
        plans::convolve(b, 0, window([1, 1], 1, [0; 4]), 2, None);
    });
    let bytes = case.plan.to_bytes().unwrap();
    let unknown = CompiledEngine::load_with(&bytes, "abacus").err().unwrap();
    assert_eq!(unknown.kind(), ErrorKind::InvalidArgument);
    for kernels in CompiledEngine::kernels() {
        let engine = CompiledEngine::load_with(&bytes, kernels).unwrap();
        let failed = engine.run(&mut |_, tensor| tensor.fill(f32::NAN)).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::InvalidModel, "{kernels}");
        assert_eq!(run(&engine, &case.image).len(), engine.output_len(), "{kernels}");
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn threads_share_an_engine() {
        for seed in 0..if cfg!(miri) { 1 } else { 12 } {
            let case = case(&mut Choices::seeded(seed), LIMITS);
            let bytes = case.plan.to_bytes().unwrap();
            for kernels in CompiledEngine::kernels() {
                let engine = CompiledEngine::load_with(&bytes, kernels).unwrap();
                // Each thread's own images, and their answers when nobody else asks.
                let images: Vec<Vec<f32>> =
                    (0..8).map(|i| case.image.iter().map(|v| v * (1.0 + i as f32 / 8.0)).collect()).collect();
                let expected: Vec<Vec<f32>> = images.iter().map(|image| run(&engine, image)).collect();
                std::thread::scope(|scope| {
                    for (image, expected) in images.iter().zip(&expected) {
                        let engine = &engine;
                        scope.spawn(move || {
                            for _ in 0..if cfg!(miri) { 2 } else { 25 } {
                                assert_eq!(run(engine, image), *expected, "{kernels}");
                            }
                        });
                    }
                });
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 0 } else { 800 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]
        #[test]
        fn any_plan_is_answered_as_by_the_reference(choices in prop::collection::vec(any::<u32>(), 0..120)) {
            check(&case(&mut Choices::given(&choices), LIMITS));
        }
    }
}

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
