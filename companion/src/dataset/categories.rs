//! Tells a tree of categories, `Fruit/Apple/Granny-Smith`, from products whose photos lie in folders by visit or side.

use std::collections::BTreeSet;

/// A category has at least this many products on average; a product rarely has as many folders of photos.
const PRODUCTS_A_CATEGORY: usize = 4;

/// Whether the folders that hold photos are products and those above them categories. `folders` are the names of the folders
/// on the way to each photo.
///
/// All of this must hold, so that folders of one product by visit, day or side are not taken for products:
///
/// - photos lie only at the ends of the tree, some of them three folders deep, none directly in a first folder;
/// - there are at least [`PRODUCTS_A_CATEGORY`] times as many ends as first folders;
/// - the ends' names are all different, even without digits and punctuation.
pub(super) fn are_above_products(folders: impl Iterator<Item = Vec<String>>) -> bool {
    let ends: BTreeSet<Vec<String>> = folders.collect();
    let firsts: BTreeSet<&String> = ends.iter().filter_map(|end| end.first()).collect();
    let is_deep = ends.iter().all(|end| end.len() > 1) && ends.iter().any(|end| end.len() > 2);
    // Sorted, the folders within a folder follow it directly.
    let is_of_ends = ends.iter().zip(ends.iter().skip(1)).all(|(folder, next)| !next.starts_with(folder));
    let names: BTreeSet<String> = ends.iter().filter_map(|end| end.last()).map(|name| letters(name)).collect();
    is_deep
        && is_of_ends
        && ends.len() >= PRODUCTS_A_CATEGORY * firsts.len()
        && names.len() == ends.len()
        && !names.contains("")
}

/// The letters of a name, in lower case.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are(folders: &[&str]) -> bool {
        are_above_products(folders.iter().map(|path| path.split('/').map(str::to_owned).collect()))
    }

    #[test]
    fn a_tree_of_categories_is_known() {
        assert!(are(&[
            "Fruit/Apple/Granny-Smith",
            "Fruit/Apple/Pink-Lady",
            "Fruit/Avocado",
            "Fruit/Banana",
            "Fruit/Melon/Honeydew",
            "Packages/Juice/Orange",
            "Packages/Milk/Oat",
            "Packages/Yoghurt",
        ]));
    }

    #[test]
    fn folders_within_a_product_are_no_products() {
        // By visit, by day, by side, and photos beside the folders.
        assert!(!are(&["kiwi/a/visit-1", "kiwi/a/visit-2", "kiwi/a/visit-3", "kiwi/a/visit-4"]));
        assert!(!are(&["kiwi/may/2024-05-01", "kiwi/may/2024-05-02", "kiwi/june/2024-06-01", "kiwi/june/2024-06-02"]));
        assert!(!are(&["kiwi/front", "kiwi/back", "kiwi/left", "kiwi/right"]));
        assert!(!are(&["kiwi", "kiwi/a/front", "kiwi/a/back", "kiwi/a/left", "kiwi/a/right"]));
        assert!(!are(&["kiwi/a", "kiwi/a/front", "kiwi/b/back", "kiwi/b/left", "kiwi/b/right"]));
        assert!(!are(&["kiwi/x/front", "kiwi/x/back", "lime/y/left", "lime/y/right"]));
        assert!(!are(&[]));
    }
}
