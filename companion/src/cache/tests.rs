use std::time::Duration;

use proptest::prelude::*;
use rayon::prelude::*;
use tempfile::TempDir;

use super::*;

fn key(photo: u64) -> Key {
    Key::of(&photo.to_le_bytes(), None, &[b"network"])
}

/// Vectors that tell which photo they are of.
fn vectors(photo: u64) -> Vec<Vec<f32>> {
    vec![vec![photo as f32 / 3.0, f32::MIN_POSITIVE, -0.0], Vec::new(), vec![photo as f32; 100]]
}

fn cache(dir: &TempDir, most: u64) -> Cache {
    Cache::bounded(dir.path().join("features"), most, Progress::Silent)
}

fn files(dir: &TempDir) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

proptest! {
    #[test]
    fn what_was_put_comes_back_bit_by_bit(bits in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..9), 0..5)) {
        let dir = tempfile::tempdir().unwrap();
        let vectors: Vec<Vec<f32>> = bits.iter().map(|v| v.iter().map(|b| f32::from_bits(*b)).collect()).collect();
        cache(&dir, MOST_BYTES).put(&key(1), &vectors);
        let got = cache(&dir, MOST_BYTES).get(&key(1)).unwrap();
        let got: Vec<Vec<u32>> = got.iter().map(|v| v.iter().map(|f| f.to_bits()).collect()).collect();
        prop_assert_eq!(got, bits);
        prop_assert!(cache(&dir, MOST_BYTES).get(&key(2)).is_none());
    }

    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), known in any::<bool>()) {
        if known {
            bytes.splice(..bytes.len().min(8), *b"jichofv1");
        }
        prop_assert!(entry::parse(&key(1), &bytes).is_none());
    }
}

#[test]
fn each_part_of_a_key_counts_and_so_does_where_it_ends() {
    let region = |bounds: [f64; 4], picture| Region::parse(&serde_json::json!(bounds), picture).ok();
    let (left, right) = (region([0.0, 0.0, 5.0, 5.0], None), region([5.0, 0.0, 5.0, 5.0], None));
    let keys = [
        Key::of(b"photo", None, &[b"view", b"net"]),
        Key::of(b"photo", None, &[b"net", b"view"]),
        Key::of(b"photo", None, &[b"viewnet"]),
        Key::of(b"photo", None, &[b"view", b"net", b""]),
        Key::of(b"photoview", None, &[b"net"]),
        Key::of(b"", None, &[b"photo", b"view", b"net"]),
        Key::of(b"photo", left, &[b"view", b"net"]),
        Key::of(b"photo", right, &[b"view", b"net"]),
        Key::of(b"photo", region([0.0, 0.0, 5.0, 5.0], Some((9, 9))), &[b"view", b"net"]),
    ];
    for (i, a) in keys.iter().enumerate() {
        assert!(keys[..i].iter().all(|b| a != b), "{i}");
    }
}

#[test]
fn damage_counts_as_absent_and_is_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(&dir, MOST_BYTES);
    cache.put(&key(1), &vectors(1));
    let [file] = &files(&dir)[..] else { panic!("one entry, one file") };
    let whole = fs::read(file).unwrap();
    for length in 0..whole.len() {
        fs::write(file, &whole[..length]).unwrap();
        assert!(cache.get(&key(1)).is_none(), "cut to {length}");
    }
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(file, bytes).unwrap();
        assert!(cache.get(&key(1)).is_none(), "flipped at {place}");
    }
    fs::write(file, [&whole[..], b"\0"].concat()).unwrap();
    assert!(cache.get(&key(1)).is_none(), "too long");
    // Under another photo's name it is damage, too.
    let other = key(2).file(&dir.path().join("features"));
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::write(other, &whole).unwrap();
    assert!(cache.get(&key(2)).is_none());
    cache.put(&key(1), &vectors(1));
    assert_eq!(cache.get(&key(1)), Some(vectors(1)));
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let size = entry::write(&key(0), &vectors(0)).len() as u64;
    let small = cache(&dir, 10 * size);
    let folder = dir.path().join("features");
    let age = |photo: u64, hours: u64| {
        let file = File::options().append(true).open(key(photo).file(&folder)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours)).unwrap();
    };
    for photo in 0..10 {
        small.put(&key(photo), &vectors(photo));
        age(photo, 100 - photo);
    }
    assert_eq!(files(&dir).len(), 10, "as many as may be");
    assert!(small.get(&key(0)).is_some(), "which was the oldest, and is used now");
    let bystander = folder.join("notes.txt");
    fs::write(&bystander, vec![0; 100 * size as usize]).unwrap();
    let shelf = key(3).file(&folder).parent().unwrap().to_owned();
    let (dead, alive) = (shelf.join(".tmpdead"), shelf.join(".tmpalive"));
    for (file, hours) in [(&dead, 2), (&alive, 0)] {
        fs::write(file, b"half").unwrap();
        let time = SystemTime::now() - Duration::from_secs(3600 * hours);
        File::options().append(true).open(file).unwrap().set_modified(time).unwrap();
    }
    small.put(&key(10), &vectors(10));
    let left: Vec<u64> = (0..=10).filter(|photo| small.get(&key(*photo)).is_some()).collect();
    assert_eq!(left, [0, 3, 4, 5, 6, 7, 8, 9, 10], "nine tenths stay, the one used lately among them");
    assert!(bystander.exists() && alive.exists() && !dead.exists());
    [0, 3, 4, 5, 6, 7, 8, 9, 10].iter().for_each(|photo| age(*photo, 1));
    // Another process finds the same cache, and keeps to its own bound.
    cache(&dir, 5 * size).put(&key(11), &vectors(11));
    assert!(files(&dir).len() <= 5 + 2, "{:?}", files(&dir));
    assert!(small.get(&key(11)).is_some());
}

#[test]
fn many_at_once_see_whole_entries_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let size = entry::write(&key(0), &vectors(0)).len() as u64;
    // Two caches over one folder are as two processes; room for half of the photos keeps them removing.
    let caches = [cache(&dir, 20 * size), cache(&dir, 20 * size)];
    let found: usize = (0..4000u64)
        .into_par_iter()
        .map(|i| {
            let photo = i * 2_654_435_761 % 40;
            let cache = &caches[(i % 2) as usize];
            match cache.get(&key(photo)) {
                Some(got) => {
                    assert_eq!(got, vectors(photo));
                    1
                }
                None => {
                    cache.put(&key(photo), &vectors(photo));
                    0
                }
            }
        })
        .sum();
    assert!(found > 0);
    assert!(evict::count(&dir.path().join("features")) <= 60 * size);
    assert!(files(&dir).iter().all(|f| !f.file_name().unwrap().to_string_lossy().starts_with(evict::TEMPORARY)));
}

#[test]
fn what_cannot_be_kept_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // A file where the folder should be: no right and no privilege helps.
    fs::write(dir.path().join("features"), b"in the way").unwrap();
    let cache = Cache::open(dir.path().join("features"), Progress::Silent);
    cache.put(&key(1), &vectors(1));
    cache.put(&key(2), &vectors(2));
    assert!(cache.get(&key(1)).is_none());
    assert!(cache.kept.as_ref().unwrap().failed.load(Ordering::Relaxed), "told once, and not tried again");
    assert_eq!(fs::read(dir.path().join("features")).unwrap(), b"in the way");

    assert!(default_folder().ends_with("features"));
    let none = Cache::none();
    none.put(&key(1), &vectors(1));
    assert!(none.get(&key(1)).is_none());
}
