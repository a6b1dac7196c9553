//! What a vault does when all goes well.

use jicho::vault::{Retention, destroy, to_csv, to_json};

use super::*;

#[test]
fn records_survive_a_restart() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    let vault = open(&store, &device);
    let id = block_on(vault.add(&scan("apple", Some("kzf0t")), Some(JPEG))).unwrap();
    let correction = Record::Correction(Correction { scan: id.to_string(), label: None });
    add(&vault, &correction);
    let prototype = Record::Prototype(Prototype { label: "mango".into(), backbone: "0".repeat(64) });
    let embedding: Vec<u8> = [0.5f32, -1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let taught = block_on(vault.add(&prototype, Some(&embedding))).unwrap();
    vault.close();
    refused(block_on(vault.get(id)), ErrorKind::VaultClosed);
    refused(block_on(vault.list(&Query::all(Kind::Scan))), ErrorKind::VaultClosed);

    let vault = open(&store, &device);
    let entry = block_on(vault.get(id)).unwrap().unwrap();
    assert_eq!((entry.record, entry.blob.as_deref()), (scan("apple", Some("kzf0t")), Some(JPEG)));
    assert_eq!(entry.time, device.now.get());
    assert_eq!(all(&vault, Kind::Correction)[0].record, correction);
    assert_eq!(block_on(vault.get(taught)).unwrap().unwrap().blob, Some(embedding));
    let listed = list(&vault, &Query::all(Kind::Scan));
    assert_eq!((listed.entries[0].blob_bytes, listed.entries[0].blob.is_none()), (JPEG.len(), true));
    assert_eq!(block_on(vault.delete(id)), Ok(true));
    assert_eq!(block_on(vault.delete(id)), Ok(false));
    assert_eq!(block_on(vault.get(id)), Ok(None));
    let told = block_on(vault.diagnose()).unwrap();
    assert_eq!(told.records, [("scan", 0), ("correction", 1), ("lesson", 1), ("sale", 0)]);
    assert_eq!((told.lost, told.rotating, told.lock, told.key_uses), (0, false, "key", 5));
}

#[test]
fn pages_are_in_order_and_whole() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(2));
    let vault = open(&store, &device);
    let begun = device.now.get();
    for i in 0..700u64 {
        add(&vault, &scan(&i.to_string(), Some(if i % 7 == 0 { "u4pru" } else { "u4prv" })));
        device.wait(i % 2);
    }
    for descending in [false, true] {
        let mut query = Query { descending, limit: 64, ..Query::all(Kind::Scan) };
        let (mut times, mut ids) = (Vec::new(), Vec::new());
        loop {
            let page = list(&vault, &query);
            times.extend(page.entries.iter().map(|e| e.time));
            ids.extend(page.entries.iter().map(|e| e.id));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert!(times.is_sorted_by(|a, b| if descending { a >= b } else { a <= b }));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 700);
    }
    let within = Query { from: begun + 10, until: begun + 20, limit: 1000, ..Query::all(Kind::Scan) };
    assert_eq!(list(&vault, &within).entries.len(), 20);
    let cell = |prefix: &str| Query { geohash: Some(prefix.into()), limit: 10, ..Query::all(Kind::Scan) };
    let (mut query, mut found) = (cell("u4pru"), 0);
    loop {
        let page = list(&vault, &query);
        found += page.entries.len();
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(found, 100);
    assert_eq!(list(&vault, &Query { limit: 1000, ..cell("u4pr") }).entries.len(), 700);
    assert_eq!(list(&vault, &cell("u5")).entries.len(), 0);
    refused(block_on(vault.list(&cell("a"))), ErrorKind::InvalidArgument);
    refused(block_on(vault.list(&Query { limit: 0, ..cell("u") })), ErrorKind::InvalidArgument);
}

#[test]
fn nothing_of_a_record_is_on_the_disk() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let vault = open(&store, &device);
    block_on(vault.add(&scan("MARKER-label", Some("kzf0tu")), Some(b"\xff\xd8\xff\xdb\0\x0dMARKER-jpeg\xff\xd9")))
        .unwrap();
    let kept = format!("{:?}", store.kept);
    let on_disk = |marker: &[u8]| kept.contains(format!("{marker:?}").trim_matches(['[', ']']));
    let header = block_on(store.kept.header("shop")).unwrap().unwrap();
    assert!(on_disk(&header[..16]), "what is looked for like this can be found");
    for marker in [&b"MARKER-label"[..], b"MARKER-jpeg", b"kzf0tu", b"match", KEY] {
        assert!(!on_disk(marker));
    }
    // Nor does its length tell what it was.
    for label in ["a", "a much longer label"] {
        add(&vault, &scan(label, None));
    }
    let query = jicho::vault::Select {
        kind: Kind::Scan,
        from: 0,
        until: u64::MAX,
        descending: false,
        after: None,
        limit: 9,
        blobs: false,
    };
    let lengths: Vec<usize> =
        block_on(store.kept.rows("shop", &query)).unwrap().iter().map(|r| r.sealed.len()).collect();
    assert_eq!(lengths, [lengths[0]; 3]);
}

#[test]
fn what_is_too_old_goes() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(4));
    let vault = open(&store, &device);
    add(&vault, &scan("old", None));
    add(&vault, &sale(1));
    device.wait(29 * DAY);
    add(&vault, &scan("young", None));
    device.wait(DAY);
    assert_eq!(all(&vault, Kind::Scan).len(), 2);
    device.wait(1);
    // On opening; and daily, with a record that is added.
    assert_eq!(all(&open(&store, &device), Kind::Scan).len(), 1);
    device.wait(30 * DAY);
    add(&vault, &scan("new", None));
    assert_eq!(all(&vault, Kind::Scan).len(), 1);
    assert_eq!(all(&vault, Kind::Sale).len(), 1, "sales wait until they are delivered");

    let retention = Retention { scans: None, ..Retention::default() };
    let forever = open(&store, &device);
    block_on(forever.set_retention(retention)).unwrap();
    device.wait(400 * DAY);
    let compacted = block_on(forever.compact()).unwrap();
    assert_eq!((compacted.expired, compacted.lost), (0, 0));
    block_on(open(&store, &device).set_retention(Retention { scans: Some(1), ..retention })).unwrap();
    assert_eq!(all(&forever, Kind::Scan).len(), 0);
    refused(block_on(forever.set_retention(Retention { scans: Some(0), ..retention })), ErrorKind::InvalidArgument);
}

/// Retention is the vault's, whoever opens it with whatever settings.
#[test]
fn who_opens_a_vault_does_not_shorten_its_retention() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(15));
    let forever = Retention { scans: None, corrections: None, lessons: None };
    let vault = open_with(&store, &device, Settings { retention: forever, ..Settings::default() });
    add(&vault, &scan("kept", None));
    device.wait(400 * DAY);
    let second = open(&store, &device);
    assert_eq!((labels(&second), second.retention()), (vec!["kept".to_owned()], Ok(forever)));
    assert_eq!(block_on(second.compact()).unwrap().expired, 0);
    assert_eq!(block_on(second.diagnose()).unwrap().retention_days, Kind::ALL.map(|kind| (kind.name(), None)));
    // What one of them changes counts for the other at once.
    block_on(second.set_retention(Retention::default())).unwrap();
    assert_eq!((labels(&vault), vault.retention()), (vec![], Ok(Retention::default())));
}

#[test]
fn what_an_app_names_of_retention_counts_before_anything_is_deleted() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(18));
    let vault = open(&store, &device);
    add(&vault, &scan("old", None));
    let correction = Record::Correction(Correction { scan: RecordId([1; 16]).to_string(), label: None });
    add(&vault, &correction);
    device.wait(100 * DAY);
    // An update raises the days of scans from 30, and says nothing of corrections.
    let named = |days| Settings { named_retention: vec![(Kind::Scan, days)], ..Settings::default() };
    let updated = open_with(&store, &device, named(Some(365)));
    assert_eq!((labels(&updated), all(&updated, Kind::Correction).len()), (vec!["old".to_owned()], 0));
    assert_eq!(updated.retention(), Ok(Retention { scans: Some(365), ..Retention::default() }));
    device.wait(1000 * DAY);
    assert_eq!(labels(&open_with(&store, &device, named(None))), ["old"]);
    // Lowering it deletes on opening; a vault that is made keeps what is named.
    assert_eq!(labels(&open_with(&store, &device, named(Some(30)))), Vec::<String>::new());
    let made = block_on(Vault::open(&store, &device, "other", Unlock::Key(KEY), named(Some(7)))).unwrap();
    assert_eq!(made.retention(), Ok(Retention { scans: Some(7), ..Retention::default() }));
    refused(
        block_on(Vault::open(&store, &device, "shop", Unlock::Key(KEY), named(Some(0)))),
        ErrorKind::InvalidArgument,
    );
}

#[test]
fn a_time_that_javascript_cannot_hold_is_never_written() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(16));
    let vault = open(&store, &device);
    block_on(vault.set_retention(Retention { scans: None, corrections: None, lessons: None })).unwrap();
    device.now.set(u64::MAX);
    let ids = [sale(1), sale(2), scan("a", None)].map(|record| add(&vault, &record));
    device.now.set(1_760_000_000_000);
    let later = add(&vault, &sale(3));
    for id in ids.into_iter().chain([later]) {
        assert_eq!(block_on(vault.get(id)).unwrap().unwrap().time, 8_640_000_000_000_000);
    }
}

#[test]
fn what_a_photo_says_of_its_place_is_not_kept() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(17));
    let vault = open(&store, &device);
    let photo = include_bytes!("fixtures/with-gps.jpg");
    let id = block_on(vault.add(&scan("a", None), Some(photo))).unwrap();
    let kept = block_on(vault.get(id)).unwrap().unwrap().blob.unwrap();
    assert!(contains(photo, b"GPSLatitude") && contains(photo, b"GPSLongitude") && contains(photo, b"taken at"));
    for gone in [&b"GPS"[..], b"taken at", b"1.29"] {
        assert!(!contains(&kept, gone));
    }
    let decoded = |jpeg: &[u8]| image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).unwrap().to_rgb8();
    assert!(decoded(photo) == decoded(&kept), "its pixels are the same");
}

#[test]
fn what_a_lessons_pictures_say_of_their_place_is_not_kept() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(19));
    let vault = open(&store, &device);
    let photo = include_bytes!("fixtures/with-gps.jpg");
    let given = lesson_file("a", &[photo.to_vec(), Vec::new(), JPEG.to_vec()]);
    let id = block_on(vault.add(&lesson_of("a"), Some(&given))).unwrap();
    let kept = block_on(vault.get(id)).unwrap().unwrap().blob.unwrap();
    assert!(contains(&given, b"GPSLatitude") && contains(&given, b"taken at"));
    for gone in [&b"GPS"[..], b"taken at", b"1.29"] {
        assert!(!contains(&kept, gone));
    }
    let bare = jicho::teach::without_metadata(photo).unwrap();
    assert_eq!(kept, lesson_file("a", &[bare, Vec::new(), JPEG.to_vec()]));
}

#[test]
fn a_clock_that_was_ahead_does_not_end_retention() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(14));
    device.wait(4000 * DAY);
    let vault = open(&store, &device);
    device.now.set(device.now.get() - 4000 * DAY);
    add(&vault, &scan("old", None));
    device.wait(31 * DAY);
    add(&vault, &scan("new", None));
    assert_eq!(labels(&vault), ["new"]);
}

#[test]
fn what_the_browser_lost_is_told() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(5));
    let vault = open(&store, &device);
    add(&vault, &scan("a", None));
    let id = add(&vault, &scan("b", None));
    let header = block_on(store.kept.header("shop")).unwrap().unwrap();
    let delete = [jicho::vault::Change::Delete(id)];
    assert_eq!(block_on(store.kept.commit("shop", Some(&header), &header, &delete)), Ok(true));
    assert_eq!(block_on(vault.diagnose()).unwrap().lost, 1);
    assert_eq!(block_on(vault.compact()).unwrap().lost, 1);
    assert_eq!(block_on(vault.diagnose()).unwrap().lost, 0);
}

#[test]
fn a_destroyed_vault_is_gone_whatever_dies() {
    let device = FakeDevice::new(6);
    for (dies, after) in [(Some(0), true), (Some(1), false), (None, false)] {
        let store = FakeStore::default();
        let vault = open(&store, &device);
        let id = add(&vault, &scan("a", None));
        let before = block_on(store.kept.row("shop", id)).unwrap().unwrap();
        store.dies_at(dies, after);
        assert_eq!(block_on(destroy(&&store, "shop")).is_err(), dies.is_some());
        store.dies_at(None, false);
        refused(block_on(vault.add(&scan("b", None), None)), ErrorKind::VaultClosed);
        refused(block_on(vault.get(id)), ErrorKind::VaultClosed);
        let vault = open(&store, &device);
        assert_eq!(all(&vault, Kind::Scan).len(), 0);
        // Not even what was copied opens in the new one.
        let header = block_on(store.kept.header("shop")).unwrap().unwrap();
        let put = [jicho::vault::Change::Put(before)];
        assert_eq!(block_on(store.kept.commit("shop", Some(&header), &header, &put)), Ok(true));
        refused(block_on(vault.get(id)), ErrorKind::RecordDamaged);
    }
}

#[test]
fn nonsense_is_refused() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(7));
    let vault = open(&store, &device);
    let file = lesson_file("a", &[JPEG.to_vec(), Vec::new()]);
    assert_eq!(block_on(vault.add(&lesson_of("a"), Some(&file))).map(drop), Ok(()));
    let no_picture = lesson_file("a", &[vec![0xff, 0xd8, 0xff, 0]]);
    let nan = Record::Scan(Scan { score: Some(f64::NAN), ..Scan::default() });
    let long = Record::Sale(Sale { order: "x".repeat(70_000).into() });
    let prototype = Record::Prototype(Prototype { label: "a".into(), backbone: String::new() });
    let lesson = lesson_of("a");
    let correction = Record::Correction(Correction { scan: "7".into(), label: None });
    let inf = f32::INFINITY.to_le_bytes();
    let cases: [(&Record, Option<&[u8]>); 18] = [
        (&nan, None),
        (&scan("a", Some("kzf0tvg")), None),
        (&scan("a", None), Some(b"\xff\xd8\xff\xe1")),
        (&lesson, None),
        (&lesson, Some(&[0; 8])),
        (&lesson, Some(b"JCHL")),
        (&lesson, Some(&no_picture)),
        (&correction, Some(b"JCHL")),
        (&scan("a", Some("")), None),
        (&scan("a", Some("kzf0tail")), None),
        (&scan("a", None), Some(b"\x89PNG")),
        (&sale(1), Some(JPEG)),
        (&prototype, None),
        (&prototype, Some(&[1, 2, 3])),
        (&prototype, Some(&inf)),
        (&correction, None),
        (&long, None),
        (&scan("a", None), Some(&[JPEG, &[0; 1 << 20]].concat())),
    ];
    for (record, blob) in cases {
        refused(block_on(vault.add(record, blob)), ErrorKind::InvalidArgument);
    }
    for name in ["", "a/b", "a b", "ä", &"x".repeat(65)] {
        let opened = block_on(Vault::open(&store, &device, name, Unlock::Key(KEY), Settings::default()));
        refused(opened, ErrorKind::InvalidArgument);
    }
}

#[test]
fn plain_exports() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(8));
    let vault = open(&store, &device);
    device.now.set(1_709_210_096_789);
    let id = add(&vault, &scan("=1+1, \"quoted\"", Some("u4pru")));
    let entries = all(&vault, Kind::Scan);
    let line = format!("{id},2024-02-29T12:34:56.789Z,match,\"'=1+1, \"\"quoted\"\"\",0.75,,u4pru,v1");
    assert_eq!(to_csv(&entries).lines().nth(1), Some(line.as_str()));
    let json = to_json(&entries);
    assert_eq!((json[0]["id"].as_str(), json[0]["geohash"].as_str()), (Some(id.to_string().as_str()), Some("u4pru")));
    assert_eq!(json[0]["kind"], "scan");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn lesson_of(id: &str) -> Record {
    Record::Lesson(Lesson { lesson: LessonName { id: id.into(), channel: "T_1".into() } })
}
