//! Values of settings that are more than a number or a text.

use figment::value::Value;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// An hour of the day, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour(pub Option<u8>);

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Number(u8),
            Word(String),
            Switch(bool),
        }
        match Given::deserialize(from) {
            Ok(Given::Number(hour @ 0..=23)) => Ok(Hour(Some(hour))),
            Ok(Given::Switch(false)) => Ok(Hour(None)),
            Ok(Given::Word(word)) if word == "off" => Ok(Hour(None)),
            _ => Err(D::Error::custom("give an hour from 0 to 23, or \"off\"")),
        }
    }
}

impl Serialize for Hour {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(hour) => to.serialize_u8(hour),
            None => to.serialize_str("off"),
        }
    }
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object per line.
    Json,
}

/// A list of names: in TOML a list, in the environment separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            List(Vec<String>),
            Text(String),
        }
        match Given::deserialize(from) {
            Ok(Given::List(names)) => Ok(Names(names)),
            Ok(Given::Text(text)) => {
                Ok(Names(text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()))
            }
            Err(_) => Err(D::Error::custom("give a list of texts")),
        }
    }
}

/// A value as TOML writes it.
pub fn toml<T: Serialize>(value: &T) -> String {
    match Value::serialize(value) {
        Ok(value) => shown(&value),
        Err(_) => String::new(),
    }
}

/// A value as TOML writes it. JSON writes texts, numbers, switches and lists the same way.
pub fn shown(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
