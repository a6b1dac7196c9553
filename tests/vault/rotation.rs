//! The key changes under everything that is there and goes on, whatever dies.

use std::cell::Cell;
use std::collections::BTreeSet;

use futures_util::future::join;
use jicho::vault::Change;

use super::fakes::random;
use super::*;

#[test]
fn killed_at_a_hundred_points_over_ten_thousand_records() {
    let (full, device) = (FakeStore::default(), FakeDevice::new(1));
    let vault = open(&full, &device);
    for i in 0..10_000 {
        let blob = (i % 100 == 0).then_some(JPEG);
        block_on(vault.add(&scan(&format!("{i:05}"), None), blob)).unwrap();
    }
    let calls = {
        let store = full.clone();
        let vault = open(&store, &device);
        store.dies_at(None, false);
        assert_eq!(block_on(vault.rotate()).unwrap().moved, 10_000);
        store.calls.get()
    };
    assert!(calls > 300, "{calls}");
    let (mut seed, mut kills, mut others) = (5, 0, 0);
    for trial in 0..100 {
        let store = full.clone();
        store.pauses.set(Some(trial));
        let mut work = Work::new(labels(&open(&full, &device)));
        // Killed, killed again on the way, then ended.
        for death in [Some(random(&mut seed) % calls), Some(random(&mut seed) % (2 * calls)), None] {
            let vault = open(&store, &device);
            // Whoever reads and writes meanwhile is in the same tab or in another.
            let other = if trial % 2 == 0 { None } else { Some(open(&store, &device)) };
            store.dies_at(death, random(&mut seed).is_multiple_of(2));
            let ended = Cell::new(false);
            let rotated = async {
                let begun = header(&store).keys[..].last().is_some_and(|key| key.id > 1);
                let rotation = if begun { vault.finish_rotation().await } else { vault.rotate().await };
                ended.set(true);
                rotation
            };
            let (rotation, worked) =
                block_on(join(rotated, work.go_on(other.as_ref().unwrap_or(&vault), &mut seed, &ended)));
            assert!(death.is_some() || (rotation.is_ok() && worked), "trial {trial}");
            kills += u32::from(rotation.is_err());
            others += u32::from(!worked);
            store.dies_at(None, false);
            // Half done, it is a whole vault.
            work.check(&open(&store, &device), trial);
        }
        let (keys, counts) = (header(&store).keys, header(&store).counts);
        assert_eq!((keys.len(), keys[0].id), (1, 2), "trial {trial}");
        let rows = block_on(store.kept.rows_under("shop", 2, None, usize::MAX)).unwrap();
        assert_eq!((rows.len(), counts), (work.there.len(), [work.there.len() as u32, 0, 0, 0]), "trial {trial}");
    }
    assert!(kills >= 100 && others >= 100, "{kills} kills of a rotation, {others} of what went on beside it");
}

/// Reading, adding and deleting while something else goes on, and what must be there after it.
struct Work {
    there: BTreeSet<String>,
    /// What a call that died was about: done or not.
    unsure: Option<String>,
    added: u32,
}

impl Work {
    fn new(labels: Vec<String>) -> Self {
        Work { there: labels.into_iter().collect(), unsure: None, added: 0 }
    }

    /// Until the other has `ended`. Whether nothing died.
    async fn go_on(&mut self, vault: &TestVault<'_>, seed: &mut u64, ended: &Cell<bool>) -> bool {
        let mut ids = Vec::new();
        while !ended.get() {
            let done = match random(seed) % 8 {
                0 => {
                    let label = format!("more {:05}", self.added);
                    self.added += 1;
                    self.unsure = Some(label.clone());
                    let added = vault.add(&scan(&label, None), None).await;
                    added.map(|id| {
                        self.there.insert(label.clone());
                        ids.push((id, label));
                    })
                }
                1 if !ids.is_empty() => {
                    let (id, label) = ids.swap_remove(random(seed) as usize % ids.len());
                    self.unsure = Some(label.clone());
                    vault.delete(id).await.map(|deleted| assert!(deleted && self.there.remove(&label)))
                }
                2 | 3 if !ids.is_empty() => {
                    let (id, label) = &ids[random(seed) as usize % ids.len()];
                    vault.get(*id).await.map(|entry| assert_eq!(entry.unwrap().record, scan(label, None)))
                }
                _ => {
                    let from = 1_760_000_000_000;
                    let query =
                        Query { from, limit: 20, descending: random(seed).is_multiple_of(2), ..Query::all(Kind::Scan) };
                    vault.list(&query).await.map(|page| assert_eq!((page.entries.len(), page.damaged), (20, vec![])))
                }
            };
            if done.is_err() {
                return false;
            }
            self.unsure = None;
        }
        true
    }

    fn check(&mut self, vault: &TestVault<'_>, trial: u64) {
        let there: BTreeSet<String> = labels(vault).into_iter().collect();
        if let Some(label) = self.unsure.take() {
            if there.contains(&label) {
                self.there.insert(label)
            } else {
                self.there.remove(&label)
            };
        }
        assert!(there == self.there, "trial {trial}");
    }
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
    let ids = add_scans(&vault, 200);
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
