//! Draws the product photos of a small made-up shop, for the demo and the tests.
//!
//! The products are always the same; the seed changes only how they are photographed. Every photo has its own random
//! stream, so the same options give the same bytes with any number of threads.

mod camera;
mod catalog;
mod draw;
mod form;
mod fruit;
mod ground;
mod lettering;
mod light;
mod packs;

mod solid;
mod tags;
mod wraps;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::camera::{Darkroom, Freedom};
use self::catalog::CATALOG;
use self::solid::Solid;
use self::tags::Tags;

/// In the attribute mode, this many photos are drawn for each photo per product that is asked for.
const TAGGED_SHARE: usize = 12;

/// The random stream of the attribute photos. Products' streams have smaller numbers.
const TAGGED: u64 = u64::MAX;

/// What to draw.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of photos per product; with `attributes`, a twelfth of the number of all photos.
    pub photos_per_product: usize,
    /// Side of each square photo in pixels, 16–4096.
    pub size: u32,
    /// Seed of views, light and grounds, but not of the products.
    pub seed: u64,
    /// If given, only the first so many products of the catalog.
    pub products: Option<usize>,
    /// Whether to draw one folder of photos with rows of attributes, instead of a folder per product.
    pub attributes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { photos_per_product: 24, size: 480, seed: 1, products: None, attributes: false }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Number of products; 0 with `attributes`, where products have no names.
    pub products: usize,
    /// Number of photos.
    pub photos: usize,
}

/// Draws the sample photos into `dir`, creating it where needed, and calls `progress` with (done, total) after each photo.
///
/// Without `attributes`: `<product>/<product>_001.jpg` and so on. With: `images/key_0001.jpg` and so on, and `scans.jsonl`,
/// written last. Files of these names are replaced; nothing else in `dir` is touched. Errors name the path.
pub fn generate(dir: &Path, options: &Options, progress: &(dyn Fn(usize, usize) + Sync)) -> io::Result<Summary> {
    if !(16..=4096).contains(&options.size) {
        let reason = format!("photo size {} is not within 16 to 4096 pixels", options.size);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    if options.attributes { tagged(dir, options, progress) } else { named(dir, options, progress) }
}

fn named(dir: &Path, options: &Options, progress: &(dyn Fn(usize, usize) + Sync)) -> io::Result<Summary> {
    let products = &CATALOG[..options.products.unwrap_or(CATALOG.len()).min(CATALOG.len())];
    let each = options.photos_per_product;
    let total = products.len() * each;
    let done = AtomicUsize::new(0);
    let bodies: Vec<Solid> = products.par_iter().map(|p| p.form.build(&p.paint)).collect();
    for product in products {
        let folder = dir.join(product.id);
        fs::create_dir_all(&folder).map_err(|e| at(&folder, e))?;
    }
    (0..total).into_par_iter().try_for_each_init(Darkroom::default, |room, i| {
        let (number, shot) = (i / each, i % each);
        let product = &products[number];
        let path = dir.join(product.id).join(format!("{}_{:03}.jpg", product.id, shot + 1));
        let mut rng = stream(options.seed, number as u64, shot);
        shoot(room, &path, &bodies[number], product.form.freedom(), options.size, &mut rng)?;
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        Ok::<_, io::Error>(())
    })?;
    Ok(Summary { products: products.len(), photos: total })
}

fn tagged(dir: &Path, options: &Options, progress: &(dyn Fn(usize, usize) + Sync)) -> io::Result<Summary> {
    let folder = dir.join("images");
    fs::create_dir_all(&folder).map_err(|e| at(&folder, e))?;
    let total = options.photos_per_product * TAGGED_SHARE;
    let done = AtomicUsize::new(0);
    let rows: Vec<String> = (0..total)
        .into_par_iter()
        .map_init(Darkroom::default, |room, shot| {
            let name = format!("key_{:04}.jpg", shot + 1);
            let mut rng = stream(options.seed, TAGGED, shot);
            let tags = Tags::draw(&mut rng);
            let (body, freedom) = tags.build(&mut rng);
            shoot(room, &folder.join(&name), &body, freedom, options.size, &mut rng)?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            Ok(tags.row(&format!("images/{name}")) + "\n")
        })
        .collect::<io::Result<_>>()?;
    let path = dir.join("scans.jsonl");
    fs::write(&path, rows.concat()).map_err(|e| at(&path, e))?;
    Ok(Summary { products: 0, photos: total })
}

fn shoot(
    room: &mut Darkroom,
    path: &Path,
    body: &Solid,
    freedom: Freedom,
    size: u32,
    rng: &mut ChaCha8Rng,
) -> io::Result<()> {
    let jpeg = room.photograph(body, freedom, size, rng).map_err(|e| at(path, io::Error::other(e)))?;
    fs::write(path, jpeg).map_err(|e| at(path, e))
}

/// The random stream of one photo.
fn stream(seed: u64, product: u64, shot: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (place, part) in key.as_chunks_mut::<8>().0.iter_mut().zip([seed, product, shot as u64]) {
        *place = part.to_le_bytes();
    }
    ChaCha8Rng::from_seed(key)
}

fn at(path: &Path, e: io::Error) -> io::Error {
    io::Error::new(e.kind(), format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        for folder in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
            for file in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
                let name = file.strip_prefix(dir).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, fs::read(&file).unwrap());
            }
        }
        found
    }

    fn small(seed: u64) -> Options {
        Options { photos_per_product: 2, size: 64, seed, products: Some(5), attributes: false }
    }

    fn drawn(options: &Options, threads: usize) -> BTreeMap<String, Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| generate(dir.path(), options, &|_, _| ())).unwrap();
        files(dir.path())
    }

    #[test]
    fn same_options_same_bytes_with_any_number_of_threads() {
        let first = drawn(&small(1), 1);
        assert_eq!(first, drawn(&small(1), 3));
        let other = drawn(&small(2), 2);
        assert!(first.keys().eq(other.keys()));
        assert!(first.iter().all(|(name, bytes)| other[name] != *bytes));
    }

    #[test]
    fn fewer_photos_or_products_are_a_part_of_more() {
        let more = drawn(&small(1), 2);
        let fewer = drawn(&Options { photos_per_product: 1, products: Some(2), ..small(1) }, 2);
        assert_eq!(fewer.len(), 2);
        assert!(fewer.iter().all(|(name, bytes)| more[name] == *bytes));
    }

    #[test]
    fn a_folder_per_product_beside_foreign_files() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        let seen = AtomicUsize::new(0);
        let count = |done: usize, total: usize| {
            assert!(done >= 1 && done <= total);
            seen.fetch_add(1, Ordering::Relaxed);
        };
        let summary = generate(dir.path(), &small(1), &count).unwrap();
        assert_eq!(summary, Summary { products: 5, photos: 10 });
        assert_eq!(seen.into_inner(), 10);
        assert_eq!(fs::read_to_string(dir.path().join("notes.txt")).unwrap(), "mine");
        let photos = files(dir.path());
        assert_eq!(photos.len(), 10);
        let photo = &photos["oat-biscuits-box/oat-biscuits-box_001.jpg"];
        let photo = image::load_from_memory_with_format(photo, image::ImageFormat::Jpeg).unwrap();
        assert_eq!((photo.width(), photo.height()), (64, 64));
    }

    #[test]
    fn the_catalog_has_distinct_plain_names() {
        let ids: BTreeSet<_> = CATALOG.iter().map(|p| p.id).collect();
        assert!(ids.len() == CATALOG.len() && ids.len() >= 14);
        assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
    }

    #[test]
    fn attribute_rows_parse_and_their_photos_exist() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { photos_per_product: 1, size: 48, attributes: true, ..Options::default() };
        assert_eq!(generate(dir.path(), &options, &|_, _| ()).unwrap().photos, 12);
        let rows = fs::read_to_string(dir.path().join("scans.jsonl")).unwrap();
        assert_eq!(rows.lines().count(), 12);
        for row in rows.lines() {
            let row: serde_json::Value = serde_json::from_str(row).unwrap();
            assert!(dir.path().join(row["image_path"].as_str().unwrap()).is_file());
            assert!(["Kilima", "Pwani", "Savana", "Tausi"].contains(&row["brand"].as_str().unwrap()));
            assert!(["box", "can", "bottle"].contains(&row["type"].as_str().unwrap()));
            let code = row["code"].as_array().unwrap();
            assert!(code.len() == 3 && code.iter().all(|d| d.as_u64().unwrap() <= 4));
            let wear = row["wear"].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&wear) && ((wear * 100.0).round() - wear * 100.0).abs() < 1e-9);
        }
    }

    #[test]
    fn errors_name_the_path() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("oat-biscuits-box"), "a file").unwrap();
        let error = generate(dir.path(), &small(1), &|_, _| ()).unwrap_err();
        assert!(error.to_string().contains("oat-biscuits-box"));
        assert!(generate(dir.path(), &Options { size: 0, ..small(1) }, &|_, _| ()).is_err());
    }
}
