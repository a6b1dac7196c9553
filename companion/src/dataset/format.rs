//! Which kind of data set a path leads to.

use std::path::Path;

use super::{Dataset, Reading, coco, csv, folder, jsonl, voc, yolo, zip};
use crate::error::{Error, Result};
use crate::photo::{self, HEAD, Kind, PhotoError, ending};

/// The longest file of rows or annotations that is read. Lessons hold their photos.
const MAX_BYTES: u64 = 4 << 30;
/// What any of the messages below ends with.
const READ: &str = "a folder with a folder of photos per product, JSONL or CSV rows, COCO, Pascal VOC or YOLO annotations, \
                    or a zip of a folder are read";

/// The kinds of data sets that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
pub enum Format {
    /// As the content tells
    #[default]
    Auto,
    /// A folder with a folder of photos per product
    Folder,
    /// A JSON object a line, or one array of them
    Jsonl,
    /// A table with a line of column names
    Csv,
    /// COCO annotations
    Coco,
    /// Pascal VOC: an XML file per photo
    Voc,
    /// YOLO: data.yaml, and a text file of boxes per photo
    Yolo,
    /// A zip of a folder
    Zip,
}

/// Reads what is at `path`; without `by_product` folders may have any names.
pub(super) fn read(path: &Path, reading: &Reading, by_product: bool) -> Result<Dataset> {
    if path.is_dir() {
        let format = match reading.format {
            Format::Auto => of_folder(path, reading),
            format => format,
        };
        return match format {
            Format::Yolo => yolo::read(&path.join(yolo::NAME), reading),
            Format::Voc => voc::read(path, reading),
            Format::Folder if by_product => folder::read(path, reading),
            Format::Folder => folder::read_unlabelled(path, reading),
            _ => Err(Error::BadInput(format!("{} is a folder; --format tells what a file is", path.display()))),
        };
    }
    let bytes = read_file(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let format = match reading.format {
        Format::Auto => of_file(path, bytes)?,
        format => format,
    };
    match format {
        Format::Zip => zip::read(path, bytes, reading, by_product),
        Format::Csv => csv::read(path, bytes, reading),
        Format::Coco => coco::read(path, bytes, reading),
        Format::Yolo => yolo::read(path, reading),
        Format::Voc => voc::read(path, reading),
        Format::Jsonl if is_array(bytes) => jsonl::read_array(path, bytes, reading),
        Format::Auto | Format::Jsonl => jsonl::read(path, bytes, reading),
        Format::Folder => Err(Error::BadInput(format!("{} is a file, no folder", path.display()))),
    }
}

/// The bytes of a file of rows or annotations.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>> {
    photo::read_bytes_up_to(path, MAX_BYTES).map_err(|error| match error {
        PhotoError::Io(why) => Error::NotFound(format!("{}: {why}; {READ}", path.display())),
        error => Error::BadInput(format!("{} {error}", path.display())),
    })
}

/// A folder with YOLO's file of names, or one of nothing but photos with annotations, is no folder of products.
fn of_folder(folder: &Path, reading: &Reading) -> Format {
    if folder.join(yolo::NAME).is_file() {
        return Format::Yolo;
    }
    if voc::is_voc(folder, reading) { Format::Voc } else { Format::Folder }
}

fn of_file(path: &Path, bytes: &[u8]) -> Result<Format> {
    let refuse =
        |what: &str, instead: &str| Err(Error::BadInput(format!("{} is {what}: {instead} ({READ})", path.display())));
    let head = &bytes[..bytes.len().min(HEAD)];
    let text = bytes.trim_ascii_start();
    match Kind::of(path, head) {
        Kind::Other | Kind::Empty => {}
        Kind::Foreign(what) => return refuse(what, "give the folder that holds the products' folders"),
        _ => return refuse("a photo", "give the folder that holds the products' folders"),
    }
    match (ending(path).as_str(), head) {
        ("xlsx" | "xls" | "ods", _) => refuse("a spreadsheet", "save it as CSV"),
        (_, [b'P', b'K', 3 | 5, 4 | 6, ..]) => Ok(Format::Zip),
        (_, [0x1f, 0x8b, ..]) | ("tar" | "tgz" | "bz2" | "xz" | "zst", _) => {
            refuse("a packed archive", "unpack it, and give the folder")
        }
        (_, [b'7', b'z', 0xbc, 0xaf, ..]) => refuse("a 7z archive", "unpack it, and give the folder"),
        (_, [b'R', b'a', b'r', b'!', ..]) => refuse("a RAR archive", "unpack it, and give the folder"),
        (_, [b'P', b'A', b'R', b'1', ..]) => {
            refuse("a Parquet table", "write its photos to files and its columns to CSV, with a column `image_path`")
        }
        ("tfrecord" | "record", _) => refuse("a TFRecord file", "export the data set as COCO, Pascal VOC or YOLO"),
        ("csv" | "tsv", _) => Ok(Format::Csv),
        ("yaml" | "yml", _) => Ok(Format::Yolo),
        ("xml", _) if contains(text, b"<annotation") => Ok(Format::Voc),
        ("xml", _) | (_, [b'<', ..]) => refuse("XML of another kind", "export the data set as COCO"),
        _ if text.starts_with(b"{") && contains(head, b"_via_") => {
            refuse("a project of the VGG Image Annotator", "export its annotations as COCO")
        }
        _ if text.starts_with(b"{") && contains(text, b"\"imagePath\"") && contains(text, b"\"shapes\"") => {
            refuse("a LabelMe file", "convert the folder with `labelme2coco`")
        }
        _ if is_array(bytes) => Ok(Format::Jsonl),
        _ if coco::is_coco(path, bytes) => Ok(Format::Coco),
        _ => Ok(Format::Jsonl),
    }
}

/// One JSON array instead of a line each. A first line that is an array in itself begins JSONL that is wrong throughout.
fn is_array(bytes: &[u8]) -> bool {
    let mut rest = bytes.trim_ascii_start().strip_prefix(b"[").unwrap_or_default().trim_ascii_start().iter();
    rest.next() == Some(&b'{')
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
