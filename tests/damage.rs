//! Plans that are cut short, damaged, of other versions or absurd are refused, and before anything is allocated for what
//! they claim. In Chromium too, where a `usize` has 32 bits.

#[path = "plans/allocations.rs"]
mod allocations;
mod plans;

use jicho::ErrorKind;
use jicho::engine::plan::{Activation, BYTES_VERSION, Bytes, Gather};
use jicho::engine::plan::{Conv, Plan, Pool, PoolKind, Program, Step, Storage, Tensor, Unary, Weights, Window};
use jicho::engine::{CompiledEngine, Engine};
use serde_json::{Value, json};

use allocations::{Counting, largest};
use plans::file::{assemble, sign};
use plans::{Choices, Limits};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What reading may allocate at once besides the size of the file: the longest list of small numbers.
const SLACK: usize = 1 << 20;
/// So much for a file with no long lists.
const LITTLE: usize = 1 << 13;

#[track_caller]
fn refused_within(bytes: &[u8], slack: usize) -> String {
    let (result, largest) = largest(|| CompiledEngine::load(bytes));
    let error = result.err().expect("it is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}");
    assert!(largest <= bytes.len() + slack, "{largest} bytes at once for a file of {}: {error}", bytes.len());
    error.to_string()
}

#[track_caller]
fn refused(bytes: &[u8], why: &str) {
    let error = refused_within(bytes, LITTLE);
    assert!(error.contains(why), "`{error}` does not say `{why}`");
}

/// Small plans with steps of every kind.
fn cases() -> Vec<plans::Case> {
    let seeds = if cfg!(miri) { 0..1 } else { 0..40 };
    seeds.map(|seed| plans::case(&mut Choices::seeded(seed), Limits::TINY)).collect()
}

fn smallest() -> Vec<u8> {
    let plans = cases().into_iter().map(|case| case.plan.to_bytes().unwrap());
    plans.min_by_key(Vec::len).unwrap()
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn whatever_is_cut_short_is_refused() {
    let bytes = smallest();
    for length in (0..bytes.len()).step_by(if cfg!(miri) { 97 } else { 1 }) {
        refused_within(&bytes[..length], LITTLE);
    }
    let mut longer = bytes;
    longer.push(0);
    refused(&longer, "checksum");
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn any_flipped_bit_is_noticed() {
    let mut bytes = smallest();
    for bit in (0..8 * bytes.len()).step_by(if cfg!(miri) { 701 } else { 1 }) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        refused_within(&bytes, LITTLE);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    CompiledEngine::load(&bytes).unwrap();
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn other_formats_and_versions_are_refused() {
    let bytes = smallest();
    for version in [0, 3, 256, u32::MAX] {
        let mut other = bytes.clone();
        other[8..12].copy_from_slice(&version.to_le_bytes());
        refused(&other, "this library reads 1 and 2");
    }
    let mut other = bytes.clone();
    other[8..12].copy_from_slice(&BYTES_VERSION.to_le_bytes());
    refused(&other, "format 1, not 2");
    refused(b"\x08\x07\x12\x04onnx", "JICHOPLN");
    refused(&[], "JICHOPLN");
    refused(b"JICHOPLN\x01\0\0\0", "header");
    // A program's length that is too long, past the file, or not where data begins.
    for (length, why) in [(u32::MAX, "more than"), (1 << 20 | 40, "ends within"), (41, "does not begin")] {
        let mut other = bytes.clone();
        other[12..16].copy_from_slice(&length.to_le_bytes());
        refused(&other, why);
    }
    let mut blank = bytes.clone();
    let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    blank.splice(24 + length..24 + length, [b' '; 64]);
    blank[12..16].copy_from_slice(&(length as u32 + 64).to_le_bytes());
    sign(&mut blank);
    refused(&blank, "does not begin");
}

/// Every number of a program, one after another, becomes each of these.
const ABSURD: [f64; 14] = [
    -1.0,
    0.0,
    0.5,
    1e39,
    1e300,
    8191.0,
    131_072.0,
    131_073.0,
    67_108_864.0,
    536_870_912.0,
    2_147_483_648.0,
    4_294_967_295.0,
    4_294_967_296.0,
    1.844_674_407_370_955_2e19,
];

fn numbers(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| numbers(item, &format!("{path}/{i}"), found));
        }
        Value::Object(fields) => fields.iter().for_each(|(key, field)| numbers(field, &format!("{path}/{key}"), found)),
        _ => {}
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn absurd_numbers_are_refused_or_run() {
    for case in cases() {
        let program = serde_json::to_value(&case.plan.program).unwrap();
        let mut paths = Vec::new();
        numbers(&program, "", &mut paths);
        let lesser = |n: f64| if n.fract() == 0.0 && (0.0..1e18).contains(&n) { json!(n as u64) } else { json!(n) };
        for path in paths.iter().step_by(if cfg!(miri) { 61 } else { 1 }) {
            let own = program.pointer(path).unwrap().as_u64().unwrap_or(0);
            let near =
                [own.wrapping_add(1), own.wrapping_sub(1), own + 8, usize::MAX as u64, usize::MAX as u64 - 7, u64::MAX];
            let absurd = ABSURD.map(lesser).into_iter().chain(near.map(|n| json!(n)));
            for number in absurd {
                let mut program = program.clone();
                *program.pointer_mut(path).unwrap() = number;
                let bytes = assemble(program.to_string().as_bytes(), &case.plan.data);
                if let Err(error) = Plan::parse(&bytes) {
                    assert_eq!(error.kind(), ErrorKind::InvalidModel);
                    refused_within(&bytes, LITTLE);
                    continue;
                }
                for kernels in CompiledEngine::kernels() {
                    let engine = CompiledEngine::load_with(&bytes, kernels).unwrap();
                    let _ = engine.run(&mut |_, tensor| tensor.fill(0.5));
                }
            }
        }
    }
}

/// What a program of `tensors`, placed one after another, and `steps` is refused for.
fn program(shapes: &[[usize; 3]], steps: Vec<Step>) -> Program {
    let mut arena = 0;
    let tensors = shapes.iter().enumerate().map(|(index, &[height, width, channels])| {
        let stride = if index == 0 { channels } else { channels.next_multiple_of(8) };
        let tensor = Tensor { height, width, channels, stride, offset: arena };
        arena += height.saturating_mul(width).saturating_mul(stride);
        tensor
    });
    let tensors: Vec<Tensor> = tensors.collect();
    Program { onnx: "0".repeat(64), arena, output: tensors.len() - 1, tensors, steps }
}

fn of(program: &Program, data: &[u8]) -> Vec<u8> {
    assemble(&serde_json::to_vec(program).unwrap(), data)
}

fn conv(input: usize, output: usize, size: usize, padding: usize) -> Conv {
    Conv {
        input,
        output,
        window: Window { size: [size; 2], stride: [1; 2], dilation: [1; 2], padding: [padding; 4] },
        weights: Weights { offset: 0, storage: Storage::F32 },
        bias: 0,
        residual: None,
        activation: Activation::None,
        bytes: None,
    }
}

fn mean(input: usize, output: usize) -> Step {
    Step::Mean(Unary { input, output, activation: Activation::None })
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn shapes_that_fit_nothing_are_refused() {
    let data = [0; 4096];
    let fits = program(&[[2, 2, 3], [2, 2, 8], [1, 1, 8]], vec![Step::Conv(conv(0, 1, 1, 0)), mean(1, 2)]);
    CompiledEngine::load(&of(&fits, &data)).unwrap();

    let mut wrong = fits.clone();
    wrong.arena += 65;
    refused(&of(&wrong, &data), "wants");
    wrong.arena = usize::MAX / 8;
    refused(&of(&wrong, &data), "wants");
    let mut wrong = fits.clone();
    wrong.tensors[1].offset = 11;
    refused(&of(&wrong, &data), "share memory");
    let mut wrong = fits.clone();
    wrong.output = 3;
    refused(&of(&wrong, &data), "no input or no output");
    let mut wrong = fits.clone();
    wrong.steps.pop();
    refused(&of(&wrong, &data), "no step writes");
    let mut wrong = fits.clone();
    wrong.steps.reverse();
    refused(&of(&wrong, &data), "not written");
    let mut wrong = fits.clone();
    wrong.onnx = "g".repeat(64);
    refused(&of(&wrong, &data), "SHA-256");
    refused(&of(&fits, &data[..64]), "not within the data");

    // The image has the shape of a residual, but not its pixels' distance.
    let mut like_the_image = conv(0, 1, 1, 0);
    like_the_image.residual = Some(0);
    let steps = vec![Step::Conv(like_the_image), mean(1, 2)];
    refused(&of(&program(&[[2, 2, 3], [2, 2, 3], [1, 1, 3]], steps), &data), "shapes do not fit");
    // A tensor that another has taken the place of.
    let steps = vec![Step::Conv(conv(0, 1, 1, 0)), Step::Conv(conv(0, 2, 1, 0)), mean(1, 3)];
    let mut wrong = program(&[[2, 2, 3], [2, 2, 8], [2, 2, 8], [1, 1, 8]], steps);
    wrong.tensors[2].offset = wrong.tensors[1].offset + 8;
    refused(&of(&wrong, &data), "overwritten");
    // A window of which no value lies in the image, though some lie on both sides of it.
    let window = Window { size: [2; 2], stride: [1; 2], dilation: [3; 2], padding: [2, 2, 1, 1] };
    let pool = Pool { input: 1, output: 2, window, kind: PoolKind::Max };
    let steps = vec![Step::Conv(conv(0, 1, 1, 0)), Step::Pool(pool), mean(2, 3)];
    let shapes = [[1, 1, 3], [1, 1, 8], [1, 1, 8], [1, 1, 8]];
    refused(&of(&program(&shapes, steps), &data), "shapes do not fit");
    // No inputs.
    let steps = vec![Step::Gather(Gather { inputs: vec![], output: 1, channels: vec![0] })];
    refused(&of(&program(&[[1, 1, 3], [1, 1, 1]], steps), &data), "shapes do not fit");
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn bytes_that_could_not_be_multiplied_exactly_are_refused() {
    let data: Vec<u8> = 1f32.to_le_bytes().repeat(1 << 10);
    let good = Bytes { scale: 0.5, zero: 64 };
    let weights = Weights { offset: 0, storage: Storage::I8 { scales: 0 } };
    let plan = |channels: usize, conv: Conv, data: &[u8]| {
        let spread = Gather { inputs: vec![0], output: 1, channels: vec![0; channels] };
        let steps = vec![Step::Gather(spread), Step::Conv(conv), mean(2, 3)];
        of(&program(&[[1, 1, 3], [1, 1, channels], [1, 1, 8], [1, 1, 8]], steps), data)
    };
    let with = |bytes: Bytes| Conv { weights, bytes: Some(bytes), ..conv(1, 2, 1, 0) };
    CompiledEngine::load(&plan(16, with(good), &data)).unwrap();
    for scale in [0.0, -0.5, 1e-20, 1e20, f32::MAX] {
        refused(&plan(16, with(Bytes { scale, ..good }), &data), "cannot become bytes");
    }
    refused(&plan(16, with(Bytes { zero: 128, ..good }), &data), "cannot become bytes");
    refused(&plan(12, with(good), &data), "no multiple of 8");
    // With as many products, a sum could exceed 2³¹.
    let much: Vec<u8> = 1f32.to_le_bytes().repeat(1 << 19);
    let deep = |rows: usize| plan(1 << 15, Conv { window: window(rows), ..with(good) }, &much);
    fn window(rows: usize) -> Window {
        Window { size: [rows, 1], stride: [1; 2], dilation: [1; 2], padding: [0, 0, rows - 1, 0] }
    }
    CompiledEngine::load(&deep(4)).unwrap();
    refused(&deep(5), "too many");
    let floats = Weights { offset: 0, storage: Storage::F32 };
    refused(&plan(16, Conv { weights: floats, ..with(good) }, &data), "weights are none");
    for scale in [-1.0, f32::NAN, f32::INFINITY, 1e-30] {
        let mut data = data.clone();
        data[4..8].copy_from_slice(&f32::to_le_bytes(scale));
        refused(&plan(16, with(good), &data), "scales of its weights");
    }
    // The image's pixels have no room for whole words.
    let image = vec![Step::Conv(Conv { input: 0, output: 1, ..with(good) }), mean(1, 2)];
    refused(&of(&program(&[[2, 2, 3], [2, 2, 8], [1, 1, 8]], image), &data), "no multiple of 8");
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(miri, ignore = "takes an interpreter too long")]
fn what_would_take_too_much_is_refused() {
    let data = [0; 4096];
    // 1024 · 1024 · 4096 rows of weights: none at all, where a `usize` has 32 bits.
    let spread = Gather { inputs: vec![0], output: 1, channels: vec![0; 4096] };
    let shapes = [[1, 1, 3], [1, 1, 4096], [2, 2, 8], [1, 1, 8]];
    let mut wide = conv(1, 2, 1024, 512);
    let steps = |conv: Conv| vec![Step::Gather(spread.clone()), Step::Conv(conv), mean(2, 3)];
    let long = of(&program(&shapes, steps(wide.clone())), &data);
    refused_within(&long, LITTLE + 16 * 4096);
    // Little to multiply, but much to pad: 2049 · 2049 · 4096 values.
    wide.window.size = [1; 2];
    wide.window.stride = [1024; 2];
    wide.window.padding = [1024; 4];
    let error =
        refused_within(&of(&program(&[[1, 1, 3], [1, 1, 4096], [3, 3, 8], [1, 1, 8]], steps(wide)), &data), 1 << 17);
    assert!(error.contains("padded input"), "{error}");
    // A thousand times the same weights.
    let repeated = vec![Step::Conv(conv(0, 1, 1, 0)); 1000];
    let steps = repeated.into_iter().chain([mean(1, 2)]).collect();
    let error = refused_within(&of(&program(&[[1, 1, 3], [1, 1, 200], [1, 1, 200]], steps), &data), 1 << 18);
    assert!(error.contains("weights out of its data"), "{error}");
    // 16 · 2²⁶ values by 2 · 2 · 64 weights.
    let deep =
        vec![
            Step::Conv(Conv { weights: Weights { offset: 0, storage: Storage::I8 { scales: 0 } }, ..conv(0, 1, 1, 0) });
            2000
        ];
    let steps = deep.into_iter().chain([mean(1, 2)]).collect();
    let error =
        refused_within(&of(&program(&[[1024, 1024, 3], [1024, 1024, 56], [1, 1, 56]], steps), &[0; 1 << 17]), 1 << 20);
    assert!(error.contains("multiplications"), "{error}");
    let more = program(&[[1, 1, 3], [16_384, 16_384, 8], [1, 1, 8]], vec![]);
    refused(&of(&more, &data), "memory");
}

/// A program of `count` times `item` in the list named `list`.
fn long(list: &str, item: &str, count: usize) -> Vec<u8> {
    let items = vec![item; count].join(",");
    assemble(format!("{{\"{list}\":[{items}]}}").as_bytes(), &[])
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(miri, ignore = "takes an interpreter too long")]
fn long_programs_take_little_memory() {
    let many = 200_000;
    let channels = vec!["0"; many].join(",");
    for bytes in [
        long("tensors", "[1,1,1,1,1]", many),
        long("steps", "{\"mean\":[0,1]}", many),
        long("steps", "{\"mean\":[0,1,\"none\"]}", many),
        long("tensors", "[", many),
        long("steps", &format!("{{\"gather\":[[],0,[{channels}]]}}"), 4),
        long("steps", &format!("{{\"gather\":[[{channels}],0,[]]}}"), 4),
        assemble(format!("{{\"arena\":\"{}\"}}", "a".repeat(5 * many)).as_bytes(), &[]),
        assemble(format!("{{\"{}\":1}}", "a".repeat(5 * many)).as_bytes(), &[]),
        assemble(format!("{{\"arena\":\"{}\"}}", "\u{7f}".repeat(5 * many)).as_bytes(), &[]),
        assemble(format!("{{\"arena\":\"{}\"}}", "\\u0001".repeat(many)).as_bytes(), &[]),
        assemble(format!("{{\"arena\":1{}}}", "0".repeat(5 * many)).as_bytes(), &[]),
        assemble(format!("{{\"output\":1e{}}}", "9".repeat(5 * many)).as_bytes(), &[]),
        assemble(&vec![b' '; 5 * many], &[]),
    ] {
        let error = refused_within(&bytes, SLACK);
        assert!(error.len() < 600, "{} bytes of error", error.len());
    }
}

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
