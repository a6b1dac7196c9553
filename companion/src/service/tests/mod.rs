//! The service as its callers see it: requests go through the whole router, against a data folder of their own.

mod access;
mod audit;
mod devices;
mod photos;
mod predict;
mod products;
mod roles;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::access::keys::{self, KeyRequest};
use super::access::{Caller, Role};
use super::config::{Settings, Sources};
use super::{App, Millis, http};

/// 2026-11-30T08:00:00Z
pub const START: Millis = 1_796_025_600_000;
pub const MINUTE: Millis = 60_000;

/// A service with a data folder of its own and a clock that the test sets.
pub struct Service {
    pub app: App,
    pub admin: String,
    router: Router,
    clock: Arc<AtomicI64>,
    folder: TempDir,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The stable code of a problem document.
    pub fn code(&self) -> String {
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body as JSON, of an answer that must have this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

impl Service {
    pub async fn new() -> Service {
        Service::with(&[]).await
    }

    /// A service with environment variables that set something.
    pub async fn with(environment: &[(&str, &str)]) -> Service {
        let folder = tempfile::tempdir().unwrap();
        let mut sources = Sources { file: None, ..Sources::default() };
        sources.environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut settings: Settings = sources.read().unwrap().settings;
        settings.server.data = folder.path().join("data");
        settings.server.models = folder.path().join("ml-models");
        let clock = Arc::new(AtomicI64::new(START));
        let time = Arc::clone(&clock);
        let app = App::open_with(settings, Box::new(move || time.load(Ordering::SeqCst))).await.unwrap();
        let admin = key(&app, Role::Admin, None).await;
        let site = crate::serve::router(&folder.path().join("ml-models"), None);
        let router = http::router(&app, site);
        Service { app, admin, router, clock, folder }
    }

    /// A folder for what the test writes.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn data(&self) -> &Path {
        self.app.storage.root()
    }

    /// Lets time pass.
    pub fn pass(&self, time: Millis) {
        self.clock.fetch_add(time, Ordering::SeqCst);
    }

    pub async fn key(&self, role: Role, channels: &[&str]) -> String {
        let channels = (!channels.is_empty()).then(|| channels.iter().map(|id| (*id).to_owned()).collect());
        key(&self.app, role, channels).await
    }

    /// Sends any request; paths that do not begin with `//` are below the API.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub fn request(method: Method, path: &str, key: &str) -> axum::http::request::Builder {
        let uri = if let Some(root) = path.strip_prefix('/').filter(|rest| rest.starts_with('/')) {
            root.to_owned()
        } else {
            format!("{}{path}", http::API)
        };
        let request = Request::builder().method(method).uri(uri);
        if key.is_empty() { request } else { request.header(AUTHORIZATION, format!("Bearer {key}")) }
    }

    /// A request with a JSON body, or none for null.
    pub async fn call(&self, method: Method, path: &str, key: &str, body: Value) -> Answer {
        let request = Self::request(method, path, key);
        let request = match body {
            Value::Null => request.body(Body::empty()),
            body => request.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
        };
        self.send(request.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &self.admin, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &self.admin, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, &self.admin, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &self.admin, Value::Null).await
    }

    /// A channel `T_1` with products.
    pub async fn shop(&self, products: &[&str]) {
        self.post("/channels", json!({ "id": "T_1" })).await.expect(201);
        for product in products {
            self.post("/channels/T_1/products", json!({ "id": product, "name": product })).await.expect(201);
        }
    }

    /// Uploads files to a product.
    pub async fn upload(&self, key: &str, product: &str, files: &[(&str, &[u8])]) -> Answer {
        let mut form = Form::default();
        form.text("product", product);
        files.iter().for_each(|(name, bytes)| form.file("photo", name, bytes));
        self.send_form("/channels/T_1/photos", key, form).await
    }

    pub async fn send_form(&self, path: &str, key: &str, form: Form) -> Answer {
        let request = Self::request(Method::POST, path, key).header(CONTENT_TYPE, Form::KIND);
        self.send(request.body(Body::from(form.end())).unwrap()).await
    }
}

async fn key(app: &App, role: Role, channels: Option<Vec<String>>) -> String {
    let request = KeyRequest { name: role.word().into(), role, channels, expires_in_days: None };
    let made = keys::make(app, &Caller::service(), request).await.unwrap();
    serde_json::to_value(made).unwrap()["secret"].as_str().unwrap().to_owned()
}

/// A form with files.
#[derive(Default)]
pub struct Form(Vec<u8>);

impl Form {
    const KIND: &str = "multipart/form-data; boundary=edge";

    pub fn text(&mut self, name: &str, value: &str) {
        let part = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        self.0.extend(part.as_bytes());
    }

    pub fn file(&mut self, name: &str, file: &str, bytes: &[u8]) {
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        self.0.extend(head.as_bytes());
        self.0.extend(bytes);
        self.0.extend(b"\r\n");
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend(b"--edge--\r\n");
        self.0
    }
}

/// A JPEG that differs with `seed` in every part.
pub fn jpeg(seed: u32) -> Vec<u8> {
    let image = image::RgbImage::from_fn(160, 120, |x, y| {
        let wave = |a: u32, b: u32| ((x * (a + seed % 7) + y * (b + seed % 5) + seed * 37) % 256) as u8;
        image::Rgb([wave(3, 1), wave(1, 4), wave(2, 2)])
    });
    let mut file = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 90).encode_image(&image).unwrap();
    file
}

#[tokio::test]
async fn every_answer_has_an_id_and_says_what_is_not_there() {
    let service = Service::new().await;
    let answer = service.get("/nowhere").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not-found"));
    assert_eq!(answer.headers["x-request-id"], answer.json()["requestId"].as_str().unwrap());
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    let wrong = service.call(Method::PUT, "/channels", &service.admin, Value::Null).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (405, "method-not-allowed"));
    let body = Service::request(Method::POST, "/channels", &service.admin).body(Body::from("{}")).unwrap();
    assert_eq!(service.send(body).await.code(), "unsupported-media-type");
    let long = json!({ "id": "a".repeat(3 << 20) });
    assert_eq!(service.post("/channels", long).await.code(), "too-large");
}

#[tokio::test]
async fn health_and_metrics_tell_how_the_service_is() {
    let service = Service::new().await;
    for path in ["/health", "//health"] {
        let health = service.call(Method::GET, path, "", Value::Null).await.expect(200);
        assert_eq!(health["components"]["database"]["status"], "healthy", "{health}");
        assert_eq!(health["timestamp"], START);
    }
    assert_eq!(service.call(Method::GET, "//ready", "", Value::Null).await.status, 204);
    let metrics = service.get("//metrics").await;
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(text.contains("api_requests_total{method=\"GET\",route=\"/api/v1/health\",status=\"200\"} 1"), "{text}");
    assert!(text.contains("queue_depth 0"));
}

#[tokio::test]
async fn the_description_is_openapi_and_a_page() {
    let service = Service::new().await;
    let document = service.call(Method::GET, "//openapi.json", "", Value::Null).await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["title"], "Jicho");
    assert!(document["components"]["securitySchemes"]["key"].is_object());
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} does not say what it does");
            assert!(operation["tags"][0].is_string(), "{method} {path} stands nowhere on the page");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "two operations are called {id}");
        }
    }
    let page = service.call(Method::GET, "//docs", "", Value::Null).await;
    let page = String::from_utf8(page.body).unwrap();
    assert!(page.contains("/api/v1/channels/{channel}/photos") && !page.contains("<script"));
}

/// The app's client is made from this document. Writes it with `JICHO_WRITE_DOCS=1`.
#[test]
fn the_app_has_the_description_that_is_in_force() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../www/src/api/openapi.json");
    let document = serde_json::to_value(http::document()).unwrap();
    if std::env::var_os("JICHO_WRITE_DOCS").is_some() {
        std::fs::write(&page, serde_json::to_string_pretty(&document).unwrap() + "\n").unwrap();
    }
    let stored: Value = serde_json::from_slice(&std::fs::read(&page).unwrap()).unwrap();
    assert!(stored == document, "www/src/api/openapi.json is not current: run this test with JICHO_WRITE_DOCS=1");
}
