//! A worker trains a small shop, reports each stage, and ends when it is told to or its parent is gone.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::cache;
use crate::dataset::Reading;
use crate::learning::train::{self, gate::Gate, promise::MATCH_PRECISION};
use crate::model::backbone;
use crate::output::publish::{KEEP, Terms};
use crate::output::report::place::Place;
use crate::samples;

const LIMITS: Limits = Limits { megabytes: Some(4 << 10), threads: Some(1) };

/// The process that [`super::command`] starts in tests.
#[test]
#[ignore = "the process that the other tests start"]
fn as_a_worker() {
    // The test's name stands on the line until now.
    println!();
    let _ = child::run();
}

/// Starts a worker and waits for a line of `stage`, then dies without a word; its worker must die with it.
#[test]
#[ignore = "the parent that the test of dying parents kills"]
fn as_a_parent() {
    let folder = std::env::var_os("JICHO_TEST_FOLDER").unwrap();
    let (handle, reports) = begin(Task::Train(Box::new(options(Path::new(&folder), "T_1"))));
    reports.iter().find(|report| matches!(report, Report::Update(update) if update.stage == Stage::Embedding)).unwrap();
    println!("embedding {}", handle.child.lock().unwrap().id());
    // Killed here; the end of its stdin ends it where it is not.
    let _ = std::io::stdin().read(&mut [0]);
}

/// Photos of a made-up shop.
fn draw(folder: &Path, seed: u64, photos: usize) {
    let options = samples::Options { photos_per_product: photos, size: 96, seed, products: Some(3), attributes: false };
    samples::generate(&folder.join("photos"), &options, &|_, _| {}).unwrap();
}

fn options(folder: &Path, channel: &str) -> train::Options {
    train::Options {
        photos: folder.join("photos"),
        channel: channel.into(),
        out: folder.join("models"),
        backbone: backbone::Request { backbone: backbone::embedded::NAME.into(), ..backbone::Request::default() },
        seed: 1,
        reading: Reading::default(),
        lessons: Vec::new(),
        facts: None,
        score: None,
        fine_tune: false,
        match_precision: MATCH_PRECISION,
        mirror: true,
        cache: cache::Place(Some(folder.join("features"))),
        report: Place::Private(folder.join("reports")),
        terms: Terms { keep: KEEP, signing: Default::default(), sequence: Default::default(), canary: None },
        gate: Some(Gate { margin: 0.02 }),
        intent: Some(folder.join("intent")),
    }
}

fn begin(task: Task) -> (Handle, Receiver<Report>) {
    let (sender, reports) = channel();
    let handle = start(task, LIMITS, move |report| drop(sender.send(report))).unwrap();
    (handle, reports)
}

fn ended(reports: &Receiver<Report>) -> (Vec<Update>, Result<Value, Failure>) {
    let mut updates = Vec::new();
    for report in reports {
        match report {
            Report::Update(update) => updates.push(update),
            Report::Ended(ended) => return (updates, ended),
        }
    }
    panic!("the worker never ended")
}

fn train(options: train::Options) -> Trained {
    let (_, reports) = begin(Task::Train(Box::new(options)));
    serde_json::from_value(ended(&reports).1.unwrap()).unwrap()
}

#[test]
fn a_training_reports_its_stages_and_what_it_made() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), 1, 8);
    let (_, reports) = begin(Task::Train(Box::new(options(folder.path(), "T_1"))));
    let (updates, result) = ended(&reports);
    let mut stages: Vec<Stage> = updates.iter().map(|update| update.stage).collect();
    stages.dedup();
    use Stage::*;
    assert_eq!(stages, [Initializing, Validating, Embedding, Fitting, Evaluating, Publishing]);
    assert!(updates.is_sorted_by_key(|update| update.percent));
    let trained: Trained = serde_json::from_value(result.unwrap()).unwrap();
    assert_eq!((trained.products, trained.images, trained.share, &trained.verdict), (3, 24, None, &None));
    let latest = std::fs::read(folder.path().join("models/T_1/latest/metadata.json")).unwrap();
    assert_eq!(jicho::Manifest::parse(&latest).unwrap().version, trained.version);
    assert_eq!(std::fs::read_to_string(folder.path().join("intent")).unwrap(), trained.version);

    // The same photos again: as good, so the new release takes the place of the old one.
    let again = train(options(folder.path(), "T_1"));
    let comparison = again.comparison.unwrap();
    assert_eq!((comparison.version, comparison.products), (trained.version, 3));
    assert!(comparison.photos > 0 && !comparison.worse && again.share.is_none(), "{:?}", again.verdict);
}

#[test]
fn a_model_that_does_not_meet_the_condition_becomes_a_candidate_that_no_device_takes() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), 1, 8);
    let before = train(options(folder.path(), "T_1"));
    // Nothing can be better by more than everything.
    let strict = train::Options { gate: Some(Gate { margin: -1.0 }), ..options(folder.path(), "T_1") };
    let candidate = train(strict);
    assert!(candidate.comparison.unwrap().worse && candidate.verdict.unwrap().contains(&before.version));
    assert_eq!(candidate.share, Some(0.0));
    let latest = std::fs::read(folder.path().join("models/T_1/latest/metadata.json")).unwrap();
    let latest = jicho::Manifest::parse(&latest).unwrap();
    assert_eq!(latest.version, before.version);
    assert_eq!(latest.candidate.unwrap().version, candidate.version);
}

#[test]
fn a_cancelled_worker_is_gone_and_leaves_what_was_in_force() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), 1, 8);
    let (handle, reports) = begin(Task::Train(Box::new(options(folder.path(), "T_1"))));
    for report in &reports {
        match report {
            Report::Update(update) if update.stage == Stage::Embedding => handle.cancel(),
            Report::Update(_) => {}
            Report::Ended(ended) => {
                assert_eq!(ended.unwrap_err().code, Failure::CANCELLED);
                break;
            }
        }
    }
    assert!(reports.recv().is_err(), "nothing follows the end");
    assert!(!folder.path().join("models/T_1").exists());
}

#[test]
fn errors_and_too_little_memory_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    let (_, reports) = begin(Task::Train(Box::new(options(folder.path(), "T_1"))));
    let failure = ended(&reports).1.unwrap_err();
    assert_eq!(failure.code, "NO_PHOTOS");
    assert!(!failure.is_transient());

    draw(folder.path(), 1, 4);
    let (sender, reports) = channel();
    let limits = Limits { megabytes: Some(24), ..LIMITS };
    let task = Task::Train(Box::new(options(folder.path(), "T_1")));
    start(task, limits, move |report| drop(sender.send(report))).unwrap();
    let failure = ended(&reports).1.unwrap_err();
    assert_eq!(failure.code, Failure::MEMORY, "{failure:?}");
    assert!(failure.message.contains("training.memory_megabytes"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_ends_with_its_parent() {
    use rustix::event::{PollFd, PollFlags};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), 1, 24);
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["worker::tests::as_a_parent", "--exact", "--ignored", "--nocapture"])
        .env("JICHO_TEST_FOLDER", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("embedding") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the parent ended early");
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    // Readable once the process has ended; none where it was gone before it could be asked for.
    let pid = Pid::from_raw(line.rsplit(' ').next().unwrap().trim().parse().unwrap()).unwrap();
    if let Ok(worker) = pidfd_open(pid, PidfdFlags::empty()) {
        rustix::event::poll(&mut [PollFd::new(&worker, PollFlags::IN)], None).unwrap();
    }
    assert!(!folder.path().join("models/T_1/latest").exists(), "the worker went on without its parent");
}
