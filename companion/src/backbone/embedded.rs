//! The embedded default backbone: a GIST descriptor (Oliva & Torralba 2001, "Modeling the shape of the scene") as an
//! ONNX network without learned weights.
//!
//! Luminance at four scales, each filtered by Gabor pairs in eight orientations; the square root of the energy of
//! each is averaged over a 4×4 grid: 4 × 8 × 16 = 512 values. What it reaches is in docs/learning.md.

use std::f32::consts::PI;

use tract_onnx::pb::GraphProto;

use jicho::manifest::{ColorOrder, Layout, Preprocessing};

use crate::onnx::build::{Builder, int, ints, model, value};
use crate::onnx::{encode, pixels};

/// Its name for `--backbone`.
pub const NAME: &str = "embedded";
/// What whoever trains with it should know.
pub const LIMITS: &str = "the embedded backbone has no learned weights: on photos set apart from training it names about a \
    third of 81 grocery products, where networks trained on ImageNet name up to three quarters (docs/learning.md). \
    For a real shop pass --backbone; `jicho backbones` lists some";
/// Side of its input, pixels.
pub const SIZE: usize = 128;

const SCALES: usize = 4;
const ORIENTATIONS: usize = 8;
const GRID: usize = 4;
const KERNEL: usize = 9;

/// How its pixels go in.
pub fn preprocessing() -> Preprocessing {
    Preprocessing {
        layout: Layout::Nchw,
        color: ColorOrder::Rgb,
        range: [0.0, 1.0],
        mean: [0.0; 3],
        std: [1.0; 3],
        crop: 1.0,
    }
}

/// The network as an ONNX file.
pub fn onnx() -> Vec<u8> {
    let mut graph =
        GraphProto { name: NAME.into(), input: vec![value("image", &[0, 3, SIZE, SIZE])], ..Default::default() };
    let mut build = Builder::new(&mut graph, "gist");
    // Rec. 601 luma.
    let luma = build.weights(&[1, 3, 1, 1], &[0.299, 0.587, 0.114]);
    let mut image = build.node("Conv", &["image", &luma], vec![ints("kernel_shape", &[1, 1])]);
    let bank = build.weights(&[2 * ORIENTATIONS, 1, KERNEL, KERNEL], &gabor_bank());
    let sum = build.weights(&[ORIENTATIONS, 2 * ORIENTATIONS, 1, 1], &pair_sums());
    let tiny = build.weights(&[1], &[1e-6]);
    let mut parts = Vec::new();
    for scale in 0..SCALES {
        if scale > 0 {
            image = build.node("AveragePool", &[&image], vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]);
        }
        let margin = (KERNEL / 2) as i64;
        let attributes = vec![ints("kernel_shape", &[KERNEL as i64; 2]), ints("pads", &[margin; 4])];
        let filtered = build.node("Conv", &[&image, &bank], attributes);
        let squared = build.node("Mul", &[&filtered, &filtered], vec![]);
        let energy = build.node("Conv", &[&squared, &sum], vec![ints("kernel_shape", &[1, 1])]);
        let energy = build.node("Add", &[&energy, &tiny], vec![]);
        let amplitude = build.node("Sqrt", &[&energy], vec![]);
        let cell = ((SIZE >> scale) / GRID) as i64;
        let attributes = vec![ints("kernel_shape", &[cell; 2]), ints("strides", &[cell; 2])];
        let pooled = build.node("AveragePool", &[&amplitude], attributes);
        let root = build.node("Sqrt", &[&pooled], vec![]);
        parts.push(build.node("Flatten", &[&root], vec![int("axis", 1)]));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    build.named("Concat", &parts, "features", vec![int("axis", 1)]);
    graph.output = vec![value("features", &[0, SCALES * ORIENTATIONS * GRID * GRID])];
    let mut model = model(graph);
    pixels::write(&mut model, &preprocessing());
    encode(&model)
}

/// Even and odd Gabor filters of each orientation: wavelength 5 pixels, width 2.2, without mean, of norm 1.
fn gabor_bank() -> Vec<f32> {
    let (wavelength, width) = (5.0, 2.2);
    let mut bank = Vec::with_capacity(2 * ORIENTATIONS * KERNEL * KERNEL);
    for orientation in 0..ORIENTATIONS {
        let (sin, cos) = (orientation as f32 * PI / ORIENTATIONS as f32).sin_cos();
        for phase in [0.0, PI / 2.0] {
            let mut filter: Vec<f32> = (0..KERNEL * KERNEL)
                .map(|i| {
                    let x = (i % KERNEL) as f32 - (KERNEL / 2) as f32;
                    let y = (i / KERNEL) as f32 - (KERNEL / 2) as f32;
                    let envelope = (-(x * x + y * y) / (2.0 * width * width)).exp();
                    envelope * (2.0 * PI * (x * cos + y * sin) / wavelength + phase).cos()
                })
                .collect();
            let mean = filter.iter().sum::<f32>() / filter.len() as f32;
            filter.iter_mut().for_each(|v| *v -= mean);
            let norm = filter.iter().map(|v| v * v).sum::<f32>().sqrt();
            bank.extend(filter.iter().map(|v| v / norm));
        }
    }
    bank
}

/// Sums the squares of a pair: `ORIENTATIONS × 2·ORIENTATIONS`.
fn pair_sums() -> Vec<f32> {
    let columns = 2 * ORIENTATIONS;
    (0..ORIENTATIONS * columns).map(|i| f32::from(u8::from(i / columns == i % columns / 2))).collect()
}
