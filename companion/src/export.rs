//! The whole model of a channel as one plain ONNX classifier: network as devices run it, colour features and label
//! head.

use std::path::Path;

use jicho::color::{BINS, GRIDS, LENGTH, cell_start};
use jicho::engine::plan::Plan;
use jicho::manifest::{ColorOrder, FileRole, Layout, Manifest, ModelType};
use jicho::recognize::{PrototypeHead, feature_len};
use safetensors::SafeTensors;

use crate::error::{Error, Result};
use crate::onnx::build::{Builder, int, ints, property, value};
use crate::onnx::{self, cut, pixels};
use crate::{publish, store};

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
        let head = read(manifest.file(FileRole::Head)?)?;
        model = join_head(&model, manifest, &head)?;
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

fn join_head(network: &onnx::Model, manifest: &Manifest, head: &[u8]) -> Result<onnx::Model> {
    let (Some(features), Some(label_head)) = (manifest.features, manifest.label_head) else {
        return Err(Error::BadInput("the channel has attributes only; there is no label head to export".into()));
    };
    let count = manifest.labels.len();
    let inputs = feature_len(&features);
    let tensors = SafeTensors::deserialize(head).map_err(|e| onnx::invalid(format!("the head file: {e}")))?;
    let reader = PrototypeHead::read(&tensors, "label", inputs, count + label_head.background)?;
    let (projection, offset, prototypes) = reader.tensors();
    let dims = offset.len();

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
    let projection = build.half_weights(&[inputs, dims], &transposed(projection, dims, inputs));
    let projected = build.node("MatMul", &[&joined, &projection], vec![]);
    let offset = build.weights(&[dims], offset);
    let point = build.node("Add", &[&projected, &offset], vec![]);
    let point = normalized(&mut build, &point, dims);
    let prototypes: Vec<f32> =
        transposed(&prototypes[..count * dims], count, dims).into_iter().map(|v| v * label_head.scale).collect();
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
    let size = manifest.image_size;
    let planes = match pixels.layout {
        Layout::Nchw => image.to_owned(),
        Layout::Nhwc => build.node("Transpose", &[image], vec![ints("perm", &[0, 3, 1, 2])]),
    };
    let one = build.weights(&[1], &[1.0]);
    let centers: Vec<f32> = (0..BINS).map(|i| -(i as f32)).collect();
    let centers = build.weights(&[1, BINS, 1, 1], &centers);
    let [low, high] = pixels.range;
    let bins: Vec<String> = (0..3usize)
        .map(|rgb| {
            let channel = if pixels.color == ColorOrder::Bgr { 2 - rgb } else { rgb };
            let index = build.integers(&[channel as i64]);
            let plane = build.node("Gather", &[&planes, &index], vec![int("axis", 1)]);
            // From the normalised value back to the byte, counted in steps between bin centres.
            let steps = (BINS - 1) as f32 / (high - low);
            let factor = build.weights(&[1], &[pixels.std[channel] * steps]);
            let shift = build.weights(&[1], &[(pixels.mean[channel] - low) * steps]);
            let scaled = build.node("Mul", &[&plane, &factor], vec![]);
            let position = build.node("Add", &[&scaled, &shift], vec![]);
            let difference = build.node("Add", &[&position, &centers], vec![]);
            let distance = build.node("Abs", &[&difference], vec![]);
            let hat = build.node("Sub", &[&one, &distance], vec![]);
            let hat = build.node("Relu", &[&hat], vec![]);
            let mut shape = [0, 1, 1, 1, (size * size) as i64];
            shape[1 + rgb] = BINS as i64;
            let shape = build.integers(&shape);
            build.node("Reshape", &[&hat, &shape], vec![])
        })
        .collect();
    let joint = build.node("Mul", &[&bins[0], &bins[1]], vec![]);
    let joint = build.node("Mul", &[&joint, &bins[2]], vec![]);
    let shape = build.integers(&[0, (BINS * BINS * BINS) as i64, size as i64, size as i64]);
    let joint = build.node("Reshape", &[&joint, &shape], vec![]);
    let parts: Vec<String> = GRIDS
        .iter()
        .map(|&grid| {
            let columns = build.weights(&[size, grid], &averages(size, grid, 1.0));
            let rows = build.weights(&[size, grid], &averages(size, grid, 1.0 / (GRIDS.len() * grid * grid) as f32));
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
    debug_assert_eq!(LENGTH, GRIDS.iter().map(|g| g * g * BINS * BINS * BINS).sum::<usize>());
    let weight = build.weights(&[1], &[weight]);
    build.node("Mul", &[&roots, &weight], vec![])
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
