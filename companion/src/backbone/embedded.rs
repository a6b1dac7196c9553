//! The embedded default backbone: a small network of the project's own, made by `jicho pretrain` as docs/backbone.md tells.

use jicho::manifest::{ColorOrder, Layout, Preprocessing};

/// Its name for `--backbone`.
pub const NAME: &str = "embedded";
/// What whoever trains with it should know.
pub const LIMITS: &str = "the embedded backbone learnt from photos of fruit, vegetables and drink cartons alone \
    (docs/backbone.md): for other goods a network trained on ImageNet tells more apart. For a real shop pass --backbone; \
    `jicho backbones` lists some";
/// Side of its input, pixels.
pub const SIZE: usize = 112;

/// How its pixels go in.
pub fn preprocessing() -> Preprocessing {
    Preprocessing {
        layout: Layout::Nchw,
        color: ColorOrder::Rgb,
        range: [-1.0, 1.0],
        mean: [0.0; 3],
        std: [1.0; 3],
        crop: 1.0,
    }
}

/// The space that its photos span.
pub fn space() -> Vec<u8> {
    include_bytes!("embedded.safetensors").to_vec()
}

/// The network as an ONNX file.
pub fn onnx() -> Vec<u8> {
    include_bytes!("embedded.onnx").to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::pretraining::Pretraining;
    use crate::network;
    use crate::onnx::{decode, image_input, pixels};

    #[test]
    fn the_file_is_what_is_said_of_it() {
        let file = onnx();
        assert!(file.len() + space().len() <= 2_000_000, "{} bytes", file.len());
        let model = decode(&file).unwrap();
        assert!(Pretraining::read(&model).unwrap().unwrap().calibration.is_some());
        let input = image_input(&model).unwrap();
        assert_eq!((input.size, input.layout), (Some(SIZE), Some(preprocessing().layout)));
        assert_eq!(pixels::from_properties(&model, input.layout).unwrap(), Some(preprocessing()));
        // Of a family that can be trained further, and within what a cheap phone can do.
        let network = network::onnx::read(&file, SIZE).unwrap();
        assert!(network.multiplications(SIZE) <= 60_000_000, "{}", network.multiplications(SIZE));
    }
}
