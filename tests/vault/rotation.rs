//! The key changes under everything that is there and goes on, whatever dies.

use jicho::vault::{Change, Header, Store};

use super::*;

/// Splitmix64.
fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn header(store: &FakeStore) -> Header {
    Header::parse(&block_on(store.kept.header("shop")).unwrap().unwrap()).unwrap()
}

fn labels(vault: &TestVault<'_>) -> Vec<String> {
    let label = |entry: Entry| match entry.record {
        Record::Scan(scan) => scan.predictions[0].label.clone(),
        other => panic!("{other:?}"),
    };
    let mut labels: Vec<String> = all(vault, Kind::Scan).into_iter().map(label).collect();
    labels.sort_unstable();
    labels
}

#[test]
fn killed_at_a_hundred_points_over_ten_thousand_records() {
    let (full, device) = (FakeStore::default(), FakeDevice::new(1));
    let vault = open(&full, &device);
    for i in 0..10_000 {
        let blob = (i % 100 == 0).then_some(JPEG);
        block_on(vault.add(&scan(&format!("{i:05}"), None), blob)).unwrap();
    }
    let expected = labels(&vault);
    let calls = {
        let store = full.clone();
        let vault = open(&store, &device);
        store.dies_at(None, false);
        assert_eq!(block_on(vault.rotate()).unwrap().moved, 10_000);
        store.calls.get()
    };
    assert!(calls > 300, "{calls}");
    let mut seed = 5;
    let mut kills = 0;
    for trial in 0..100 {
        let store = full.clone();
        let vault = open(&store, &device);
        store.dies_at(Some(random(&mut seed) % calls), trial % 2 == 0);
        kills += u32::from(block_on(vault.rotate()).is_err());
        drop(vault);
        store.dies_at(None, false);

        // Half done, it is a whole vault to read and to write.
        let vault = open(&store, &device);
        let begun = header(&store).keys.len() > 1;
        assert_eq!(vault.is_rotating(), Ok(begun));
        assert_eq!(labels(&vault), expected, "trial {trial}");
        add(&vault, &scan("99999", None));
        // Killed once more on the way, then ended.
        store.dies_at(Some(random(&mut seed) % calls), trial % 3 == 0);
        kills += u32::from(block_on(vault.finish_rotation()).is_err());
        store.dies_at(None, false);
        let vault = open(&store, &device);
        block_on(vault.finish_rotation()).unwrap();
        let keys = header(&store).keys;
        assert_eq!(keys.len(), 1);
        assert!(keys[0].id == if begun { 2 } else { 1 }, "trial {trial}");
        let rows = block_on(store.kept.rows_under("shop", keys[0].id, None, usize::MAX)).unwrap();
        assert_eq!(rows.len(), 10_001, "all are under the key that is left");
        let last = labels(&open(&store, &device));
        assert_eq!((&last[..10_000], &last[10_000][..]), (&expected[..], "99999"));
    }
    assert!(kills >= 100, "{kills} kills");
}

#[test]
fn a_key_that_sealed_enough_is_followed_by_another() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(2));
    let vault = open_with(&store, &device, Settings { rotate_after: 10, ..Settings::default() });
    for i in 0..25 {
        add(&vault, &scan(&i.to_string(), None));
    }
    assert_eq!(
        header(&store).keys.iter().map(|key| (key.id, key.uses)).collect::<Vec<_>>(),
        [(1, 10), (2, 10), (3, 5)]
    );
    // Seals that never reached the store count too.
    store.dies_at(Some(1), false);
    refused(block_on(vault.add(&scan("a", None), None)), ErrorKind::Storage);
    store.dies_at(None, false);
    add(&vault, &scan("b", None));
    assert_eq!(header(&store).keys[2].uses, 7);
    assert_eq!(block_on(vault.compact()).unwrap().rotation.moved, 20);
    assert_eq!(labels(&vault).len(), 26);
}

#[test]
fn a_damaged_record_does_not_keep_a_rotation_from_its_end() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let vault = open(&store, &device);
    let ids: Vec<RecordId> = (0..200).map(|i| add(&vault, &scan(&i.to_string(), None))).collect();
    for id in ids.iter().step_by(3) {
        let mut row = block_on(store.kept.row("shop", *id)).unwrap().unwrap();
        row.sealed[40] ^= 1;
        let header = block_on(store.kept.header("shop")).unwrap().unwrap();
        block_on(store.kept.commit("shop", Some(&header), &header, &[Change::Put(row)])).unwrap();
    }
    let rotation = block_on(vault.rotate()).unwrap();
    assert_eq!((rotation.moved, rotation.damaged.len()), (133, 67));
    assert_eq!(header(&store).keys.len(), 1);
    refused(block_on(vault.get(ids[0])), ErrorKind::KeyMissing);
    assert_eq!(list(&vault, &Query { limit: 300, ..Query::all(Kind::Scan) }).entries.len(), 133);
}
