//! Input that cannot be used is refused with a typed error, and the published release stays as it was.

use std::fs;

use crate::onnx::{Colors, Filters, passing};
use crate::shop::{Outcome, Shop};

/// Runs a training that must fail, in a shop with a release and in one without.
#[track_caller]
fn refused(shop: &Shop, arguments: &str, code: &str) -> Outcome {
    assert!(!shop.path("models").exists());
    shop.run(&format!("{arguments} --channel T_1 --out models")).fails(code);
    assert!(shop.published().is_empty(), "nothing may be published");

    shop.run("samples good --products 2 --photos 2 --size 64").ok();
    shop.run("train good --channel T_1 --out models").ok();
    let before = shop.published();
    let outcome = shop.run(&format!("{arguments} --channel T_1 --out models")).fails(code);
    assert!(before == shop.published(), "the old release must stay as it was");
    assert_eq!(outcome.stdout, "");
    outcome
}

#[test]
fn an_empty_folder_is_refused() {
    let shop = Shop::new();
    fs::create_dir(shop.path("photos")).unwrap();
    refused(&shop, "train photos", "NO_PHOTOS").says(&["photos", "make a folder per product"]);
}

#[test]
fn a_folder_without_photos_is_refused() {
    let shop = Shop::new();
    shop.write("photos/apple/notes.txt", "no photo");
    shop.write("photos/apple/.hidden.jpg", "no photo");
    refused(&shop, "train photos", "NO_PHOTOS");
}

#[test]
fn a_text_file_named_jpg_alone_is_refused() {
    let shop = Shop::new();
    shop.write("photos/apple/apple_001.jpg", "hello, I am a text file");
    refused(&shop, "train photos", "NO_PHOTOS").says(&["apple/apple_001.jpg", "is not an image"]);
}

#[test]
fn a_missing_path_is_refused() {
    refused(&Shop::new(), "train nowhere", "NOT_FOUND").says(&["nowhere", "a folder of photos per product"]);
}

#[test]
fn the_same_product_in_two_folders_is_refused() {
    let shop = Shop::with_photos(2, 2);
    fs::create_dir_all(shop.path("photos/tins")).unwrap();
    fs::rename(shop.path("photos/tomato-soup-can"), shop.path("photos/tins/tomato-soup-can")).unwrap();
    shop.run("samples photos --products 2 --photos 2 --size 64").ok();
    let twice = "train photos --labels deepest";
    refused(&shop, twice, "DUPLICATE_PRODUCT").says(&["`tomato-soup-can`", "tins", "rename one"]);
}

#[test]
fn facts_that_are_not_json_are_refused() {
    let shop = Shop::with_photos(2, 2);
    shop.write("facts.json", "{ name: }");
    refused(&shop, "train photos --facts facts.json", "BAD_INPUT").says(&["facts.json"]);
}

#[test]
fn broken_photos_beside_good_ones_are_reported_and_skipped() {
    let shop = Shop::with_photos(5, 4);
    shop.write("photos/green-apple/text.jpg", "hello, I am a text file");
    shop.write("photos/green-apple/huge.png", png_header(10_000, 10_000));
    let photo = shop.read("photos/green-apple/green-apple_001.jpg");
    shop.write("photos/green-apple/half.png", &png_of(&photo)[..400]);
    shop.write("photos/green-apple/empty.webp", "");
    shop.write("photos/only-broken/text.png", "hello");
    let outcome = shop.run("train photos --channel T_1 --out models").ok();
    for (file, why) in [
        ("green-apple/text.jpg", "is not an image"),
        ("green-apple/huge.png", "is too large: 10000×10000"),
        ("green-apple/half.png", "is not a readable image"),
        ("green-apple/empty.webp", "is empty"),
        ("only-broken/text.png", "is not an image"),
    ] {
        let told = outcome.stderr.lines().find(|l| l.starts_with("warning: left out: ") && l.contains(file));
        assert!(told.is_some_and(|l| l.contains(why)), "{file} {why}: {}", outcome.stderr);
    }
    outcome.says(&["hold no photo that can be read: only-broken"]);
    let manifest = shop.manifest("T_1");
    assert_eq!((manifest.product_count, manifest.image_count), (5, 20));
    let report = shop.report("T_1");
    assert_eq!(report["problems"].as_array().unwrap().len(), 5);

    let (measures, lines) = shop.evaluate("T_1", "photos");
    assert_eq!((&measures["images"], lines.len()), (&20.into(), 20));
    assert_eq!(measures["problems"].as_array().unwrap().len(), 5);
}

#[test]
fn invalid_channel_ids_are_refused() {
    let shop = Shop::with_photos(2, 2);
    Colors::default().write(&shop);
    let long = "x".repeat(65);
    for id in ["../x", "", "blobs", "BLOBS", "a/b", ".", "..", ".hidden", "a b", "ä", "a\\b", &long] {
        shop.run_with(&["train", "photos", "--channel", id, "--out", "models"]).fails("INVALID_CHANNEL");
        let mut import = vec!["import", "colors.onnx", "--labels", "labels.txt", "--channel", id, "--out", "models"];
        import.extend(Colors::FLAGS.split(' '));
        shop.run_with(&import).fails("INVALID_CHANNEL").says(&["cannot be a channel id"]);
    }
    assert!(!shop.path("models").exists() && !shop.path("x").exists(), "nothing may be written");
}

#[test]
fn files_that_are_not_image_networks_are_refused() {
    let shop = Shop::with_photos(2, 2);
    shop.write("labels.txt", Colors::LABELS);
    let cnn = Colors::default().onnx();
    for (what, onnx, why) in [
        ("text", b"hello, I am a text file".to_vec(), "not ONNX"),
        ("garbage", (0..2000u32).map(|i| (i * i % 251) as u8).collect(), "not ONNX"),
        ("empty", Vec::new(), "not ONNX"),
        ("half", cnn[..cnn.len() / 2].to_vec(), "not ONNX"),
        ("vector", passing("Relu", &[None, Some(3)]), "2 dimensions"),
        ("gray", passing("GlobalAveragePool", &[None, Some(1), Some(8), Some(8)]), "3 for the colours"),
        ("oblong", passing("GlobalAveragePool", &[None, Some(3), Some(8), Some(9)]), "square"),
        ("unknown operator", passing("Frobnicate", &[None, Some(3), Some(8), Some(8)]), "Frobnicate"),
    ] {
        shop.write("model.onnx", onnx);
        let flags = Colors::FLAGS;
        let import = format!("import model.onnx --labels labels.txt --channel T_1 --out models {flags}");
        shop.run(&import).fails("INVALID_MODEL").says(&[why]);
        // As a backbone, such a network is refused because it has no pooling.
        if what != "unknown operator" {
            let train = format!("train photos --backbone model.onnx --channel T_1 --out models {flags}");
            shop.run(&train).fails("INVALID_MODEL").says(&[why]);
        }
        assert!(shop.published().is_empty(), "{what}");
    }
}

#[test]
fn a_network_without_pooled_features_needs_their_name() {
    let shop = Shop::with_photos(5, 4);
    let network = Filters { seed: 1, channels: 8, classes: 4, nhwc: false, pooled: false };
    shop.write("model.onnx", network.onnx());
    let train = format!("train photos --backbone model.onnx --channel T_1 --out models {}", Colors::FLAGS);
    shop.run(&train).fails("NOT_A_BACKBONE").says(&["--features TENSOR"]);
    shop.run(&format!("{train} --features nonsense")).fails("NOT_A_BACKBONE").says(&["nonsense"]);
    assert!(shop.published().is_empty());
    // The tensor is the feature map after the first layer, which is then averaged.
    shop.run(&format!("{train} --features t1")).ok();
    assert_eq!(shop.metadata("T_1")["features"]["embedding"], 8);
}

#[test]
fn wrong_usage_exits_with_2() {
    let shop = Shop::new();
    for arguments in ["", "train", "train photos", "frobnicate", "train photos --channel T_1 --out m --seed x"] {
        assert_eq!(shop.run(arguments).code, Some(2), "{arguments}");
    }
}

/// A PNG header that claims a size, with no pixels behind it.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    for (kind, data) in [(b"IHDR", &header[..]), (b"IDAT", &[])] {
        let checked = [&kind[..], data].concat();
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(&checked);
        png.extend(crc32(&checked).to_be_bytes());
    }
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |c: u32| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |c, _| step(c)))
}

fn png_of(photo: &[u8]) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image::load_from_memory(photo).unwrap().write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

#[test]
fn a_cut_off_photo_a_dangling_link_and_a_foreign_kind_are_left_out() {
    let shop = Shop::with_photos(2, 4);
    let photo = fs::read_dir(shop.path("photos/oat-biscuits-box")).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(photo).unwrap();
    shop.write("photos/oat-biscuits-box/cut.jpg", &bytes[..bytes.len() / 2]);
    shop.write("photos/oat-biscuits-box/phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/nowhere/at/all.jpg", shop.path("photos/oat-biscuits-box/gone.jpg")).unwrap();
    let outcome = shop.run("train photos --channel T_1 --out models").ok();
    outcome.says(&[
        "cut.jpg is cut off",
        "phone.heic is HEIC, which is not read; convert it",
        "8 photos",
        "3 left out",
    ]);
}

#[test]
fn an_impossible_input_size_is_refused() {
    let shop = Shop::with_photos(2, 2);
    shop.write("model.onnx", passing("GlobalAveragePool", &[None, Some(3), None, None]));
    for size in ["0", "2000", "9999999999"] {
        let train = format!("train photos --backbone model.onnx --channel T_1 --out models --size {size}");
        shop.run(&format!("{train} {}", Colors::FLAGS)).fails("PIXELS_UNKNOWN").says(&["pixels a side"]);
        assert!(shop.published().is_empty());
    }
}
