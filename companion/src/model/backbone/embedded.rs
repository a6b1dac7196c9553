//! The embedded default backbone: a small network of the project's own, made by `jicho pretrain` as docs/backbone.md tells.

/// Its name for `--backbone`.
pub const NAME: &str = "embedded";

/// Its family: depthwise separable convolutions.
pub const ARCHITECTURE: &str = "mobilenet-jicho";
/// What whoever trains with it should know.
pub const LIMITS: &str = "the embedded backbone learnt from photos of fruit, vegetables and drink cartons alone \
    (docs/backbone.md): for other goods a network trained on ImageNet tells more apart. For a real shop pass --backbone; \
    `jicho backbones` lists some";
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
    use crate::learning::network;
    use crate::model::backbone::{PixelFlags, known_pixels};

    #[test]
    fn the_files_are_what_is_said_of_them() {
        let file = onnx();
        assert!(file.len() + space().len() <= 2_000_000, "{} bytes", file.len());
        let known =
            known_pixels(&crate::model::onnx::File::from_bytes(&file).unwrap(), &PixelFlags::default()).unwrap();
        assert!(known.pretraining.unwrap().calibration.is_some());
        // Of those that can be trained further, and within what a cheap phone can do.
        let network = network::onnx::read(&file, known.size).unwrap();
        assert!(network.multiplications(known.size) <= 60_000_000, "{}", network.multiplications(known.size));
    }
}
