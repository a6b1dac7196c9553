//! Lessons of devices: how accurate they are compared with a training, and that the next training includes them.

#[path = "../../../tests/fixture/cut.rs"]
mod cut;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use jicho::manifest::{FileEntry, FileRole, SecondLook};
use jicho::recognize::{Context, Decision, Taught};
use jicho::teach::{Lesson, rows, square};
use jicho::{ErrorKind, Frame, Manifest, Recognizer};

use crate::shop::Shop;

/// A time after every training.
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

type Bytes<'a> = &'a dyn Fn(FileRole) -> jicho::Result<&'a [u8]>;

fn load(models: &Path, load: impl for<'a> FnOnce(Manifest, Bytes<'a>) -> Recognizer) -> Recognizer {
    let manifest = Manifest::parse(&std::fs::read(models.join("T_1/latest/metadata.json")).unwrap()).unwrap();
    let read = |file: &FileEntry| (file.role, std::fs::read(models.join(&file.url)).unwrap());
    let files: HashMap<FileRole, Vec<u8>> = manifest.needed().map(read).collect();
    load(manifest, &|role| Ok(&files[&role]))
}

/// The channel, loaded as on a device.
fn device(models: &Path) -> Recognizer {
    load(models, |manifest, file| Recognizer::load(manifest, file).unwrap())
}

/// A lesson, made by the library from frames.
fn lesson(device: &Recognizer, label: &str, photos: &[PathBuf]) -> Lesson {
    let frames = photos.iter().map(|photo| {
        let image = rgba(photo);
        let (pixels, side) = square(&frame(&image), &device.manifest().preprocessing);
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
        features_digest: device.features_digest().unwrap(),
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

#[test]
fn products_taught_one_by_one_are_as_good_as_trained_at_once() {
    let shop = Shop::new();
    for (folder, seed, photos) in [("photos", 1, 6), ("unseen", 2, 6)] {
        shop.run(&format!("samples {folder} --seed {seed} --photos {photos} --size 96")).ok();
    }
    shop.run("train photos --channel T_1 --out models").ok();
    let (shown, unseen) = (photos(&shop.path("photos")), photos(&shop.path("unseen")));
    let trained = device(&shop.path("models"));
    // The space is shared by all channels of the network; the release lacks four of five products.
    let gone = |place: usize| !place.is_multiple_of(5);
    let device = load(&shop.path("models"), |manifest, file| cut::without(manifest, file, gone));
    let mut taught = Taught::default();
    for (label, photos) in shown.iter().enumerate().filter(|(place, _)| gone(*place)).map(|(_, product)| product) {
        device.learn(&mut taught, &lesson(&device, label, photos).without_pictures());
    }
    assert_eq!((device.manifest().labels.len(), taught.products().len()), (6, 20));
    let one_by_one = accuracy(&device, &taught, &unseen);
    let at_once = accuracy(&trained, &Taught::default(), &unseen);
    eprintln!("20 products taught one by one: {:.1} %; trained at once: {:.1} %", 100.0 * one_by_one, 100.0 * at_once);
    assert!((one_by_one - at_once).abs() <= 0.02, "{one_by_one} and {at_once}");
}

#[test]
fn a_picture_that_is_no_match_is_looked_at_again_in_the_mirror() {
    let shop = Shop::new();
    shop.run("samples photos --products 4 --photos 6 --size 96").ok();
    shop.run("samples unseen --products 4 --photos 3 --size 96 --seed 2").ok();
    shop.run("train photos --channel T_1 --out models").ok();
    shop.run("train photos --channel T_2 --out models --no-mirror").ok();
    assert_eq!(shop.manifest("T_1").decision.second_look, Some(SecondLook::Mirror));
    assert_eq!(shop.manifest("T_2").decision.second_look, None, "its mirror images may be other products");
    let device = device(&shop.path("models"));
    let mut seen_twice = 0;
    for photo in photos(&shop.path("unseen")).into_values().flatten() {
        let image = rgba(&photo);
        let mirrored = image::imageops::flip_horizontal(&image);
        // No confidence keeps such a promise, so that there is no match at first.
        let ask = |image: &image::RgbaImage, is_live| {
            let context = Context { precision: Some(0.999_999), is_live, ..Context::default() };
            device.recognize_in(&[frame(image)], &context).unwrap()
        };
        let (once, twice, other) = (ask(&image, true), ask(&image, false), ask(&mirrored, false));
        if once.decision != Decision::Match {
            seen_twice += 1;
            assert_ne!(once.predictions, twice.predictions);
            assert_eq!(twice.predictions[0].label, other.predictions[0].label, "both were looked at");
            assert!((twice.predictions[0].confidence - other.predictions[0].confidence).abs() < 1e-3);
        }
        let plain = device.recognize(&frame(&image)).unwrap();
        let live = device.recognize_in(&[frame(&image)], &Context { is_live: true, ..Context::default() }).unwrap();
        assert!(live.decision != Decision::Match || plain == live, "a match is not looked at again");
    }
    assert!(seen_twice > 0);
}

#[test]
fn the_next_training_includes_what_a_device_was_taught() {
    let shop = Shop::new();
    for (folder, seed, photos) in [("all", 1, 8), ("unseen", 2, 4)] {
        shop.run(&format!("samples {folder} --seed {seed} --photos {photos} --products 5 --size 128")).ok();
    }
    let products = photos(&shop.path("all"));
    only(&shop.path("photos"), &products, |i| i != 2);
    // The photos are links to those of all products.
    shop.run("train photos --allow-outside --channel T_1 --out models").ok();
    let (label, shown) = products.iter().nth(2).unwrap();
    let before = device(&shop.path("models"));
    assert!(!before.manifest().labels.contains(label));
    let lesson = lesson(&before, label, &shown[..5]);
    // Stored lessons are read back, and damage is detected.
    let file = lesson.to_bytes().unwrap();
    assert_eq!(Lesson::parse(&file).unwrap(), lesson);
    assert_eq!(Lesson::parse(&file[1..]).unwrap_err().kind(), ErrorKind::InvalidLesson);
    let mut exported = rows(&lesson).unwrap();
    exported.push_str(&rows(&Lesson { id: "none".into(), label: None, ..lesson }).unwrap());
    shop.write("taught.jsonl", exported);

    let outcome = shop.run("train photos --allow-outside --channel T_1 --out models --lessons taught.jsonl").ok();
    outcome.says(&["5 products", "37 photos", "shows none of the products"]);
    let after = device(&shop.path("models"));
    assert!(after.manifest().labels.contains(label));
    assert_eq!(after.manifest().facts[label]["name"], format!("The {label}"));
    let image = rgba(&shown[0]);
    assert_eq!(after.recognize(&frame(&image)).unwrap().predictions[0].label, *label);
    // A device retires the lesson that the training has learnt, whatever any clock says, and no other.
    let learnt = Lesson::parse(&file).unwrap();
    assert_eq!(after.manifest().lessons.iter().collect::<Vec<_>>(), [&learnt.digest()]);
    let mut taught = Taught::default();
    after.learn(&mut taught, &learnt);
    assert!(taught.products().is_empty());
    after.learn(&mut taught, &Lesson { id: "later".into(), time: 0, ..learnt });
    assert_eq!(taught.products().len(), 1);

    let fail = shop.run("train photos --channel T_1 --out models --lessons none.jsonl");
    assert_eq!(fail.code, Some(1));
}
