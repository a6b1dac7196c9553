//! The formats as docs/formats/vault.md tells them, written down a second time with nothing of the crate.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use jicho::vault::{Change, Row};
use sha2::{Digest, Sha256};

use super::*;

const DATA_KEY: u8 = 0x40;
const BLOB: u8 = 0x80;

fn aad(vault: &[u8], id: [u8; 16], key: u32, content: u8, time: u64) -> Vec<u8> {
    [&[1][..], vault, &id, &key.to_le_bytes(), &[content], &time.to_le_bytes()].concat()
}

fn open_envelope(key: &[u8], aad: &[u8], envelope: &[u8]) -> Vec<u8> {
    let nonce: &[u8; 12] = envelope[5..17].try_into().unwrap();
    Aes256Gcm::new_from_slice(key).unwrap().decrypt(nonce.into(), Payload { msg: &envelope[17..], aad }).unwrap()
}

fn seal_envelope(key: &[u8], id: u32, aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let nonce = [9; 12];
    let sealed = Aes256Gcm::new_from_slice(key).unwrap().encrypt((&nonce).into(), Payload { msg, aad }).unwrap();
    [&[1][..], &id.to_le_bytes(), &nonce, &sealed].concat()
}

fn pad(content: &[u8]) -> Vec<u8> {
    let mut padded = [&(content.len() as u32).to_le_bytes()[..], content].concat();
    padded.resize(padded.len().next_multiple_of(256), 0);
    padded
}

/// Of a vault that [`KEY`] locks: its number, and its only data key.
fn unlock(header: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (body, checksum) = header.split_at(header.len() - 16);
    assert_eq!((&body[..5], &Sha256::digest(body)[..16]), (&b"JCHV\x02"[..], checksum));
    let (vault, lock) = (&body[5..21], body[29]);
    assert_eq!(lock, 2);
    (vault.to_vec(), unwrap(vault, KEY, &body[30..]))
}

/// The only data key of a vault of that number, which the secret locks, by what lies behind its lock.
fn unwrap(vault: &[u8], secret: &[u8], rest: &[u8]) -> Vec<u8> {
    let hkdf = Hkdf::<Sha256>::new(Some(vault), secret);
    let [mut wrapping, mut check] = [[0; 32]; 2];
    hkdf.expand(b"jicho vault 1 wrapping key", &mut wrapping).unwrap();
    hkdf.expand(b"jicho vault 1 key check", &mut check).unwrap();
    assert_eq!((&rest[..32], rest[60]), (&check[..], 1));
    let entry = &rest[61..];
    assert_eq!((&entry[..4], entry.len()), (&[1, 0, 0, 0][..], 4 + 8 + 8 + 16 + 65));
    let data_key = open_envelope(&wrapping, &aad(vault, [0; 16], 1, DATA_KEY, 0), &entry[36..]);
    let mut key_check = [0; 16];
    Hkdf::<Sha256>::new(None, &data_key).expand(b"jicho vault 2 data key check", &mut key_check).unwrap();
    assert_eq!(entry[20..36], key_check);
    data_key
}

#[test]
fn a_second_reader_of_files_agrees() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(3));
    let cost = Some(jicho::vault::Cost::MINIMUM);
    let vault = open_with(&store, &device, Settings { cost, ..Settings::default() });
    let id = block_on(vault.add(&scan("apple", None), Some(JPEG))).unwrap();
    let lesson = Record::Lesson(Lesson { lesson: LessonName { id: "a".into(), channel: "T_1".into() } });
    let file = lesson_file("a", &[large_jpeg(190_000)]);
    block_on(vault.add(&lesson, Some(&file))).unwrap();
    let mut exported = Vec::new();
    let sink = async |piece: &[u8]| {
        exported.extend_from_slice(piece);
        Ok(())
    };
    block_on(vault.export(&jicho::vault::Passphrase::new("korrekt horse").unwrap(), sink)).unwrap();

    assert_eq!(exported[..5], *b"JCHX\x02");
    let length = u32::from_le_bytes(exported[5..9].try_into().unwrap()) as usize;
    let (begin, chunks) = exported.split_at(9 + length + 7);
    let (header, prefix) = begin[9..].split_at(length);
    let (body, _) = header.split_at(length - 16);
    assert_eq!(body[29], 1, "it is locked by a passphrase");
    let [memory, passes] = [46, 50].map(|at| u32::from_le_bytes(body[at..at + 4].try_into().unwrap()));
    let params = argon2::Params::new(memory, passes, 1, Some(32)).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut secret = [0; 32];
    argon2.hash_password_into(b"korrekt horse", &body[30..46], &mut secret).unwrap();
    let key = unwrap(&body[5..21], &secret, &body[54..]);

    let (mut stream, about) = (Vec::new(), Sha256::digest(begin));
    let count = chunks.len().div_ceil(65_536 + 16);
    assert!(count > 3, "{count}");
    for (i, chunk) in chunks.chunks(65_536 + 16).enumerate() {
        let last = u8::from(i + 1 == count);
        let nonce: [u8; 12] = [prefix, &(i as u32).to_be_bytes(), &[last]].concat().try_into().unwrap();
        let payload = Payload { msg: chunk, aad: &about };
        stream.extend(Aes256Gcm::new_from_slice(&key).unwrap().decrypt((&nonce).into(), payload).unwrap());
    }
    assert_eq!((stream[0], &stream[9..25], stream.len() % 256), (1, &id.0[..], 0));
    assert_eq!(u64::from_le_bytes(stream[1..9].try_into().unwrap()), device.now.get());
    let json = u32::from_le_bytes(stream[25..29].try_into().unwrap()) as usize;
    let record: serde_json::Value = serde_json::from_slice(&stream[29..29 + json]).unwrap();
    assert_eq!((&record["blobBytes"], &record["record"]["kind"]), (&JPEG.len().into(), &"scan".into()));
    let blob = [&[1][..], &(JPEG.len() as u32).to_le_bytes(), JPEG].concat();
    assert!(stream[29 + json..].starts_with(&blob));
    let lesson = &stream[29 + json + blob.len()..];
    assert_eq!(lesson[0], 3);
    let json = 29 + u32::from_le_bytes(lesson[25..29].try_into().unwrap()) as usize;
    assert!(lesson[json + 5..].starts_with(&file));
    assert!(lesson[json + 5 + file.len()..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_second_reader_agrees() {
    let (store, device) = (FakeStore::default(), FakeDevice::new(1));
    let vault = open(&store, &device);
    let id = block_on(vault.add(&scan("apple", Some("kzf0t")), Some(JPEG))).unwrap();
    let bytes = block_on(store.kept.header("shop")).unwrap().unwrap();
    let (number, key) = unlock(&bytes);
    assert_eq!(bytes[62..78], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let row = block_on(store.kept.row("shop", id)).unwrap().unwrap();
    let record = open_envelope(&key, &aad(&number, id.0, 1, 1, row.time), &row.sealed);
    let length = u32::from_le_bytes(record[..4].try_into().unwrap()) as usize;
    let json: serde_json::Value = serde_json::from_slice(&record[4..4 + length]).unwrap();
    assert_eq!((record.len() % 256, &json["blobBytes"]), (0, &JPEG.len().into()));
    assert_eq!((&json["record"]["kind"], &json["record"]["geohash"]), (&"scan".into(), &"kzf0t".into()));
    let blob = open_envelope(&key, &aad(&number, id.0, 1, BLOB | 1, row.time), &row.blob.unwrap());
    assert_eq!(blob, pad(JPEG));
}

/// Who knows the keys can seal what `add` refuses: in a file it is refused too.
#[test]
fn a_file_of_records_that_could_not_be_added_is_refused() {
    let passphrase = jicho::vault::Passphrase::new("korrekt horse").unwrap();
    // A lesson whose pictures are a photo that says where it was taken, and no JPEG.
    let (photo, foreign) = (include_bytes!("fixtures/with-gps.jpg"), vec![0xff, 0xd8, 0xff, 0]);
    let bare = lesson_file("a", &[jicho::teach::without_metadata(photo).unwrap(), Vec::new()]);
    let told = lesson_file("a", &[photo.to_vec(), foreign]);
    let cases = [
        (3, r#"{"kind":"prototype","label":"a","backbone":"b"}"#, Some(f32::NAN.to_le_bytes().to_vec())),
        (3, r#"{"kind":"prototype","label":"a","backbone":"b"}"#, Some(1f32.to_le_bytes().to_vec())),
        (1, r#"{"kind":"scan","geohash":"a"}"#, None),
        (1, r#"{"kind":"scan"}"#, Some(b"<svg>".to_vec())),
        (3, r#"{"kind":"prototype","label":"","backbone":"","lesson":{"id":"a","channel":"b"}}"#, Some(vec![0; 8])),
        (1, r#"{"kind":"scan"}"#, Some([JPEG, &[0; 1 << 20]].concat())),
        (2, r#"{"kind":"correction","scan":"b","label":null}"#, None),
        (3, r#"{"kind":"lesson","lesson":{"id":"a","channel":"b"}}"#, Some(told)),
    ];
    for (i, (code, record, blob)) in cases.into_iter().enumerate() {
        let (store, device) = (FakeStore::default(), FakeDevice::new(i as u64));
        let vault =
            open_with(&store, &device, Settings { cost: Some(jicho::vault::Cost::MINIMUM), ..Settings::default() });
        let header = block_on(store.kept.header("shop")).unwrap().unwrap();
        let (number, key) = unlock(&header);
        let (id, time) = (RecordId([5; 16]), device.now.get());
        let json = format!(r#"{{"record":{record},"blobBytes":{}}}"#, blob.as_ref().map_or(0, Vec::len));
        let seal = |content, plain: &[u8]| seal_envelope(&key, 1, &aad(&number, id.0, 1, content, time), &pad(plain));
        let blob = blob.map(|blob| seal(BLOB | code, &blob));
        let row = Row { kind: Kind::of(code).unwrap(), time, id, key: 1, sealed: seal(code, json.as_bytes()), blob };
        assert_eq!(block_on(store.kept.commit("shop", Some(&header), &header, &[Change::Put(row)])), Ok(true));
        assert!(block_on(vault.get(id)).unwrap().is_some(), "{json}: it is sealed as it should be");

        let mut file = Vec::new();
        let exported = block_on(vault.export(&passphrase, async |piece: &[u8]| {
            file.extend_from_slice(piece);
            Ok(())
        }));
        assert_eq!(exported.unwrap().records, 1);
        let there = FakeStore::default();
        let imported = block_on(open(&there, &device).import(&file, &passphrase));
        if [1, 3].contains(&i) {
            assert_eq!(imported.unwrap().added, 1);
            let entry = block_on(open(&there, &device).get(id)).unwrap().unwrap();
            assert_eq!(entry.blob.is_some(), i == 1, "what is no JPEG is left out");
        } else if i == 4 {
            let left_out = jicho::vault::Imported { added: 0, present: 0, left_out: 1 };
            assert_eq!(imported.unwrap(), left_out, "a lesson that cannot be read");
        } else if i == 7 {
            assert_eq!(imported.unwrap().added, 1);
            let entry = block_on(open(&there, &device).get(id)).unwrap().unwrap();
            assert!(entry.blob.as_ref() == Some(&bare), "its pictures are without metadata, or left out");
        } else {
            refused(imported, ErrorKind::InvalidExport);
        }
    }
}
