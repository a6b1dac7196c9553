//! Every gradient against finite differences, and what training promises.

use super::linear::Linear;
use super::loss::{Loss, MixedLabel, cosine_distance, cross_entropy};
use super::model::Tape;
use super::norm::Activation;
use super::random::{normal, stream, uniform};
use super::student::{Shard, Student};
use super::unit::{Kind, Trace, Unit};
use super::{Block, Network};

const STEP: f32 = 1e-2;

fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = stream(seed, [0; 3]);
    (0..count).map(|_| normal(&mut rng)).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Moves each entry of `values` both ways, and compares what `loss` does with `gradient`.
fn check(what: &str, values: &mut [f32], gradient: &[f32], mut loss: impl FnMut(&[f32]) -> f64) {
    assert_eq!(values.len(), gradient.len(), "{what}");
    let size = (dot(gradient, gradient) / gradient.len() as f64).sqrt();
    assert!(size > 1e-6, "{what}: a gradient of nothing checks nothing");
    for i in 0..values.len() {
        let kept = values[i];
        values[i] = kept + STEP;
        let above = loss(values);
        values[i] = kept - STEP;
        let below = loss(values);
        values[i] = kept;
        let measured = (above - below) / f64::from(2.0 * STEP);
        let error = (measured - f64::from(gradient[i])).abs();
        assert!(error < 1e-3 + 0.01 * (size + measured.abs()), "{what}[{i}]: {} is {measured}", gradient[i]);
    }
}

/// A unit with a random normalisation, or none.
fn unit(kind: Kind, channels: [usize; 2], stride: usize, pad: usize, activation: Activation, norm: bool) -> Unit {
    let mut rng = stream(3, [0; 3]);
    let mut unit = Unit { pad, ..Unit::new(kind, channels, stride, activation, &mut rng) };
    unit.shift = noise(channels[1], 4);
    match &mut unit.norm {
        Some(norm) => norm.gamma.iter_mut().for_each(|g| *g = uniform(&mut rng, 0.5, 1.5)),
        None => unreachable!(),
    }
    if norm { unit } else { unit.folded() }
}

fn check_unit(unit: &Unit, side: usize) {
    let g = unit.geometry(2, side);
    let mut input = noise(2 * side * side * unit.input, 5);
    let weights = noise(2 * g.output_side().pow(2) * unit.output, 6);
    let (mut trace, mut output) = (Trace::default(), Vec::new());
    unit.forward(g, &input, true, &mut trace, &mut output);
    let mut d_input = Vec::new();
    let gradient = unit.backward(g, &input, &trace, &mut weights.clone(), Some(&mut d_input));
    let loss = |unit: &Unit, input: &[f32]| {
        let mut output = Vec::new();
        unit.forward(g, input, true, &mut Trace::default(), &mut output);
        dot(&output, &weights)
    };
    let name = format!("{:?}/{} {:?}", unit.kind, unit.stride, unit.activation);
    let fixed = input.clone();
    check(&format!("{name} input"), &mut input, &d_input, |input| loss(unit, input));
    let with = |change: &dyn Fn(&mut Unit)| {
        let mut unit = unit.clone();
        change(&mut unit);
        loss(&unit, &fixed)
    };
    check(&format!("{name} weights"), &mut unit.weights.clone(), &gradient.weights, |w| {
        with(&|unit| unit.weights = w.to_vec())
    });
    check(&format!("{name} shift"), &mut unit.shift.clone(), &gradient.shift, |s| {
        with(&|unit| unit.shift = s.to_vec())
    });
    match &unit.norm {
        Some(norm) => check(&format!("{name} gamma"), &mut norm.gamma.clone(), &gradient.gamma, |g| {
            with(&|unit| unit.norm.iter_mut().for_each(|norm| norm.gamma = g.to_vec()))
        }),
        None => assert!(gradient.gamma.is_empty()),
    }
}

#[test]
fn gradients_of_every_kind_of_unit() {
    for norm in [true, false] {
        for (stride, pad, side) in [(1, 1, 4), (2, 1, 5), (2, 1, 4), (2, 0, 4)] {
            check_unit(&unit(Kind::Full, [3, 4], stride, pad, Activation::None, norm), side);
            check_unit(&unit(Kind::Depthwise, [18, 18], stride, pad, Activation::None, norm), side);
        }
        check_unit(&unit(Kind::Pointwise, [5, 3], 1, 0, Activation::None, norm), 4);
    }
}

#[test]
fn gradients_stop_where_an_activation_is_flat() {
    // Values by which no entry comes near a bend: 0 and 6.
    for (activation, open) in [(Activation::Relu, [0., 1., 1.]), (Activation::Relu6, [0., 1., 0.])] {
        let mut unit = unit(Kind::Pointwise, [1, 1], 1, 0, activation, false);
        (unit.weights, unit.shift) = (vec![2.0], vec![1.0]);
        let (input, g) = ([-3.0, 1.0, 4.0], unit.geometry(3, 1));
        let (mut trace, mut output, mut d_input) = (Trace::default(), Vec::new(), Vec::new());
        unit.forward(g, &input, true, &mut trace, &mut output);
        assert_eq!(output, [0.0, 3.0, if activation == Activation::Relu { 9.0 } else { 6.0 }]);
        let gradient = unit.backward(g, &input, &trace, &mut [1.0, 1.0, 1.0], Some(&mut d_input));
        assert_eq!(d_input, open.map(|v| 2.0 * v));
        assert_eq!(gradient.shift, [open.iter().sum::<f32>()]);
    }
}

#[test]
fn gradients_of_the_losses_and_of_a_linear_layer() {
    let mixed = MixedLabel { class: Some(3), other: Some(0), share: 0.3 };
    let labels = [Some(1).into(), MixedLabel::default(), mixed];
    let entropy = |rows: &[f32]| cross_entropy(rows, &labels, 0.1, 0.5);
    let mut targets = noise(12, 8);
    for row in targets.chunks_exact_mut(4) {
        let norm = dot(row, row).sqrt() as f32;
        row.iter_mut().for_each(|v| *v /= norm);
    }
    let distance = |rows: &[f32]| cosine_distance(rows, &targets, 4, 0.5);
    type Measure<'a> = &'a dyn Fn(&[f32]) -> Loss;
    let losses: [(&str, Measure<'_>); 2] = [("entropy", &entropy), ("distance", &distance)];
    for (name, loss) in losses {
        let mut rows = noise(12, 7);
        check(name, &mut rows.clone(), &loss(&rows).gradient, |rows| loss(rows).value);
        let layer = Linear { bias: noise(4, 9), ..Linear::new(5, 4, &mut stream(1, [0; 3])) };
        rows = noise(15, 10);
        let gradient = layer.backward(&rows, &loss(&layer.forward(&rows)).gradient);
        let value = |layer: &Linear, rows: &[f32]| loss(&layer.forward(rows)).value;
        check("rows", &mut rows.clone(), &gradient.rows, |rows| value(&layer, rows));
        check("weights", &mut layer.weights.clone(), &gradient.weights, |weights| {
            value(&Linear { weights: weights.to_vec(), ..layer.clone() }, &rows)
        });
        check("bias", &mut layer.bias.clone(), &gradient.bias, |bias| {
            value(&Linear { bias: bias.to_vec(), ..layer.clone() }, &rows)
        });
    }
    // Uniform scores over four classes: the logarithm of four, whatever the smoothing.
    assert!((cross_entropy(&[2.0; 4], &[Some(0).into()], 0.1, 1.0).value - 4f64.ln()).abs() < 1e-6);
    assert!(cosine_distance(&[3.0, 4.0], &[0.6, 0.8], 2, 1.0).value.abs() < 1e-6);
}

/// Stem, two separable blocks, one of which adds its input.
fn small(activation: Activation) -> Network {
    let mut rng = stream(11, [0; 3]);
    let mut unit = |kind, channels, stride| Unit::new(kind, channels, stride, activation, &mut rng);
    let blocks = vec![
        Block { units: vec![unit(Kind::Full, [3, 8], 2)], residual: false },
        Block { units: vec![unit(Kind::Depthwise, [8, 8], 1), unit(Kind::Pointwise, [8, 8], 1)], residual: true },
        Block { units: vec![unit(Kind::Depthwise, [8, 8], 2), unit(Kind::Pointwise, [8, 20], 1)], residual: false },
    ];
    Network { blocks }
}

/// The parameters of a network in one row, and back.
fn flat(network: &Network) -> Vec<f32> {
    let of = |u: &Unit| [&u.weights[..], u.norm.as_ref().map_or(&[], |n| &n.gamma), &u.shift].concat();
    network.units().flat_map(of).collect()
}

fn moved(network: &Network, values: &[f32]) -> Network {
    let (mut network, mut values) = (network.clone(), values.iter());
    for unit in network.units_mut() {
        let gamma = unit.norm.iter_mut().flat_map(|norm| &mut norm.gamma);
        unit.weights.iter_mut().chain(gamma).chain(&mut unit.shift).zip(values.by_ref()).for_each(|(to, v)| *to = *v);
    }
    network
}

#[test]
fn the_gradient_of_a_whole_network() {
    for activation in [Activation::None, Activation::Relu6] {
        for network in [small(activation), small(activation).folded()] {
            let (pixels, weights) = (noise(3 * 9 * 9 * 3, 12), noise(3 * 20, 13));
            let mut tape = Tape::default();
            network.forward(3, 9, &pixels, true, &mut tape);
            let gradients = network.backward(&tape, &weights, 0);
            let gradient: Vec<f32> =
                gradients.iter().flat_map(|g| [&g.weights[..], &g.gamma, &g.shift].concat()).collect();
            let (start, step) = (flat(&network), 3e-5);
            for seed in 20..40 {
                let direction = noise(start.len(), seed);
                let loss = |sign: f32| {
                    let values: Vec<f32> = start.iter().zip(&direction).map(|(v, d)| v + sign * step * d).collect();
                    dot(&moved(&network, &values).forward(3, 9, &pixels, true, &mut Tape::default()), &weights)
                };
                let measured = (loss(1.0) - loss(-1.0)) / f64::from(2.0 * step);
                let told = dot(&gradient, &direction);
                let size = dot(&gradient, &gradient).sqrt();
                assert!((measured - told).abs() < 0.03 * size, "{activation:?}: {told} is {measured}, size {size}");
            }
            // From the second block on, the same numbers and nothing before.
            let part = network.backward(&tape, &weights, 1);
            assert!(
                part[0].weights.is_empty()
                    && part[1..].iter().zip(&gradients[1..]).all(|(a, b)| a.weights == b.weights)
            );
        }
    }
}

/// Shards of stripes: the class is their direction, the target a vector of its own for each class.
fn stripes(seed: u64, shards: usize) -> Vec<Shard> {
    let mut rng = stream(seed, [1, 0, 0]);
    let mut batch = Vec::new();
    for _ in 0..shards {
        let mut shard = Shard::default();
        for i in 0..8 {
            let class = i % 3;
            let (sin, cos) = (class as f32 * 1.05 + uniform(&mut rng, -0.2, 0.2)).sin_cos();
            let phase = uniform(&mut rng, 0.0, 6.3);
            for at in 0..16 * 16 {
                let v = (((at / 16) as f32 * sin + (at % 16) as f32 * cos) * 1.2 + phase).sin();
                shard.pixels.extend([v, 0.5 * v, normal(&mut rng) * 0.2]);
            }
            shard.labels.push(Some(class).into());
            shard.targets.extend((0..4).map(|t| if t == class { 1.0 } else { 0.0 }));
        }
        batch.push(shard);
    }
    batch
}

fn trained(threads: usize) -> (Student, Vec<f64>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut student = Student::new(small(Activation::Relu6), [3, 4], 0.01, &mut stream(5, [0; 3]));
        let losses = (0..60).map(|step| {
            let losses = student.step(16, &stripes(step, 3), 0.02);
            losses.classes + losses.targets
        });
        let losses = losses.collect();
        (student, losses)
    })
}

#[test]
fn training_learns_and_is_the_same_with_any_number_of_threads() {
    let (student, losses) = trained(1);
    let (other, _) = trained(3);
    assert_eq!(student.network, other.network);
    assert_eq!(student.class_layer, other.class_layer);
    let mean = |range: &[f64]| range.iter().sum::<f64>() / range.len() as f64;
    assert!(mean(&losses[50..]) < 0.5 * mean(&losses[..5]), "{losses:?}");
    // By running statistics, on what it has not seen; folding changes no answer.
    let test = &stripes(1000, 1)[0];
    for network in [student.network.clone(), student.network.folded()] {
        let features = network.forward(8, 16, &test.pixels, false, &mut Tape::default());
        let scores = student.class_layer.as_ref().unwrap().forward(&features);
        let right = scores
            .chunks(3)
            .zip(&test.labels)
            .filter(|(row, label)| (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])) == label.class);
        assert!(right.count() >= 7);
    }
}
