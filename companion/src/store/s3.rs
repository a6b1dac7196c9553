//! A bucket of an S3-style service: `s3://bucket/prefix`, with credentials, region and endpoint from the usual `AWS_…`
//! variables. Every object is written as a whole. What two publishers could write at once, the release in force and the
//! lock, is only written over what was read (`If-Match`).

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientConfigKey, Error as Failure, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, RetryConfig, UpdateVersion,
};
use tokio::runtime::Runtime;

use super::lease::Lease;
use super::{Current, Entry, Lock, Store};
use crate::error::{Error, Result};

const LOCK: &str = ".lock";
/// Slow lines need time for a network; a dead one is noticed by the retries.
const TIMEOUT: &str = "10 minutes";
/// How often a request is tried again that the service failed.
const RETRIES: usize = 5;

/// A models folder in a bucket.
pub struct Bucket {
    runtime: Runtime,
    objects: Arc<Objects>,
}

impl Bucket {
    /// The models folder at `address`, which is `bucket` or `bucket/prefix`. Asks the service nothing yet.
    ///
    /// # Errors
    /// `STORE`: an address that cannot be one, `AWS_…` variables that cannot be used.
    pub fn open(address: &str) -> Result<Self> {
        let unusable = |why: &dyn std::fmt::Display| {
            let address = format!("s3://{address}");
            Error::Store(format!(
                "{address} cannot be used: {why}; write s3://BUCKET/FOLDER and set AWS_REGION, or AWS_ENDPOINT_URL for services other than Amazon's"
            ))
        };
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        if !is_bucket(bucket) {
            return Err(unusable(&"a bucket's name has 3 to 63 of a–z 0–9 . -"));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if prefix.starts_with('/') {
            return Err(unusable(&"its folder begins with a second /"));
        }
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        if std::env::var_os("AWS_TIMEOUT").is_none() {
            builder = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), TIMEOUT);
        }
        let told = |key: AmazonS3ConfigKey| builder.get_config_value(&key);
        let anonymous = told(AmazonS3ConfigKey::AccessKeyId).is_none();
        let endpoint = told(AmazonS3ConfigKey::S3Endpoint).or(told(AmazonS3ConfigKey::Endpoint));
        // The library panics on them later.
        let region = told(AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".into());
        if region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(unusable(&format_args!("AWS_REGION is `{region}`")));
        }
        if let Some(bad) = endpoint.as_ref().filter(|e| !is_endpoint(e)) {
            return Err(unusable(&format_args!("AWS_ENDPOINT_URL is `{bad}`, not like https://s3.example.org")));
        }
        // Whoever names such an endpoint means it; requests are signed, and models no secret.
        let plain = endpoint.as_ref().is_some_and(|e| e.starts_with("http://"));
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
        let retry = RetryConfig { backoff, max_retries: RETRIES, ..RetryConfig::default() };
        let builder = if plain { builder.with_allow_http(true) } else { builder };
        // Not every service knows how to remove many at once.
        let s3 = builder.with_retry(retry).with_disable_bulk_delete(true).build().map_err(|e| unusable(&e))?;
        let root = Path::parse(prefix).map_err(|e| unusable(&e))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|e| unusable(&e))?;
        let endpoint = endpoint.unwrap_or_else(|| "Amazon".into());
        let objects = Objects { s3, root, bucket: bucket.to_owned(), endpoint, anonymous };
        Ok(Bucket { runtime, objects: Arc::new(objects) })
    }
}

/// Others would be read as parts of an URL.
fn is_bucket(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    (3..=63).contains(&name.len()) && name.chars().all(inner) && !name.starts_with(['.', '-'])
}

fn is_endpoint(address: &str) -> bool {
    let uri = address.parse::<axum::http::Uri>().ok();
    uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty())
    })
}

impl Store for Bucket {
    fn show(&self, path: &str) -> String {
        self.objects.show(path)
    }

    fn current(&self, path: &str) -> Result<Option<Current>> {
        self.runtime.block_on(self.objects.read(path))
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let put = self.objects.put(path, bytes, PutMode::Overwrite);
        self.runtime.block_on(put).map(drop).map_err(|e| self.objects.failure(path, &e))
    }

    fn replace(&self, path: &str, bytes: &[u8], before: Option<&Current>) -> Result<()> {
        let mode = before.map_or(PutMode::Create, |before| over(before.tag.clone()));
        self.runtime.block_on(async {
            match self.objects.put(path, bytes, mode).await {
                Ok(_) => Ok(()),
                // The answer to an attempt that had arrived may have been lost, and the next was refused for it.
                Err(_) if matches!(self.objects.read(path).await, Ok(Some(there)) if there.bytes == bytes) => Ok(()),
                Err(Failure::Precondition { .. } | Failure::AlreadyExists { .. }) => Err(Error::Locked(format!(
                    "{} was written by somebody else meanwhile, and stays as it is; publish again",
                    self.show(path)
                ))),
                Err(e) => Err(self.objects.failure(path, &e)),
            }
        })
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.runtime.block_on(self.objects.remove(path))
    }

    fn remove_folder(&self, folder: &str) -> Result<()> {
        for entry in self.list(folder)? {
            let path = format!("{folder}/{}", entry.name);
            if entry.folder { self.remove_folder(&path)? } else { self.remove(&path)? }
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>> {
        let at = self.objects.path(folder)?;
        let listed = self.runtime.block_on(self.objects.s3.list_with_delimiter(Some(&at)));
        let listed = listed.map_err(|e| self.objects.failure(folder, &e))?;
        let name = |path: &Path| path.filename().unwrap_or_default().to_owned();
        let folders = listed.common_prefixes.iter().map(|p| Entry { name: name(p), folder: true, bytes: 0 });
        let files = listed.objects.iter().map(|o| Entry { name: name(&o.location), folder: false, bytes: o.size });
        let mut found: Vec<Entry> = folders.chain(files).collect();
        found.sort();
        Ok(found)
    }

    fn is_empty(&self, folder: &str) -> Result<bool> {
        let at = format!("{}/", self.objects.path(folder)?);
        let options = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        let listed = self.runtime.block_on(self.objects.s3.list_paginated(Some(&at), options));
        Ok(listed.map_err(|e| self.objects.failure(folder, &e))?.result.objects.is_empty())
    }

    fn lock(&self) -> Result<Box<dyn Lock + '_>> {
        let lease = self.runtime.block_on(Lease::take(Arc::clone(&self.objects), LOCK))?;
        Ok(Box::new(Locked { bucket: self, renewing: lease.renewing(self.runtime.handle()), lease }))
    }

    fn check_writable(&self) -> Result<()> {
        self.runtime.block_on(Lease::prepare(&self.objects, LOCK))
    }
}

struct Locked<'a> {
    bucket: &'a Bucket,
    lease: Arc<Lease>,
    renewing: tokio::task::JoinHandle<()>,
}

impl Lock for Locked<'_> {
    fn check(&self) -> Result<()> {
        self.bucket.runtime.block_on(self.lease.renew())
    }

    fn sweep(&self) -> Result<()> {
        // Half an object is never seen.
        Ok(())
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.renewing.abort();
        self.bucket.runtime.block_on(self.lease.give_back());
    }
}

/// The objects below the models folder.
pub(super) struct Objects {
    s3: AmazonS3,
    root: Path,
    bucket: String,
    endpoint: String,
    anonymous: bool,
}

impl Objects {
    fn path(&self, path: &str) -> Result<Path> {
        let whole = format!("{}/{path}", self.root);
        Path::parse(whole.trim_matches('/')).map_err(|e| Error::Store(format!("{}: {e}", self.show(path))))
    }

    pub(super) fn show(&self, path: &str) -> String {
        let root = self.root.as_ref();
        let gap = if root.is_empty() { "" } else { "/" };
        format!("s3://{}/{root}{gap}{path}", self.bucket)
    }

    pub(super) async fn read(&self, path: &str) -> Result<Option<Current>> {
        let got = match self.s3.get(&self.path(path)?).await {
            Err(e @ Failure::NotFound { .. }) if !lacks_bucket(&e) => return Ok(None),
            got => got.map_err(|e| self.failure(path, &e))?,
        };
        let tag = got.meta.e_tag.clone();
        let bytes = got.bytes().await.map_err(|e| self.failure(path, &e))?;
        Ok(Some(Current { bytes: bytes.to_vec(), tag }))
    }

    /// The tag of what was written.
    pub(super) async fn put(&self, path: &str, bytes: &[u8], mode: PutMode) -> Result<Option<String>, Failure> {
        let at = Path::parse(format!("{}/{path}", self.root).trim_matches('/'))?;
        let mut attributes = Attributes::new();
        let kind = if path.ends_with(".json") { "application/json" } else { "application/octet-stream" };
        attributes.insert(Attribute::ContentType, kind.into());
        // As hosts should serve them (docs/formats/metadata.md), where the bucket is one.
        let immutable = path.starts_with("blobs/") || path.contains("/versions/");
        let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        attributes.insert(Attribute::CacheControl, cache.into());
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        Ok(self.s3.put_opts(&at, bytes.to_vec().into(), options).await?.e_tag)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        match self.s3.delete(&self.path(path)?).await {
            Err(Failure::NotFound { .. }) | Ok(()) => Ok(()),
            Err(e) => Err(self.failure(path, &e)),
        }
    }

    /// What went wrong, and what to do about it.
    pub(super) fn failure(&self, path: &str, failure: &Failure) -> Error {
        let (shown, bucket, endpoint) = (self.show(path), &self.bucket, &self.endpoint);
        Error::Store(match failure {
            Failure::NotFound { .. } => format!(
                "there is no bucket `{bucket}` at {endpoint}: create it, or check the address, AWS_REGION and \
                 AWS_ENDPOINT_URL"
            ),
            Failure::PermissionDenied { source, .. } | Failure::Unauthenticated { source, .. } => format!(
                "{shown}: access denied; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that they may get, \
                 put, delete and list objects there ({source})"
            ),
            other if self.anonymous => format!(
                "{shown}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which are not set; nothing else gave \
                 credentials ({other})"
            ),
            other => format!(
                "{shown}: {endpoint} cannot be used; check the network, AWS_ENDPOINT_URL and AWS_REGION, and try \
                 again ({other})"
            ),
        })
    }
}

/// Told by the service's own code: a bucket that is missing answers with 404, as an object does.
fn lacks_bucket(failure: &Failure) -> bool {
    failure.to_string().contains("NoSuchBucket")
}

/// Writes over what has this tag, and nothing else.
pub(super) fn over(tag: Option<String>) -> PutMode {
    PutMode::Update(UpdateVersion { e_tag: tag, version: None })
}
