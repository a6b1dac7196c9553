//! Attributes of photos, as the rows of a file tell them, and which of them is the product.
//!
//! Strings become a categorical attribute, arrays of integers a sequence (of one length), numbers a numeric one. The
//! first valid row that has an attribute fixes its type.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{Dataset, Example, Problem, Value, natural};
use crate::error::{Error, Result};

/// Attributes that are the product where none is asked for.
pub const LABEL_FIELDS: [&str; 2] = ["product", "label"];
const MAX_SEQUENCE: usize = 64;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Sequence(usize),
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Text => write!(f, "a string"),
            Kind::Number => write!(f, "a number"),
            Kind::Sequence(length) => write!(f, "an array of {length} integers"),
        }
    }
}

/// The rows of one file, as they are read.
pub struct Rows {
    file: String,
    dataset: Dataset,
    kinds: BTreeMap<String, Kind>,
    first_text: Option<String>,
}

impl Rows {
    /// None yet.
    pub fn new(file: String) -> Self {
        Rows { file, dataset: Dataset::default(), kinds: BTreeMap::new(), first_text: None }
    }

    /// Takes a row: its photo, with the attributes that `fields` are, `null` being none. An error leaves all as it was.
    pub fn add(&mut self, mut example: Example, fields: &Map<String, Json>) -> Result<(), String> {
        let mut kinds = Vec::new();
        for (field, json) in fields.iter().filter(|(_, json)| !json.is_null()) {
            check_name(field)?;
            let value = value(field, json)?;
            let kind = kind_of(&value);
            if let Some(known) = self.kinds.get(field).filter(|k| **k != kind) {
                return Err(format!("`{field}` is {kind}, in earlier rows it is {known}"));
            }
            example.attributes.insert(field.clone(), value);
            kinds.push((field.clone(), kind));
        }
        for (field, kind) in kinds {
            if kind == Kind::Text && self.first_text.is_none() {
                self.first_text = Some(field.clone());
            }
            self.kinds.entry(field).or_insert(kind);
        }
        self.dataset.examples.push(example);
        Ok(())
    }

    /// Notes facts of the product that a row which was taken names.
    pub fn tell(&mut self, fields: &Map<String, Json>, facts: Map<String, Json>) {
        let product = LABEL_FIELDS.into_iter().find_map(|field| fields.get(field)?.as_str());
        if let Some(product) = product.filter(|_| !facts.is_empty()) {
            self.dataset.facts.entry(product.to_owned()).or_default().extend(facts);
        }
    }

    /// Notes what was left out.
    pub fn leave_out(&mut self, line: Option<usize>, reason: String) {
        self.dataset.problems.push(Problem { file: self.file.clone(), line, reason });
    }

    /// All rows, with the product that `label` names, in their order.
    ///
    /// # Errors
    /// No row could be used, or none has a string `label`.
    pub fn finish(mut self, label: Option<&str>) -> Result<Dataset> {
        if self.dataset.examples.is_empty() {
            let why = self.dataset.problems.first().map_or_else(|| "it is empty".to_owned(), ToString::to_string);
            return Err(Error::NoPhotos(format!("{} has no usable row: {why}", self.file)));
        }
        self.assign_labels(label)?;
        self.dataset.examples.sort_by(|a, b| a.label.cmp(&b.label).then_with(|| natural(&a.name, &b.name)));
        Ok(self.dataset)
    }

    /// Chooses which attribute is the product: the one asked for, `product` or `label`, else the first string attribute
    /// of the file, which then stays an attribute as well.
    fn assign_labels(&mut self, asked: Option<&str>) -> Result<()> {
        let Rows { file, dataset, kinds, first_text } = self;
        let is_text = |field: &str| kinds.get(field) == Some(&Kind::Text);
        if let Some(field) = asked.filter(|f| !is_text(f)) {
            return Err(Error::BadInput(format!("{file} has no string field `{field}` to take the product id from")));
        }
        let own = asked.or_else(|| LABEL_FIELDS.into_iter().find(|f| is_text(f))).map(str::to_owned);
        let Some(field) = own.clone().or(first_text.take()) else { return Ok(()) };
        let text = |example: &Example| match example.attributes.get(&field) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let mut labels: Vec<String> = dataset.examples.iter().filter_map(text).collect();
        labels.sort();
        labels.dedup();
        for example in &mut dataset.examples {
            example.label = text(example).and_then(|text| labels.binary_search(&text).ok());
            if own.is_some() {
                example.attributes.remove(&field);
            }
        }
        dataset.labels = labels;
        dataset.label_attribute = own.is_none().then_some(field);
        Ok(())
    }
}

fn check_name(field: &str) -> Result<(), String> {
    let plain = field.len() <= 64 && field.chars().all(|c| c.is_alphanumeric() || "_- ".contains(c));
    if plain && !field.is_empty() { Ok(()) } else { Err(format!("`{field}` cannot name an attribute")) }
}

fn value(field: &str, json: &Json) -> Result<Value, String> {
    match json {
        Json::String(text) if text.is_empty() => Err(format!("`{field}` is empty")),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Number(number) => {
            number.as_f64().filter(|v| v.is_finite()).map(Value::Number).ok_or(format!("`{field}` is not a number"))
        }
        Json::Array(items) if (1..=MAX_SEQUENCE).contains(&items.len()) => items
            .iter()
            .map(|item| item.as_i64().ok_or(format!("`{field}` has `{item}`, only integers are allowed in an array")))
            .collect::<Result<_, _>>()
            .map(Value::Sequence),
        _ => Err(format!("`{field}` is neither string, number nor an array of 1 to {MAX_SEQUENCE} integers")),
    }
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Text(_) => Kind::Text,
        Value::Number(_) => Kind::Number,
        Value::Sequence(items) => Kind::Sequence(items.len()),
    }
}
