//! What JavaScript asks of a vault.

use std::collections::BTreeMap;

use js_sys::{Reflect, Uint8Array};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::location::{Geohash, Precision};
use crate::vault::{Kind, Passphrase, Position, Query, Record, Settings, Unlock};

/// What unlocks a vault.
pub(super) enum Key {
    Passphrase(Passphrase),
    Raw(Zeroizing<[u8; 32]>),
    Device,
}

impl Key {
    /// Reads `VaultKey`.
    pub(super) fn read(key: &JsValue) -> Result<Self> {
        if key.as_string().as_deref() == Some("device") {
            return Ok(Key::Device);
        }
        // Of what is no object there are no fields.
        let field = |name: &str| Reflect::get(key, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if let Some(text) = field("passphrase").as_string().map(Zeroizing::new) {
            let insisted = field("allowWeak").is_truthy();
            let passphrase = if insisted { Passphrase::insisted(&text) } else { Passphrase::new(&text) };
            return passphrase.map(Key::Passphrase);
        }
        if let Ok(bytes) = field("key").dyn_into::<Uint8Array>() {
            let mut key = Zeroizing::new([0; 32]);
            if bytes.length() as usize != key.len() {
                return Err(invalid(format!("the key has {} bytes, not 32", bytes.length())));
            }
            bytes.copy_to(&mut *key);
            // The caller's, made for this.
            bytes.fill(0, 0, bytes.length());
            return Ok(Key::Raw(key));
        }
        Err(invalid("unlock by { passphrase }, { key } of 32 bytes, or 'device'".to_owned()))
    }

    pub(super) fn unlock(&self) -> Unlock<'_> {
        match self {
            Key::Passphrase(passphrase) => Unlock::Passphrase(passphrase),
            Key::Raw(key) => Unlock::Key(key),
            Key::Device => Unlock::Device,
        }
    }

    /// Of an exported file.
    pub(super) fn passphrase(&self) -> Result<&Passphrase> {
        match self {
            Key::Passphrase(passphrase) => Ok(passphrase),
            _ => Err(invalid("an exported file is locked by a { passphrase }".to_owned())),
        }
    }
}

/// What an app chooses when it opens a vault.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenOptions {
    /// Days by kind, of the kinds that the app names; null: until they are deleted.
    retention_days: BTreeMap<RetainedKind, Option<u32>>,
    queue_limit: u32,
    precision: u8,
    precise: bool,
    pub(super) memory: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
enum RetainedKind {
    Scans,
    Corrections,
    /// `prototypes` is what former versions called them.
    #[serde(alias = "prototypes")]
    Lessons,
}

impl OpenOptions {
    pub(super) fn check(&self) -> Result<()> {
        self.precision().map(drop)
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            named_retention: self.named_retention(),
            geohash_length: if self.precise { 12 } else { 6 },
            queue_limit: self.queue_limit,
            ..Settings::default()
        }
    }

    fn named_retention(&self) -> Vec<(Kind, Option<u32>)> {
        let kind = |kind: &RetainedKind| match kind {
            RetainedKind::Scans => Kind::Scan,
            RetainedKind::Corrections => Kind::Correction,
            RetainedKind::Lessons => Kind::Lesson,
        };
        self.retention_days.iter().map(|(named, days)| (kind(named), *days)).collect()
    }

    fn precision(&self) -> Result<Precision> {
        self.at_most(self.precision)
    }

    fn at_most(&self, characters: u8) -> Result<Precision> {
        if self.precise { Precision::precise(characters) } else { Precision::coarse(characters) }
    }

    /// Gives a scan the geohash of where it was made, and refuses one that says more than the app opted in to.
    pub(super) fn locate(&self, record: &mut Record, location: Option<&str>) -> Result<()> {
        match (record, location) {
            (Record::Scan(scan), Some(location)) => {
                let location: Location = parse("the location", location)?;
                scan.geohash = Some(location.geohash(self)?.as_str().to_owned());
            }
            (Record::Scan(scan), None) => {
                if let Some(geohash) = &scan.geohash {
                    let geohash = Geohash::parse(geohash)?;
                    self.at_most(geohash.as_str().len() as u8)?;
                    scan.geohash = Some(geohash.as_str().to_owned());
                }
            }
            (_, Some(_)) => return Err(invalid("only scans have a location".to_owned())),
            (_, None) => {}
        }
        Ok(())
    }
}

/// Degrees of WGS 84.
#[derive(Deserialize)]
pub(super) struct Location {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

impl Location {
    pub(super) fn geohash(&self, options: &OpenOptions) -> Result<Geohash> {
        Geohash::of(self.latitude, self.longitude, options.precision()?)
    }
}

/// Which records.
#[derive(Deserialize)]
struct Asking {
    kind: Kind,
    from: Option<u64>,
    until: Option<u64>,
    geohash: Option<String>,
    descending: Option<bool>,
    after: Option<String>,
    limit: Option<usize>,
    blobs: Option<bool>,
}

pub(super) fn query(text: &str) -> Result<Query> {
    let asking: Asking = parse("the query", text)?;
    let all = Query::all(asking.kind);
    Ok(Query {
        from: asking.from.unwrap_or(all.from),
        until: asking.until.unwrap_or(all.until),
        geohash: asking.geohash.map(|geohash| geohash.to_ascii_lowercase()),
        descending: asking.descending.unwrap_or(all.descending),
        after: asking.after.as_deref().map(position).transpose()?,
        limit: asking.limit.unwrap_or(all.limit),
        blobs: asking.blobs.unwrap_or(all.blobs),
        ..all
    })
}

/// A position as text, of which apps know nothing.
pub(super) fn bookmark(position: Position) -> String {
    format!("{}-{}", position.time, position.id)
}

fn position(text: &str) -> Result<Position> {
    let wrong = || invalid(format!("`{text}` is no place in a list: give `next` of the page before"));
    let (time, id) = text.split_once('-').ok_or_else(wrong)?;
    Ok(Position { time: time.parse().map_err(|_| wrong())?, id: id.parse().map_err(|_| wrong())? })
}

/// Reads JSON of `what`. The message repeats no value: errors are logged, and values may be personal.
pub(super) fn parse<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let expected = message.rsplit_once(", expected").filter(|_| message.starts_with("invalid"));
        invalid(expected.map_or(format!("{what}: {message}"), |(_, what_then)| format!("{what}: expected{what_then}")))
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
