//! Which output of a network holds a value a label, what the values are, and the network that gives probabilities.

use jicho::engine::{Engine, TractEngine};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use crate::error::{Error, Result};
use crate::learning::train::background;
use crate::model::backbone::Network;
use crate::model::onnx::build::{Builder, int, value};
use crate::model::onnx::{self, cut, pixels};

/// Values within these of 0, 1 or a sum count as such.
const ROUNDING: f32 = 1e-3;
/// What percentages add up to.
const PERCENT: f32 = 100.0;

/// What an output's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Within 0 and 1, summing to 1.
    Probabilities,
    /// Within 0 and 100, summing to 100.
    Percentages,
    /// The probability of the second of two labels.
    Second,
    /// Anything: to be made probabilities by a softmax.
    Logits,
}

/// The network with one output: a probability a label.
///
/// # Errors
/// `BAD_INPUT` when no output has a value a label, or its values are not of a kind that can be made probabilities of;
/// `INVALID_MODEL` when the network cannot be run.
pub fn network(network: &Network, asked: Option<&str>, labels: usize) -> Result<Vec<u8>> {
    let (output, values) = choose(network, asked, labels)?;
    let mut model = cut::at_output(&network.model, &output)?;
    let graph = model.graph.get_or_insert_default();
    let mut build = Builder::new(graph, "jicho_import");
    let flat = build.node("Flatten", &[&output], vec![int("axis", 1)]);
    match values {
        Values::Probabilities => build.named("Identity", &[&flat], "probabilities", vec![]),
        Values::Percentages => {
            let hundred = build.weights(&[], &[1.0 / PERCENT]);
            build.named("Mul", &[&flat, &hundred], "probabilities", vec![]);
        }
        Values::Second => {
            // [p, p] · [-1, 1] + [1, 0]
            let (signs, offsets) = (build.weights(&[1, 2], &[-1.0, 1.0]), build.weights(&[2], &[1.0, 0.0]));
            let both = build.node("MatMul", &[&flat, &signs], vec![]);
            build.named("Add", &[&both, &offsets], "probabilities", vec![]);
        }
        Values::Logits => build.named("Softmax", &[&flat], "probabilities", vec![int("axis", 1)]),
    }
    graph.output = vec![value("probabilities", &[0, labels])];
    pixels::write(&mut model, &network.preprocessing);
    onnx::ready(model)
}

/// The output with a value a label, and what its values are. Of several that fit, the [`preferred`] one.
fn choose(network: &Network, asked: Option<&str>, labels: usize) -> Result<(String, Values)> {
    let graph = onnx::graph(&network.model)?;
    let candidates: Vec<String> = match asked {
        Some(name) => vec![name.to_owned()],
        None => graph.output.iter().map(|output| numbers_behind(graph, &output.name).to_owned()).collect(),
    };
    let (mut lengths, mut unloaded, mut unfit, mut chosen) = (Vec::new(), None, None, None);
    for name in candidates {
        let engine = match load(network, &name) {
            Ok(engine) => engine,
            Err(error) => {
                unloaded = unloaded.or(Some(error));
                continue;
            }
        };
        let length = engine.output_len();
        lengths.push(format!("`{name}` gives {length}"));
        if length != labels && (length, labels) != (1, 2) {
            continue;
        }
        match values(&engine, network, &name, labels) {
            Ok(values) if chosen.as_ref().is_none_or(|(_, before)| preferred(values, *before)) => {
                chosen = Some((name, values));
            }
            Ok(_) => {}
            Err(error) => unfit = unfit.or(Some(error)),
        }
    }
    if let Some(chosen) = chosen {
        return Ok(chosen);
    }
    Err(match (unfit, unloaded) {
        (Some(error), _) => error,
        (None, Some(error)) if lengths.is_empty() => error,
        _ => Error::BadInput(format!(
            "there are {labels} labels, but {}; give one label a line, in the order of the network's output",
            if lengths.is_empty() { "the network declares no output".into() } else { lengths.join(", ") }
        )),
    })
}

/// The less is guessed about what an output means, the better; among equals the first one counts.
fn preferred(values: Values, before: Values) -> bool {
    let guessed = |values| match values {
        Values::Probabilities => 0,
        Values::Percentages => 1,
        Values::Second => 2,
        Values::Logits => 3,
    };
    guessed(values) < guessed(before)
}

fn load(network: &Network, output: &str) -> Result<TractEngine> {
    let cut = onnx::ready(cut::at_output(&network.model, output)?)?;
    Ok(TractEngine::load(&cut, network.preprocessing.layout, network.size)?)
}

/// The tensor of numbers behind an output: a ZipMap, with which scikit-learn and Custom Vision end their networks, only
/// puts names to them.
fn numbers_behind<'a>(graph: &'a GraphProto, output: &'a str) -> &'a str {
    let zip = producer(graph, output).filter(|node| node.op_type == "ZipMap");
    zip.and_then(|node| node.input.first()).map_or(output, String::as_str)
}

fn producer<'a>(graph: &'a GraphProto, tensor: &str) -> Option<&'a NodeProto> {
    graph.node.iter().find(|node| node.output.iter().any(|output| output == tensor))
}

/// Told from the answers to several frames, since a softmax can be written in many ways.
fn values(engine: &TractEngine, network: &Network, output: &str, labels: usize) -> Result<Values> {
    let answers = (0..background::KINDS)
        .map(|kind| {
            let frame = background::pixels(kind, 0, network.size)?;
            engine.run_pixels(&frame, &network.preprocessing)
        })
        .collect::<jicho::Result<Vec<Vec<f32>>>>()?;
    let all_within = |high: f32| answers.iter().flatten().all(|v| (-1e-6..=high * (1.0 + 1e-6)).contains(v));
    let sums: Vec<f32> = answers.iter().map(|values| values.iter().sum()).collect();
    let all_sum_to = |total: f32| sums.iter().all(|sum| (sum - total).abs() <= ROUNDING * total);
    if labels == 2 && engine.output_len() == 1 {
        return if all_within(1.0) && ends_in_sigmoid(&network.model, output)? {
            Ok(Values::Second)
        } else {
            Err(Error::BadInput(format!(
                "there are 2 labels, but `{output}` gives 1 value, and that is no probability: let the network end in a \
                 sigmoid (the probability of the second label) or in a value for each label"
            )))
        };
    }
    if all_within(1.0) {
        if all_sum_to(1.0) {
            return Ok(Values::Probabilities);
        }
        return Err(Error::BadInput(format!(
            "`{output}` gives each label a value of its own within 0 and 1 (a sigmoid), not one probability shared by \
             all; name an output with logits by --output TENSOR"
        )));
    }
    // Logits never add up to the same for every picture, unless they are the same for every picture.
    let differ = answers.iter().any(|answer| *answer != answers[0]);
    if labels > 1 && differ && all_within(f32::MAX) {
        if all_sum_to(PERCENT) {
            return Ok(Values::Percentages);
        }
        if all_sum_to(sums[0]) {
            return Err(Error::BadInput(format!(
                "the values of `{output}` are never negative and always add up to {:.4}, so they are no logits: divide \
                 them by that in the network, or name an output with logits by --output TENSOR",
                sums[0]
            )));
        }
    }
    Ok(Values::Logits)
}

/// Whether a sigmoid makes the values of a tensor; what only reorders them may follow.
fn ends_in_sigmoid(model: &ModelProto, tensor: &str) -> Result<bool> {
    const ORDER_ONLY: [&str; 6] = ["Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast"];
    let graph = onnx::graph(model)?;
    let mut tensor = tensor;
    // A graph is sorted, so each step goes to an earlier node.
    while let Some(node) = producer(graph, tensor) {
        if !ORDER_ONLY.contains(&node.op_type.as_str()) {
            return Ok(["Sigmoid", "HardSigmoid"].contains(&node.op_type.as_str()));
        }
        let Some(input) = node.input.first() else { break };
        tensor = input;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_guess_is_preferred_wherever_it_is_declared() {
        let ranked = [Values::Probabilities, Values::Percentages, Values::Second, Values::Logits];
        for (i, better) in ranked.into_iter().enumerate() {
            for (j, worse) in ranked.into_iter().enumerate() {
                assert_eq!(preferred(better, worse), i < j, "{better:?} to {worse:?}");
            }
        }
    }
}
