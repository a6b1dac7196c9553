//! The service as a program: what it has answered for is there after any crash.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::{Outcome, Shop};

/// A running service, which ends with the test.
pub struct Service {
    child: Child,
    pub url: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Service {
    /// Starts on a free port and waits for the URL that it prints.
    pub fn start(shop: &Shop, environment: &[(&str, &str)]) -> Self {
        let mut command = shop.command();
        command.args(["serve", "--models", "models", "--data", "data", "--port", "0"]);
        command.envs(environment.iter().copied()).env("JICHO_LOG_LEVEL", "error");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().trim_end_matches('/').to_owned();
        assert!(url.starts_with("http"), "`{line}` is no URL");
        Service { child, url }
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Makes the first admin's key, as the link of the first start allows.
    pub fn first_key(&self, shop: &Shop) -> String {
        let link = String::from_utf8(shop.read("data/first-link")).unwrap();
        let session = ureq::post(format!("{}/api/v1/session", self.url))
            .header("content-type", "application/json")
            .send(json!({ "link": link }).to_string());
        let mut session = session.unwrap();
        let cookie = session.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let csrf = json_of(session.body_mut()).unwrap()["csrfToken"].as_str().unwrap().to_owned();
        let made = ureq::post(format!("{}/api/v1/keys", self.url))
            .header("cookie", cookie)
            .header("x-csrf-token", csrf)
            .header("content-type", "application/json")
            .send(json!({ "name": "admin", "role": "admin" }).to_string());
        json_of(made.unwrap().body_mut()).unwrap()["secret"].as_str().unwrap().to_owned()
    }
}

fn json_of(body: &mut ureq::Body) -> Result<Value, ureq::Error> {
    Ok(serde_json::from_str(&body.read_to_string()?).expect("answers are JSON"))
}

/// Calls the API with a key.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    pub key: String,
}

impl Client {
    pub fn get(&self, path: &str) -> Value {
        let request = ureq::get(format!("{}/api/v1{path}", self.url)).header("authorization", self.bearer());
        request
            .call()
            .unwrap_or_else(|e| panic!("{path}: {e}"))
            .body_mut()
            .read_to_string()
            .map(|text| serde_json::from_str(&text).unwrap())
            .unwrap()
    }

    pub fn post(&self, path: &str, body: Value) -> Result<Value, ureq::Error> {
        self.send(path, "application/json", body.to_string().as_bytes(), "none")
    }

    pub fn send(&self, path: &str, kind: &str, body: &[u8], idempotency: &str) -> Result<Value, ureq::Error> {
        let request = ureq::post(format!("{}/api/v1{path}", self.url)).header("authorization", self.bearer());
        let request = request.header("content-type", kind).header("idempotency-key", idempotency);
        json_of(request.send(body)?.body_mut())
    }

    pub fn upload(&self, channel: &str, product: &str, photo: &[u8]) -> Result<Value, ureq::Error> {
        let mut body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"product\"\r\n\r\n{product}\r\n\
             --edge\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\n"
        )
        .into_bytes();
        body.extend(photo);
        body.extend(b"\r\n--edge--\r\n");
        let kind = "multipart/form-data; boundary=edge";
        self.send(&format!("/channels/{channel}/photos"), kind, &body, "none")
    }

    /// All items of a list, page by page.
    pub fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}?limit=500{after}"));
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }
}

/// A JPEG that no other number gives.
fn jpeg(number: u32) -> Vec<u8> {
    let image: Vec<u8> = (0..64 * 64 * 3u32).map(|at| (at.wrapping_mul(number | 1) >> 3 & 255) as u8).collect();
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 90);
    encoder.encode(&image, 64, 64, jpeg_encoder::ColorType::Rgb).unwrap();
    file
}

fn sale(number: u32) -> Value {
    json!({
        "number": number.to_string(), "at": "2026-11-30T08:00:00Z", "currency": "KES", "total": number,
        "lines": [{ "label": "apple", "name": "Apple", "quantity": 1, "price": number, "total": number }]
    })
}

/// Kills the server at seeded moments while sales and photos come in; `JICHO_KILLS` sets how often.
#[test]
fn what_was_answered_for_outlasts_kill_9() {
    let kills: u64 = std::env::var("JICHO_KILLS").map_or(8, |n| n.parse().expect("JICHO_KILLS is a number"));
    let shop = Shop::new();
    let service = Service::start(&shop, &[]);
    let key = service.first_key(&shop);
    let client = Client { url: service.url.clone(), key: key.clone() };
    client.post("/channels", json!({ "id": "T_1" })).unwrap();
    client.post("/channels/T_1/products", json!({ "id": "apple", "name": "Apple" })).unwrap();
    drop(service);

    // What was answered for: the numbers of sales, and the ids of photos.
    let sold = Arc::new(Mutex::new(BTreeSet::new()));
    let added = Arc::new(Mutex::new(BTreeMap::new()));
    for round in 0..kills {
        let mut service = Service::start(&shop, &[]);
        let client = Client { url: service.url.clone(), key: key.clone() };
        let running = Arc::new(AtomicBool::new(true));
        let first = u32::try_from(round).unwrap() * 10_000;
        let sales = thread::spawn({
            let (client, running, sold) = (client.clone(), Arc::clone(&running), Arc::clone(&sold));
            move || {
                // The last one of the round before may or may not have been stored: it is sent again.
                for number in first.saturating_sub(1).. {
                    if !running.load(Ordering::Relaxed) {
                        break;
                    }
                    let body = sale(number).to_string();
                    let name = format!("sale-{number}");
                    if client.send("/channels/T_1/sales", "application/json", body.as_bytes(), &name).is_err() {
                        break;
                    }
                    sold.lock().unwrap().insert(number.to_string());
                }
            }
        });
        let photos = thread::spawn({
            let (running, added) = (Arc::clone(&running), Arc::clone(&added));
            move || {
                for number in first.. {
                    if !running.load(Ordering::Relaxed) {
                        break;
                    }
                    let Ok(answer) = client.upload("T_1", "apple", &jpeg(number)) else { break };
                    let photo = &answer[0]["photo"];
                    let id = photo["id"].as_str().unwrap().to_owned();
                    added.lock().unwrap().insert(id, photo["sha256"].as_str().unwrap().to_owned());
                }
            }
        });
        thread::sleep(Duration::from_millis(40 + (round * 97) % 360));
        service.kill();
        running.store(false, Ordering::Relaxed);
        sales.join().unwrap();
        photos.join().unwrap();
    }

    let service = Service::start(&shop, &[]);
    let client = Client { url: service.url.clone(), key };
    let numbers: Vec<String> = client
        .all("/channels/T_1/sales")
        .iter()
        .map(|stored| stored["sale"]["number"].as_str().unwrap().to_owned())
        .collect();
    let unique: BTreeSet<String> = numbers.iter().cloned().collect();
    assert_eq!(unique.len(), numbers.len(), "a sale is stored twice");
    let (sold, added) = (sold.lock().unwrap(), added.lock().unwrap());
    assert!(sold.is_subset(&unique), "lost: {:?}", sold.difference(&unique));
    let photos = client.all("/channels/T_1/photos");
    let ids: BTreeSet<&str> = photos.iter().map(|photo| photo["id"].as_str().unwrap()).collect();
    assert!(added.keys().all(|id| ids.contains(id.as_str())), "a photo is lost");
    for photo in &photos {
        let (id, sha256) = (photo["id"].as_str().unwrap(), photo["sha256"].as_str().unwrap());
        let bytes = shop.read(&format!("data/channels/T_1/photos/{sha256}.jpg"));
        assert_eq!(crate::shop::sha256(&bytes), sha256, "the file of {id} is not whole");
        assert!(shop.path(format!("data/channels/T_1/thumbnails/{sha256}.jpg")).is_file());
    }
    assert!(
        sold.len() as u64 > kills && added.len() as u64 > kills,
        "too little was sent: {} {}",
        sold.len(),
        added.len()
    );
    drop(service);
    let verified = shop.run("audit verify --data data").ok();
    assert!(verified.stdout.starts_with("the audit log is whole"), "{}", verified.stdout);
}

#[test]
fn two_services_do_not_share_a_folder() {
    let shop = Shop::new();
    let _first = Service::start(&shop, &[]);
    let second = shop.run("serve --models models --data data --port 0");
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("another `jicho serve` uses the data folder data"), "{}", second.stderr);
}

#[test]
fn mistakes_of_the_configuration_are_told_before_anything_is_touched() {
    let shop = Shop::new();
    shop.write("jicho.toml", "[photos]\nmax_megabytes = 0\n[nothing]\na = 1\n");
    let refused = shop.run("serve --data data --port 0");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("photos.max_megabytes") && refused.stderr.contains("nothing"),
        "{}",
        refused.stderr
    );
    assert!(!shop.path("data").exists());
    shop.write("jicho.toml", "[server]\nport = 81\n");
    let shown = Outcome::of(shop.command().args(["config", "show"]).env("JICHO_SERVER_PORT", "82")).ok().stdout;
    assert!(shown.contains("server.port = 82\t# environment variable JICHO_SERVER_PORT"), "{shown}");
}

#[test]
fn a_copy_that_was_taken_while_it_ran_is_restored_whole() {
    let shop = Shop::new();
    let service = Service::start(&shop, &[]);
    let client = Client { url: service.url.clone(), key: service.first_key(&shop) };
    client.post("/channels", json!({ "id": "T_1" })).unwrap();
    client.post("/channels/T_1/products", json!({ "id": "apple", "name": "Apple" })).unwrap();
    client.upload("T_1", "apple", &jpeg(1)).unwrap();
    shop.run("backup copy.zip --data data --models models").ok();
    let key = client.key.clone();
    drop(service);
    shop.run("restore copy.zip --data data --models models").fails("BAD_INPUT").says(&["data", "holds files already"]);
    shop.run("restore copy.zip --data again/data --models again/models").ok();
    std::fs::rename(shop.path("data"), shop.path("old")).unwrap();
    std::fs::rename(shop.path("again/data"), shop.path("data")).unwrap();
    let service = Service::start(&shop, &[]);
    let client = Client { url: service.url.clone(), key };
    assert_eq!(client.all("/channels/T_1/photos").len(), 1);
    drop(service);

    let mut copy = shop.read("copy.zip");
    let photo = jpeg(1);
    let part = &photo[photo.len() / 2..photo.len() / 2 + 40];
    let place = copy.windows(part.len()).position(|bytes| bytes == part).unwrap();
    copy[place] ^= 1;
    shop.write("damaged.zip", &copy);
    shop.run("restore damaged.zip --data third/data --models third/models").fails("STORE");
    assert!(!shop.path("third/data").exists(), "nothing of a damaged copy is used");
}

#[test]
fn the_service_answers_as_the_library_does_and_takes_a_new_release_at_once() {
    let shop = Shop::trained(3, 6);
    let (_, predictions) = shop.evaluate("T_1", "photos");
    let service = Service::start(&shop, &[]);
    let client = Client { url: service.url.clone(), key: service.first_key(&shop) };
    client.post("/channels", json!({ "id": "T_1" })).unwrap();
    for expected in predictions.iter().step_by(5) {
        let photo = shop.read(&format!("photos/{}", expected["image"].as_str().unwrap()));
        let answer = client.send("/channels/T_1/predict", "image/jpeg", &photo, "none").unwrap();
        let first = &answer["predictions"][0];
        assert_eq!(first["label"], expected["predictions"][0]["label"], "{expected}");
        let (here, there) = (&first["confidence"], &expected["predictions"][0]["confidence"]);
        assert!((here.as_f64().unwrap() - there.as_f64().unwrap()).abs() < 1e-6, "{here} {there}");
        assert_eq!(answer["decision"], expected["decision"]);
        assert!(answer["quality"]["scores"]["blur"].is_number());
        let scan = client.send("/predict?channel=T_1", "image/jpeg", &photo, "none").unwrap();
        assert_eq!((&scan["label"], &scan["api_version"]), (&first["label"], &json!("1")));
    }
    let photo = shop.read(&format!("photos/{}", predictions[0]["image"].as_str().unwrap()));
    let version = || client.send("/channels/T_1/predict", "image/jpeg", &photo, "none").unwrap()["version"].clone();
    let before = version();
    shop.run("train photos --channel T_1 --out models").ok();
    assert_eq!(version(), shop.metadata("T_1")["version"]);
    assert_ne!(version(), before);
    // A release that cannot be loaded does not take the place of the one that answers.
    shop.write("models/T_1/latest/metadata.json", "{}");
    assert_eq!(version(), client.send("/channels/T_1/predict", "image/jpeg", &photo, "none").unwrap()["version"]);
}

/// Runs the lines of docs/service.md as they stand there, but for the port.
#[test]
fn the_lines_of_the_documentation_lead_from_an_empty_folder_to_an_answer() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/service.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("<!-- newcomer: a test runs these lines -->\n```sh\n").unwrap();
    let (lines, _) = rest.split_once("```").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let shop = Shop::with_photos(3, 8);
    let folder = std::fs::read_dir(shop.path("photos")).unwrap().next().unwrap().unwrap().path();
    let photo = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    shop.write("photo.jpg", std::fs::read(photo).unwrap());
    let product = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_jicho")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let script = format!("set -e\ntrap 'kill $!' EXIT\n{}", lines.replace("8080", &free.to_string()));
    let mut sh = std::process::Command::new("sh");
    sh.args(["-c", &script]).current_dir(shop.path("")).env("PATH", path).env("JICHO_CACHE", shop.path("cache"));
    let ended = Outcome::of(&mut sh);
    let log = String::from_utf8_lossy(&shop.read("serve.log")).into_owned();
    assert_eq!(ended.code, Some(0), "{}\n{}\n{log}", ended.stdout, ended.stderr);
    let answer: Value = serde_json::from_str(ended.stdout.lines().last().unwrap_or_default()).unwrap_or_else(|_| {
        let end = ended.stdout.rfind("{\"decision\"").unwrap_or_else(|| panic!("no answer: {}", ended.stdout));
        serde_json::from_str(&ended.stdout[end..]).unwrap()
    });
    assert_eq!(answer["predictions"][0]["label"], product.as_str(), "{answer}");
}

#[test]
fn it_speaks_https_with_a_certificate_and_nothing_else_then() {
    let shop = Shop::new();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    shop.write("cert.pem", made.cert.pem());
    shop.write("key.pem", made.signing_key.serialize_pem());
    let service =
        Service::start(&shop, &[("JICHO_SERVER_TLS_CERTIFICATE", "cert.pem"), ("JICHO_SERVER_TLS_KEY", "key.pem")]);
    assert!(service.url.starts_with("https://"));
    let trusting = ureq::tls::TlsConfig::builder().disable_verification(true).build();
    let agent: ureq::Agent = ureq::Agent::config_builder().tls_config(trusting).build().into();
    let health = agent.get(format!("{}/ready", service.url)).call().unwrap();
    assert_eq!(health.status(), 204);
    assert!(ureq::get(service.url.replace("https", "http") + "/ready").call().is_err());
    drop(service);
    let half = Outcome::of(
        shop.command().args(["serve", "--data", "data", "--port", "0"]).env("JICHO_SERVER_TLS_CERTIFICATE", "cert.pem"),
    );
    half.fails("BAD_INPUT").says(&["server.tls_key", "together"]);
}
