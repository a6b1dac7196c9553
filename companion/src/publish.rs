//! Publishing a release to a models folder.
//!
//! Immutable files first: blobs by their SHA-256, then `{channel}/versions/{version}/`. They are read back and asked
//! for the golden vector; only then is `{channel}/latest/metadata.json` replaced, by one rename. A crash at any
//! point leaves the old release in force. A lock on the models folder keeps two publishers apart.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use jicho::manifest::{MAX_RELEASE_SEQ, Manifest, check_channel};
use jicho::{ErrorKind, Recognizer};

use crate::error::{Error, Result, at};
use crate::release::{Release, sha256};

/// Beginning of the names of files that are being written.
const NEW: &str = ".new-";

/// What was published.
pub struct Published {
    /// The manifest now in force.
    pub manifest: Manifest,
    /// Its `latest/metadata.json`.
    pub path: PathBuf,
}

/// Publishes `release` into `models`, with `extra` files beside its versioned manifest.
///
/// # Errors
/// I/O errors; `HASH_MISMATCH` or `GOLDEN_MISMATCH` when what was written is not what was meant. The release in
/// force is then unchanged.
pub fn run(mut release: Release, models: &Path, extra: &[(&str, Vec<u8>)]) -> Result<Published> {
    let channel = release.manifest.channel_id.clone();
    check_channel(&channel)?;
    make_folder(models)?;
    let lock_path = models.join(".lock");
    let lock = File::create(&lock_path).map_err(at(&lock_path))?;
    // Held until `lock` is dropped; the system releases it when the process dies.
    lock.lock().map_err(at(&lock_path))?;

    let folder = models.join(&channel);
    let latest = folder.join("latest/metadata.json");
    let previous = match fs::read(&latest) {
        Ok(bytes) => sequence_of(&bytes, &latest)?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => 0,
        Err(e) => return Err(at(&latest)(e)),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    release.manifest.release_seq = now.max(previous + 1);
    release.manifest.version = version_name(&release.manifest);

    let blobs = models.join("blobs");
    // Nobody else writes while the lock is held: what a killed publisher left behind is rubbish.
    for folder in [&blobs, &folder.join("latest")] {
        sweep(folder)?;
    }
    // Devices would refuse it: better now than after its files are written.
    Manifest::parse(&json(&release.manifest)?)?;
    for file in &release.manifest.files {
        let bytes = release.files.get(file.name.as_str()).map_or(&[][..], Vec::as_slice);
        let path = models.join(&file.url);
        if path.parent() != Some(blobs.as_path()) {
            return Err(Error::BadInput(format!("{} is not within {}", path.display(), blobs.display())));
        }
        // A blob that is there with the right bytes is the same blob; one with other bytes is damage to mend.
        if !fs::read(&path).is_ok_and(|there| there == *bytes) {
            write_atomically(&path, bytes)?;
        }
    }
    let json = json(&release.manifest)?;
    let version = folder.join("versions").join(&release.manifest.version);
    for (name, bytes) in extra {
        write_atomically(&version.join(name), bytes)?;
    }
    write_atomically(&version.join("metadata.json"), &json)?;

    // Also those that no device like this one needs.
    release.manifest.files.iter().try_for_each(|file| read_file(models, file).map(drop))?;
    let written = read_release(models, &version.join("metadata.json"), &channel)?;
    written.check_golden()?;
    write_atomically(&latest, &json)?;
    Ok(Published { manifest: release.manifest, path: latest })
}

/// Loads the release in force of the channel folder `channel` (`…/ml-models/T_1`) as a device does, verifying the files
/// it needs.
///
/// # Errors
/// As for a device: missing files, `HASH_MISMATCH`, an invalid manifest or model.
pub fn open(channel: &Path) -> Result<Recognizer> {
    let path = channel.canonicalize().map_err(|e| {
        let channel = channel.display();
        Error::NotFound(format!("{channel}: {e}; give the folder of a published channel, as ml-models/T_1"))
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let models = path.parent().unwrap_or(Path::new("/"));
    read_release(models, &path.join("latest/metadata.json"), &name)
}

/// The verified bytes of a file of a release.
///
/// # Errors
/// I/O errors, `SIZE_MISMATCH`, `HASH_MISMATCH`.
pub fn read_file(models: &Path, file: &jicho::manifest::FileEntry) -> Result<Vec<u8>> {
    let path = models.join(&file.url);
    let bytes = fs::read(&path).map_err(at(&path))?;
    if bytes.len() as u64 != file.bytes {
        let message = format!("{} has {} bytes, metadata.json says {}", path.display(), bytes.len(), file.bytes);
        return Err(jicho::Error::new(ErrorKind::SizeMismatch, message).into());
    }
    if sha256(&bytes) != file.sha256 {
        let message = format!("{} is damaged: its SHA-256 is not that of metadata.json; publish again", path.display());
        return Err(jicho::Error::new(ErrorKind::HashMismatch, message).into());
    }
    Ok(bytes)
}

fn read_release(models: &Path, metadata: &Path, channel: &str) -> Result<Recognizer> {
    let bytes = fs::read(metadata).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound(format!(
            "{} does not exist; give the folder of a published channel, as ml-models/T_1",
            metadata.display()
        )),
        _ => at(metadata)(e),
    })?;
    let manifest = Manifest::parse(&bytes).map_err(|e| e.context(metadata.display()))?;
    if manifest.channel_id != channel {
        let message = format!("{} is a release of `{}`, not of `{channel}`", metadata.display(), manifest.channel_id);
        return Err(jicho::Error::new(ErrorKind::InvalidManifest, message).into());
    }
    let files = manifest
        .needed()
        .map(|file| Ok((file.role, read_file(models, file)?)))
        .collect::<Result<std::collections::HashMap<_, _>>>()?;
    let file = |role| {
        files.get(&role).map(Vec::as_slice).ok_or_else(|| {
            jicho::Error::new(ErrorKind::InvalidManifest, format!("the release has no file for {role:?}"))
        })
    };
    Ok(Recognizer::load(manifest, file)?)
}

/// `20261121-015500-3f2a9c1b`: the sequence number read as a time, and the digest of the files.
fn version_name(manifest: &Manifest) -> String {
    let digests: String = manifest.files.iter().map(|f| f.sha256.as_str()).collect();
    let digest = &sha256(digests.as_bytes())[..8];
    let time = i64::try_from(manifest.release_seq).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    time.map_or_else(
        || format!("{}-{digest}", manifest.release_seq),
        |t| format!("{}-{digest}", t.strftime("%Y%m%d-%H%M%S")),
    )
}

/// The sequence number to surpass. A damaged file must not restart the count, which would strand every device.
fn sequence_of(bytes: &[u8], path: &Path) -> Result<u64> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Sequence {
        release_seq: u64,
    }
    let damaged = |why: String| {
        let message = format!("{} is damaged ({why}); move it away to publish anew", path.display());
        jicho::Error::new(ErrorKind::InvalidManifest, message)
    };
    let Sequence { release_seq } = serde_json::from_slice(bytes).map_err(|e| damaged(e.to_string()))?;
    if release_seq >= MAX_RELEASE_SEQ {
        return Err(damaged(format!("its releaseSeq is {release_seq}")).into());
    }
    Ok(release_seq)
}

/// Checks that `models` can be written to, before hours of work are spent.
///
/// # Errors
/// I/O errors that name the folder.
pub fn check_writable(models: &Path) -> Result<()> {
    make_folder(models)?;
    tempfile::Builder::new().prefix(NEW).tempfile_in(models).map(drop).map_err(at(models))
}

/// Readable JSON.
///
/// # Errors
/// `INTERNAL`, for values that JSON cannot hold.
pub fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let internal = |e: serde_json::Error| jicho::Error::new(ErrorKind::Internal, e.to_string());
    Ok(serde_json::to_vec_pretty(value).map_err(internal)?)
}

/// Makes a folder and those above it, each durable before anything is put into it.
fn make_folder(folder: &Path) -> Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    make_folder(parent)?;
    match fs::create_dir(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(at(folder)(e)),
        _ => sync_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }),
    }
}

fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(folder).and_then(|f| f.sync_all()).map_err(at(folder))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn sweep(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(at(folder)(e)),
    };
    for entry in entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with(NEW)) {
        fs::remove_file(entry.path()).map_err(at(entry.path()))?;
    }
    Ok(())
}

/// Writes to a hidden file beside `path`, syncs, renames over `path`, syncs the folder.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(folder).map_err(at(folder))?;
    file.write_all(bytes).map_err(at(path))?;
    file.as_file().sync_all().map_err(at(path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private; a web server runs as somebody else.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(at(path))?;
    }
    file.persist(path).map_err(|e| at(path)(e.error))?;
    sync_folder(folder)
}
