//! Pictures of requests: as a form, as JSON with base64, or as they are.

use std::io::Cursor;

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::ImageReader;
use serde::Deserialize;

use crate::photo::{HEAD, Kind};
use crate::service::http::problem::{Problem, Result};

/// The most pictures of a batch.
pub const MAX_BATCH: usize = 32;

/// What a request for predictions holds.
#[derive(Default)]
pub struct Asked {
    /// The pictures' bytes, in their order.
    pub pictures: Vec<Vec<u8>>,
    /// The share of matches that should be right.
    pub precision: Option<f32>,
    /// Where the scan was made, as far as the app tells: the first digits alone.
    pub area: Option<String>,
}

/// A request as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    images: Vec<String>,
    #[serde(default)]
    precision: Option<f32>,
    #[serde(default)]
    zipcode: Option<String>,
}

/// So many first digits of a zip code are kept: an area of some ten thousand people.
const ZIP_DIGITS: usize = 3;

/// Reads a request.
///
/// # Errors
/// 400 for what is no picture, 413 for what is too large.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Asked> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let mut asked = Asked::default();
    if kind.starts_with("multipart/") {
        let form = Multipart::from_request(request, state).await;
        let mut form = form.map_err(|error| Problem::invalid(error.body_text()))?;
        while let Some(field) = form.next_field().await.map_err(broken)? {
            match field.name() {
                Some("precision") => {
                    let text = field.text().await.map_err(broken)?;
                    let number = text.trim().parse().map_err(|_| Problem::field("precision", "give a number"))?;
                    asked.precision = Some(number);
                }
                Some("zipcode") => asked.area = area(&field.text().await.map_err(broken)?),
                _ => asked.pictures.push(field.bytes().await.map_err(broken)?.to_vec()),
            }
        }
    } else {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Problem::new(error.status(), "invalid-request", error.body_text()))?;
        if kind.starts_with("application/json") {
            let body: Body = serde_json::from_slice(&bytes).map_err(|error| Problem::invalid(error.to_string()))?;
            for image in body.image.into_iter().chain(body.images) {
                asked.pictures.push(of_base64(&image)?);
            }
            asked.precision = body.precision;
            asked.area = body.zipcode.as_deref().and_then(area);
        } else if !bytes.is_empty() {
            asked.pictures.push(bytes.to_vec());
        }
    }
    if asked.pictures.is_empty() {
        let detail = "send a picture: as a form with a file, as JSON with `image` in base64, or as the body itself";
        return Err(Problem::field("image", detail));
    }
    if asked.pictures.len() > MAX_BATCH {
        return Err(Problem::field("images", format!("send at most {MAX_BATCH} pictures")));
    }
    if asked.precision.is_some_and(|share| !(0.5..1.0).contains(&share)) {
        return Err(Problem::field("precision", "give a share of at least 0.5 and below 1, as 0.97"));
    }
    Ok(asked)
}

fn broken(error: axum::extract::multipart::MultipartError) -> Problem {
    Problem::new(error.status(), "invalid-request", error.body_text())
}

/// Base64, or a data URL with base64.
fn of_base64(text: &str) -> Result<Vec<u8>> {
    let text = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,").map_or(rest, |(_, data)| data),
        None => text,
    };
    STANDARD.decode(text.trim()).map_err(|error| Problem::field("image", format!("it is no base64: {error}")))
}

/// The first digits of a zip code; the rest is dropped here and stored nowhere.
fn area(zipcode: &str) -> Option<String> {
    let digits: String = zipcode.chars().filter(char::is_ascii_digit).take(ZIP_DIGITS).collect();
    (!digits.is_empty()).then_some(digits)
}

/// Refuses what is no photo or too large, by its header.
///
/// # Errors
/// 400.
pub fn check(picture: &[u8], max_megapixels: u64) -> Result<()> {
    let wrong = |detail: String| Err(Problem::field("image", detail));
    match Kind::of_bytes(&picture[..picture.len().min(HEAD)]) {
        Kind::Jpeg | Kind::Png | Kind::WebP => {}
        Kind::Foreign(name) => return wrong(format!("it is {name}; send JPEG, PNG or WebP")),
        _ => return wrong("it is no photo; send JPEG, PNG or WebP".into()),
    }
    let size = ImageReader::new(Cursor::new(picture)).with_guessed_format().ok().and_then(|r| r.into_dimensions().ok());
    match size {
        Some((width, height)) if u64::from(width) * u64::from(height) > max_megapixels * 1_000_000 => {
            wrong(format!("it has {width}×{height} pixels; at most {max_megapixels} million are allowed"))
        }
        Some(_) => Ok(()),
        None => wrong("its header cannot be read".into()),
    }
}
