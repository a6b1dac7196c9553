//! Whatever is written can be read, and whatever is read does no harm.

use jicho::vault::{Cost, Envelope, ExportFile, KeyEntry, Lock, Retention, VaultId};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

fn lock() -> impl Strategy<Value = Lock> {
    prop_oneof![
        (any::<[u8; 16]>(), 19_456..=65_536u32, 2..=64u32)
            .prop_map(|(salt, memory, passes)| Lock::Passphrase { salt, cost: Cost { memory, passes } }),
        Just(Lock::Key),
        vec(any::<u8>(), 0..1024).prop_map(|sealed| Lock::Device { sealed }),
    ]
}

fn headers() -> impl Strategy<Value = Header> {
    let keys = btree_map(any::<u32>(), (any::<u64>(), any::<u64>(), any::<[u8; 16]>(), vec(any::<u8>(), 65)), 1..=255);
    let days = || proptest::option::of(1..=u32::MAX);
    let retention = (days(), days(), days())
        .prop_map(|(scans, corrections, lessons)| Some(Retention { scans, corrections, lessons }));
    let keys = keys.prop_map(|keys| {
        let entry = |(id, (uses, since, check, wrapped))| KeyEntry { id, uses, since, check: Some(check), wrapped };
        keys.into_iter().map(entry).collect()
    });
    (any::<[u8; 16]>(), any::<u64>(), lock(), any::<[u8; 32]>(), any::<[u32; 4]>(), retention, keys).prop_map(
        |(vault, revision, lock, check, counts, retention, keys)| Header {
            vault: VaultId(vault),
            revision,
            lock,
            check,
            counts,
            retention,
            keys,
        },
    )
}

fn scans() -> impl Strategy<Value = Record> {
    let predictions = vec((".{0,20}", 0.0..=1.0f32), 0..5);
    let geohash = proptest::option::of("[0-9bcdefghjkmnpqrstuvwxyz]{1,6}");
    let quality = btree_map("[a-z]{1,9}", any::<i32>().prop_map(f64::from), 0..4);
    (predictions, geohash, quality, proptest::option::of(-1e9..1e9f64), ".{0,40}").prop_map(
        |(predictions, geohash, quality, score, version)| {
            let prediction = |(label, confidence)| Prediction { label, confidence };
            let predictions = predictions.into_iter().map(prediction).collect();
            Record::Scan(Scan { predictions, geohash, quality, score, version: Some(version), ..Scan::default() })
        },
    )
}

proptest! {
    #[test]
    fn a_header_round_trips(header in headers()) {
        prop_assert_eq!(Header::parse(&header.to_bytes()), Ok(header));
    }

    #[test]
    fn a_record_round_trips(record in scans(), blob in proptest::option::of(vec(any::<u8>(), 0..600)), seed: u64) {
        let (store, device) = (FakeStore::default(), FakeDevice::new(seed));
        let vault = open(&store, &device);
        let blob = blob.map(|table| {
            let length = (table.len() as u16 + 2).to_be_bytes();
            [&[0xff, 0xd8, 0xff, 0xdb][..], &length, &table, &[0xff, 0xd9]].concat()
        });
        let id = block_on(vault.add(&record, blob.as_deref())).unwrap();
        let entry = block_on(vault.get(id)).unwrap().unwrap();
        let Record::Scan(read) = &entry.record else { panic!("{entry:?}") };
        let Record::Scan(written) = &record else { unreachable!() };
        let near = |a: Option<f64>, b: Option<f64>| a.zip(b).map_or(a == b, |(a, b)| (a - b).abs() <= a.abs() * 1e-15);
        prop_assert!(near(read.score, written.score));
        prop_assert_eq!(Scan { score: None, ..read.clone() }, Scan { score: None, ..written.clone() });
        prop_assert_eq!(entry.blob, blob);
    }

    #[test]
    fn any_bytes_are_refused_by_a_typed_error(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(Header::parse(&bytes).is_err());
        if let Ok(envelope) = Envelope::parse(&bytes) {
            prop_assert_eq!(envelope.key.to_le_bytes(), &bytes[1..5]);
        }
        prop_assert_eq!(block_on(ExportFile::read(&bytes)).err().map(|e| e.kind()), Some(ErrorKind::InvalidExport));
    }
}

#[test]
fn newer_formats_say_so() {
    refused(Envelope::parse(&[2; 64]), ErrorKind::SchemaTooNew);
    refused(Envelope::parse(&[0; 64]), ErrorKind::RecordDamaged);
    refused(block_on(ExportFile::read(b"JCHX\x03")), ErrorKind::SchemaTooNew);
    refused(Header::parse(&with_checksum(b"JCHV\x03")), ErrorKind::SchemaTooNew);
}

fn with_checksum(body: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    [body, &Sha256::digest(body)[..16]].concat()
}
