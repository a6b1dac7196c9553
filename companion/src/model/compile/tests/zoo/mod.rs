//! A zoo of small networks of every kind that plans must cover.

pub mod net;
mod networks;

use jicho::engine::TractEngine;
use jicho::engine::plan::reference;
use jicho::manifest::Layout;
use networks::{ALL_STYLES, Halves};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Compiled, adds, agrees, shortened};
use crate::model::compile::{Storage, compile};
use crate::model::onnx;
use net::Style;

/// A network in every style, at an even and an odd size.
#[track_caller]
fn each(name: &str, layout: Layout, network: impl Fn(Style, usize) -> Vec<u8>) -> Vec<Compiled> {
    let mut compiled = Vec::new();
    for style in ALL_STYLES {
        for size in [48, 37] {
            let name = format!("{name} {style:?} {size}");
            compiled.push(agrees(&name, &network(style, size), layout, size));
        }
    }
    compiled
}

impl Compiled {
    /// Nothing but what the network needs.
    #[track_caller]
    fn is_lean(&self, kinds: &[(&str, usize)]) -> &Self {
        let expected: usize = kinds.iter().map(|(_, count)| count).sum();
        let found: Vec<usize> = kinds.iter().map(|(kind, _)| self.count(kind)).collect();
        let wanted: Vec<usize> = kinds.iter().map(|(_, count)| *count).collect();
        let steps = crate::model::compile::summary::summary(&self.plan, 0).steps;
        assert_eq!((&found, self.plan.program.steps.len()), (&wanted, expected), "{kinds:?}: {steps:#?}");
        self
    }

    fn residuals(&self) -> usize {
        self.plan.program.steps.iter().filter(|s| adds(s)).count()
    }
}

#[test]
fn mobilenet_v1() {
    for compiled in each("MobileNet V1", Layout::Nchw, networks::mobilenet_v1) {
        compiled.is_lean(&[("conv", 8), ("depthwise", 6), ("mean", 1), ("softmax", 1)]);
    }
}

#[test]
fn mobilenet_v2() {
    for compiled in each("MobileNet V2", Layout::Nchw, networks::mobilenet_v2) {
        compiled.is_lean(&[("conv", 14), ("depthwise", 6), ("mean", 1)]);
        assert_eq!(compiled.residuals(), 2);
    }
}

#[test]
fn mobilenet_v3() {
    for reduce in [false, true] {
        for compiled in each("MobileNet V3", Layout::Nchw, |style, size| networks::mobilenet_v3(style, size, reduce)) {
            compiled.is_lean(&[("conv", 19), ("depthwise", 5), ("mean", 4), ("binary", 3)]);
            assert_eq!(compiled.residuals(), 2);
        }
    }
}

#[test]
fn squeezenet() {
    each("SqueezeNet", Layout::Nchw, networks::squeezenet);
}

#[test]
fn shufflenet() {
    for halves in [Halves::Split, Halves::Slice] {
        for compiled in each("ShuffleNet", Layout::Nchw, |style, size| networks::shufflenet(style, size, halves)) {
            compiled.is_lean(&[("conv", 15), ("depthwise", 7), ("pool", 1), ("mean", 1), ("gather", 5)]);
        }
    }
}

#[test]
fn efficientnet_lite() {
    for (transposed, layout) in [(false, Layout::Nchw), (true, Layout::Nhwc)] {
        let network = |style, size| networks::efficientnet_lite(style, size, transposed);
        for compiled in each("EfficientNet lite", layout, network) {
            compiled.is_lean(&[("conv", 12), ("depthwise", 5), ("mean", 1), ("softmax", 1)]);
            assert_eq!(compiled.residuals(), 1);
        }
    }
}

#[test]
fn efficientnet() {
    for compiled in each("EfficientNet", Layout::Nchw, networks::efficientnet) {
        compiled.is_lean(&[("conv", 16), ("depthwise", 4), ("mean", 5), ("binary", 4)]);
    }
}

#[test]
fn resnet() {
    for compiled in each("ResNet 18", Layout::Nchw, |style, size| networks::resnet(style, size, false)) {
        compiled.is_lean(&[("conv", 16), ("pool", 1), ("mean", 1)]);
        assert_eq!(compiled.residuals(), 6);
    }
    for compiled in each("ResNet V2", Layout::Nchw, |style, size| networks::resnet(style, size, true)) {
        // Normed before it is convolved, and read as it was too.
        compiled.is_lean(&[("conv", 16), ("pool", 1), ("mean", 1), ("affine", 7)]);
        assert_eq!(compiled.residuals(), 6);
    }
}

#[test]
fn branches_become_one_convolution() {
    for deep in [false, true] {
        let network = |trained| move |style, size| networks::branches(style, size, deep, trained);
        let plain = each("deployed branches", Layout::Nchw, network(false));
        let trained = each("trained branches", Layout::Nchw, network(true));
        for (plain, trained) in plain.iter().zip(&trained) {
            let steps = crate::model::compile::summary::summary(&trained.plan, 0).steps;
            assert_eq!(plain.plan.program.steps.len(), trained.plan.program.steps.len(), "{steps:#?}");
            assert_eq!((plain.bytes, plain.residuals(), trained.residuals()), (trained.bytes, 0, 0));
        }
    }
}

#[test]
fn densenet() {
    each("DenseNet", Layout::Nchw, networks::densenet);
}

#[test]
fn weights_may_be_shortened() {
    let style = ALL_STYLES[0];
    let networks = [
        ("MobileNet V1", networks::mobilenet_v1(style, 48)),
        ("MobileNet V3", networks::mobilenet_v3(style, 48, false)),
        ("ShuffleNet", networks::shufflenet(style, 48, Halves::Split)),
        ("ResNet 18", networks::resnet(style, 48, false)),
    ];
    for (name, onnx) in networks {
        let [single, half, byte] = [Storage::F32, Storage::F16, Storage::I8].map(|storage| {
            let plan = compile(&onnx, Layout::Nchw, 48, storage).unwrap();
            (plan.data.len(), shortened(name, &onnx, Layout::Nchw, 48, storage))
        });
        // Matrices of few rows, of which these narrow networks have many, stay whole.
        assert!(half.0 * 10 < single.0 * 7 && byte.0 < half.0, "{name}: {} {} {} bytes", single.0, half.0, byte.0);
        assert!(single.1 < 1e-4 && half.1 < 5e-3 && byte.1 < 1e-1, "{name}: {} {} {}", single.1, half.1, byte.1);
    }
}

#[test]
fn damaged_networks_answer_as_tract_does_or_are_refused() {
    let image = super::image(5, 32);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let style = ALL_STYLES[0];
    let networks = [networks::mobilenet_v3(style, 32, false), networks::shufflenet(style, 32, Halves::Slice)];
    let mut compared = 0;
    for round in 0..300 {
        let mut damaged = networks[round % networks.len()].clone();
        // Nodes come first in the file, weights after them.
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..damaged.len().min(9000));
            damaged[at] = if rng.random_bool(0.5) { rng.random() } else { damaged[at].wrapping_add(1) };
        }
        if onnx::decode(&damaged).is_err() {
            continue;
        }
        let Ok(plan) = compile(&damaged, Layout::Nchw, 32, Storage::F32) else { continue };
        let Ok(tract) = TractEngine::load(&damaged, Layout::Nchw, 32) else { continue };
        let Ok(theirs) = super::answer(&tract, &image, 32) else { continue };
        compared += 1;
        let apart = super::difference(&reference::run(&plan, &image), &theirs);
        assert!(apart <= 1e-3, "round {round}: {apart}");
    }
    assert!((1..300).contains(&compared), "{compared}");
}
