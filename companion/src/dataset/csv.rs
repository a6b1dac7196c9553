//! Tables: a line of column names, then a line per photo.

use std::path::Path;

use ::csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Number, Value as Json};

use super::jsonl::{self, Source};
use super::refusal::Refusal;
use super::{Dataset, Reading, fields};
use crate::error::{Error, Result};

pub(super) fn read(file: &Path, bytes: &[u8], reading: &Reading) -> Result<Dataset> {
    let wrong = |what: String| Error::BadInput(format!("{} cannot be read as CSV: {what}", file.display()));
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter(bytes)).trim(Trim::All).flexible(false).from_reader(bytes);
    let columns = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
    let folder = file.parent().unwrap_or(Path::new(""));
    if let Some(photo) = columns.iter().find(|name| name.contains('.') && folder.join(name).is_file()) {
        return Err(wrong(format!("its first line names the photo {photo}; write a line of column names above it")));
    }
    let records: Vec<(usize, Result<StringRecord, Refusal>)> = reader
        .records()
        .map(|record| match record {
            Ok(record) => (record.position().map_or(0, |at| at.line() as usize), Ok(record)),
            Err(error) => {
                let line = error.position().map_or(0, |at| at.line() as usize);
                (line, Err(Refusal::new("unusable line", error.to_string())))
            }
        })
        .collect();
    // A column is of numbers only if all of it is: else `007` here would be another thing than `007a` there. Names of
    // products may be whole numbers, which are written one way only.
    let of_numbers: Vec<bool> = columns
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let names = fields::is_label(name) || reading.label.as_deref() == Some(name);
            let mut cells = records.iter().filter_map(|(_, record)| record.as_ref().ok()?.get(column));
            cells.all(|cell| cell.is_empty() || number(cell).is_some_and(|n| !names || !n.is_f64()))
        })
        .collect();
    let objects = records.into_iter().map(|(line, record)| {
        let object = record.map(|record| {
            let cells = columns.iter().zip(&record).zip(&of_numbers).filter(|((name, _), _)| !name.is_empty());
            cells.map(|((name, cell), of_numbers)| (name.to_owned(), value(cell, *of_numbers))).collect::<Map<_, _>>()
        });
        (line, object)
    });
    jsonl::read_rows(file, objects, &Source::beside(file, reading)?, reading)
}

fn value(cell: &str, of_numbers: bool) -> Json {
    match number(cell).filter(|_| of_numbers) {
        _ if cell.is_empty() => Json::Null,
        Some(number) => Json::Number(number),
        None => Json::String(cell.to_owned()),
    }
}

/// The number that a cell is. Digits that no whole number is written with, such as `0042`, are a code.
fn number(cell: &str) -> Option<Number> {
    let unsigned = cell.strip_prefix('-').unwrap_or(cell);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    if digits == unsigned.len() {
        return cell.parse::<i64>().ok().filter(|whole| whole.to_string() == cell).map(Number::from);
    }
    let is_code = unsigned.starts_with('+') || (digits > 1 && unsigned.starts_with('0'));
    cell.parse::<f64>().ok().filter(|_| !is_code).and_then(Number::from_f64)
}

/// The one of the usual delimiters that the line of names has most of.
fn delimiter(bytes: &[u8]) -> u8 {
    let names = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| names.iter().filter(|byte| **byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::*;

    fn read_text(text: &str) -> Result<Dataset> {
        let dir = tempfile::tempdir().unwrap();
        for image in ["a.jpg", "b.jpg"] {
            std::fs::write(dir.path().join(image), b"x").unwrap();
        }
        let file = dir.path().join("labels.csv");
        std::fs::write(&file, text).unwrap();
        Dataset::read(&file, &Reading::default())
    }

    #[test]
    fn a_line_is_a_photo() {
        for text in [
            "path,label,weight,code\na.jpg,kiwi,1.5,007\nb.jpg,lime,,12a\n",
            "path;label;weight;code\r\na.jpg;kiwi;1.5;007\r\nb.jpg;\"lime\";;12a\r\n",
            "\u{feff}path\tlabel\tweight\tcode\na.jpg\tkiwi\t1.5\t007\nb.jpg\t lime\t\t12a",
        ] {
            let dataset = read_text(text).unwrap();
            assert_eq!(dataset.labels, ["kiwi", "lime"], "{text}");
            assert_eq!(dataset.examples[0].attributes["code"], Value::Text("007".into()));
        }
    }

    #[test]
    fn classes_may_be_numbers_and_boxes_edges() {
        let text =
            "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,90,90,3,1,2,31,42\nb.jpg,90,90,4,1,2,31,42\n";
        let dataset = read_text(text).unwrap();
        assert_eq!(dataset.labels, ["3", "4"]);
        assert_eq!(dataset.examples[0].region.unwrap().bounds(), [1.0, 2.0, 30.0, 40.0]);
        assert!(dataset.examples.iter().all(|example| example.attributes.is_empty()));
    }

    #[test]
    fn codes_keep_their_zeros() {
        let dataset = read_text("path,label,shelf,weight\na.jpg,0042,07,1.50\nb.jpg,0043,08,-0.5\n").unwrap();
        assert_eq!(dataset.labels, ["0042", "0043"]);
        assert_eq!(dataset.examples[0].attributes["shelf"], Value::Text("07".into()));
        assert_eq!(dataset.examples[0].attributes["weight"], Value::Number(1.5));
        assert_eq!(read_text("path,label\na.jpg,1.0\nb.jpg,2.50\n").unwrap().labels, ["1.0", "2.50"]);
        assert_eq!(read_text("path,label\na.jpg,12345678901234567890\n").unwrap().labels, ["12345678901234567890"]);
        for code in ["+7", "-0", "00", "007.5", "0042", "12345678901234567890"] {
            assert_eq!(number(code), None, "{code}");
        }
        for cell in ["0", "-7", "0.50", "1e-05", "-12.25"] {
            assert!(number(cell).is_some(), "{cell}");
        }
    }

    #[test]
    fn columns_are_known_in_any_case() {
        let text = "Filename,Split,Label,XMin,YMin,XMax,YMax\na.jpg,Train,kiwi,1,2,31,42\nb.jpg,Test,lime,1,2,31,42\n";
        let dataset = read_text(text).unwrap();
        assert_eq!(dataset.labels, ["kiwi", "lime"]);
        assert_eq!(dataset.examples[0].region.unwrap().bounds(), [1.0, 2.0, 30.0, 40.0]);
        assert!(dataset.has_splits() && dataset.examples.iter().all(|example| example.attributes.is_empty()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let dataset = read_text("path,label\na.jpg,kiwi\nb.jpg\ngone.jpg,lime\n").unwrap();
        assert_eq!(dataset.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [Some(3), Some(4)]);
        assert!(read_text("a.jpg,kiwi\nb.jpg,lime\n").unwrap_err().to_string().contains("column names"));
        assert_eq!(read_text("").unwrap_err().code(), "NO_PHOTOS");
        assert_eq!(read_text("x,label\n1,kiwi\n").unwrap_err().code(), "NO_PHOTOS");
    }
}
