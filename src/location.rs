//! Where a scan was taken, as coarse as the shop allows: a geohash, and nothing finer ever leaves this module.
//!
//! ```
//! use jicho::location::{Geohash, Precision};
//!
//! let place = Geohash::of(-1.2921, 36.8219, Precision::coarse(5)?)?;
//! assert_eq!(place.as_str(), "kzf0t");
//! # Ok::<(), jicho::Error>(())
//! ```
//!
//! Errors do not repeat coordinates, since errors are logged. What the `geohash` crate lacks is here: the poles (it takes
//! latitude 90 for −90, and the cell north of the northernmost for one at the south pole) and the opt-in to precisions
//! that tell a street or a house. Sizes of cells: docs/location.md.

use std::fmt;

use geohash::Coord;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// How many characters a geohash has, 1–12. Five unless chosen otherwise: cells of 4.9 × 4.9 km at the equator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Precision(u8);

impl Precision {
    /// The most characters without an opt-in: cells of 1.2 × 0.6 km.
    pub const COARSE_MOST: u8 = 6;
    /// The most characters at all: cells of 4 × 2 cm, finer than any receiver.
    pub const MOST: u8 = 12;

    /// A precision that tells a part of town, not a street.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] outside 1–6.
    pub fn coarse(characters: u8) -> Result<Self> {
        if (Self::COARSE_MOST + 1..=Self::MOST).contains(&characters) {
            return Err(invalid(format!(
                "a geohash of {characters} characters tells a place to 150 m or less: opt in to precise locations, or use \
                 at most {} characters",
                Self::COARSE_MOST
            )));
        }
        Self::precise(characters)
    }

    /// Any precision: for an app whose user agreed to be located that closely.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] outside 1–12.
    pub fn precise(characters: u8) -> Result<Self> {
        if !(1..=Self::MOST).contains(&characters) {
            return Err(invalid(format!("a geohash has 1 to {} characters, not {characters}", Self::MOST)));
        }
        Ok(Precision(characters))
    }

    /// Its number of characters.
    #[must_use]
    pub fn characters(self) -> u8 {
        self.0
    }
}

impl Default for Precision {
    fn default() -> Self {
        Precision(5)
    }
}

/// A cell of the geohash grid, by its name: 1–12 characters of geohash's base 32, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Geohash(String);

/// The edges of a cell, degrees. South and west belong to it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Bounds {
    pub south: f64,
    pub west: f64,
    pub north: f64,
    pub east: f64,
}

impl Geohash {
    /// The cell that holds a place, WGS 84 in degrees. The north pole is in the northernmost cells; longitude 180 is −180.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where the numbers are no place: not finite, or outside ±90 and ±180.
    pub fn of(latitude: f64, longitude: f64, precision: Precision) -> Result<Self> {
        for (name, value, most) in [("latitude", latitude, 90.0), ("longitude", longitude, 180.0)] {
            if !value.is_finite() {
                return Err(invalid(format!("the {name} is not a number; leave the location out where it is unknown")));
            }
            if value.abs() > most {
                return Err(invalid(format!(
                    "the {name} is not within ±{most} degrees (is it in degrees, latitude before longitude?)"
                )));
            }
        }
        // Half a cell of the finest grid below the pole, where the crate still finds the northernmost row.
        let latitude = latitude.min(90.0 - 90.0 / f64::from(1 << 30));
        Ok(Geohash(encode(latitude, longitude, precision.characters().into())))
    }

    /// Reads a geohash. Upper case is taken for lower case.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where it has not 1–12 characters, or others than geohash's 32.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.to_ascii_lowercase();
        if text.is_empty() || text.len() > Precision::MOST.into() || geohash::decode(&text).is_err() {
            return Err(invalid(format!(
                "that is no geohash: 1 to {} characters of 0-9 and b-z without i, l and o",
                Precision::MOST
            )));
        }
        Ok(Geohash(text))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its number of characters.
    #[must_use]
    pub fn precision(&self) -> Precision {
        Precision(self.0.len() as u8)
    }

    /// Whether the cell lies in `other`, or is it.
    #[must_use]
    pub fn is_within(&self, other: &Geohash) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The cell's edges.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let ([latitude, longitude], [height, width]) = self.center();
        let (height, width) = (height / 2.0, width / 2.0);
        Bounds { south: latitude - height, west: longitude - width, north: latitude + height, east: longitude + width }
    }

    /// The eight cells around it: north, then clockwise. Longitudes go round; over a pole lies the cell half way round
    /// the world.
    #[must_use]
    pub fn neighbours(&self) -> [Geohash; 8] {
        const AROUND: [[f64; 2]; 8] =
            [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 1.0], [-1.0, 0.0], [-1.0, -1.0], [0.0, -1.0], [1.0, -1.0]];
        let ([latitude, longitude], [height, width]) = self.center();
        AROUND.map(|[north, east]| {
            // All are multiples of 180° divided by a power of two, which f64 holds exactly.
            let (mut latitude, mut longitude) = (latitude + north * height, longitude + east * width);
            if latitude.abs() > 90.0 {
                latitude = latitude.signum() * 180.0 - latitude;
                longitude += 180.0;
            }
            let longitude = (longitude + 180.0).rem_euclid(360.0) - 180.0;
            Geohash(encode(latitude, longitude, self.0.len()))
        })
    }

    /// Latitude and longitude of the centre; height and width; degrees.
    fn center(&self) -> ([f64; 2], [f64; 2]) {
        let (center, width, height) = geohash::decode(&self.0).expect("checked when it was made");
        ([center.y, center.x], [2.0 * height, 2.0 * width])
    }
}

impl fmt::Display for Geohash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Geohash {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Geohash::parse(&text)
    }
}

impl From<Geohash> for String {
    fn from(geohash: Geohash) -> String {
        geohash.0
    }
}

fn encode(latitude: f64, longitude: f64, characters: usize) -> String {
    geohash::encode(Coord { x: longitude, y: latitude }, characters).expect("a place, and 1 to 12 characters")
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
