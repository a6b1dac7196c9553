//! The companion's data sets, without what the rest of the companion needs.

use crate::dataset::{Dataset, Format, Reading};

/// What the input is taken for: rows, annotations, tables, and descriptions of YOLO and Pascal VOC.
const KINDS: [(&str, Format); 5] = [
    ("rows.jsonl", Format::Jsonl),
    ("instances.json", Format::Coco),
    ("labels.csv", Format::Auto),
    ("data.yaml", Format::Auto),
    ("a.xml", Format::Auto),
];

/// Reads `input` as a file of each kind beside two photos. Panics where that does not end in a data set or an error that says
/// something.
pub fn read(input: &[u8]) {
    thread_local! {
        static FOLDER: tempfile::TempDir = {
            let folder = tempfile::tempdir().expect("a temporary folder can be made");
            for photo in ["a.jpg", "b.jpg"] {
                std::fs::write(folder.path().join(photo), b"\xff\xd8\xff\xe0").expect("it can be written to");
            }
            folder
        };
    }
    FOLDER.with(|folder| {
        for (name, format) in KINDS {
            let file = folder.path().join(name);
            std::fs::write(&file, input).expect("the folder can be written to");
            for format in [Format::Auto, format] {
                let reading = Reading { format, ..Reading::default() };
                match Dataset::read(&file, &reading) {
                    Ok(dataset) => {
                        assert!(!dataset.examples.is_empty());
                        for example in &dataset.examples {
                            assert!(example.label.is_none_or(|label| label < dataset.labels.len()));
                            assert!(example.bytes.is_some() || example.path.starts_with(folder.path()));
                        }
                        let _ = dataset.summary();
                    }
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
            std::fs::remove_file(&file).expect("it was written");
        }
    });
}
