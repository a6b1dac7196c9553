//! Jobs and models through the API, with real processes that train small shops.

use std::path::Path;
use std::pin::pin;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request as HttpRequest, StatusCode};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;
use crate::samples;
use crate::service::access::keys::{self, KeyRequest};
use crate::service::access::{Caller, Role};
use crate::service::config::{Settings, Sources};
use crate::service::events::Event;
use crate::service::photos::{look_through, store};
use crate::service::{App, http};

/// A service on a folder, with a channel `T_1` of three products and a key of every role.
struct Service {
    folder: TempDir,
    app: App,
    router: Router,
    keys: HashMap<&'static str, String>,
}

fn settings(folder: &Path) -> Settings {
    let mut settings = Sources::default().read().unwrap().settings;
    settings.server.data = folder.join("data");
    settings.server.models = folder.join("models");
    settings.training.retry_seconds = 0;
    settings.training.automatic = false;
    settings
}

async fn open(folder: &Path, change: impl FnOnce(&mut Settings)) -> (App, Router) {
    let mut settings = settings(folder);
    change(&mut settings);
    let app = App::open(settings).await.unwrap();
    let router = http::router(&app, Router::new());
    (app, router)
}

impl Service {
    async fn new() -> Service {
        Service::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Service {
        let folder = tempfile::tempdir().unwrap();
        let (app, router) = open(folder.path(), change).await;
        let mut keys = HashMap::new();
        for role in Role::ALL {
            let request = KeyRequest { name: role.word().into(), role, channels: None, expires_in_days: None };
            let key = keys::make(&app, &Caller::service(), request).await.unwrap();
            keys.insert(role.word(), serde_json::to_value(&key).unwrap()["secret"].as_str().unwrap().to_owned());
        }
        let service = Service { folder, app, router, keys };
        service.expect(StatusCode::CREATED, "admin", "POST", "/channels", Some(json!({ "id": "T_1" }))).await;
        service.draw(8, 1).await;
        service
    }

    /// Adds products and photos of a made-up shop. Another seed draws other photos of the same products.
    async fn draw(&self, photos: usize, seed: u64) {
        let drawn = tempfile::tempdir().unwrap();
        let options =
            samples::Options { photos_per_product: photos, size: 96, seed, products: Some(3), attributes: false };
        samples::generate(drawn.path(), &options, &|_, _| {}).unwrap();
        for product in sorted(drawn.path()) {
            let id = product.file_name().unwrap().to_str().unwrap();
            let body =
                json!({ "id": id, "name": format!("The {id}"), "price": "1.20", "facts": { "origin": "Kenya" } });
            self.call("admin", "POST", "/channels/T_1/products", Some(body)).await;
            for photo in sorted(&product) {
                self.add(id, &std::fs::read(photo).unwrap()).await;
            }
        }
        self.app.events.send(Event::Photos { channel: "T_1".into() });
    }

    async fn add(&self, product: &str, photo: &[u8]) {
        let intake =
            look_through(&self.app, photo.to_vec()).await.unwrap().unwrap_or_else(|_| panic!("a usable photo"));
        store(&self.app, &Caller::service(), "T_1", product, intake, "upload", "photo".into()).await.unwrap();
    }

    async fn send(&self, role: &str, method: &str, path: &str, body: Option<Value>) -> Response {
        let request = HttpRequest::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.keys[role]))
            .header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    async fn call(&self, role: &str, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let response = self.send(role, method, path, body).await;
        let status = response.status();
        let bytes = bytes(response).await;
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn expect(&self, status: StatusCode, role: &str, method: &str, path: &str, body: Option<Value>) -> Value {
        let (found, value) = self.call(role, method, path, body).await;
        assert_eq!(found, status, "{method} {path}: {value}");
        value
    }

    async fn get(&self, path: &str) -> Value {
        self.expect(StatusCode::OK, "admin", "GET", path, None).await
    }

    /// Asks for a training and gives its job's id.
    async fn train(&self, status: StatusCode, body: Option<Value>) -> String {
        let job = self.expect(status, "supervisor", "POST", "/channels/T_1/train", body).await;
        job["id"].as_str().unwrap().to_owned()
    }

    /// The events of a job until `last` says so, or the job is over.
    async fn events_until(&self, job: &str, last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let response = self.send("operator", "GET", &format!("/jobs/{job}/events"), None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut body = pin!(response.into_body().into_data_stream());
        let (mut text, mut events) = (String::new(), Vec::new());
        while let Some(chunk) = body.next().await {
            text.push_str(str::from_utf8(&chunk.unwrap()).unwrap());
            while let Some((block, rest)) = text.split_once("\n\n") {
                let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if let Some(data) = line("data:") {
                    let event: Value = serde_json::from_str(data).unwrap();
                    assert_eq!(line("id:"), Some(event["seq"].to_string().as_str()));
                    events.push(event);
                }
                text = rest.to_owned();
                if events.last().is_some_and(&last) {
                    return events;
                }
            }
        }
        events
    }

    /// The job once it is over.
    async fn over(&self, job: &str) -> Value {
        self.events_until(job, |_| false).await;
        self.get(&format!("/jobs/{job}")).await
    }

    async fn trained(&self) -> Value {
        let job = self.train(StatusCode::ACCEPTED, None).await;
        let job = self.over(&job).await;
        assert_eq!(job["state"], "done", "{job}");
        job
    }

    fn latest(&self) -> Option<jicho::Manifest> {
        let file = std::fs::read(self.folder.path().join("models/T_1/latest/metadata.json")).ok()?;
        Some(jicho::Manifest::parse(&file).unwrap())
    }

    /// Starts the service again on the same folder, after one that ended without a word.
    async fn restarted(mut self) -> Service {
        (self.app, self.router) = open(self.folder.path(), |_| {}).await;
        start(&self.app).await.unwrap();
        self
    }
}

async fn bytes(response: Response) -> Bytes {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()
}

fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn states(events: &[Value]) -> Vec<&str> {
    let mut states: Vec<&str> = events.iter().map(|event| event["state"].as_str().unwrap()).collect();
    states.dedup();
    states
}

fn at_stage(stage: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["stage"] == stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_is_trained_compared_and_rolled_back() {
    let service = Service::new().await;
    // Nobody works yet, so that the second request finds the first one waiting.
    let job = service.train(StatusCode::ACCEPTED, None).await;
    assert_eq!(service.train(StatusCode::OK, None).await, job);
    start(&service.app).await.unwrap();
    let events = service.events_until(&job, |_| false).await;
    assert_eq!(states(&events), ["queued", "running", "done"]);
    let mut stages: Vec<&str> = events.iter().map(|event| event["stage"].as_str().unwrap()).collect();
    stages.dedup();
    let all = ["initializing", "validating", "embedding", "fitting", "evaluating", "publishing", "completed"];
    assert_eq!(stages, all);
    assert!(events.is_sorted_by_key(|event| event["percent"].as_u64().unwrap()));
    assert_eq!(events.last().unwrap()["percent"], 100);
    // Whoever comes late hears the same.
    assert_eq!(service.events_until(&job, |_| false).await, events);

    let done = service.get(&format!("/jobs/{job}")).await;
    let first = done["result"]["version"].as_str().unwrap().to_owned();
    let manifest = service.latest().unwrap();
    assert_eq!(manifest.version, first);
    // A model holds the products' names, and nothing else of what is known of them.
    assert!(
        manifest.facts.len() == 3 && manifest.facts.values().all(|facts| facts.keys().eq(["name"])),
        "{:?}",
        manifest.facts
    );
    let models = service.get("/channels/T_1/models").await;
    let model = &models["items"][0];
    assert_eq!(
        (&model["version"], &model["state"], &model["active"]),
        (&json!(first), &json!("published"), &json!(true))
    );
    assert_eq!((&model["products"], &model["images"], &model["job"]), (&json!(3), &json!(24), &json!(job)));
    assert!(model["accuracy"].is_number() && model["metrics"]["interval"].is_array(), "{model}");

    // The same photos are not trained again, unless somebody insists.
    let unchanged = service.trained().await;
    assert_eq!(unchanged["result"], json!({ "unchanged": true, "version": first }));
    assert_eq!(service.latest().unwrap().version, first);

    service.draw(8, 2).await;
    let second = service.trained().await["result"]["version"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let compared = service.get(&format!("/channels/T_1/models/compare?a={first}&b={second}")).await;
    assert_eq!((&compared["a"]["state"], &compared["b"]["images"]), (&json!("superseded"), &json!(48)));
    assert_eq!(compared["products"].as_array().unwrap().len(), 3);
    assert!(compared["products"][0]["b"]["of"].as_u64().unwrap() > 0, "{compared}");
    assert_eq!(compared["paired"]["version"], json!(first));

    let path = format!("/channels/T_1/models/{first}/rollback");
    let mut heard = service.app.events.subscribe();
    let back = service.expect(StatusCode::OK, "supervisor", "POST", &path, None).await;
    assert_eq!((&back["version"], &back["active"]), (&json!(first), &json!(true)));
    // Events of the training before may still be under way.
    while heard.recv().await.unwrap() != (Event::Model { channel: "T_1".into() }) {}
    assert_eq!(service.latest().unwrap().version, first);
    assert_eq!(service.get(&format!("/channels/T_1/models/{second}")).await["state"], "superseded");
    service.expect(StatusCode::CONFLICT, "supervisor", "POST", &path, None).await;
    service.expect(StatusCode::CONFLICT, "supervisor", "POST", "/channels/T_1/candidate/promote", None).await;

    // Reports are for those who may trace answers to photos.
    for file in ["report.json", "report.html"] {
        let path = format!("/channels/T_1/models/{second}/{file}");
        service.expect(StatusCode::FORBIDDEN, "supervisor", "GET", &path, None).await;
        let report = service.send("quality", "GET", &path, None).await;
        assert_eq!(report.status(), StatusCode::OK);
        assert!(!bytes(report).await.is_empty());
    }
    assert!(service.app.storage.reports().join("T_1").join(&second).join("photos.jsonl").is_file());
    let traces = [service.app.storage.examples("T_1", &job), service.app.storage.run("T_1", &job)];
    assert!(traces.iter().all(|path| !path.exists()), "a job left files behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_while_one_runs_waits_once_and_runs_after_it() {
    let service = Service::new().await;
    start(&service.app).await.unwrap();
    let first = service.train(StatusCode::ACCEPTED, None).await;
    service.events_until(&first, |event| event["state"] == "running").await;
    let second = service.train(StatusCode::ACCEPTED, Some(json!({ "force": true }))).await;
    assert_eq!(service.train(StatusCode::OK, None).await, second);
    let (first, second) = (service.over(&first).await, service.over(&second).await);
    assert_eq!((&first["state"], &second["state"]), (&json!("done"), &json!("done")), "{second}");
    assert!(second["startedAt"].as_u64() >= first["endedAt"].as_u64());
    // What either request asked for holds.
    assert_eq!(second["parameters"]["force"], true);
    assert_eq!(service.get("/channels/T_1/models").await["items"].as_array().unwrap().len(), 2);
    assert_eq!(service.get("/channels/T_1/jobs?state=done").await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_publishes_nothing() {
    let service = Service::new().await;
    let waiting = service.train(StatusCode::ACCEPTED, None).await;
    let job = service.expect(StatusCode::OK, "supervisor", "POST", &format!("/jobs/{waiting}/cancel"), None).await;
    assert_eq!(job["state"], "cancelled");
    start(&service.app).await.unwrap();
    for stage in ["validating", "embedding", "fitting"] {
        let job = service.train(StatusCode::ACCEPTED, None).await;
        service.events_until(&job, at_stage(stage)).await;
        service.expect(StatusCode::OK, "supervisor", "POST", &format!("/jobs/{job}/cancel"), None).await;
        let job = service.over(&job).await;
        // A process may be done with publishing in the moment in which it is cancelled; then the job says so.
        match job["state"].as_str().unwrap() {
            "cancelled" => assert!(job["result"].is_null()),
            state => {
                assert_eq!((state, &job["result"]["version"]), ("done", &json!(service.latest().unwrap().version)));
            }
        }
    }
    // A job that is over stays as it is.
    let again = service.expect(StatusCode::OK, "supervisor", "POST", &format!("/jobs/{waiting}/cancel"), None).await;
    assert_eq!(again["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_process_is_killed_is_tried_again() {
    let service = Service::new().await;
    start(&service.app).await.unwrap();
    let job = service.train(StatusCode::ACCEPTED, None).await;
    service.events_until(&job, at_stage("validating")).await;
    service.app.jobs.running.lock().unwrap()[&job].kill();
    let job = service.over(&job).await;
    assert_eq!((&job["state"], &job["attempts"]), (&json!("done"), &json!(2)), "{job}");
    assert_eq!(service.get("/channels/T_1/models").await["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_job_whose_service_is_killed_is_picked_up_and_no_release_is_published_twice() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // Ends in the middle of a training: nothing of it is published.
    let first = runtime();
    let (service, job) = first.block_on(async {
        let service = Service::new().await;
        start(&service.app).await.unwrap();
        let job = service.train(StatusCode::ACCEPTED, None).await;
        service.events_until(&job, at_stage("validating")).await;
        (service, job)
    });
    first.shutdown_background();
    let second = runtime();
    let (service, version) = second.block_on(async {
        let service = service.restarted().await;
        let events = service.events_until(&job, |_| false).await;
        assert_eq!(states(&events), ["queued", "running", "queued", "running", "done"]);
        let version = service.latest().unwrap().version;
        (service, version)
    });

    // Ends just after the release came into force: the job is as if it had never been told.
    second.block_on(async {
        let mut write = service.app.database.write().await.unwrap();
        for sql in [
            "UPDATE jobs SET state = 'running', result = NULL, ended_at = NULL",
            "DELETE FROM job_events WHERE state = 'done'",
            "DELETE FROM ml_models",
        ] {
            sqlx::query(sql).execute(&mut *write).await.unwrap();
        }
        write.commit().await.unwrap();
        let intent = intent(&service.app, "T_1", &job);
        service.app.storage.put(&intent, version.as_bytes()).unwrap();
        service.app.database.close().await;
    });
    second.shutdown_background();
    runtime().block_on(async {
        let service = service.restarted().await;
        let job = service.over(&job).await;
        assert_eq!((&job["state"], &job["result"]["version"]), (&json!("done"), &json!(version)), "{job}");
        let models = service.get("/channels/T_1/models").await;
        assert_eq!(models["items"].as_array().unwrap().len(), 1);
        assert_eq!((&models["items"][0]["version"], &models["items"][0]["job"]), (&json!(version), &job["id"]));
        assert!(models["items"][0]["metrics"]["interval"].is_array(), "{models}");
        assert_eq!(sorted(&service.folder.path().join("models/T_1/versions")).len(), 1);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_photos_are_trained_by_themselves_and_unchanged_ones_are_not() {
    let service = Service::with(|settings| {
        settings.training.automatic = true;
        settings.training.debounce_seconds = 1;
    });
    let service = service.await;
    start(&service.app).await.unwrap();
    let mut heard = service.app.events.subscribe();
    tokio::spawn(automatic::forever(service.app.clone()));
    let job = loop {
        if let Event::Job { id } = heard.recv().await.unwrap() {
            break id;
        }
    };
    let job = service.over(&job).await;
    assert_eq!((&job["state"], &job["askedBy"]), (&json!("done"), &json!("service")), "{job}");
    assert!(!automatic::train_if_changed(&service.app, "T_1").await.unwrap());

    // A disputed photo is not trained on, so that what would be learnt is another thing.
    let photo = service.get("/channels/T_1/photos?limit=1").await["items"][0]["id"].as_str().unwrap().to_owned();
    let mut write = service.app.database.write().await.unwrap();
    sqlx::query("UPDATE photos SET disputed_at = 1 WHERE id = ?").bind(photo).execute(&mut *write).await.unwrap();
    write.commit().await.unwrap();
    assert!(automatic::train_if_changed(&service.app, "T_1").await.unwrap());
    let settings = json!({ "settings": { "automaticTraining": false } });
    service.expect(StatusCode::OK, "admin", "PATCH", "/channels/T_1", Some(settings)).await;
    assert!(!automatic::train_if_changed(&service.app, "T_1").await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_is_shared_promoted_and_withdrawn() {
    let service = Service::new().await;
    start(&service.app).await.unwrap();
    service.trained().await;
    let first = service.latest().unwrap().version;
    let candidate = |share: f64| {
        let app = service.app.clone();
        async move {
            let input = input::read(&app, "T_1", false).await.unwrap();
            let mut options = input.write(&app, "by-hand").unwrap();
            options.terms.canary = Some(share);
            options.gate = None;
            let train = move || crate::learning::train::run(&options, crate::progress::Progress::Silent).unwrap();
            let version = tokio::task::spawn_blocking(train).await.unwrap().published.manifest.version;
            crate::service::models::reconcile_all(&app).await.unwrap();
            version
        }
    };
    let second = candidate(0.25).await;
    let model = service.get(&format!("/channels/T_1/models/{second}")).await;
    assert_eq!((&model["state"], &model["share"], &model["active"]), (&json!("canary"), &json!(0.25), &json!(false)));
    assert_eq!(model["askedBy"], "command line");
    let path = "/channels/T_1/candidate/share";
    service.expect(StatusCode::BAD_REQUEST, "supervisor", "PUT", path, Some(json!({ "share": 1.5 }))).await;
    let shared = service.expect(StatusCode::OK, "supervisor", "PUT", path, Some(json!({ "share": 0.5 }))).await;
    assert_eq!((&shared["version"], &shared["share"]), (&json!(second), &json!(0.5)));
    let candidate_of =
        |manifest: jicho::Manifest| manifest.candidate.map(|candidate| (candidate.version, candidate.share));
    assert_eq!(candidate_of(service.latest().unwrap()), Some((second.clone(), 0.5)));

    let back = service.expect(StatusCode::OK, "supervisor", "POST", "/channels/T_1/candidate/withdraw", None).await;
    assert_eq!(back["version"], json!(first));
    assert_eq!(service.get(&format!("/channels/T_1/models/{second}")).await["state"], "withdrawn");
    assert_eq!(candidate_of(service.latest().unwrap()), None);

    let third = candidate(0.0).await;
    assert_eq!(service.get(&format!("/channels/T_1/models/{third}")).await["state"], "candidate");
    let promoted = service.expect(StatusCode::OK, "supervisor", "POST", "/channels/T_1/candidate/promote", None).await;
    assert_eq!((&promoted["version"], &promoted["active"]), (&json!(third), &json!(true)));
    assert_eq!(service.latest().unwrap().version, third);
    let log = service.get("/audit?limit=100").await.to_string();
    for action in ["job.queue", "model.publish", "model.share", "model.withdraw", "model.promote"] {
        assert!(log.contains(action), "{action} is not in the audit log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backbones_are_listed_and_tried() {
    let service = Service::new().await;
    start(&service.app).await.unwrap();
    let known = service.get("/backbones").await;
    assert_eq!((&known[0]["name"], &known[0]["present"]), (&json!("embedded"), &json!(true)));
    assert!(known.as_array().unwrap().len() > 3);
    let path = "/channels/T_1/backbone-trials";
    for body in [json!({ "backbones": [] }), json!({ "backbones": ["../../etc/passwd"] }), json!({})] {
        service.expect(StatusCode::BAD_REQUEST, "supervisor", "POST", path, Some(body)).await;
    }
    let body = json!({ "backbones": ["embedded"] });
    let job = service.expect(StatusCode::ACCEPTED, "supervisor", "POST", path, Some(body)).await;
    let job = service.over(job["id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "done", "{job}");
    assert!(job["result"][0]["bytes"].is_number() && job["result"][0]["milliseconds"].is_number(), "{job}");
    assert!(service.latest().is_none(), "a trial publishes nothing");
    service.expect(StatusCode::NOT_FOUND, "supervisor", "POST", "/backbones/none/fetch", None).await;
    let job = service.expect(StatusCode::ACCEPTED, "supervisor", "POST", "/backbones/embedded/fetch", None).await;
    assert_eq!(service.over(job["id"].as_str().unwrap()).await["state"], "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_trained_is_told_and_not_tried_again() {
    let service = Service::new().await;
    service.expect(StatusCode::CREATED, "admin", "POST", "/channels", Some(json!({ "id": "empty" }))).await;
    start(&service.app).await.unwrap();
    let job = service.expect(StatusCode::ACCEPTED, "supervisor", "POST", "/channels/empty/train", None).await;
    let job = service.over(job["id"].as_str().unwrap()).await;
    assert_eq!(
        (&job["state"], &job["attempts"], &job["error"]["code"]),
        (&json!("failed"), &json!(1), &json!("NO_PHOTOS"))
    );
    for path in ["/jobs/job_none", "/jobs/job_none/events", "/channels/none/jobs", "/channels/none/models"] {
        service.expect(StatusCode::NOT_FOUND, "admin", "GET", path, None).await;
    }
    service
        .expect(StatusCode::BAD_REQUEST, "supervisor", "POST", "/channels/T_1/train", Some(json!({ "speed": 3 })))
        .await;
    let job = job["id"].as_str().unwrap();
    service.expect(StatusCode::BAD_REQUEST, "admin", "GET", "/jobs?limit=0", None).await;
    // Without the headers of a WebSocket.
    let (status, problem) = service.call("admin", "GET", &format!("/jobs/{job}/ws"), None).await;
    assert!(status.is_client_error() && problem["code"] == "no-websocket", "{problem}");
}

#[tokio::test]
async fn a_key_for_other_channels_sees_nothing_of_this_one() {
    let service = Service::new().await;
    let job = service.train(StatusCode::ACCEPTED, None).await;
    service.expect(StatusCode::CREATED, "admin", "POST", "/channels", Some(json!({ "id": "T_2" }))).await;
    let request = KeyRequest {
        name: "other".into(),
        role: Role::Supervisor,
        channels: Some(vec!["T_2".into()]),
        expires_in_days: None,
    };
    let key = keys::make(&service.app, &Caller::service(), request).await.unwrap();
    let mut service = service;
    service.keys.insert("other", serde_json::to_value(&key).unwrap()["secret"].as_str().unwrap().to_owned());
    for (method, path) in [
        ("GET", format!("/jobs/{job}")),
        ("GET", format!("/jobs/{job}/events")),
        ("POST", format!("/jobs/{job}/cancel")),
        ("POST", "/channels/T_1/train".into()),
        ("GET", "/channels/T_1/models".into()),
    ] {
        service.expect(StatusCode::NOT_FOUND, "other", method, &path, None).await;
    }
    assert_eq!(service.expect(StatusCode::OK, "other", "GET", "/jobs", None).await["items"], json!([]));
}
