//! What a device does when all goes well, and when the host is away.

use fixture::publish;
use jicho::Error;
use jicho::manifest::FileRole;
use jicho::sync::Store;

use super::fakes::Fault;
use super::*;

#[test]
fn a_model_arrives_survives_a_restart_and_is_updated() {
    let store = FakeStore::default();
    let session = open(&store);
    assert_eq!(version(&session), None);
    let host = FakeHost::of(&publish("T_1", 1, A));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(host.blobs_asked(), 3);
    assert_eq!(version(&session).as_deref(), Some("v1"));
    assert!(session.loaded().unwrap().stored());
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));

    let session = open(&store);
    assert_eq!(version(&session).as_deref(), Some("v1"));
    host.publish(&publish("T_1", 2, B));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(host.blobs_asked(), 1, "network and space are the same, only the head is fetched");
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
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 4, B))), Ok(Outcome::HostOlder));
    assert_eq!(version(&session).as_deref(), Some("v5"));
    let mut rollback = publish("T_1", 6, B);
    rollback.manifest.version = "v4".into();
    assert_eq!(sync(&session, &FakeHost::of(&rollback)), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v4"));
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
    let other = block_on(Session::open(&store, MODELS, "T_2", Options::default())).unwrap();
    assert!(other.loaded().is_none());
    let host = FakeHost::of(&publish("T_2", 1, B));
    assert_eq!(sync(&other, &host), Ok(Outcome::Updated));
    assert_eq!(host.blobs_asked(), 1, "the network is shared");
    let elsewhere =
        block_on(Session::open(&store, "https://other.example/models/", "T_1", Options::default())).unwrap();
    assert!(elsewhere.loaded().is_none());
    assert_eq!(open(&store).loaded().unwrap().manifest().labels, A);
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
    block_on(session.sync(&&published, &mut |_, _| {}, &mut on_loaded)).unwrap();
    // A second time there is nothing to tell.
    block_on(session.sync(&&published, &mut |_, _| {}, &mut on_loaded)).unwrap();
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
        assert_eq!(block_on(Session::open(&store, models, channel, Options::default())).err().unwrap().kind(), kind);
    }
}

#[test]
fn another_tabs_release_is_loaded_without_the_host() {
    let store = device(&publish("T_1", 1, A));
    let here = open(&store);
    assert_eq!(block_on(here.refresh()), Ok(false));
    give(&store, &publish("T_1", 2, B));
    assert_eq!(block_on(here.refresh()), Ok(true));
    assert_eq!(version(&here).as_deref(), Some("v2"));
    assert!(loaded(&here).stored());
    assert_eq!(block_on(here.refresh()), Ok(false));

    // What is damaged is left to the next sync.
    let third = publish("T_1", 3, A);
    give(&store, &third);
    let head = third.manifest.file(FileRole::Head).unwrap().sha256.clone();
    store.damage.borrow_mut().insert(head, Some(b"damaged".to_vec()));
    assert_eq!(block_on(here.refresh()), Ok(false));
    assert_eq!(version(&here).as_deref(), Some("v2"));
    assert_eq!(sync(&here, &FakeHost::of(&third)), Ok(Outcome::Updated));
    assert_eq!(version(&here).as_deref(), Some("v3"));

    let empty = FakeStore::default();
    assert_eq!(block_on(open(&empty).refresh()), Ok(false));
    store.broken.set(true);
    assert_eq!(block_on(here.refresh()), Ok(false));
}

#[test]
fn a_cleared_channel_leaves_nothing_and_the_others_stay() {
    let store = device(&publish("T_1", 1, A));
    let other = block_on(Session::open(&store, MODELS, "T_2", Options::default())).unwrap();
    assert_eq!(sync(&other, &FakeHost::of(&publish("T_2", 1, B))), Ok(Outcome::Updated));
    let session = open(&store);
    let key = format!("{MODELS}T_1");
    let blobs = block_on((&store).release(&key)).unwrap().unwrap().blobs;
    block_on(session.clear()).unwrap();
    assert!(session.loaded().is_none());
    assert_eq!(version(&session), None);
    assert_eq!(block_on((&store).release(&key)), Ok(None));
    let shared = other.loaded().unwrap().manifest().needed().map(|f| f.sha256.clone()).collect::<Vec<_>>();
    let gone = block_on((&store).missing(&blobs)).unwrap();
    assert_eq!(gone, blobs.iter().filter(|b| !shared.contains(b)).cloned().collect::<Vec<_>>());
    assert_eq!(gone.len(), 1);
    let diagnosis = diagnose(&session);
    assert!(diagnosis.model.is_none() && diagnosis.last_check.is_none() && diagnosis.kept_bytes == 0);
    assert_eq!(version(&open(&store)), None);
    assert_eq!(version(&other).as_deref(), Some("v1"));
    let again = block_on(Session::open(&store, MODELS, "T_2", Options::default())).unwrap();
    assert_eq!(version(&again).as_deref(), Some("v1"));
    // It can be taken anew, an older release too.
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 1, A))), Ok(Outcome::Updated));

    // What a failed download left goes too.
    let newer = publish("T_1", 2, &["one", "two", "three", "four"]);
    let host = FakeHost::of(&newer);
    host.fail(&newer.file(FileRole::Head).0, vec![Fault::Cut(10); 9]);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::Network);
    assert!(diagnose(&session).kept_bytes > 0);
    store.broken.set(true);
    assert_eq!(block_on(session.clear()).unwrap_err().kind(), ErrorKind::Storage);
    assert!(session.loaded().is_none() && diagnose(&session).kept_bytes == 0);
}
