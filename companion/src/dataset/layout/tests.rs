use std::fs;

use tempfile::TempDir;

use super::super::Reading;
use super::*;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0";

/// A folder `shop` with files that begin as JPEGs do; a name that ends in `/` is an empty folder.
fn shop(files: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join("shop").join(file);
        if file.ends_with('/') {
            fs::create_dir_all(path).unwrap();
            continue;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, JPEG).unwrap();
    }
    dir
}

fn read_by(dir: &TempDir, labels: LabelFolder) -> Result<Dataset> {
    Dataset::read(&dir.path().join("shop"), &Reading { labels, ..Reading::default() })
}

fn read(files: &[&str]) -> Dataset {
    read_by(&shop(files), LabelFolder::default()).unwrap()
}

fn says(texts: &[String], part: &str) -> bool {
    texts.iter().any(|text| text.contains(part))
}

#[test]
fn the_first_folder_names_the_product() {
    let dataset = read(&["banana/visit-1/a.jpg", "kiwi/visit-2/a.jpg", "banana/b.jpg"]);
    assert_eq!(dataset.labels, ["banana", "kiwi"]);
    assert!(says(&dataset.notes, "--labels deepest"), "{:?}", dataset.notes);
    // The same day in two products' folders is no product.
    assert_eq!(read(&["banana/2024-05-01/a.jpg", "kiwi/2024-05-01/a.jpg"]).labels, ["banana", "kiwi"]);
    let one = read(&["shop/banana/a.jpg", "shop/kiwi/a.jpg"]);
    assert!(one.labels == ["shop"] && says(&one.warnings, "--labels deepest"), "{:?}", one.warnings);
}

#[test]
fn the_deepest_folder_may_name_it() {
    let dir = shop(&["fruit/banana/a.jpg", "fruit/kiwi/a.jpg", "tea/a.jpg"]);
    assert_eq!(read_by(&dir, LabelFolder::Deepest).unwrap().labels, ["banana", "kiwi", "tea"]);
    let twice = shop(&["fruit/banana/a.jpg", "dried/banana/a.jpg"]);
    assert_eq!(read_by(&twice, LabelFolder::Deepest).unwrap_err().code(), "DUPLICATE_PRODUCT");
}

#[test]
fn folders_of_categories_are_no_products() {
    let files =
        ["train/fruit/citrus/lime/a.jpg", "train/fruit/kiwi/a.jpg", "train/fruit/leek/a.jpg", "train/fruit/fig/a.jpg"];
    let dir = shop(&[&files[..], &["test/fruit/citrus/lime/b.jpg"]].concat());
    let dataset = read_by(&dir, LabelFolder::default()).unwrap();
    assert_eq!(dataset.labels, ["fig", "kiwi", "leek", "lime"]);
    assert!(says(&dataset.notes, "--labels first"), "{:?}", dataset.notes);
    assert_eq!(read_by(&dir, LabelFolder::First).unwrap().labels, ["fruit"]);
}

#[test]
fn splits_are_splits() {
    let files = ["train/banana/a.jpg", "train/kiwi/a.jpg", "Valid/kiwi/b.jpg", "test/banana/c.jpg", "test/lime/d.jpg"];
    let dataset = read(&files);
    assert_eq!(dataset.labels, ["banana", "kiwi", "lime"]);
    let of = |name: &str| dataset.examples.iter().find(|e| e.name == name).unwrap().split;
    assert_eq!([of(files[0]), of(files[2]), of(files[3])], [Some(Split::Train), Some(Split::Valid), Some(Split::Test)]);
    assert!(dataset.has_splits() && dataset.summary().contains("2 to learn from, 1 to validate, 2 to test"));
    // A toy train is a product.
    let dataset = read(&["train/a.jpg", "ball/a.jpg"]);
    assert!(dataset.labels == ["ball", "train"] && !dataset.has_splits());
    for files in [&["train/a.jpg", "test/a.jpg"][..], &["train/kiwi/a.jpg", "test/kiwi/a.jpg", "extra/a.jpg"]] {
        let error = read_by(&shop(files), LabelFolder::default()).unwrap_err();
        assert!(error.code() == "BAD_INPUT" && error.to_string().contains("the splits"), "{error}");
    }
}

#[test]
fn photos_in_no_folder_and_folders_without_photos_are_told() {
    let dataset = read(&["cover.jpg", "banana/a.jpg", "kiwi/", "lime/deep/"]);
    assert_eq!(dataset.labels, ["banana"]);
    assert!(dataset.problems.len() == 1 && dataset.problems[0].to_string().contains("cover.jpg lies in no product"));
    assert!(says(&dataset.warnings, "kiwi, lime"), "{:?}", dataset.warnings);
    let flat = read(&["banana_0.jpg", "kiwi_0.jpg"]);
    assert!(flat.labels == ["shop"] && says(&flat.warnings, "one product, `shop`"));
}

#[test]
fn annotations_beside_photos_are_named() {
    for name in ["_annotations.coco.json", "metadata.jsonl", "labels.csv"] {
        let dir = shop(&["a.jpg", "b.jpg"]);
        fs::write(dir.path().join("shop").join(name), "").unwrap();
        let error = read_by(&dir, LabelFolder::default()).unwrap_err();
        assert!(error.code() == "BAD_INPUT" && error.to_string().contains(name), "{error}");
        fs::create_dir(dir.path().join("shop/kiwi")).unwrap();
        fs::write(dir.path().join("shop/kiwi/c.jpg"), JPEG).unwrap();
        assert_eq!(read_by(&dir, LabelFolder::default()).unwrap().labels, ["kiwi"]);
    }
}

#[test]
fn systems_folders_are_no_products() {
    let dataset = read(&[
        "banana/a.jpg",
        "banana/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "kiwi/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "kiwi/b.jpg",
        "#recycle/c.jpg",
        "$RECYCLE.BIN/c.jpg",
        "lost+found/c.jpg",
        "__MACOSX/kiwi/._b.jpg",
        ".@__thumb/c.jpg",
        "kiwi/.hidden.jpg",
    ]);
    assert_eq!((dataset.labels.len(), dataset.examples.len()), (2, 2));
    assert!(says(&dataset.notes, "2 @eaDir") && says(&dataset.notes, "1 #recycle"), "{:?}", dataset.notes);
    assert!(!says(&dataset.notes, "thumb"), "hidden ones are not worth a word");
}

#[test]
fn files_are_known_by_their_content_and_counted_by_reason() {
    let names = ["p0.jpe", "p1.pjpeg", "p2.jpg_large", "p3", "p4.dng", "p5.JFIF"].map(|name| format!("mixed/{name}"));
    let dir = shop(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mixed = dir.path().join("shop/mixed");
    fs::write(mixed.join("phone.jpg"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    fs::write(mixed.join("phone.heic"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    fs::write(mixed.join("empty.jpg"), b"").unwrap();
    fs::write(mixed.join("page.jpg"), b"<html>").unwrap();
    fs::write(mixed.join("notes.txt"), b"notes").unwrap();
    fs::write(mixed.join("Thumbs.db"), b"\xd0\xcf").unwrap();
    let dataset = read_by(&dir, LabelFolder::default()).unwrap();
    assert_eq!(dataset.examples.len(), names.len());
    let told = super::super::left_out(&dataset.problems).unwrap();
    assert_eq!(told, "4 left out: 2 HEIC, 1 empty, 1 not an image");
    assert!(says(&dataset.notes, "1 .txt"), "{:?}", dataset.notes);
}

#[test]
fn names_that_cannot_be_ids_and_names_alike_are_refused() {
    for files in [&["ki\u{202e}wi/a.jpg"][..], &["con/a.jpg"], &["Kiwi/a.jpg", "kiwi/a.jpg"]] {
        let error = read_by(&shop(files), LabelFolder::default()).unwrap_err();
        assert!(error.code() == "BAD_INPUT" && !error.to_string().contains('\u{202e}'), "{error}");
    }
    assert_eq!(read(&["cafe\u{301}/a.jpg"]).labels, ["caf\u{e9}"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_the_folder_alone() {
    use std::os::unix::fs::symlink;

    let dir = shop(&["kiwi/a.jpg", "lime/b.jpg"]);
    let shop = dir.path().join("shop");
    fs::create_dir(dir.path().join("private")).unwrap();
    fs::write(dir.path().join("private/passport.jpg"), JPEG).unwrap();
    symlink(dir.path().join("private/passport.jpg"), shop.join("kiwi/c.jpg")).unwrap();
    symlink(dir.path().join("private"), shop.join("pears")).unwrap();
    symlink(shop.join("lime/b.jpg"), shop.join("kiwi/d.jpg")).unwrap();
    let read = |allow_outside| Dataset::read(&shop, &Reading { allow_outside, ..Reading::default() }).unwrap();
    let inside = read(false);
    assert_eq!((inside.labels.len(), inside.examples.len(), inside.problems.len()), (2, 3, 2));
    assert!(inside.problems.iter().all(|problem| problem.to_string().contains("--allow-outside")));
    assert_eq!((read(true).labels.len(), read(true).examples.len()), (3, 5));
}
