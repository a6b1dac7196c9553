//! What every store of vaults must do, run against memory everywhere and against IndexedDB in a browser.

#[cfg(not(target_arch = "wasm32"))]
#[path = "fixture/block_on.rs"]
mod block_on;

use std::cell::Cell;
use std::rc::Rc;

use jicho::vault::{
    Change, Cost, Device, DeviceKey, KeyChange, Kind, MemoryStore, Passphrase, Position, Query, Record, RecordId, Row,
    Sale, Scan, Select, Settings, Store, Unlock, Usage, Vault,
};
use jicho::{Error, ErrorKind, Result};

const KEY: &[u8; 32] = &[7; 32];
const NONE: [u8; 0] = [];
/// What a guess at a passphrase costs, at least.
fn cheap() -> Settings {
    Settings { cost: Some(Cost::MINIMUM), ..Settings::default() }
}

fn id(number: u8) -> RecordId {
    let mut id = [0; 16];
    id[15] = number;
    RecordId(id)
}

fn row(number: u8, kind: Kind, time: u64) -> Row {
    Row { kind, time, id: id(number), key: 1, sealed: vec![number; 3], blob: None }
}

fn put(row: &Row) -> Change {
    Change::Put(row.clone())
}

fn select(kind: Kind) -> Select {
    Select { kind, from: 0, until: u64::MAX, descending: false, after: None, limit: 1000, blobs: true }
}

async fn commit(store: &impl Store, vault: &str, expected: Option<&[u8]>, header: &[u8], changes: &[Change]) -> bool {
    store.commit(vault, expected, header, changes).await.unwrap()
}

/// What is last in the ids of the rows that are found.
async fn found(store: &impl Store, vault: &str, select: Select) -> Vec<u8> {
    store.rows(vault, &select).await.unwrap().iter().map(|row| row.id.0[15]).collect()
}

/// The contract of [`Store`]; each part has a vault of its own.
async fn contract(store: &impl Store) {
    nothing_is_there_at_first(store).await;
    a_commit_is_all_or_nothing(store).await;
    rows_come_in_order(store).await;
    kinds_and_vaults_are_apart(store).await;
    blobs_come_where_they_are_asked_for(store).await;
    rows_are_found_by_their_key(store).await;
    what_is_kept_is_counted(store).await;
    destroying_is_for_one_vault(store).await;
    the_devices_key_changes_with_the_header_alone(store).await;
}

async fn nothing_is_there_at_first(store: &impl Store) {
    assert_eq!(store.header("empty").await.unwrap(), None);
    assert_eq!(store.row("empty", id(1)).await.unwrap(), None);
    assert_eq!(found(store, "empty", select(Kind::Scan)).await, NONE);
    assert_eq!(store.rows_under("empty", 1, None, 9).await.unwrap(), []);
    assert_eq!(store.usage("empty").await.unwrap(), Usage::default());
}

async fn a_commit_is_all_or_nothing(store: &impl Store) {
    let (one, two) = (row(1, Kind::Scan, 5), row(2, Kind::Scan, 6));
    assert!(commit(store, "commit", None, b"a", &[put(&one)]).await);
    // Whoever was overtaken changes nothing.
    for expected in [None, Some(&b"b"[..]), Some(b""), Some(b"aa")] {
        assert!(!commit(store, "commit", expected, b"c", &[put(&two), Change::Delete(one.id)]).await);
        assert_eq!(store.header("commit").await.unwrap().as_deref(), Some(&b"a"[..]));
        assert_eq!(found(store, "commit", select(Kind::Scan)).await, [1]);
    }
    // The last change of a record counts.
    let moved = Row { time: 9, key: 2, sealed: vec![9], ..one.clone() };
    let changes = [put(&two), Change::Delete(two.id), put(&moved), Change::Delete(id(77))];
    assert!(commit(store, "commit", Some(b"a"), b"b", &changes).await);
    assert_eq!(store.row("commit", one.id).await.unwrap(), Some(moved));
    assert_eq!(store.row("commit", two.id).await.unwrap(), None);
    assert_eq!(found(store, "commit", Select { until: 9, ..select(Kind::Scan) }).await, NONE);
    assert_eq!(store.rows_under("commit", 1, None, 9).await.unwrap(), []);
}

async fn rows_come_in_order(store: &impl Store) {
    let times = [30, 10, 20, 20, 40, 20];
    let rows: Vec<Row> = times.iter().zip(1..).map(|(time, number)| row(number, Kind::Scan, *time)).collect();
    let changes: Vec<Change> = rows.iter().map(put).collect();
    assert!(commit(store, "order", None, b"h", &changes).await);
    let all = select(Kind::Scan);
    let down = Select { descending: true, ..all.clone() };
    let at = |time, number| Some(Position { time, id: id(number) });
    for (wanted, select) in [
        (&[2, 3, 4, 6, 1, 5][..], all.clone()),
        (&[5, 1, 6, 4, 3, 2], down.clone()),
        (&[3, 4, 6], Select { from: 20, until: 30, ..all.clone() }),
        (&[6, 4, 3], Select { from: 20, until: 30, ..down.clone() }),
        (&[], Select { from: 21, until: 30, ..all.clone() }),
        (&[], Select { from: 30, until: 20, ..all.clone() }),
        (&[], Select { from: 30, until: 20, ..down.clone() }),
        (&[2, 3], Select { limit: 2, ..all.clone() }),
        (&[5, 1], Select { limit: 2, ..down.clone() }),
        (&[4, 6, 1], Select { after: at(20, 3), limit: 3, ..all.clone() }),
        (&[3, 2], Select { after: at(20, 4), ..down.clone() }),
        // Behind one that is gone, or outside of the range.
        (&[6, 1, 5], Select { after: at(20, 5), ..all.clone() }),
        (&[4, 3, 2], Select { after: at(20, 5), ..down.clone() }),
        (&[3, 4, 6], Select { from: 20, until: 30, after: at(10, 2), ..all.clone() }),
        (&[6, 4, 3], Select { from: 20, until: 30, after: at(40, 5), ..down.clone() }),
        (&[], Select { from: 20, until: 30, after: at(40, 5), ..all.clone() }),
        (&[], Select { from: 20, until: 30, after: at(30, 1), ..all.clone() }),
        (&[3], Select { from: 20, until: 30, after: at(20, 4), ..down.clone() }),
        (&[], Select { from: 20, until: 30, after: at(10, 2), ..down.clone() }),
        (&[], Select { after: at(40, 5), ..all.clone() }),
        (&[], Select { after: at(10, 2), ..down.clone() }),
    ] {
        assert_eq!(found(store, "order", select.clone()).await, wanted, "{select:?}");
    }
}

async fn kinds_and_vaults_are_apart(store: &impl Store) {
    let (scan, sale) = (row(1, Kind::Scan, 5), row(2, Kind::Sale, 5));
    assert!(commit(store, "apart", None, b"h", &[put(&scan), put(&sale)]).await);
    assert!(commit(store, "apart.", None, b"g", &[put(&Row { sealed: vec![8], ..scan.clone() })]).await);
    assert_eq!(found(store, "apart", select(Kind::Scan)).await, [1]);
    assert_eq!(found(store, "apart", select(Kind::Sale)).await, [2]);
    assert_eq!(found(store, "apart", select(Kind::Lesson)).await, NONE);
    assert_eq!(store.row("apart", scan.id).await.unwrap(), Some(scan));
    assert_eq!(found(store, "apart.", select(Kind::Sale)).await, NONE);
}

async fn blobs_come_where_they_are_asked_for(store: &impl Store) {
    let large = (0..1 << 20).map(|i| (i % 251) as u8).collect();
    let (one, two) = (Row { blob: Some(large), ..row(1, Kind::Scan, 5) }, row(2, Kind::Scan, 6));
    assert!(commit(store, "blobs", None, b"h", &[put(&one), put(&two)]).await);
    assert_eq!(store.row("blobs", one.id).await.unwrap().as_ref(), Some(&one));
    for descending in [false, true] {
        let with = store.rows("blobs", &Select { descending, ..select(Kind::Scan) }).await.unwrap();
        assert_eq!(with.iter().map(|row| row.blob.is_some()).filter(|blob| *blob).count(), 1);
        let without = store.rows("blobs", &Select { descending, blobs: false, ..select(Kind::Scan) }).await.unwrap();
        assert!(without.len() == 2 && without.iter().all(|row| row.blob.is_none()));
    }
    assert_eq!(store.rows_under("blobs", 1, None, 9).await.unwrap(), [one.clone(), two]);
    let bare = Row { blob: None, ..one.clone() };
    assert!(commit(store, "blobs", Some(b"h"), b"i", &[put(&bare)]).await);
    assert_eq!(store.row("blobs", one.id).await.unwrap(), Some(bare));
}

async fn rows_are_found_by_their_key(store: &impl Store) {
    let of = |number, key| put(&Row { key, ..row(number, Kind::Scan, u64::from(100 - number)) });
    let last = Row { key: 2, ..Row { id: RecordId([255; 16]), ..row(0, Kind::Sale, 1) } };
    let changes = [of(4, 2), of(1, 2), of(2, 3), of(3, 2), put(&last)];
    assert!(commit(store, "keys", None, b"h", &changes).await);
    let under = async |key, after, limit| -> Vec<u8> {
        let rows = store.rows_under("keys", key, after, limit).await.unwrap();
        rows.iter().map(|row| row.id.0[15]).collect()
    };
    assert_eq!(under(2, None, 9).await, [1, 3, 4, 255]);
    assert_eq!(under(2, None, 2).await, [1, 3]);
    assert_eq!(under(2, Some(id(3)), 9).await, [4, 255]);
    assert_eq!(under(2, Some(last.id), 9).await, NONE);
    assert_eq!(under(3, None, 9).await, [2]);
    assert_eq!(under(1, None, 9).await, NONE);
}

async fn what_is_kept_is_counted(store: &impl Store) {
    // More than are looked at together.
    let rows: Vec<Change> = (0..600u32)
        .map(|number| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            Change::Put(Row { id: RecordId(id), blob: Some(vec![0; 2]), ..row(1, Kind::Correction, 1) })
        })
        .collect();
    assert!(commit(store, "usage", None, b"head", &rows).await);
    assert!(commit(store, "usage", Some(b"head"), b"four", &[put(&row(9, Kind::Sale, 1))]).await);
    let usage = store.usage("usage").await.unwrap();
    assert_eq!(usage.counts, [0, 600, 0, 1]);
    assert_eq!(usage.bytes, 4 + 600 * 5 + 3);
}

async fn destroying_is_for_one_vault(store: &impl Store) {
    for vault in ["gone", "stays"] {
        let blob = Row { blob: Some(vec![1]), ..row(1, Kind::Scan, 5) };
        assert!(commit(store, vault, None, b"h", &[put(&blob)]).await);
    }
    store.sweep("gone").await.unwrap();
    assert_eq!(found(store, "gone", select(Kind::Scan)).await, [1], "it has its header");
    store.delete_header("gone").await.unwrap();
    store.sweep("gone").await.unwrap();
    assert_eq!(store.usage("gone").await.unwrap(), Usage::default());
    assert!(commit(store, "gone", None, b"h", &[put(&row(1, Kind::Scan, 5))]).await);
    assert_eq!(store.row("gone", id(1)).await.unwrap().unwrap().blob, None, "no blob of the one before");
    assert_eq!(found(store, "stays", select(Kind::Scan)).await, [1]);
}

/// A key that any store can keep.
fn device_key() -> DeviceKey {
    #[cfg(target_arch = "wasm32")]
    return Rc::new(wasm_bindgen::JsValue::from(js_sys::Object::new()));
    #[cfg(not(target_arch = "wasm32"))]
    Rc::new(1u64)
}

async fn the_devices_key_changes_with_the_header_alone(store: &impl Store) {
    let change = async |expected, header, key| store.commit_lock("locked", expected, header, &[], &key).await.unwrap();
    let has_key = async || store.device_key("locked").await.unwrap().is_some();
    assert!(!has_key().await);
    assert!(change(None, &b"1"[..], KeyChange::Put(device_key())).await);
    assert!(has_key().await);
    assert!(!change(None, &b"2"[..], KeyChange::Delete).await, "it was planned against another header");
    assert!(has_key().await);
    assert!(change(Some(&b"1"[..]), &b"2"[..], KeyChange::Keep).await);
    assert!(has_key().await);
    assert!(change(Some(&b"2"[..]), &b"3"[..], KeyChange::Delete).await);
    assert!(!has_key().await);
    assert!(!change(Some(&b"2"[..]), &b"4"[..], KeyChange::Put(device_key())).await);
    assert!(!has_key().await);
    assert!(change(Some(&b"3"[..]), &b"4"[..], KeyChange::Put(device_key())).await);
    store.delete_header("locked").await.unwrap();
    assert!(!has_key().await, "it goes with the header");
}

/// A clock that stands, and numbers that do not repeat; the device's key is for the browser tests.
#[derive(Default)]
struct Counter(Cell<u64>);

impl Device for &Counter {
    fn now(&self) -> u64 {
        1_760_000_000_000 + self.0.get()
    }

    fn random(&self, bytes: &mut [u8]) -> Result<()> {
        self.0.set(self.0.get() + 1);
        let number = self.0.get().to_le_bytes();
        bytes.iter_mut().enumerate().for_each(|(i, byte)| *byte = number[i % 8]);
        Ok(())
    }

    async fn make_key(&self) -> Result<DeviceKey> {
        Err(Error::new(ErrorKind::Unsupported, "this device has no key"))
    }

    async fn seal(&self, _: &DeviceKey, _: &str, _: &[u8; 32]) -> Result<Vec<u8>> {
        Err(Error::new(ErrorKind::Unsupported, "this device has no key"))
    }

    async fn open(&self, _: &DeviceKey, _: &str, _: &[u8]) -> Result<zeroize::Zeroizing<[u8; 32]>> {
        Err(Error::new(ErrorKind::WrongKey, "this device has no key"))
    }
}

fn scan(score: u32) -> Record {
    Record::Scan(Scan { score: Some(score.into()), ..Scan::default() })
}

async fn scores<S: Store, D: Device>(vault: &Vault<S, D>) -> Vec<u32> {
    let page = vault.list(&Query { limit: 1000, descending: false, ..Query::all(Kind::Scan) }).await.unwrap();
    assert!(page.damaged.is_empty() && page.next.is_none());
    let score = |record: &Record| if let Record::Scan(scan) = record { scan.score.unwrap() as u32 } else { panic!() };
    page.entries.iter().map(|entry| score(&entry.record)).collect()
}

/// Vaults over two stores of the same place, as two tabs have them.
async fn sealed<S: Store>(one: S, two: S, elsewhere: S) {
    let device = Counter::default();
    let open = async |store: S, name| Vault::open(store, &device, name, Unlock::Key(KEY), cheap()).await;
    let (one, two) = (open(one, "shop").await.unwrap(), open(two, "shop").await.unwrap());
    for number in 0..20 {
        let vault = if number % 3 == 0 { &one } else { &two };
        vault.add(&scan(number), None).await.unwrap();
    }
    assert_eq!(scores(&one).await, (0..20).collect::<Vec<u32>>());
    let thumbnail = &[0xff, 0xd8, 0xff, 0xd9][..];
    let with_blob = two.add(&scan(20), Some(thumbnail)).await.unwrap();
    assert_eq!(one.get(with_blob).await.unwrap().unwrap().blob.as_deref(), Some(thumbnail));
    let sale = Record::Sale(Sale { order: 5.into() });
    one.add_as(id(1), &sale, None).await.unwrap();
    assert!(!two.add_as(id(1), &sale, None).await.unwrap());
    assert_eq!(one.rotate().await.unwrap().moved, 22);
    two.add(&scan(21), None).await.unwrap();
    assert_eq!(scores(&two).await, (0..22).collect::<Vec<u32>>());
    assert_eq!(one.compact().await.unwrap().lost, 0);

    let passphrase = Passphrase::new("correct horse battery staple").unwrap();
    let mut file = Vec::new();
    let sink = async |piece: &[u8]| {
        file.extend(piece);
        Ok(())
    };
    assert_eq!(two.export(&passphrase, sink).await.unwrap().records, 23);
    let other = open(elsewhere, "other").await.unwrap();
    assert_eq!(other.import(&file, &passphrase).await.unwrap().added, 23);
    assert_eq!(scores(&other).await, (0..22).collect::<Vec<u32>>());

    assert!(one.delete(with_blob).await.unwrap());
    assert_eq!(two.get(with_blob).await.unwrap(), None);
    jicho::vault::destroy(two.store(), "shop").await.unwrap();
    assert_eq!(one.add(&scan(1), None).await.unwrap_err().kind(), ErrorKind::VaultClosed);
    assert_eq!(scores(&other).await.len(), 22);
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use super::block_on::block_on;
    use super::*;

    #[test]
    fn memory_keeps_the_contract() {
        block_on(contract(&MemoryStore::default()));
    }

    #[test]
    fn vaults_in_memory() {
        let store = Rc::new(MemoryStore::default());
        block_on(sealed(Rc::clone(&store), Rc::clone(&store), store));
    }
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use idb::Factory;
    use jicho::web::{VaultDatabase, VaultHandle};
    use js_sys::{Array, Function, Promise, Reflect};
    use wasm_bindgen::JsCast;
    use wasm_bindgen::prelude::*;
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::*;

    wasm_bindgen_test_configure!(run_in_browser);

    #[wasm_bindgen(module = "/tests/store.js")]
    extern "C" {
        #[wasm_bindgen(js_name = failNext)]
        fn fail_next(fault: &str, times: u32);
        #[wasm_bindgen(js_name = faultsLeft)]
        fn faults_left() -> u32;
        #[wasm_bindgen(js_name = databasesAskedFor)]
        fn databases_asked_for() -> u32;
    }

    async fn fresh(name: &str) -> VaultDatabase {
        Factory::new().unwrap().delete(name).unwrap().await.unwrap();
        again(name).await
    }

    async fn again(name: &str) -> VaultDatabase {
        VaultDatabase::open_named(name).await.unwrap().expect("this browser has IndexedDB")
    }

    #[wasm_bindgen_test]
    async fn memory_keeps_the_contract() {
        contract(&MemoryStore::default()).await;
    }

    #[wasm_bindgen_test]
    async fn indexed_db_keeps_the_contract() {
        contract(&fresh("contract").await).await;
    }

    #[wasm_bindgen_test]
    async fn vaults_in_memory() {
        let store = Rc::new(MemoryStore::default());
        sealed(Rc::clone(&store), Rc::clone(&store), store).await;
    }

    #[wasm_bindgen_test]
    async fn vaults_in_indexed_db() {
        sealed(fresh("sealed").await, again("sealed").await, fresh("elsewhere").await).await;
    }

    #[wasm_bindgen_test]
    async fn a_connection_that_is_lost_is_opened_anew_once() {
        for fault in ["closed", "get", "put", "request"] {
            let store = fresh("lost").await;
            assert!(commit(&store, "shop", None, b"a", &[put(&row(1, Kind::Scan, 5))]).await);
            fail_next(fault, 1);
            assert!(commit(&store, "shop", Some(b"a"), b"b", &[put(&row(2, Kind::Scan, 6))]).await, "{fault}");
            assert_eq!(faults_left(), 0, "{fault}");
            assert_eq!(found(&store, "shop", select(Kind::Scan)).await, [1, 2]);
        }
    }

    #[wasm_bindgen_test]
    async fn a_full_device_is_told_and_nothing_changed() {
        let store = fresh("full").await;
        assert!(commit(&store, "shop", None, b"a", &[put(&row(1, Kind::Scan, 5))]).await);
        fail_next("quota", 1);
        let error = store.commit("shop", Some(b"a"), b"b", &[put(&row(2, Kind::Scan, 6))]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.message().contains("QuotaExceededError"), "{error}");
        assert_eq!(store.header("shop").await.unwrap().as_deref(), Some(&b"a"[..]));
        assert_eq!(found(&store, "shop", select(Kind::Scan)).await, [1]);
    }

    /// As where a frozen tab keeps the database open that another one upgrades or deletes.
    #[wasm_bindgen_test]
    async fn a_database_that_does_not_open_is_told_and_opens_once_it_can() {
        let factory = Factory::new().unwrap();
        let holder = factory.open("held", Some(1)).unwrap().await.unwrap();
        let deleted = factory.delete("held").unwrap();
        let store = again("held").await;
        let error = store.header("shop").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.message().contains("another tab"), "{error}");
        // While the browser still waits, nothing else waits behind it.
        let asked = databases_asked_for();
        for _ in 0..3 {
            assert_eq!(store.header("shop").await.unwrap_err(), error);
        }
        assert_eq!(databases_asked_for(), asked);
        holder.close();
        deleted.await.unwrap();
        // The browser opens one after the other: behind this one, the one that waited has ended.
        factory.open("held", None).unwrap().await.unwrap().close();
        assert_eq!(store.header("shop").await.unwrap(), None);
    }

    const SETTINGS: &str =
        r#"{"retentionDays": {}, "queueLimit": 100, "precision": 5, "precise": false, "memory": false}"#;

    async fn open_by_device(name: &str) -> Result<JsValue, JsValue> {
        JsFuture::from(VaultHandle::open(name.into(), "device".into(), SETTINGS.into())).await
    }

    async fn call(handle: &JsValue, method: &str, argument: &str) -> Result<JsValue, JsValue> {
        let method: Function = Reflect::get(handle, &method.into())?.dyn_into()?;
        let answer = method.apply(handle, &Array::of1(&argument.into()))?;
        JsFuture::from(Promise::resolve(&answer)).await
    }

    fn code(thrown: &JsValue) -> Option<String> {
        Reflect::get(thrown, &"code".into()).ok()?.as_string()
    }

    #[wasm_bindgen_test]
    async fn the_devices_key_opens_what_it_locked_until_it_is_gone() {
        JsFuture::from(VaultHandle::destroy("device".into())).await.unwrap();
        let vault = open_by_device("device").await.unwrap();
        let added = call(&vault, "add", r#"{"kind": "scan", "score": 5}"#).await.unwrap();
        let id = Reflect::get(&added, &"id".into()).unwrap().as_string().unwrap();
        let again = open_by_device("device").await.unwrap();
        let score = Reflect::get(&call(&again, "get", &id).await.unwrap(), &"score".into());
        assert_eq!(score.unwrap().as_f64(), Some(5.0));

        let database = Factory::new().unwrap().open("jicho-vault", None).unwrap().await.unwrap();
        let keys =
            database.transaction(&["keys"], idb::TransactionMode::ReadWrite).unwrap().object_store("keys").unwrap();
        let key = keys.get(JsValue::from("device")).unwrap().await.unwrap().unwrap();
        assert_eq!(Reflect::get(&key, &"extractable".into()).unwrap().as_bool(), Some(false));
        keys.delete(JsValue::from("device")).unwrap().await.unwrap();
        database.close();
        let refused = open_by_device("device").await.unwrap_err();
        assert_eq!(code(&refused).as_deref(), Some("KEY_MISSING"));
    }
}
