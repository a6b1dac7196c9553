//! Fetching a release's files: side by side, counted, and never the same bytes twice.

use std::cell::{Cell, RefCell};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::http_client::{Client, bad_status};
use super::{Body, Host, Request, Store, verify};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::FileEntry;

/// Connections at once.
const CONNECTIONS: usize = 4;
/// How often a broken connection is tried again, a file.
const RETRIES: u32 = 3;
/// How many requests for the rest of a file, one after another, may stay without an answer.
const UNANSWERED: u32 = 2;
/// How many bytes a failed download may leave in memory for the next one.
const KEPT_BYTES: usize = 64 << 20;

/// What has come of files that are not whole yet or not in use, by their hash. Lives as long as the channel is open, so
/// that a download that failed is gone on with.
#[derive(Default)]
pub(super) struct Parts(RefCell<Vec<(String, Part)>>);

#[derive(Default)]
struct Part {
    bytes: Vec<u8>,
    /// Strong.
    etag: Option<String>,
    /// Whether the host sent the bytes themselves, so that their number is a place in the file.
    plain: bool,
    /// Whether the bytes came in more than one answer.
    joined: bool,
}

/// A file's part while it is worked on. Put back whatever happens, a dropped future included.
struct Taken<'a> {
    parts: &'a Parts,
    sha256: &'a str,
    part: Part,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let part = std::mem::take(&mut self.part);
        if !part.bytes.is_empty() {
            self.parts.0.borrow_mut().push((self.sha256.to_owned(), part));
        }
    }
}

/// Bytes that came, of all files together.
struct Progress<'a> {
    files: Vec<Cell<u64>>,
    total: u64,
    /// What was reported last.
    told: Cell<Option<u64>>,
    /// How many bytes are worth the next report.
    step: Cell<u64>,
    report: RefCell<&'a mut dyn FnMut(u64, u64)>,
}

impl Progress<'_> {
    fn set(&self, file: usize, bytes: u64) {
        self.files[file].set(bytes);
        let loaded: u64 = self.files.iter().map(Cell::get).sum();
        // A report costs more than a chunk tells: the first bytes, then every hundredth, and all.
        let step = if loaded == self.total { 1 } else { self.step.get() };
        if self.told.get().is_some_and(|told| loaded.abs_diff(told) < step) {
            return;
        }
        self.step.set(if self.told.get().is_some() { self.total / 100 } else { 1 });
        self.told.set(Some(loaded));
        (self.report.borrow_mut())(loaded, self.total);
    }
}

impl Parts {
    /// The verified bytes of `files`, in their order. What came stays for the next call when this one fails.
    pub(super) async fn fetch(
        &self,
        client: &Client<'_, impl Host>,
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
            told: Cell::default(),
            step: Cell::default(),
            report: RefCell::new(on_progress),
        };
        progress.set(0, progress.files[0].get());
        let progress = &progress;
        let downloads = files.iter().enumerate().map(|(i, file)| async move {
            let url = format!("{models}{}", file.url);
            self.whole(client, store, &url, file, &|bytes| progress.set(i, bytes.min(file.bytes))).await
        });
        let fetched = stream::iter(downloads).buffer_unordered(CONNECTIONS).try_collect::<()>().await;
        if let Err(error) = fetched {
            self.bound();
            return Err(error);
        }
        progress.files.iter().zip(files).for_each(|(bytes, file)| bytes.set(file.bytes));
        progress.set(0, files[0].bytes);
        Ok(files.iter().map(|f| self.take(&f.sha256).bytes).collect())
    }

    /// How many bytes wait for the next sync.
    pub(super) fn bytes(&self) -> usize {
        self.0.borrow().iter().map(|part| part.1.bytes.len()).sum()
    }

    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    fn bound(&self) {
        while self.bytes() > KEPT_BYTES {
            self.0.borrow_mut().pop();
        }
    }

    fn take(&self, sha256: &str) -> Part {
        let mut parts = self.0.borrow_mut();
        let place = parts.iter().position(|part| part.0 == sha256);
        place.map(|place| parts.swap_remove(place).1).unwrap_or_default()
    }

    /// Makes a file's part the whole file.
    async fn whole(
        &self,
        client: &Client<'_, impl Host>,
        store: &impl Store,
        url: &str,
        file: &FileEntry,
        report: &dyn Fn(u64),
    ) -> Result<()> {
        let mut taken = Taken { parts: self, sha256: &file.sha256, part: self.take(&file.sha256) };
        let part = &mut taken.part;
        let mut again = false;
        loop {
            if part.bytes.len() as u64 != file.bytes {
                part.complete(client, url, file, !again, report).await?;
            }
            let verified = verify(store, file, &part.bytes).await;
            let joined = part.joined;
            if verified.is_ok() {
                return Ok(());
            }
            *part = Part::default();
            // Perhaps the pieces belong to two files; one that came in one piece has no excuse.
            if !joined || again {
                return verified;
            }
            again = true;
        }
    }
}

impl Part {
    /// `resume` says whether it may be gone on with where it broke off.
    async fn complete(
        &mut self,
        client: &Client<'_, impl Host>,
        url: &str,
        file: &FileEntry,
        resume: bool,
        report: &dyn Fn(u64),
    ) -> Result<()> {
        let mut unanswered = if resume { 0 } else { UNANSWERED };
        let mut retry = 0;
        loop {
            match self.continued(client, url, file, &mut unanswered, report).await {
                // The last byte came before the connection broke: a host that told a wrong length.
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

    /// Reads one answer to its end. `unanswered` counts the requests for the rest only that brought no answer: a host or
    /// proxy that knows no ranges may refuse them, so that after [`UNANSWERED`] all is asked for.
    async fn continued(
        &mut self,
        client: &Client<'_, impl Host>,
        url: &str,
        file: &FileEntry,
        unanswered: &mut u32,
        report: &dyn Fn(u64),
    ) -> Result<()> {
        let from = if *unanswered < UNANSWERED && self.plain { self.bytes.len() as u64 } else { 0 };
        *unanswered += u32::from(from > 0);
        let only_if = self.etag.as_deref().filter(|_| from > 0);
        let request = Request { url, mutable: false, unless: None, from, only_if, token: None };
        let (head, mut body) = client.send(&request).await?;
        if from > 0 {
            *unanswered = 0;
        }
        match head.status {
            206 if from > 0 && !head.encoded && head.start.is_none_or(|start| start == from) => self.joined = true,
            // Not the rest that was asked for.
            206 | 416 if from > 0 => {
                *self = Part::default();
                return Err(Error::new(ErrorKind::Network, format!("{url}: cannot be continued")));
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
        if !usize::try_from(left).is_ok_and(|left| self.bytes.try_reserve_exact(left).is_ok()) {
            let message = format!("{url}: {left} bytes do not fit into this device's memory");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        // A browser tells the end of a body some time after its last byte. Who said how many there are is believed: if
        // more came, they would not be read, and what was read is verified.
        let told = head.length == Some(left) && !head.encoded;
        while body.read(&mut self.bytes).await? {
            let bytes = self.bytes.len() as u64;
            report(bytes);
            if bytes > file.bytes || (told && bytes == file.bytes) {
                break;
            }
        }
        Ok(())
    }
}
