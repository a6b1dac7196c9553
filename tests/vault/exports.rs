//! An exported file opens on another device by its passphrase, whole or not at all.

use std::cell::Cell;

use jicho::vault::{Cost, ExportFile, ExportSource, Imported, Passphrase};

use super::*;

fn settings() -> Settings {
    Settings { cost: Some(Cost::MINIMUM), ..Settings::default() }
}

fn passphrase() -> Passphrase {
    Passphrase::new("korrekt horse").unwrap()
}

/// Bytes of a chunk in the file.
const CHUNK: usize = 65_536 + 16;

fn export(vault: &TestVault<'_>) -> Vec<u8> {
    let (mut file, mut largest) = (Vec::new(), 0);
    let sink = async |piece: &[u8]| {
        largest = largest.max(piece.len());
        file.extend_from_slice(piece);
        Ok(())
    };
    let exported = block_on(vault.export(&passphrase(), sink)).unwrap();
    assert_eq!((exported.records, exported.damaged.len()), (9, 0));
    assert!(largest < 20 * CHUNK, "a piece is no more than a record");
    file
}

/// Scans and sales, and lessons that take several chunks.
fn filled<'a>(store: &'a FakeStore, device: &'a FakeDevice) -> TestVault<'a> {
    let vault = open_with(store, device, settings());
    for i in 0..3u8 {
        block_on(vault.add(&scan(&i.to_string(), None), Some(JPEG))).unwrap();
        add(&vault, &sale(i.into()));
        let lesson = Record::Lesson(Lesson { lesson: LessonName { id: i.to_string(), channel: "T_1".into() } });
        let file = lesson_file(&i.to_string(), &[large_jpeg(65_000 * usize::from(i))]);
        block_on(vault.add(&lesson, Some(&file))).unwrap();
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
    let file = export(&vault);
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(2));
    let there = open_with(&elsewhere, &other, settings());
    assert_eq!(block_on(there.import(&file, &passphrase())), Ok(Imported { added: 9, present: 0, left_out: 0 }));
    assert_eq!(everything(&there), everything(&vault));
    assert_eq!(block_on(there.import(&file, &passphrase())), Ok(Imported { added: 0, present: 9, left_out: 0 }));
    assert_eq!(everything(&there), everything(&vault));
    let wrong = Passphrase::new("korrekt house").unwrap();
    refused(block_on(there.import(&file, &wrong)), ErrorKind::WrongKey);
}

#[test]
fn sales_that_have_no_room_keep_the_file_out() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let file = export(&filled(&store, &device));
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(4));
    let there = open_with(&elsewhere, &other, Settings { queue_limit: 2, ..settings() });
    refused(block_on(there.import(&file, &passphrase())), ErrorKind::QueueFull);
    assert_eq!(everything(&there), []);
}

#[test]
fn nothing_is_taken_from_a_file_that_is_not_whole() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(5));
    let file = export(&filled(&store, &device));
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(6));
    let there = open_with(&elsewhere, &other, settings());
    let begin = 9 + u32::from_le_bytes(file[5..9].try_into().unwrap()) as usize + 7;
    let chunks: Vec<&[u8]> = file[begin..].chunks(CHUNK).collect();
    assert_eq!(chunks.len(), 4);
    let of =
        |order: &[usize]| [&file[..begin], &order.iter().map(|i| chunks[*i]).collect::<Vec<_>>().concat()].concat();
    assert_eq!(of(&[0, 1, 2, 3]), file);
    let mut wrong = vec![
        of(&[0, 1, 2]),
        of(&[0, 1, 3]),
        of(&[1, 0, 2, 3]),
        of(&[0, 0, 1, 2, 3]),
        of(&[3]),
        of(&[]),
        file[begin..].to_vec(),
        [&file[..], &[0]].concat(),
        Vec::new(),
    ];
    // A byte in every part; all of them would take Argon2id too long.
    let parts = [0, 4, 5, 20, begin - 20, begin - 3, begin, begin + CHUNK - 1, begin + CHUNK, file.len() - 1];
    for at in parts {
        let mut changed = file.clone();
        changed[at] ^= 4;
        wrong.push(changed);
    }
    for cut in (0..file.len()).step_by(9973).chain([begin - 1, begin, begin + 1, begin + CHUNK, file.len() - 1]) {
        wrong.push(file[..cut].to_vec());
    }
    for wrong in wrong {
        let error = block_on(there.import(&wrong, &passphrase())).unwrap_err();
        let is_newer = error.kind() == ErrorKind::SchemaTooNew && wrong[4] == 6;
        assert!(error.kind() == ErrorKind::InvalidExport || is_newer, "{error}");
    }
    assert_eq!(everything(&there), []);
}

/// A file that tells how it is read, and whose caller gives up in time.
struct Watched {
    bytes: Vec<u8>,
    largest: Cell<usize>,
    reads: Cell<u32>,
    aborted_at: u32,
}

impl ExportSource for Watched {
    fn length(&self) -> u64 {
        self.bytes.length()
    }

    async fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.largest.set(self.largest.get().max(length));
        self.reads.set(self.reads.get() + 1);
        if self.reads.get() > self.aborted_at {
            return Err(Error::new(ErrorKind::Aborted, "the caller gave up"));
        }
        self.bytes.read(offset, length).await
    }
}

#[test]
fn a_file_is_read_piece_by_piece_and_until_its_caller_gives_up() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(8));
    let bytes = export(&filled(&store, &device));
    let watched = |aborted_at| Watched { bytes: bytes.clone(), largest: Cell::new(0), reads: Cell::new(0), aborted_at };
    let file = watched(u32::MAX);
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(9));
    assert_eq!(block_on(open(&elsewhere, &other).import(&file, &passphrase())).unwrap().added, 9);
    assert!(file.largest.get() <= CHUNK && file.bytes.len() > 3 * CHUNK, "{} bytes at once", file.largest.get());
    for reads in 0..file.reads.get() {
        let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(10));
        let there = open(&elsewhere, &other);
        refused(block_on(there.import(&watched(reads), &passphrase())), ErrorKind::Aborted);
    }
}

#[test]
fn what_a_guess_costs_is_told_and_bounded_before_it_is_made() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(11));
    let file = export(&filled(&store, &device));
    assert_eq!(block_on(ExportFile::read(&file)).unwrap().cost(), Some(Cost::MINIMUM));
    let header = 9..9 + u32::from_le_bytes(file[5..9].try_into().unwrap()) as usize;
    let mut absurd = Header::parse(&file[header.clone()]).unwrap();
    let jicho::vault::Lock::Passphrase { cost, .. } = &mut absurd.lock else { panic!("{absurd:?}") };
    cost.passes = u32::MAX;
    let file = [&file[..9], &absurd.to_bytes(), &file[header.end..]].concat();
    refused(block_on(ExportFile::read(&file)), ErrorKind::InvalidExport);
}

/// A clock that was ahead where the file was written keeps no record for ever, and no sale from its place in the queue.
#[test]
fn nothing_imported_is_dated_later_than_now() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(13));
    device.now.set(u64::MAX);
    let vault = filled(&store, &device);
    assert_eq!(all(&vault, Kind::Scan)[0].time, 8_640_000_000_000_000);
    let file = export(&vault);
    let (elsewhere, other) = (FakeStore::default(), FakeDevice::new(14));
    let there = open_with(&elsewhere, &other, settings());
    block_on(there.import(&file, &passphrase())).unwrap();
    let now = other.now.get();
    assert!(all(&there, Kind::Scan).iter().all(|scan| scan.time == now));
    let times = |vault| all(vault, Kind::Sale).into_iter().rev().map(|sale| sale.time).collect::<Vec<_>>();
    assert_eq!(times(&there), [now, now + 1, now + 2], "in the order of the file");
    add(&there, &sale(9));
    other.wait(1);
    add(&there, &sale(10));
    assert_eq!(times(&there), [now, now + 1, now + 2, now + 3, now + 4], "and later ones behind them");
    other.wait(31 * DAY);
    block_on(there.compact()).unwrap();
    assert_eq!(all(&there, Kind::Scan), []);
}

/// What another device, or somebody who knows the passphrase, wrote is held to what may be added here.
#[test]
fn an_import_takes_nothing_that_could_not_be_added() {
    let read = |name: &str| {
        std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vault/fixtures").join(name)).unwrap()
    };
    let (store, device) = (FakeStore::default(), FakeDevice::new(12));
    let vault = open(&store, &device);
    refused(block_on(vault.import(&read("v1-far-future.export"), &passphrase())), ErrorKind::InvalidExport);
    assert_eq!(block_on(vault.import(&read("v1-taught.export"), &passphrase())).unwrap().added, 4);
    let entry = block_on(vault.get(RecordId([4; 16]))).unwrap().unwrap();
    let Record::Scan(scan) = entry.record else { panic!("{entry:?}") };
    assert_eq!(scan.geohash.as_deref(), Some("kzf0tv"), "no finer than this vault allows");
    let thumbnail = entry.blob.unwrap();
    assert!(!thumbnail.windows(3).any(|part| part == b"GPS") && thumbnail.ends_with(&[0xff, 0xd9]));
    // Where the app opted in, the place is as fine as it was.
    let store = FakeStore::default();
    let precise = open_with(&store, &device, Settings { geohash_length: 12, ..settings() });
    block_on(precise.import(&read("v1-taught.export"), &passphrase())).unwrap();
    let entry = block_on(precise.get(RecordId([4; 16]))).unwrap().unwrap();
    assert!(matches!(entry.record, Record::Scan(Scan { geohash: Some(geohash), .. }) if geohash == "kzf0tvg5n1mf"));
}
