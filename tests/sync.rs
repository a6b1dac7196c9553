//! Sync against hosts that misbehave and stores that fail: afterwards the old model or the new one answers.

#[path = "fixture/fakes.rs"]
mod fakes;
mod fixture;

use fakes::{FakeHost, FakeStore};
use fixture::block_on::block_on;
use fixture::{MODELS, Published, publish};
use jicho::engine::plan::Plan;
use jicho::manifest::{FileEntry, FileRole, PLAN_FORMAT};
use jicho::sync::{Loaded, Outcome, Session};
use jicho::{Error, ErrorKind, Frame, Result, golden};

const A: &[&str] = &["apple", "bread"];
const B: &[&str] = &["apple", "bread", "cheese"];

fn open(store: &FakeStore) -> Session<&FakeStore> {
    block_on(Session::open(store, MODELS, "T_1")).unwrap()
}

fn sync(session: &Session<&FakeStore>, host: &FakeHost) -> Result<Outcome> {
    block_on(session.sync(host, &mut |_, _| {}, &mut |_| {}))
}

fn version(session: &Session<&FakeStore>) -> Option<String> {
    let rgba = golden::rgba();
    let answer = session.recognize(&Frame::new(golden::WIDTH, golden::HEIGHT, &rgba).unwrap());
    match answer {
        Ok(recognition) => Some(recognition.version),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NoModel);
            None
        }
    }
}

/// A device that has `published`.
fn device(published: &Published) -> FakeStore {
    let store = FakeStore::default();
    assert_eq!(sync(&open(&store), &FakeHost::of(published)), Ok(Outcome::Updated));
    store
}

#[test]
fn a_model_arrives_survives_a_restart_and_is_updated() {
    let store = FakeStore::default();
    let session = open(&store);
    assert_eq!(version(&session), None);
    let host = FakeHost::of(&publish("T_1", 1, A));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(host.blobs_asked(), 2);
    assert_eq!(version(&session).as_deref(), Some("v1"));
    assert!(session.loaded().unwrap().stored());
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));

    let session = open(&store);
    assert_eq!(version(&session).as_deref(), Some("v1"));
    host.publish(&publish("T_1", 2, B));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(host.blobs_asked(), 1, "the network is the same, only the head is fetched");
    assert_eq!(version(&session).as_deref(), Some("v2"));
    assert_eq!(version(&open(&store)).as_deref(), Some("v2"));
}

#[test]
fn offline_and_absent_keep_what_is_there() {
    let host = FakeHost::default();
    let store = FakeStore::default();
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Absent));
    host.set_latest("T_1", Err(Error::new(ErrorKind::Network, "offline")));
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Offline));
    assert_eq!(version(&open(&store)), None);

    let store = device(&publish("T_1", 1, A));
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Offline));
    assert_eq!(sync(&open(&store), &FakeHost::default()), Ok(Outcome::Absent));
    assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
}

#[test]
fn an_older_release_changes_nothing_and_a_rollback_arrives() {
    let store = device(&publish("T_1", 5, A));
    let session = open(&store);
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 4, B))), Ok(Outcome::Current));
    assert_eq!(version(&session).as_deref(), Some("v5"));
    let mut rollback = publish("T_1", 6, B);
    rollback.manifest.version = "v4".into();
    assert_eq!(sync(&session, &FakeHost::of(&rollback)), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v4"));
}

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
    let urls = host.asked.take();
    let roles = published.manifest.files.iter().filter(|f| urls.iter().any(|u| u.ends_with(&f.url)));
    roles.map(|f| f.role).collect()
}

#[test]
fn a_device_needs_the_plan_or_the_onnx() {
    let planned = publish("T_1", 1, A);
    let mut foreign = planned.clone();
    foreign.manifest.files[1].format = Some(PLAN_FORMAT + 1);
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
        assert_eq!(asked(&host, &published), [network, FileRole::Head]);
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
            let mut plan = fixture::compiled();
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

#[test]
fn a_full_or_broken_store_leaves_the_model_in_memory() {
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    store.full.set(true);
    let host = FakeHost::of(&publish("T_1", 2, B));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v2"));
    assert!(!session.loaded().unwrap().stored());
    host.blobs_asked();
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(host.blobs_asked(), 0, "a full store is not filled again and again");
    assert_eq!(version(&open(&store)).as_deref(), Some("v1"), "what was stored stays stored");

    let store = FakeStore::default();
    store.broken.set(true);
    let session = open(&store);
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 3, B))), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v3"));
}

#[test]
fn damage_and_eviction_heal_although_nothing_is_newer() {
    let published = publish("T_1", 1, A);
    let host = FakeHost::of(&published);
    for damage in [None, Some(b"damaged".to_vec())] {
        let store = device(&published);
        let head = published.manifest.file(FileRole::Head).unwrap().sha256.clone();
        store.damage.borrow_mut().insert(head, damage);
        let session = open(&store);
        assert_eq!(version(&session), None, "a damaged model never answers");
        host.blobs_asked();
        assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
        assert_eq!(host.blobs_asked(), 1, "only what is damaged is fetched");
        assert_eq!(version(&session).as_deref(), Some("v1"));
        assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
    }
}

#[test]
fn eviction_under_a_running_model_heals() {
    let published = publish("T_1", 1, A);
    let host = FakeHost::of(&published);
    let store = device(&published);
    let session = open(&store);
    let head = published.manifest.file(FileRole::Head).unwrap().sha256.clone();
    store.damage.borrow_mut().insert(head, None);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
}

#[test]
fn an_older_replay_cannot_use_damage_to_get_in() {
    let trusted = publish("T_1", 5, A);
    let store = device(&trusted);
    let head = trusted.manifest.file(FileRole::Head).unwrap().sha256.clone();
    store.damage.borrow_mut().insert(head, None);
    let host = FakeHost::of(&trusted);
    host.publish(&publish("T_1", 4, B));
    let session = open(&store);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated), "the trusted release is fetched anew");
    assert_eq!(version(&session).as_deref(), Some("v5"));
}

#[test]
fn what_another_tab_activated_is_taken_from_the_store() {
    let store = device(&publish("T_1", 1, A));
    let here = open(&store);
    let host = FakeHost::of(&publish("T_1", 2, B));
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Updated));
    assert_eq!(version(&here).as_deref(), Some("v1"));
    host.blobs_asked();
    assert_eq!(sync(&here, &host), Ok(Outcome::Updated));
    assert_eq!(host.blobs_asked(), 0);
    assert_eq!(version(&here).as_deref(), Some("v2"));
}

#[test]
fn channels_share_files_and_nothing_else() {
    let store = device(&publish("T_1", 1, A));
    let other = block_on(Session::open(&store, MODELS, "T_2")).unwrap();
    assert!(other.loaded().is_none());
    let host = FakeHost::of(&publish("T_2", 1, B));
    assert_eq!(sync(&other, &host), Ok(Outcome::Updated));
    assert_eq!(host.blobs_asked(), 1, "the network is shared");
    let elsewhere = block_on(Session::open(&store, "https://other.example/models/", "T_1")).unwrap();
    assert!(elsewhere.loaded().is_none());
    assert_eq!(open(&store).loaded().unwrap().manifest().labels, A);
}

#[test]
fn progress_is_byte_accurate() {
    let published = publish("T_1", 1, A);
    let mut seen = Vec::new();
    let store = FakeStore::default();
    block_on(open(&store).sync(
        &FakeHost::of(&published),
        &mut |loaded, total| seen.push((loaded, total)),
        &mut |_| {},
    ))
    .unwrap();
    let total = published.manifest.total_bytes();
    assert!(seen.iter().all(|&(_, t)| t == total) && seen.is_sorted());
    assert_eq!((seen[0].0, seen.last().unwrap().0), (0, total));
    assert!(seen.contains(&(published.manifest.file(FileRole::Plan).unwrap().bytes, total)));
}

#[test]
fn a_new_model_answers_before_it_is_stored() {
    let store = FakeStore::default();
    let session = open(&store);
    let mut seen = Vec::new();
    let mut on_loaded = |loaded: &Loaded| {
        let answers = session.loaded().is_some_and(|now| now.manifest() == loaded.manifest());
        seen.push((answers, loaded.stored()));
    };
    let published = FakeHost::of(&publish("T_1", 1, A));
    block_on(session.sync(&published, &mut |_, _| {}, &mut on_loaded)).unwrap();
    // A second time there is nothing to tell.
    block_on(session.sync(&published, &mut |_, _| {}, &mut on_loaded)).unwrap();
    assert_eq!(seen, [(true, false)]);
    assert!(session.loaded().unwrap().stored());
}

#[test]
fn names_that_cannot_be_are_refused() {
    let store = FakeStore::default();
    for (models, channel, kind) in [
        (MODELS, "../T_1", ErrorKind::InvalidChannel),
        (MODELS, "", ErrorKind::InvalidChannel),
        ("/models/", "T_1", ErrorKind::InvalidArgument),
        ("https://shop.example/models", "T_1", ErrorKind::InvalidArgument),
    ] {
        assert_eq!(block_on(Session::open(&store, models, channel)).err().unwrap().kind(), kind);
    }
}
