//! The same frames give the same bytes natively and in wasm, so a browser sees exactly what was trained on.

mod fixture;

use jicho::color;
use jicho::frame::Frame;
use jicho::manifest::{ColorOrder, Layout};

use fixture::{preprocessing, publish, sha256};

/// Of everything below. Whoever changes preprocessing on purpose changes what every published model sees.
const DIGEST: &str = "1e130ecee2758cf31bdfe14f1a1c5c4dba55cb39df0c934f98b8af2cb64f115c";

/// Of the fixture's network, whose kernels tract finds in a wasm module only if its static constructors ran.
const GOLDEN: [f32; 2] = [0.478_790_01, 0.314_616_9];

/// Width, height, and whether alpha varies.
const FRAMES: [(u32, u32, bool); 8] = [
    (1, 1, false),
    (7, 5, true),
    (224, 224, false),
    (641, 479, false),
    (480, 640, true),
    (97, 1013, false),
    (1920, 1080, false),
    (13, 400, true),
];

fn rgba(width: u32, height: u32, alpha: bool) -> Vec<u8> {
    let mut state = width.wrapping_mul(31).wrapping_add(height);
    (0..width * height)
        .flat_map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, y) = (i % width, i / width);
            let [r, g, b, noise] = state.to_be_bytes();
            let ramp = |v: u32, n: u32, grain: u8| (v * 200 / n) as u8 + grain / 5;
            [ramp(x, width, r), ramp(y, height, g), b, if alpha { noise } else { 255 }]
        })
        .collect()
}

fn digest() -> String {
    let mut bytes = Vec::new();
    for (width, height, alpha) in FRAMES {
        let rgba = rgba(width, height, alpha);
        let frame = Frame::new(width, height, &rgba).unwrap();
        for (fraction, size) in [(1.0, 1), (0.875, 32), (1.0, 224), (0.6, 97)] {
            let pixels = frame.center_square(fraction, size);
            bytes.extend(pixels.rgb());
            for (color, layout) in [
                (ColorOrder::Rgb, Layout::Nchw),
                (ColorOrder::Bgr, Layout::Nchw),
                (ColorOrder::Rgb, Layout::Nhwc),
                (ColorOrder::Bgr, Layout::Nhwc),
            ] {
                bytes.extend(pixels.tensor(&preprocessing(color, layout)).into_iter().flat_map(f32::to_le_bytes));
            }
            bytes.extend(color::features(&pixels).into_iter().flat_map(f32::to_le_bytes));
        }
    }
    sha256(&bytes)
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn frames_become_the_same_bytes_everywhere() {
    assert_eq!(digest(), DIGEST);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_network_answers_the_same_everywhere() {
    let compiled = publish("T_1", 1, &["apple", "bread"]);
    for published in [compiled.clone(), compiled.without_plan()] {
        let outputs = published.load().golden_outputs().unwrap();
        assert!(outputs.iter().zip(GOLDEN).all(|(a, b)| (a - b).abs() < 1e-5), "{outputs:?} are not {GOLDEN:?}");
    }
}

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
