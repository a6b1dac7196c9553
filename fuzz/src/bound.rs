//! How far two right answers to a plan may differ: what rounding can do at each step, at worst.

use jicho::engine::plan::{
    Activation, Affine, Binary, Conv, Depthwise, Gather, Operation, Pool, PoolKind, Program, Step, Storage, Unary,
    Weights,
};

const EPSILON: f64 = f32::EPSILON as f64;
/// Beyond this, single precision may overflow in one kernel and not in another.
const LARGEST: f64 = 1e30;

/// `None` where nothing can be said. The weights must be tame.
pub fn tolerance(program: &Program, tensors: &[Vec<f32>]) -> Option<f64> {
    let largest = |t: usize| tensors[t].iter().fold(0.0, |m: f64, v| m.max(f64::from(v.abs())));
    let mut errors = vec![0.0; tensors.len()];
    for step in &program.steps {
        let output = step.output();
        if tensors[output].iter().any(|v| !v.is_finite()) || largest(output) > LARGEST {
            return None;
        }
        let sums = |input: usize, rows: usize, weights: &Weights, errors: &[f64]| {
            let rows = rows as f64;
            let weight = if matches!(weights.storage, Storage::I8 { .. }) { 128.0 } else { 2.0 };
            let most = rows * weight * largest(input) + 1.0;
            (rows * weight * errors[input] + (rows + 4.0) * EPSILON * most, most)
        };
        let pixels = |input: usize| program.tensors[input].pixels();
        let (error, before) = match step {
            // Where a value is rounded to another byte, the difference is as large as a step of its scale.
            Step::Conv(Conv { bytes: Some(_), .. }) => return None,
            Step::Conv(Conv { input, window, weights, residual, .. }) => {
                let rows = window.size[0] * window.size[1] * program.tensors[*input].channels;
                let (error, most) = sums(*input, rows, weights, &errors);
                let added = residual.map_or((0.0, 0.0), |r| (errors[r], largest(r)));
                (error + added.0, most + added.1)
            }
            Step::Depthwise(Depthwise { input, window, weights, .. }) => {
                sums(*input, window.size[0] * window.size[1], weights, &errors)
            }
            Step::Pool(Pool { input, window, kind, .. }) => {
                let count = if *kind == PoolKind::Max { 0 } else { window.size[0] * window.size[1] };
                (errors[*input] + (count + 2) as f64 * EPSILON * largest(*input), largest(*input))
            }
            Step::Mean(Unary { input, .. }) => {
                (errors[*input] + (pixels(*input) + 2) as f64 * EPSILON * largest(*input), largest(*input))
            }
            Step::Binary(Binary { left, right, operation, .. }) => {
                let (e, f, l, r) = (errors[*left], errors[*right], largest(*left), largest(*right));
                match operation {
                    Operation::Add | Operation::Subtract => (e + f, l + r),
                    Operation::Multiply => (e * r + f * l + e * f, (l + e) * (r + f)),
                    Operation::Divide => {
                        let least = tensors[*right].iter().fold(f64::MAX, |m, v| m.min(f64::from(v.abs()))) - f;
                        if least <= 0.0 {
                            return None;
                        }
                        ((e + l / least * f) / least, (l + e) / least)
                    }
                    Operation::Min | Operation::Max => (e.max(f), l.max(r)),
                }
            }
            Step::Affine(Affine { input, .. }) => (errors[*input], largest(*input) + 1.0),
            Step::Activate(Unary { input, .. }) | Step::Flatten(Unary { input, .. }) => {
                (errors[*input], largest(*input))
            }
            Step::Gather(Gather { inputs, .. }) => {
                (inputs.iter().fold(0.0, |m: f64, t| m.max(errors[*t])), largest(output))
            }
            Step::Softmax(Unary { input, .. }) => {
                let rounding = (tensors[*input].len() as f64 + 8.0 + largest(*input)) * EPSILON;
                ((2.0 * errors[*input]).exp_m1() + rounding, 1.0)
            }
        };
        if before > LARGEST {
            return None;
        }
        let error = error + 4.0 * EPSILON * (before + largest(output));
        errors[output] = match activation(step) {
            Activation::None | Activation::Relu | Activation::Clamp(..) | Activation::Abs => error,
            Activation::HardSwish => 1.5 * error + before * EPSILON,
            Activation::HardSigmoid(alpha, beta) => {
                let (alpha, beta) = (f64::from(alpha.abs()), f64::from(beta.abs()));
                alpha * error + 4.0 * EPSILON * (alpha * before + beta)
            }
            Activation::LeakyRelu(alpha) => error * f64::from(alpha.abs()).max(1.0),
            Activation::Sigmoid | Activation::Silu | Activation::Tanh => 1.2 * error + 16.0 * EPSILON * (1.0 + before),
            Activation::Sqrt => {
                let least = tensors[output].iter().fold(f64::MAX, |m, v| m.min(f64::from(*v)));
                // A negative value, or one that rounding could make negative.
                if least * least <= 2.0 * error {
                    return None;
                }
                error / least + EPSILON * before
            }
        };
    }
    errors[program.output].is_finite().then(|| 2.0 * errors[program.output] + 1e-30)
}

fn activation(step: &Step) -> Activation {
    match step {
        Step::Conv(Conv { activation, .. })
        | Step::Depthwise(Depthwise { activation, .. })
        | Step::Binary(Binary { activation, .. })
        | Step::Affine(Affine { activation, .. })
        | Step::Mean(Unary { activation, .. })
        | Step::Activate(Unary { activation, .. })
        | Step::Flatten(Unary { activation, .. })
        | Step::Softmax(Unary { activation, .. }) => *activation,
        Step::Pool(_) | Step::Gather(_) => Activation::None,
    }
}
