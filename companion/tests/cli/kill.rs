//! A publisher that is killed at any moment leaves a complete release in force. The variable `JICHO_KILLS` sets how many are
//! killed; the default is 14.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use jicho::Manifest;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::onnx::{Colors, Filters};
use crate::shop::{Shop, sha256};

/// Size of networks that take a while to write, so that there is something to interrupt.
const CLASSES: usize = 500;
/// Number of networks. Each is published repeatedly, so that blobs are removed and written again.
const NETWORKS: u64 = 9;

/// A place to publish to.
trait Place: Sync {
    /// As `--out` wants it.
    fn address(&self) -> &'static str;
    fn command(&self) -> Command;
    /// A file of the models folder, as a device reads it.
    fn read(&self, path: &str) -> Vec<u8>;
    /// Makes what was dropped old enough to be removed.
    fn age(&self);
    /// Waits for a moment at which the publisher is writing; it may end before.
    fn amid_writing(&self, start: &mut dyn FnMut() -> Child, rng: &mut ChaCha8Rng) -> Child;
    /// Once the publisher is dead.
    fn buried(&self) {}
}

struct Folder<'a>(&'a Shop);

impl Folder<'_> {
    fn files(&self) -> usize {
        let count = |folder: &str| fs::read_dir(self.0.path(folder)).map_or(0, Iterator::count);
        count("models/blobs") + count("models/T_1/versions") + count("models/T_1/latest") + count("models/.new")
    }
}

impl Place for Folder<'_> {
    fn address(&self) -> &'static str {
        "models"
    }

    fn command(&self) -> Command {
        self.0.command()
    }

    fn read(&self, path: &str) -> Vec<u8> {
        self.0.read(&format!("models/{path}"))
    }

    fn age(&self) {
        for entry in fs::read_dir(self.0.path("models/.dropped/T_1")).into_iter().flatten() {
            fs::write(entry.unwrap().path(), "0").unwrap();
        }
    }

    fn amid_writing(&self, start: &mut dyn FnMut() -> Child, rng: &mut ChaCha8Rng) -> Child {
        // Once the first new file is there, only the writing of the others is left.
        let (mut last, mut changes) = (self.files(), rng.random_range(1..=8));
        let mut child = start();
        while changes > 0 && child.try_wait().unwrap().is_none() {
            let now = self.files();
            changes -= i32::from(now != last);
            last = now;
        }
        child
    }
}

#[cfg(feature = "s3")]
struct InBucket<'a> {
    bucket: &'a crate::bucket::Bucket,
    shop: &'a Shop,
    /// Requests of a whole publication.
    requests: usize,
}

#[cfg(feature = "s3")]
impl Place for InBucket<'_> {
    fn address(&self) -> &'static str {
        "s3://shops/models"
    }

    fn command(&self) -> Command {
        let mut command = self.bucket.command(self.shop);
        // Otherwise the next publisher would wait for long.
        command.env("JICHO_LOCK_SECONDS", "0.4");
        command
    }

    fn read(&self, path: &str) -> Vec<u8> {
        self.bucket.get(&format!("models/{path}")).unwrap_or_else(|| panic!("{path} is missing"))
    }

    fn age(&self) {
        for (_, object) in
            self.bucket.inside.objects.lock().unwrap().iter_mut().filter(|(k, _)| k.contains("/.dropped/"))
        {
            object.bytes = b"0".to_vec();
        }
    }

    fn amid_writing(&self, start: &mut dyn FnMut() -> Child, rng: &mut ChaCha8Rng) -> Child {
        use crate::bucket::Fate;
        // Any of its requests may be carried out or not, and is never answered.
        let (mut left, done) = (rng.random_range(1..=self.requests), rng.random_bool(0.5));
        let (tell, told) = std::sync::mpsc::channel();
        self.bucket.judge(move |_, _| {
            left = left.saturating_sub(1);
            if left > 0 {
                return Fate::Served;
            }
            let _ = tell.send(());
            Fate::Stuck(done)
        });
        let mut child = start();
        while told.recv_timeout(Duration::from_millis(20)).is_err() && child.try_wait().unwrap().is_none() {}
        child
    }

    fn buried(&self) {
        self.bucket.spare();
    }
}

/// Loads the release in force as a device does, and returns its sequence number.
fn load(place: &dyn Place) -> u64 {
    let manifest = Manifest::parse(&place.read("T_1/latest/metadata.json")).unwrap();
    for file in &manifest.files {
        let bytes = place.read(&file.url);
        assert_eq!((bytes.len() as u64, sha256(&bytes)), (file.bytes, file.sha256.clone()), "{}", file.url);
    }
    manifest.release_seq
}

/// The command of a round: most import a network, some train with it as a backbone, some roll back.
fn arguments(shop: &Shop, place: &dyn Place, round: u64) -> String {
    let (seed, out) = (round % NETWORKS, place.address());
    let network = Filters { seed, channels: 512, classes: CLASSES, nhwc: false, pooled: true };
    shop.write(&format!("model-{seed}.onnx"), network.onnx());
    match round % 6 {
        1 => format!("train photos --channel T_1 --out {out} --backbone model-{seed}.onnx {}", Colors::FLAGS),
        5 => format!("rollback {out}/T_1"),
        _ => format!("import model-{seed}.onnx --labels labels.txt --channel T_1 --out {out} {}", Colors::FLAGS),
    }
}

fn spawn(place: &dyn Place, arguments: &str) -> Child {
    let mut command = place.command();
    command.args(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn kill_many(shop: &Shop, place: &dyn Place, whole: Duration) {
    let kills: u32 = std::env::var("JICHO_KILLS").map_or(14, |n| n.parse().expect("JICHO_KILLS is a number"));
    let mut rng = ChaCha8Rng::seed_from_u64(2026);
    let first = load(place);
    let done = AtomicBool::new(false);
    let (killed, rounds, seen) = thread::scope(|scope| {
        // Meanwhile a reader must always see a complete release, and never an older one than before.
        let reader = scope.spawn(|| {
            let (mut last, mut seen) = (first, 0u32);
            while !done.load(Ordering::Acquire) {
                let sequence = load(place);
                assert!(sequence >= last, "{sequence} after {last}");
                (last, seen) = (sequence, seen + 1);
            }
            seen
        });
        let rounds = scope.spawn(|| {
            // This ends the reader even when a round fails.
            struct Done<'a>(&'a AtomicBool);
            impl Drop for Done<'_> {
                fn drop(&mut self) {
                    self.0.store(true, Ordering::Release);
                }
            }
            let _done = Done(&done);
            let (mut killed, mut round) = (0, 0);
            while killed < kills && round < 4 * u64::from(kills) {
                round += 1;
                let arguments = arguments(shop, place, round);
                place.age();
                let mut child = if round.is_multiple_of(2) {
                    let child = spawn(place, &arguments);
                    thread::sleep(whole.mul_f64(rng.random_range(0.0..1.1)));
                    child
                } else {
                    place.amid_writing(&mut || spawn(place, &arguments), &mut rng)
                };
                child.kill().unwrap();
                killed += u32::from(child.wait().unwrap().code().is_none());
                place.buried();
                load(place);
            }
            (killed, round)
        });
        let (killed, round) = rounds.join().unwrap();
        (killed, round, reader.join().unwrap())
    });
    eprintln!(
        "{}: {killed} of {rounds} publishers killed in time, {seen} reads beside them, none broken",
        place.address()
    );
    assert_eq!(killed, kills, "too few were killed in time: too little was tested");
    assert!(seen >= kills);

    // The files that killed publishers leave behind do not keep the next one from publishing.
    let before = load(place);
    let outcome = crate::shop::Outcome::of(place.command().args(arguments(shop, place, 2).split(' ')));
    outcome.ok();
    assert!(load(place) > before);
}

/// Publishes two releases and returns how long the second took.
fn prepare(shop: &Shop, place: &dyn Place) -> Duration {
    shop.write("labels.txt", (0..CLASSES).map(|i| format!("label {i}\n")).collect::<String>());
    assert!(spawn(place, &arguments(shop, place, 2)).wait().unwrap().success());
    let started = Instant::now();
    assert!(spawn(place, &arguments(shop, place, 3)).wait().unwrap().success());
    started.elapsed()
}

#[test]
fn a_publisher_killed_at_any_moment_leaves_a_complete_release() {
    let shop = Shop::with_photos(2, 3);
    let place = Folder(&shop);
    let whole = prepare(&shop, &place);
    kill_many(&shop, &place, whole);
    assert_eq!(fs::read_dir(shop.path("models/.new")).unwrap().count(), 0, "the last one swept");
    shop.evaluate("T_1", "photos");
}

#[cfg(feature = "s3")]
#[test]
fn a_publisher_to_a_bucket_killed_at_any_moment_leaves_a_complete_release() {
    let (bucket, shop) = (crate::bucket::Bucket::new(), Shop::with_photos(2, 3));
    let mut place = InBucket { bucket: &bucket, shop: &shop, requests: 0 };
    let whole = prepare(&shop, &place);
    place.requests = bucket.asked().len() / 2;
    kill_many(&shop, &place, whole);
}
