//! Releases that arrived whole and do not run here, and what a start costs.

use fixture::publish;
use jicho::manifest::FileRole;
use jicho::sync::Store;

use super::*;

pub(super) fn wrong_golden(seq: u64) -> Published {
    let mut published = publish("T_1", seq, B);
    published.manifest.golden.outputs[1] += 0.01;
    published
}

#[test]
fn a_release_that_does_not_run_here_is_fetched_once() {
    let store = device(&publish("T_1", 1, A));
    let host = FakeHost::of(&wrong_golden(2));
    assert_eq!(kind(sync(&open(&store), &host)), ErrorKind::GoldenMismatch);
    assert!(host.blobs_asked() > 0);
    // In this page and in later ones.
    for session in [open(&store), open(&store)] {
        for _ in 0..2 {
            assert_eq!(kind(sync(&session, &host)), ErrorKind::GoldenMismatch);
            assert_eq!(host.blobs_asked(), 0);
            assert_eq!(version(&session).as_deref(), Some("v1"));
        }
        let message = diagnose(&session).last_check.unwrap().error.unwrap().message;
        assert!(!message.is_empty());
    }
    // The next release is tried, and refused ones do not pile up.
    for seq in 3..9 {
        let host = FakeHost::of(&wrong_golden(seq));
        assert_eq!(kind(sync(&open(&store), &host)), ErrorKind::GoldenMismatch);
        assert!(host.blobs_asked() > 0);
    }
    let notes = block_on((&store).notes(&format!("{MODELS}T_1"))).unwrap().unwrap();
    let notes: serde_json::Value = serde_json::from_slice(&notes).unwrap();
    assert_eq!(notes["refused"].as_array().unwrap().len(), 4);
    // A field that is damaged takes no other along.
    let mut damaged = notes.clone();
    damaged["signatureForm"] = "x".into();
    block_on((&store).put_notes(&format!("{MODELS}T_1"), damaged.to_string().as_bytes())).unwrap();
    let host = FakeHost::of(&wrong_golden(8));
    assert_eq!(kind(sync(&open(&store), &host)), ErrorKind::GoldenMismatch);
    assert_eq!(host.blobs_asked(), 0);
    // Another version of the library may run it, so it is tried again.
    let text = serde_json::to_string(&notes).unwrap().replace(env!("CARGO_PKG_VERSION"), "0.0.1");
    block_on((&store).put_notes(&format!("{MODELS}T_1"), text.as_bytes())).unwrap();
    let host = FakeHost::of(&wrong_golden(8));
    assert_eq!(kind(sync(&open(&store), &host)), ErrorKind::GoldenMismatch);
    assert!(host.blobs_asked() > 0);
    assert_eq!(sync(&open(&store), &FakeHost::of(&publish("T_1", 9, A))), Ok(Outcome::Updated));
    // What is cleared is forgotten.
    block_on(open(&store).clear()).unwrap();
    assert_eq!(block_on((&store).notes(&format!("{MODELS}T_1"))), Ok(None));
}

#[test]
fn what_is_not_the_releases_fault_is_not_remembered() {
    let good = publish("T_1", 2, B);
    let store = device(&publish("T_1", 1, A));
    let host = FakeHost::of(&good);
    host.set(&good.file(FileRole::Head).0, Ok(b"damaged".to_vec()));
    assert_eq!(kind(sync(&open(&store), &host)), ErrorKind::SizeMismatch);
    assert_eq!(sync(&open(&store), &FakeHost::of(&good)), Ok(Outcome::Updated));
}

#[test]
fn notes_that_cannot_be_read_or_written_stop_nothing() {
    let store = device(&publish("T_1", 1, A));
    for notes in [&b"damaged"[..], b"[]", b"{\"signatureForm\":\"x\"}", b"{\"later\":1}"] {
        block_on((&store).put_notes(&format!("{MODELS}T_1"), notes)).unwrap();
        assert_eq!(version(&open(&store)).as_deref(), Some("v1"));
    }
    store.full.set(true);
    let session = open(&store);
    let host = FakeHost::of(&wrong_golden(2));
    assert_eq!(kind(sync(&session, &host)), ErrorKind::GoldenMismatch);
    host.blobs_asked();
    // Remembered in memory, and written as soon as there is room.
    assert_eq!(kind(sync(&session, &host)), ErrorKind::GoldenMismatch);
    assert_eq!(host.blobs_asked(), 0);
    store.full.set(false);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::GoldenMismatch);
    assert_eq!(kind(sync(&open(&store), &host)), ErrorKind::GoldenMismatch);
    assert_eq!(host.blobs_asked(), 0);
}

#[test]
fn a_start_reads_each_stored_file_once() {
    let published = publish("T_1", 1, A);
    let store = device(&published);
    store.blob_reads.set(0);
    let session = open(&store);
    assert_eq!(sync(&session, &FakeHost::of(&published)), Ok(Outcome::Current));
    assert_eq!(store.blob_reads.get(), 3);
}

#[test]
fn memory_grows_with_the_bytes_that_come() {
    // The host claims a file of two gigabytes, and sends a few bytes.
    let mut published = publish("T_1", 1, A);
    let head = published.manifest.files.iter_mut().find(|f| f.role == FileRole::Head).unwrap();
    head.bytes = (1 << 31) - 1;
    let store = FakeStore::default();
    let session = open(&store);
    let host = FakeHost::of(&published);
    assert_eq!(kind(sync(&session, &host)), ErrorKind::SizeMismatch);
    let largest = host.largest_room.get();
    assert!((1..=4 << 20).contains(&largest), "{largest} bytes were reserved");
}

#[test]
fn a_finished_download_is_not_cancelled() {
    let host = FakeHost::of(&publish("T_1", 1, A));
    let store = FakeStore::default();
    assert_eq!(sync(&open(&store), &host), Ok(Outcome::Updated));
    assert_eq!(host.cancelled.get(), 0);
}
