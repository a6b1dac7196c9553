//! Several tabs at one vault: each sees what the others did, and nobody's write is lost.

use jicho::vault::{Change, Select, destroy};

use super::*;

#[test]
fn writes_of_two_tabs_meet() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    let (here, there) = (open(&store, &device), open(&store, &device));
    let mut ids = Vec::new();
    for i in 0..20 {
        ids.push(add(if i % 2 == 0 { &here } else { &there }, &scan(&i.to_string(), None)));
    }
    assert_eq!(block_on(here.delete(ids[1])), Ok(true));
    assert_eq!(block_on(there.delete(ids[1])), Ok(false));
    assert_eq!(all(&here, Kind::Scan), all(&there, Kind::Scan));
    assert_eq!(block_on(there.diagnose()).unwrap().lost, 0);
}

#[test]
fn another_tabs_rotation_is_followed() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(2));
    let (here, there) = (open(&store, &device), open(&store, &device));
    let id = add(&here, &scan("a", None));
    block_on(here.rotate()).unwrap();
    assert!(block_on(there.get(id)).unwrap().is_some());
    block_on(here.rotate()).unwrap();
    assert_eq!(all(&there, Kind::Scan).len(), 1);
    block_on(here.rotate()).unwrap();
    let written = add(&there, &scan("b", None));
    assert!(block_on(here.get(written)).unwrap().is_some());
    assert!(!here.is_rotating().unwrap(), "nothing was written under a key that is gone");
}

#[test]
fn a_queue_that_two_tabs_fill_has_one_limit() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let tabs = [open(&store, &device), open(&store, &device)];
    let added = (0..120).filter(|i| block_on(tabs[i % 2].add(&sale(*i as u32), None)).is_ok()).count();
    assert_eq!((added, all(&tabs[0], Kind::Sale).len()), (100, 100));
}

#[test]
fn what_another_tab_ended_is_closed_here() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(4));
    let (here, there) = (open(&store, &device), open(&store, &device));
    block_on(here.relock(Unlock::Key(&[8; 32]))).unwrap();
    // The records are as they were: there they can be read, and written too.
    add(&there, &scan("a", None));
    block_on(here.rotate()).unwrap();
    refused(block_on(there.list(&Query::all(Kind::Scan))), ErrorKind::VaultClosed);
    refused(block_on(there.add(&scan("b", None), None)), ErrorKind::VaultClosed);
    assert_eq!(all(&here, Kind::Scan).len(), 1);

    block_on(destroy(&&store, "shop")).unwrap();
    let anew = open(&store, &device);
    refused(block_on(here.add(&scan("c", None), None)), ErrorKind::VaultClosed);
    assert_eq!(all(&anew, Kind::Scan), []);
}

#[test]
fn a_vault_that_another_tab_destroyed_is_no_empty_one() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(5));
    type Ask = fn(&TestVault<'_>, RecordId) -> Result<()>;
    let asks: [Ask; 5] = [
        |vault, _| block_on(vault.list(&Query::all(Kind::Scan))).map(drop),
        |vault, id| block_on(vault.get(id)).map(drop),
        |vault, id| block_on(vault.delete(id)).map(drop),
        |vault, _| block_on(vault.compact()).map(drop),
        |vault, _| {
            let passphrase = jicho::vault::Passphrase::new("korrekt horse")?;
            block_on(vault.export(&passphrase, async |_: &[u8]| Ok(()))).map(drop)
        },
    ];
    let cheap = || Settings { cost: Some(jicho::vault::Cost::MINIMUM), ..Settings::default() };
    for ask in asks {
        for anew in [false, true] {
            let vault = open_with(&store, &device, cheap());
            let id = add(&vault, &scan("a", None));
            block_on(destroy(&&store, "shop")).unwrap();
            if anew {
                add(&open(&store, &device), &scan("of the new vault", None));
            }
            refused(ask(&vault, id), ErrorKind::VaultClosed);
        }
    }
}

#[test]
fn what_a_tab_remembers_of_the_header_refuses_nothing() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(6));
    let (here, there) = (open(&store, &device), open(&store, &device));
    (0..100).for_each(|i| assert!(block_on(here.add(&sale(i), None)).is_ok()));
    refused(block_on(there.add(&sale(100), None)), ErrorKind::QueueFull);
    for entry in all(&here, Kind::Sale) {
        assert!(block_on(here.delete(entry.id)).unwrap());
    }
    add(&there, &sale(100));
}

#[test]
fn a_rotation_that_another_tab_left_is_ended() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(7));
    let (here, there) = (open(&store, &device), open(&store, &device));
    add_scans(&here, 100);
    block_on(there.diagnose()).unwrap();
    // The key is added, and some records are moved.
    store.dies_at(Some(4), false);
    refused(block_on(here.rotate()), ErrorKind::Storage);
    store.dies_at(None, false);
    assert_eq!(header(&store).keys.len(), 2);
    let moved = block_on(there.compact()).unwrap().rotation.moved;
    assert!(moved > 0 && header(&store).keys.len() == 1, "{moved}");
}

/// Puts a copy of the vault in the place of the one that is there.
fn put_back(store: &FakeStore, copy: &FakeStore) {
    block_on(destroy(&store.kept, "shop")).unwrap();
    let rows = Kind::ALL.iter().flat_map(|kind| block_on(copy.kept.rows("shop", &Select::all(*kind))).unwrap());
    let rows: Vec<Change> = rows.map(Change::Put).collect();
    let header = block_on(copy.kept.header("shop")).unwrap().unwrap();
    assert_eq!(block_on(store.kept.commit("shop", None, &header, &rows)), Ok(true));
}

/// As after a backup of the browser's profile was put back while a tab was open.
#[test]
fn a_key_of_the_same_id_after_a_rollback_is_another_key() {
    for locked_anew in [false, true] {
        let (store, device) = (FakeStore::default(), FakeDevice::new(8));
        let first = add(&open(&store, &device), &scan("first", None));
        let before = store.clone();
        // This tab knows the key 2 of the vault that is put aside, and nothing of the one that is made next.
        let here = open(&store, &device);
        block_on(here.rotate()).unwrap();
        put_back(&store, &before);
        let there = open(&store, &device);
        block_on(there.rotate()).unwrap();
        let theirs = add(&there, &scan("theirs", None));
        if locked_anew {
            block_on(there.relock(Unlock::Key(&[8; 32]))).unwrap();
            refused(block_on(here.add(&scan("ours", None), None)), ErrorKind::VaultClosed);
            assert_eq!(labels(&there), ["first", "theirs"]);
            continue;
        }
        assert_eq!(block_on(here.get(theirs)).unwrap().unwrap().record, scan("theirs", None));
        let ours = add(&here, &scan("ours", None));
        for id in [first, theirs, ours] {
            assert!(block_on(there.get(id)).unwrap().is_some());
        }
        assert_eq!(labels(&open(&store, &device)), ["first", "ours", "theirs"]);
    }
}
