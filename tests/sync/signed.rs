//! Apps that pin keys: nothing unsigned is taken, nor loaded.

use fixture::publish;
use jicho::manifest::signature::{KeyList, PublicKey, Role, SigningKey, sign, sign_first_form};
use jicho::manifest::{Candidate, FileRole};
use jicho::sync::{Rank, Store, StoredRelease};

use super::fakes::NOW;

use super::*;

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&[byte; 32])
}

fn pinned(keys: &[u8]) -> Options {
    let keys: Vec<PublicKey> = keys.iter().map(|byte| key(*byte).public()).collect();
    Options { keys, ..Options::default() }
}

fn signed(published: &Published, by: u8) -> Vec<u8> {
    sign(&published.metadata(), Role::Latest, &[key(by)]).unwrap()
}

fn signed_host(published: &Published, by: u8) -> FakeHost {
    let host = FakeHost::of(published);
    host.set_latest("T_1", Ok(signed(published, by)));
    host
}

#[test]
fn only_what_a_pinned_key_signed_is_taken() {
    let store = FakeStore::default();
    let session = open_with(&store, pinned(&[1, 2]));
    assert_eq!(sync(&session, &signed_host(&publish("T_1", 1, A), 1)), Ok(Outcome::Updated));
    assert_eq!(diagnose(&session).model.unwrap().signed_by, Some(key(1).public().name()));
    let newer = publish("T_1", 2, B);
    let changed = {
        let text = String::from_utf8(signed(&newer, 1)).unwrap();
        text.replace("\"imageCount\":10", "\"imageCount\":11").into_bytes()
    };
    for metadata in [newer.metadata(), signed(&newer, 3), changed] {
        let host = FakeHost::of(&newer);
        host.set_latest("T_1", Ok(metadata));
        assert_eq!(kind(sync(&session, &host)), ErrorKind::BadSignature);
        assert_eq!(host.blobs_asked(), 0);
        assert_eq!(version(&session).as_deref(), Some("v1"));
    }
    assert_eq!(version(&open_with(&store, pinned(&[1]))).as_deref(), Some("v1"));
    // Keys are exchanged by trusting both for a while.
    assert_eq!(sync(&session, &signed_host(&newer, 2)), Ok(Outcome::Updated));
    assert_eq!(version(&open_with(&store, pinned(&[2]))).as_deref(), Some("v2"));
}

#[test]
fn what_was_stored_before_keys_were_pinned_is_not_loaded() {
    // As an attacker would have it: unsigned, and newer than anything.
    let poisoned = publish("T_1", NOW + 80_000, A);
    let store = device(&poisoned);
    assert_eq!(version(&open(&store)), Some(format!("v{}", NOW + 80_000)));
    let session = open_with(&store, pinned(&[1]));
    assert_eq!(version(&session), None);
    assert_eq!(block_on(session.refresh()), Ok(false));
    assert_eq!(sync(&session, &signed_host(&publish("T_1", 2, B), 1)), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v2"));
    assert!(loaded(&session).stored(), "its number keeps nothing out");
    assert_eq!(version(&open_with(&store, pinned(&[1]))).as_deref(), Some("v2"));
    assert_eq!(version(&open_with(&store, pinned(&[2]))), None);
}

#[test]
fn a_stored_release_is_of_the_rank_that_it_says_itself() {
    let published = publish("T_1", 3, A);
    let store = device(&published);
    let key = format!("{MODELS}T_1");
    let row = block_on((&store).release(&key)).unwrap().unwrap();
    for rank in [Rank::of(4), Rank { latest: 4, release: 3 }] {
        let changed = StoredRelease { rank, ..row.clone() };
        assert_eq!(block_on((&store).activate(&key, &changed, None, &[])), Ok(true));
        let session = open(&store);
        assert_eq!(version(&session), None);
        assert_eq!(sync(&session, &FakeHost::of(&published)), Ok(Outcome::Updated));
        assert_eq!(version(&open(&store)).as_deref(), Some("v3"));
    }
}

fn host_of(metadata: Vec<u8>, published: &Published) -> FakeHost {
    let host = FakeHost::of(published);
    host.set_latest("T_1", Ok(metadata));
    host
}

#[test]
fn a_candidate_is_not_taken_for_the_release_in_force() {
    let store = FakeStore::default();
    let session = open_with(&store, pinned(&[1]));
    assert_eq!(sync(&session, &signed_host(&publish("T_1", 5, A), 1)), Ok(Outcome::Updated));
    // The host serves the candidate's file, signed by the shop, in the place of the release in force.
    let candidate = publish("T_1", 7, B);
    let host = host_of(sign(&candidate.metadata(), Role::Candidate, &[key(1)]).unwrap(), &candidate);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::BadSignature);
    assert_eq!(version(&session).as_deref(), Some("v5"));
    let fresh = FakeStore::default();
    assert_eq!(kind(sync(&open_with(&fresh, pinned(&[1])), &host)), ErrorKind::BadSignature);
    assert_eq!(host.blobs_asked(), 0);

    // As a candidate it is taken, and found again in the store.
    let main = publish("T_1", 5, A);
    let metadata = sign(&candidate.metadata(), Role::Candidate, &[key(1)]).unwrap();
    let named = Candidate { share: 1.0, version: "v7".into(), sha256: sha256(&metadata) };
    host.set(&named.url("T_1"), Ok(metadata));
    let mut latest = main.clone();
    latest.manifest.candidate = Some(named);
    host.add_files(&main);
    host.set_latest("T_1", Ok(signed(&latest, 1)));
    assert_eq!(sync(&session, &host), Ok(Outcome::Updated));
    assert_eq!(version(&open_with(&store, pinned(&[1]))).as_deref(), Some("v7"));
    // A file signed as the release in force is no candidate either.
    let metadata = signed(&candidate, 1);
    let named = Candidate { share: 1.0, version: "v7".into(), sha256: sha256(&metadata) };
    host.set(&named.url("T_1"), Ok(metadata));
    latest.manifest.candidate = Some(named);
    host.set_latest("T_1", Ok(signed(&latest, 1)));
    let other = FakeStore::default();
    let fresh = open_with(&other, pinned(&[1]));
    assert_eq!(sync(&fresh, &host), Ok(Outcome::Updated));
    assert_eq!(version(&fresh).as_deref(), Some("v5"));
    let error = diagnose(&fresh).last_check.unwrap().candidate_error.unwrap();
    assert_eq!(error.code, "BAD_SIGNATURE");
}

#[test]
fn the_old_form_of_signatures_is_left_for_good() {
    let store = FakeStore::default();
    let old = |published: &Published| sign_first_form(&published.metadata(), &key(1)).unwrap();
    let (first, second, third) = (publish("T_1", 1, A), publish("T_1", 2, B), publish("T_1", 3, A));
    let session = open_with(&store, pinned(&[1]));
    assert_eq!(sync(&session, &host_of(old(&first), &first)), Ok(Outcome::Updated));
    assert_eq!(sync(&session, &host_of(old(&second), &second)), Ok(Outcome::Updated), "as long as nothing else came");
    // A download that fails leaves the stored release acceptable.
    let host = signed_host(&third, 1);
    host.fail(&third.file(FileRole::Head).0, [super::fakes::Fault::Status(500)]);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::HttpStatus);
    assert_eq!(version(&open_with(&store, pinned(&[1]))).as_deref(), Some("v2"));
    assert_eq!(sync(&session, &signed_host(&third, 1)), Ok(Outcome::Updated));
    let fourth = publish("T_1", 4, B);
    for session in [session, open_with(&store, pinned(&[1]))] {
        assert_eq!(kind(sync(&session, &host_of(old(&fourth), &fourth))), ErrorKind::BadSignature);
        assert_eq!(version(&session).as_deref(), Some("v3"));
    }
    // The same release, signed anew: the device takes the new signatures over.
    let store = FakeStore::default();
    let session = open_with(&store, pinned(&[1]));
    assert_eq!(sync(&session, &host_of(old(&first), &first)), Ok(Outcome::Updated));
    assert_eq!(sync(&session, &signed_host(&first, 1)), Ok(Outcome::Updated));
    assert_eq!(sync(&session, &signed_host(&first, 1)), Ok(Outcome::Current));
    assert_eq!(kind(sync(&session, &host_of(old(&second), &second))), ErrorKind::BadSignature);
    assert_eq!(version(&open_with(&store, pinned(&[1]))).as_deref(), Some("v1"));
}

#[test]
fn as_many_keys_must_sign_as_the_app_asks_for() {
    let options = Options { threshold: Some(2), ..pinned(&[1, 2, 3]) };
    let store = FakeStore::default();
    let session = open_with(&store, options.clone());
    let published = publish("T_1", 1, A);
    let by = |keys: &[u8]| {
        let keys: Vec<SigningKey> = keys.iter().map(|byte| key(*byte)).collect();
        host_of(sign(&published.metadata(), Role::Latest, &keys).unwrap(), &published)
    };
    for too_few in [&[1][..], &[1, 1], &[1, 9]] {
        assert_eq!(kind(sync(&session, &by(too_few))), ErrorKind::BadSignature);
    }
    assert_eq!(sync(&session, &by(&[3, 1])), Ok(Outcome::Updated));
    assert_eq!(version(&open_with(&store, options)).as_deref(), Some("v1"));
    let impossible = Options { threshold: Some(2), ..pinned(&[1]) };
    let error = block_on(Session::open(&store, MODELS, "T_1", impossible)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

/// A release with key lists, signed by the key of this byte.
fn with_lists(seq: u64, lists: &[KeyList], by: u8) -> (Published, FakeHost) {
    let mut published = publish("T_1", seq, A);
    published.manifest.key_lists = lists.to_vec();
    let host = signed_host(&published, by);
    (published, host)
}

#[test]
fn keys_are_exchanged_by_a_list_and_a_stolen_key_is_left_behind() {
    let list = KeyList::sign(1, 1, &[key(2).public()], &[key(1)]).unwrap();
    let store = FakeStore::default();
    let session = open_with(&store, pinned(&[1]));
    assert_eq!(sync(&session, &signed_host(&publish("T_1", 1, A), 1)), Ok(Outcome::Updated));
    // Whoever stole key 1 pushed the number as far ahead as devices allow.
    assert_eq!(sync(&session, &signed_host(&publish("T_1", NOW + 80_000, B), 1)), Ok(Outcome::Updated));
    assert_eq!(sync(&session, &signed_host(&publish("T_1", 9, A), 1)), Ok(Outcome::HostOlder));
    let (_, rotated) = with_lists(10, std::slice::from_ref(&list), 2);
    assert_eq!(sync(&session, &rotated), Ok(Outcome::Updated), "its number no longer counts");
    assert_eq!(version(&session).as_deref(), Some("v10"));
    assert!(loaded(&session).stored());
    assert_eq!(diagnose(&session).key_list, 1);
    for session in [session, open_with(&store, pinned(&[1]))] {
        assert_eq!(version(&session).as_deref(), Some("v10"));
        assert_eq!(kind(sync(&session, &signed_host(&publish("T_1", NOW + 81_000, B), 1))), ErrorKind::BadSignature);
        assert_eq!(sync(&session, &rotated), Ok(Outcome::Current));
    }
    // Without a signature of a trusted key a list leads nowhere.
    let forged = KeyList::sign(1, 1, &[key(9).public()], &[key(8)]).unwrap();
    let (_, host) = with_lists(11, &[forged], 9);
    let fresh = FakeStore::default();
    assert_eq!(kind(sync(&open_with(&fresh, pinned(&[1])), &host)), ErrorKind::BadSignature);
    // An app that pins the new key needs no list.
    let fresh = FakeStore::default();
    assert_eq!(sync(&open_with(&fresh, pinned(&[2])), &rotated), Ok(Outcome::Updated));
    // A cleared channel begins anew with what the app pins.
    let session = open_with(&store, pinned(&[1]));
    block_on(session.clear()).unwrap();
    assert_eq!(diagnose(&session).key_list, 0);
    assert_eq!(sync(&open_with(&store, pinned(&[1])), &signed_host(&publish("T_1", 1, A), 1)), Ok(Outcome::Updated));
}

fn notes(store: &FakeStore) -> serde_json::Value {
    let notes = block_on(store.notes(&format!("{MODELS}T_1"))).unwrap().unwrap();
    serde_json::from_slice(&notes).unwrap()
}

#[test]
fn a_device_never_notes_that_it_does_not_accept_what_it_stores() {
    let old = |published: &Published| sign_first_form(&published.metadata(), &key(1)).unwrap();
    let list = KeyList::sign(1, 1, &[key(2).public()], &[key(1)]).unwrap();
    let first = publish("T_1", 1, A);
    let store = FakeStore::default();
    let session = open_with(&store, pinned(&[1]));
    assert_eq!(sync(&session, &host_of(old(&first), &first)), Ok(Outcome::Updated));
    let (_, rotated) = with_lists(2, &[list], 2);
    store.small.set(true);
    assert_eq!(sync(&session, &rotated), Ok(Outcome::Updated));
    assert_eq!(version(&session).as_deref(), Some("v2"));
    assert_eq!(version(&open_with(&store, pinned(&[1]))).as_deref(), Some("v1"), "offline, after a restart");
    let third = publish("T_1", 3, B);
    assert_eq!(kind(sync(&session, &host_of(old(&third), &third))), ErrorKind::BadSignature);
    // Once the release is stored, later sessions are as strict.
    store.small.set(false);
    assert_eq!(sync(&session, &rotated), Ok(Outcome::Current));
    assert_eq!(notes(&store)["keyList"]["version"], 1);
    let session = open_with(&store, pinned(&[1]));
    assert_eq!(version(&session).as_deref(), Some("v2"));
    for metadata in [old(&third), signed(&third, 1)] {
        assert_eq!(kind(sync(&session, &host_of(metadata, &third))), ErrorKind::BadSignature);
    }
}

#[test]
fn the_stored_release_stands_in_for_notes_that_are_lost() {
    let list = KeyList::sign(1, 1, &[key(2).public()], &[key(1)]).unwrap();
    let store = FakeStore::default();
    assert_eq!(sync(&open_with(&store, pinned(&[1])), &with_lists(2, &[list], 2).1), Ok(Outcome::Updated));
    for notes in [&b"damaged"[..], b"{}", b"{\"keyList\":7}"] {
        block_on((&store).put_notes(&format!("{MODELS}T_1"), notes)).unwrap();
        let session = open_with(&store, pinned(&[1]));
        assert_eq!(version(&session).as_deref(), Some("v2"));
        assert_eq!(diagnose(&session).key_list, 1);
        assert_eq!(kind(sync(&session, &signed_host(&publish("T_1", 3, B), 1))), ErrorKind::BadSignature);
    }
}

#[test]
fn a_key_list_is_followed_although_the_release_beside_it_is_broken() {
    let list = KeyList::sign(1, 1, &[key(1).public(), key(2).public()], &[key(1)]).unwrap();
    for has_broken_candidate in [true, false] {
        let store = FakeStore::default();
        let session = open_with(&store, pinned(&[1]));
        assert_eq!(sync(&session, &signed_host(&publish("T_1", 1, A), 1)), Ok(Outcome::Updated));
        if has_broken_candidate {
            let mut latest = publish("T_1", 1, A);
            latest.manifest.key_lists = vec![list.clone()];
            latest.manifest.candidate = Some(Candidate { share: 1.0, version: "v7".into(), sha256: sha256(b"") });
            assert_eq!(sync(&session, &signed_host(&latest, 1)), Ok(Outcome::Current));
            assert!(diagnose(&session).last_check.unwrap().candidate_error.is_some());
        } else {
            let mut latest = publish("T_1", 2, B);
            latest.manifest.key_lists = vec![list.clone()];
            let host = signed_host(&latest, 2);
            host.set(&latest.file(FileRole::Head).0, Ok(b"damaged".to_vec()));
            assert_eq!(kind(sync(&session, &host)), ErrorKind::SizeMismatch);
        }
        for session in [session, open_with(&store, pinned(&[1]))] {
            assert_eq!(version(&session).as_deref(), Some("v1"));
            assert_eq!(diagnose(&session).key_list, 1);
        }
    }
}

#[test]
fn tabs_follow_a_key_list_together() {
    let list = KeyList::sign(1, 1, &[key(2).public()], &[key(1)]).unwrap();
    let store = FakeStore::default();
    let session = open_with(&store, pinned(&[1]));
    // Ahead of the release that the other tab will store, by the word of a key that will be left behind.
    assert_eq!(sync(&session, &signed_host(&publish("T_1", 20, A), 1)), Ok(Outcome::Updated));
    store.full.set(true);
    let refused = super::refused::wrong_golden(21);
    assert_eq!(kind(sync(&session, &signed_host(&refused, 1))), ErrorKind::GoldenMismatch);
    store.full.set(false);
    let other = open_with(&store, pinned(&[1]));
    assert_eq!(sync(&other, &with_lists(10, &[list], 2).1), Ok(Outcome::Updated));
    assert_eq!(block_on(session.refresh()), Ok(true));
    assert_eq!(version(&session).as_deref(), Some("v10"));
    // What one tab could not write earlier takes nothing from what the other has written since.
    let notes = notes(&store);
    assert_eq!(notes["keyList"]["version"], 1);
    assert_eq!(notes["refused"].as_array().unwrap().len(), 1);
}
