//! The backbones this program knows: where a file comes from, its digest, and how pixels go into it.
//!
//! A file is recognised by its sha256 alone, so a user's own copy under any name gets the right pixel rule.
//! The `onnx/models` rows take digest and size from that repository's Git LFS pointers and the pixel rule from each
//! model's own README.

use jicho::manifest::{ColorOrder, Layout, Preprocessing};

/// One known backbone file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Unique short name, as typed after `--backbone`.
    pub name: &'static str,
    /// Where the very file can be fetched; `None` where it is the product of a conversion.
    pub url: Option<&'static str>,
    /// Lower-case hex digest of the file: its identity.
    pub sha256: &'static str,
    /// Exact size of the file.
    pub bytes: Option<u64>,
    /// SPDX identifier of the licence.
    pub licence: &'static str,
    /// Side of the square input in pixels.
    pub input_size: u32,
    /// Side at which its pooled features tell products apart best, where that was measured to be another: networks see
    /// things smaller in training than later (Touvron 2019, "Fixing the train-test resolution discrepancy").
    pub features_size: Option<u32>,
    /// How pixels go in.
    pub pixels: Preprocessing,
    /// Tensor with the pooled features, where it cannot be found from the graph alone.
    pub features: Option<&'static str>,
    /// Where the weights come from, for people: repository, commit, path, and what was done to them.
    pub source: &'static str,
}

/// x / 127.5 − 1.
pub const SYMMETRIC: Preprocessing = Preprocessing {
    layout: Layout::Nchw,
    color: ColorOrder::Rgb,
    range: [-1.0, 1.0],
    mean: [0.0; 3],
    std: [1.0; 3],
    crop: 1.0,
    whole_above: None,
};

/// The usual ImageNet mean and deviation on [0, 1].
const IMAGENET: Preprocessing = Preprocessing {
    layout: Layout::Nchw,
    color: ColorOrder::Rgb,
    range: [0.0, 1.0],
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    crop: 1.0,
    whole_above: None,
};

/// Caffe's rule: bytes minus the ImageNet mean, blue first.
const CAFFE: Preprocessing = Preprocessing {
    layout: Layout::Nchw,
    color: ColorOrder::Bgr,
    range: [0.0, 255.0],
    mean: [104.0, 117.0, 123.0],
    std: [1.0; 3],
    crop: 1.0,
    whole_above: None,
};

/// (x − 127) / 128, channels last.
const EFFICIENTNET_LITE: Preprocessing = Preprocessing {
    layout: Layout::Nhwc,
    color: ColorOrder::Rgb,
    range: [0.0, 255.0],
    mean: [127.0; 3],
    std: [128.0; 3],
    crop: 1.0,
    whole_above: None,
};

/// A file of the ONNX model zoo at its fixed commit; the media host serves the LFS object, not its pointer.
macro_rules! onnx_models {
    ($path:literal) => {
        Some(concat!(
            "https://media.githubusercontent.com/media/onnx/models/b1eeaa1ac722dcc1cd1a8284bde34393dab61c3d",
            "/validated/vision/classification/",
            $path
        ))
    };
}

/// What names a zoo file to a person.
macro_rules! onnx_models_source {
    ($path:literal) => {
        concat!(
            "github.com/onnx/models at b1eeaa1ac722dcc1cd1a8284bde34393dab61c3d, validated/vision/classification/",
            $path
        )
    };
}

/// A dequantised file: no public URL carries these bytes, the quantised original is named instead.
macro_rules! coral_source {
    ($file:literal) => {
        concat!(
            $file,
            " of github.com/google-coral/test_data at 104342d2d3480b3e66203073dac24f4e2dbb4c41, ",
            "dequantised to a float32 ONNX file"
        )
    };
}

/// Every known backbone. Names and digests are unique.
const ENTRIES: &[Entry] = &[
    Entry {
        name: "mobilenet-v1-0.25-128",
        url: None,
        sha256: "70e2a948daafcedda91ece82d1c421946a77dea2e12f70c62e911943584c1a2f",
        bytes: Some(1_875_293),
        licence: "Apache-2.0",
        input_size: 128,
        features_size: Some(256),
        pixels: SYMMETRIC,
        features: None,
        source: coral_source!("mobilenet_v1_0.25_128_quant.tflite"),
    },
    Entry {
        name: "mobilenet-v1-0.5-160",
        url: None,
        sha256: "f1d68f882e6489287aa7306d80d4f298a0cf2228fac58dc20cdf70ede66a7aba",
        bytes: Some(5_311_476),
        licence: "Apache-2.0",
        input_size: 160,
        features_size: Some(256),
        pixels: SYMMETRIC,
        features: None,
        source: coral_source!("mobilenet_v1_0.5_160_quant.tflite"),
    },
    Entry {
        name: "mobilenet-v1-1.0-224",
        url: None,
        sha256: "cdb556a86e3de416dab665cf7c0698f96edfdec1e732cfb4339dddc5b16c92f4",
        bytes: Some(12_788_881),
        licence: "Apache-2.0",
        input_size: 224,
        features_size: Some(288),
        pixels: SYMMETRIC,
        features: None,
        source: coral_source!("mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"),
    },
    Entry {
        name: "mobilenet-v2-1.0-224",
        url: None,
        sha256: "cc989d23c9a3cc0ac8bad1602fc1c378021834232ff7b791127cdcf05afa2fdf",
        bytes: Some(13_965_479),
        licence: "Apache-2.0",
        input_size: 224,
        features_size: Some(288),
        pixels: SYMMETRIC,
        features: None,
        source: coral_source!("tf2_mobilenet_v2_1.0_224_ptq.tflite"),
    },
    Entry {
        name: "squeezenet-1.1-fp16",
        // Plain Git there, so the raw host serves the bytes.
        url: Some(concat!(
            "https://raw.githubusercontent.com/microsoft/Windows-Machine-Learning",
            "/155b5eeb1f48b49235f31ef3a68db0bd8707ce89/SharedContent/models/SqueezeNet_fp16.onnx"
        )),
        sha256: "21f25e3d9254af93e6218a359469fac714a017b3f9035c0f5c4acbf9a3ff7233",
        bytes: Some(2_484_091),
        licence: "MIT",
        input_size: 224,
        features_size: None,
        pixels: CAFFE,
        features: None,
        source: concat!(
            "github.com/microsoft/Windows-Machine-Learning at 155b5eeb1f48b49235f31ef3a68db0bd8707ce89, ",
            "SharedContent/models/SqueezeNet_fp16.onnx"
        ),
    },
    Entry {
        name: "squeezenet-1.1-fp32",
        url: None,
        sha256: "6e42116de32c30334489cfde4b72b482b8a006ed98737ad582c34c0d217aa877",
        bytes: Some(4_950_075),
        licence: "MIT",
        input_size: 224,
        features_size: None,
        pixels: CAFFE,
        features: None,
        source: concat!(
            "SharedContent/models/SqueezeNet_fp16.onnx of github.com/microsoft/Windows-Machine-Learning at ",
            "155b5eeb1f48b49235f31ef3a68db0bd8707ce89, converted to float32"
        ),
    },
    Entry {
        name: "mobilenetv2-12",
        url: onnx_models!("mobilenet/model/mobilenetv2-12.onnx"),
        sha256: "c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5",
        bytes: Some(13_964_571),
        licence: "Apache-2.0",
        input_size: 224,
        features_size: None,
        pixels: IMAGENET,
        features: None,
        source: onnx_models_source!("mobilenet/model/mobilenetv2-12.onnx"),
    },
    Entry {
        name: "mobilenetv2-10",
        url: onnx_models!("mobilenet/model/mobilenetv2-10.onnx"),
        sha256: "0e7c0aa4bc74650386fa1d2c84705753de7c2bdb21909ada5c59154bb429e092",
        bytes: Some(13_963_115),
        licence: "Apache-2.0",
        input_size: 224,
        features_size: None,
        pixels: IMAGENET,
        features: None,
        source: onnx_models_source!("mobilenet/model/mobilenetv2-10.onnx"),
    },
    Entry {
        name: "shufflenet-v2-12",
        url: onnx_models!("shufflenet/model/shufflenet-v2-12.onnx"),
        sha256: "ea69821b4dd374ae2f33f9710dd1229ac263d0ee5b5a46ca3521f6483e1ba035",
        bytes: Some(9_218_556),
        licence: "BSD-3-Clause",
        input_size: 224,
        features_size: None,
        pixels: IMAGENET,
        features: None,
        source: onnx_models_source!("shufflenet/model/shufflenet-v2-12.onnx"),
    },
    Entry {
        name: "squeezenet1.1-7",
        url: onnx_models!("squeezenet/model/squeezenet1.1-7.onnx"),
        sha256: "1eeff551a67ae8d565ca33b572fc4b66e3ef357b0eb2863bb9ff47a918cc4088",
        bytes: Some(4_956_208),
        licence: "Apache-2.0",
        input_size: 224,
        features_size: None,
        pixels: IMAGENET,
        features: None,
        source: onnx_models_source!("squeezenet/model/squeezenet1.1-7.onnx"),
    },
    Entry {
        name: "resnet18-v2-7",
        url: onnx_models!("resnet/model/resnet18-v2-7.onnx"),
        sha256: "3b4d048057854022232aa20bf68262e31718ab7119a17f920b8a2dc1433f824b",
        bytes: Some(46_806_737),
        licence: "Apache-2.0",
        input_size: 224,
        features_size: None,
        pixels: IMAGENET,
        features: None,
        source: onnx_models_source!("resnet/model/resnet18-v2-7.onnx"),
    },
    Entry {
        name: "efficientnet-lite4-11",
        url: onnx_models!("efficientnet-lite4/model/efficientnet-lite4-11.onnx"),
        sha256: "d111689907c06eea7c82e4833ddef758da6453b9d4cf60b7e99ca05c7cbd9c12",
        bytes: Some(51_946_641),
        licence: "MIT",
        input_size: 224,
        features_size: None,
        pixels: EFFICIENTNET_LITE,
        features: None,
        source: onnx_models_source!("efficientnet-lite4/model/efficientnet-lite4-11.onnx"),
    },
];

/// Every known backbone, in the order a list shows them.
pub fn all() -> &'static [Entry] {
    ENTRIES
}

/// The backbone of that exact name.
pub fn find_by_name(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

/// The backbone whose file has this digest; hex in either case.
pub fn find_by_sha256(sha256: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.sha256.eq_ignore_ascii_case(sha256))
}

#[cfg(test)]
mod tests;
