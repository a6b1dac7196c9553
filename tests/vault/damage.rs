//! Whatever is changed on the disk is noticed, and spoils nothing else.

use jicho::vault::{Change, Lock, Row};

use super::*;

fn put(store: &FakeStore, vault: &str, row: Row) {
    let header = block_on(store.kept.header(vault)).unwrap().unwrap();
    assert_eq!(block_on(store.kept.commit(vault, Some(&header), &header, &[Change::Put(row)])), Ok(true));
}

fn row(store: &FakeStore, vault: &str, id: RecordId) -> Row {
    block_on(store.kept.row(vault, id)).unwrap().unwrap()
}

/// Puts `row` in place of the one of its id: that does not open, and everything else does.
#[track_caller]
fn is_noticed(store: &FakeStore, vault: &TestVault<'_>, changed: Row, others: usize) {
    let (id, kind) = (changed.id, changed.kind);
    let before = block_on(store.kept.row("shop", id)).unwrap();
    put(store, "shop", changed);
    let error = block_on(vault.get(id)).expect_err("a changed record opens");
    let kinds = [ErrorKind::RecordDamaged, ErrorKind::KeyMissing, ErrorKind::SchemaTooNew];
    assert!(kinds.contains(&error.kind()), "{error}");
    let page = list(vault, &Query { blobs: true, ..Query::all(kind) });
    assert_eq!((page.entries.len(), page.damaged.len()), (others, 1));
    assert_eq!(page.damaged[0].id, id);
    match before {
        Some(before) => put(store, "shop", before),
        None => assert_eq!(block_on(vault.delete(id)), Ok(true), "what is damaged can be deleted"),
    }
}

#[test]
fn every_changed_byte_and_every_cut() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    let vault = open(&store, &device);
    let id = block_on(vault.add(&scan("a", None), Some(JPEG))).unwrap();
    add(&vault, &scan("b", None));
    let row = row(&store, "shop", id);
    let blob = row.blob.clone().unwrap();
    for at in 0..row.sealed.len() {
        let mut sealed = row.sealed.clone();
        sealed[at] ^= 1 << (at % 8);
        is_noticed(&store, &vault, Row { sealed, ..row.clone() }, 1);
        is_noticed(&store, &vault, Row { sealed: row.sealed[..at].to_vec(), ..row.clone() }, 1);
    }
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 0x80 >> (at % 8);
        is_noticed(&store, &vault, Row { blob: Some(changed), ..row.clone() }, 1);
        is_noticed(&store, &vault, Row { blob: Some(blob[..at].to_vec()), ..row.clone() }, 1);
    }
    is_noticed(&store, &vault, Row { sealed: [&row.sealed[..], &[0]].concat(), ..row.clone() }, 1);
    is_noticed(&store, &vault, Row { blob: None, ..row.clone() }, 1);
    is_noticed(&store, &vault, Row { blob: Some(row.sealed.clone()), ..row.clone() }, 1);
    is_noticed(&store, &vault, Row { sealed: blob, ..row.clone() }, 1);
    is_noticed(&store, &vault, Row { key: 2, ..row.clone() }, 1);
    is_noticed(&store, &vault, Row { time: row.time + 1, ..row.clone() }, 1);
    is_noticed(&store, &vault, Row { kind: Kind::Correction, ..row }, 0);
    assert_eq!(all(&vault, Kind::Scan).len(), 2);
}

#[test]
fn swapped_and_moved() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(2));
    let vault = open(&store, &device);
    let [a, b] = ["a", "b"].map(|label| row(&store, "shop", add(&vault, &scan(label, None))));
    is_noticed(&store, &vault, Row { sealed: b.sealed.clone(), ..a.clone() }, 1);
    is_noticed(&store, &vault, Row { sealed: a.sealed.clone(), ..b }, 1);
    is_noticed(&store, &vault, Row { id: RecordId([9; 16]), ..a.clone() }, 2);
    // To a vault of the same key.
    let other = block_on(Vault::open(&store, &device, "other", Unlock::Key(KEY), Settings::default())).unwrap();
    put(&store, "other", a.clone());
    refused(block_on(other.get(a.id)), ErrorKind::RecordDamaged);
}

#[test]
fn replayed_under_an_old_key() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let vault = open(&store, &device);
    let ids = ["a", "b"].map(|label| add(&vault, &scan(label, None)));
    let old = row(&store, "shop", ids[0]);
    assert_eq!(block_on(vault.rotate()).unwrap().moved, 2);
    is_noticed(&store, &vault, old.clone(), 1);
    is_noticed(&store, &vault, Row { key: 2, ..old }, 1);
}

#[test]
fn a_damaged_header_opens_nothing_and_is_not_replaced() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(4));
    let id = add(&open(&store, &device), &scan("a", None));
    let header = block_on(store.kept.header("shop")).unwrap().unwrap();
    let replace =
        |from: &[u8], to: &[u8]| assert_eq!(block_on(store.kept.commit("shop", Some(from), to, &[])), Ok(true));
    for at in 0..header.len() {
        let mut changed = header.clone();
        changed[at] ^= 1 << (at % 8);
        for changed in [&changed[..], &header[..at]] {
            replace(&header, changed);
            refused(try_open(&store, &device, Unlock::Key(KEY)), ErrorKind::VaultDamaged);
            replace(changed, &header);
        }
    }
    // Where the checksum was made to fit, the keys still do not.
    let parsed = Header::parse(&header).unwrap();
    assert_eq!(parsed.to_bytes(), header);
    let mut forged = parsed.clone();
    forged.keys[0].wrapped[30] ^= 1;
    replace(&header, &forged.to_bytes());
    refused(try_open(&store, &device, Unlock::Key(KEY)), ErrorKind::VaultDamaged);
    for (change, kind) in [
        ((|h: &mut Header| h.vault.0[0] ^= 1) as fn(&mut Header), ErrorKind::WrongKey),
        (|h| h.check[31] ^= 1, ErrorKind::WrongKey),
        (|h| h.lock = Lock::Device { sealed: vec![0] }, ErrorKind::WrongKey),
        (|h| h.keys[0].id = 7, ErrorKind::VaultDamaged),
        (|h| h.keys[0].check = Some([9; 16]), ErrorKind::VaultDamaged),
        (|h| h.keys.push(h.keys[0].clone()), ErrorKind::VaultDamaged),
        (|h| h.keys.clear(), ErrorKind::VaultDamaged),
    ] {
        let mut forged = parsed.clone();
        change(&mut forged);
        let now = block_on(store.kept.header("shop")).unwrap().unwrap();
        replace(&now, &forged.to_bytes());
        refused(try_open(&store, &device, Unlock::Key(KEY)), kind);
    }
    let now = block_on(store.kept.header("shop")).unwrap().unwrap();
    replace(&now, &header);
    assert!(block_on(open(&store, &device).get(id)).unwrap().is_some());
}

/// What the header counts is no secret and is not trusted: whatever it says does not make a call panic.
#[test]
fn counts_beyond_all_bounds_do_no_harm() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(5));
    open(&store, &device);
    let before = block_on(store.kept.header("shop")).unwrap().unwrap();
    let mut forged = header(&store);
    forged.revision = u64::MAX;
    forged.counts = [u32::MAX; 4];
    (forged.keys[0].uses, forged.keys[0].since) = (u64::MAX, u64::MAX);
    assert_eq!(block_on(store.kept.commit("shop", Some(&before), &forged.to_bytes(), &[])), Ok(true));
    let vault = open(&store, &device);
    let id = add(&vault, &scan("a", None));
    assert_eq!(header(&store).keys.len(), 2, "a key that is used up is followed by another");
    refused(block_on(vault.add(&sale(1), None)), ErrorKind::QueueFull);
    block_on(vault.rotate()).unwrap();
    assert_eq!(block_on(vault.compact()).unwrap().lost, u32::MAX);
    assert_eq!(header(&store).counts, [1, 0, 0, 0]);
    add(&vault, &sale(1));
    assert_eq!(block_on(vault.delete(id)), Ok(true));
}

#[test]
fn an_old_header_put_back_opens_nothing_newer() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(6));
    let vault = open(&store, &device);
    let old = block_on(store.kept.header("shop")).unwrap().unwrap();
    let id = add(&vault, &scan("a", None));
    block_on(vault.rotate()).unwrap();
    let now = block_on(store.kept.header("shop")).unwrap().unwrap();
    assert_eq!(block_on(store.kept.commit("shop", Some(&now), &old, &[])), Ok(true));
    // Its keys do not open what was sealed since; nothing is read wrongly, and nothing is taken for empty.
    let page = list(&open(&store, &device), &Query::all(Kind::Scan));
    assert_eq!((page.entries.len(), page.damaged.len(), page.damaged[0].id), (0, 1, id));
    assert_eq!(page.damaged[0].error.kind(), ErrorKind::KeyMissing);
}
