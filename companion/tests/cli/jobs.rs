//! Trainings of the service as a program: they outlast its death, nothing is published twice, and whoever follows them
//! hears all of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::onnx::Colors;
use crate::service::{Client, Service};
use crate::shop::Shop;

const CALM: [(&str, &str); 2] = [("JICHO_TRAINING_AUTOMATIC", "false"), ("JICHO_TRAINING_RETRY_SECONDS", "0")];

/// A service whose channel `T_1` has the photos of a shop.
fn shop() -> (Shop, Service, Client) {
    let shop = Shop::with_photos(3, 6);
    let service = Service::start(&shop, &CALM);
    let client = Client { url: service.url.clone(), key: service.first_key(&shop) };
    client.post("/channels", json!({ "id": "T_1" })).unwrap();
    for folder in std::fs::read_dir(shop.path("photos")).unwrap() {
        let folder = folder.unwrap();
        let product = folder.file_name().into_string().unwrap();
        client.post("/channels/T_1/products", json!({ "id": product, "name": product })).unwrap();
        for photo in std::fs::read_dir(folder.path()).unwrap() {
            client.upload("T_1", &product, &std::fs::read(photo.unwrap().path()).unwrap()).unwrap();
        }
    }
    (shop, service, client)
}

/// The events of a job until `last` says so or the stream ends.
fn follow(client: &Client, job: &str, last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let request = ureq::get(format!("{}/api/v1/jobs/{job}/events", client.url));
    let response = request.header("authorization", format!("Bearer {}", client.key)).call().unwrap();
    let mut events = Vec::new();
    for line in BufReader::new(response.into_body().into_reader()).lines() {
        // The service may have been killed.
        let Ok(line) = line else { break };
        if let Some(data) = line.strip_prefix("data:") {
            events.push(serde_json::from_str(data.trim()).unwrap());
            if last(&events[events.len() - 1]) {
                break;
            }
        }
    }
    events
}

fn train(client: &Client) -> String {
    let job = client.post("/channels/T_1/train", json!({ "force": true })).unwrap();
    job["id"].as_str().unwrap().to_owned()
}

fn versions(shop: &Shop) -> usize {
    std::fs::read_dir(shop.path("models/T_1/versions")).map_or(0, Iterator::count)
}

#[test]
fn a_training_outlasts_kill_9_and_is_published_once() {
    let (shop, mut service, mut client) = shop();
    let stages = ["initializing", "embedding", "fitting", "publishing"];
    for (round, stage) in stages.into_iter().enumerate() {
        let job = train(&client);
        follow(&client, &job, |event| event["state"] == "running" && event["stage"] == stage);
        service.kill();
        service = Service::start(&shop, &CALM);
        client.url = service.url.clone();
        let events = follow(&client, &job, |_| false);
        assert_eq!(events.last().unwrap()["state"], "done", "killed at {stage}: {events:?}");
        let job = client.get(&format!("/jobs/{job}"));
        let models = client.all("/channels/T_1/models");
        assert_eq!(models.len(), round + 1, "killed at {stage}");
        assert!(models[0]["job"] == job["id"] && models[0]["version"] == job["result"]["version"], "killed at {stage}");
        assert_eq!(shop.metadata("T_1")["version"], job["result"]["version"]);
    }
    assert!(versions(&shop) >= stages.len());
    let audit = client.all("/audit").iter().filter(|record| record["action"] == "model.publish").count();
    assert_eq!(audit, stages.len(), "each publication is recorded once");

    // The same from the command line, while the service runs.
    let history = shop.run("history T_1 --data data --json").ok().json_lines();
    assert_eq!(history.len(), stages.len());
    let (a, b) = (history[1]["version"].as_str().unwrap(), history[0]["version"].as_str().unwrap());
    let compared = shop.run(&format!("compare {a} {b} --data data --json")).ok().json();
    assert_eq!(compared["products"].as_array().unwrap().len(), 3);
    assert!(compared["b"]["active"] == true && compared["paired"]["version"] == a, "{compared}");
    shop.run("history T_2 --data data").fails("NOT_FOUND");
    shop.run("compare none none --data data").fails("NOT_FOUND");
    shop.run("history T_1 --data nowhere").fails("IO");
}

#[test]
fn a_classifier_is_imported_and_jobs_are_followed_over_a_websocket() {
    let (shop, _service, client) = shop();
    let job = train(&client);
    let events = follow(&client, &job, |_| false);
    assert_eq!(socket(&client, &job), events);

    Colors::default().write(&shop);
    let pixels: &[u8] = br#"{ "color": "rgb", "range": [0, 1], "mean": [0, 0, 0], "std": [1, 1, 1] }"#;
    client.post("/channels", json!({ "id": "T_2" })).unwrap();
    let import = |parts: &[(&str, &[u8])]| {
        let mut body = Vec::new();
        for (name, bytes) in parts {
            body.extend(
                format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n").bytes(),
            );
            body.extend(*bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--edge--\r\n");
        client.send("/channels/T_2/import-model", "multipart/form-data; boundary=edge", &body, "none")
    };
    let model = shop.read("colors.onnx");
    assert!(import(&[("model", &model)]).is_err(), "labels are missing");
    assert!(import(&[("model", &model), ("labels", b"a"), ("pixels", b"{\"layout\":\"round\"}")]).is_err());
    let job = import(&[("model", &model), ("labels", Colors::LABELS.as_bytes()), ("pixels", pixels)]).unwrap();
    let events = follow(&client, job["id"].as_str().unwrap(), |_| false);
    assert_eq!(events.last().unwrap()["state"], "done", "{events:?}");
    let models = client.all("/channels/T_2/models");
    assert!(models.len() == 1 && models[0]["products"] == 3 && models[0]["active"] == true, "{models:?}");
    // What is no network is told, and not tried again.
    let job = import(&[("model", b"no network"), ("labels", Colors::LABELS.as_bytes())]).unwrap();
    follow(&client, job["id"].as_str().unwrap(), |_| false);
    let job = client.get(&format!("/jobs/{}", job["id"].as_str().unwrap()));
    assert!(job["state"] == "failed" && job["attempts"] == 1, "{job}");
    assert!(!job["error"]["message"].as_str().unwrap().contains("runs/"), "{job}");
}

/// The text messages of a job's WebSocket until it is closed.
fn socket(client: &Client, job: &str) -> Vec<Value> {
    let host = client.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!(
        "GET /api/v1/jobs/{job}/ws HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        client.key
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.contains("101"), "{line}");
    while line.trim() != "" {
        line.clear();
        stream.read_line(&mut line).unwrap();
    }
    let mut messages = Vec::new();
    loop {
        // What a server sends is not masked; none of these messages is longer than 16 bits can tell.
        let mut head = [0; 2];
        stream.read_exact(&mut head).unwrap();
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                u16::from_be_bytes(length).into()
            }
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).unwrap();
        match head[0] & 15 {
            1 => messages.push(serde_json::from_slice(&payload).unwrap()),
            8 => return messages,
            _ => {}
        }
    }
}
