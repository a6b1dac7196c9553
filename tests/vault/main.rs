//! The sealed store: nothing of it opens where it should not, and whatever dies loses nothing.

#[path = "../fixture/block_on.rs"]
mod block_on;
mod fakes;

mod basics;
mod codec;
mod damage;
mod exports;
mod features;
mod fixtures;
mod format;
mod gcm;
mod interleavings;
mod keys;
mod overlap;
mod queue;
mod rotation;
mod schedule;
mod tabs;

use block_on::block_on;
use fakes::{FakeDevice, FakeStore};
use jicho::recognize::Decision;
use jicho::vault::{
    Correction, Entry, Header, Kind, Lesson, LessonName, Page, Prediction, Prototype, Query, Record, RecordId, Sale,
    Scan, Settings, Store, Unlock, Vault,
};
use jicho::{Error, ErrorKind, Result};

/// The app's own key, in nearly every test: Argon2id takes its time.
const KEY: &[u8; 32] = &[7; 32];
const DAY: u64 = 24 * 60 * 60 * 1000;
/// As small as a JPEG can be: it has a table and no picture.
const JPEG: &[u8] = &[0xff, 0xd8, 0xff, 0xdb, 0, 4, 1, 2, 0xff, 0xd9];

/// A lesson's file with these pictures.
fn lesson_file(id: &str, jpegs: &[Vec<u8>]) -> Vec<u8> {
    let frame = |jpeg: &Vec<u8>| jicho::teach::LessonFrame { features: vec![half::f16::ONE], jpeg: jpeg.clone() };
    let lesson = jicho::teach::Lesson {
        id: id.into(),
        time: 1,
        label: Some("mango".into()),
        facts: String::new(),
        correction: false,
        features_digest: [7; 32],
        frames: jpegs.iter().map(frame).collect(),
    };
    lesson.to_bytes().unwrap()
}

/// A JPEG of about so many bytes: tables, and no picture.
fn large_jpeg(length: usize) -> Vec<u8> {
    let table = [&[0xff, 0xdb, 0xff, 0xff][..], &[7; 65_533]].concat();
    [&[0xff, 0xd8][..], &table.repeat(length.div_ceil(65_537)), &[0xff, 0xd9]].concat()
}

type TestVault<'a> = Vault<&'a FakeStore, &'a FakeDevice>;

fn try_open<'a>(store: &'a FakeStore, device: &'a FakeDevice, unlock: Unlock<'_>) -> Result<TestVault<'a>> {
    block_on(Vault::open(store, device, "shop", unlock, Settings::default()))
}

fn open<'a>(store: &'a FakeStore, device: &'a FakeDevice) -> TestVault<'a> {
    open_with(store, device, Settings::default())
}

fn open_with<'a>(store: &'a FakeStore, device: &'a FakeDevice, settings: Settings) -> TestVault<'a> {
    block_on(Vault::open(store, device, "shop", Unlock::Key(KEY), settings)).unwrap()
}

fn scan(label: &str, geohash: Option<&str>) -> Record {
    let predictions = vec![Prediction { label: label.to_owned(), confidence: 0.75 }];
    let geohash = geohash.map(str::to_owned);
    Record::Scan(Scan {
        decision: Some(Decision::Match),
        predictions,
        geohash,
        version: Some("v1".into()),
        ..Scan::default()
    })
}

/// What scans are of, in order.
fn labels(vault: &TestVault<'_>) -> Vec<String> {
    let label = |entry: Entry| match entry.record {
        Record::Scan(scan) => scan.predictions[0].label.clone(),
        other => panic!("{other:?}"),
    };
    let mut labels: Vec<String> = all(vault, Kind::Scan).into_iter().map(label).collect();
    labels.sort_unstable();
    labels
}

fn header(store: &FakeStore) -> Header {
    Header::parse(&block_on(store.kept.header("shop")).unwrap().unwrap()).unwrap()
}

fn sale(number: u32) -> Record {
    Record::Sale(Sale { order: serde_json::json!({ "number": number }) })
}

fn add(vault: &TestVault<'_>, record: &Record) -> RecordId {
    block_on(vault.add(record, None)).unwrap()
}

fn add_scans(vault: &TestVault<'_>, count: usize) -> Vec<RecordId> {
    (0..count).map(|i| add(vault, &scan(&format!("{i:05}"), None))).collect()
}

fn list(vault: &TestVault<'_>, query: &Query) -> Page {
    block_on(vault.list(query)).unwrap()
}

fn all(vault: &TestVault<'_>, kind: Kind) -> Vec<Entry> {
    let page = list(vault, &Query { limit: usize::MAX, blobs: true, ..Query::all(kind) });
    assert_eq!(page.damaged, []);
    page.entries
}

#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind) -> Error {
    let error = result.err().expect("it is refused");
    assert_eq!(error.kind(), kind, "{error}");
    error
}
