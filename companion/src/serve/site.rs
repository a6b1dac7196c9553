//! What each path answers: which file, how long a cache may keep it, and who may read it.
//!
//! | path | file | cache |
//! |---|---|---|
//! | `/assets/ml-models/blobs/…`, `…/{channel}/versions/…` | models folder | immutable |
//! | the rest of `/assets/ml-models/` | models folder | no-cache (`latest/metadata.json` moves) |
//! | `/assets/…-{hash}.…` | app folder | immutable |
//! | everything else | app folder, `/` is `index.html` | no-cache |
//!
//! A path without a file is a plain 404: the app's page never stands in for a missing model. So is a link that leads out of
//! its folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_RANGE,
    LAST_MODIFIED, RANGE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tower_http::services::ServeDir;

use super::path::SitePath;

/// Where the models are mounted.
const MODELS: [&str; 2] = ["assets", "ml-models"];
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// The two folders behind the site.
struct Site {
    models: Folder,
    app: Option<Folder>,
}

/// A folder that is served.
struct Folder {
    root: PathBuf,
    files: ServeDir,
}

impl Folder {
    /// Whether all that may be answered for `path` lies in the folder, once links are followed: a file, the index of a
    /// folder, and what is there of either in packed form.
    async fn holds(&self, path: &SitePath) -> bool {
        let Ok(root) = tokio::fs::canonicalize(&self.root).await else { return true };
        let mut file = self.root.clone();
        file.extend(path.segments().iter().filter(|segment| !segment.is_empty()));
        let index = file.join("index.html");
        for place in [&file, &packed(&file), &index, &packed(&index)] {
            if tokio::fs::canonicalize(place).await.is_ok_and(|real| !real.starts_with(&root)) {
                return false;
            }
        }
        true
    }
}

fn packed(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

pub(super) fn router(models: &Path, app: Option<&Path>) -> Router {
    let site = Site {
        models: Folder {
            root: models.to_owned(),
            files: ServeDir::new(models).append_index_html_on_directories(false).ignore_multi_range_requests(true),
        },
        app: app.map(|folder| Folder {
            root: folder.to_owned(),
            files: ServeDir::new(folder).precompressed_gzip().ignore_multi_range_requests(true),
        }),
    };
    Router::new().fallback(answer).with_state(Arc::new(site))
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let path = SitePath::parse(request.uri.path());
    let mount = path.as_ref().and_then(|path| path.below(&MODELS));
    let mut response = if request.method != Method::GET && request.method != Method::HEAD {
        let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
        (StatusCode::METHOD_NOT_ALLOWED, allow, "Method not allowed\n").into_response()
    } else {
        match (&path, &mount, &site.app) {
            (_, Some(path), _) => file(&site.models, path, &request).await,
            (Some(path), None, Some(app)) => file(app, path, &request).await,
            _ => plain(StatusCode::NOT_FOUND),
        }
    };

    let status = response.status();
    let found = status.is_success() || status == StatusCode::NOT_MODIFIED;
    let keep = match (&path, &mount) {
        (_, Some(path)) => model_is_immutable(path),
        (Some(path), None) => app_is_immutable(path),
        _ => false,
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, if found && keep { IMMUTABLE } else { NO_CACHE });
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(path) = path {
        correct_type(&path, headers);
    }
    if mount.is_some() {
        // On errors too: a page from elsewhere must be able to tell "absent" from "offline".
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag, Content-Range, Accept-Ranges"));
    } else if found {
        // A 304 needs it as much as the 200 it stands for.
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// The file at `path` below the folder, or a plain error.
async fn file(folder: &Folder, path: &SitePath, request: &Parts) -> Response {
    let files = &folder.files;
    if !folder.holds(path).await {
        return plain(StatusCode::NOT_FOUND);
    }
    let Ok(uri) = Uri::try_from(path.encode()) else {
        return plain(StatusCode::NOT_FOUND);
    };
    let response = read(files, &uri, &request.method, request.headers.clone()).await;
    // A range of a file that has changed since would be joined to bytes of another: send all of it instead.
    let changed = request.headers.get(IF_RANGE).is_some_and(|validator| {
        let now = response.headers();
        now.get(ETAG) != Some(validator) && now.get(LAST_MODIFIED) != Some(validator)
    });
    if changed && request.headers.contains_key(RANGE) {
        let mut headers = request.headers.clone();
        headers.remove(RANGE);
        return read(files, &uri, &request.method, headers).await;
    }
    response
}

async fn read(files: &ServeDir, uri: &Uri, method: &Method, headers: HeaderMap) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri.clone();
    *request.method_mut() = method.clone();
    *request.headers_mut() = headers;
    match files.clone().try_call(request).await {
        Ok(response) if response.status() == StatusCode::NOT_FOUND => plain(StatusCode::NOT_FOUND),
        Ok(response) => response.map(Body::new),
        Err(error) => plain(match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidFilename => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }),
    }
}

fn plain(status: StatusCode) -> Response {
    let text = if status == StatusCode::NOT_FOUND { "Not found\n" } else { "The file could not be read\n" };
    (status, text).into_response()
}

/// Blobs are named by their digest, releases by their version: neither ever changes.
fn model_is_immutable(path: &SitePath) -> bool {
    let segments = path.segments();
    match segments.first().map(String::as_str) {
        Some("blobs") => segments.len() > 1,
        _ => segments.len() > 3 && segments[1] == "versions",
    }
}

/// The bundler's own output carries a hash of its content in the name.
fn app_is_immutable(path: &SitePath) -> bool {
    path.below(&["assets"]).is_some() && is_hashed(path.name())
}

/// Whether a dot-separated part ends in `-` and eight characters of base64url. A hash without any capital or digit
/// would read as a word (`icon-maskable.png`) and is taken for one: asked for anew each time, never stale.
fn is_hashed(name: &str) -> bool {
    name.split('.').any(|part| {
        let Some((_, hash)) = part.len().checked_sub(9).and_then(|at| part.split_at_checked(at)) else {
            return false;
        };
        let Some(hash) = hash.strip_prefix('-') else {
            return false;
        };
        hash.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && hash.bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

/// Types that the guess by extension gets wrong or leaves without a charset.
fn correct_type(path: &SitePath, headers: &mut HeaderMap) {
    // No type, no body: 304, or a range that cannot be had.
    let Some(guess) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return;
    };
    if guess.contains("charset=") {
        return;
    }
    let extension = path.name().rsplit_once('.').map_or("", |(_, extension)| extension);
    let kind = match extension {
        "onnx" | "safetensors" | "plan" => Some("application/octet-stream"),
        "js" | "mjs" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "txt" | "md" => Some("text/plain; charset=utf-8"),
        "json" | "map" => Some("application/json"),
        _ if guess == "text/html" => Some("text/html; charset=utf-8"),
        _ => None,
    };
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
}

#[cfg(test)]
mod tests {
    use super::is_hashed;

    #[test]
    fn hashed_names_are_told_from_words() {
        for name in ["index-DiwrgTda.js", "jicho_bg-D3x_-9aB.wasm", "a.worker-B0aaaaaa.js.map", "i-abc4efgh.css"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in [
            "icon-maskable.png",
            "index.js",
            "-.js",
            "logo-192x192.png",
            "index-DiwrgTda9.js",
            "é-ééééDDDD.js",
            "",
            "index-Diw gTda.js",
        ] {
            assert!(!is_hashed(name), "{name}");
        }
    }
}
