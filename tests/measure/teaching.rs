//! How good a shop is that was taught on a device beside one that was trained, and how far a correction should move a
//! product: docs/teaching.md.
//!
//! `cargo run --example teaching MODELS/CHANNEL TRAIN TEST`: a channel trained on TRAIN, and folders with a folder of photos
//! (jpg) per product. Two of three products are taken out of the release and taught to it again.

#[path = "../fixture/cut.rs"]
mod cut;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use half::f16;
use jicho::manifest::FileRole;
use jicho::recognize::{Prototypes, Space, Taught, normalize, tensors};
use jicho::teach::{Lesson, LessonFrame};
use jicho::{Frame, Manifest, Recognizer};

/// Features of photos with the places of their products among the labels.
type Rows = Vec<(usize, Vec<f32>)>;

fn main() {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(Into::into).collect();
    let [channel, train, test] = &arguments[..] else { panic!("usage: teaching MODELS/CHANNEL TRAIN TEST") };
    if let Some(missing) = arguments.iter().find(|path| !path.is_dir()) {
        println!("skipped: there is no folder {}", missing.display());
        return;
    }
    let manifest = Manifest::parse(&std::fs::read(channel.join("latest/metadata.json")).unwrap()).unwrap();
    let files: HashMap<FileRole, Vec<u8>> = manifest
        .needed()
        .map(|file| (file.role, std::fs::read(channel.parent().unwrap().join(&file.url)).unwrap()))
        .collect();
    let file = |role: FileRole| Ok(files[&role].as_slice());
    let whole = Recognizer::load(manifest.clone(), file).unwrap();
    let (train, test) = (rows(&whole, train), rows(&whole, test));
    let space = Space::read(&tensors::open(&files[&FileRole::Space], "space").unwrap(), train[0].1.len()).unwrap();
    let head = tensors::open(&files[&FileRole::Head], "head").unwrap();
    let head = Prototypes::read(&head, "label", space.dims()).unwrap();
    let point = |row: &[f32]| space.point(row).unwrap();
    let trained = share(&test, |row| head.cosines(&point(row)));

    let gone = |place: usize| !place.is_multiple_of(3);
    for most in [5, 10, usize::MAX] {
        let device = cut::without(manifest.clone(), file, gone);
        let mut taught = Taught::default();
        for (place, label) in manifest.labels.iter().enumerate().filter(|(place, _)| gone(*place)) {
            let own = train.iter().filter(|(of, _)| *of == place).take(most);
            let frames: Vec<_> = own
                .map(|(_, row)| LessonFrame {
                    features: row.iter().map(|v| f16::from_f32(*v)).collect(),
                    jpeg: Vec::new(),
                })
                .collect();
            for (part, frames) in frames.chunks(32).enumerate() {
                let lesson = Lesson {
                    id: format!("{place}-{part}"),
                    time: u64::MAX,
                    label: Some(label.clone()),
                    facts: String::new(),
                    correction: false,
                    features_digest: device.features_digest().unwrap(),
                    frames: frames.to_vec(),
                };
                device.learn(&mut taught, &lesson);
            }
        }
        let products: BTreeMap<&str, &[f32]> =
            taught.products().iter().map(|product| (product.label.as_str(), product.prototype.as_slice())).collect();
        let taught = share(&test, |row| {
            let point = point(row);
            let mut cosines = head.cosines(&point);
            for (place, label) in manifest.labels.iter().enumerate() {
                if let Some(prototype) = products.get(label.as_str()) {
                    cosines[place] = dot(prototype, &point);
                }
            }
            cosines
        });
        let frames = if most == usize::MAX { "all".to_owned() } else { most.to_string() };
        println!(
            "{} products taught one by one from {frames} frames: {:.1} %; trained at once: {:.1} %",
            products.len(),
            100.0 * taught,
            100.0 * trained
        );
    }

    // What a shopkeeper does: every wrong answer of one half is corrected, the other half tells whether that helped.
    for weight in [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, f32::INFINITY] {
        let mut right = 0.0;
        for half in 0..2 {
            let mut moved: Vec<Vec<f32>> = head
                .directions()
                .chunks_exact(space.dims())
                .map(|row| row.iter().map(|v| weight.min(1e9) * v).collect())
                .collect();
            for (i, (place, row)) in test.iter().enumerate() {
                if i % 2 == half && best(&head.cosines(&point(row))) != *place {
                    moved[*place].iter_mut().zip(point(row)).for_each(|(sum, v)| *sum += v);
                }
            }
            moved.iter_mut().for_each(|row| normalize(row));
            let other: Rows =
                test.iter().enumerate().filter(|(i, _)| i % 2 != half).map(|(_, row)| row.clone()).collect();
            right += share(&other, |row| {
                let point = point(row);
                moved.iter().map(|row| dot(row, &point)).collect()
            }) / 2.0;
        }
        println!("a product of the release weighs {weight} frames: {:.1} % after the corrections", 100.0 * right);
    }
}

fn rows(device: &Recognizer, folder: &Path) -> Rows {
    let mut photos = Vec::new();
    find(folder, &mut photos);
    photos.sort();
    let mut rows = Vec::new();
    for photo in photos {
        let product = photo.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
        let Some(place) = device.manifest().labels.iter().position(|label| *label == product) else { continue };
        let image = image::open(&photo).unwrap().into_rgba8();
        let frame = Frame::new(image.width(), image.height(), image.as_raw()).unwrap();
        let LessonFrame { features, .. } = device.lesson_frame(&frame, Vec::new()).unwrap();
        rows.push((place, features.iter().map(|v| v.to_f32()).collect()));
    }
    rows
}

fn find(folder: &Path, photos: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            find(&entry, photos);
        } else if entry.extension().is_some_and(|e| e == "jpg") {
            photos.push(entry);
        }
    }
}

/// Share of rows whose largest cosine is at their own place.
fn share(rows: &Rows, cosines: impl Fn(&[f32]) -> Vec<f32>) -> f64 {
    rows.iter().filter(|(place, row)| best(&cosines(row)) == *place).count() as f64 / rows.len() as f64
}

fn best(values: &[f32]) -> usize {
    values.iter().enumerate().fold(0, |best, (i, v)| if *v > values[best] { i } else { best })
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
