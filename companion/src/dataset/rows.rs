//! Attributes of photos, as the rows of a file tell them, and which of them is the product.
//!
//! Strings become a categorical attribute, arrays of integers a sequence (of one length), numbers a numeric one. The
//! first valid row that has an attribute fixes its type. Fields that tools write for themselves become none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::fields::{self, LABELS};
use super::refusal::Refusal;
use super::{Dataset, Example, Problem, Reading, Value, labels, natural};
use crate::error::{Error, Result};
use crate::text::shortened;

const MAX_SEQUENCE: usize = 64;
/// Below it, 2^53, a number with a fraction holds every whole number, so that two names stay two.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;
/// How many names a message lists.
const LISTED: usize = 6;
/// Characters of a reason that are told.
pub const LONGEST_REASON: usize = 500;
/// The causes that rows are left out for which name a product, or say of it what cannot be.
const NAME: &str = "unusable name";
const ATTRIBUTE: &str = "unusable attribute";

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
    reading: Reading,
    dataset: Dataset,
    kinds: BTreeMap<String, Kind>,
    first_text: Option<String>,
    /// Fields that name things by numbers, such as `"label": 3`.
    numbered: BTreeSet<String>,
    /// Fields that were passed over.
    passed: BTreeSet<String>,
    /// What rows say of their products, by the row's place among the examples.
    facts: BTreeMap<usize, Map<String, Json>>,
}

impl Rows {
    /// None yet.
    pub fn new(file: String, reading: &Reading) -> Self {
        Rows {
            file,
            reading: reading.clone(),
            dataset: Dataset::default(),
            kinds: BTreeMap::new(),
            first_text: None,
            numbered: BTreeSet::new(),
            passed: BTreeSet::new(),
            facts: BTreeMap::new(),
        }
    }

    /// Takes a row: its photo, with the attributes that `fields` are, `null` being none. An error leaves all as it was.
    pub fn add(&mut self, mut example: Example, fields: &Map<String, Json>) -> Result<(), Refusal> {
        let mut kinds = Vec::new();
        let (mut numbered, mut passed) = (Vec::new(), Vec::new());
        for (field, json) in fields.iter().filter(|(_, json)| !json.is_null()) {
            let names = self.names_products(field);
            if !names && fields::is_bookkeeping(field) && !self.reading.attributes.contains(field) {
                passed.push(field.clone());
                continue;
            }
            check_name(field).map_err(Refusal::of(ATTRIBUTE))?;
            let value = match names {
                true => Value::Text(name(field, json).map_err(Refusal::of(NAME))?),
                false => value(field, json).map_err(Refusal::of(ATTRIBUTE))?,
            };
            let kind = kind_of(&value);
            if let Some(known) = self.kinds.get(field).filter(|k| **k != kind) {
                return Err(Refusal::new(ATTRIBUTE, format!("`{field}` is {kind}, in earlier rows it is {known}")));
            }
            numbered.extend((names && json.is_number()).then(|| field.clone()));
            example.attributes.insert(field.clone(), value);
            kinds.push((field.clone(), kind));
        }
        for (field, kind) in kinds {
            if kind == Kind::Text && self.first_text.is_none() {
                self.first_text = Some(field.clone());
            }
            self.kinds.entry(field).or_insert(kind);
        }
        self.numbered.extend(numbered);
        self.passed.extend(passed);
        self.dataset.examples.push(example);
        Ok(())
    }

    /// Whether the values of a field are names, be they written as numbers.
    fn names_products(&self, field: &str) -> bool {
        fields::is_label(field) || self.reading.label.as_deref() == Some(field)
    }

    /// Notes facts of the product of the row that was taken last, whichever field turns out to name it.
    pub fn tell(&mut self, facts: Map<String, Json>) {
        if let Some(row) = self.dataset.examples.len().checked_sub(1).filter(|_| !facts.is_empty()) {
            self.facts.insert(row, facts);
        }
    }

    /// Notes what was left out, with its cause in a word or two.
    pub fn leave_out(&mut self, line: Option<usize>, cause: &'static str, reason: String) {
        // A row may quote a value of any length.
        let reason = shortened(&reason, LONGEST_REASON);
        self.dataset.problems.push(Problem { file: self.file.clone(), line, reason, cause });
    }

    /// All rows, with the product that `label` names, in their order.
    ///
    /// # Errors
    /// No row could be used, or none has the field that was asked for.
    pub fn finish(mut self) -> Result<Dataset> {
        self.require_rows()?;
        self.assign_labels()?;
        self.require_rows()?;
        self.drop_constants();
        if !self.passed.is_empty() {
            self.dataset.notes.push(format!(
                "not taken for attributes, since annotation tools write them: {}; --attribute NAME takes one all the same",
                listed(&self.passed)
            ));
        }
        let by_name = |a: &Example, b: &Example| match self.reading.in_order {
            // The sort keeps the order of equals.
            true => std::cmp::Ordering::Equal,
            false => natural(&a.name, &b.name),
        };
        self.dataset.examples.sort_by(|a, b| a.label.cmp(&b.label).then_with(|| by_name(a, b)));
        Ok(self.dataset)
    }

    fn require_rows(&self) -> Result<()> {
        if !self.dataset.examples.is_empty() {
            return Ok(());
        }
        let why = self.dataset.problems.first().map_or_else(|| "it is empty".to_owned(), ToString::to_string);
        Err(Error::NoPhotos(format!("{} has no usable row: {why}", self.file)))
    }

    /// Chooses which attribute is the product: the one asked for, the first of [`LABELS`] that rows have, else the first
    /// string attribute of the file, which then stays an attribute as well.
    fn assign_labels(&mut self) -> Result<()> {
        let is_text = |field: &str| self.kinds.get(field) == Some(&Kind::Text);
        if let Some(field) = self.reading.label.as_deref().filter(|f| !is_text(f)) {
            return Err(Error::BadInput(format!(
                "{} has no field `{field}` of names to take the product id from",
                self.file
            )));
        }
        let named = |label: &&str| self.kinds.keys().find(|f| f.eq_ignore_ascii_case(label) && is_text(f)).cloned();
        let own = self.reading.label.clone().or_else(|| LABELS.iter().find_map(named));
        let chosen = own.clone().or(self.first_text.take());
        if let Some(field) = &chosen {
            let mut ids = BTreeMap::new();
            let mut kept = Vec::with_capacity(self.dataset.examples.len());
            for (row, mut example) in std::mem::take(&mut self.dataset.examples).into_iter().enumerate() {
                let name = match example.attributes.get(field) {
                    Some(Value::Text(text)) => Some(labels::product_id(text)),
                    _ => None,
                };
                match name.transpose() {
                    Ok(id) => {
                        example.attributes.remove(field);
                        if let Some(id) = id.as_ref().filter(|_| own.is_none()) {
                            example.attributes.insert(field.clone(), Value::Text(id.clone()));
                        }
                        ids.extend(id.clone().map(|id| (id, 0)));
                        if let Some((id, facts)) = id.clone().zip(self.facts.remove(&row)) {
                            self.dataset.facts.entry(id).or_default().extend(facts);
                        }
                        kept.push((example, id));
                    }
                    Err(reason) => {
                        let file = format!("{} ({})", self.file, example.name);
                        self.dataset.problems.push(Problem { file, line: None, reason, cause: NAME });
                    }
                }
            }
            ids.values_mut().zip(0..).for_each(|(place, label)| *place = label);
            self.dataset.examples.extend(kept.into_iter().map(|(mut example, id)| {
                example.label = id.and_then(|id| ids.get(&id).copied());
                example
            }));
            self.dataset.labels = ids.into_keys().collect();
            labels::check_cases(&self.dataset.labels)
                .map_err(|error| Error::BadInput(format!("{}: {error}", self.file)))?;
            self.dataset.notes.push(match &own {
                Some(field) => format!("the product is the field `{field}`"),
                None => format!("the product is the first field of strings, `{field}`; --label takes another"),
            });
        }
        self.dataset.label_attribute = own.is_none().then_some(chosen).flatten();
        // A number beside the product's name says the name once more.
        let unasked: Vec<&String> =
            self.numbered.iter().filter(|field| !self.reading.attributes.contains(field)).collect();
        for example in &mut self.dataset.examples {
            for field in &unasked {
                if example.attributes.remove(*field).is_some() {
                    self.passed.insert((*field).clone());
                }
            }
        }
        Ok(())
    }

    /// A number that is the same in every row tells nothing, and its head would promise that it does.
    fn drop_constants(&mut self) {
        let mut values: BTreeMap<&str, (BTreeSet<u64>, usize)> = BTreeMap::new();
        for example in &self.dataset.examples {
            for (field, value) in &example.attributes {
                if let Value::Number(number) = value {
                    let (distinct, rows) = values.entry(field).or_default();
                    distinct.insert(number.to_bits());
                    *rows += 1;
                }
            }
        }
        let constant = values.iter().filter(|(_, (distinct, rows))| distinct.len() == 1 && *rows > 1);
        let constant: BTreeSet<String> = constant.map(|(field, _)| (*field).to_owned()).collect();
        for example in &mut self.dataset.examples {
            example.attributes.retain(|field, _| !constant.contains(field));
        }
        if !constant.is_empty() {
            self.dataset.notes.push(format!("not taken for attributes, since they never vary: {}", listed(&constant)));
        }
    }
}

fn listed(names: &BTreeSet<String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let first: Vec<&str> = names.iter().take(LISTED).map(String::as_str).collect();
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

/// A product's name, which may be a number: the classes of ImageNet and Hugging Face are.
fn name(field: &str, json: &Json) -> Result<String, String> {
    match json {
        Json::String(text) if text.trim().is_empty() => Err(format!("`{field}` is empty")),
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) if !number.is_f64() => Ok(number.to_string()),
        Json::Number(number) => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < MAX_WHOLE).map(|n| n as i64);
            whole.map(|n| n.to_string()).ok_or_else(|| {
                format!("`{field}` is {number}, which names no product; rename the field if it is an attribute")
            })
        }
        Json::Array(_) => Err(format!("`{field}` is a list; a row shows one product")),
        other => Err(format!("`{field}` is {other}; write the product's name as a string")),
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
