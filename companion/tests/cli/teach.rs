//! What is taught on devices: how good it is beside a training, and that the next training has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jicho::recognize::{Context, Taught};
use jicho::teach::{Lesson, rows, square};
use jicho::{ErrorKind, Frame, Manifest, Recognizer};

use crate::shared;
use crate::shop::Shop;

/// Later than any training.
const NOW: u64 = 4_000_000_000_000;

fn rgba(photo: &Path) -> image::RgbaImage {
    image::open(photo).unwrap().into_rgba8()
}

fn frame(image: &image::RgbaImage) -> Frame<'_> {
    Frame::new(image.width(), image.height(), image.as_raw()).unwrap()
}

/// The photos of each product below a folder.
fn photos(folder: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let mut products = BTreeMap::<String, Vec<PathBuf>>::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|e| e == "jpg") {
            let product = entry.path().parent().unwrap().file_name().unwrap().to_str().unwrap();
            products.entry(product.to_owned()).or_default().push(entry.into_path());
        }
    }
    products
}

/// A channel as a device has it.
fn device(models: &Path) -> Recognizer {
    let manifest = Manifest::parse(&std::fs::read(models.join("T_1/latest/metadata.json")).unwrap()).unwrap();
    let files: BTreeMap<_, _> =
        manifest.needed().map(|file| (format!("{:?}", file.role), std::fs::read(models.join(&file.url)).unwrap())).collect();
    Recognizer::load(manifest, |role| Ok(&files[&format!("{role:?}")])).unwrap()
}

/// A lesson as the library makes it of frames.
fn lesson(device: &Recognizer, label: &str, photos: &[PathBuf]) -> Lesson {
    let frames = photos.iter().map(|photo| {
        let image = rgba(photo);
        let (pixels, side) = square(&frame(&image));
        let pixels = image::RgbaImage::from_raw(side as u32, side as u32, pixels).unwrap();
        let mut jpeg = std::io::Cursor::new(Vec::new());
        image::DynamicImage::from(pixels).into_rgb8().write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
        device.lesson_frame(&frame(&image), jpeg.into_inner()).unwrap()
    });
    Lesson {
        id: format!("lesson-{label}").replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        time: NOW,
        label: Some(label.to_owned()),
        facts: format!("{{\"name\":\"The {label}\"}}"),
        correction: false,
        space: device.space().unwrap(),
        frames: frames.collect(),
    }
}

/// Share of photos whose first prediction is right.
fn accuracy(device: &Recognizer, taught: &Taught, photos: &BTreeMap<String, Vec<PathBuf>>) -> f64 {
    let context = Context { taught: Some(taught), ..Context::default() };
    let right = |label: &String, photo: &PathBuf| {
        let image = rgba(photo);
        let answer = device.recognize_in(&[frame(&image)], &context).unwrap();
        f64::from(u8::from(answer.predictions[0].label == *label))
    };
    let all: Vec<f64> = photos.iter().flat_map(|(label, photos)| photos.iter().map(move |p| right(label, p))).collect();
    all.iter().sum::<f64>() / all.len() as f64
}

/// Links the photos of some products into a folder.
fn only(to: &Path, products: &BTreeMap<String, Vec<PathBuf>>, wanted: impl Fn(usize) -> bool) {
    for (label, photos) in products.iter().enumerate().filter(|(i, _)| wanted(*i)).map(|(_, p)| p) {
        std::fs::create_dir_all(to.join(label)).unwrap();
        for photo in photos {
            std::os::unix::fs::symlink(photo, to.join(label).join(photo.file_name().unwrap())).unwrap();
        }
    }
}

/// Accuracy where every `keep`-th product was trained and the others were taught one by one, and where all were trained.
fn taught_and_trained(shop: &Shop, train: &Path, test: &Path, keep: usize, options: &str) -> (f64, f64, usize) {
    let (products, unseen) = (photos(train), photos(test));
    only(&shop.path("some"), &products, |i| i % keep == 0);
    shop.run(&format!("train some --channel T_1 --out few {options}")).ok();
    only(&shop.path("all"), &products, |_| true);
    shop.run(&format!("train all --channel T_1 --out many {options}")).ok();
    let few = device(&shop.path("few"));
    let mut taught = Taught::default();
    for (label, photos) in products.iter().enumerate().filter(|(i, _)| i % keep != 0).map(|(_, p)| p) {
        for (i, photos) in photos.chunks(32).enumerate() {
            let lesson = lesson(&few, label, photos);
            few.learn(&mut taught, &Lesson { id: format!("{}-{i}", lesson.id), ..lesson }.without_pictures());
        }
    }
    let count = taught.products().len();
    (accuracy(&few, &taught, &unseen), accuracy(&device(&shop.path("many")), &Taught::default(), &unseen), count)
}

#[test]
fn a_shop_that_was_taught_is_as_good_as_one_that_was_trained() {
    let shop = Shop::new();
    for (folder, seed, photos) in [("photos", 1, 6), ("unseen", 2, 3)] {
        shop.run(&format!("samples {folder} --seed {seed} --photos {photos} --size 96")).ok();
    }
    for keep in [2, 3, 4] {
        let fresh = Shop::new();
        let (taught, trained, count) = taught_and_trained(&fresh, &shop.path("photos"), &shop.path("unseen"), keep, "");
        eprintln!("{count} products taught one by one: {:.1} %; trained at once: {:.1} %", 100.0 * taught, 100.0 * trained);
    }
}

#[test]
fn groceries_taught_one_by_one() {
    let Some(train) = shared::file("grocery/train", "groceries taught on a device") else { return };
    let Some(test) = shared::file("grocery/val", "groceries taught on a device") else { return };
    let Some(backbone) = shared::file("backbones/mobilenet_v1_0.25_128.onnx", "groceries taught on a device") else { return };
    let shop = Shop::new();
    let options = format!("--backbone {}", backbone.display());
    let (taught, trained, count) = taught_and_trained(&shop, &train, &test, 3, &options);
    eprintln!("groceries, {count} products taught one by one: {:.1} %; trained at once: {:.1} %", 100.0 * taught, 100.0 * trained);
}

#[test]
fn the_next_training_includes_what_a_device_was_taught() {
    let shop = Shop::new();
    for (folder, seed, photos) in [("all", 1, 8), ("unseen", 2, 4)] {
        shop.run(&format!("samples {folder} --seed {seed} --photos {photos} --products 5 --size 128")).ok();
    }
    let products = photos(&shop.path("all"));
    only(&shop.path("photos"), &products, |i| i != 2);
    shop.run("train photos --channel T_1 --out models").ok();
    let (label, shown) = products.iter().nth(2).unwrap();
    let before = device(&shop.path("models"));
    assert!(!before.manifest().labels.contains(label));
    let lesson = lesson(&before, label, &shown[..5]);
    // What is kept is read again, and damage is told.
    let file = lesson.to_bytes().unwrap();
    assert_eq!(Lesson::parse(&file).unwrap(), lesson);
    assert_eq!(Lesson::parse(&file[1..]).unwrap_err().kind(), ErrorKind::InvalidLesson);
    let mut exported = rows(&lesson);
    exported.push_str(&rows(&Lesson { id: "none".into(), label: None, ..lesson }));
    shop.write("taught.jsonl", exported);

    let outcome = shop.run("train photos --channel T_1 --out models --lessons taught.jsonl").ok();
    outcome.says(&["5 products", "37 photos", "shows none of the products"]);
    let after = device(&shop.path("models"));
    assert!(after.manifest().labels.contains(label));
    assert_eq!(after.manifest().facts[label]["name"], format!("The {label}"));
    let image = rgba(&shown[0]);
    assert_eq!(after.recognize(&frame(&image)).unwrap().predictions[0].label, *label);
    // A device retires the lesson only once the release is later.
    let mut taught = Taught::default();
    after.learn(&mut taught, &Lesson { time: 0, ..Lesson::parse(&file).unwrap() });
    assert!(taught.products().is_empty());

    let fail = shop.run("train photos --channel T_1 --out models --lessons none.jsonl");
    assert_eq!(fail.code, Some(1));
}
