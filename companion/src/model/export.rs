//! The whole model of a channel as one plain ONNX classifier: network as devices run it, colour features and label
//! head.

use std::path::Path;

use jicho::color::{self, BINS, GRIDS, JOINT, LENGTH, cell_start};
use jicho::engine::plan::Plan;
use jicho::manifest::{ColorOrder, FileRole, Layout, Manifest, ModelType};
use jicho::recognize::{Prototypes, Space, feature_len, tensors};

use crate::error::{Error, Result};
use crate::model::onnx::build::{Builder, int, ints, property, value};
use crate::model::onnx::{self, cut, pixels};
use crate::output::{publish, store};

/// The name of the output.
const OUTPUT: &str = "probabilities";

/// Writes the release in force of `channel` (`…/ml-models/T_1`) to `file`. Its input is the network's own normalised
/// tensor, its output `probabilities` (N×labels).
///
/// # Errors
/// A channel that cannot be loaded or has no labels; a file that cannot be written.
pub fn whole(channel: &Path, file: &Path) -> Result<()> {
    let (recognizer, store) = publish::open(channel)?;
    let manifest = recognizer.manifest();
    let read = |file| store::read_file(&*store, file);
    let mut model = onnx::decode(&read(manifest.file(FileRole::Backbone)?)?)?;
    let network = manifest.network()?;
    if network.role == FileRole::Plan {
        // What devices run has weights of its own: rounded, and joined with what followed them.
        let bytes = read(network)?;
        let input = onnx::image_input(&model)?.name;
        let output = if manifest.model_type == ModelType::Classifier { OUTPUT } else { "features" };
        model = onnx::from_plan::network(&Plan::parse(&bytes)?, manifest.preprocessing.layout, &input, output)?;
    }
    if manifest.model_type == ModelType::Embedding {
        let [space, head] = [FileRole::Space, FileRole::Head].map(|role| read(manifest.file(role)?));
        model = join_head(&model, manifest, &space?, &head?)?;
    }
    pixels::write(&mut model, &manifest.preprocessing);
    let labels = serde_json::to_string(&manifest.labels).unwrap_or_default();
    let props = [
        ("jicho.labels", labels.as_str()),
        ("jicho.channel", &manifest.channel_id),
        ("jicho.version", &manifest.version),
    ];
    model.metadata_props.retain(|p| props.iter().all(|(key, _)| p.key != *key));
    model.metadata_props.extend(props.map(|(key, value)| property(key, value)));
    store::local::write_atomically(file, &onnx::encode(&model))
}

fn join_head(network: &onnx::Model, manifest: &Manifest, space: &[u8], head: &[u8]) -> Result<onnx::Model> {
    let (Some(features), Some(label_head)) = (manifest.features, manifest.label_head) else {
        return Err(Error::BadInput("the channel has attributes only; there is no label head to export".into()));
    };
    let count = manifest.labels.len();
    let inputs = feature_len(&features);
    let space = Space::read(&tensors::open(space, "space")?, inputs)?;
    let head = Prototypes::read(&tensors::open(head, "head")?, "label", space.dims())?;
    let (columns, projection, offset) = space.tensors();
    let dims = space.dims();

    let input = onnx::image_input(network)?.name;
    let output = onnx::graph(network)?.output.first().map(|o| o.name.clone()).unwrap_or_default();
    let mut model = cut::at_output(network, &output)?;
    let graph = model.graph.get_or_insert_default();
    let mut build = Builder::new(graph, "jicho_head");
    let mut joined = normalized(&mut build, &output, features.embedding);
    if features.color_weight > 0.0 {
        let color = color_features(&mut build, &input, manifest, features.color_weight);
        joined = build.node("Concat", &[&joined, &color], vec![int("axis", 1)]);
    }
    let columns: Vec<i64> = columns.iter().map(|c| i64::from(*c)).collect();
    let columns = build.integers(&columns);
    let used = build.node("Gather", &[&joined, &columns], vec![int("axis", 1)]);
    let count_used = projection.len() / dims;
    let projection = build.half_weights(&[count_used, dims], &transposed(projection, dims, count_used));
    let projected = build.node("MatMul", &[&used, &projection], vec![]);
    let offset = build.weights(&[dims], offset);
    let point = build.node("Add", &[&projected, &offset], vec![]);
    let point = normalized(&mut build, &point, dims);
    let prototypes: Vec<f32> =
        transposed(head.directions(), count, dims).into_iter().map(|v| v * label_head.scale).collect();
    let prototypes = build.weights(&[dims, count], &prototypes);
    let logits = build.node("MatMul", &[&point, &prototypes], vec![]);
    build.named("Softmax", &[&logits], OUTPUT, vec![int("axis", 1)]);
    graph.output = vec![value(OUTPUT, &[0, count])];
    Ok(model)
}

/// Divides each row by its Euclidean norm.
fn normalized(build: &mut Builder<'_>, rows: &str, length: usize) -> String {
    let squares = build.node("Mul", &[rows, rows], vec![]);
    let ones = build.weights(&[length, 1], &vec![1.0; length]);
    let sum = build.node("MatMul", &[&squares, &ones], vec![]);
    let norm = build.node("Sqrt", &[&sum], vec![]);
    let tiny = build.weights(&[1], &[1e-12]);
    let norm = build.node("Add", &[&norm, &tiny], vec![]);
    build.node("Div", &[rows, &norm], vec![])
}

/// [`jicho::color::features`] on the input tensor, times `weight`.
fn color_features(build: &mut Builder<'_>, image: &str, manifest: &Manifest, weight: f32) -> String {
    let pixels = &manifest.preprocessing;
    let block = color::block(manifest.image_size);
    let blocks = manifest.image_size / block;
    let mut planes = match pixels.layout {
        Layout::Nchw => image.to_owned(),
        Layout::Nhwc => build.node("Transpose", &[image], vec![ints("perm", &[0, 3, 1, 2])]),
    };
    if block > 1 {
        let sides = [block as i64; 2];
        planes = build.node("AveragePool", &[&planes], vec![ints("kernel_shape", &sides), ints("strides", &sides)]);
    }
    // From the normalised values back to 0–1, in the order red, green, blue.
    let [low, high] = pixels.range;
    let channel = |rgb: usize| if pixels.color == ColorOrder::Bgr { 2 - rgb } else { rgb };
    let mut back = [0.0; 9];
    (0..3).for_each(|rgb| back[3 * rgb + channel(rgb)] = pixels.std[channel(rgb)] / (high - low));
    let shift: [f32; 3] = std::array::from_fn(|rgb| (pixels.mean[channel(rgb)] - low) / (high - low));
    let (back, shift) = (build.weights(&[3, 3, 1, 1], &back), build.weights(&[3], &shift));
    let srgb = build.node("Conv", &[&planes, &back, &shift], vec![]);
    let linear = linear_light(build, &srgb);
    let to_xyz = build.weights(&[3, 3, 1, 1], color::TO_XYZ.as_flattened());
    let xyz = build.node("Conv", &[&linear, &to_xyz], vec![]);
    let roots = cube_roots(build, &xyz);
    // Lab in steps between bin centres.
    let mut to_place = [0.0; 9];
    let mut start = [0.0; 3];
    for (i, (row, constant)) in
        [([0.0, 116.0, 0.0], -16.0), ([500.0, -500.0, 0.0], 0.0), ([0.0, 200.0, -200.0], 0.0)].into_iter().enumerate()
    {
        let [low, high] = color::SPAN[i];
        let steps = (BINS[i] - 1) as f32 / (high - low);
        (0..3).for_each(|j| to_place[3 * i + j] = row[j] * steps);
        start[i] = (constant - low) * steps;
    }
    let (to_place, start) = (build.weights(&[3, 3, 1, 1], &to_place), build.weights(&[3], &start));
    let places = build.node("Conv", &[&roots, &to_place, &start], vec![]);
    let one = build.weights(&[1], &[1.0]);
    let bins: Vec<String> = (0..3usize)
        .map(|i| {
            let index = build.integers(&[i as i64]);
            let plane = build.node("Gather", &[&places, &index], vec![int("axis", 1)]);
            let last = build.weights(&[1], &[(BINS[i] - 1) as f32]);
            let positive = build.node("Relu", &[&plane], vec![]);
            let beyond = build.node("Sub", &[&positive, &last], vec![]);
            let beyond = build.node("Relu", &[&beyond], vec![]);
            let place = build.node("Sub", &[&positive, &beyond], vec![]);
            let centers: Vec<f32> = (0..BINS[i]).map(|bin| -(bin as f32)).collect();
            let centers = build.weights(&[1, BINS[i], 1, 1], &centers);
            let difference = build.node("Add", &[&place, &centers], vec![]);
            let distance = build.node("Abs", &[&difference], vec![]);
            let hat = build.node("Sub", &[&one, &distance], vec![]);
            let hat = build.node("Relu", &[&hat], vec![]);
            let mut shape = [0, 1, 1, 1, (blocks * blocks) as i64];
            shape[1 + i] = BINS[i] as i64;
            let shape = build.integers(&shape);
            build.node("Reshape", &[&hat, &shape], vec![])
        })
        .collect();
    let joint = build.node("Mul", &[&bins[0], &bins[1]], vec![]);
    let joint = build.node("Mul", &[&joint, &bins[2]], vec![]);
    let shape = build.integers(&[0, JOINT as i64, blocks as i64, blocks as i64]);
    let joint = build.node("Reshape", &[&joint, &shape], vec![]);
    let parts: Vec<String> = GRIDS
        .iter()
        .map(|&grid| {
            let columns = build.weights(&[blocks, grid], &averages(blocks, grid, 1.0));
            let share = 1.0 / (GRIDS.len() * grid * grid) as f32;
            let rows = build.weights(&[blocks, grid], &averages(blocks, grid, share));
            let part = build.node("MatMul", &[&joint, &columns], vec![]);
            let part = build.node("Transpose", &[&part], vec![ints("perm", &[0, 1, 3, 2])]);
            let part = build.node("MatMul", &[&part, &rows], vec![]);
            let part = build.node("Transpose", &[&part], vec![ints("perm", &[0, 3, 2, 1])]);
            build.node("Flatten", &[&part], vec![int("axis", 1)])
        })
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let all = build.node("Concat", &parts, vec![int("axis", 1)]);
    let roots = build.node("Sqrt", &[&all], vec![]);
    debug_assert_eq!(LENGTH, GRIDS.iter().map(|g| g * g * JOINT).sum::<usize>());
    let weight = build.weights(&[1], &[weight]);
    build.node("Mul", &[&roots, &weight], vec![])
}

/// Linear light of sRGB values of 0–1 (IEC 61966-2-1).
fn linear_light(build: &mut Builder<'_>, srgb: &str) -> String {
    let [slope, from, shift, factor, power] =
        [1.0 / 12.92, 0.04045, 0.055, 1.0 / 1.055, 2.4].map(|v| build.weights(&[1], &[v]));
    // Rounding may leave a black pixel a little below 0, which has no power.
    let positive = build.node("Relu", &[srgb], vec![]);
    let line = build.node("Mul", &[&positive, &slope], vec![]);
    let shifted = build.node("Add", &[&positive, &shift], vec![]);
    let scaled = build.node("Mul", &[&shifted, &factor], vec![]);
    let curve = build.node("Pow", &[&scaled, &power], vec![]);
    above(build, &positive, &from, &curve, &line)
}

/// CIE's cube root, a line near 0.
fn cube_roots(build: &mut Builder<'_>, xyz: &str) -> String {
    let [slope, start, from, power] =
        [color::LINE, color::LINE_START, color::CUBE_ROOT_FROM, 1.0 / 3.0].map(|v| build.weights(&[1], &[v]));
    let positive = build.node("Relu", &[xyz], vec![]);
    let scaled = build.node("Mul", &[&positive, &slope], vec![]);
    let line = build.node("Add", &[&scaled, &start], vec![]);
    let curve = build.node("Pow", &[&positive, &power], vec![]);
    above(build, &positive, &from, &curve, &line)
}

/// `then` where `value` is above `from`, else `otherwise`.
fn above(build: &mut Builder<'_>, value: &str, from: &str, then: &str, otherwise: &str) -> String {
    let is_above = build.node("Greater", &[value, from], vec![]);
    let share = build.node("Cast", &[&is_above], vec![int("to", 1)]);
    let difference = build.node("Sub", &[then, otherwise], vec![]);
    let difference = build.node("Mul", &[&difference, &share], vec![]);
    build.node("Add", &[otherwise, &difference], vec![])
}

/// `size × grid`: averages the pixels of each cell, times `factor`.
fn averages(size: usize, grid: usize, factor: f32) -> Vec<f32> {
    let mut matrix = vec![0.0; size * grid];
    for cell in 0..grid {
        let span = cell_start(cell, grid, size)..cell_start(cell + 1, grid, size);
        let share = factor / span.len().max(1) as f32;
        span.for_each(|pixel| matrix[pixel * grid + cell] = share);
    }
    matrix
}

fn transposed(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c))).map(|(r, c)| matrix[r * columns + c]).collect()
}
