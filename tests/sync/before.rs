//! Releases, signatures and database rows of before (`tests/before`) go on working unchanged.

use std::fs;
use std::path::{Path, PathBuf};

use jicho::manifest::signature::{PublicKey, SigningKey};
use jicho::sync::{Rank, Store, StoredRelease};

use super::fakes::Fault;
use super::*;

/// The seed of the key that signed T_1 and T_3.
const SEED: &str = "18c0b17baa640e9a49d0186af55807f18de49cbdaec056f9d679e89b4dcac938";
/// A device's clock soon after they were published.
const THEN: u64 = 1_796_100_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/before")
}

fn key() -> PublicKey {
    let seed: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&SEED[2 * i..2 * i + 2], 16).unwrap()).collect();
    SigningKey::from_seed(seed.as_slice().try_into().unwrap()).public()
}

fn pinned() -> Options {
    Options { keys: vec![key()], ..Options::default() }
}

/// A host that serves the folder as it is.
fn host() -> FakeHost {
    fn serve(host: &FakeHost, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let url = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                serve(host, &entry.path(), &format!("{url}/"));
            } else {
                host.set(&url, Ok(fs::read(entry.path()).unwrap()));
            }
        }
    }
    let host = FakeHost::default();
    host.now.set(THEN);
    serve(&host, &folder().join("models"), "");
    host
}

fn channel<'a>(store: &'a FakeStore, id: &str, options: Options) -> TestSession<'a> {
    block_on(Session::open(store, MODELS, id, options)).unwrap()
}

#[test]
fn releases_of_before_arrive_and_answer() {
    for (id, options) in
        [("T_1", Options::default()), ("T_1", pinned()), ("T_2", Options::default()), ("T_3", pinned())]
    {
        let store = FakeStore::default();
        let session = channel(&store, id, options.clone());
        assert_eq!(sync(&session, &host()), Ok(Outcome::Updated), "{id}");
        assert_eq!(diagnose(&session).last_check.unwrap().candidate_error.map(|e| e.message), None);
        assert_eq!(loaded(&session).is_candidate(), id == "T_3");
        assert_eq!(loaded(&session).manifest().architecture, None);
        assert!(recognize(&session).is_ok());
        assert!(recognize(&channel(&store, id, options.clone())).is_ok(), "from the store");
        assert_eq!(sync(&channel(&store, id, options), &host()), Ok(Outcome::Current));
    }
    let store = FakeStore::default();
    assert_eq!(kind(sync(&channel(&store, "T_2", pinned()), &host())), ErrorKind::BadSignature);
}

#[test]
fn database_rows_of_before_are_loaded() {
    let metadata = fs::read(folder().join("models/T_1/latest/metadata.json")).unwrap();
    let manifest = jicho::Manifest::parse(&metadata).unwrap();
    let store = FakeStore::default();
    let files: Vec<_> = manifest.needed().collect();
    let staged: Vec<_> = files
        .iter()
        .map(|f| (f.sha256.clone(), (&store).stage(&fs::read(folder().join("models").join(&f.url)).unwrap())))
        .collect();
    // Rows of before have no `expires`, and a channel has no notes.
    let row = StoredRelease {
        rank: Rank::of(manifest.release_seq),
        blobs: files.iter().map(|f| f.sha256.clone()).collect(),
        metadata,
        etag: Some("\"abc\"".into()),
        expires: None,
    };
    assert_eq!(block_on((&store).activate(&format!("{MODELS}T_1"), &row, None, &staged)), Ok(true));
    let session = channel(&store, "T_1", pinned());
    assert!(recognize(&session).is_ok());
    assert!(loaded(&session).stored());
    let host = host();
    host.fail("T_1/latest/metadata.json", [Fault::Status(304)]);
    assert_eq!(sync(&session, &host), Ok(Outcome::Current));

    session.learn(&fs::read(folder().join("lesson.bin")).unwrap()).unwrap();
    let lessons = session.lessons();
    assert_eq!((lessons.len(), lessons[0].label.as_deref(), lessons[0].frames), (1, Some("plum"), 1));
}
