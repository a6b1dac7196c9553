//! Stores that are full, broken, damaged or emptied.

use fixture::publish;
use jicho::manifest::FileRole;
use jicho::sync::Store;

use super::fakes::Fault;
use super::*;

#[test]
fn a_full_or_broken_store_leaves_the_model_in_memory() {
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    store.full.set(true);
    let host = FakeHost::of(&publish("T_1", 2, B));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v2"));
    assert!(!loaded(&session).stored());
    assert_eq!(loaded(&session).stored_problem().as_deref(), Some("QuotaExceededError"));
    host.blobs_asked();
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(host.blobs_asked(), 0, "what is here is not fetched again");
    assert_eq!(version(&open(&store)).as_deref(), Some("v1"), "what was stored stays stored");
    store.full.set(false);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert!(loaded(&session).stored() && loaded(&session).stored_problem().is_none());
    assert_eq!(host.blobs_asked(), 0);
    assert_eq!(version(&open(&store)).as_deref(), Some("v2"));

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
fn a_store_that_forgets_is_told_apart_from_one_that_is_full() {
    let store = FakeStore::default();
    store.volatile.set(true);
    let session = open(&store);
    let host = FakeHost::of(&publish("T_1", 1, A));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert!(loaded(&session).stored_problem().unwrap().contains("allows no storage"));
    host.asked();
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(host.blobs_asked(), 0);
    assert!(!diagnose(&session).durable);
}

#[test]
fn a_database_that_the_browser_deleted_is_noticed_and_healed() {
    let published = publish("T_1", 1, A);
    let mut store = FakeStore::default();
    for with_host_away in [false, true] {
        give(&store, &published);
        // A session keeps its store, so the store is emptied from below.
        let session = open(&store);
        let key = format!("{MODELS}T_1");
        block_on((&store).remove(&key)).unwrap();
        let host = FakeHost::of(&published);
        if with_host_away {
            host.fail("T_1/latest/metadata.json", [Fault::Silent]);
            assert_eq!(sync(&session, &host), Ok(Outcome::Offline));
            assert!(!loaded(&session).stored());
            assert_eq!(version(&session).as_deref(), Some("v1"), "from memory");
        }
        assert_eq!(sync(&session, &host), Ok(Outcome::Current));
        assert!(loaded(&session).stored());
        assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
        store.evict();
    }
    // Where a newer one is there, it is taken and not the old one stored again.
    give(&store, &published);
    let session = open(&store);
    block_on((&store).remove(&format!("{MODELS}T_1"))).unwrap();
    let host = FakeHost::of(&publish("T_1", 2, B));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&open(&store)).as_deref(), Some("v2"));
    // A replay of an older one heals nothing but the newer.
    block_on((&store).remove(&format!("{MODELS}T_1"))).unwrap();
    host.set_latest("T_1", Ok(published.metadata()));
    assert_eq!(sync(&session, &host), Ok(Outcome::HostOlder));
    assert_eq!(version(&open(&store)).as_deref(), Some("v2"));
}

#[test]
fn healing_that_fails_is_told_and_tried_again() {
    let published = publish("T_1", 1, A);
    let store = device(&published);
    let session = open(&store);
    block_on((&store).remove(&format!("{MODELS}T_1"))).unwrap();
    let host = FakeHost::of(&published);
    host.fail(&published.file(FileRole::Head).0, [Fault::Status(500)]);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::HttpStatus);
    assert_eq!(version(&session).as_deref(), Some("v1"));
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
}
