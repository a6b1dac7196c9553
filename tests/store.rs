//! What every store must do, run against memory everywhere and against IndexedDB in a browser.

#[cfg(not(target_arch = "wasm32"))]
#[path = "fixture/block_on.rs"]
mod block_on;

use jicho::sync::{Store, StoredRelease};
use jicho::{ErrorKind, Result};

/// Activates a release with new files.
async fn activate<S: Store>(store: &S, key: &str, release: &StoredRelease, files: &[(char, &[u8])]) -> Result<()> {
    let parcels = files.iter().map(|(name, bytes)| store.pack(&hash(*name), bytes)).collect();
    store.activate(key, release, parcels).await
}

fn hash(name: char) -> String {
    name.to_string().repeat(64)
}

fn hashes(names: &str) -> Vec<String> {
    names.chars().map(hash).collect()
}

fn release(release_seq: u64, names: &str) -> StoredRelease {
    StoredRelease { release_seq, blobs: hashes(names), metadata: format!("{release_seq} {names}").into_bytes() }
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
    megabytes_survive(store).await;
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
    activate(store, "one", &release(1, "ab"), &[('b', b"B")]).await.unwrap();
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
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::*;

    wasm_bindgen_test_configure!(run_in_browser);

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
        let mut request = Factory::new().unwrap().open("newer", Some(2)).unwrap();
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
        assert_eq!(names, ["blobs", "of the future", "releases"]);
        newer.close();
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
