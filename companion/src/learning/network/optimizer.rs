//! AdamW (Loshchilov & Hutter 2019), and a learning rate that warms up and then falls as a cosine.

const BETA: [f32; 2] = [0.9, 0.999];

/// The optimizer's state: two moments per parameter.
#[derive(Debug, Default)]
pub struct AdamW {
    /// Weight decay: each step, weights shrink by this share of the learning rate.
    pub decay: f32,
    steps: i32,
    moments: Vec<[Vec<f32>; 2]>,
}

/// A tensor that is trained, with its gradient. With an empty gradient it stays unchanged.
pub struct Parameter<'a> {
    /// Its values.
    pub values: &'a mut [f32],
    /// As many entries as values, or none.
    pub gradient: &'a [f32],
    /// Whether weight decay applies: to weights, but not to shifts and normalisation factors.
    pub decays: bool,
}

impl AdamW {
    /// A new optimizer.
    pub fn new(decay: f32) -> Self {
        AdamW { decay, ..AdamW::default() }
    }

    /// One step of all parameters. They must be the same ones in the same order at every step.
    pub fn step<'a>(&mut self, rate: f32, parameters: impl Iterator<Item = Parameter<'a>>) {
        self.steps += 1;
        let [first, second] = BETA.map(|beta| 1.0 - beta.powi(self.steps));
        for (i, Parameter { values, gradient, decays }) in parameters.enumerate() {
            if i == self.moments.len() {
                self.moments.push([vec![0.0; values.len()], vec![0.0; values.len()]]);
            }
            let [means, squares] = &mut self.moments[i];
            let decay = if decays { rate * self.decay } else { 0.0 };
            for (((v, g), m), s) in values.iter_mut().zip(gradient).zip(means).zip(squares) {
                *m += (1.0 - BETA[0]) * (g - *m);
                *s += (1.0 - BETA[1]) * (g * g - *s);
                *v -= rate * (*m / first) / ((*s / second).sqrt() + 1e-8) + decay * *v;
            }
        }
    }
}

/// The learning rate at `step` of `steps`: it rises linearly over the first twentieth, then falls to 0 as half a cosine.
pub fn cosine_rate(peak: f32, step: usize, steps: usize) -> f32 {
    let warm = (steps / 20).max(1);
    if step < warm {
        return peak * (step + 1) as f32 / warm as f32;
    }
    let along = (step - warm) as f32 / (steps - warm).max(1) as f32;
    0.5 * peak * (1.0 + (std::f32::consts::PI * along).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_bottom_of_a_bowl() {
        let (mut values, mut optimizer) = (vec![3.0, -2.0], AdamW::new(0.0));
        for step in 0..400 {
            let gradient: Vec<f32> = vec![values[0] - 1.0, 10.0 * (values[1] - 0.5)];
            let parameter = Parameter { values: &mut values, gradient: &gradient, decays: true };
            optimizer.step(cosine_rate(0.1, step, 400), std::iter::once(parameter));
        }
        assert!((values[0] - 1.0).abs() < 1e-2 && (values[1] - 0.5).abs() < 1e-2, "{values:?}");
    }

    #[test]
    fn weights_decay_and_shifts_do_not() {
        let (mut weights, mut shift, mut optimizer) = (vec![1.0], vec![1.0], AdamW::new(0.1));
        let still = [0.0];
        let parameters = [
            Parameter { values: &mut weights, gradient: &still, decays: true },
            Parameter { values: &mut shift, gradient: &still, decays: false },
        ];
        optimizer.step(0.5, parameters.into_iter());
        assert_eq!((weights[0], shift[0]), (0.95, 1.0));
    }

    #[test]
    fn the_rate_rises_then_falls() {
        let rates: Vec<f32> = (0..100).map(|step| cosine_rate(1.0, step, 100)).collect();
        assert!(rates[0] > 0.0 && rates[..5].is_sorted() && rates[5..].is_sorted_by(|a, b| a >= b));
        assert!(rates[99] < 0.01);
    }
}
