//! COCO annotations (Lin 2014, "Microsoft COCO"): every box is an example, its category the product.
//!
//! An annotation's `attributes` become attributes as in JSONL. What annotation tools add on their own does not: `true`
//! and `false` (`"occluded": false`), and names such as `rotation` and `track_id`. Crowds (`iscrowd`) are skipped.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use super::boundary::Boundary;
use super::fields;
use super::refusal::Refusal;
use super::rows::{LONGEST_REASON, Rows};
use super::{Dataset, Example, Reading};
use crate::error::{Error, Result};
use crate::photo::{PhotoError, Region};
use crate::text::shortened;

/// The field of a row that the category becomes.
const PRODUCT: &str = fields::LABELS[0];

/// What is read of a file. Of what is inside, anything may be anything, so that one bad item spoils no other.
#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Image {
    id: Json,
    file_name: Json,
    width: Json,
    height: Json,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Annotation {
    id: Json,
    image_id: Json,
    category_id: Json,
    bbox: Json,
    iscrowd: Json,
    attributes: Json,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Category {
    id: Json,
    name: Json,
}

/// Whether a file holds COCO annotations rather than JSONL rows.
pub(super) fn is_coco(file: &Path, bytes: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<HashMap<String, IgnoredAny>>();
    match values.next() {
        // A row names its photo, and may have a field `annotations` of its own.
        Some(Ok(fields)) => {
            let is_row = fields.keys().any(|field| fields::is_file(field));
            !is_row && ["images", "annotations"].iter().any(|list| fields.contains_key(*list))
        }
        // What is no row in itself, in a file named `.json`, was meant to be one document.
        _ => {
            let first = bytes.trim_ascii_start().split(|b| *b == b'\n').next().unwrap_or_default();
            let named = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
            named && serde_json::from_slice::<Map<String, Json>>(first).is_err()
        }
    }
}

/// Reads annotations. A `label` that is asked for names the attribute that is the product in place of the category.
pub(super) fn read(file: &Path, bytes: &[u8], reading: &Reading) -> Result<Dataset> {
    let name = file.display().to_string();
    let wrong = |what: String| {
        // The parser quotes values of any length.
        let what = shortened(&what, LONGEST_REASON);
        Error::BadInput(format!("{name} cannot be read as COCO annotations: {what}"))
    };
    let File { images, annotations, categories } = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
    let folders = Folders::of(file, &images, reading)?;
    let images = by_id("image", images, |image| &image.id).map_err(wrong)?;
    let categories = by_id("category", categories, |category| &category.id).map_err(wrong)?;
    let mut rows = Rows::new(name.clone(), reading);
    let mut pictures: HashMap<String, Option<Picture>> = HashMap::new();
    for (number, annotation) in (1..).zip(&annotations) {
        if matches!(&annotation.iscrowd, Json::Bool(true)) || annotation.iscrowd.as_i64() == Some(1) {
            continue;
        }
        let Some(id) = id_of(&annotation.id) else {
            rows.leave_out(
                None,
                "unusable annotation",
                format!("annotation {number} of the list has no `id`, a whole number or a string"),
            );
            continue;
        };
        let image = id_of(&annotation.image_id).and_then(|id| images.get(&id).map(|image| (id, image)));
        let Some((image_id, image)) = image else {
            rows.leave_out(
                None,
                "unusable annotation",
                format!("annotation {id}: its `image_id` {} is no image", annotation.image_id),
            );
            continue;
        };
        // One complaint an image, however many annotations it has.
        if !pictures.contains_key(&image_id) {
            let picture = Picture::of(image, &folders).map_err(|why| {
                rows.leave_out(None, why.cause, format!("image {image_id}, with all its annotations: {why}"));
            });
            pictures.insert(image_id.clone(), picture.ok());
        }
        let Some(Some(picture)) = pictures.get(&image_id) else { continue };
        let example = example(&id, annotation, picture, &categories);
        if let Err(why) = example.and_then(|(example, fields)| rows.add(example, &fields)) {
            rows.leave_out(None, why.cause, format!("annotation {id} ({}): {why}", picture.name));
        }
    }
    rows.finish()
}

fn example(
    id: &str,
    annotation: &Annotation,
    picture: &Picture,
    categories: &HashMap<String, Category>,
) -> Result<(Example, Map<String, Json>), Refusal> {
    let no_category = Refusal::of("unusable category");
    let category = id_of(&annotation.category_id).and_then(|id| categories.get(&id));
    let category = category.ok_or_else(|| format!("its `category_id` {} is no category", annotation.category_id));
    let category = category.map_err(&no_category)?;
    let product = category.name.as_str().filter(|name| !name.is_empty());
    let product = product.ok_or_else(|| format!("its category {} has no `name`", category.id)).map_err(no_category)?;
    if annotation.bbox.is_null() {
        return Err(Refusal::new("unusable box", "has no `bbox`"));
    }
    let region = Region::parse(&annotation.bbox, picture.size).map_err(Refusal::of("unusable box"))?;
    let mut fields = Map::new();
    match &annotation.attributes {
        Json::Null => {}
        Json::Object(attributes) if attributes.contains_key(PRODUCT) => {
            let reason = format!("its attribute `{PRODUCT}` takes the place of its category; rename it");
            return Err(Refusal::new("unusable attribute", reason));
        }
        Json::Object(attributes) => {
            fields.extend(attributes.iter().filter(|(_, v)| !v.is_boolean()).map(|(k, v)| (k.clone(), v.clone())));
        }
        other => {
            let reason = format!("its `attributes` are {other}, no JSON object");
            return Err(Refusal::new("unusable attribute", reason));
        }
    }
    fields.insert(PRODUCT.into(), product.into());
    let name = format!("{}#{id}", picture.name);
    Ok((Example { path: picture.path.clone(), name, region: Some(region), ..Example::default() }, fields))
}

/// An image that exists.
struct Picture {
    name: String,
    path: PathBuf,
    size: Option<(u32, u32)>,
}

impl Picture {
    fn of(image: &Image, folders: &Folders) -> Result<Self, Refusal> {
        let unusable = Refusal::of("unusable image");
        let name = image.file_name.as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| unusable("has no `file_name`".to_owned()))?;
        let side = |json: &Json| json.as_u64().and_then(|side| u32::try_from(side).ok()).filter(|side| *side > 0);
        let size = match (&image.width, &image.height) {
            (Json::Null, Json::Null) => None,
            (width, height) => {
                let size = side(width).zip(side(height));
                let reason = || format!("its size is {width}×{height}, no whole numbers of pixels");
                Some(size.ok_or_else(|| unusable(reason()))?)
            }
        };
        Ok(Picture { name: name.to_owned(), path: folders.find(name)?, size })
    }
}

/// Where images may lie.
struct Folders {
    folders: Vec<PathBuf>,
    /// What the data set keeps to.
    boundary: Boundary,
    /// Of that, the folders that hold images: what else lies beside `annotations/` is not the data set's.
    holders: Vec<Boundary>,
    /// How many images have each bare file name.
    bare: HashMap<String, usize>,
}

impl Folders {
    /// Beside the file, in `images` or `data` there, or as COCO itself is laid out: `annotations/instances_train.json`
    /// with `train/` or `images/train/` beside the folder.
    fn of(file: &Path, images: &[Image], reading: &Reading) -> Result<Self> {
        let beside = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let above = beside.join("..");
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let mut folders = vec![beside.to_owned(), beside.join("images"), beside.join("data")];
        let mut holders = vec![beside.to_owned()];
        let mut root = beside;
        if beside.file_name().is_some_and(|name| name == "annotations") {
            // `instances_..` names no part.
            if let Some((_, part)) = stem.split_once('_').filter(|(_, part)| !part.trim_matches('.').is_empty()) {
                folders.extend([above.join(part), above.join("images").join(part)]);
                holders.push(above.join(part));
            }
            // Names may have the folder in them.
            folders.extend([above.join("images"), above.join("data"), above.clone()]);
            holders.extend([above.join("images"), above.join("data")]);
            root = &above;
        }
        let boundary = Boundary::of(root, reading.allow_outside)?;
        let holders = holders.iter().filter_map(|holder| Boundary::of(holder, reading.allow_outside).ok()).collect();
        let mut bare = HashMap::new();
        for name in images.iter().filter_map(|image| image.file_name.as_str()) {
            *bare.entry(bare_name(name).to_owned()).or_default() += 1;
        }
        Ok(Folders { folders, boundary, holders, bare })
    }

    /// Whether a file is an image of the data set, for all that its place tells.
    fn admit(&self, path: &Path) -> Result<(), PhotoError> {
        self.boundary.admit(path)?;
        let is_held = self.holders.iter().any(|holder| holder.admit(path).is_ok());
        if is_held { Ok(()) } else { Err(PhotoError::Outside) }
    }

    /// The file of an image: as it is named, with folders named as Windows does, or under its bare name, if no other
    /// image has that: Label Studio names files by their place on its server.
    fn find(&self, name: &str) -> Result<PathBuf, Refusal> {
        let slashes = name.replace('\\', "/");
        let bare = bare_name(name);
        let mut names = vec![name, &slashes];
        names.extend((self.bare.get(bare) == Some(&1)).then_some(bare));
        let mut outside = false;
        for name in names {
            for folder in &self.folders {
                let path = folder.join(name);
                match self.admit(&path) {
                    Ok(()) => return Ok(path),
                    Err(error) => outside |= error == PhotoError::Outside,
                }
            }
        }
        if outside {
            let reason = format!("its file {name} {}", PhotoError::Outside);
            return Err(Refusal::new(PhotoError::Outside.cause(), reason));
        }
        let tried: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        Err(Refusal::new("missing photo", format!("its file {name} is in none of {}", tried.join(", "))))
    }
}

/// What follows the last folder of a path, whichever way folders are named.
fn bare_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// Whole numbers and strings name things; `7`, `7.0` and `"7"` are the same.
fn id_of(json: &Json) -> Option<String> {
    match json {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) if number.is_f64() => {
            number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15).map(|n| (n as i64).to_string())
        }
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Things by their id, which each must have of its own: an annotation must not mean two of them.
fn by_id<T>(what: &str, items: Vec<T>, id: impl Fn(&T) -> &Json) -> Result<HashMap<String, T>, String> {
    let mut found = HashMap::new();
    for (number, item) in (1..).zip(items) {
        let Some(id) = id_of(id(&item)) else { return Err(format!("{what} {number} of the list has no `id`")) };
        if found.insert(id.clone(), item).is_some() {
            return Err(format!("two {what} entries have the id {id}"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
