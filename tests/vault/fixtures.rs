//! Vaults as former versions wrote them still open: those in `fixtures/` are never written again.
//!
//! A file is pieces, each behind its length (4 bytes): the header, what the device's key sealed, and of each row its
//! kind, time, id and key, its envelope, and that of its blob or nothing. An exported file is as it was exported.
//! `JICHO_WRITE_FIXTURES=1 cargo test --test vault fixtures` writes those of this version, and the fuzzer's seeds of
//! them.

use std::path::{Path, PathBuf};

use jicho::vault::{Change, Cost, KeyChange, Passphrase, Row, Select};
use serde_json::json;

use super::*;

/// Every version there was, the last one as it is written now.
const VERSIONS: [&str; 1] = ["v1"];
const LOCKS: [&str; 3] = ["passphrase", "key", "device"];
const PASSPHRASE: &str = "korrekt horse";

/// The keys of the vaults follow one another as fast, so that records lie under three.
fn settings() -> Settings {
    Settings { cost: Some(Cost::MINIMUM), rotate_after: 3, ..Settings::default() }
}

fn records() -> [(Record, Option<Vec<u8>>); 5] {
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
    [
        (Record::Scan(full), Some(JPEG.to_vec())),
        (Record::Scan(Scan::default()), None),
        (Record::Correction(Correction { scan: scan_id, label: Some("mango".into()) }), None),
        (
            Record::Prototype(Prototype { label: "mango".into(), backbone: "ab".repeat(32), lesson: None }),
            Some(embedding),
        ),
        (Record::Sale(Sale { order: json!({ "lines": ["mango", 2, 1.5, null, true] }) }), None),
    ]
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
    for (i, (record, blob)) in records().iter().enumerate() {
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

fn has_all(vault: &TestVault<'_>) {
    for (i, (record, blob)) in records().into_iter().enumerate() {
        let entry = block_on(vault.get(id(i))).unwrap().unwrap();
        assert_eq!((entry.record, entry.blob, entry.time), (record, blob, 1_760_000_000_000 + 1000 * i as u64));
    }
    let counts = block_on(vault.diagnose()).unwrap().records;
    assert_eq!(counts, [("scan", 2), ("correction", 1), ("prototype", 1), ("sale", 1)]);
}

#[test]
fn vaults_of_every_version_open() {
    for (version, lock) in VERSIONS.iter().flat_map(|version| LOCKS.map(|lock| (version, lock))) {
        let (store, device) = stored(&split(&fixture(&format!("{version}-{lock}.vault"))));
        assert_eq!(header(&store).keys.len(), 3);
        let vault = unlocked(&store, &device, lock);
        has_all(&vault);
        // And go on: their rotation ends, and they take what is new.
        assert_eq!(block_on(vault.compact()).unwrap().rotation.moved, 4);
        add(&vault, &Record::Correction(Correction { scan: id(0).to_string(), label: None }));
        assert_eq!(all(&unlocked(&store, &device, lock), Kind::Correction).len(), 2);
    }
}

#[test]
fn files_of_every_version_are_imported() {
    for version in VERSIONS {
        let (store, device) = (FakeStore::default(), FakeDevice::new(98));
        let vault = open(&store, &device);
        let passphrase = Passphrase::new(PASSPHRASE).unwrap();
        let imported = block_on(vault.import(&fixture(&format!("{version}.export")), &passphrase)).unwrap();
        assert_eq!((imported.added, imported.present), (5, 0));
        has_all(&vault);
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
