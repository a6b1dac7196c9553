//! Vaults as former versions wrote them still open: those in `fixtures/` are never written again.
//!
//! A file is pieces, each behind its length (4 bytes): the header, what the device's key sealed, and of each row its
//! kind, time, id and key, its envelope, and that of its blob or nothing. An exported file is as it was exported.
//! `JICHO_WRITE_FIXTURES=1 cargo test --test vault fixtures` writes those of this version, and the fuzzer's seeds of
//! them.

use std::path::{Path, PathBuf};

use jicho::vault::{Change, Cost, KeyChange, Passphrase, Retention, Row, Select};
use serde_json::json;

use super::*;

/// Every version there was, the last one as it is written now.
const VERSIONS: [&str; 2] = ["v1", "v2"];
const LOCKS: [&str; 3] = ["passphrase", "key", "device"];
const PASSPHRASE: &str = "korrekt horse";

/// The keys of the vaults follow one another as fast, so that records lie under three.
fn settings() -> Settings {
    Settings { cost: Some(Cost::MINIMUM), rotate_after: 3, ..Settings::default() }
}

/// A thumbnail of format 1, which did not look at more than its beginning.
const FIRST_JPEG: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, 1, 2, 3];

fn records(version: &str) -> Vec<(Record, Option<Vec<u8>>)> {
    let full = Scan {
        decision: Some(Decision::Unsure),
        predictions: vec![
            Prediction { label: "mango".into(), confidence: 0.5 },
            Prediction { label: "åpple".into(), confidence: 0.25 },
        ],
        attributes: [("colour".to_owned(), json!("green")), ("count".to_owned(), json!(3))].into(),
        score: Some(87.5),
        quality: [("blur".to_owned(), 0.125)].into(),
        geohash: Some("kzf0tu".into()),
        version: Some("2026-07".into()),
    };
    let scan_id = RecordId([1; 16]).to_string();
    let embedding = [0.5f32, -1.0, 0.25].iter().flat_map(|v| v.to_le_bytes()).collect();
    let is_first = version == "v1";
    let lesson = Record::Lesson(Lesson { lesson: LessonName { id: "one".into(), channel: "shop/T_1".into() } });
    let mut records = vec![
        (Record::Scan(full), Some(if is_first { FIRST_JPEG } else { JPEG }.to_vec())),
        (Record::Scan(Scan::default()), None),
        (Record::Correction(Correction { scan: scan_id, label: Some("mango".into()) }), None),
        (Record::Prototype(Prototype { label: "mango".into(), backbone: "ab".repeat(32) }), Some(embedding)),
        (Record::Sale(Sale { order: json!({ "lines": ["mango", 2, 1.5, null, true] }) }), None),
    ];
    if !is_first {
        records.push((lesson, Some(lesson_file("one", &[JPEG.to_vec()]))));
    }
    records
}

fn id(i: usize) -> RecordId {
    RecordId([i as u8 + 1; 16])
}

fn unlocked<'a>(store: &'a FakeStore, device: &'a FakeDevice, lock: &str) -> TestVault<'a> {
    let passphrase = Passphrase::new(PASSPHRASE).unwrap();
    let unlock = match lock {
        "passphrase" => Unlock::Passphrase(&passphrase),
        "key" => Unlock::Key(KEY),
        _ => Unlock::Device,
    };
    block_on(Vault::open(store, device, "shop", unlock, settings())).unwrap()
}

fn rows(store: &FakeStore, kind: Kind) -> Vec<Row> {
    let select = Select::all(kind);
    block_on(store.kept.rows("shop", &select)).unwrap()
}

/// A vault as this version writes it, and its exported file.
fn written(lock: &str) -> (Vec<Vec<u8>>, Vec<u8>) {
    let (store, device) = (FakeStore::default(), FakeDevice::new(lock.len() as u64));
    let vault = unlocked(&store, &device, lock);
    for (i, (record, blob)) in records(VERSIONS[VERSIONS.len() - 1]).iter().enumerate() {
        assert_eq!(block_on(vault.add_as(id(i), record, blob.as_deref())), Ok(true));
        device.wait(1000);
    }
    let secrets = device.secrets().concat();
    let mut pieces = vec![block_on(store.kept.header("shop")).unwrap().unwrap(), secrets];
    for row in Kind::ALL.iter().flat_map(|kind| rows(&store, *kind)) {
        pieces.push([&[row.kind.code()][..], &row.time.to_le_bytes(), &row.id.0, &row.key.to_le_bytes()].concat());
        pieces.extend([row.sealed, row.blob.unwrap_or_default()]);
    }
    let mut file = Vec::new();
    let sink = async |piece: &[u8]| {
        file.extend_from_slice(piece);
        Ok(())
    };
    block_on(vault.export(&Passphrase::new(PASSPHRASE).unwrap(), sink)).unwrap();
    (pieces, file)
}

fn join(pieces: &[Vec<u8>]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| [&(piece.len() as u32).to_le_bytes()[..], piece].concat()).collect()
}

fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (piece, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        pieces.push(piece.to_vec());
        bytes = rest;
    }
    pieces
}

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(path("tests/vault/fixtures").join(name)).unwrap()
}

fn stored(pieces: &[Vec<u8>]) -> (FakeStore, FakeDevice) {
    let (store, device) = (FakeStore::default(), FakeDevice::new(99));
    let key = match pieces[1].as_chunks::<32>().0 {
        [] => KeyChange::Keep,
        secrets => KeyChange::Put(device.with_secrets(secrets)),
    };
    let row = |row: &[Vec<u8>]| {
        let [about, sealed, blob] = row else { panic!("{row:?}") };
        Change::Put(Row {
            kind: Kind::of(about[0]).unwrap(),
            time: u64::from_le_bytes(about[1..9].try_into().unwrap()),
            id: RecordId(about[9..25].try_into().unwrap()),
            key: u32::from_le_bytes(about[25..].try_into().unwrap()),
            sealed: sealed.clone(),
            blob: Some(blob.clone()).filter(|blob| !blob.is_empty()),
        })
    };
    let rows: Vec<Change> = pieces[2..].chunks(3).map(row).collect();
    assert_eq!(block_on(store.kept.commit_lock("shop", None, &pieces[0], &rows, &key)), Ok(true));
    (store, device)
}

fn has_all(vault: &TestVault<'_>, records: &[(Record, Option<Vec<u8>>)]) {
    for (i, (record, blob)) in records.iter().enumerate() {
        let entry = block_on(vault.get(id(i))).unwrap().unwrap();
        assert_eq!((&entry.record, &entry.blob, entry.time), (record, blob, 1_760_000_000_000 + 1000 * i as u64));
    }
    let counts = block_on(vault.diagnose()).unwrap().records;
    let count = |kind: Kind| (kind.name(), records.iter().filter(|(record, _)| record.kind() == kind).count() as u32);
    assert_eq!(counts, Kind::ALL.map(count));
}

#[test]
fn vaults_of_every_version_open() {
    for (version, lock) in VERSIONS.iter().flat_map(|version| LOCKS.map(|lock| (version, lock))) {
        let (store, device) = stored(&split(&fixture(&format!("{version}-{lock}.vault"))));
        assert_eq!(header(&store).keys.len(), 3);
        let vault = unlocked(&store, &device, lock);
        has_all(&vault, &records(version));
        // And go on: their rotation ends, and they take what is new.
        assert_eq!(block_on(vault.compact()).unwrap().rotation.moved, 4);
        add(&vault, &Record::Correction(Correction { scan: id(0).to_string(), label: None }));
        assert_eq!(all(&unlocked(&store, &device, lock), Kind::Correction).len(), 2);
    }
}

/// Format 1 left retention to whoever opened a vault: the first one decides, and a later one changes nothing.
#[test]
fn a_vault_of_the_first_format_gets_the_retention_of_its_first_opener() {
    let (store, device) = stored(&split(&fixture("v1-key.vault")));
    assert_eq!((header(&store).retention, header(&store).keys[0].check), (None, None));
    let forever = Retention { scans: None, corrections: None, lessons: None };
    device.wait(400 * DAY);
    let first = Settings { retention: forever, ..settings() };
    block_on(Vault::open(&store, &device, "shop", Unlock::Key(KEY), first)).unwrap();
    assert_eq!(header(&store).retention, Some(forever));
    assert!(header(&store).keys.iter().all(|key| key.check.is_some()));
    has_all(&unlocked(&store, &device, "key"), &records("v1"));
}

/// What a former version wrote as a prototype without a label. The files of these lessons are none: a vault that has them
/// goes on, and an import leaves them out.
#[test]
fn lessons_of_the_first_format_are_lessons() {
    let lesson = |i: usize| {
        let name = LessonName { id: format!("lesson-{i}"), channel: "shop/T_1".into() };
        (Record::Lesson(Lesson { lesson: name }), Some([&b"JCHL\x01"[..], &[i as u8; 40]].concat()))
    };
    let (store, device) = stored(&split(&fixture("v1-taught.vault")));
    let opened = unlocked(&store, &device, "device");
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(97));
    let imported = open(&elsewhere, &other);
    let told = block_on(imported.import(&fixture("v1-taught.export"), &Passphrase::new(PASSPHRASE).unwrap()));
    assert_eq!(told.unwrap(), jicho::vault::Imported { added: 4, present: 0, left_out: 2 });
    for (vault, lessons) in [(opened, true), (imported, false)] {
        block_on(vault.rotate()).unwrap();
        let taught: Vec<Entry> = all(&vault, Kind::Lesson);
        let taught: Vec<_> = taught.into_iter().rev().map(|entry| (entry.record, entry.blob)).collect();
        let prototype = Record::Prototype(Prototype { label: "mango".into(), backbone: "ab".repeat(32) });
        let embedding = [0.5f32, -1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let prototype = (prototype, Some(embedding));
        assert_eq!(taught, if lessons { vec![lesson(1), prototype, lesson(2)] } else { vec![prototype] });
        let total =
            |entry: &Entry| matches!(&entry.record, Record::Sale(sale) if sale.order["total"] == json!(0.1 + 0.2));
        assert!(all(&vault, Kind::Sale).iter().any(total), "a price is the same to the last bit");
    }
}

#[test]
fn files_of_every_version_are_imported() {
    for version in VERSIONS {
        let (store, device) = (FakeStore::default(), FakeDevice::new(98));
        // What lies ahead of the clock would be dated now.
        device.wait(60_000);
        let vault = open(&store, &device);
        let mut records = records(version);
        let passphrase = Passphrase::new(PASSPHRASE).unwrap();
        let imported = block_on(vault.import(&fixture(&format!("{version}.export")), &passphrase)).unwrap();
        assert_eq!((imported.added as usize, imported.present), (records.len(), 0));
        if version == "v1" {
            // A thumbnail that is no JPEG is left out.
            records[0].1 = None;
        }
        has_all(&vault, &records);
    }
}

/// So that a change of the format is not made unnoticed.
#[test]
fn what_is_written_is_what_the_last_version_wrote() {
    let write = std::env::var_os("JICHO_WRITE_FIXTURES").is_some();
    let check = |relative: &str, bytes: &[u8]| {
        if write {
            std::fs::create_dir_all(path(relative).parent().unwrap()).unwrap();
            std::fs::write(path(relative), bytes).unwrap();
            println!("{}", path(relative).display());
        }
        assert!(std::fs::read(path(relative)).unwrap() == bytes, "{relative}");
    };
    let version = VERSIONS[VERSIONS.len() - 1];
    // A seed of the fuzzer is without the checksum, which the target adds.
    let unchecked = |header: &[u8]| header[..header.len() - 16].to_vec();
    for lock in LOCKS {
        let (pieces, file) = written(lock);
        check(&format!("tests/vault/fixtures/{version}-{lock}.vault"), &join(&pieces));
        check(&format!("fuzz/corpus/vault/{version}-{lock}"), &unchecked(&pieces[0]));
        if lock == "key" {
            check(&format!("tests/vault/fixtures/{version}.export"), &file);
            check(&format!("fuzz/corpus/vault/{version}-record"), &pieces[3]);
            check(
                &format!("fuzz/corpus/vault/{version}-data-key"),
                &Header::parse(&pieces[0]).unwrap().keys[0].wrapped,
            );
            check(&format!("fuzz/corpus/export/{version}-file"), &file);
            let (header, rest) = file[9..].split_at(u32::from_le_bytes(file[5..9].try_into().unwrap()) as usize);
            let header = unchecked(header);
            check(&format!("fuzz/corpus/export/{version}-parts"), &[&[header.len() as u8], &header[..], rest].concat());
        }
    }
}
