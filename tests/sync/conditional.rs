//! An unchanged model costs one 304, and no 304 hides what should be done.

use fixture::publish;
use jicho::manifest::{Candidate, FileRole};

use super::fakes::Fault;
use super::*;

const LATEST: &str = "T_1/latest/metadata.json";

fn host(published: &Published) -> FakeHost {
    let host = FakeHost::of(published);
    host.etags.set(true);
    host
}

/// The ETags that were sent.
fn sent(host: &FakeHost) -> Vec<Option<String>> {
    host.asked_for(LATEST).into_iter().map(|asked| asked.if_none_match).collect()
}

#[test]
fn an_unchanged_model_costs_one_304() {
    let host = host(&publish("T_1", 1, A));
    let store = FakeStore::default();
    let session = open(&store);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(sent(&host), [None]);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    let etag = sent(&host);
    assert!(etag[0].is_some());
    // The next page too.
    let session = open(&store);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(sent(&host), etag);

    host.publish(&publish("T_1", 2, B));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(sent(&host), etag);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_ne!(sent(&host), etag);
    assert_eq!(version(&open(&store)).as_deref(), Some("v2"));
}

#[test]
fn a_host_without_etags_is_asked_plainly() {
    let host = FakeHost::of(&publish("T_1", 1, A));
    let store = FakeStore::default();
    for _ in 0..3 {
        sync(&open(&store), &host).unwrap();
    }
    assert_eq!(sent(&host), [None, None, None]);
    // A 304 that nobody asked for is no answer.
    host.fail(LATEST, [Fault::Status(304)]);
    assert_eq!(kind(sync(&open(&store), &host)), ErrorKind::HttpStatus);
}

#[test]
fn an_etag_of_what_is_not_taken_is_not_kept() {
    let host = host(&publish("T_1", 1, A));
    let store = FakeStore::default();
    let session = open(&store);
    sync(&session, &host).unwrap();
    let first = {
        sync(&session, &host).unwrap();
        sent(&host).pop()
    };
    let newer = publish("T_1", 2, B);
    host.publish(&newer);
    host.fail(&newer.file(FileRole::Head).0, [Fault::Status(500)]);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::HttpStatus);
    // It is asked for as before, and so the new release is not overlooked.
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(sent(&host), [first.clone().unwrap(), first.unwrap()]);

    // A replay has an ETag of its own.
    host.publish(&publish("T_1", 1, A));
    assert_eq!(sync(&session, &host), Ok(Outcome::HostOlder));
    let replayed = sent(&host);
    assert_eq!(sync(&session, &host), Ok(Outcome::HostOlder));
    assert_eq!(sent(&host), replayed);
}

#[test]
fn what_is_lost_or_behind_is_asked_for_whole() {
    let published = publish("T_1", 1, A);
    let host = host(&published);
    let head = published.manifest.file(FileRole::Head).unwrap().sha256.clone();

    // Damaged: nothing answers.
    let store = FakeStore::default();
    sync(&open(&store), &host).unwrap();
    store.damage.borrow_mut().insert(head.clone(), Some(b"damaged".to_vec()));
    host.asked();
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Updated));
    assert_eq!(sent(&host), [None]);

    // Lost while it answers.
    let session = open(&store);
    store.damage.borrow_mut().insert(head, None);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(sent(&host), [None]);
    assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert!(sent(&host)[0].is_some(), "healed");

    // Another tab is ahead.
    let newer = publish("T_1", 2, B);
    give(&store, &newer);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(sent(&host), [None]);
    assert_eq!(version(&session).as_deref(), Some("v2"), "although the host answered with the older one");
}

#[test]
fn the_etag_follows_a_file_that_changed_for_others_only() {
    let mut published = publish("T_1", 5, A);
    let host = host(&published);
    let store = FakeStore::default();
    let session = open(&store);
    sync(&session, &host).unwrap();
    published.manifest.candidate = Some(Candidate { share: 0.0, version: "v6".into(), sha256: "0".repeat(64) });
    host.set_latest("T_1", Ok(published.metadata()));
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    let before = sent(&host);
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Current));
    let after = sent(&host);
    assert!(after[0].is_some() && after[0] != before[1]);
    assert_eq!(version(&open(&store)).as_deref(), Some("v5"));
}

#[test]
fn a_model_in_memory_only_is_asked_for_conditionally_and_stored_at_the_first_chance() {
    let host = host(&publish("T_1", 1, A));
    let store = FakeStore::default();
    store.full.set(true);
    let session = open(&store);
    sync(&session, &host).unwrap();
    host.asked();
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert!(!loaded(&session).stored());
    store.full.set(false);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert!(loaded(&session).stored() && loaded(&session).stored_problem().is_none());
    let asked = host.asked();
    assert!(asked.iter().all(|a| a.url == LATEST && a.if_none_match.is_some()) && asked.len() == 2, "{asked:?}");
    assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
}
