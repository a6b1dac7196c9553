//! Backbones: given by name or as a file, and cut at their features.

use std::fs;

use jicho::manifest::FileRole;

use crate::onnx::{Colors, Filters, operators};
use crate::real_data;
use crate::shop::Shop;

const TRAIN: &str = "train photos --channel T_1 --out models";

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let shop = Shop::with_photos(2, 2);
    let list = shop.run("backbones").ok().stdout;
    let names: Vec<&str> = list.lines().map(|l| l.split('\t').next().unwrap()).collect();
    assert!(names.len() > 5 && names[0] == "embedded", "{names:?}");
    let outcome = shop.run(&format!("{TRAIN} --backbone nonsense")).fails("BACKBONE").says(&["`nonsense`"]);
    outcome.says(&names);
    assert!(shop.published().is_empty());
}

#[test]
fn a_name_without_a_source_says_so() {
    let shop = Shop::with_photos(2, 2);
    shop.run(&format!("{TRAIN} --backbone mobilenet-v1-0.25-128")).fails("BACKBONE");
    assert!(shop.published().is_empty());
}

#[test]
fn only_what_leads_to_the_features_is_published() {
    let shop = Shop::with_photos(5, 6);
    let network = Filters { seed: 3, channels: 24, classes: 300, nhwc: false, pooled: true };
    let onnx = network.onnx();
    shop.write("filters.onnx", &onnx);
    shop.run(&format!("{TRAIN} --backbone filters.onnx")).fails("PIXELS_UNKNOWN").says(&["--color", "--range"]);
    shop.run(&format!("{TRAIN} --backbone filters.onnx {}", Colors::FLAGS)).ok();

    let metadata = shop.metadata("T_1");
    assert_eq!((&metadata["features"]["embedding"], &metadata["imageSize"]), (&24.into(), &8.into()));
    let manifest = shop.manifest("T_1");
    let blob = shop.read(&format!("models/{}", manifest.file(FileRole::Backbone).unwrap().url));
    assert!(blob.len() < onnx.len());
    assert_eq!(operators(&blob), ["Conv", "Relu", "GlobalAveragePool", "Flatten"]);
    assert!(shop.evaluate("T_1", "photos").0["top1"].as_f64().unwrap() > 0.5);
}

#[test]
fn a_published_backbone_is_a_backbone_again() {
    // The published file says how it takes its pixels, so another shop can train on it without flags.
    let shop = Shop::with_photos(3, 3);
    let network = Filters { seed: 3, channels: 24, classes: 30, nhwc: true, pooled: true };
    shop.write("filters.onnx", network.onnx());
    shop.run(&format!("{TRAIN} --backbone filters.onnx {}", Colors::FLAGS)).ok();
    let first = shop.manifest("T_1");
    let blob = format!("models/{}", first.file(FileRole::Backbone).unwrap().url);
    shop.run(&format!("train photos --channel T_2 --out models --backbone {blob}")).ok();
    let second = shop.manifest("T_2");
    assert_eq!(second.preprocessing, first.preprocessing);
    assert_eq!(second.features, first.features);
}

#[test]
fn a_real_network_is_cut_at_its_features() {
    let Some(path) = real_data::file("BACKBONES", "mobilenet_v1_0.25_128.onnx", "training on a real backbone") else {
        return;
    };
    let shop = Shop::with_photos(6, 6);
    shop.run_with(&["train", "photos", "--channel", "T_1", "--out", "models", "--backbone", path.to_str().unwrap()])
        .ok();
    let manifest = shop.manifest("T_1");
    let published = manifest.file(FileRole::Backbone).unwrap().bytes;
    let original = fs::metadata(path).unwrap().len();
    assert!(published * 2 < original, "without its 1001 classes: {published} of {original}");
    assert_eq!(shop.metadata("T_1")["features"]["embedding"], 256);
    shop.run("samples unseen --products 6 --photos 3 --size 96 --seed 2").ok();
    let (measures, _) = shop.evaluate("T_1", "unseen");
    assert!(measures["top1"].as_f64().unwrap() > 0.7, "{measures}");
}
