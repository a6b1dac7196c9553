//! A shop in a temporary folder, and the commands run in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, str};

use data_encoding::HEXLOWER;
use jicho::Manifest;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The folder in which a test's commands run, so that they can name their files by relative paths.
pub struct Shop {
    dir: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Shop {
    /// An empty folder.
    pub fn new() -> Self {
        Shop { dir: tempfile::tempdir().unwrap() }
    }

    /// `photos/` with `each` photos of the first `products` sample products.
    pub fn with_photos(products: usize, each: usize) -> Self {
        let shop = Shop::new();
        shop.run(&format!("samples photos --products {products} --photos {each} --size 96")).ok();
        shop
    }

    /// As [`Shop::with_photos`], trained and published as `models/T_1`.
    pub fn trained(products: usize, each: usize) -> Self {
        let shop = Shop::with_photos(products, each);
        shop.run("train photos --channel T_1 --out models").ok();
        shop
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, its folder included.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// A command to be run in the folder.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jicho"));
        command.current_dir(self.dir.path()).env("JICHO_CACHE", self.path("cache")).stdin(Stdio::null());
        command
    }

    /// Runs `jicho` with arguments that have no blanks in them.
    pub fn run(&self, arguments: &str) -> Outcome {
        self.run_with(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    pub fn run_with(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command().args(arguments))
    }

    /// `latest/metadata.json` of a channel of `models/`, checked as a device does.
    pub fn manifest(&self, channel: &str) -> Manifest {
        Manifest::parse(&self.read(&latest(channel))).unwrap()
    }

    /// The same, as plain JSON.
    pub fn metadata(&self, channel: &str) -> Value {
        serde_json::from_slice(&self.read(&latest(channel))).unwrap()
    }

    /// The private report of a channel's release in force.
    pub fn report(&self, channel: &str) -> Value {
        let version = self.manifest(channel).version;
        serde_json::from_slice(&self.read(&format!("models-reports/{channel}/{version}/report.json"))).unwrap()
    }

    /// Every file below `models/` but the lock, by its path: what the world sees of the shop.
    pub fn published(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path("models"), "", &mut files);
        files.remove(".lock");
        files
    }

    /// Evaluates a channel; the measures and the predictions, a line an image.
    pub fn evaluate(&self, channel: &str, photos: &str) -> (Value, Vec<Value>) {
        let command = format!("evaluate models/{channel} --photos {photos} --json --predictions predictions.jsonl");
        let measures = self.run(&command).ok().json();
        let lines = self.read("predictions.jsonl");
        let lines = str::from_utf8(&lines).unwrap().lines();
        (measures, lines.map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

/// The path of a channel's release in force.
pub fn latest(channel: &str) -> String {
    format!("models/{channel}/latest/metadata.json")
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

impl Outcome {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The command must have succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// The command must have failed with this code, and said so.
    #[track_caller]
    pub fn fails(self, code: &str) -> Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        let error = format!("error[{code}]: ");
        assert!(self.stderr.lines().any(|line| line.starts_with(&error)), "no {error}in {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    /// The command must have been refused for how it was written.
    #[track_caller]
    pub fn usage(self) -> Self {
        assert_eq!(self.code, Some(2), "{self:?}");
        self
    }

    /// What it said to people must contain each of `parts`.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in {}", self.stderr);
        }
        self
    }

    /// The one JSON value on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }

    /// A JSON value a line of stdout.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let line = |l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e} in {l}"));
        self.stdout.lines().map(line).collect()
    }
}

/// Lower-case hex of the SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Label and confidence pairs of a line of predictions.
pub fn confidences(line: &Value) -> Vec<(String, f64)> {
    let pairs = line["predictions"].as_array().unwrap().iter();
    pairs.map(|p| (p["label"].as_str().unwrap().to_owned(), p["confidence"].as_f64().unwrap())).collect()
}

/// The same, by label.
pub fn by_label(line: &Value) -> BTreeMap<String, f64> {
    confidences(line).into_iter().collect()
}

/// The largest difference of two answers' confidences, label by label.
#[track_caller]
pub fn difference(a: &BTreeMap<String, f64>, b: &BTreeMap<String, f64>) -> f64 {
    assert!(a.keys().eq(b.keys()), "{a:?} and {b:?} have other labels");
    a.values().zip(b.values()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

/// The line of the image of that name.
#[track_caller]
pub fn line<'a>(lines: &'a [Value], image: &str) -> &'a Value {
    lines.iter().find(|l| l["image"] == image).unwrap_or_else(|| panic!("no {image} in {lines:?}"))
}
