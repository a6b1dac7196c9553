//! The configuration: `jicho.toml`, the environment and flags, in that order of strength.
//!
//! Every mistake is told at once, with its source. The list of settings in docs/service.md is written from
//! [`settings::LIST`].

mod reader;
pub mod settings;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Value};

use crate::error::{Error, Result};
pub use reader::Effective;
use reader::Reader;
pub use settings::Settings;
pub use value::LogFormat;

/// The file that is read where no other is named.
pub const FILE: &str = "jicho.toml";
/// What the names of environment variables begin with.
const PREFIX: &str = "JICHO_";
/// What the name of a variable ends in that names a file with the value.
const FILE_SUFFIX: &str = "_FILE";

/// Where settings come from.
#[derive(Debug, Default)]
pub struct Sources {
    /// The configuration file; where none is named, `jicho.toml` if it is there.
    pub file: Option<PathBuf>,
    /// The variables of the environment.
    pub environment: BTreeMap<String, String>,
    /// Flags of the command line, by the settings that they stand for.
    pub flags: Vec<(&'static str, Value)>,
}

/// A configuration that was read.
#[derive(Debug)]
pub struct Config {
    /// The settings.
    pub settings: Settings,
    /// Every setting with its value and source.
    pub effective: Vec<Effective>,
}

impl Sources {
    /// The environment of this process, and the named file.
    pub fn of_process(file: Option<PathBuf>) -> Sources {
        // A variable that is no text cannot be one of these: its value would have to be.
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let environment = std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with(PREFIX)).collect();
        Sources { file, environment, flags: Vec::new() }
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// `BAD_INPUT` with every mistake, a line each.
    pub fn read(&self) -> Result<Config> {
        let mut mistakes = Vec::new();
        let mut figment = Figment::new();
        if let Some(file) = self.file_to_read() {
            match std::fs::read_to_string(&file) {
                Ok(_) => figment = figment.merge(Toml::file_exact(&file)),
                Err(error) => mistakes.push(format!("{}: {error}", file.display())),
            }
        }
        for (key, variable, value) in self.environment_values(&mut mistakes) {
            figment = figment.merge(Given::new(key, format!("environment variable {variable}"), value));
        }
        for (key, value) in &self.flags {
            figment = figment.merge(Given::new(key, "flag".into(), value.clone()));
        }
        match figment.data_of_all() {
            Ok(data) => unknown(&data, &mut mistakes),
            Err(error) => mistakes.push(error),
        }
        let mut reader = Reader::new(&figment);
        let settings = Settings::read(&mut reader);
        check(&settings, &mut reader);
        mistakes.append(&mut reader.mistakes);
        match mistakes.is_empty() {
            true => Ok(Config { settings, effective: reader.effective }),
            false => Err(Error::BadInput(format!("the configuration cannot be used:\n  {}", mistakes.join("\n  ")))),
        }
    }

    fn file_to_read(&self) -> Option<PathBuf> {
        self.file.clone().or_else(|| Path::new(FILE).is_file().then(|| FILE.into()))
    }

    /// Settings that the environment gives: key, variable and value.
    fn environment_values(&self, mistakes: &mut Vec<String>) -> Vec<(&'static str, String, Value)> {
        let mut found = Vec::new();
        for item in settings::LIST {
            let variable = variable(item.key);
            let file_variable = format!("{variable}{FILE_SUFFIX}");
            let direct = self.environment.get(&variable);
            let value = match (direct, self.environment.get(&file_variable)) {
                (Some(_), Some(_)) => {
                    mistakes.push(format!("{variable} and {file_variable} are both set; set one of them"));
                    continue;
                }
                (Some(value), None) => (variable, value.clone()),
                (None, Some(file)) => match std::fs::read_to_string(file) {
                    Ok(value) => (file_variable, value.trim_end_matches(['\r', '\n']).to_owned()),
                    Err(error) => {
                        mistakes.push(format!("{file_variable}: {file}: {error}"));
                        continue;
                    }
                },
                (None, None) => continue,
            };
            found.push((item.key, value.0, parsed(&value.1)));
        }
        found
    }
}

/// The environment variable of a setting: `photos.max_megabytes` is `JICHO_PHOTOS_MAX_MEGABYTES`.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Numbers and switches are told by their looks, everything else is text.
fn parsed(text: &str) -> Value {
    if let Ok(number) = text.parse::<u64>() {
        return Value::from(number);
    }
    text.parse::<bool>().map_or_else(|_| Value::from(text), Value::from)
}

/// One setting from one place.
struct Given {
    key: &'static str,
    source: String,
    value: Value,
}

impl Given {
    fn new(key: &'static str, source: String, value: Value) -> Self {
        Given { key, source, value }
    }
}

impl figment::Provider for Given {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named(self.source.clone())
    }

    fn data(&self) -> figment::Result<figment::value::Map<figment::Profile, Dict>> {
        Serialized::default(self.key, &self.value).data()
    }
}

/// All that the sources hold, whatever it is.
trait Everything {
    fn data_of_all(&self) -> Result<Dict, String>;
}

impl Everything for Figment {
    fn data_of_all(&self) -> Result<Dict, String> {
        self.extract::<Dict>().map_err(|error| {
            let place = error.metadata.as_ref().and_then(|m| m.source.as_ref()).map(|source| format!("{source}: "));
            format!("{}{}", place.unwrap_or_default(), error.kind)
        })
    }
}

/// Names what no setting is called.
fn unknown(data: &Dict, mistakes: &mut Vec<String>) {
    let known = |key: &str| settings::LIST.iter().any(|item| item.key == key);
    for (section, value) in data {
        match value.as_dict() {
            Some(names) => {
                let keys = names.keys().map(|name| format!("{section}.{name}"));
                mistakes.extend(keys.filter(|key| !known(key)).map(|key| format!("{key}: no setting is called that")));
            }
            None => mistakes.push(format!("{section}: no section is called that")),
        }
    }
}

/// What must hold beyond the form of each value.
fn check(settings: &Settings, reader: &mut Reader<'_>) {
    let url = &settings.server.public_url;
    if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
        let source = reader.source("server.public_url");
        reader.mistake("server.public_url", &source, "give a URL that begins with http:// or https://");
    }
    let server = &settings.server;
    if server.has_tls() == server.tls_key.as_os_str().is_empty() {
        let source = reader.source("server.tls_key");
        reader.mistake("server.tls_key", &source, "give server.tls_certificate and server.tls_key together");
    }
    for origin in &settings.server.cors_origins.0 {
        let is_origin = origin.starts_with("http://") || origin.starts_with("https://");
        if !is_origin || origin.matches('/').count() != 2 {
            let source = reader.source("server.cors_origins");
            reader.mistake(
                "server.cors_origins",
                &source,
                format!("`{origin}` is no origin such as https://till.example"),
            );
        }
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&settings.log.level) {
        let source = reader.source("log.level");
        reader.mistake("log.level", &source, error);
    }
}

/// The list of settings as a table in Markdown.
#[cfg(test)]
pub fn documentation() -> String {
    let mut text = String::from("| Setting | Environment | Default | What it does |\n|---|---|---|---|\n");
    for item in settings::LIST {
        let range = item.range.map(|(least, most)| format!(" From {least} to {most}.")).unwrap_or_default();
        let default = (item.default)();
        text += &format!("| `{}` | `{}` | `{default}` |{}{range} |\n", item.key, variable(item.key), item.doc);
    }
    text
}

#[cfg(test)]
mod tests;
