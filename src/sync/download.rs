//! Downloads the files of a release: several at once, with progress, retries and resumption. Bytes that came are not fetched
//! a second time.

use std::cell::{Cell, RefCell};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::http_client::{HttpClient, bad_status};
use super::{Body, Host, Request, Store, verify};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::FileEntry;

/// How many files are downloaded at once.
const CONNECTIONS: usize = 4;
/// Retries per file after its connection broke.
const RETRIES: u32 = 3;
/// How many range requests in a row may fail without a response before the whole file is requested instead: some hosts and
/// proxies refuse ranges.
const FAILED_RANGE_REQUESTS: u32 = 2;
/// How many bytes of failed downloads stay in memory for the next sync.
const KEPT_BYTES: usize = 64 << 20;
/// How much room a file gets before its first byte comes. `metadata.json` may claim any length.
const FIRST_ROOM: usize = 1 << 20;

/// The files that have not come completely or are not in use yet, by their hash. They live as long as the channel is open,
/// so that a sync resumes what an earlier one could not finish.
#[derive(Default)]
pub(super) struct Downloads(RefCell<Vec<(String, Part)>>);

/// What has come of one file.
#[derive(Default)]
struct Part {
    bytes: Vec<u8>,
    /// The `ETag`, if it is a strong one.
    etag: Option<String>,
    /// Whether the bytes are the file's own (not compressed on the way), so that their number is an offset in the file.
    plain: bool,
    /// Whether the bytes came in more than one response.
    joined: bool,
}

/// A part that is being downloaded. When dropped, by a cancelled future too, it goes back to the others.
struct PartInUse<'a> {
    downloads: &'a Downloads,
    sha256: &'a str,
    part: Part,
}

impl Drop for PartInUse<'_> {
    fn drop(&mut self) {
        let part = std::mem::take(&mut self.part);
        if !part.bytes.is_empty() {
            self.downloads.0.borrow_mut().push((self.sha256.to_owned(), part));
        }
    }
}

/// Counts the bytes that have come of all files together.
struct Progress<'a> {
    files: Vec<Cell<u64>>,
    total: u64,
    last_report: Cell<Option<u64>>,
    /// How many bytes must come before the next report.
    step: Cell<u64>,
    report: RefCell<&'a mut dyn FnMut(u64, u64)>,
}

impl Progress<'_> {
    fn set(&self, file: usize, bytes: u64) {
        self.files[file].set(bytes);
        let loaded: u64 = self.files.iter().map(Cell::get).sum();
        // Reporting every chunk would cost too much: report the first bytes, then each percent, then the end.
        let step = if loaded == self.total { 1 } else { self.step.get() };
        if self.last_report.get().is_some_and(|last| loaded.abs_diff(last) < step) {
            return;
        }
        self.step.set(if self.last_report.get().is_some() { self.total / 100 } else { 1 });
        self.last_report.set(Some(loaded));
        (self.report.borrow_mut())(loaded, self.total);
    }
}

impl Downloads {
    /// Downloads `files` and returns their verified bytes, in the same order. When it fails, what has come stays for the
    /// next call.
    pub(super) async fn fetch(
        &self,
        client: &HttpClient<'_, impl Host>,
        store: &impl Store,
        models: &str,
        files: &[&FileEntry],
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Vec<Vec<u8>>> {
        self.0.borrow_mut().retain(|(sha256, _)| files.iter().any(|f| f.sha256 == *sha256));
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let kept = |f: &&FileEntry| {
            let parts = self.0.borrow();
            Cell::new(parts.iter().find(|p| p.0 == f.sha256).map_or(0, |p| p.1.bytes.len() as u64))
        };
        let progress = Progress {
            files: files.iter().map(kept).collect(),
            total: files.iter().map(|f| f.bytes).sum(),
            last_report: Cell::default(),
            step: Cell::default(),
            report: RefCell::new(on_progress),
        };
        progress.set(0, progress.files[0].get());
        let progress = &progress;
        let downloads = files.iter().enumerate().map(|(i, file)| async move {
            let url = format!("{models}{}", file.url);
            self.download(client, store, &url, file, &|bytes| progress.set(i, bytes.min(file.bytes))).await
        });
        let fetched = stream::iter(downloads).buffer_unordered(CONNECTIONS).try_collect::<()>().await;
        if let Err(error) = fetched {
            self.evict_beyond_limit();
            return Err(error);
        }
        progress.files.iter().zip(files).for_each(|(bytes, file)| bytes.set(file.bytes));
        progress.set(0, files[0].bytes);
        Ok(files.iter().map(|f| self.take(&f.sha256).bytes).collect())
    }

    /// How many bytes the next sync can resume from.
    pub(super) fn bytes(&self) -> usize {
        self.0.borrow().iter().map(|part| part.1.bytes.len()).sum()
    }

    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    fn evict_beyond_limit(&self) {
        while self.bytes() > KEPT_BYTES {
            self.0.borrow_mut().pop();
        }
    }

    fn take(&self, sha256: &str) -> Part {
        let mut parts = self.0.borrow_mut();
        let place = parts.iter().position(|part| part.0 == sha256);
        place.map(|place| parts.swap_remove(place).1).unwrap_or_default()
    }

    /// Downloads and verifies one file, resuming from the part that is there.
    async fn download(
        &self,
        client: &HttpClient<'_, impl Host>,
        store: &impl Store,
        url: &str,
        file: &FileEntry,
        report: &dyn Fn(u64),
    ) -> Result<()> {
        let mut in_use = PartInUse { downloads: self, sha256: &file.sha256, part: self.take(&file.sha256) };
        let part = &mut in_use.part;
        let mut is_second_attempt = false;
        loop {
            if part.bytes.len() as u64 != file.bytes {
                part.complete(client, url, file, !is_second_attempt, report).await?;
            }
            let verified = verify(store, file, &part.bytes).await;
            let joined = part.joined;
            if verified.is_ok() {
                return Ok(());
            }
            *part = Part::default();
            // Pieces may belong to two versions of the file, so they are worth a second attempt in one piece.
            if !joined || is_second_attempt {
                return verified;
            }
            is_second_attempt = true;
        }
    }
}

impl Part {
    /// Downloads the rest of the file, with retries. Without `resume`, the file is downloaded from its start.
    async fn complete(
        &mut self,
        client: &HttpClient<'_, impl Host>,
        url: &str,
        file: &FileEntry,
        resume: bool,
        report: &dyn Fn(u64),
    ) -> Result<()> {
        let mut failed_ranges = if resume { 0 } else { FAILED_RANGE_REQUESTS };
        let mut retry = 0;
        loop {
            match self.append_response(client, url, file, &mut failed_ranges, report).await {
                // All bytes had come when the connection broke: the host announced a wrong length.
                Err(error) if error.kind() == ErrorKind::Network && self.bytes.len() as u64 == file.bytes => {
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Network && retry < RETRIES => {
                    retry += 1;
                    client.host().pause(retry).await?;
                }
                ended => return ended,
            }
        }
    }

    /// Sends one request and reads its response to the end. `failed_ranges` counts the range requests in a row that brought
    /// no response; after [`FAILED_RANGE_REQUESTS`] the whole file is requested.
    async fn append_response(
        &mut self,
        client: &HttpClient<'_, impl Host>,
        url: &str,
        file: &FileEntry,
        failed_ranges: &mut u32,
        report: &dyn Fn(u64),
    ) -> Result<()> {
        let range_start =
            if *failed_ranges < FAILED_RANGE_REQUESTS && self.plain { self.bytes.len() as u64 } else { 0 };
        let is_range = range_start > 0;
        *failed_ranges += u32::from(is_range);
        let if_range = self.etag.as_deref().filter(|_| is_range);
        let request = Request { url, mutable: false, if_none_match: None, range_start, if_range, token: None };
        let (head, mut body) = client.send(&request).await?;
        if is_range {
            *failed_ranges = 0;
        }
        let fits = head.range_start.is_none_or(|start| start == range_start);
        match head.status {
            206 if is_range && !head.encoded && fits => self.joined = true,
            // Another range than the one that was requested.
            206 | 416 if is_range => {
                *self = Part::default();
                return Err(Error::new(ErrorKind::Network, format!("{url}: the download cannot be resumed")));
            }
            404 => {
                let message = format!("{url}: 404, although metadata.json names it: the release is incomplete");
                return Err(Error::new(ErrorKind::HttpStatus, message));
            }
            200..=299 if head.status != 206 => {
                let etag = head.etag.filter(|etag| !etag.starts_with("W/"));
                *self = Part { bytes: std::mem::take(&mut self.bytes), etag, plain: !head.encoded, joined: false };
                self.bytes.clear();
            }
            status => return Err(bad_status(url, status)),
        }
        let left = file.bytes.saturating_sub(self.bytes.len() as u64);
        // The end of a body is reported some time after its last byte. A host that announced the right length is believed:
        // should more bytes follow, they would not be read, and those that were read are verified.
        let announced = head.length == Some(left) && !head.encoded;
        loop {
            self.make_room(file.bytes, url)?;
            if !body.read(&mut self.bytes).await? {
                return Ok(());
            }
            let bytes = self.bytes.len() as u64;
            report(bytes);
            if announced && bytes == file.bytes {
                body.finish();
                return Ok(());
            }
            if bytes > file.bytes {
                return Ok(());
            }
        }
    }

    /// Makes room for the next bytes: as much again as has come, and never more than the file's length. So memory grows
    /// with the bytes that come, not with the length that a metadata.json claims.
    fn make_room(&mut self, file_bytes: u64, url: &str) -> Result<()> {
        if self.bytes.len() < self.bytes.capacity() {
            return Ok(());
        }
        let left = file_bytes.saturating_sub(self.bytes.len() as u64);
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(self.bytes.len().max(FIRST_ROOM));
        self.bytes.try_reserve_exact(room).map_err(|_| {
            let message = format!("{url}: {left} more bytes do not fit into this device's memory");
            Error::new(ErrorKind::Unsupported, message)
        })
    }
}
