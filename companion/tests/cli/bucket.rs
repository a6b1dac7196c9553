//! A server that speaks as much of S3 as publishing needs: objects with tags, conditional writes, listings in pages. It
//! counts what it is asked, and fails on request. Whoever has no key may read, as a public bucket's visitors.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::shop::{Outcome, Shop};

const NAME: &str = "shops";
const KEY: &str = "AKIDTEST";

/// A running server with one bucket.
pub struct Bucket {
    pub address: String,
    pub inside: Arc<Inside>,
    _runtime: tokio::runtime::Runtime,
}

/// What happens to a request.
#[derive(Clone, Copy, PartialEq)]
pub enum Fate {
    Served,
    /// Not done, and answered with this status.
    Refused(u16),
    /// Done, and answered with 500.
    AnswerLost,
    /// Done, or not, and never answered.
    Stuck(bool),
}

type Judge = Box<dyn FnMut(&Asked, &mut Objects) -> Fate + Send>;
type Objects = BTreeMap<String, Object>;

pub struct Inside {
    pub objects: Mutex<Objects>,
    /// What publishers asked for, since it was last emptied.
    pub log: Mutex<Vec<Asked>>,
    pub judge: Mutex<Option<Judge>>,
    pub how: Mutex<How>,
}

/// How the service works.
#[derive(Clone, Copy)]
pub struct How {
    /// Entries of a listing's page.
    pub page: usize,
    /// Whether it knows `If-Match` and `If-None-Match`.
    pub conditions: bool,
    /// How long each answer takes.
    pub delay: Duration,
}

#[derive(Clone)]
pub struct Object {
    pub bytes: Vec<u8>,
    pub tag: String,
    pub kind: String,
    pub cache: String,
}

/// One request of a publisher.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub key: String,
    /// Bytes of both bodies.
    pub bytes: usize,
    /// Of a listing.
    pub entries: usize,
}

impl Bucket {
    pub fn new() -> Self {
        let how = How { page: 1000, conditions: true, delay: Duration::ZERO };
        let inside = Arc::new(Inside {
            objects: Mutex::default(),
            log: Mutex::default(),
            judge: Mutex::default(),
            how: Mutex::new(how),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(serve).with_state(Arc::clone(&inside));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Bucket { address, inside, _runtime: runtime }
    }

    /// `jicho` with what it needs to know of the bucket.
    pub fn command(&self, shop: &Shop) -> std::process::Command {
        let mut command = shop.command();
        let told = [
            ("AWS_ENDPOINT_URL", self.address.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-north-1"),
            ("NO_PROXY", "127.0.0.1"),
            ("JICHO_LOCK_SECONDS", "3"),
        ];
        command.envs(told);
        command
    }

    /// Runs `jicho` with arguments that have no blanks in them.
    pub fn run(&self, shop: &Shop, arguments: &str) -> Outcome {
        Outcome::of(self.command(shop).args(arguments.split_whitespace()))
    }

    /// As a device reads; none where there is no such object.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let agent = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().new_agent();
        let mut answer = agent.get(format!("{}/{NAME}/{key}", self.address)).call().unwrap();
        match answer.status().as_u16() {
            200 => Some(answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap()),
            404 => None,
            status => panic!("{status} for {key}"),
        }
    }

    pub fn keys(&self) -> Vec<String> {
        self.inside.objects.lock().unwrap().keys().cloned().collect()
    }

    pub fn judge(&self, judge: impl FnMut(&Asked, &mut Objects) -> Fate + Send + 'static) {
        *self.inside.judge.lock().unwrap() = Some(Box::new(judge));
    }

    pub fn spare(&self) {
        *self.inside.judge.lock().unwrap() = None;
    }

    pub fn how(&self, change: impl FnOnce(&mut How)) {
        change(&mut self.inside.how.lock().unwrap());
    }

    /// What was asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.inside.log.lock().unwrap())
    }
}

async fn serve(State(inside): State<Arc<Inside>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 30).await.unwrap();
    let how = *inside.how.lock().unwrap();
    tokio::time::sleep(how.delay).await;
    let signed = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let visitor = signed.is_none() && parts.method == Method::GET && parts.uri.query().is_none();
    if !visitor && !signed.is_some_and(|s| s.starts_with("AWS4-HMAC-SHA256") && s.contains(&format!("={KEY}/"))) {
        return failure(StatusCode::FORBIDDEN, "InvalidAccessKeyId");
    }
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    if bucket != NAME {
        return failure(StatusCode::NOT_FOUND, "NoSuchBucket");
    }
    let query: BTreeMap<String, String> = form(parts.uri.query().unwrap_or_default());
    let listing = query.contains_key("list-type");
    let key = if listing { query.get("prefix").cloned().unwrap_or_default() } else { key.to_owned() };
    let mut asked = Asked { method: parts.method, key, bytes: body.len(), entries: 0 };

    let (fate, answer) = {
        let mut objects = inside.objects.lock().unwrap();
        let mut judge = inside.judge.lock().unwrap();
        let fate = match judge.as_mut().filter(|_| !visitor) {
            Some(judge) => judge(&asked, &mut objects),
            None => Fate::Served,
        };
        let answer = match fate {
            Fate::Refused(status) => failure(StatusCode::from_u16(status).unwrap(), "Refused"),
            Fate::Stuck(false) => ().into_response(),
            _ if listing => {
                let most = query.get("max-keys").map_or(how.page, |n| n.parse().unwrap());
                list(&objects, &query, how.page.min(most), &mut asked)
            }
            _ => object(&mut objects, &mut asked, &parts.headers, &body, how.conditions),
        };
        if !visitor {
            inside.log.lock().unwrap().push(asked);
        }
        (fate, answer)
    };
    match fate {
        Fate::AnswerLost => failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        Fate::Stuck(_) => std::future::pending().await,
        _ => answer,
    }
}

fn object(objects: &mut Objects, asked: &mut Asked, headers: &HeaderMap, body: &[u8], conditions: bool) -> Response {
    let told = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let there = objects.get(&asked.key);
    match asked.method {
        Method::GET => {
            let Some(there) = there else { return failure(StatusCode::NOT_FOUND, "NoSuchKey") };
            if told(header::IF_NONE_MATCH) == there.tag {
                return (StatusCode::NOT_MODIFIED, [(header::ETAG, there.tag.clone())]).into_response();
            }
            asked.bytes += there.bytes.len();
            let headers = [
                (header::ETAG, there.tag.clone()),
                (header::LAST_MODIFIED, "Sat, 21 Nov 2026 00:00:00 GMT".into()),
                (header::CONTENT_TYPE, there.kind.clone()),
                (header::CACHE_CONTROL, there.cache.clone()),
            ];
            (headers, Body::from(there.bytes.clone())).into_response()
        }
        Method::PUT => {
            let (exists, tag) = (there.is_some(), there.map(|o| o.tag.clone()).unwrap_or_default());
            let over = told(header::IF_MATCH);
            if conditions && !over.is_empty() && !exists {
                return failure(StatusCode::NOT_FOUND, "NoSuchKey");
            }
            if conditions && (exists && told(header::IF_NONE_MATCH) == "*" || !over.is_empty() && over != tag) {
                return failure(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
            }
            // A hash of the content, as S3's: the same bytes have the same tag.
            let tag = format!("\"{}\"", &crate::shop::sha256(body)[..32]);
            let (kind, cache) = (told(header::CONTENT_TYPE), told(header::CACHE_CONTROL));
            objects.insert(asked.key.clone(), Object { bytes: body.to_vec(), tag: tag.clone(), kind, cache });
            [(header::ETAG, tag)].into_response()
        }
        Method::DELETE => {
            objects.remove(&asked.key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => failure(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

fn list(objects: &Objects, query: &BTreeMap<String, String>, page: usize, asked: &mut Asked) -> Response {
    let prefix = asked.key.as_str();
    let after = query.get("continuation-token").cloned().unwrap_or_default();
    // A folder counts once, as its first object.
    let mut found: BTreeMap<String, Option<&Object>> = BTreeMap::new();
    for (key, object) in objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
        match key[prefix.len()..].split_once('/').filter(|_| query.contains_key("delimiter")) {
            Some((folder, _)) => drop(found.insert(format!("{prefix}{folder}/"), None)),
            None => drop(found.insert(key.clone(), Some(object))),
        }
    }
    let mut left = found.into_iter().filter(|(name, _)| *name > after).peekable();
    let (mut xml, mut last) = (String::new(), String::new());
    for (name, object) in left.by_ref().take(page) {
        asked.entries += 1;
        match object {
            Some(Object { bytes, tag, .. }) => write!(
                xml,
                "<Contents><Key>{name}</Key><LastModified>2026-11-21T00:00:00.000Z</LastModified>\
                 <ETag>{tag}</ETag><Size>{}</Size></Contents>",
                bytes.len()
            ),
            None => write!(xml, "<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"),
        }
        .unwrap();
        last = name;
    }
    let more = left.peek().is_some();
    let next = if more { format!("<NextContinuationToken>{last}</NextContinuationToken>") } else { String::new() };
    let xml = format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>{next}{xml}</ListBucketResult>");
    asked.bytes += xml.len();
    ([(header::CONTENT_TYPE, "application/xml")], xml).into_response()
}

fn failure(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code><Message>of the test</Message></Error>")).into_response()
}

fn form(query: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| text.replace("%2F", "/").replace("%2f", "/");
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (plain(k), plain(v))).collect()
}
