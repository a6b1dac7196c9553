//! Texts of requests: names and labels that are safe to store and to show.

use std::path::Path;

use jicho::names;

use super::problem::{Problem, Result};

/// The longest name.
const MAX_NAME: usize = 100;

/// A name for people: 1 to 100 characters without line breaks and control characters; white space around it is dropped.
///
/// # Errors
/// 400, naming the field.
pub fn name(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    let detail = match text.chars().count() {
        0 => "it is empty".into(),
        count if count > MAX_NAME => format!("it has {count} characters; at most {MAX_NAME} are allowed"),
        _ => match text.chars().find(|c| names::is_deceptive(*c)) {
            None => return Ok(text.to_owned()),
            Some(c) => format!("it holds the character U+{:04X}, which cannot be shown", u32::from(c)),
        },
    };
    Err(Problem::field(field, detail))
}

/// A label that photos can be trained under.
///
/// # Errors
/// 400, naming the field.
pub fn label(field: &str, text: &str) -> Result<String> {
    match names::label_problem(text) {
        None => Ok(text.to_owned()),
        Some(problem) => Err(Problem::field(field, problem.to_string())),
    }
}

/// A message that names `name` instead of a file of the service's own.
pub fn without_path(message: &str, file: &Path, name: &str) -> String {
    let own = file.file_name().map(|own| own.to_string_lossy().into_owned()).unwrap_or_default();
    message.replace(&file.display().to_string(), name).replace(&own, name)
}

/// A cell of a CSV that a spreadsheet does not run as a formula. An import of products takes the quote away again.
pub fn defused(cell: &str) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err() {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}
