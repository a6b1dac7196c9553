//! `export --whole`: one plain ONNX classifier that answers as the channel does.

use std::fs;
use std::path::Path;

use image::imageops::{FilterType, resize};
use jicho::engine::{Engine, TractEngine};
use jicho::frame::{Frame, InputPixels};
use jicho::manifest::Manifest;
use serde_json::json;

use crate::onnx::{Colors, Filters, property};
use crate::shop::{Shop, by_label, line};
use crate::{pycheck, real_data};

const TOLERANCE: f64 = 1e-4;
const IMAGES: usize = 6;

/// Exports `models/T_1` and compares the file's answers with the channel's own, in tract and in onnxruntime.
fn agrees(shop: &Shop) {
    let outcome = shop.run("export models/T_1 --whole whole.onnx").ok();
    assert_eq!(outcome.stdout, "whole.onnx\n");
    let onnx = shop.read("whole.onnx");
    let manifest = shop.manifest("T_1");
    let told: jicho::manifest::Preprocessing = serde_json::from_str(&property(&onnx, "jicho.preprocessing")).unwrap();
    assert_eq!(told, manifest.preprocessing);
    let labels: Vec<String> = serde_json::from_str(&property(&onnx, "jicho.labels")).unwrap();
    assert_eq!(labels, manifest.labels);
    assert_eq!(property(&onnx, "jicho.version"), manifest.version);

    let images = exact_images(shop, manifest.image_size);
    let (_, lines) = shop.evaluate("T_1", "exact");
    let ours: Vec<_> = images.iter().map(|name| by_label(line(&lines, &format!("any/{name}.png")))).collect();
    let cases: Vec<_> = images
        .iter()
        .zip(&ours)
        .map(|(name, answer)| {
            let rgb = shop.path(format!("{name}.rgb"));
            json!({ "rgb": rgb, "size": manifest.image_size, "predictions": answer })
        })
        .collect();

    let engine = TractEngine::load(&onnx, manifest.preprocessing.layout, manifest.image_size).unwrap();
    let mut spread: f64 = 0.0;
    for (name, answer) in images.iter().zip(&ours) {
        let theirs = engine
            .run_pixels(&pixels(&shop.path(format!("exact/any/{name}.png")), &manifest), &manifest.preprocessing)
            .unwrap();
        assert_eq!(theirs.len(), labels.len());
        for (label, probability) in labels.iter().zip(theirs) {
            let off = (answer[label] - f64::from(probability)).abs();
            assert!(off <= TOLERANCE, "{name}, {label}: {off}");
            spread = spread.max((answer[label] - ours[0][label]).abs());
        }
    }
    assert!(spread > 100.0 * TOLERANCE, "answers that hardly differ between images prove nothing: {spread}");

    let list = shop.write("images.json", serde_json::to_vec(&cases).unwrap());
    let Some(found) = pycheck::compare(&shop.path("whole.onnx"), &list) else { return };
    assert_eq!((&found["images"], &found["output"]), (&json!(images.len()), &json!("probabilities")));
    assert!(found["largest"].as_f64().unwrap() <= TOLERANCE, "{found}");
    assert!(found["batch"].as_f64().is_none_or(|off| off <= TOLERANCE), "{found}");
}

/// Photos at exactly the network's input size, so that neither resizing nor JPEG changes pixels: as PNG files below
/// `exact/any/`, and as plain RGB bytes.
fn exact_images(shop: &Shop, size: usize) -> Vec<String> {
    shop.run(&format!("samples drawn --products {IMAGES} --photos 1 --size 96 --seed 3")).ok();
    fs::create_dir_all(shop.path("exact/any")).unwrap();
    let folders = fs::read_dir(shop.path("drawn")).unwrap().map(|e| e.unwrap().path());
    let names = folders.map(|folder| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let photo = image::open(folder.join(format!("{name}_001.jpg"))).unwrap().to_rgb8();
        let exact = resize(&photo, size as u32, size as u32, FilterType::Triangle);
        exact.save(shop.path(format!("exact/any/{name}.png"))).unwrap();
        shop.write(&format!("{name}.rgb"), exact.as_raw());
        name
    });
    names.collect()
}

fn pixels(png: &Path, manifest: &Manifest) -> InputPixels {
    let rgba = image::open(png).unwrap().to_rgba8();
    let frame = Frame::new(rgba.width(), rgba.height(), rgba.as_raw()).unwrap();
    frame.input_pixels(&manifest.preprocessing, manifest.image_size)
}

/// Trains on samples with a backbone given by further arguments, then exports. Without mirror images the channel looks once, as the
/// exported network does.
fn trained_agrees(shop: &Shop, backbone: &[&str]) {
    shop.run("samples photos --products 6 --photos 6 --size 96").ok();
    shop.run_with(&[&["train", "photos", "--channel", "T_1", "--out", "models", "--no-mirror"], backbone].concat())
        .ok();
    agrees(shop);
}

fn real_agrees(name: &str) {
    let Some(path) = real_data::file("BACKBONES", name, "export with a real backbone") else { return };
    trained_agrees(&Shop::new(), &["--backbone", path.to_str().unwrap()]);
}

#[test]
fn the_embedded_backbone() {
    trained_agrees(&Shop::new(), &[]);
}

#[test]
fn any_layout_colour_order_and_range() {
    for (nhwc, flags) in [
        (false, "--color rgb --range 0,255 --mean 127 --std 128"),
        (false, "--color bgr --range -1,1 --mean 0.1,0.2,0.3 --std 0.5,0.6,0.7"),
        (true, "--color bgr --range 0,255 --mean 104,117,123 --std 50,60,70"),
        (true, "--color rgb --range 0,1 --mean 0 --std 1"),
    ] {
        let shop = Shop::new();
        let network = Filters { seed: 7, channels: 16, classes: 4, nhwc, pooled: true };
        shop.write("filters.onnx", network.onnx());
        let backbone: Vec<&str> = ["--backbone", "filters.onnx"].into_iter().chain(flags.split(' ')).collect();
        trained_agrees(&shop, &backbone);
    }
}

#[test]
fn an_imported_classifier() {
    for (softmax, nhwc) in [(false, false), (true, true)] {
        let shop = Shop::new();
        Colors { nhwc, softmax, ..Default::default() }.write(&shop);
        let import = "import colors.onnx --labels labels.txt --channel T_1 --out models";
        shop.run(&format!("{import} {}", Colors::FLAGS)).ok();
        agrees(&shop);
    }
}

#[test]
fn a_mobilenet() {
    real_agrees("mobilenet_v1_0.25_128.onnx");
}

#[test]
fn a_squeezenet_blue_first() {
    real_agrees("squeezenet1_1_fp32.onnx");
}

#[test]
fn a_squeezenet_in_half_precision() {
    real_agrees("SqueezeNet_fp16.onnx");
}

#[test]
fn one_product() {
    let shop = Shop::trained(1, 3);
    shop.run("export models/T_1 --whole whole.onnx").ok();
    let manifest = shop.manifest("T_1");
    let engine =
        TractEngine::load(&shop.read("whole.onnx"), manifest.preprocessing.layout, manifest.image_size).unwrap();
    assert_eq!(engine.output_len(), 1);
}

#[test]
fn photos_without_products_make_no_channel_and_nothing_is_exported_of_none() {
    let shop = Shop::with_photos(1, 2);
    let photos = fs::read_dir(shop.path("photos")).unwrap().next().unwrap().unwrap().path();
    fs::rename(photos, shop.path("images")).unwrap();
    let names = fs::read_dir(shop.path("images")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let rows: String =
        names.map(|n| json!({"image_path": format!("images/{n}"), "wear": n.len()}).to_string() + "\n").collect();
    shop.write("rows.jsonl", rows);
    shop.run("train rows.jsonl --channel T_1 --out models").fails("BAD_INPUT").says(&["names no product", "--label"]);
    shop.run("export models/T_1 --whole whole.onnx").fails("NOT_FOUND");
    assert!(!shop.path("whole.onnx").exists());
}
