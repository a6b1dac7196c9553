use std::collections::HashSet;
use std::fs;

use jicho::manifest::{ColorOrder, Layout};

use super::{all, find_by_name, find_by_sha256};

/// The value a network sees for one pixel channel, as [`jicho::manifest::Preprocessing`] defines it.
fn input_value(name: &str, channel: usize, pixel: f32) -> f32 {
    let p = find_by_name(name).unwrap().pixels;
    ((pixel / 255.0) * (p.range[1] - p.range[0]) + p.range[0] - p.mean[channel]) / p.std[channel]
}

#[test]
fn names_and_digests_are_unique_and_well_formed() {
    let names: HashSet<_> = all().iter().map(|e| e.name).collect();
    let digests: HashSet<_> = all().iter().map(|e| e.sha256).collect();
    assert_eq!(names.len(), all().len());
    assert_eq!(digests.len(), all().len());
    for entry in all() {
        assert!(
            entry.sha256.len() == 64 && entry.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            "{}",
            entry.name
        );
        assert!(entry.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'), "{}", entry.name);
        assert!(entry.bytes.is_some_and(|b| b > 1_000_000), "{}", entry.name);
        assert!(entry.pixels.std.iter().all(|s| *s > 0.0), "{}", entry.name);
        assert!(entry.pixels.range[0] < entry.pixels.range[1], "{}", entry.name);
        assert!((96..=512).contains(&entry.input_size), "{}", entry.name);
        assert!(entry.url.is_none_or(|u| u.starts_with("https://") && u.ends_with(".onnx")), "{}", entry.name);
        assert!(!entry.licence.is_empty() && !entry.source.is_empty(), "{}", entry.name);
    }
}

#[test]
fn entries_are_found_by_name_and_by_digest() {
    for entry in all() {
        assert_eq!(find_by_name(entry.name), Some(entry));
        assert_eq!(find_by_sha256(entry.sha256), Some(entry));
        assert_eq!(find_by_sha256(&entry.sha256.to_uppercase()), Some(entry));
    }
    assert_eq!(find_by_name("mobilenet"), None);
    assert_eq!(find_by_sha256(""), None);
}

#[test]
fn urls_are_pinned_to_a_commit() {
    assert_eq!(
        find_by_name("mobilenetv2-12").unwrap().url,
        Some(
            "https://media.githubusercontent.com/media/onnx/models/b1eeaa1ac722dcc1cd1a8284bde34393dab61c3d/\
             validated/vision/classification/mobilenet/model/mobilenetv2-12.onnx"
        )
    );
    for url in all().iter().filter_map(|e| e.url) {
        let pinned = url.split('/').any(|part| part.len() == 40 && part.bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(pinned, "{url}");
    }
}

#[test]
fn pixel_rules_give_the_published_values() {
    let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-5, "{a} is not {b}");
    for pixel in [0.0f32, 1.0, 127.0, 200.0, 255.0] {
        close(input_value("mobilenet-v2-1.0-224", 1, pixel), pixel / 127.5 - 1.0);
        close(input_value("squeezenet-1.1-fp32", 0, pixel), pixel - 104.0);
        close(input_value("squeezenet-1.1-fp16", 2, pixel), pixel - 123.0);
        close(input_value("efficientnet-lite4-11", 2, pixel), (pixel - 127.0) / 128.0);
        // The residual network's README states the rule on bytes.
        close(input_value("resnet18-v2-7", 0, pixel), (pixel - 255.0 * 0.485) / (255.0 * 0.229));
    }
    assert_eq!(find_by_name("efficientnet-lite4-11").unwrap().pixels.layout, Layout::Nhwc);
    assert_eq!(find_by_name("squeezenet-1.1-fp16").unwrap().pixels.color, ColorOrder::Bgr);
}

#[test]
fn real_files_are_recognised_by_their_digest() {
    let Some(folder) = crate::test_data::backbones("the digests of real backbones") else { return };
    for (file, name) in [
        ("mobilenet_v1_0.25_128.onnx", "mobilenet-v1-0.25-128"),
        ("mobilenet_v1_0.5_160.onnx", "mobilenet-v1-0.5-160"),
        ("mobilenet_v1_1.0_224_quant_embedding_extractor.onnx", "mobilenet-v1-1.0-224"),
        ("tf2_mobilenet_v2_1.0_224_ptq.onnx", "mobilenet-v2-1.0-224"),
        ("SqueezeNet_fp16.onnx", "squeezenet-1.1-fp16"),
        ("squeezenet1_1_fp32.onnx", "squeezenet-1.1-fp32"),
    ] {
        let bytes = fs::read(folder.join(file)).unwrap();
        let entry =
            find_by_sha256(&crate::digest::sha256(&bytes)).unwrap_or_else(|| panic!("{file} is not in the registry"));
        assert_eq!(entry.name, name);
        assert_eq!(entry.bytes, Some(bytes.len() as u64));
    }
}
