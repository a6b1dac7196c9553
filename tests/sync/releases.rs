//! Releases that are wrong, or not for this device.

use fixture::{compiled, publish};
use jicho::Error;
use jicho::engine::plan::Plan;
use jicho::manifest::{FileEntry, FileRole, PLAN_FORMATS};

use super::*;

#[test]
fn bad_metadata_is_a_typed_error_and_the_old_model_stays() {
    let other = publish("T_2", 9, B);
    let newer = String::from_utf8(publish("T_1", 9, B).metadata()).unwrap().replace("\"schema\":1", "\"schema\":2");
    let cases: [(Result<Vec<u8>>, ErrorKind); 6] = [
        (Ok(b"<!doctype html><title>app</title>".to_vec()), ErrorKind::InvalidManifest),
        (Ok(b"{\"schema\":1}".to_vec()), ErrorKind::InvalidManifest),
        (Ok(other.metadata()), ErrorKind::InvalidManifest),
        (Ok(newer.into_bytes()), ErrorKind::SchemaTooNew),
        (Err(Error::new(ErrorKind::HttpStatus, "500")), ErrorKind::HttpStatus),
        (Err(Error::new(ErrorKind::Aborted, "aborted")), ErrorKind::Aborted),
    ];
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    for (answer, kind) in cases {
        let host = FakeHost::default();
        host.set_latest("T_1", answer);
        assert_eq!(sync(&session, &host).unwrap_err().kind(), kind);
        assert_eq!(version(&session).as_deref(), Some("v1"));
    }
}

#[test]
fn bad_files_are_typed_errors_and_the_old_model_stays() {
    let good = publish("T_1", 2, B);
    let (head, bytes) = good.file(FileRole::Head);
    let flipped = {
        let mut bytes = bytes.clone();
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    };
    let long = [bytes.clone(), vec![0]].concat();
    let html = b"<!doctype html>".to_vec();
    let cut = || Error::new(ErrorKind::Network, "connection reset");
    let cases: [(Option<Result<Vec<u8>>>, ErrorKind); 6] = [
        (Some(Ok(flipped)), ErrorKind::HashMismatch),
        (Some(Ok(bytes[..bytes.len() / 2].to_vec())), ErrorKind::SizeMismatch),
        (Some(Ok(long)), ErrorKind::SizeMismatch),
        (Some(Ok(html)), ErrorKind::SizeMismatch),
        (Some(Err(cut())), ErrorKind::Network),
        (None, ErrorKind::HttpStatus),
    ];
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    for (answer, kind) in cases {
        let host = FakeHost::of(&good);
        match answer {
            Some(answer) => host.set(&head, answer),
            None => host.remove(&head),
        }
        assert_eq!(sync(&session, &host).unwrap_err().kind(), kind);
        assert_eq!(version(&session).as_deref(), Some("v1"));
        assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
    }
    assert_eq!(sync(&session, &FakeHost::of(&good)), Ok(Outcome::Updated));
}

#[test]
fn a_release_that_does_not_load_or_answers_otherwise_is_not_activated() {
    let unloadable = publish("T_1", 2, B).with_file(FileRole::Head, |bytes| bytes.truncate(40));
    let mut wrong = publish("T_1", 2, B);
    wrong.manifest.golden.outputs[1] += 0.01;
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    for (published, kind) in [(unloadable, ErrorKind::InvalidModel), (wrong, ErrorKind::GoldenMismatch)] {
        assert_eq!(sync(&session, &FakeHost::of(&published)).unwrap_err().kind(), kind);
        assert_eq!(version(&session).as_deref(), Some("v1"));
        assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
    }
}

/// The roles of the files that were asked for.
fn asked(host: &FakeHost, published: &Published) -> Vec<FileRole> {
    let asked = host.asked();
    let roles = published.manifest.files.iter().filter(|f| asked.iter().any(|a| a.url == f.url));
    roles.map(|f| f.role).collect()
}

#[test]
fn a_device_needs_the_plan_or_the_onnx() {
    let planned = publish("T_1", 1, A);
    let mut foreign = planned.clone();
    foreign.manifest.files[1].format = Some(PLAN_FORMATS.end() + 1);
    let mut later = planned.clone();
    let entry = FileEntry { role: FileRole::Other, url: "blobs/later".into(), ..later.manifest.files[0].clone() };
    later.manifest.files.push(entry);
    for (published, network) in [
        (planned.clone(), FileRole::Plan),
        (planned.without_plan(), FileRole::Backbone),
        (foreign, FileRole::Backbone),
        (later, FileRole::Plan),
    ] {
        let host = FakeHost::of(&published);
        let store = FakeStore::default();
        assert_eq!(sync(&open(&store), &host), Ok(Outcome::Updated));
        assert_eq!(asked(&host, &published), [network, FileRole::Space, FileRole::Head]);
        let session = open(&store);
        assert_eq!(version(&session).as_deref(), Some("v1"), "it needs no more than what was fetched");
        assert_eq!(sync(&session, &host), Ok(Outcome::Current));
        assert_eq!(host.blobs_asked(), 0, "nothing is missing");
    }
}

#[test]
fn a_plan_that_cannot_be_used_is_refused_and_the_old_model_stays() {
    let new = || publish("T_1", 2, B);
    let with_plan = |change: fn(&mut Plan<'_>)| {
        new().with_file(FileRole::Plan, |bytes| {
            let mut plan = compiled();
            change(&mut plan);
            *bytes = plan.to_bytes().unwrap();
        })
    };
    let bad = [
        new().with_file(FileRole::Plan, |bytes| bytes[8] += 1),
        new().with_file(FileRole::Plan, |bytes| *bytes.last_mut().unwrap() ^= 1),
        new().with_file(FileRole::Plan, |bytes| bytes.truncate(100)),
        with_plan(|plan| plan.program.onnx = "0".repeat(64)),
        // Embeddings of another length.
        with_plan(|plan| {
            plan.program.tensors[1..].iter_mut().for_each(|t| t.channels += 1);
            plan.data.to_mut().extend([0; 4]);
        }),
    ];
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    for published in bad {
        let host = FakeHost::of(&published);
        assert_eq!(sync(&session, &host).unwrap_err().kind(), ErrorKind::InvalidModel);
        assert!(!asked(&host, &published).contains(&FileRole::Backbone), "the ONNX is no second choice");
        assert_eq!(version(&session).as_deref(), Some("v1"));
        assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
    }
    let mut resized = new();
    resized.manifest.image_size += 1;
    assert_eq!(sync(&session, &FakeHost::of(&resized)).unwrap_err().kind(), ErrorKind::InvalidModel);
}
