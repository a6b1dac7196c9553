use super::*;
use proptest::prelude::*;

#[test]
fn numbers_in_names_count_as_numbers() {
    let mut names = ["a10.jpg", "a2.jpg", "b1", "a02.jpg", "a", "é3", "a2b"];
    names.sort_by(|a, b| natural(a, b));
    assert_eq!(names, ["a", "a02.jpg", "a2.jpg", "a2b", "a10.jpg", "b1", "é3"]);
    // Leading zeros decide only where nothing else does.
    let mut names = ["a1", "a0", "a00", "a000b", "a01", "a0a", "a1/b", "a01/c", "a100", "a0099"];
    names.sort_by(|a, b| natural(a, b));
    assert_eq!(names, ["a0", "a00", "a0a", "a000b", "a01", "a1", "a1/b", "a01/c", "a0099", "a100"]);
}

#[test]
fn what_is_in_no_split_is_learnt_from() {
    let of = |splits: &[Option<Split>]| Dataset {
        examples: splits.iter().map(|split| Example { split: *split, ..Example::default() }).collect(),
        ..Dataset::default()
    };
    let (train, valid, test) = (Some(Split::Train), Some(Split::Valid), Some(Split::Test));
    let mut dataset = of(&[None, test, None, train, valid]);
    assert!(dataset.has_splits() && dataset.summary().ends_with("3 to learn from, 1 to validate, 1 to test"));
    dataset.keep_measured();
    assert_eq!(dataset.examples.len(), 1);
    for splits in [&[test, test][..], &[None, None], &[train, None], &[]] {
        let mut dataset = of(splits);
        assert!(!dataset.has_splits());
        dataset.keep_measured();
        assert_eq!(dataset.examples.len(), splits.len());
    }
}

/// What the fuzzer starts from, and a little beside it.
#[test]
fn no_bytes_panic() {
    let dir = tempfile::tempdir().unwrap();
    for photo in ["a.jpg", "b.jpg"] {
        std::fs::write(dir.path().join(photo), b"\xff\xd8\xff\xe0").unwrap();
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/dataset");
    for seed in std::fs::read_dir(folder).unwrap() {
        let seed = seed.unwrap();
        let is_coco = seed.file_name().to_string_lossy().starts_with("coco-");
        let file = dir.path().join(if is_coco { "instances.json" } else { "rows.jsonl" });
        let read = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            Dataset::read(&file, &Reading::default())
        };
        let bytes = std::fs::read(seed.path()).unwrap();
        assert!(read(&bytes).is_ok(), "seeds are data sets: {}", seed.path().display());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] = b'9';
            for bytes in [&bytes[..at], &changed] {
                if let Ok(dataset) = read(bytes) {
                    let mut examples = dataset.examples.iter();
                    assert!(examples.all(|example| example.label.is_none_or(|l| l < dataset.labels.len())));
                }
            }
        }
    }
}

#[test]
fn deep_nesting_ends_in_an_error_and_not_the_stack() {
    const DEPTH: usize = 200_000;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.jpg"), b"\xff\xd8\xff\xe0").unwrap();
    let (lists, objects) = ("[".repeat(DEPTH), "{\"a\":".repeat(DEPTH));
    let row = |field: &str| format!("{{\"image_path\":\"a.jpg\",\"product\":\"p\",\"x\":{field}}}");
    let tags = format!("<annotation>{}", "<object>x".repeat(DEPTH));
    let long = format!("[\"{}\"]", "x".repeat(DEPTH));
    let documents = [
        ("rows.json", long),
        ("rows.jsonl", lists.clone()),
        ("rows.jsonl", row(&lists)),
        ("rows.jsonl", row(&objects)),
        ("rows.json", format!("[{}", row(&objects))),
        ("instances.json", format!("{{\"images\":{lists}")),
        ("instances.json", objects),
        ("data.yaml", format!("names: {lists}")),
        ("data.yaml", "? ".repeat(DEPTH / 10)),
        ("a.xml", tags),
    ];
    for (name, text) in documents {
        let file = dir.path().join(name);
        std::fs::write(&file, &text).unwrap();
        let error = Dataset::read(&file, &Reading::default()).unwrap_err();
        assert!(["BAD_INPUT", "NO_PHOTOS"].contains(&error.code()), "{name}: {error}");
        assert!(error.to_string().len() < 1000, "{name}");
    }
}

proptest! {
    #[test]
    fn natural_order_is_total(a in "[a0-2]{0,6}", b in "[a0-2]{0,6}", c in "[a0-2]{0,6}") {
        prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
        prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
        if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
            prop_assert!(natural(&a, &c).is_le());
        }
    }
}
