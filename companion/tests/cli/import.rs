//! `import`: publishing an existing classifier as a channel.

use std::fs;

use image::{Rgb, RgbImage};
use serde_json::json;

use crate::onnx::{Colors, SIDE};
use crate::shop::{Outcome, Shop, confidences, line};
use crate::{real_data, shop};

/// Plain colours, for which the networks' answers are known.
pub const PAINTS: [(&str, [u8; 3]); 3] = [("red", [200, 60, 20]), ("green", [10, 180, 90]), ("blue", [20, 60, 240])];

/// How pixels are fed to [`Colors`]: colour order, range, mean, std.
pub type Rule = (bool, [f64; 2], [f64; 3], [f64; 3]);

pub const PLAIN: Rule = (false, [0.0, 1.0], [0.0; 3], [1.0; 3]);

pub fn shop(network: &Colors) -> Shop {
    let shop = Shop::new();
    network.write(&shop);
    for (name, paint) in PAINTS {
        fs::create_dir_all(shop.path(format!("photos/{name}"))).unwrap();
        let image = RgbImage::from_pixel(SIDE, SIDE, Rgb(paint));
        image.save(shop.path(format!("photos/{name}/{name}.png"))).unwrap();
    }
    shop
}

pub fn import(shop: &Shop, flags: &str) -> Outcome {
    shop.run(&format!("import colors.onnx --labels labels.txt --channel T_1 --out models {flags}"))
}

/// The network's answer to a plain colour, computed from the definitions of rule and network.
pub fn expected(paint: [u8; 3], (bgr, [low, high], mean, std): Rule) -> [f64; 3] {
    let logits: [f64; 3] = std::array::from_fn(|channel| {
        let byte = f64::from(paint[if bgr { 2 - channel } else { channel }]);
        let value = (byte / 255.0 * (high - low) + low - mean[channel]) / std[channel];
        f64::from(Colors::GAIN) * value.max(0.0)
    });
    let sum: f64 = logits.iter().map(|l| l.exp()).sum();
    logits.map(|l| l.exp() / sum)
}

#[track_caller]
pub fn answers_by(shop: &Shop, rule: Rule) {
    let (_, lines) = shop.evaluate("T_1", "photos");
    assert_eq!(lines.len(), PAINTS.len());
    for (name, paint) in PAINTS {
        let answer = confidences(line(&lines, &format!("{name}/{name}.png")));
        assert!(answer.windows(2).all(|two| two[0].1 >= two[1].1), "{answer:?}");
        for (label, right) in ["first", "second", "third"].iter().zip(expected(paint, rule)) {
            let given = answer.iter().find(|(l, _)| l == label).unwrap().1;
            assert!((given - right).abs() < 1e-4, "{name}, {label}: {given}, not {right}");
        }
    }
}

#[test]
fn unknown_pixels_are_never_guessed() {
    let shop = shop(&Colors::default());
    import(&shop, "").fails("PIXELS_UNKNOWN").says(&["--color", "--range", "--mean", "--std"]);
    let outcome = import(&shop, "--color rgb --mean 0").fails("PIXELS_UNKNOWN").says(&["--range", "--std"]);
    assert!(!outcome.stderr.contains("--color") && !outcome.stderr.contains("--mean"), "{}", outcome.stderr);
    assert!(shop.published().is_empty());
}

#[test]
fn flags_say_how_pixels_go_in() {
    let shop = shop(&Colors::default());
    let outcome = import(&shop, Colors::FLAGS).ok().says(&["3 labels"]);
    assert_eq!(outcome.stdout, shop::latest("T_1") + "\n");
    answers_by(&shop, PLAIN);
    let manifest = shop.manifest("T_1");
    assert_eq!(manifest.labels, ["first", "second", "third"]);
    assert_eq!((manifest.image_size, manifest.accuracy, manifest.files.len()), (SIDE as usize, None, 2));
    assert_eq!(shop.metadata("T_1")["modelType"], "classifier");

    import(&shop, "--color bgr --range 0,255 --mean 104,117,123 --std 50,60,70").ok();
    answers_by(&shop, (true, [0.0, 255.0], [104.0, 117.0, 123.0], [50.0, 60.0, 70.0]));
    import(&shop, "--color rgb --range -1,1 --mean 0 --std 1 --layout nchw").ok();
    answers_by(&shop, (false, [-1.0, 1.0], [0.0; 3], [1.0; 3]));
}

#[test]
fn channels_may_come_last() {
    let shop = shop(&Colors { nhwc: true, ..Default::default() });
    import(&shop, Colors::FLAGS).ok();
    assert_eq!(shop.metadata("T_1")["preprocessing"]["layout"], "nhwc");
    answers_by(&shop, PLAIN);
    import(&shop, "--color bgr --range 0,1 --mean 0.1,0.2,0.3 --std 0.5,1,2").ok();
    answers_by(&shop, (true, [0.0, 1.0], [0.1, 0.2, 0.3], [0.5, 1.0, 2.0]));
    import(&shop, &format!("{} --layout nchw", Colors::FLAGS)).fails("PIXELS_UNKNOWN");
}

#[test]
fn an_open_input_size_must_be_given() {
    let shop = shop(&Colors { open: true, ..Default::default() });
    import(&shop, Colors::FLAGS).fails("PIXELS_UNKNOWN").says(&["--size"]);
    import(&shop, &format!("{} --size 8", Colors::FLAGS)).ok();
    answers_by(&shop, PLAIN);

    Colors { open: true, nameless: true, nhwc: true, ..Default::default() }.write(&shop);
    import(&shop, &format!("{} --size 8", Colors::FLAGS)).fails("PIXELS_UNKNOWN").says(&["--layout"]);
    import(&shop, &format!("{} --size 8 --layout nhwc", Colors::FLAGS)).ok();
    answers_by(&shop, PLAIN);
}

#[test]
fn probabilities_are_not_squashed_twice() {
    let shop = shop(&Colors { softmax: true, ..Default::default() });
    import(&shop, Colors::FLAGS).ok();
    answers_by(&shop, PLAIN);
}

#[test]
fn the_files_own_metadata_suffices() {
    let properties = vec![
        ("Image.BitmapPixelFormat", "Bgr8".to_owned()),
        ("Image.ColorSpaceGamma", "SRGB".to_owned()),
        ("Image.NominalPixelRange", "Normalized_0_1".to_owned()),
    ];
    let shop = shop(&Colors { properties, ..Default::default() });
    import(&shop, "").ok();
    answers_by(&shop, (true, [0.0, 1.0], [0.0; 3], [1.0; 3]));
    import(&shop, "--color rgb").fails("PIXELS_UNKNOWN").says(&["metadata", "drop the flags"]);

    let rule = json!({"layout": "nchw", "color": "rgb", "range": [-1, 1], "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5], "crop": 1});
    Colors { properties: vec![("jicho.preprocessing", rule.to_string())], ..Default::default() }.write(&shop);
    import(&shop, "").ok();
    answers_by(&shop, (false, [-1.0, 1.0], [0.1, 0.2, 0.3], [0.5; 3]));
}

#[test]
fn invalid_pixel_metadata_is_refused() {
    let shop = shop(&Colors::default());
    for properties in [
        vec![("Image.BitmapPixelFormat", "Gray8".to_owned()), ("Image.NominalPixelRange", "Normalized_0_1".to_owned())],
        vec![("Image.BitmapPixelFormat", "Rgb8".to_owned()), ("Image.NominalPixelRange", "some".to_owned())],
        vec![("jicho.preprocessing", "{}".to_owned())],
    ] {
        Colors { properties, ..Default::default() }.write(&shop);
        import(&shop, "").fails("PIXELS_UNKNOWN");
    }
    assert!(shop.published().is_empty());
}

#[test]
fn labels_must_fit_the_network() {
    let shop = shop(&Colors::default());
    for (labels, why) in [("a\nb\n", "there are 2 labels"), ("a\nb\nc\nd", "gives 3"), ("\n \n", "no labels")] {
        shop.write("labels.txt", labels);
        import(&shop, Colors::FLAGS).fails("BAD_INPUT").says(&[why]);
    }
    fs::remove_file(shop.path("labels.txt")).unwrap();
    import(&shop, Colors::FLAGS).fails("IO").says(&["labels.txt"]);
    assert!(shop.published().is_empty());

    // Windows line ends and repeated names are accepted.
    shop.write("labels.txt", "same\r\nother\r\nsame\r\n");
    import(&shop, Colors::FLAGS).ok();
    assert_eq!(shop.manifest("T_1").labels, ["same", "other", "same (3)"]);
}

#[test]
fn a_known_network_needs_no_flags() {
    let skipped = "import of a real classifier";
    let Some(model) = real_data::file("BACKBONES", "mobilenet_v1_0.25_128.onnx", skipped) else { return };
    let Some(labels) = real_data::file("BACKBONES", "imagenet_labels.txt", skipped) else { return };
    let shop = Shop::with_photos(2, 1);
    let paths = [model, labels].map(|p| p.into_os_string().into_string().unwrap());
    shop.run_with(&["import", &paths[0], "--labels", &paths[1], "--channel", "T_1", "--out", "models"]).ok();
    let metadata = shop.metadata("T_1");
    assert_eq!((&metadata["productCount"], &metadata["imageSize"]), (&json!(1001), &json!(128)));
    assert_eq!(metadata["preprocessing"]["range"], json!([-1.0, 1.0]));
    let (_, lines) = shop.evaluate("T_1", "photos");
    assert!(lines.iter().all(|l| l["predictions"].as_array().unwrap().len() == 1001));

    let Some(bananas) = real_data::file("GROCERY", "val/Fruit/Banana", "real bananas") else { return };
    fs::create_dir_all(shop.path("fruit/banana")).unwrap();
    for entry in fs::read_dir(bananas).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), shop.path("fruit/banana").join(entry.file_name())).unwrap();
    }
    let (measures, lines) = shop.evaluate("T_1", "fruit");
    assert!(
        lines.len() >= 3 && measures["top5"].as_f64().unwrap() >= 0.9,
        "{} photos: {}",
        lines.len(),
        measures["top5"]
    );
}
