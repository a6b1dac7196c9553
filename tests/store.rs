//! What every store must do, run against memory everywhere and against `IndexedDB` in a browser.

#[cfg(not(target_arch = "wasm32"))]
#[path = "fixture/block_on.rs"]
mod block_on;

use jicho::sync::{Rank, Store, StoredRelease};
use jicho::{ErrorKind, Result};

/// Activates a release with new files.
async fn activate<S: Store>(store: &S, key: &str, release: &StoredRelease, files: &[(char, &[u8])]) -> Result<bool> {
    store.activate(key, release, None, &staged(store, files)).await
}

fn staged<S: Store>(store: &S, files: &[(char, &[u8])]) -> Vec<(String, S::StagedBlob)> {
    files.iter().map(|(name, bytes)| (hash(*name), store.stage(bytes))).collect()
}

fn hash(name: char) -> String {
    name.to_string().repeat(64)
}

fn hashes(names: &str) -> Vec<String> {
    names.chars().map(hash).collect()
}

fn release(release_seq: u64, names: &str) -> StoredRelease {
    let metadata = format!("{release_seq} {names}").into_bytes();
    StoredRelease { rank: Rank::of(release_seq), blobs: hashes(names), metadata, etag: None, expires: None }
}

async fn missing(store: &impl Store, names: &str) -> Vec<String> {
    store.missing(&hashes(names)).await.unwrap()
}

async fn suite(store: &impl Store) {
    nothing_is_there_at_first(store).await;
    activation_puts_all_at_once(store).await;
    keys_share_blobs_and_nothing_else(store).await;
    what_no_release_names_is_deleted(store).await;
    an_older_release_does_not_replace_a_newer(store).await;
    an_incomplete_release_changes_nothing(store).await;
    a_damaged_blob_is_replaced(store).await;
    a_candidate_ranks_above_the_release_beside_it(store).await;
    what_is_not_trusted_keeps_nothing_out(store).await;
    megabytes_survive(store).await;
    what_is_removed_takes_its_files_along(store).await;
    the_device_keeps_its_number(store).await;
    notes_belong_to_one_channel(store).await;
}

async fn nothing_is_there_at_first(store: &impl Store) {
    assert_eq!(store.release("one").await.unwrap(), None);
    assert_eq!(store.blob(&hash('a')).await.unwrap(), None);
    assert_eq!(missing(store, "ab").await, hashes("ab"));
}

async fn activation_puts_all_at_once(store: &impl Store) {
    activate(store, "one", &release(1, "ab"), &[('a', b"A"), ('b', b"")]).await.unwrap();
    assert_eq!(store.release("one").await.unwrap(), Some(release(1, "ab")));
    assert_eq!(store.blob(&hash('a')).await.unwrap().as_deref(), Some(&b"A"[..]));
    assert_eq!(store.blob(&hash('b')).await.unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(missing(store, "abc").await, hashes("c"));
}

async fn keys_share_blobs_and_nothing_else(store: &impl Store) {
    assert_eq!(store.release("two").await.unwrap(), None);
    activate(store, "two", &release(7, "ac"), &[('c', b"C")]).await.unwrap();
    assert_eq!(store.release("two").await.unwrap(), Some(release(7, "ac")));
    assert_eq!(store.release("one").await.unwrap(), Some(release(1, "ab")));
}

async fn what_no_release_names_is_deleted(store: &impl Store) {
    activate(store, "one", &release(2, "ad"), &[('d', b"D")]).await.unwrap();
    assert_eq!(missing(store, "abcd").await, hashes("b"));
}

async fn an_older_release_does_not_replace_a_newer(store: &impl Store) {
    assert_eq!(activate(store, "one", &release(1, "ab"), &[('b', b"B")]).await, Ok(false));
    assert_eq!(store.release("one").await.unwrap(), Some(release(2, "ad")));
    assert_eq!(missing(store, "abcd").await, hashes("b"));
}

async fn an_incomplete_release_changes_nothing(store: &impl Store) {
    let error = activate(store, "one", &release(3, "ef"), &[('e', b"E")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert_eq!(store.release("one").await.unwrap(), Some(release(2, "ad")));
    assert_eq!(missing(store, "adef").await, hashes("ef"));
}

async fn a_damaged_blob_is_replaced(store: &impl Store) {
    activate(store, "one", &release(2, "ad"), &[('d', b"damaged")]).await.unwrap();
    activate(store, "one", &release(2, "ad"), &[('d', b"D")]).await.unwrap();
    assert_eq!(store.blob(&hash('d')).await.unwrap().as_deref(), Some(&b"D"[..]));
}

async fn a_candidate_ranks_above_the_release_beside_it(store: &impl Store) {
    let ranked = |latest, number| StoredRelease { rank: Rank { latest, release: number }, ..release(number, "ad") };
    let etag = Some("\"an ETag\"".to_owned());
    let candidate = StoredRelease { etag, expires: Some(1_790_000_000), ..ranked(2, 9) };
    assert_eq!(activate(store, "one", &candidate, &[]).await, Ok(true));
    assert_eq!(store.release("one").await.unwrap(), Some(candidate.clone()));
    assert_eq!(activate(store, "one", &ranked(2, 2), &[]).await, Ok(false));
    assert_eq!(store.release("one").await.unwrap(), Some(candidate));
    // What is named later is newer, whatever its own number.
    assert_eq!(activate(store, "one", &ranked(3, 3), &[]).await, Ok(true));
    assert_eq!(store.release("one").await.unwrap(), Some(ranked(3, 3)));
}

async fn what_is_not_trusted_keeps_nothing_out(store: &impl Store) {
    let high = release(1 << 53, "ad");
    assert_eq!(activate(store, "one", &high, &[]).await, Ok(true));
    let low = release(4, "ad");
    assert_eq!(store.activate("one", &low, Some(Rank::of(7)), &[]).await, Ok(false));
    assert_eq!(store.activate("one", &low, Some(high.rank), &[]).await, Ok(true));
    assert_eq!(store.release("one").await.unwrap(), Some(low));
}

async fn what_is_removed_takes_its_files_along(store: &impl Store) {
    store.remove("one").await.unwrap();
    assert_eq!(store.release("one").await.unwrap(), None);
    assert_eq!(missing(store, "adc").await, hashes("d"));
    assert_eq!(store.release("two").await.unwrap(), Some(release(7, "ac")));
    store.remove("one").await.unwrap();
}

async fn the_device_keeps_its_number(store: &impl Store) {
    let device = store.device().await.unwrap();
    store.remove("two").await.unwrap();
    assert_eq!(store.device().await.unwrap(), device);
}

async fn notes_belong_to_one_channel(store: &impl Store) {
    assert_eq!(store.notes("one").await, Ok(None));
    store.put_notes("one", b"{}").await.unwrap();
    store.put_notes("two", b"").await.unwrap();
    store.put_notes("one", b"{\"a\":1}").await.unwrap();
    assert_eq!(store.notes("one").await.unwrap().as_deref(), Some(&b"{\"a\":1}"[..]));
    let device = store.device().await.unwrap();
    store.remove("one").await.unwrap();
    assert_eq!(store.notes("one").await, Ok(None));
    assert_eq!(store.notes("two").await.unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(store.device().await.unwrap(), device);
}

async fn megabytes_survive(store: &impl Store) {
    let bytes: Vec<u8> = (0..8u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    activate(store, "big", &release(1, "9"), &[('9', &bytes)]).await.unwrap();
    assert!(store.blob(&hash('9')).await.unwrap() == Some(bytes));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn memory() {
    block_on::block_on(suite(&jicho::sync::MemoryStore::default()));
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use idb::{DatabaseEvent, Factory, ObjectStoreParams};
    use jicho::web::IndexedDb;
    use js_sys::Promise;
    use wasm_bindgen::prelude::*;
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::*;

    wasm_bindgen_test_configure!(run_in_browser);

    #[wasm_bindgen(module = "/tests/store.js")]
    extern "C" {
        #[wasm_bindgen(js_name = makeVersion1)]
        fn make_version_1(name: &str) -> Promise;
        #[wasm_bindgen(js_name = failNext)]
        fn fail_next(fault: &str, times: u32);
        #[wasm_bindgen(js_name = faultsLeft)]
        fn faults_left() -> u32;
    }

    async fn open(name: &str) -> IndexedDb {
        IndexedDb::open_named(name).await.unwrap().expect("this browser has IndexedDB")
    }

    async fn fresh(name: &str) -> IndexedDb {
        Factory::new().unwrap().delete(name).unwrap().await.unwrap();
        open(name).await
    }

    #[wasm_bindgen_test]
    async fn memory() {
        suite(&jicho::sync::MemoryStore::default()).await;
    }

    #[wasm_bindgen_test]
    async fn indexed_db() {
        suite(&fresh("suite").await).await;
    }

    #[wasm_bindgen_test]
    async fn what_is_stored_is_there_for_the_next_connection() {
        let store = fresh("reopened").await;
        activate(&store, "one", &release(1, "a"), &[('a', b"A")]).await.unwrap();
        drop(store);
        let store = open("reopened").await;
        assert_eq!(store.release("one").await.unwrap(), Some(release(1, "a")));
        assert_eq!(store.blob(&hash('a')).await.unwrap().as_deref(), Some(&b"A"[..]));
    }

    #[wasm_bindgen_test]
    async fn two_connections_see_each_other() {
        let (one, two) = (fresh("shared").await, open("shared").await);
        activate(&one, "one", &release(1, "a"), &[('a', b"A")]).await.unwrap();
        activate(&two, "one", &release(2, "b"), &[('b', b"B")]).await.unwrap();
        assert_eq!(one.release("one").await.unwrap(), Some(release(2, "b")));
        assert_eq!(missing(&one, "ab").await, hashes("a"));
    }

    #[wasm_bindgen_test]
    async fn a_newer_schema_is_an_error_and_is_not_wiped() {
        let store = fresh("newer").await;
        activate(&store, "one", &release(1, "a"), &[('a', b"A")]).await.unwrap();
        // Upgrades although the store above is open: it must close by itself.
        let mut request = Factory::new().unwrap().open("newer", Some(4)).unwrap();
        request.on_upgrade_needed(|event| {
            event.database().unwrap().create_object_store("of the future", ObjectStoreParams::new()).unwrap();
        });
        let newer = request.await.unwrap();
        let error = store.release("one").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.message().contains("newer version"), "{error}");
        assert_eq!(IndexedDb::open_named("newer").await.err().map(|e| e.kind()), Some(ErrorKind::Storage));
        let mut names = newer.store_names();
        names.sort();
        assert_eq!(names, ["blobs", "lessons", "of the future", "releases", "state"]);
        newer.close();
    }

    #[wasm_bindgen_test]
    async fn a_database_of_version_1_is_taken_over() {
        JsFuture::from(make_version_1("version 1")).await.unwrap();
        let store = open("version 1").await;
        assert_eq!(store.release("one").await.unwrap(), Some(release(5, "ab")));
        assert_eq!(store.blob(&hash('a')).await.unwrap().as_deref(), Some(&b"A"[..]));
        let device = store.device().await.unwrap();
        assert_eq!(activate(&store, "one", &release(4, "ab"), &[]).await, Ok(false));
        assert_eq!(activate(&store, "one", &release(6, "ac"), &[('c', b"C")]).await, Ok(true));
        drop(store);
        let store = open("version 1").await;
        assert_eq!(store.release("one").await.unwrap(), Some(release(6, "ac")));
        assert_eq!(missing(&store, "abc").await, hashes("b"));
        assert_eq!(store.device().await.unwrap(), device);
        assert_ne!(device, [0; 16]);
    }

    #[wasm_bindgen_test]
    async fn every_device_has_a_number_of_its_own() {
        let one = fresh("device").await.device().await.unwrap();
        assert_eq!(open("device").await.device().await.unwrap(), one);
        assert_ne!(fresh("device").await.device().await.unwrap(), one);
    }

    /// Every way to lose the connection, by where it shows.
    const LOST: [&str; 6] = ["closed", "get", "put", "getAllKeys", "request", "aborted"];

    #[wasm_bindgen_test]
    async fn a_connection_that_is_lost_is_opened_anew_once() {
        for fault in LOST {
            let store = fresh("lost").await;
            activate(&store, "one", &release(1, "a"), &[('a', b"A")]).await.unwrap();
            fail_next(fault, 1);
            let activated = activate(&store, "one", &release(2, "ab"), &[('b', b"B")]).await;
            assert_eq!((activated, faults_left()), (Ok(true), 0), "{fault}");
            assert_eq!(store.release("one").await.unwrap(), Some(release(2, "ab")));
            if ["closed", "get", "request"].contains(&fault) {
                fail_next(fault, 1);
                assert_eq!(store.blob(&hash('b')).await.unwrap().as_deref(), Some(&b"B"[..]), "{fault}");
                assert_eq!(faults_left(), 0);
            }
        }
    }

    #[wasm_bindgen_test]
    async fn one_that_is_lost_again_is_told_and_nothing_changed() {
        for fault in LOST {
            let store = fresh("lost").await;
            activate(&store, "one", &release(1, "a"), &[('a', b"A")]).await.unwrap();
            // A closed connection is noticed before anything begins, and once more by whoever is about to open another one.
            fail_next(fault, if fault == "closed" { 4 } else { 2 });
            let error = activate(&store, "one", &release(2, "ab"), &[('b', b"B")]).await.unwrap_err();
            assert_eq!((error.kind(), faults_left()), (ErrorKind::Storage, 0), "{fault}: {error}");
            assert_eq!(store.release("one").await.unwrap(), Some(release(1, "a")));
            assert_eq!(missing(&store, "ab").await, hashes("b"), "{fault}");
            activate(&store, "one", &release(2, "ab"), &[('b', b"B")]).await.unwrap();
            assert_eq!(store.release("one").await.unwrap(), Some(release(2, "ab")));
        }
    }

    #[wasm_bindgen_test]
    async fn a_full_device_is_told_at_once() {
        let store = fresh("full").await;
        activate(&store, "one", &release(1, "a"), &[('a', b"A")]).await.unwrap();
        fail_next("quota", 1);
        let error = activate(&store, "one", &release(2, "ab"), &[('b', b"B")]).await.unwrap_err();
        assert!(error.message().contains("QuotaExceededError"), "{error}");
        assert_eq!(faults_left(), 0, "it is not tried again");
        assert_eq!(store.release("one").await.unwrap(), Some(release(1, "a")));
    }

    #[wasm_bindgen_test]
    async fn a_database_deleted_under_a_store_is_made_anew() {
        let store = fresh("deleted").await;
        activate(&store, "one", &release(1, "a"), &[('a', b"A")]).await.unwrap();
        Factory::new().unwrap().delete("deleted").unwrap().await.unwrap();
        assert_eq!(store.release("one").await.unwrap(), None);
        activate(&store, "one", &release(2, "a"), &[('a', b"A")]).await.unwrap();
        assert_eq!(store.release("one").await.unwrap(), Some(release(2, "a")));
    }
}
