//! What the folders of a data set mean: splits, products, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::folder::{self, Tree};
use super::{Dataset, LabelFolder, Problem, Split, categories, labels, natural};
use crate::error::{Error, Result};

/// How many names a message lists.
const LISTED: usize = 5;
/// What tools call a file that tells what the photos beside it show.
const ANNOTATIONS: [&str; 10] = [
    "_annotations.coco.json",
    "_annotations.csv",
    "_classes.csv",
    "annotations.csv",
    "annotations.json",
    "annotations.jsonl",
    "labels.csv",
    "labels.jsonl",
    "metadata.csv",
    "metadata.jsonl",
];

/// A photo's place below the root.
struct Place {
    path: PathBuf,
    /// The folders on the way to it.
    folders: Vec<String>,
}

/// Gives each photo its product and its split.
pub(super) fn understand(tree: Tree, labelled_by: LabelFolder) -> Result<Dataset> {
    let Tree { root, photos, folders, mut dataset } = tree;
    let places: Vec<Place> = photos.into_iter().map(|path| place(&root, path)).collect();
    let splits = splits(&root, &places)?;
    let above = usize::from(splits);
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let below = |place: &Place| place.folders[above.min(place.folders.len())..].to_vec();
    let is_of_categories = labelled_by == LabelFolder::Auto && categories::are_above_products(places.iter().map(below));
    let labelled_by = match labelled_by {
        LabelFolder::Auto if is_of_categories => LabelFolder::Deepest,
        LabelFolder::Auto => LabelFolder::First,
        chosen => chosen,
    };
    let is_flat = !splits && places.iter().all(|place| place.folders.is_empty());
    if is_flat && let Some(file) = annotations(&root) {
        return Err(Error::BadInput(format!(
            "{name} holds photos in no product's folder, and beside them {file}, which may tell what they show: give that \
             file (of a zip, unpack it first), or move it away"
        )));
    }
    if is_flat {
        dataset.warnings.push(format!(
            "{name} holds no folders of products: its photos are all taken for one product, `{name}`. Make a folder per \
             product if they show several"
        ));
    }

    let mut products: BTreeMap<String, Product> = BTreeMap::new();
    let (mut deeper, mut stray) = (BTreeSet::new(), 0);
    for Place { path, folders } in places {
        let below = &folders[above.min(folders.len())..];
        let (of, is_deeper) = match (labelled_by, below) {
            _ if is_flat => (name.as_str(), false),
            (_, []) => {
                let file = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
                let reason = "lies in no product's folder; move it into one".to_owned();
                dataset.problems.push(Problem { file, line: None, reason, cause: "in no product's folder" });
                stray += 1;
                continue;
            }
            (LabelFolder::Deepest, [.., last]) => (last.as_str(), false),
            (_, [first, deeper @ ..]) => (first.as_str(), !deeper.is_empty()),
        };
        if is_deeper {
            deeper.insert(folders.join("/"));
        }
        let id = labels::product_id(of).map_err(|why| Error::BadInput(format!("{}: {why}", root.display())))?;
        let home = match labelled_by {
            LabelFolder::Deepest => below.iter().collect(),
            _ => PathBuf::from(of),
        };
        let product = products.entry(id.clone()).or_insert_with(|| Product { home: home.clone(), photos: Vec::new() });
        if product.home != home {
            let [first, second] = [&product.home, &home].map(|home| root.join(home));
            return Err(Error::DuplicateProduct { id, first, second });
        }
        let split = folders.first().filter(|_| splits).and_then(|name| Split::parse(name));
        product.photos.push((path, split));
    }
    dataset.warnings.extend(empty(&folders, &root, above, labelled_by, &products));
    for (label, (id, product)) in products.into_iter().enumerate() {
        let mut photos = product.photos;
        photos.sort_by(|a, b| natural(&a.0.to_string_lossy(), &b.0.to_string_lossy()));
        dataset.examples.extend(photos.into_iter().map(|(path, split)| {
            let mut example = folder::example(&root, path);
            (example.label, example.split) = (Some(label), split);
            example
        }));
        dataset.labels.push(id);
    }
    if dataset.examples.is_empty() {
        return Err(Error::NoPhotos(format!("{stray} photos of {} lie in no product's folder", root.display())));
    }
    labels::check_cases(&dataset.labels)?;
    let by = match labelled_by {
        LabelFolder::Deepest if is_of_categories => {
            "the folder that holds the photo, as those above it are categories; --labels first would take the first folder"
        }
        LabelFolder::Deepest => "the folder that holds the photo",
        _ if splits => "the first folder below each split",
        _ => "the first folder",
    };
    dataset.notes.push(format!("the product is {by}"));
    if !deeper.is_empty() {
        let text = format!(
            "photos lie deeper than their products' folders ({}): they are photos of the first folder; with --labels \
             deepest the folder that holds them would be the product",
            listed(&deeper)
        );
        // One product made of several folders is rarely what was meant.
        if dataset.labels.len() == 1 && deeper.len() > 1 {
            dataset.warnings.push(text);
        } else {
            dataset.notes.push(text);
        }
    }
    Ok(dataset)
}

struct Product {
    /// The folder that it is named after, below the root or the split.
    home: PathBuf,
    photos: Vec<(PathBuf, Option<Split>)>,
}

fn place(root: &Path, path: PathBuf) -> Place {
    Place { folders: folders_of(root, path.parent().unwrap_or(root)), path }
}

fn folders_of(root: &Path, folder: &Path) -> Vec<String> {
    let below = folder.strip_prefix(root).unwrap_or(Path::new(""));
    below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

/// The name of the file in a folder that tells what the photos there show.
pub(super) fn annotations(folder: &Path) -> Option<&'static str> {
    ANNOTATIONS.into_iter().find(|name| folder.join(name).is_file())
}

/// Whether the first folders are splits of the data set rather than products.
fn splits(root: &Path, places: &[Place]) -> Result<bool> {
    let holding: BTreeSet<&String> = places.iter().filter_map(|place| place.folders.first()).collect();
    let (parts, others): (Vec<&String>, Vec<&String>) = holding.iter().partition(|name| Split::parse(name).is_some());
    let nested = |name: &String| places.iter().any(|p| p.folders.first() == Some(name) && p.folders.len() > 1);
    let names = |names: &[&String]| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    if parts.len() > 1 && !parts.iter().any(|name| nested(name)) {
        let hint = match annotations(&root.join(parts[0])) {
            Some(file) => format!("give the annotations, {}", root.join(parts[0]).join(file).display()),
            None => "put the photos of each product into a folder of its own there".into(),
        };
        return Err(Error::BadInput(format!(
            "{} holds the splits {}, whose photos lie in no product's folder: {hint}",
            root.display(),
            names(&parts)
        )));
    }
    let splits = !parts.is_empty() && parts.iter().any(|name| nested(name));
    if splits && !others.is_empty() && parts.len() > 1 {
        return Err(Error::BadInput(format!(
            "{} holds the splits {} and other folders beside them ({}): move the others away, or rename the splits if \
             they are products",
            root.display(),
            names(&parts),
            names(&others)
        )));
    }
    Ok(splits && others.is_empty())
}

/// Folders that were made for products and hold no photo.
fn empty(
    folders: &[PathBuf],
    root: &Path,
    above: usize,
    labelled_by: LabelFolder,
    products: &BTreeMap<String, Product>,
) -> Option<String> {
    let homes: BTreeSet<String> = folders
        .iter()
        .map(|folder| folders_of(root, folder))
        .filter(|parts| labelled_by != LabelFolder::Deepest && parts.len() == above + 1)
        .map(|parts| parts[above].clone())
        .collect();
    let empty: BTreeSet<String> =
        homes.into_iter().filter(|home| labels::product_id(home).is_ok_and(|id| !products.contains_key(&id))).collect();
    (!empty.is_empty())
        .then(|| format!("left out, as their folders hold no photo that can be read: {}", listed(&empty)))
}

fn listed(names: &BTreeSet<String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let first: Vec<&str> = names.iter().take(LISTED).map(String::as_str).collect();
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

#[cfg(test)]
mod tests;
