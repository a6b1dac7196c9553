//! Reads settings from their sources and gathers what is wrong with them.

use std::fmt::Display;

use figment::Figment;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::value::{shown, toml};

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Section and name.
    pub key: &'static str,
    /// The value as TOML.
    pub value: String,
    /// Where it comes from.
    pub source: String,
}

/// Reads one setting after the other.
pub struct Reader<'a> {
    figment: &'a Figment,
    /// What is wrong, a sentence each.
    pub mistakes: Vec<String>,
    /// What was read.
    pub effective: Vec<Effective>,
}

impl<'a> Reader<'a> {
    pub fn new(figment: &'a Figment) -> Self {
        Reader { figment, mistakes: Vec::new(), effective: Vec::new() }
    }

    /// The setting `key`, or its default where it is not given or wrong.
    pub fn get<T>(&mut self, key: &'static str, default: T, range: Option<(u64, u64)>) -> T
    where
        T: DeserializeOwned + Serialize,
    {
        let Ok(value) = self.figment.find_value(key) else {
            self.effective.push(Effective { key, value: toml(&default), source: "default".into() });
            return default;
        };
        let source = self.source(key);
        let parsed = value.deserialize::<T>().map_err(|error| error.kind.to_string());
        let parsed = parsed.and_then(|parsed| in_range(parsed, &value, range));
        match parsed {
            Ok(parsed) => {
                self.effective.push(Effective { key, value: shown(&value), source });
                parsed
            }
            Err(why) => {
                self.mistake(key, &source, why);
                default
            }
        }
    }

    /// Notes what is wrong with a setting that was read.
    pub fn mistake(&mut self, key: &str, source: &str, why: impl Display) {
        self.mistakes.push(format!("{key} ({source}): {why}"));
    }

    /// Where the value of `key` comes from.
    pub fn source(&self, key: &str) -> String {
        let Some(metadata) = self.figment.find_metadata(key) else { return "default".into() };
        match metadata.source.as_ref().and_then(|source| source.file_path()) {
            Some(path) => path.display().to_string(),
            None => metadata.name.to_string(),
        }
    }
}

fn in_range<T>(parsed: T, value: &figment::value::Value, range: Option<(u64, u64)>) -> Result<T, String> {
    let Some((least, most)) = range else { return Ok(parsed) };
    match value.to_u128() {
        Some(number) if (u128::from(least)..=u128::from(most)).contains(&number) => Ok(parsed),
        _ => Err(format!("give a whole number from {least} to {most}")),
    }
}
