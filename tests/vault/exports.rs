//! An exported file opens on another device by its passphrase, whole or not at all.

use jicho::vault::{Cost, ExportFile, Imported, Passphrase};

use super::*;

fn settings() -> Settings {
    Settings { cost: Some(Cost::MINIMUM), ..Settings::default() }
}

fn passphrase() -> Passphrase {
    Passphrase::new("korrekt horse").unwrap()
}

fn export(vault: &TestVault<'_>) -> (Vec<u8>, Vec<usize>) {
    let (mut file, mut pieces) = (Vec::new(), Vec::new());
    let sink = async |piece: &[u8]| {
        pieces.push(file.len());
        file.extend_from_slice(piece);
        Ok(())
    };
    let exported = block_on(vault.export(&passphrase(), sink)).unwrap();
    assert_eq!((exported.records as usize, exported.damaged.len()), (pieces.len() - 2, 0));
    (file, pieces)
}

fn filled<'a>(store: &'a FakeStore, device: &'a FakeDevice) -> TestVault<'a> {
    let vault = open_with(store, device, settings());
    for i in 0..3 {
        block_on(vault.add(&scan(&i.to_string(), None), Some(JPEG))).unwrap();
        add(&vault, &sale(i));
    }
    vault
}

fn everything(vault: &TestVault<'_>) -> Vec<Entry> {
    Kind::ALL.iter().flat_map(|kind| all(vault, *kind)).collect()
}

#[test]
fn another_device_reads_it_twice_without_harm() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    let vault = filled(&store, &device);
    let (file, _) = export(&vault);
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(2));
    let there = open_with(&elsewhere, &other, settings());
    assert_eq!(block_on(there.import(&file, &passphrase())), Ok(Imported { added: 6, present: 0 }));
    assert_eq!(everything(&there), everything(&vault));
    assert_eq!(block_on(there.import(&file, &passphrase())), Ok(Imported { added: 0, present: 6 }));
    assert_eq!(everything(&there), everything(&vault));
    let wrong = Passphrase::new("korrekt house").unwrap();
    refused(block_on(there.import(&file, &wrong)), ErrorKind::WrongKey);
}

#[test]
fn sales_that_have_no_room_keep_the_file_out() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let (file, _) = export(&filled(&store, &device));
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(4));
    let there = open_with(&elsewhere, &other, Settings { queue_limit: 2, ..settings() });
    refused(block_on(there.import(&file, &passphrase())), ErrorKind::QueueFull);
    assert_eq!(everything(&there), []);
}

#[test]
fn nothing_is_taken_from_a_file_that_is_not_whole() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(5));
    let (file, pieces) = export(&filled(&store, &device));
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(6));
    let there = open_with(&elsewhere, &other, settings());
    let piece = |i: usize| &file[pieces[i]..pieces.get(i + 1).copied().unwrap_or(file.len())];
    let of = |order: &[usize]| order.iter().flat_map(|i| piece(*i)).copied().collect::<Vec<u8>>();
    assert_eq!(of(&[0, 1, 2, 3, 4, 5, 6, 7]), file);
    let mut wrong = vec![
        of(&[0, 1, 2, 3, 4, 5, 6]),
        of(&[0, 1, 2, 3, 4, 5, 7]),
        of(&[0, 2, 1, 3, 4, 5, 6, 7]),
        of(&[0, 1, 1, 2, 3, 4, 5, 6, 7]),
        of(&[0, 7]),
        of(&[1, 2, 3, 4, 5, 6, 7]),
        [&file[..], &[0]].concat(),
        Vec::new(),
    ];
    // A byte in each piece; all of them would take Argon2id too long.
    for (i, start) in pieces.iter().enumerate() {
        let mut changed = file.clone();
        changed[start + piece(i).len() / 2] ^= 4;
        wrong.push(changed);
    }
    for cut in (0..file.len()).step_by(97) {
        wrong.push(file[..cut].to_vec());
    }
    for wrong in wrong {
        refused(block_on(there.import(&wrong, &passphrase())), ErrorKind::InvalidExport);
    }
    assert_eq!(everything(&there), []);
}

/// What no vault writes is refused before the passphrase is asked for: an id twice, a time that JavaScript cannot hold.
#[test]
fn a_file_nobody_exported_is_refused_at_once() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(7));
    let (file, pieces) = export(&filled(&store, &device));
    let again = [&file[..pieces[2]], &file[pieces[1]..]].concat();
    refused(ExportFile::parse(&again), ErrorKind::InvalidExport);
    for (time, fits) in [(1u64 << 53, true), ((1 << 53) + 1, false), (u64::MAX, false)] {
        let mut changed = file.clone();
        changed[pieces[1] + 1..][..8].copy_from_slice(&time.to_le_bytes());
        assert_eq!(ExportFile::parse(&changed).is_ok(), fits, "{time}");
    }
}
