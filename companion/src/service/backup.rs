//! Copies of a service: one zip file with the database, the photos, the heads of the audit log, the
//! reports of trainings and the models.
//!
//! A copy is taken while the service runs. The database's part is one consistent snapshot; photos and models never change
//! under their name, so that those which the snapshot names can be copied after it. Every file's SHA-256 stands in
//! `backup.json`, and a restored folder is used only if all of them are right and the audit log is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use walkdir::WalkDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::App;
use super::audit::verify::{Verdict, verify};
use crate::error::{Error, Result, at};

/// The list of the copy's files, the last entry of the archive.
const LIST: &str = "backup.json";
/// The database within the archive.
const DATABASE: &str = "jicho.db";
/// What lies below the models folder.
const MODELS: &str = "models";
/// How often a snapshot is taken anew where photos were deleted meanwhile.
const ATTEMPTS: usize = 5;

/// What a copy holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// The program that wrote it.
    pub version: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_at: i64,
    /// SHA-256 in hex by path.
    pub files: BTreeMap<String, String>,
}

fn broken(file: &Path) -> impl Fn(zip::result::ZipError) -> Error {
    move |error| Error::Store(format!("{}: {error}", file.display()))
}

/// Writes a copy. The service may run meanwhile.
///
/// # Errors
/// Where something cannot be read or written; there is then no new copy.
pub async fn backup(app: &App, to: &Path) -> Result<Contents> {
    for _ in 0..ATTEMPTS {
        if let Some(contents) = attempt(app, to).await? {
            return Ok(contents);
        }
    }
    Err(Error::Store("photos are deleted faster than they can be copied; try again later".into()))
}

/// None where a file that the snapshot names was deleted before it was copied.
async fn attempt(app: &App, to: &Path) -> Result<Option<Contents>> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch = tempfile::tempdir_in(folder).map_err(at(folder))?;
    let snapshot = scratch.path().join(DATABASE);
    let failed = |error: sqlx::Error| Error::Store(format!("the database cannot be copied: {error}"));
    sqlx::query("VACUUM INTO ?")
        .bind(snapshot.display().to_string())
        .execute(app.database.read())
        .await
        .map_err(failed)?;
    let photos = photos_of(&snapshot).await.map_err(failed)?;

    let file = NamedTempFile::new_in(folder).map_err(at(folder))?;
    let mut archive = Archive::new(file.as_file(), to);
    archive.add(DATABASE, &snapshot)?;
    for (channel, file) in photos {
        let name = file.split_once('.').map_or(file.as_str(), |(name, _)| name).to_owned();
        for (kind, path) in [
            (format!("channels/{channel}/photos/{file}"), app.storage.photos(&channel).join(&file)),
            (
                format!("channels/{channel}/thumbnails/{name}.jpg"),
                app.storage.thumbnails(&channel).join(format!("{name}.jpg")),
            ),
        ] {
            match archive.add(&kind, &path) {
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
                added => added?,
            }
        }
    }
    archive.add_tree("audit", &app.storage.audit())?;
    archive.add_tree("reports", &app.storage.reports())?;
    archive.add_tree(MODELS, &app.settings.server.models)?;
    let contents = archive.end(app.now())?;
    file.as_file().sync_all().map_err(at(to))?;
    file.persist(to).map_err(|error| at(to)(error.error))?;
    Ok(Some(contents))
}

async fn photos_of(snapshot: &Path) -> Result<Vec<(String, String)>, sqlx::Error> {
    use sqlx::Connection as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(snapshot).read_only(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
    let rows = sqlx::query_as("SELECT channel_id, file FROM photos").fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(rows)
}

/// A zip that is being written.
struct Archive<'a> {
    zip: ZipWriter<&'a File>,
    to: &'a Path,
    files: BTreeMap<String, String>,
}

impl<'a> Archive<'a> {
    fn new(file: &'a File, to: &'a Path) -> Self {
        Archive { zip: ZipWriter::new(file), to, files: BTreeMap::new() }
    }

    fn add(&mut self, name: &str, path: &Path) -> Result<()> {
        let mut file = File::open(path).map_err(at(path))?;
        // Photos and models are packed as they are.
        let method = if name == DATABASE { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let options = SimpleFileOptions::default().compression_method(method).large_file(true);
        self.zip.start_file(name, options).map_err(broken(self.to))?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = file.read(&mut buffer).map_err(at(path))?;
            if count == 0 {
                break;
            }
            digest.update(&buffer[..count]);
            self.zip.write_all(&buffer[..count]).map_err(at(self.to))?;
        }
        self.files.insert(name.to_owned(), data_encoding::HEXLOWER.encode(&digest.finalize()));
        Ok(())
    }

    /// Adds the files of a folder, where there is one. What is hidden or vanishes meanwhile is not part of it.
    fn add_tree(&mut self, name: &str, folder: &Path) -> Result<()> {
        for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok) {
            let Ok(below) = entry.path().strip_prefix(folder) else { continue };
            let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
            let Some(parts) = parts.filter(|parts| !parts.iter().any(|part| part.starts_with('.'))) else { continue };
            if entry.file_type().is_file() {
                match self.add(&format!("{name}/{}", parts.join("/")), entry.path()) {
                    Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                    added => added?,
                }
            }
        }
        Ok(())
    }

    fn end(mut self, created_at: i64) -> Result<Contents> {
        let contents = Contents { version: env!("CARGO_PKG_VERSION").into(), created_at, files: self.files };
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.zip.start_file(LIST, options).map_err(broken(self.to))?;
        let text = serde_json::to_vec(&contents).map_err(Error::Json)?;
        self.zip.write_all(&text).map_err(at(self.to))?;
        self.zip.finish().map_err(broken(self.to))?;
        Ok(contents)
    }
}

/// Unpacks a copy into a data folder and a models folder that do not exist yet or are empty. They appear only when every
/// file is right.
///
/// # Errors
/// Where the copy is damaged, or a folder holds something already.
pub fn restore(from: &Path, data: &Path, models: &Path) -> Result<Contents> {
    for folder in [data, models] {
        if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            let text = format!("{} holds files already; name an empty folder, or move them away", folder.display());
            return Err(Error::BadInput(text));
        }
    }
    let file = File::open(from).map_err(at(from))?;
    let mut zip = ZipArchive::new(file).map_err(broken(from))?;
    let contents: Contents = {
        let mut list = zip.by_name(LIST).map_err(broken(from))?;
        let mut text = Vec::new();
        list.read_to_end(&mut text).map_err(at(from))?;
        serde_json::from_slice(&text)
            .map_err(|error| Error::Store(format!("{}: the list of its files is damaged: {error}", from.display())))?
    };
    let beside = |folder: &Path| {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(at(parent))?;
        tempfile::tempdir_in(parent).map_err(at(parent))
    };
    let (new_data, new_models) = (beside(data)?, beside(models)?);
    for (name, sha256) in &contents.files {
        let place = place(name, new_data.path(), new_models.path());
        let place = place.ok_or_else(|| Error::Store(format!("{}: `{name}` is no path of a copy", from.display())))?;
        unpack(&mut zip, name, sha256, &place, from)?;
    }
    for (new, folder) in [(new_models, models), (new_data, data)] {
        // An empty folder gives way to the restored one.
        let _ = fs::remove_dir(folder);
        fs::rename(new.keep(), folder).map_err(at(folder))?;
    }
    Ok(contents)
}

/// Where a file of the archive goes; none for a path that leads elsewhere.
fn place(name: &str, data: &Path, models: &Path) -> Option<PathBuf> {
    let parts: Vec<&str> = name.split('/').collect();
    let is_plain = |part: &&str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    if !parts.iter().all(is_plain) {
        return None;
    }
    match parts.split_first()? {
        (&MODELS, rest) if !rest.is_empty() => Some(models.join(rest.join("/"))),
        (&"channels" | &"audit" | &"reports", _) => Some(data.join(name)),
        (&DATABASE, []) => Some(data.join(DATABASE)),
        _ => None,
    }
}

fn unpack(zip: &mut ZipArchive<File>, name: &str, sha256: &str, place: &Path, from: &Path) -> Result<()> {
    let mut entry = zip.by_name(name).map_err(broken(from))?;
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let mut file = File::create(place).map_err(at(place))?;
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let count = entry.read(&mut buffer).map_err(|error| {
            Error::Store(format!("{}: `{name}` is damaged ({error}); nothing was restored", from.display()))
        })?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
        file.write_all(&buffer[..count]).map_err(at(place))?;
    }
    file.sync_all().map_err(at(place))?;
    match data_encoding::HEXLOWER.encode(&digest.finalize()) == sha256 {
        true => Ok(()),
        false => Err(Error::Store(format!("{}: `{name}` is damaged; nothing was restored", from.display()))),
    }
}

/// Checks a restored folder: the database's own structure, and the chain of the audit log.
///
/// # Errors
/// What is broken.
pub async fn check(app: &App) -> Result<()> {
    let failed = |error: sqlx::Error| Error::Store(format!("the restored database cannot be read: {error}"));
    let mut reader = app.database.read().acquire().await.map_err(failed)?;
    let state: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut *reader).await.map_err(failed)?;
    if state != "ok" {
        return Err(Error::Store(format!("the restored database is damaged: {state}")));
    }
    match verify(&mut reader, &app.storage).await.map_err(failed)? {
        Verdict::Whole { .. } => Ok(()),
        Verdict::Broken { seq, why } => Err(Error::Store(format!("the audit log is broken at record {seq}: {why}"))),
    }
}
