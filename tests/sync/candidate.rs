//! Releases on trial: who takes them, how a trial ends, and what a broken one costs.

use fixture::publish;
use jicho::manifest::signature::{Role, SigningKey, sign};
use jicho::manifest::{Candidate, FileRole, takes_candidate};

use super::fakes::Fault;
use super::*;

const EVERYONE: f64 = 1.0;

/// A host with `main` in force and `candidate` on trial on `share` of the devices.
fn on_trial(main: &Published, candidate: &Published, share: f64) -> FakeHost {
    let host = FakeHost::default();
    try_out(&host, main, candidate, share);
    host
}

fn try_out(host: &FakeHost, main: &Published, candidate: &Published, share: f64) {
    host.add_files(main);
    host.add_files(candidate);
    let metadata = candidate.metadata();
    let named = Candidate { share, version: candidate.manifest.version.clone(), sha256: sha256(&metadata) };
    host.set(&named.url("T_1"), Ok(metadata));
    let mut latest = main.clone();
    latest.manifest.candidate = Some(named);
    host.set_latest("T_1", Ok(latest.metadata()));
}

fn candidate_error(session: &TestSession<'_>) -> Option<&'static str> {
    diagnose(session).last_check.unwrap().candidate_error.map(|problem| problem.code)
}

/// A device that is on trial with release 7, beside release 5.
fn trying() -> (FakeStore, FakeHost) {
    let store = FakeStore::default();
    let host = on_trial(&publish("T_1", 5, A), &publish("T_1", 7, B), EVERYONE);
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Updated));
    (store, host)
}

#[test]
fn the_share_of_devices_takes_it_and_the_others_do_not() {
    let (main, candidate) = (publish("T_1", 5, A), publish("T_1", 7, B));
    let mut taken = 0;
    for number in 0..40 {
        let device = [number; 16];
        let store = FakeStore::of(device);
        let session = open(&store);
        let host = on_trial(&main, &candidate, 0.25);
        assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
        let takes = takes_candidate(&device, "T_1", 0.25);
        assert_eq!(version(&session).as_deref(), Some(if takes { "v7" } else { "v5" }));
        assert_eq!(loaded(&session).is_candidate(), takes);
        assert_eq!(sync(&session, &host), Ok(Outcome::Current));
        taken += u32::from(takes);
        // The share grows: nobody goes back.
        assert!(sync(&session, &on_trial(&main, &candidate, EVERYONE)).is_ok());
        assert_eq!(version(&session).as_deref(), Some("v7"));
        assert_eq!(version(&open(&store)).as_deref(), Some("v7"));
    }
    assert!((1..40).contains(&taken), "{taken}");
}

#[test]
fn a_device_without_a_number_takes_no_part() {
    let store = FakeStore::default();
    store.broken.set(true);
    let session = open(&store);
    let host = on_trial(&publish("T_1", 5, A), &publish("T_1", 7, B), EVERYONE);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v5"));
}

#[test]
fn its_metadata_is_fetched_once() {
    let (store, host) = trying();
    host.asked();
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Current));
    assert_eq!(host.asked().len(), 1);
    let model = diagnose(&open(&store)).model.unwrap();
    assert!(model.candidate && (model.release_seq, model.latest_seq) == (7, 5));

    host.etags.set(true);
    sync(&open(&store), &host).unwrap();
    host.asked();
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Current));
    assert!(host.asked()[0].if_none_match.is_some(), "a trial costs a 304 too");
}

#[test]
fn however_a_trial_ends_every_device_comes_along() {
    let promoted = Published { manifest: publish("T_1", 8, B).manifest, ..publish("T_1", 7, B) };
    let withdrawn = publish("T_1", 8, A);
    let replaced = publish("T_1", 9, &["other"]);
    for end in [promoted, withdrawn, replaced] {
        let (store, host) = trying();
        let session = open(&store);
        host.publish(&end);
        assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
        assert_eq!(loaded(&session).manifest().labels, end.manifest.labels);
        assert!(!loaded(&session).is_candidate());
        assert_eq!(loaded(&open(&store)).manifest().release_seq, end.manifest.release_seq);
        // Nobody gets back to the trial, or to what was before it.
        for replay in [
            FakeHost::of(&publish("T_1", 5, A)),
            on_trial(&publish("T_1", 5, A), &publish("T_1", 7, B), EVERYONE),
            on_trial(&publish("T_1", 5, A), &publish("T_1", 99, B), EVERYONE),
        ] {
            assert_eq!(sync(&session, &replay), Ok(Outcome::HostOlder));
            assert_eq!(loaded(&session).manifest().release_seq, end.manifest.release_seq);
        }
    }
}

#[test]
fn a_promotion_fetches_nothing() {
    let (store, host) = trying();
    let session = open(&store);
    let mut promoted = publish("T_1", 8, B);
    promoted.manifest.version = "v7".into();
    host.publish(&promoted);
    host.asked();
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(host.blobs_asked(), 0);
    assert_eq!(version(&session).as_deref(), Some("v7"));
}

#[test]
fn another_candidate_takes_its_place_and_an_older_one_does_not() {
    let (store, host) = trying();
    let session = open(&store);
    let main = publish("T_1", 5, A);
    // The file of before the trial, left in a cache, and a candidate of before.
    assert_eq!(sync(&session, &FakeHost::of(&main)), Ok(Outcome::Current));
    assert_eq!(sync(&session, &on_trial(&main, &publish("T_1", 6, A), EVERYONE)), Ok(Outcome::Current));
    assert_eq!(version(&session).as_deref(), Some("v7"));
    try_out(&host, &main, &publish("T_1", 8, &["new"]), EVERYONE);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v8"));
    assert_eq!(version(&open(&store)).as_deref(), Some("v8"));
}

#[test]
fn a_publisher_whose_clock_is_late_still_reaches_those_on_trial() {
    let (store, _) = trying();
    let session = open(&store);
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 6, A))), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v6"));
    assert_eq!(version(&open(&store)).as_deref(), Some("v6"));
    assert_eq!(sync(&session, &FakeHost::of(&publish("T_1", 5, A))), Ok(Outcome::HostOlder));
}

/// Ways for a candidate to be broken, and what is told.
fn broken(main: &Published, good: &Published) -> Vec<(FakeHost, &'static str)> {
    let url = format!("T_1/versions/{}/metadata.json", good.manifest.version);
    let (head, bytes) = good.file(FileRole::Head);
    let changed = |change: &dyn Fn(&FakeHost)| {
        let host = on_trial(main, good, EVERYONE);
        change(&host);
        host
    };
    let mut wrong = good.clone();
    wrong.manifest.golden.outputs[0] += 0.5;
    let mut old = good.clone();
    old.manifest.release_seq = main.manifest.release_seq;
    let mut foreign = good.clone();
    foreign.manifest.channel_id = "T_2".into();
    vec![
        (changed(&|host| host.remove(&url)), "HTTP_STATUS"),
        (changed(&|host| host.set(&url, Ok(good.metadata()[1..].to_vec()))), "HASH_MISMATCH"),
        (changed(&|host| host.fail(&url, [Fault::Status(500)])), "HTTP_STATUS"),
        (changed(&|host| host.remove(&head)), "HTTP_STATUS"),
        (changed(&|host| host.set(&head, Ok(bytes[1..].to_vec()))), "SIZE_MISMATCH"),
        (changed(&|host| host.set(&head, Ok(vec![0; bytes.len()]))), "HASH_MISMATCH"),
        (on_trial(main, &wrong, EVERYONE), "GOLDEN_MISMATCH"),
        (on_trial(main, &good.clone().with_file(FileRole::Head, |b| b.truncate(40)), EVERYONE), "INVALID_MODEL"),
        (on_trial(main, &old, EVERYONE), "INVALID_MANIFEST"),
        (on_trial(main, &foreign, EVERYONE), "INVALID_MANIFEST"),
    ]
}

#[test]
fn a_broken_candidate_costs_nothing_but_itself() {
    let (main, good) = (publish("T_1", 5, A), publish("T_1", 7, B));
    for (case, (host, code)) in broken(&main, &good).into_iter().enumerate() {
        host.etags.set(true);
        // A device that has nothing takes the release in force; one that has it keeps it.
        let store = FakeStore::default();
        let session = open(&store);
        assert_eq!(sync(&session, &host), Ok(Outcome::Updated), "case {case}");
        assert_eq!(version(&session).as_deref(), Some("v5"));
        assert_eq!(candidate_error(&session), Some(code), "case {case}");
        let session = open(&store);
        let again = sync(&session, &host);
        // The host of a single 500 has mended itself.
        if again == Ok(Outcome::Updated) {
            assert_eq!(version(&session).as_deref(), Some("v7"));
            continue;
        }
        assert_eq!(again, Ok(Outcome::Current), "case {case}");
        assert_eq!(candidate_error(&session), Some(code));
        assert_eq!(
            host.asked().last().unwrap().if_none_match,
            None,
            "a 304 would hide the candidate, should it be mended"
        );
        try_out(&host, &main, &good, EVERYONE);
        assert_eq!(sync(&session, &host), Ok(Outcome::Updated), "mended, case {case}");
        assert_eq!(version(&session).as_deref(), Some("v7"));
        assert_eq!(candidate_error(&session), None);
    }
}

#[test]
fn a_candidate_that_cannot_run_here_is_fetched_once() {
    let (main, mut candidate) = (publish("T_1", 5, A), publish("T_1", 7, B));
    candidate.manifest.golden.outputs[0] += 0.5;
    let host = on_trial(&main, &candidate, EVERYONE);
    let store = FakeStore::default();
    let session = open(&store);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    host.asked();
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));
    assert_eq!(host.blobs_asked(), 0);
    assert_eq!(candidate_error(&session), Some("GOLDEN_MISMATCH"));
}

#[test]
fn a_candidate_that_cannot_be_had_keeps_nobody_from_the_release_in_force() {
    let (main, candidate) = (publish("T_1", 5, A), publish("T_1", 7, B));
    let metadata = "T_1/versions/v7/metadata.json".to_owned();
    let head = candidate.file(FileRole::Head).0;
    // S3-style storage answers 403 for what is missing.
    for (url, faults, code) in [
        (&metadata, vec![Fault::Silent], "NETWORK"),
        (&metadata, vec![Fault::Status(403)], "UNAUTHORIZED"),
        (&head, vec![Fault::Status(403)], "UNAUTHORIZED"),
        (&head, vec![Fault::Silent; 4], "NETWORK"),
    ] {
        for (store, outcome) in [(FakeStore::default(), Outcome::Updated), (device(&main), Outcome::Current)] {
            let host = on_trial(&main, &candidate, EVERYONE);
            host.etags.set(true);
            host.fail(url, faults.clone());
            let session = open(&store);
            assert_eq!(sync(&session, &host), Ok(outcome), "{code}");
            assert_eq!(version(&session).as_deref(), Some("v5"));
            assert_eq!(candidate_error(&session), Some(code));
            assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
            assert_eq!(version(&session).as_deref(), Some("v7"));
        }
    }
}

#[test]
fn where_a_candidate_is_lost_and_broken_the_release_in_force_answers() {
    let (main, candidate) = (publish("T_1", 5, A), publish("T_1", 7, B));
    let (store, host) = trying();
    let head = candidate.manifest.file(FileRole::Head).unwrap().sha256.clone();
    store.damage.borrow_mut().insert(head, None);
    host.remove(&candidate.file(FileRole::Head).0);
    let session = open(&store);
    assert_eq!(version(&session), None);
    assert!(sync(&session, &FakeHost::of(&publish("T_1", 4, A))).is_err(), "a replay does not answer");
    assert_eq!(version(&session), None);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v5"));
    assert_eq!(candidate_error(&session), Some("HTTP_STATUS"));
    assert!(!loaded(&session).stored(), "the store keeps what was trusted more");
    // Mended, it is taken again.
    try_out(&host, &main, &candidate, EVERYONE);
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&open(&store)).as_deref(), Some("v7"));
}

#[test]
fn a_candidate_must_be_signed_like_any_release() {
    let key = SigningKey::from_seed(&[1; 32]);
    let (main, candidate) = (publish("T_1", 5, A), publish("T_1", 7, B));
    for signed in [false, true] {
        let host = on_trial(&main, &candidate, EVERYONE);
        let mut metadata = candidate.metadata();
        if signed {
            metadata = sign(&metadata, Role::Candidate, std::slice::from_ref(&key)).unwrap();
        }
        let named = Candidate { share: EVERYONE, version: "v7".into(), sha256: sha256(&metadata) };
        host.set(&named.url("T_1"), Ok(metadata));
        let mut latest = main.clone();
        latest.manifest.candidate = Some(named);
        host.set_latest("T_1", Ok(sign(&latest.metadata(), Role::Latest, std::slice::from_ref(&key)).unwrap()));
        let store = FakeStore::default();
        let session = open_with(&store, Options { keys: vec![key.public()], ..Options::default() });
        assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
        assert_eq!(version(&session).as_deref(), Some(if signed { "v7" } else { "v5" }));
        assert_eq!(candidate_error(&session), (!signed).then_some("BAD_SIGNATURE"));
    }
}
