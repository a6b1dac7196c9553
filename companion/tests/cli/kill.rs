//! A publisher that dies at any moment leaves a whole release in force.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use jicho::Manifest;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::onnx::{Colors, Filters};
use crate::shop::{Shop, latest, sha256};

/// Kills at random moments, and as many the moment a release's first file appears.
const ROUNDS: u64 = 7;

/// Networks that take a while to write, so that there is something to interrupt.
const CLASSES: usize = 500;

fn spawn(shop: &Shop, arguments: &str) -> Child {
    shop.command().args(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Loads the release in force as a device does; its place in the sequence.
fn load(shop: &Shop) -> u64 {
    let manifest = Manifest::parse(&shop.read(&latest("T_1"))).unwrap();
    for file in &manifest.files {
        let bytes = shop.read(&format!("models/{}", file.url));
        assert_eq!((bytes.len() as u64, sha256(&bytes)), (file.bytes, file.sha256.clone()), "{}", file.url);
    }
    manifest.release_seq
}

fn import(seed: u64) -> String {
    format!("import model-{seed}.onnx --labels labels.txt --channel T_1 --out models {}", Colors::FLAGS)
}

/// Every round publishes another network, or (each third) trains with another backbone.
fn arguments(shop: &Shop, round: u64) -> String {
    let network = Filters { seed: round, channels: 512, classes: CLASSES, nhwc: false, pooled: true };
    shop.write(&format!("model-{round}.onnx"), network.onnx());
    if round.is_multiple_of(3) {
        let backbone = format!("--backbone model-{round}.onnx {}", Colors::FLAGS);
        return format!("train photos --channel T_1 --out models {backbone}");
    }
    import(round)
}

fn files(shop: &Shop) -> usize {
    let count = |folder: &str| fs::read_dir(shop.path(folder)).map_or(0, Iterator::count);
    count("models/blobs") + count("models/T_1/versions") + count("models/T_1/latest")
}

#[test]
fn a_publisher_killed_at_any_moment() {
    let shop = Shop::with_photos(2, 3);
    shop.write("labels.txt", (0..CLASSES).map(|i| format!("label {i}\n")).collect::<String>());
    let mut rng = ChaCha8Rng::seed_from_u64(2026);

    let mut whole = [Duration::ZERO; 2];
    for round in [0, 1] {
        let started = Instant::now();
        assert!(spawn(&shop, &arguments(&shop, round)).wait().unwrap().success());
        whole[usize::from(round == 1)] = started.elapsed();
    }
    let first = load(&shop);

    let done = AtomicBool::new(false);
    let (killed, seen) = thread::scope(|scope| {
        // All the while somebody reads, and never sees less than a whole release, nor an older one.
        let reader = scope.spawn(|| {
            let (mut last, mut seen) = (first, 0u32);
            while !done.load(Ordering::Acquire) {
                let sequence = load(&shop);
                assert!(sequence >= last, "{sequence} after {last}");
                (last, seen) = (sequence, seen + 1);
            }
            seen
        });
        let rounds = scope.spawn(|| {
            // Ends the reader also when a round fails.
            struct Done<'a>(&'a AtomicBool);
            impl Drop for Done<'_> {
                fn drop(&mut self) {
                    self.0.store(true, Ordering::Release);
                }
            }
            let _done = Done(&done);
            let mut killed = 0;
            for round in 2..2 + 2 * ROUNDS {
                let arguments = arguments(&shop, round);
                let moment = whole[usize::from(!round.is_multiple_of(3))].mul_f64(rng.random_range(0.0..1.2));
                let before = files(&shop);
                let mut child = spawn(&shop, &arguments);
                if round.is_multiple_of(2) {
                    thread::sleep(moment);
                } else {
                    // From the first new file on only the writing of the others is left.
                    let steps = rng.random_range(1..=3);
                    while files(&shop) < before + steps && child.try_wait().unwrap().is_none() {
                        thread::yield_now();
                    }
                }
                child.kill().unwrap();
                killed += usize::from(!child.wait().unwrap().success());
                load(&shop);
            }
            killed
        });
        (rounds.join().unwrap(), reader.join().unwrap())
    });
    eprintln!("{killed} of {} publishers killed in time, {seen} reads beside them", 2 * ROUNDS);
    assert!(killed >= ROUNDS as usize / 2, "only {killed} were killed in time: too little was tested");
    assert!(seen >= ROUNDS as u32);

    // What the dead left behind does not keep the next from publishing.
    let before = load(&shop);
    assert!(spawn(&shop, &import(1)).wait().unwrap().success());
    assert!(load(&shop) > before);
    shop.evaluate("T_1", "photos");
}
