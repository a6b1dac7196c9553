//! Apps that pin keys: nothing unsigned is taken, nor loaded.

use fixture::publish;
use jicho::manifest::signature::{PublicKey, SigningKey, sign};
use jicho::sync::{Rank, Store, StoredRelease};

use super::*;

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&[byte; 32])
}

fn pinned(keys: &[u8]) -> Options {
    let keys: Vec<PublicKey> = keys.iter().map(|byte| key(*byte).public()).collect();
    Options { keys, ..Options::default() }
}

fn signed(published: &Published, by: u8) -> Vec<u8> {
    sign(&published.metadata(), &key(by)).unwrap()
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
    let poisoned = publish("T_1", 9_000_000_000_000_000, A);
    let store = device(&poisoned);
    assert_eq!(version(&open(&store)).as_deref(), Some("v9000000000000000"));
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
