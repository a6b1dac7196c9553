//! Time: numbers from the future, hosts that are older than what was trusted, releases that have expired.

use fixture::publish;
use jicho::Error;
use jicho::manifest::{Candidate, MAX_CLOCK_SKEW, MAX_RELEASE_SEQ};
use jicho::sync::{Check, Rank, Store, StoredRelease};

use super::fakes::{Fault, NOW};
use super::*;

fn last_check(session: &TestSession<'_>) -> Check {
    diagnose(session).last_check.unwrap()
}

#[test]
fn a_number_from_the_future_is_refused() {
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    for (seq, expected) in [
        (MAX_RELEASE_SEQ, ErrorKind::InvalidManifest),
        (4_102_444_800, ErrorKind::InvalidManifest),
        (NOW + MAX_CLOCK_SKEW + 1, ErrorKind::Clock),
    ] {
        let host = FakeHost::of(&publish("T_1", seq, B));
        assert_eq!(kind(sync(&session, &host)), expected, "{seq}");
        assert_eq!(host.blobs_asked(), 0);
        assert_eq!(version(&session).as_deref(), Some("v1"));
    }
    let error = last_check(&session).error.unwrap();
    assert!(error.message.contains("set the device's date and time"), "{}", error.message);
    // An honest release still arrives, and one that is a little ahead does too.
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 2, B))), Ok(Outcome::Updated));
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", NOW + MAX_CLOCK_SKEW, A))), Ok(Outcome::Updated));
}

#[test]
fn a_candidate_from_the_future_costs_only_itself() {
    let store = FakeStore::default();
    let session = open(&store);
    let host = FakeHost::default();
    let mut main = publish("T_1", 5, A);
    let trial = publish("T_1", NOW + MAX_CLOCK_SKEW + 1, B);
    let version_name = trial.manifest.version.clone();
    let named = Candidate { share: 1.0, version: version_name, sha256: sha256(&trial.metadata()) };
    host.add_files(&trial);
    host.set(&named.url("T_1"), Ok(trial.metadata()));
    main.manifest.candidate = Some(named);
    host.publish(&main);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v5"));
    assert_eq!(last_check(&session).candidate_error.unwrap().code, "CLOCK");
}

#[test]
fn a_number_that_was_accepted_before_there_was_a_bound_ends_no_channel() {
    let published = publish("T_1", MAX_RELEASE_SEQ, A);
    let store = device(&publish("T_1", 1, A));
    let key = format!("{MODELS}T_1");
    let row = block_on((&store).release(&key)).unwrap().unwrap();
    let poisoned = StoredRelease { rank: Rank::of(MAX_RELEASE_SEQ), metadata: published.metadata(), ..row };
    assert_eq!(block_on((&store).activate(&key, &poisoned, None, &[])), Ok(true));
    let session = open(&store);
    assert_eq!(version(&session), Some(format!("v{MAX_RELEASE_SEQ}")), "it goes on answering");
    assert_eq!(kind(sync(&session, &FakeHost::of(&published))), ErrorKind::InvalidManifest);
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 2, B))), Ok(Outcome::Updated));
    assert!(loaded(&session).stored());
    assert_eq!(version(&open(&store)).as_deref(), Some("v2"));
}

#[test]
fn a_late_clock_is_told_and_the_model_stays() {
    let store = device(&publish("T_1", NOW - 100, A));
    let session = open(&store);
    let host = FakeHost::of(&publish("T_1", NOW, B));
    host.now.set(86_400);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::Clock);
    assert_eq!(version(&session), Some(format!("v{}", NOW - 100)));
    host.now.set(NOW);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
}

#[test]
fn a_clock_that_falls_back_lets_nothing_older_in() {
    let store = device(&publish("T_1", NOW, A));
    let running = open(&store);
    for session in [running, open(&store)] {
        let host = FakeHost::of(&publish("T_1", 80_000, B));
        host.now.set(86_400);
        assert_eq!(sync(&session, &host), Ok(Outcome::HostOlder));
        assert_eq!(version(&session), Some(format!("v{NOW}")));
    }
    assert_eq!(version(&open(&store)), Some(format!("v{NOW}")));
}

#[test]
fn a_host_older_than_what_was_trusted_is_an_outcome_of_its_own() {
    let store = device(&publish("T_1", 5, A));
    let session = open(&store);
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 4, B))), Ok(Outcome::HostOlder));
    let check = last_check(&session);
    assert_eq!((check.outcome, check.host_seq), (Some(Outcome::HostOlder), Some(4)));
    assert_eq!(diagnose(&session).model.unwrap().latest_seq, 5);
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 5, A))), Ok(Outcome::Current));
}

fn expiring(seq: u64, expires: u64) -> Published {
    let mut published = publish("T_1", seq, A);
    published.manifest.expires = Some(expires);
    published
}

#[test]
fn a_frozen_host_is_told_and_the_model_goes_on_answering() {
    let store = FakeStore::default();
    let session = open(&store);
    let host = FakeHost::of(&expiring(1, NOW + 10));
    host.etags.set(true);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    host.now.set(NOW + 11);
    for session in [session, open(&store)] {
        host.asked();
        assert_eq!(sync(&session, &host), Ok(Outcome::Expired));
        assert!(host.asked()[0].if_none_match.is_some(), "after a 304 too");
        assert_eq!(version(&session).as_deref(), Some("v1"));
        assert_eq!(last_check(&session).expires, Some(NOW + 10));
        // Renewed: the same release with another expiry. Nothing is fetched or loaded again.
        let before = loaded(&session);
        host.publish(&expiring(1, NOW + 20));
        assert_eq!(sync(&session, &host), Ok(Outcome::Current));
        assert_eq!(host.blobs_asked(), 0);
        assert!(Rc::ptr_eq(&before, &loaded(&session)));
        host.publish(&expiring(1, NOW + 10));
    }
    // A newer release is better than none, even from such a host, and that it is frozen is told all the same.
    for store in [&store, &FakeStore::default()] {
        let session = open(store);
        assert_eq!(sync(&session, &FakeHost::of(&expiring(2, NOW - 1))), Ok(Outcome::Updated));
        let check = last_check(&session);
        assert_eq!((check.expires, check.expired), (Some(NOW - 1), true));
        assert_eq!(sync(&session, &FakeHost::of(&expiring(3, NOW + 1))), Ok(Outcome::Updated));
        assert!(!last_check(&session).expired);
        assert_eq!(sync(&session, &FakeHost::of(&expiring(2, NOW - 1))), Ok(Outcome::HostOlder));
        assert!(last_check(&session).expired);
    }
    assert_eq!(sync(&open(&store), &FakeHost::of(&expiring(3, NOW - 1))), Ok(Outcome::Expired));
}

#[test]
fn why_the_host_could_not_be_reached_is_kept() {
    let store = device(&publish("T_1", 1, A));
    let session = open(&store);
    let host = FakeHost::default();
    host.set_latest("T_1", Err(Error::new(ErrorKind::Network, "no Access-Control-Allow-Origin")));
    assert_eq!(sync(&session, &host), Ok(Outcome::Offline));
    let cause = last_check(&session).cause.unwrap();
    assert_eq!((cause.code, cause.message.as_str()), ("NETWORK", "no Access-Control-Allow-Origin"));
    host.fail("T_1/latest/metadata.json", [Fault::Status(404)]);
    assert_eq!(sync(&session, &host), Ok(Outcome::Absent));
    assert!(last_check(&session).cause.is_none());
}
